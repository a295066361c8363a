import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type BatchRequest,
  type BatchSpan,
  createBatcher,
  createTurns,
  partsOf,
} from '../../../../loadgen/corpus/batching.ts';
import type { SpanShape } from '../../../../loadgen/corpus/shape.ts';
import { toyResources, toyScopes, toyTrace } from './toy-traces.ts';

interface TestSpan extends BatchSpan {
  readonly trace: number;
  readonly delayNs: number;
}

const [template] = toyTrace({ spans: 1 }, 0).spans;
const sizes = { request: 20, resource: 30, scope: 10 } as const;

function shapeOf(resource: number, scope: number, endNs: number): SpanShape {
  return { ...template, resource: toyResources[resource], scope: toyScopes[scope], startNs: 0, endNs };
}

/** A trace as `[resource, scope, endNs, bytes]` of each span. */
const traceOf = fc.array(
  fc.tuple(
    fc.nat({ max: toyResources.length - 1 }),
    fc.nat({ max: toyScopes.length - 1 }),
    fc.nat({ max: 400 }),
    fc.integer({ min: 1, max: 150 }),
  ),
  { minLength: 1, maxLength: 12 },
);

const batchings = fc.record({
  traces: fc.array(traceOf, { maxLength: 25 }),
  by: fc.constantFrom('service' as const, 'agent' as const),
  flushNs: fc.constantFrom(0, 50, 100),
  bytes: fc.integer({ min: 1, max: 800 }),
  spans: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
});

type Batching = typeof batchings extends fc.Arbitrary<infer T> ? T : never;

interface Batched {
  readonly added: readonly TestSpan[];
  readonly requests: readonly BatchRequest<TestSpan>[];
  /** The numbers of spans that were drawn for the requests, in the order in which they were asked for. */
  readonly drawn: readonly number[];
}

/** When a span leaves, as the contract says it: at the end of the interval in which it ended. */
function leaveOf(endNs: number, flushNs: number, lastEnd: number): number {
  if (flushNs === 0) return lastEnd;
  let end = flushNs;
  while (end <= endNs) end += flushNs;
  return end;
}

function batch({ traces, by, flushNs, bytes, spans }: Batching): Batched {
  const requests: BatchRequest<TestSpan>[] = [];
  const drawn: number[] = [];
  const batcher = createBatcher<TestSpan>(
    {
      export: { by, bytes },
      nextSpans: () => {
        drawn.push(spans[drawn.length % spans.length]);
        return drawn[drawn.length - 1];
      },
      requestBytes: sizes.request,
      resourceBytes: () => sizes.resource,
      scopeBytes: () => sizes.scope,
    },
    (request) => requests.push(request),
  );
  const added = traces.flatMap((trace, index) => {
    const lastEnd = Math.max(...trace.map(([, , endNs]) => endNs));
    const leaves = trace.map(([, , endNs]) => leaveOf(endNs, flushNs, lastEnd));
    const all = trace.map(([resource, scope, endNs, size], i) => ({
      shape: shapeOf(resource, scope, endNs),
      bytes: size,
      trace: index,
      delayNs: leaves[i] - Math.min(...leaves),
    }));
    batcher.add(partsOf(all, flushNs));
    return all;
  });
  const waiting = batcher.waiting();
  const full = requests.length;
  batcher.finish();
  assert.equal(requests.length, full + waiting);
  assert.equal(batcher.waiting(), 0);
  return { added, requests, drawn };
}

function spansOf(request: BatchRequest<TestSpan>): TestSpan[] {
  return [...request.groups.values()].flatMap((scopes) => [...scopes.values()].flat());
}

function bytesOf(request: BatchRequest<TestSpan>): number {
  let bytes: number = sizes.request;
  for (const scopes of request.groups.values()) bytes += sizes.resource + scopes.size * sizes.scope;
  return spansOf(request).reduce((sum, span) => sum + span.bytes, bytes);
}

