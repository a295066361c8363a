// What traces are drawn from a topology: who is whose child, when, how many, and who fails.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpanShape, TraceShape } from '../../../../loadgen/corpus/shape.ts';
import { attribute, first, named, profileText, tracesOf } from './small-profiles.ts';

const failed = (span: SpanShape): boolean => span.status.code === 2;
const duration = (span: SpanShape): number => span.endNs - span.startNs;
const part = (traces: readonly TraceShape[], test: (trace: TraceShape) => boolean): number =>
  traces.filter(test).length / traces.length;
const about = (found: number, expected: number): void =>
  assert.ok(Math.abs(found - expected) < 0.07, `${found} is not about ${expected}`);

/** A root with these children; `leaf`, `other` and `bad` (which always fails) take 10ms. */
const withChildren = (children: object[], root: object = {}): string =>
  profileText({
    root: { duration: '40ms', children, ...root },
    leaf: { duration: '10ms' },
    other: { duration: '10ms' },
    bad: { duration: '10ms', error: { rate: 1 } },
  });

test('children in sequence follow one another, and their parent takes their time and its own', () => {
  const children = [
    { span: 'leaf', count: 2 },
    { span: 'other', gap: '5ms' },
  ];
  for (const trace of tracesOf(withChildren(children), 50)) {
    const [root, ...rest] = trace.spans;
    assert.ok(root);
    assert.equal(duration(root), 75e6);
    assert.deepEqual(
      rest.map(({ name }) => name),
      ['leaf', 'leaf', 'other'],
    );
    let last = root.startNs;
    for (const span of rest) {
      assert.equal(span.parent, root);
      assert.ok(span.startNs > last, "some of the parent's own time lies before each");
      assert.equal(duration(span), 10e6);
      last = span.endNs;
    }
    assert.ok(first(named(trace, 'other')).startNs - (rest[1]?.endNs ?? 0) > 5e6);
    assert.ok(last < root.endNs);
  }
});

test('parallel children start together, those of several entries in a row too', () => {
  const children = [
    { span: 'leaf', count: 3, run: 'parallel' },
    { span: 'other', run: 'parallel', gap: '2ms' },
    { span: 'leaf' },
  ];
  for (const trace of tracesOf(withChildren(children), 20)) {
    const [a, b, c, alone] = named(trace, 'leaf');
    const [other] = named(trace, 'other');
    assert.ok(a && b && c && alone && other);
    assert.deepEqual([b.startNs, c.startNs, other.startNs], [a.startNs, a.startNs, a.startNs + 2e6]);
    assert.ok(alone.startNs > other.endNs);
    assert.equal(duration(first(trace.spans)), 62e6);
  }
});

test("async children start in turn, and neither their time nor their errors are their parent's", () => {
  const children = [{ span: 'bad', run: 'async', gap: '100ms', otherwise: [{ span: 'leaf' }] }, { span: 'other' }];
  const text = withChildren(children, { error: { from_children: true } });
  for (const trace of tracesOf(text, 20)) {
    const root = first(trace.spans);
    const bad = first(named(trace, 'bad'));
    assert.equal(duration(root), 50e6);
    assert.ok(bad.startNs > root.endNs && bad.startNs - 100e6 < first(named(trace, 'other')).startNs);
    assert.equal(first(named(trace, 'leaf')).startNs, bad.endNs);
    assert.ok(!failed(root));
  }
});

test('otherwise happens after the last attempt when that failed, and a success mends the error', () => {
  const outcome = (children: object[]) => {
    const trace = first(tracesOf(withChildren(children, { error: { from_children: true, message: 'upstream' } }), 1));
    return [
      trace.spans
        .slice(1)
        .map(({ name }) => name)
        .join(' '),
      first(trace.spans).status,
    ] as const;
  };
  const error = { code: 2, message: 'upstream' };
  const fine = { code: 0, message: '' };
  assert.deepEqual(outcome([{ span: 'leaf', otherwise: [{ span: 'other' }] }]), ['leaf', fine]);
  assert.deepEqual(outcome([{ span: 'bad' }, { span: 'leaf' }]), ['bad leaf', error]);
  assert.deepEqual(outcome([{ span: 'bad', otherwise: [{ span: 'other' }] }]), ['bad other', fine]);
  assert.deepEqual(outcome([{ span: 'bad', otherwise: [{ span: 'bad' }] }]), ['bad bad', error]);
  assert.deepEqual(outcome([{ span: 'bad', otherwise: [{ span: 'bad', otherwise: [{ span: 'leaf' }] }] }]), [
    'bad bad leaf',
    fine,
  ]);
  assert.deepEqual(outcome([{ span: 'bad', otherwise: [{ span: 'leaf', chance: 0 }] }]), ['bad', error]);
});

