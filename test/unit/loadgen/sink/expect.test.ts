import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FreshCondition } from '../../../../loadgen/sink/drop-conditions.ts';
import { createExpectation, outcome } from '../../../../loadgen/sink/expect.ts';
import { readExpectations } from '../../../../loadgen/sink/expect-schema.ts';
import { decodeRequest } from '../../../../src/wire/reference/codec.ts';
import type { AnyValue, Span } from '../../../../src/wire/reference/messages.ts';
import { checking, copyOf, firstOf, later, ownCorpus, request, sent } from './fixture.ts';

function expectationOf(yaml: string) {
  const { config, issues } = readExpectations('expect.yaml', yaml);
  assert.deepEqual(issues, []);
  assert.ok(config !== null);
  return createExpectation(config, copyOf(ownCorpus));
}

interface Sent {
  readonly span: Span;
  readonly service: string;
}

/** The spans of the first requests by number, in the order in which they stand there. */
const spans: readonly Sent[] = Array.from({ length: 300 }, (_, k) => decodeRequest(request(k)))
  .flatMap(({ resourceSpans }) => resourceSpans)
  .flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap((scope) =>
      scope.spans.map((span) => ({ span, service: resource?.attributes[0].value?.stringValue ?? '' })),
    ),
  );

const attribute = (span: Span, key: string): AnyValue | undefined =>
  span.attributes.find((each) => each.key === key)?.value;

const conditions: readonly [yaml: string, matches: (each: Sent) => boolean][] = [
  ['{ name: span 2 }', ({ span }) => span.name === 'span 2'],
  // The name of a rich span has nine fresh digits, and only rich ones have the attribute `empty`.
  [
    '{ name: { matches: "^span [3-5]" }, attributes: { empty: { exists: false } } }',
    ({ span }) => /^span [3-5]/.test(span.name),
  ],
  ['{ name: { matches: "GET" }, attributes: { empty: { exists: false } } }', () => false],
  ['{ name: GET /12345678 }', () => false],
  ['{ name: GOT /123456789 }', () => false],
  ['{ kind: server }', ({ span }) => span.kind === 2],
  ['{ service: b }', ({ service }) => service === 'b'],
  ['{ service: { matches: "[bc]" }, kind: client }', ({ span, service }) => /[bc]/.test(service) && span.kind === 3],
  ['{ attributes: { id: toy/1/0 } }', ({ span }) => attribute(span, 'id')?.stringValue === 'toy/1/0'],
  [
    '{ attributes: { id: { matches: "/3$" } } }',
    ({ span }) => attribute(span, 'id')?.stringValue?.endsWith('/3') === true,
  ],
  ['{ attributes: { longer: { exists: true } } }', ({ span }) => attribute(span, 'longer') !== undefined],
  ['{ attributes: { longer: { exists: false } } }', ({ span }) => attribute(span, 'longer') === undefined],
  ['{ attributes: { negative: -1 } }', ({ span }) => attribute(span, 'negative') !== undefined],
  ['{ attributes: { whole: 3 } }', ({ span }) => attribute(span, 'whole') !== undefined],
  ['{ attributes: { double: 0.1, yes: true, no: false } }', ({ span }) => attribute(span, 'double') !== undefined],
  ['{ attributes: { yes: "true" } }', () => false],
  ['{ attributes: { list: { matches: "" } } }', () => false],
  ['{ attributes: { request: { exists: true } } }', () => true],
  ['{ attributes: { request: 17 } }', () => false],
];

for (const [yaml, matches] of conditions) {
  test(`dropped: ${yaml}`, () => {
    const { dropped } = expectationOf(`dropped: [${yaml}]`);
    const expected = spans.map((each) => (matches(each) ? 1 : 0));
    assert.deepEqual([...dropped.subarray(0, spans.length)], expected);
  });
}

test('a span is dropped that matches any entry', () => {
  const { dropped, outcomes } = expectationOf('dropped: [{ name: span 2 }, { kind: server }]');
  assert.deepEqual(
    [...dropped.subarray(0, spans.length)],
    spans.map(({ span }) => (span.name === 'span 2' || span.kind === 2 ? 1 : 0)),
  );
  assert.equal(outcomes(5), dropped);
});

const undecided: readonly [yaml: string, place: string][] = [
  // By chance the same in many rounds, or in all: what counts is that it looks.
  ['dropped:\n  - name: { matches: "GET /.*7$" }', '2:5 CONFIG_VALUE expect.dropped[0].name: '],
  ['dropped:\n  - name: { matches: "^GET" }', '2:5 CONFIG_VALUE expect.dropped[0].name: '],
  ['dropped:\n  - name: GET /123456789', '2:11 CONFIG_VALUE expect.dropped[0].name: '],
  [
    'dropped:\n  - { kind: server }\n  - attributes: { yes: true, request: { matches: "^[0-9a-f]{24}-" } }',
    '3:30 CONFIG_VALUE expect.dropped[1].attributes.request: ',
  ],
  [
    'dropped: [{ attributes: { request: 0123456789abcdef01234567-01234567 } }]',
    '1:36 CONFIG_VALUE expect.dropped[0].attributes.request: ',
  ],
];

for (const [yaml, place] of undecided) {
  test(`refused, for it depends on a text that is fresh in every round: ${JSON.stringify(yaml)}`, () => {
    const read = readExpectations('expect.yaml', yaml);
    assert.ok(read.config !== null);
    let found = '';
    try {
      createExpectation(read.config, copyOf(ownCorpus));
    } catch (error) {
      assert.ok(error instanceof FreshCondition);
      const { line, column, code, message } = read.issueAt(error.path, error.message);
      found = `${line}:${column} ${code} ${message}`;
    }
    assert.equal(
      found,
      `${place}depends on a text that is different in every span, and whether a span is dropped must not`,
    );
  });
}

