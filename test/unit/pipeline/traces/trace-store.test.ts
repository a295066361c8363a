// What a stage that holds traces promises: nothing is lost and nothing comes twice, a trace goes on whole, in the order in which
// traces began, and what is held stays within its bounds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pino } from 'pino';
import type { StageRequest } from '../../../../src/pipeline/stage-request.ts';
import { TraceStore } from '../../../../src/pipeline/traces/trace-store.ts';
import { createMemory, viewsOf } from '../../../../src/wire/memory.ts';
import { decodeRequest, encodeRequest } from '../../../../src/wire/reference/codec.ts';
import type { ExportTraceServiceRequest, Span } from '../../../../src/wire/reference/messages.ts';
import { RunTable } from '../../../../src/wire/run-table.ts';
import { Arena, Slab } from '../../../../src/workers/arena.ts';
import { request } from '../../../wire/arbitraries.ts';
import { processor } from '../../../wire/chain-support.ts';
import { createHoldingBench, type HoldingBench } from './holding-bench.ts';

const log = pino({ level: 'silent' });

interface SpanOfTrace {
  readonly trace: number;
  readonly span: number;
}

/** Each span with what holds it, and nothing of the order. */
function spansOf(decoded: readonly ExportTraceServiceRequest[]): { holder: unknown; span: Span }[] {
  return decoded
    .flatMap(({ resourceSpans }) => resourceSpans)
    .flatMap(({ scopeSpans, ...resource }) =>
      scopeSpans.flatMap(({ spans, ...scope }) => spans.map((span) => ({ holder: { resource, scope }, span }))),
    )
    .sort((a, b) => Buffer.compare(a.span.spanId, b.span.spanId));
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function idOf(length: number, n: number): Uint8Array {
  const id = Buffer.alloc(length);
  id.writeUInt32BE(n, length - 4);
  return Uint8Array.from(id);
}

let spanNumber = 0;
/** As drawn, with span ids of its own each, and trace ids of so many traces; trace 0 has none. */
function renamed(drawn: ExportTraceServiceRequest, traces: number): ExportTraceServiceRequest {
  const resourceSpans = drawn.resourceSpans.map((resource) => ({
    ...resource,
    scopeSpans: resource.scopeSpans.map((scope) => ({
      ...scope,
      spans: scope.spans.map((span) => {
        const trace = (spanNumber++ * 7919) % traces;
        const traceId = trace === 0 ? new Uint8Array(0) : idOf(16, trace);
        return { ...span, spanId: idOf(8, spanNumber), traceId };
      }),
    })),
  }));
  return { ...drawn, resourceSpans };
}

/** Spans with about `bytes` bytes each, of one resource. */
function plain(spans: readonly SpanOfTrace[], bytes = 60): Uint8Array {
  const template: Span = { ...emptySpan, name: 'n'.repeat(bytes) };
  const made = spans.map(({ trace, span }) => ({ ...template, traceId: idOf(16, trace), spanId: idOf(8, span) }));
  return encodeRequest({
    ...emptyRequest,
    resourceSpans: [{ ...emptyResource, scopeSpans: [{ ...emptyScope, spans: made }] }],
  });
}
const emptyRequest = decodeRequest(Uint8Array.of(0x0a, 4, 0x12, 2, 0x12, 0));
const [emptyResource] = emptyRequest.resourceSpans;
const [emptyScope] = emptyResource.scopeSpans;
const [emptySpan] = emptyScope.spans;

const traceOrder = (decoded: readonly ExportTraceServiceRequest[]): number[] =>
  decoded.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) => spans.map(({ traceId }) => Buffer.from(traceId).readUInt32BE(12))),
    ),
  );

async function assertEmpty(bench: HoldingBench): Promise<void> {
  await bench.end();
  assert.equal(bench.store.spans, 0);
  assert.equal(bench.store.traces, 0);
  assert.equal(bench.store.requests, 0);
  assert.equal(bench.arena.used, 0, 'something keeps memory');
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant('send' as const),
      drawn: request,
      traces: fc.integer({ min: 1, max: 40 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constantFrom('ease', 'flush', 'stop', 'go', 'kill', 'grow') }) },
);