test('without from_children a span does not fail with its children', () => {
  const trace = first(tracesOf(withChildren([{ span: 'bad' }]), 1));
  assert.deepEqual(trace.spans.map(failed), [false, true]);
});

test("error attributes are added, or take the place of the span's; the message and the status follow", () => {
  const request = {
    status: 'ok',
    attributes: { 'http.response.status_code': 200, route: '/a' },
    error: {
      rate: 0.3,
      message: { pattern: 'no {attr:route}: {attr:error.type}' },
      attributes: { 'http.response.status_code': 503, 'error.type': 'timeout' },
    },
  };
  const traces = tracesOf(profileText({ request }), 400);
  about(
    part(traces, (trace) => failed(first(trace.spans))),
    0.3,
  );
  for (const { spans } of traces) {
    const span = first(spans);
    const seen = [span.status.code, span.status.message, span.attributes];
    const code = 'http.response.status_code';
    if (failed(span))
      assert.deepEqual(seen, [
        2,
        'no /a: timeout',
        [
          [code, 503],
          ['route', '/a'],
          ['error.type', 'timeout'],
        ],
      ]);
    else
      assert.deepEqual(seen, [
        1,
        '',
        [
          [code, 200],
          ['route', '/a'],
        ],
      ]);
  }
});

test('chance and count decide how often an entry happens, and one_of which span it is', () => {
  const children = [
    { span: 'leaf', chance: 0.3, count: 2 },
    { one_of: { other: 3, bad: 1 }, count: '0..1' },
  ];
  const traces = tracesOf(withChildren(children), 800);
  about(
    part(traces, (trace) => named(trace, 'leaf').length === 2),
    0.3,
  );
  about(
    part(traces, (trace) => named(trace, 'leaf').length === 1),
    0,
  );
  about(
    part(traces, (trace) => named(trace, 'other').length === 1),
    0.375,
  );
  about(
    part(traces, (trace) => named(trace, 'bad').length === 1),
    0.125,
  );
});

test('a span that aborts stops at a random share: of its children, its own time and its spread events', () => {
  const root = {
    error: { rate: 1, aborts: true },
    events: [
      { name: 'chunk', count: 100 },
      { name: 'begin', at: 'start' },
      { name: 'gone', at: 'end' },
    ],
  };
  const traces = tracesOf(withChildren([{ span: 'leaf', count: 9 }], root), 300);
  const seen = new Map<number, number>();
  for (const trace of traces) {
    const root = first(trace.spans);
    const leaves = named(trace, 'leaf').length;
    const own = duration(root) - leaves * 10e6;
    const chunks = root.events.filter(({ name }) => name === 'chunk').length;
    seen.set(leaves, (seen.get(leaves) ?? 0) + 1);
    assert.ok(Math.abs(own / 40e6 - leaves / 10) <= 0.1 + 1e-6, `${own} ns, ${leaves} leaves`);
    assert.ok(Math.abs(own / 40e6 - chunks / 100) <= 0.005 + 1e-6);
    assert.deepEqual([root.events[0]?.name, root.events.at(-1)?.name], ['begin', 'gone']);
  }
  assert.equal(seen.size, 10);
});

test("events lie at the start, at the end, or in order over the span's own time", () => {
  const root = {
    events: [
      { name: 'end', at: 'end' },
      { name: 'token', count: 40 },
      { name: 'start', at: 'start' },
      { name: 'only-ok', at: 'start', when: 'ok' },
      { name: 'only-error', at: 'start', when: 'error' },
    ],
  };
  for (const trace of tracesOf(withChildren([{ span: 'leaf' }, { span: 'other' }], root), 20)) {
    const { events, startNs, endNs } = first(trace.spans);
    assert.deepEqual(
      events.map(({ name }) => name),
      ['start', 'only-ok', ...Array(40).fill('token'), 'end'],
    );
    assert.equal(events[0]?.atNs, startNs);
    assert.equal(events.at(-1)?.atNs, endNs);
    const tokens = events.filter(({ name }) => name === 'token').map(({ atNs }) => atNs);
    const inside = trace.spans
      .slice(1)
      .flatMap((child) => tokens.filter((at) => at > child.startNs && at < child.endNs));
    assert.deepEqual(inside, [], 'while a child runs, the span itself does nothing');
    // One in each fortieth of 40 ms, so that neighbours are less than two of them apart.
    const idle = (at: number) => trace.spans.slice(1).filter(({ endNs }) => endNs <= at).length * 10e6;
    const own = tokens.map((at) => at - idle(at));
    assert.ok(
      own.every((at, i) => Math.floor(at / 1e6) === i),
      String(own),
    );
  }
});