test('a span that another entry drops for certain may be looked at', () => {
  const { dropped } = expectationOf(
    'dropped: [{ attributes: { request: { matches: "^0" } } }, { attributes: { id: { exists: true } } }]',
  );
  assert.ok(!dropped.includes(0));
});

test('the sampler decides by trace, anew in every round, after the filter', () => {
  const expectation = expectationOf('dropped: [{ name: span 2 }]\nsampling: { percentage: 40, hash_seed: 22 }');
  const rounds = [0, 1, 2].map((round) => expectation.outcomes(round).slice());
  for (const outcomes of rounds) {
    const byTrace = new Map<number, Set<number>>();
    for (let ordinal = 0; ordinal < 5000; ordinal++) {
      const becomes = outcomes[ordinal];
      assert.equal(becomes === outcome.dropped, expectation.dropped[ordinal] === 1);
      if (becomes === outcome.dropped) continue;
      const trace = ownCorpus.traceOf[ordinal];
      byTrace.set(trace, (byTrace.get(trace) ?? new Set()).add(becomes));
    }
    assert.ok([...byTrace.values()].every((seen) => seen.size === 1));
    const kept = [...byTrace.values()].filter((seen) => seen.has(outcome.arrives)).length;
    assert.ok(Math.abs(kept / byTrace.size - 0.4) < 0.06, `${kept} of ${byTrace.size}`);
  }
  assert.notDeepEqual(rounds[0], rounds[1]);
  assert.equal(expectation.rules.writesTraceState, true);
});

test('rules of keys reach the check', () => {
  const { rules } = expectationOf(`
spans: { removed: [tokens, 'lon*'], added: { env: production, n: 1, x: 1.5, on: true, any: { exists: true } }, changed: [id] }
resources: { changed: ['process.*'] }
`);
  const { attributes, resources, scopes, events } = rules;
  assert.deepEqual(['tokens', 'token', 'long', 'longer', 'along'].map(attributes.removed), [
    true,
    false,
    true,
    true,
    false,
  ]);
  assert.deepEqual(['id', 'idx'].map(attributes.changed), [true, false]);
  assert.deepEqual(
    [...attributes.added].map(([key, value]) => [key, value?.toString('hex') ?? null]),
    [
      ['env', '0a0a70726f64756374696f6e'],
      ['n', '1801'],
      ['x', '21000000000000f83f'],
      ['on', '1001'],
      ['any', null],
    ],
  );
  assert.ok(resources.changed('process.pid') && !resources.changed('processes'));
  assert.ok(scopes.none && events.none);
  const { arrivals } = checking(rules);
  arrivals.take(request(0), later, 0);
  const [first] = arrivals.oddities().altered;
  assert.deepEqual(first, { number: firstOf(0), what: 'attribute tokens: not removed' });
});

test('an empty file expects nothing to be done', () => {
  for (const yaml of ['', '{}', '# nothing\n', 'dropped:\nspans:\n']) {
    const { rules, dropped } = expectationOf(yaml);
    assert.ok(rules.attributes.none && !rules.writesTraceState && !dropped.includes(1), JSON.stringify(yaml));
    assert.equal(dropped.length, sent.spans);
  }
});

const wrong: readonly [yaml: string, issues: readonly string[]][] = [
  ['droped: []', ['1:1 CONFIG_UNKNOWN_KEY expect: unknown key "droped"; did you mean "dropped"?']],
  [
    'dropped:\n  - {}',
    ['2:5 CONFIG_VALUE expect.dropped[0]: must have a condition: name, kind, service or attributes'],
  ],
  [
    'dropped:\n  - name: { matches: "a(" }',
    ['2:22 CONFIG_REGEXP expect.dropped[0].name.matches: missing closing ); found the string "a("'],
  ],
  [
    'dropped:\n  - kind: servr',
    [
      '2:11 CONFIG_VALUE expect.dropped[0].kind: expected one of unspecified, internal, server, client, producer, consumer, found the string "servr"; did you mean "server"?',
    ],
  ],
  [
    'spans: { removed: user.email }',
    ['1:19 CONFIG_TYPE expect.spans.removed: expected a list, found the string "user.email"'],
  ],
  [
    'spans: { added: { a: { exists: false } } }',
    ['1:32 CONFIG_VALUE expect.spans.added.a.exists: expected true, found the boolean false'],
  ],
  ['sampling: {}', ['1:1 CONFIG_MISSING expect.sampling.percentage: is required: a number']],
  [
    'sampling: { percentage: -1 }',
    ['1:25 CONFIG_VALUE expect.sampling.percentage: must be at least 0; found the number -1'],
  ],
  [
    'sampling: { percentage: 1e-20 }',
    [
      '1:25 CONFIG_VALUE expect.sampling.percentage: must be 0, or large enough that one of 2^56 spans is kept; found the number 1e-20',
    ],
  ],
  ['a: [', ['1:5 CONFIG_SYNTAX']],
];

for (const [yaml, expected] of wrong) {
  test(`refused with positions: ${JSON.stringify(yaml)}`, () => {
    const { config, issues } = readExpectations('expect.yaml', yaml);
    assert.equal(config, null);
    const shown = issues.map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`);
    assert.deepEqual(
      shown.map((text, i) => text.slice(0, expected[i]?.length)),
      expected,
    );
  });
}
