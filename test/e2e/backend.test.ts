// Backends that stall, are away, refuse, or take only a part.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient, createTally } from './support/client.ts';
import { configOf, exportTo, memoryLimiter } from './support/config.ts';
import { runLoad } from './support/load.ts';
import { assertClean, startService } from './support/service.ts';
import { accountOf, assertBranch, settle } from './support/settle.ts';
import { startSink } from './support/sink.ts';
import { createSpanSource } from './support/spans.ts';

const resourceExhausted = 8;
const budgetMib = 16;

test('a stalled backend fills the budget, then clients are told when to retry, memory stays flat, and nothing is lost', async (t) => {
  const sink = await startSink(t);
  sink.answer = () => ({ kind: 'stall' });
  const processors = { memory_limiter: memoryLimiter(budgetMib), batch: { timeout: '10ms', send_batch_size: 500 } };
  const exporters = { otlp: exportTo(sink, { timeout: '1m' }) };
  const service = await startService(t, configOf({ workers: 2, processors, exporters }));
  const tally = createTally();
  const clients = Array.from({ length: 4 }, () => createClient(t, service, tally));
  const source = createSpanSource();
  const refusals: { message: string; retryDelayMs: number | undefined; code: number }[] = [];
  let residentWhenFull = 0;
  const shape = { padding: 900 };
  await runLoad({
    clients,
    source,
    inFlight: 5,
    spans: 100,
    shape,
    goOn(reply) {
      if (reply.code === 0) return true;
      if (refusals.length === 0) residentWhenFull = service.residentBytes();
      return refusals.push(reply) < 120;
    },
  });
  const residentLater = service.residentBytes();
  for (const { code, retryDelayMs, message } of refusals) {
    assert.equal(code, resourceExhausted, message);
    assert.ok(retryDelayMs !== undefined && retryDelayMs >= 900 && retryDelayMs <= 33_000, String(retryDelayMs));
  }
  const heldBytes = (tally.acknowledged.size / 100) * source.request(100, shape).message.length;
  assert.ok(heldBytes > (budgetMib << 20) / 3, `refused when only ${heldBytes} bytes were held`);
  assert.ok(heldBytes <= budgetMib << 20, `${heldBytes} bytes are acknowledged beyond the budget`);
  assert.ok(residentLater < 260e6, `${residentLater} bytes resident`);
  assert.ok(residentLater - residentWhenFull < 60e6, `${residentWhenFull} grew to ${residentLater} bytes`);
  sink.resume();
  let reply = await clients[0].send(source.request(10));
  for (let tries = 0; reply.code !== 0 && tries < 100; tries++) reply = await clients[0].send(source.request(10));
  assert.equal(reply.code, 0, 'no request was taken after the backend came back');
  await settle(service, { sink, tally });
});

