// Stages that go over the spans more than once, and walks in which spans change what holds them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeRequest, encodeRequest } from '../../src/wire/reference/codec.ts';
import type { ExportTraceServiceRequest, KeyValue, Span } from '../../src/wire/reference/messages.ts';
import { rewriteOutcome } from '../../src/wire/rewriter.ts';
import { requestBytes } from './arbitraries.ts';
import { createStage, processor } from './chain-support.ts';

const last = 'test.last';
const count = 'test.count';
const seen = 'test.seen';

/** Each span writes its name to its resource and its number to its scope; those of an even number end here. */
const announcing = processor(
  'announcing',
  (stage) => {
    const [lastKey, countKey] = [stage.intern(last), stage.intern(count)];
    const counter = stage.dropCounter('even');
    const { span, resource, scope } = stage;
    let spans = 0;
    return {
      resource() {
        spans = 0;
      },
      span() {
        spans++;
        resource.attributes.set(lastKey, span.name);
        scope.attributes.set(countKey, BigInt(spans));
        if (spans % 2 === 0) span.drop(counter);
      },
    };
  },
  [
    { what: 'resource', from: 'span', writes: true },
    { what: 'scope', from: 'span', writes: true },
  ],
);

/** Each span gets what its resource says by then. */
const copying = processor(
  'copying',
  ({ span, resource, intern }) => {
    const [lastKey, seenKey] = [intern(last), intern(seen)];
    return {
      span() {
        const entry = resource.attributes.find(lastKey);
        span.attributes.set(seenKey, entry < 0 ? 'nothing' : resource.attributes.get(entry));
      },
    };
  },
  [{ what: 'resource', from: 'span', writes: false }],
);

/** At the last: the resource says that it was there, and the stage ends in a third walk. */
const marking = processor(
  'marking',
  ({ resource, intern }) => {
    const key = intern('test.marked');
    return { resource: () => resource.attributes.set(key, true) };
  },
  [{ what: 'resource', from: 'resource', writes: true }],
);

function set(attributes: KeyValue[], key: string, value: KeyValue['value']): void {
  const found = attributes.find((one) => one.key === key);
  if (found !== undefined) found.value = value ?? {};
  else attributes.push({ key, value: value ?? {}, keyStrindex: 0 });
}

/** What the three processors make of a request, on plain objects. */
function expected(request: ExportTraceServiceRequest): unknown[] {
  const spans: unknown[] = [];
  for (const {
    resource = { attributes: [], droppedAttributesCount: 0, entityRefs: [] },
    ...rest
  } of request.resourceSpans) {
    let number = 0;
    const kept: { scope: unknown; span: Span }[] = [];
    for (const {
      scope = { name: '', version: '', attributes: [], droppedAttributesCount: 0 },
      ...scoped
    } of rest.scopeSpans) {
      for (const span of scoped.spans) {
        number++;
        set(resource.attributes, last, { stringValue: span.name });
        set(scope.attributes, count, { intValue: BigInt(number) });
        if (number % 2 === 1) kept.push({ scope, span });
      }
    }
    const name = resource.attributes.find(({ key }) => key === last)?.value;
    for (const { span } of kept) set(span.attributes, seen, name);
    set(resource.attributes, 'test.marked', { boolValue: true });
    spans.push(...kept.map((one) => ({ resource, ...one })));
  }
  return spans;
}

const spansOf = (request: ExportTraceServiceRequest): unknown[] =>
  request.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) => spans.map((span) => ({ resource, scope, span }))),
  );

test('spans that change their resource and scope: what stands behind sees what the last of them left', () => {
  const stage = createStage([announcing, copying, marking]);
  let many = 0;
  fc.assert(
    fc.property(requestBytes, fc.integer({ min: 1, max: 5 }), (bytes, maxSpans) => {
      const { outcome, message, segments, spansIn, spansOut } = stage.run(bytes, { maxSpans });
      assert.equal(outcome, rewriteOutcome.written, message);
      const before = decodeRequest(bytes);
      assert.equal(spansIn, spansOf(before).length);
      const after = expected(before);
      if (after.length > 2) many++;
      assert.equal(spansOut, after.length);
      assert.deepEqual(
        segments.flatMap((segment) => spansOf(decodeRequest(segment.bytes))),
        after,
      );
      for (const { spans } of segments) assert.ok(spans <= maxSpans);
      assert.deepEqual(stage.counters(), [spansIn - spansOut]);
    }),
    { numRuns: 300 },
  );
  assert.ok(many > 20, `${many} requests with several spans`);
});