test('nothing is lost, nothing comes twice and nothing changes, whatever is evicted, released early or repeated', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.integer({ min: 1, max: 30 }), async (steps, maxTraces) => {
      const bench = createHoldingBench({ maxTraces });
      const sent: ExportTraceServiceRequest[] = [];
      for (const one of steps) {
        if (one.what === 'send' && 'drawn' in one) {
          const message = renamed(one.drawn, one.traces);
          const bytes = encodeRequest(message);
          assert.equal(await bench.send(bytes), 'written');
          sent.push(decodeRequest(bytes));
        } else if (one.what === 'ease') bench.store.ease();
        else if (one.what === 'flush') bench.store.flush();
        else if (one.what === 'kill') bench.deaths = 1;
        else if (one.what !== 'grow') bench.takesReleased = one.what === 'go';
        await bench.idle();
        assert.ok(bench.store.traces <= maxTraces, `${bench.store.traces} of ${maxTraces}`);
        assert.equal(bench.store.spans + bench.store.stats.spans, bench.account.received);
      }
      await assertEmpty(bench);
      assert.deepEqual(spansOf(bench.out), spansOf(sent));
    }),
    { numRuns: 80 },
  );
});

test('without a bound every trace goes on whole: all of its spans in one output, one behind the other', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 12 }),
      async (drawn, traces) => {
        const bench = createHoldingBench();
        for (const one of drawn) assert.equal(await bench.send(encodeRequest(renamed(one, traces))), 'written');
        await assertEmpty(bench);
        const seen = new Set<string>();
        for (const message of bench.out) {
          let last = '';
          for (const { scopeSpans } of message.resourceSpans) {
            for (const { traceId } of scopeSpans.flatMap(({ spans }) => spans)) {
              // No id and the id of zeros are one trace.
              const id = hex(traceId).padStart(32, '0');
              assert.ok(id === last || !seen.has(id), `trace ${id} comes in two parts`);
              seen.add(id);
              last = id;
            }
          }
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('traces go on in the order in which they began, their spans in the order in which they came', async () => {
  const bench = createHoldingBench();
  const spans = [3, 1, 3, 2, 1, 3].map((trace, span) => ({ trace, span: span + 1 }));
  for (const one of spans) await bench.send(plain([one]));
  await bench.send(
    plain([
      { trace: 1, span: 7 },
      { trace: 4, span: 8 },
      { trace: 3, span: 9 },
    ]),
  );
  await assertEmpty(bench);
  assert.deepEqual(traceOrder(bench.out), [3, 3, 3, 3, 1, 1, 1, 2, 4]);
  const ids = bench.out.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((one) => one.spans)),
  );
  assert.deepEqual(
    ids.map(({ spanId }) => spanId[7]),
    [1, 3, 6, 9, 2, 5, 7, 4, 8],
  );
});

test('spans of one resource and scope that follow one another go on under one header', async () => {
  const bench = createHoldingBench();
  await bench.send(plain([1, 2, 1, 3, 2].map((trace, span) => ({ trace, span }))));
  await assertEmpty(bench);
  assert.equal(bench.out[0].resourceSpans.length, 1);
  assert.equal(bench.out[0].resourceSpans[0].scopeSpans.length, 1);
});

test('with one trace more than num_traces the oldest goes on at once, and is counted', async () => {
  const bench = createHoldingBench({ maxTraces: 2 });
  for (const trace of [1, 2, 1, 3]) await bench.send(plain([{ trace, span: trace }]));
  assert.deepEqual(traceOrder(bench.out), [1, 1]);
  assert.deepEqual([bench.store.traces, bench.store.stats.evicted, bench.store.stats.early], [2, 1, 1]);
  await bench.send(plain([{ trace: 1, span: 9 }]));
  assert.deepEqual(traceOrder(bench.out), [1, 1, 2], 'what comes late is a trace of its own');
  await assertEmpty(bench);
  assert.deepEqual([bench.store.stats.evicted, bench.store.stats.early], [2, 4]);
});

test('a trace is held for its wait, and no longer', async () => {
  const waitMs = 60;
  const bench = createHoldingBench({ waitMs });
  const began = performance.now();
  await bench.send(plain([{ trace: 1, span: 1 }]));
  await bench.send(plain([{ trace: 1, span: 2 }]));
  while (bench.out.length === 0) {
    assert.ok(performance.now() - began < 5000, 'it never went on');
    await bench.idle();
  }
  assert.ok(performance.now() - began >= waitMs, `after ${performance.now() - began} ms`);
  assert.deepEqual(traceOrder(bench.out), [1, 1]);
  assert.deepEqual([bench.store.stats.early, bench.store.stats.traces], [0, 1]);
  await assertEmpty(bench);
});

