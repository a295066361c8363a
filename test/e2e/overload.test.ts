// More than can be had: `overload: sample` and `refuse` over a slow backend, a flood over one receiver beside a quiet one, and
// twice the load that can be sustained for some time.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { parseThreshold, probabilityOf } from '../../src/component/sampling/threshold.ts';
import { parseTraceState } from '../../src/component/sampling/trace-state.ts';
import { decodeRequest } from '../../src/wire/reference/codec.ts';
import { assertWell, freePort, measured } from './load/support/spanload.ts';
import { type Client, createClient, createTally, type Reply, type Tally } from './support/client.ts';
import { configOf, exportTo, memoryLimiter } from './support/config.ts';
import { bytesField, fixed64Field } from './support/protobuf.ts';
import { type AccountLine, assertClean, type Service, startService } from './support/service.ts';
import { assertBranch } from './support/settle.ts';
import { type Sink, startSink } from './support/sink.ts';
import { requestOf, type SpanRequest } from './support/spans.ts';

const spansOfTrace = 4;
const tracesOfRequest = 100;

/** Traces with random ids; each request has the next span of every one, so that a trace comes in as many requests. */
function createTraces() {
  let last = 0;
  const traceOf = new Map<string, string>();
  /** To be sent one after another: a trace is on its way for a short time only. */
  const requests = (): SpanRequest[] => {
    const traceIds = Array.from({ length: tracesOfRequest }, () =>
      Buffer.from(crypto.getRandomValues(new Uint8Array(16))),
    );
    return Array.from({ length: spansOfTrace }, () => {
      const ids: string[] = [];
      const spans = traceIds.map((traceId) => {
        const id = Buffer.alloc(8);
        id.writeBigUInt64BE(BigInt(++last));
        ids.push(id.toString('hex'));
        traceOf.set(id.toString('hex'), traceId.toString('hex'));
        const attribute = Buffer.concat([bytesField(1, 'padding'), bytesField(2, bytesField(1, 'x'.repeat(900)))]);
        return Buffer.concat([
          bytesField(1, traceId),
          bytesField(2, id),
          bytesField(5, 'GET /'),
          fixed64Field(7, Buffer.from('0102030405060708', 'hex')),
          fixed64Field(8, Buffer.from('0202030405060708', 'hex')),
          bytesField(9, attribute),
        ]);
      });
      return { message: requestOf(spans, { 'service.name': 'shop' }), ids };
    });
  };
  return { requests, traceOf };
}

const budgetMib = 24;
/** Two exports at a time of 500 spans, each answered after so long: 4000 spans/s, at about a thousand bytes each. */
const exportMs = 250;

interface Overload {
  readonly service: Service;
  readonly sink: Sink;
  readonly tally: Tally;
  readonly replies: readonly Reply[];
  readonly traceOf: ReadonlyMap<string, string>;
  readonly clients: readonly Client[];
}

/** Sends as fast as it can, and much faster than the backend takes it, what the budget can hold several times. */
async function overload(t: TestContext, limiter: object): Promise<Overload> {
  const sink = await startSink(t);
  sink.answer = () => ({ kind: 'slow', afterMs: exportMs });
  const processors = {
    memory_limiter: { ...memoryLimiter(budgetMib), ...limiter },
    batch: { timeout: '10ms', send_batch_size: 500, send_batch_max_size: 500 },
  };
  const exporters = { otlp: exportTo(sink, { timeout: '1m', sending_queue: { num_consumers: 2 } }) };
  const config = configOf({ processors, exporters }) as { service: { telemetry: object } };
  config.service.telemetry = { ...config.service.telemetry, metrics: { address: '127.0.0.1:0' } };
  const service = await startService(t, config);
  const tally = createTally();
  const clients = Array.from({ length: 4 }, () => createClient(t, service, tally));
  const { requests, traceOf } = createTraces();
  const replies: Reply[] = [];
  const most = 120_000;
  const slot = async (client: Client): Promise<void> => {
    while (traceOf.size < most && replies.filter(({ code }) => code !== 0).length < 200) {
      for (const request of requests()) replies.push(await client.send(request));
    }
  };
  await Promise.all(clients.flatMap((client) => Array.from({ length: 4 }, () => slot(client))));
  return { service, sink, tally, replies, traceOf, clients };
}