test("events of a span without time of its own are spread over its children's", () => {
  const root = { duration: '0s', events: [{ name: 'token', count: 10 }] };
  const { events, endNs } = first(first(tracesOf(withChildren([{ span: 'leaf' }], root), 1)).spans);
  assert.equal(endNs, 10e6);
  assert.ok(events.every(({ atNs }, i) => Math.floor(atNs / 1e6) === i));
});

test('links lead to different spans that started earlier', () => {
  const children = [
    { span: 'leaf', count: 5 },
    { span: 'linked', count: 2 },
  ];
  const text = profileText({ root: { links: 3, children }, leaf: { duration: '1ms' }, linked: { links: '2..20' } });
  const seen = new Set<number>();
  for (const { spans } of tracesOf(text, 50)) {
    for (const [i, span] of spans.entries()) {
      const targets = span.links.map(({ to }) => spans.indexOf(to));
      assert.ok(targets.every((target) => target >= 0 && target < i));
      assert.equal(new Set(targets).size, targets.length);
      if (span.name === 'linked') seen.add(targets.length);
      else assert.equal(targets.length, 0);
    }
  }
  assert.deepEqual(
    [...seen].sort((a, b) => a - b),
    [2, 3, 4, 5, 6, 7],
  );
});

test('children of the same program run in its instance, unless they ask for a new one', () => {
  const text = profileText(
    {
      root: {
        children: [
          { span: 'same', count: 4 },
          { span: 'same', instance: 'new', count: 4 },
          { span: 'remote', count: 4 },
        ],
      },
      same: { scope: { name: 'own', version: '2' } },
      remote: { resource: 'far' },
      twin: { scope: { name: 'own', version: '2' } },
    },
    {
      resources: {
        app: { scope: { name: 'lib' }, instances: 50 },
        far: { scope: { name: 'lib' }, instances: 50, attributes: { host: 'far' }, schema_url: 'urn:far' },
      },
    },
  );
  for (const trace of tracesOf(text, 20)) {
    const root = first(trace.spans);
    const [same, other] = [named(trace, 'same').slice(0, 4), named(trace, 'same').slice(4)];
    assert.ok(same.every(({ resource }) => resource === root.resource));
    assert.ok(new Set(other.map(({ resource }) => resource)).size > 1);
    const remote = named(trace, 'remote');
    assert.ok(new Set(remote.map(({ resource }) => resource)).size > 1);
    assert.deepEqual(remote[0]?.resource, { attributes: [['host', 'far']], schemaUrl: 'urn:far' });
    assert.equal(remote[0]?.scope, root.scope, 'equal scopes are one object');
    assert.deepEqual(same[0]?.scope, { name: 'own', version: '2', attributes: [], schemaUrl: '' });
  }
});

test("names and kinds are the profile's; a span without a name is called by its key", () => {
  const spans = {
    request: {
      name: { pattern: '{attr:verb} /' },
      kind: 'server',
      attributes: { verb: 'GET' },
      children: [{ span: 'step' }],
    },
    step: { kind: 'consumer' },
  };
  const trace = first(tracesOf(profileText(spans), 1));
  assert.deepEqual(
    trace.spans.map(({ name, kind }) => [name, kind]),
    [
      ['GET /', 2],
      ['step', 5],
    ],
  );
});

test('an async child that fails in the end does not fail its parent', () => {
  const text = withChildren([{ span: 'bad', run: 'async' }, { span: 'leaf' }], { error: { from_children: true } });
  assert.deepEqual(first(tracesOf(text, 1)).spans.map(failed).sort(), [false, false, true]);
});

test('events and errors of a span are drawn from its own attributes, whatever its children have', () => {
  const own = {
    attributes: { who: 'parent', sizes: { list: { index_from: 0 }, count: 3 }, attempt: { index_from: 0 } },
    events: [{ name: 'e', at: 'end', attributes: { of: { attr: 'who' } } }],
    error: { rate: 1, message: { attr: 'who' }, attributes: { said: { attr: 'who' }, above: { parent: 'who' } } },
  };
  const child = { ...own, attributes: { ...own.attributes, who: 'child' } };
  const text = profileText({
    top: { ...own, children: [{ span: 'parent' }] },
    parent: { ...own, children: [{ span: 'child' }] },
    child,
  });
  const trace = first(tracesOf(text, 1));
  const [, parent, leaf] = trace.spans;
  assert.ok(parent && leaf);
  assert.deepEqual([parent.status.message, leaf.status.message], ['parent', 'child']);
  assert.deepEqual([parent.events[0]?.attributes, leaf.events[0]?.attributes], [[['of', 'parent']], [['of', 'child']]]);
  for (const span of [parent, leaf]) {
    assert.equal(attribute(span, 'above'), 'parent');
    assert.equal(attribute(span, 'attempt'), 0);
  }
});