test('every span that is added leaves in exactly one request', () => {
  fc.assert(
    fc.property(batchings, (batching) => {
      const { added, requests } = batch(batching);
      const left = requests.flatMap(spansOf);
      assert.equal(left.length, added.length);
      assert.deepEqual(new Set(left), new Set(added));
      for (const request of requests) assert.equal(request.spanCount, spansOf(request).length);
    }),
  );
});

test('a span leaves as much later as the end of its interval is later than that of the first part', () => {
  fc.assert(
    fc.property(batchings, (batching) => {
      for (const request of batch(batching).requests) {
        for (const span of spansOf(request)) assert.equal(span.delayNs, request.delayNs);
      }
    }),
  );
});

test('requests are no larger than the limits, but for a single span that is', () => {
  fc.assert(
    fc.property(batchings, (batching) => {
      const { requests } = batch(batching);
      for (const request of requests) {
        assert.ok(request.spanCount <= Math.max(...batching.spans));
        assert.ok(bytesOf(request) <= batching.bytes || request.spanCount === 1);
      }
    }),
  );
});

test('where bytes do not matter, each request but the last of its queue has exactly the number of spans drawn for it', () => {
  fc.assert(
    fc.property(batchings, (batching) => {
      const { added, requests, drawn } = batch({ ...batching, bytes: 1e9, by: 'agent', flushNs: 0 });
      assert.equal(drawn.length, requests.length);
      assert.deepEqual(
        requests.slice(0, -1).map(({ spanCount }) => spanCount),
        drawn.slice(0, -1),
      );
      // One queue: traces stay in their order, and so do the spans of each, by their ends.
      const order = requests.map((request) => spansOf(request).map(({ trace }) => trace));
      for (const [i, traces] of order.entries()) {
        for (const next of order[i + 1] ?? []) assert.ok(Math.max(...traces) <= next);
      }
      assert.ok(requests.length > 0 || added.length === 0);
    }),
  );
});

test('by service, a request has one resource; within a request spans are grouped by resource and scope', () => {
  fc.assert(
    fc.property(batchings, (batching) => {
      for (const request of batch(batching).requests) {
        if (batching.by === 'service') assert.equal(request.groups.size, 1);
        for (const [resource, scopes] of request.groups) {
          for (const [scope, spans] of scopes) {
            assert.ok(spans.length > 0);
            for (const { shape } of spans) assert.ok(shape.resource === resource && shape.scope === scope);
          }
        }
      }
    }),
  );
});

test('the spans of a part stand in the order in which they ended', () => {
  const spans = [300, 100, 200, 100].map((endNs, i) => ({ shape: shapeOf(0, 0, endNs), bytes: i }));
  const order = (flushNs: number) =>
    partsOf(spans, flushNs).map(({ leaveNs, spans: part }) => [leaveNs, part.map(({ bytes }) => bytes)]);
  assert.deepEqual(order(0), [[300, [1, 3, 2, 0]]]);
  assert.deepEqual(order(150), [
    [150, [1, 3]],
    [300, [2]],
    [450, [0]],
  ]);
});

test('sources get spans in proportion to their weights, whatever the sizes of their traces', () => {
  const weights = [5, 1, 0, 14];
  const traceSpans = [3, 50, 10, 17];
  const turns = createTurns(weights);
  const had = weights.map(() => 0);
  let all = 0;
  while (all < 100_000) {
    const next = turns.next();
    turns.count(next, traceSpans[next]);
    had[next] += traceSpans[next];
    all += traceSpans[next];
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  for (const [i, weight] of weights.entries()) {
    assert.ok(Math.abs(had[i] - (all * weight) / total) <= 2 * Math.max(...traceSpans), `source ${i} had ${had[i]}`);
  }
});

test('what leaves later than the first part of a trace stands in no request before some of that part', () => {
  fc.assert(
    fc.property(batchings, (batching) => {
      const begun = new Set<number>();
      for (const request of batch(batching).requests) {
        for (const { trace, delayNs } of spansOf(request)) {
          if (delayNs === 0) begun.add(trace);
          assert.ok(begun.has(trace));
        }
      }
    }),
  );
});