const refusalsOf = (replies: readonly Reply[]): Reply[] => replies.filter(({ code }) => code !== 0);

/** Ends it with everything exported; what was dropped must be all that is missing. */
async function settleThinned({ service, sink, tally }: Overload): Promise<AccountLine> {
  sink.answer = () => ({ kind: 'ok' });
  const end = await service.end();
  assertClean(end, service);
  const [account] = end.accounts;
  assertBranch(end, { sink, tally, dropped: account.dropped });
  return account;
}

async function metricsOf(service: Service): Promise<string> {
  const { metrics } = (await service.line(({ msg }) => msg === 'spanmill is ready')) as { metrics?: string };
  return (await fetch(metrics ?? '')).text();
}

const metricOf = (metrics: string, line: RegExp): number => Number(line.exec(metrics)?.[1] ?? Number.NaN);

test('with overload: sample a backend that is too slow costs traces and no refusals, and what stays says what it stands for', async (t) => {
  const run = await overload(t, { overload: 'sample', sample_above_percentage: 50 });
  const { service, tally, replies, traceOf, sink } = run;
  const began = await service.line(({ msg }) => /spans are thinned/.test(msg ?? ''));
  assert.deepEqual([began.processor, began.pipeline], ['memory_limiter', 'traces']);
  const metrics = await metricsOf(service);
  const probability = metricOf(metrics, /^spanmill_processor_memory_limiter_sampling_probability\{.*\} (\S+)$/m);
  assert.ok(probability > 0 && probability < 1, metrics);
  assert.equal(metricOf(metrics, /^spanmill_ready (\d)/m), 1, 'it takes requests: it is ready');
  assert.equal(metricOf(metrics, /^spanmill_memory_budget (\d+)/m), budgetMib << 20);
  assert.ok(metricOf(metrics, /^spanmill_memory_held (\d+)/m) > (budgetMib << 20) / 4, metrics);
  assert.equal(refusalsOf(replies).length, 0, refusalsOf(replies)[0]?.message);
  const { dropped, exported } = await settleThinned(run);
  assert.ok(dropped > 10_000 && exported > 10_000, `${dropped} dropped, ${exported} exported`);
  assert.equal(dropped + exported, tally.acknowledged.size);
  assertExplained(sink, tally, traceOf);
});

interface Exported {
  readonly threshold: bigint;
  readonly probability: number;
}

/** By the ids of their spans, which are numbers in the order of sending. */
function exportedOf(sink: Sink): ReadonlyMap<string, Exported> {
  const exported = new Map<string, Exported>();
  for (const { message } of sink.exports) {
    for (const { scopeSpans } of decodeRequest(message).resourceSpans) {
      for (const { spanId, traceState } of scopeSpans.flatMap(({ spans }) => spans)) {
        const { th } = parseTraceState(traceState);
        const parsed = th === '' ? null : parseThreshold(th);
        exported.set(Buffer.from(spanId).toString('hex'), {
          threshold: BigInt(`0x${th.padEnd(14, '0')}`),
          probability: parsed === null ? 1 : probabilityOf(parsed),
        });
      }
    }
  }
  return exported;
}

/** Each request had one rate, and of its spans those are there that it keeps; all together stand for what was sent. */
function assertExplained(sink: Sink, tally: Tally, traceOf: ReadonlyMap<string, string>): void {
  const exported = exportedOf(sink);
  const randomnessOf = (id: string): bigint => BigInt(`0x${traceOf.get(id)?.slice(18)}`);
  const highest = [...exported.values()].reduce((most, { threshold }) => (threshold > most ? threshold : most), 0n);
  assert.ok(highest > 0n);
  const requests = Map.groupBy(tally.acknowledged, (id) => Math.floor((Number(`0x${id}`) - 1) / tracesOfRequest));
  for (const ids of requests.values()) {
    const rates = new Set(ids.flatMap((id) => exported.get(id)?.threshold ?? []));
    assert.ok(rates.size <= 1, 'one request has spans of several rates');
    const [threshold = highest] = rates;
    for (const id of ids) {
      assert.equal(exported.has(id), randomnessOf(id) >= threshold, `span ${id}, with the threshold ${threshold}`);
    }
  }
  let stoodFor = 0;
  /** Of that number. The spans of a trace come and go together. */
  let variance = 0;
  for (const { probability } of exported.values()) {
    stoodFor += 1 / probability;
    variance += (spansOfTrace * (1 - probability)) / probability ** 2;
  }
  const { size } = tally.acknowledged;
  const deviation = Math.sqrt(variance);
  assert.ok(Math.abs(stoodFor - size) < 5 * deviation, `${stoodFor} for ${size}, with a deviation of ${deviation}`);
}