test('when memory is short the oldest go on early, and nothing is lost', async () => {
  const budgetBytes = 8 << 20;
  const bench = createHoldingBench({ budgetBytes, largestOutput: 1 << 20 });
  const sent: ExportTraceServiceRequest[] = [];
  let peak = 0;
  for (let i = 0; i < 200; i++) {
    const message = plain(
      Array.from({ length: 300 }, (_, span) => ({ trace: i * 40 + (span % 50), span: i * 300 + span })),
      360,
    );
    for (let outcome = ''; outcome !== 'written'; ) outcome = await bench.send(message);
    sent.push(decodeRequest(message));
    peak = Math.max(peak, bench.arena.used);
  }
  assert.ok(peak <= budgetBytes, `${peak} bytes`);
  assert.ok(bench.store.stats.evicted > 1000, `${bench.store.stats.evicted} early`);
  assert.ok(bench.store.spans > 2000, `only ${bench.store.spans} spans are held of ${budgetBytes} bytes`);
  await assertEmpty(bench);
  assert.deepEqual(spansOf(bench.out), spansOf(sent));
});

test('where others fill the memory nothing goes early: it would only fill it further on', async () => {
  const bench = createHoldingBench({ budgetBytes: 8 << 20 });
  await bench.send(plain([{ trace: 1, span: 1 }]));
  const other = bench.arena.allocate(6 << 20);
  assert.ok(other);
  bench.store.ease();
  assert.deepEqual([bench.store.traces, bench.store.stats.evicted], [1, 0]);
  bench.arena.free(other);
  bench.store.ease();
  assert.deepEqual([bench.store.traces, bench.store.stats.evicted], [0, 1]);
  await assertEmpty(bench);
});

test('what is held takes less than 1.3 times the bytes that came, though every span is of another trace than its neighbour', async () => {
  const bench = createHoldingBench();
  let wire = 0;
  for (let i = 0; i < 100; i++) {
    const message = plain(
      Array.from({ length: 512 }, (_, span) => ({ trace: i * 64 + (span % 64), span })),
      364,
    );
    wire += message.length;
    await bench.send(message);
  }
  assert.equal(bench.store.traces, 6400);
  const ratio = bench.arena.used / wire;
  assert.ok(ratio < 1.3, String(ratio));
  await assertEmpty(bench);
});

test('a trace that outgrows what one request may have goes on in parts', async () => {
  const bench = createHoldingBench({ largestOutput: 100_000 });
  for (let span = 0; span < 60; span++)
    await bench.send(
      plain(
        [
          { trace: 1, span },
          { trace: 2 + span, span: 1000 + span },
        ],
        5000,
      ),
    );
  assert.ok(bench.store.stats.early >= 2);
  assert.equal(bench.store.spans + bench.store.stats.spans, 120);
  await assertEmpty(bench);
  const parts = bench.out.map((one) => traceOrder([one]).filter((trace) => trace === 1).length);
  assert.equal(
    parts.reduce((sum, spans) => sum + spans),
    60,
  );
  assert.ok(
    parts.every((spans) => spans <= 20),
    `parts of ${parts} spans`,
  );
});

test('a trace that kills every worker is set aside as a request with all its spans, and those beside it go on', async () => {
  const bench = createHoldingBench();
  const message = plain([1, 2, 1, 3].map((trace, span) => ({ trace, span })));
  await bench.send(message);
  // Twice all of them together, and then the first alone.
  bench.deaths = 3;
  await assertEmpty(bench);
  assert.deepEqual(traceOrder(bench.aside.map(decodeRequest)), [1, 1]);
  assert.deepEqual(traceOrder(bench.out), [2, 3]);
  assert.deepEqual(spansOf([...bench.aside.map(decodeRequest), ...bench.out]), spansOf([decodeRequest(message)]));
  assert.equal(bench.account.failedInside.get('killed'), 2);
});

test('of a request that fails nothing is held', async () => {
  const refusing = processor('refusing', ({ span }) => ({
    span() {
      if (span.traceId[15] === 3) throw new Error('no');
    },
  }));
  const bench = createHoldingBench({ before: [refusing] });
  assert.equal(await bench.send(plain([1, 2, 3].map((trace, span) => ({ trace, span })))), 'failed');
  assert.equal(bench.store.traces, 0);
  assert.equal(await bench.send(plain([{ trace: 1, span: 4 }])), 'written');
  await assertEmpty(bench);
  assert.deepEqual(traceOrder(bench.out), [1]);
});

