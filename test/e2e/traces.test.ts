// The process while it holds traces: it ends, is reloaded, is full, loses a worker, and what was acknowledged arrives once, whole.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient, createTally } from './support/client.ts';
import { configOf, exportTo, memoryLimiter } from './support/config.ts';
import { runLoad } from './support/load.ts';
import { kills } from './support/misbehaving-worker.ts';
import { reload } from './support/reload.ts';
import { startService } from './support/service.ts';
import { settle } from './support/settle.ts';
import { type Sink, startSink } from './support/sink.ts';
import { createSpanSource } from './support/spans.ts';

/** A trace in each group of 400 spans: eight spans, fifty apart, so that requests of less cut it. */
const trace = (span: number): number => Math.floor(span / 400) * 50 + (span % 50);
const batch = { timeout: '10ms' };

/** Traces that came in more than one export, or not one span behind the other. */
function brokenTraces(sink: Sink): number {
  const seen = new Set<number>();
  let broken = 0;
  for (const { ids } of sink.exports) {
    let last = -1;
    for (const id of ids) {
      const now = trace(Number.parseInt(id, 16));
      if (now !== last && seen.has(now)) broken++;
      seen.add(now);
      last = now;
    }
  }
  return broken;
}

for (const [name, wait, behind] of [
  ['batched', '300ms', { batch }],
  ['as they are released', '300ms', {}],
  ['at SIGTERM', '1h', {}],
] as const) {
  test(`traces go out whole, ${name}, whatever requests their spans came in`, async (t) => {
    const sink = await startSink(t);
    const processors = { groupbytrace: { wait_duration: wait }, ...behind };
    const service = await startService(t, configOf({ workers: 2, processors, exporters: { otlp: exportTo(sink) } }));
    const tally = createTally();
    const clients = [createClient(t, service, tally), createClient(t, service, tally)];
    let answers = 0;
    await runLoad({
      clients,
      source: createSpanSource(),
      inFlight: 4,
      spans: 30,
      shape: { trace },
      goOn: ({ code }) => code === 0 && ++answers < 400,
    });
    if (wait === '1h') assert.equal(sink.calls(), 0);
    else await sink.until(() => sink.spans.size === tally.acknowledged.size);
    await settle(service, { sink, tally });
    assert.ok(tally.acknowledged.size >= 12_000);
    assert.equal(tally.refused.size, 0);
    assert.equal(brokenTraces(sink), 0);
  });
}

test('reloads while it holds lose nothing, whether its processors stay or change', async (t) => {
  const sink = await startSink(t);
  const config = (i: number): object =>
    configOf({
      workers: 2,
      processors: { groupbytrace: { wait_duration: `${200 + (i >> 1)}ms` }, batch },
      exporters: { otlp: exportTo(sink, { timeout: `${5 + i}s` }) },
    });
  const service = await startService(t, config(0));
  const tally = createTally();
  const clients = [1, 2, 3].map(() => createClient(t, service, tally, { transparentRetries: true }));
  let goOn = true;
  const load = runLoad({
    clients,
    source: createSpanSource(),
    inFlight: 3,
    spans: 20,
    shape: { trace },
    goOn: () => goOn,
  });
  for (let i = 1; i <= 12; i++) {
    const before = tally.acknowledged.size;
    assert.equal((await reload(service, config(i))).msg, 'reloaded', service.log());
    await sink.until(() => tally.acknowledged.size > before);
  }
  goOn = false;
  await load;
  assert.equal(tally.refused.size, 0);
  await settle(service, { sink, tally });
});

test('a full memory sends the oldest traces on early and refuses the rest with a delay; nothing taken is lost', async (t) => {
  const sink = await startSink(t);
  const processors = { memory_limiter: memoryLimiter(8), groupbytrace: { wait_duration: '1h' }, batch };
  const service = await startService(t, configOf({ workers: 2, processors, exporters: { otlp: exportTo(sink) } }));
  const tally = createTally();
  const clients = [1, 2].map(() => createClient(t, service, tally));
  let answers = 0;
  await runLoad({
    clients,
    source: createSpanSource(),
    inFlight: 8,
    spans: 100,
    shape: { trace, padding: 400 },
    goOn: () => ++answers < 1000,
  });
  await service.line(({ msg }) => /before their wait is over: the memory is full/.test(msg ?? ''));
  assert.ok(sink.spans.size > tally.acknowledged.size / 2, `${sink.spans.size} of ${tally.acknowledged.size} went on`);
  assert.ok(tally.acknowledged.size > 50_000, `${tally.acknowledged.size} taken of 100,000`);
  await settle(service, { sink, tally });
});

test('a worker that dies of a trace takes nothing with it but that', async (t) => {
  const sink = await startSink(t);
  const processors = {
    groupbytrace: { wait_duration: '1h' },
    filter: { traces: { span: ['IsMatch(attributes["text"], "^never$")'] } },
  };
  const service = await startService(t, configOf({ workers: 2, processors, exporters: { otlp: exportTo(sink) } }), {
    preload: new URL('./support/misbehaving-worker.ts', import.meta.url),
  });
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  for (let i = 0; i < 40; i++) assert.equal((await client.send(source.request(25, { trace }))).code, 0);
  // It goes on in a request with others: these run again, each trace alone, and it is set aside.
  assert.equal((await client.send(source.request(1, { attributes: { text: kills } }))).code, 0);
  const end = await service.end();
  const [{ received, exported, failed, remainder }] = end.accounts;
  assert.deepEqual([received, exported, failed, remainder], [1001, 1000, 1, 0]);
  assert.equal(sink.spans.size, 1000);
});