test('with overload: refuse the same load is refused, and nothing is dropped', async (t) => {
  const run = await overload(t, { overload: 'refuse' });
  assert.ok(refusalsOf(run.replies).length >= 100, `${refusalsOf(run.replies).length} of ${run.replies.length}`);
  for (const { retryDelayMs } of refusalsOf(run.replies)) assert.ok(retryDelayMs !== undefined && retryDelayMs >= 900);
  assert.doesNotMatch(await metricsOf(run.service), /sampling_probability/);
  assert.equal((await settleThinned(run)).dropped, 0);
});

test('when even the lowest rate does not help, the budget holds and clients are refused', async (t) => {
  const sink = await startSink(t);
  sink.answer = () => ({ kind: 'stall' });
  const processors = {
    memory_limiter: { ...memoryLimiter(8), overload: 'sample', sample_down_to_percentage: 50 },
    batch: { timeout: '10ms', send_batch_size: 500 },
  };
  const exporters = { otlp: exportTo(sink, { timeout: '1m' }) };
  const service = await startService(t, configOf({ processors, exporters }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const { requests } = createTraces();
  let refused: Reply | undefined;
  for (let sent = 0; refused === undefined && sent < 2000; ) {
    const replies = await Promise.all(requests().map((request) => client.send(request)));
    sent += replies.length;
    refused = replies.find(({ code }) => code !== 0);
  }
  assert.ok(refused?.retryDelayMs !== undefined, 'nothing was refused');
  sink.resume();
  const end = await service.end();
  assertClean(end, service);
  const { dropped } = end.accounts[0];
  assert.ok(dropped > 0);
  assertBranch(end, { sink, tally, dropped });
});

test('a flood over one receiver, whose backend takes nothing, does not keep another one out', async (t) => {
  const [dead, live] = [await startSink(t), await startSink(t)];
  dead.answer = () => ({ kind: 'stall' });
  const exporters = { 'otlp/dead': exportTo(dead, { timeout: '1m' }), 'otlp/live': exportTo(live) };
  const batch = { timeout: '10ms', send_batch_size: 500 };
  const config = configOf({ processors: { memory_limiter: memoryLimiter(16), batch }, exporters }) as {
    receivers: Record<string, unknown>;
    service: { pipelines: object };
  };
  config.receivers['otlp/quiet'] = { protocols: { grpc: { endpoint: '127.0.0.1:0' } } };
  const processors = ['memory_limiter', 'batch'];
  config.service.pipelines = {
    'traces/flood': { receivers: ['otlp'], processors, exporters: ['otlp/dead'] },
    'traces/quiet': { receivers: ['otlp/quiet'], processors, exporters: ['otlp/live'] },
  };
  const service = await startService(t, config);
  const { listening } = (await service.line(({ msg }) => msg === 'spanmill is ready')) as { listening?: string[] };
  const [floodAt = '', quietAt = ''] = (listening ?? []).map((one) => one.slice('grpc '.length));
  const tallies = { flood: createTally(), quiet: createTally() };
  const { requests } = createTraces();
  const floods = Array.from({ length: 4 }, () =>
    createClient(t, { address: floodAt, clients: service.clients }, tallies.flood),
  );
  const quiet = createClient(t, { address: quietAt, clients: service.clients }, tallies.quiet);
  let isOver = false;
  const full = Promise.withResolvers<void>();
  const refusedAfterMs: number[] = [];
  const slot = async (client: Client): Promise<void> => {
    while (!isOver) {
      for (const request of requests()) {
        const sent = performance.now();
        if ((await client.send(request)).code === 0) continue;
        if (refusedAfterMs.push(performance.now() - sent) === 100) full.resolve();
      }
    }
  };
  // 16 MB on the way at a time, twice what inputs may hold.
  const flooding = Promise.all(floods.flatMap((client) => Array.from({ length: 40 }, () => slot(client))));
  await full.promise;
  const answeredAfterMs: number[] = [];
  for (const request of Array.from({ length: 10 }, requests).flat()) {
    const sent = performance.now();
    const { code, message } = await quiet.send(request);
    assert.equal(code, 0, message);
    answeredAfterMs.push(performance.now() - sent);
  }
  isOver = true;
  await flooding;
  // A slow machine slows down both; what is refused has waited 250 ms for a place besides.
  const [quietMs, floodMs] = [medianOf(answeredAfterMs), medianOf(refusedAfterMs)];
  assert.ok(
    quietMs < floodMs - 125,
    `half of its requests took ${quietMs} ms, those refused of the flood ${floodMs} ms`,
  );
  dead.resume();
  const end = await service.end();
  assertClean(end, service);
  assertBranch(end, { sink: dead, tally: tallies.flood, pipeline: 'traces/flood' });
  assertBranch(end, { sink: live, tally: tallies.quiet, pipeline: 'traces/quiet' });
});

const medianOf = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** How long twice the load lasts. */
const seconds = Number(process.env.SPANMILL_OVERLOAD_SECONDS ?? 5);

test(`at twice the sustainable load for ${seconds} s memory stays flat, as much gets through, and nothing acknowledged is lost`, async (t) => {
  const sinkPort = await freePort();
  const processors = {
    memory_limiter: memoryLimiter(8),
    // Full ones: what the backend takes is a number of requests.
    batch: { timeout: '200ms', send_batch_size: 500, send_batch_max_size: 500 },
  };
  const exporters = { otlp: exportTo({ port: sinkPort }, { timeout: '1m', sending_queue: { num_consumers: 4 } }) };
  const service = await startService(t, configOf({ grpc: { max_recv_msg_size_mib: 16 }, processors, exporters }));
  // Four exports at a time of 500 spans, each answered after 200 ms: the backend takes 10,000 spans/s at the most.
  const sustainable = 8000;
  const ends = [
    '--endpoint',
    service.address,
    '--sink',
    `127.0.0.1:${sinkPort}`,
    '--fault',
    'delay=200ms',
    '--wait',
    '3s',
  ];
  const load = (rate: number, duration: number): string[] => [
    ...ends,
    ...['--profile', 'gateway', '--batch-size', '100', '--rate', String(rate), '--duration', `${duration}s`],
  ];
  const alone = await measured(t, load(sustainable, 3));
  assertWell(alone);
  const resident: number[] = [];
  const watch = setInterval(() => resident.push(service.residentBytes()), 500);
  t.after(() => clearInterval(watch));
  const { report } = await measured(t, load(2 * sustainable, seconds));
  clearInterval(watch);
  const { lost, duplicated, altered, foreign, rejected, acknowledged } = report.spans;
  assert.deepEqual({ lost, duplicated, altered, foreign }, { lost: 0, duplicated: 0, altered: 0, foreign: 0 });
  assert.ok(rejected > 0, 'nothing was refused: this was no overload');
  const ratio = report.rate.achieved / alone.report.rate.achieved;
  const [first, second] = [resident.slice(0, resident.length / 2), resident.slice(resident.length / 2)];
  const grownMb = (Math.max(...second) - Math.max(...first)) / 1e6;
  const peakMb = Math.max(...resident) / 1e6;
  const end = await service.end();
  assertClean(end, service);
  t.diagnostic(
    `${alone.report.rate.achieved} spans/s alone, ${report.rate.achieved} at twice the load (${ratio.toFixed(2)}), ` +
      `peak ${peakMb.toFixed(0)} MB, second half against the first ${grownMb.toFixed(1)} MB, ` +
      `${acknowledged} acknowledged, ${rejected} refused, ${lost} lost`,
  );
  assert.ok(ratio > 0.8, `only ${ratio} of what is sustainable got through`);
  assert.ok(grownMb < 25, `memory grew by ${grownMb} MB`);
});