test('a backend that is away at the start gets everything when it comes', async (t) => {
  const sink = await startSink(t);
  await sink.close();
  const service = await startService(t, configOf({ exporters: { otlp: exportTo(sink) } }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  for (let i = 0; i < 30; i++) assert.equal((await client.send(source.request(20))).code, 0);
  await service.line(({ msg }) => msg === 'export failed, will try again');
  assert.equal(sink.spans.size, 0);
  await sink.listen();
  await sink.until(() => sink.spans.size === 600);
  await settle(service, { sink, tally });
});

test('a backend that is cut off and comes back gets what it had not answered', async (t) => {
  const sink = await startSink(t);
  const service = await startService(t, configOf({ exporters: { otlp: exportTo(sink) } }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  for (let i = 0; i < 10; i++) assert.equal((await client.send(source.request(20))).code, 0);
  await sink.until(() => sink.spans.size === 200);
  sink.answer = () => ({ kind: 'stall' });
  for (let i = 0; i < 10; i++) assert.equal((await client.send(source.request(20))).code, 0);
  await sink.until(() => sink.stalled() > 0);
  await sink.close();
  sink.answer = () => ({ kind: 'ok' });
  await sink.listen();
  await sink.until(() => sink.spans.size === 400);
  await settle(service, { sink, tally });
});

test('statuses that ask for a retry, and reset streams, are tried again until the backend takes them', async (t) => {
  const sink = await startSink(t);
  const tries = new Map<string, number>();
  sink.answer = ({ ids }) => {
    const before = tries.get(ids[0]) ?? 0;
    tries.set(ids[0], before + 1);
    if (before === 0) return { kind: 'status', code: 14, message: 'not now' };
    if (before === 1) return { kind: 'status', code: resourceExhausted, message: 'full', retryDelayMs: 30 };
    return before === 2 ? { kind: 'reset' } : { kind: 'ok' };
  };
  const service = await startService(t, configOf({ exporters: { otlp: exportTo(sink) } }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  for (let i = 0; i < 10; i++) assert.equal((await client.send(source.request(3))).code, 0);
  await sink.until(() => sink.spans.size === 30);
  assert.ok([...tries.values()].every((n) => n === 4));
  await settle(service, { sink, tally });
});

test('what the backend refuses for good is failed with its reason, and the rest goes on', async (t) => {
  const sink = await startSink(t);
  let count = 0;
  sink.answer = () => (count++ % 2 === 0 ? { kind: 'status', code: 7, message: 'not for you' } : { kind: 'ok' });
  const service = await startService(t, configOf({ exporters: { otlp: exportTo(sink) } }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  for (let i = 0; i < 10; i++) {
    assert.equal((await client.send(source.request(4))).code, 0);
    await sink.until(() => sink.calls() === i + 1);
  }
  await settle(service, { sink, tally, failedBy: { permission_denied: 20 } });
});

test('spans that the backend rejects in a partial success are counted as failed', async (t) => {
  const sink = await startSink(t);
  sink.answer = () => ({ kind: 'partial', rejected: 3, message: 'three are too old' });
  const service = await startService(t, configOf({ exporters: { otlp: exportTo(sink) } }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  assert.equal((await client.send(createSpanSource().request(10))).code, 0);
  const end = await service.end();
  assertClean(end, service);
  const { received, exported, failed, failedBy } = accountOf(end, {});
  assert.deepEqual({ received, exported, failed }, { received: 10, exported: 7, failed: 3 });
  assert.deepEqual(failedBy, { partial_rejected: 3 });
  assert.ok(service.lines.some((line) => line.peer === 'three are too old'));
});

test('of two exporters one fails, and the other gets everything', async (t) => {
  const good = await startSink(t);
  const bad = await startSink(t);
  bad.answer = () => ({ kind: 'status', code: 7, message: 'not you' });
  const exporters = { 'otlp/good': exportTo(good), 'otlp/bad': exportTo(bad) };
  const service = await startService(t, configOf({ processors: { batch: { timeout: '5ms' } }, exporters }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  for (let i = 0; i < 20; i++) assert.equal((await client.send(source.request(5))).code, 0);
  const end = await settle(service, { sink: good, tally, exporter: 'otlp/good' });
  assertBranch(end, { sink: bad, tally, exporter: 'otlp/bad', failedBy: { permission_denied: 100 } });
});

test('of two exporters one stalls within its queue, and the other gets everything meanwhile', async (t) => {
  const good = await startSink(t);
  const slow = await startSink(t);
  slow.answer = () => ({ kind: 'stall' });
  const exporters = { 'otlp/good': exportTo(good), 'otlp/slow': exportTo(slow, { timeout: '1m' }) };
  const service = await startService(t, configOf({ exporters }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  for (let i = 0; i < 50; i++) assert.equal((await client.send(source.request(5))).code, 0);
  await good.until(() => good.spans.size === 250);
  assert.equal(slow.spans.size, 0);
  slow.resume();
  const end = await settle(service, { sink: good, tally, exporter: 'otlp/good' });
  assertBranch(end, { sink: slow, tally, exporter: 'otlp/slow' });
});

test('a queue of one batch holds back and loses nothing', async (t) => {
  const sink = await startSink(t);
  const queue = { sending_queue: { queue_size: 1, num_consumers: 1 } };
  const service = await startService(t, configOf({ exporters: { otlp: exportTo(sink, queue) } }));
  const tally = createTally();
  const clients = [createClient(t, service, tally), createClient(t, service, tally)];
  let answers = 0;
  await runLoad({
    clients,
    source: createSpanSource(),
    inFlight: 10,
    spans: 3,
    goOn: ({ code }) => code === 0 && ++answers < 500,
  });
  await settle(service, { sink, tally });
  assert.ok(tally.acknowledged.size >= 1500);
});

test('two pipelines on one receiver each get everything, each with its own account', async (t) => {
  const first = await startSink(t);
  const second = await startSink(t);
  const config = configOf({
    workers: 2,
    processors: {
      batch: { timeout: '5ms', send_batch_size: 64, send_batch_max_size: 64 },
      probabilistic_sampler: { sampling_percentage: 0 },
    },
    exporters: { 'otlp/first': exportTo(first), 'otlp/second': exportTo(second), nop: {} },
    pipelines: {
      'traces/first': { receivers: ['otlp'], processors: ['batch'], exporters: ['otlp/first'] },
      'traces/second': { receivers: ['otlp'], exporters: ['otlp/second'] },
      'traces/none': { receivers: ['otlp'], processors: ['probabilistic_sampler', 'batch'], exporters: ['nop'] },
    },
  });
  const service = await startService(t, config);
  const tally = createTally();
  const clients = [createClient(t, service, tally), createClient(t, service, tally)];
  let answers = 0;
  await runLoad({
    clients,
    source: createSpanSource(),
    inFlight: 10,
    spans: 7,
    goOn: ({ code }) => code === 0 && ++answers < 300,
  });
  const end = await settle(service, { sink: first, tally, pipeline: 'traces/first' });
  assertBranch(end, { sink: second, tally, pipeline: 'traces/second' });
  const { received, dropped, exported } = accountOf(end, { pipeline: 'traces/none' });
  assert.deepEqual(
    { received, dropped, exported },
    { received: tally.acknowledged.size, dropped: received, exported: 0 },
  );
  assert.ok(first.exports.every(({ ids }) => ids.length <= 64));
});