test('a trace that a processor refuses is lost alone', async () => {
  const refusing = processor('refusing', ({ span }) => ({
    span() {
      if (span.traceId[15] === 2) throw new Error('no');
    },
  }));
  const bench = createHoldingBench({ behind: [refusing] });
  await bench.send(plain([1, 2, 1, 3, 2].map((trace, span) => ({ trace, span }))));
  await assertEmpty(bench);
  assert.deepEqual(traceOrder(bench.out), [1, 1, 3]);
  assert.equal(bench.account.failedInside.get('failed'), 2);
});

test('processors in front of what holds and behind it see every span once', async () => {
  const renaming = (type: string) =>
    processor(type, ({ span, resource, intern }) => {
      const key = intern(type);
      return {
        resource: () => resource.attributes.set(key, type),
        span: () => {
          span.name = `${span.name}${type}`;
        },
      };
    });
  const dropping = processor('dropping', ({ span, dropCounter }) => {
    const counter = dropCounter('even');
    return { span: () => (span.spanId[7] % 2 === 0 ? span.drop(counter) : undefined) };
  });
  const bench = createHoldingBench({ before: [renaming('b'), dropping], behind: [renaming('c')] });
  for (let i = 0; i < 4; i++)
    await bench.send(
      plain(
        Array.from({ length: 20 }, (_, span) => ({ trace: span % 3, span: i * 20 + span })),
        1,
      ),
    );
  await assertEmpty(bench);
  const out = spansOf(bench.out);
  assert.deepEqual(
    out.map(({ span }) => span.spanId[7]),
    Array.from({ length: 40 }, (_, i) => i * 2 + 1),
  );
  for (const { holder, span } of out) {
    assert.equal(span.name, 'nbc');
    const { resource } = holder as { resource: { resource: { attributes: { key: string }[] } } };
    assert.deepEqual(
      resource.resource.attributes.map(({ key }) => key),
      ['b', 'c'],
    );
  }
});

test('edits of the spans of one scope take no more memory for being held in many runs', async () => {
  const text = 'x'.repeat(16_000);
  const growing = processor('growing', ({ span, intern }) => {
    const key = intern('text');
    return { span: () => span.attributes.set(key, text) };
  });
  const bench = createHoldingBench({ behind: [growing] });
  // Of each trace more than the memory for edits.
  await bench.send(plain(Array.from({ length: 1300 }, (_, span) => ({ trace: span % 2, span }))));
  await assertEmpty(bench);
  assert.equal(spansOf(bench.out).length, 1300);
});

test('memory is freed when nothing in it is still to be read, in whatever order requests are taken', () => {
  const shared = viewsOf(createMemory(1 << 20));
  const arena = new Arena(4096, (1 << 20) - 4096, 1 << 20);
  const released: StageRequest[] = [];
  const options = { id: 'held', waitMs: 3_600_000, maxTraces: 100 };
  const release = (request: StageRequest): void => void released.push(request);
  const store = new TraceStore(options, { arena, shared, keepFree: 0, largestOutput: 1 << 16, log, release });
  /** A slab with a span of each of these traces. */
  const hold = (...traces: number[]): void => {
    const range = arena.allocate(4096);
    assert.ok(range);
    const table = new RunTable();
    table.holder(0, 0, 0, 0);
    for (const trace of traces) {
      shared.bytes.set(idOf(16, trace), range.at);
      table.span(shared.bytes, range.at, range.at + 100 * trace, 50);
    }
    table.writeTo(shared.words, (range.at + 2048) / 4);
    const slab = new Slab(arena, range);
    store.hold(slab, range.at + 2048, table.rows);
    slab.release();
  };
  const take = (i: number): void => released[i].taken('written', '', 0);
  hold(1, 2);
  hold(1, 3);
  store.flush();
  hold(4, 1);
  hold(4);
  store.flush();
  assert.deepEqual(
    released.map(({ traces, spans }) => [traces, spans]),
    [
      [3, 4],
      [2, 3],
    ],
  );
  assert.equal(arena.used, 4 * 4096);
  take(1);
  assert.equal(arena.used, 4 * 4096, 'the older is still to be read');
  take(0);
  assert.equal(arena.used, 0);
  hold(5);
  store.flush();
  hold(5, 6);
  take(2);
  assert.equal(arena.used, 4096, 'the first slab is free, the second is held');
  store.flush();
  take(3);
  assert.equal(arena.used, 0);
});
