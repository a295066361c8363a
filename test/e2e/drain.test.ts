// The end of the process: what was acknowledged is exported first, and the last line accounts for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from './load/support/spanload.ts';
import { createClient, createTally } from './support/client.ts';
import { configOf, exportTo } from './support/config.ts';
import { runLoad } from './support/load.ts';
import { assertClean, startService } from './support/service.ts';
import { accountOf, assertBranch, settle } from './support/settle.ts';
import { startSink } from './support/sink.ts';
import { createSpanSource } from './support/spans.ts';

const rounds: readonly (readonly [signal: NodeJS.Signals, spans: number, batch: Readonly<Record<string, unknown>>])[] =
  [
    ['SIGTERM', 1, { timeout: '5ms' }],
    ['SIGTERM', 40, { timeout: '10s', send_batch_size: 1000 }],
    ['SIGINT', 10, { timeout: '20ms', send_batch_size: 50, send_batch_max_size: 50 }],
    ['SIGTERM', 300, { timeout: '0s' }],
  ];

for (const [signal, spans, batch] of rounds) {
  test(`${signal} under load of ${spans} spans a request loses nothing acknowledged`, async (t) => {
    const sink = await startSink(t);
    const service = await startService(
      t,
      configOf({ workers: 2, processors: { batch }, exporters: { otlp: exportTo(sink) } }),
    );
    const tally = createTally();
    const clients = [createClient(t, service, tally), createClient(t, service, tally)];
    let answers = 0;
    let signalled = false;
    await runLoad({
      clients,
      source: createSpanSource(),
      inFlight: 8,
      spans,
      goOn({ code }) {
        if (++answers === 400) {
          service.signal(signal);
          signalled = true;
        }
        return code === 0;
      },
    });
    assert.ok(signalled, `the load ended after ${answers} answers by itself`);
    await settle(service, { sink, tally });
    assert.ok(tally.acknowledged.size >= 300 * spans, `${tally.acknowledged.size} acknowledged`);
    assert.equal(tally.refused.size, 0, 'a drain refused requests in another way than by UNAVAILABLE');
  });
}

test('a batch that waits for its time goes out at SIGTERM instead of waiting', async (t) => {
  const sink = await startSink(t);
  const processors = { batch: { timeout: '1h', send_batch_size: 1_000_000 } };
  const service = await startService(t, configOf({ processors, exporters: { otlp: exportTo(sink) } }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  for (let i = 0; i < 5; i++) assert.equal((await client.send(source.request(7))).code, 0);
  assert.equal(sink.calls(), 0);
  await settle(service, { sink, tally });
  assert.equal(sink.exports.length, 1);
});

test('a drain goes on while the backend stalls, and ends once it answers', async (t) => {
  const sink = await startSink(t);
  sink.answer = () => ({ kind: 'stall' });
  const service = await startService(t, configOf({ exporters: { otlp: exportTo(sink, { timeout: '1m' }) } }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  for (let i = 0; i < 20; i++) assert.equal((await client.send(source.request(5))).code, 0);
  const end = service.end();
  await service.line(({ msg }) => msg?.startsWith('draining') === true);
  assert.ok(sink.stalled() > 0);
  sink.resume();
  assertClean(await end, service);
  assertBranch(await end, { sink, tally });
});

test('a second signal ends a drain that waits for a backend, and the account says what was held', async (t) => {
  const sink = await startSink(t);
  sink.answer = () => ({ kind: 'stall' });
  const service = await startService(t, configOf({ exporters: { otlp: exportTo(sink, { timeout: '1m' }) } }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  for (let i = 0; i < 20; i++) assert.equal((await client.send(source.request(5))).code, 0);
  service.signal('SIGTERM');
  await service.line(({ msg }) => msg?.startsWith('draining') === true);
  const started = performance.now();
  service.signal('SIGINT');
  const end = await service.end();
  assert.ok(performance.now() - started < 5000, 'the second signal did not end it');
  assert.equal(end.code, 0, service.log());
  const { received, exported, held, failed, remainder } = accountOf(end, {});
  assert.deepEqual(
    { received, exported, held: held + failed, remainder },
    { received: 100, exported: 0, held: 100, remainder: 0 },
  );
  assert.equal(sink.spans.size, 0);
});

test('SIGTERM while the last receiver still starts drains what the first has taken', async (t) => {
  const sink = await startSink(t);
  const port = await freePort();
  const processors = { batch: { timeout: '1h', send_batch_size: 1_000_000 } };
  const config = configOf({ grpc: { endpoint: `127.0.0.1:${port}` }, processors, exporters: { otlp: exportTo(sink) } });
  const { receivers, service: section } = config as {
    receivers: Record<string, object>;
    service: { pipelines: { traces: { receivers: string[] } } };
  };
  receivers['otlp/later'] = { protocols: { grpc: { endpoint: 'silent.invalid:4317' } } };
  section.pipelines.traces.receivers = ['otlp', 'otlp/later'];
  const service = await startService(t, config, {
    preload: new URL('support/silent-dns.ts', import.meta.url),
    until: ({ msg }) => msg?.startsWith('send traces') === true,
  });
  const tally = createTally();
  const client = createClient(t, { address: `127.0.0.1:${port}`, clients: service.clients }, tally);
  assert.equal((await client.send(createSpanSource().request(7))).code, 0);
  assert.equal(sink.calls(), 0);
  await settle(service, { sink, tally });
  assert.equal(sink.spans.size, 7);
});

test('a service that got nothing ends with an account of zeros', async (t) => {
  const sink = await startSink(t);
  const service = await startService(t, configOf({ exporters: { otlp: exportTo(sink) } }));
  const end = await settle(service, { sink, tally: createTally() });
  assert.equal(accountOf(end, {}).received, 0);
});