test('whatever the room, a request of several walks is written whole or leaves nothing, and no count', () => {
  const stage = createStage([announcing, copying, marking]);
  const spans = Array.from({ length: 9 }, (_, i) => ({ name: `span ${i}` }));
  const bytes = encodeRequest(decodeRequest(encodeRequest(requestOf(spans))));
  const whole = stage.run(bytes);
  assert.equal(whole.outcome, rewriteOutcome.written);
  stage.counters();
  let full = 0;
  for (let room = 0; room < 4 * whole.output.length; room += 7) {
    const { outcome, output } = stage.run(bytes, { room });
    if (outcome === rewriteOutcome.written) {
      assert.deepEqual(output, whole.output, `room ${room}`);
      assert.deepEqual(stage.counters(), [4]);
      continue;
    }
    full++;
    assert.equal(outcome, rewriteOutcome.full, `room ${room}`);
    assert.equal(output.length, 0);
    assert.deepEqual(stage.counters(), [0]);
  }
  assert.ok(full > 20, `${full} rooms were too small`);
});

test('a step of the second walk that throws refuses the request with all that the first walk counted', () => {
  const failing = processor(
    'failing',
    ({ span }) => ({
      span() {
        if (span.name === 'span 2') throw new Error('not this one');
      },
    }),
    [{ what: 'resource', from: 'span', writes: false }],
  );
  const stage = createStage([announcing, failing]);
  const bytes = encodeRequest(requestOf([{ name: 'span 0' }, { name: 'span 1' }, { name: 'span 2' }]));
  const { outcome, message, output } = stage.run(bytes);
  assert.deepEqual([outcome, message, output.length], [rewriteOutcome.failed, 'not this one', 0]);
  assert.deepEqual(stage.counters(), [0]);
  assert.equal(stage.chain.spansOfLast(), 3, 'of the request as it came');
  const fine = encodeRequest(requestOf([{ name: 'span 0' }, { name: 'span 1' }]));
  assert.equal(stage.run(fine).outcome, rewriteOutcome.written);
  assert.deepEqual(stage.counters(), [1]);
});

test('a resource that thousands of spans change needs no more memory than for one change', () => {
  const long = processor(
    'long',
    ({ span, resource, intern }) => {
      const key = intern(last);
      return { span: () => resource.attributes.set(key, span.name.padEnd(8000, '.')) };
    },
    [{ what: 'resource', from: 'span', writes: true }],
  );
  const stage = createStage([long]);
  const spans = Array.from({ length: 3000 }, (_, i) => ({ name: `span ${i}` }));
  const { outcome, message, output } = stage.run(encodeRequest(requestOf(spans)));
  assert.equal(outcome, rewriteOutcome.written, message);
  const [{ resource }] = decodeRequest(output).resourceSpans;
  assert.equal(resource?.attributes.find(({ key }) => key === last)?.value?.stringValue, 'span 2999'.padEnd(8000, '.'));
});

test('a scope of which no span is left does not change its resource', () => {
  const even = processor('even', (stage) => {
    const { span } = stage;
    const counter = stage.dropCounter('even');
    return { span: () => void (Number(span.name) % 2 === 0 && span.drop(counter)) };
  });
  const listing = processor(
    'listing',
    ({ resource, scope, intern }) => {
      const key = intern(last);
      return { scope: () => resource.attributes.set(key, scope.name) };
    },
    [
      { what: 'resource', from: 'scope', writes: true },
      { what: 'scope', from: 'scope', writes: false },
    ],
  );
  const request = requestOf([{ name: '1' }, { name: '2' }]);
  const [holder] = request.resourceSpans;
  const [left] = holder.scopeSpans;
  const gone = { ...left, scope: { ...left.scope, name: 'gone' }, spans: [left.spans[1]] };
  const sent = encodeRequest({ resourceSpans: [{ ...holder, scopeSpans: [left, gone] }] } as ExportTraceServiceRequest);
  const { outcome, output } = createStage([even, listing]).run(sent);
  assert.equal(outcome, rewriteOutcome.written);
  const [{ resource, scopeSpans }] = decodeRequest(output).resourceSpans;
  assert.deepEqual([resource?.attributes[0].value?.stringValue, scopeSpans.length], ['test', 1]);
});

function requestOf(spans: readonly Partial<Span>[]): ExportTraceServiceRequest {
  const id = (size: number): Uint8Array => new Uint8Array(size).fill(7);
  const whole = spans.map(
    (fields): Span => ({
      traceId: id(16),
      spanId: id(8),
      traceState: '',
      parentSpanId: id(8),
      flags: 0,
      name: '',
      kind: 0,
      startTimeUnixNano: 1n,
      endTimeUnixNano: 2n,
      attributes: [],
      droppedAttributesCount: 0,
      events: [],
      droppedEventsCount: 0,
      links: [],
      droppedLinksCount: 0,
      ...fields,
    }),
  );
  return {
    resourceSpans: [
      {
        resource: { attributes: [], droppedAttributesCount: 0, entityRefs: [] },
        scopeSpans: [
          {
            scope: { name: 'test', version: '', attributes: [], droppedAttributesCount: 0 },
            spans: whole,
            schemaUrl: '',
          },
        ],
        schemaUrl: '',
      },
    ],
  };
}
