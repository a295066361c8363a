// Addresses that go from one component to another: a receiver that is renamed, two that trade their ports, one that listens on all
// addresses from now on. What listens there before goes on until the other does.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createClient, createTally } from './support/client.ts';
import { configOf, exportTo } from './support/config.ts';
import { freePort } from './support/free-port.ts';
import { runLoad } from './support/load.ts';
import { reload } from './support/reload.ts';
import { assertClean, startService } from './support/service.ts';
import { assertBranch } from './support/settle.ts';
import { type Sink, startSink } from './support/sink.ts';
import { createSpanSource } from './support/spans.ts';

type Sections = Readonly<Record<string, object>>;

const overGrpc = (port: number, host = '127.0.0.1'): object => ({
  protocols: { grpc: { endpoint: `${host}:${port}` } },
});
const overHttp = (port: number): object => ({ protocols: { http: { endpoint: `127.0.0.1:${port}` } } });

/** One pipeline with these receivers, by id. */
function config(sink: Sink, receivers: Sections, extensions: Sections = {}): object {
  const parts = { exporters: { otlp: exportTo(sink) }, extensions: extensions as Record<string, never> };
  const base = configOf(parts) as { service: object };
  const pipelines = { traces: { receivers: Object.keys(receivers), exporters: ['otlp'] } };
  return { ...base, receivers, service: { ...base.service, pipelines } };
}

function knock(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
  });
}

/** Calls over gRPC, and new connections, until it is stopped. */
function load(t: TestContext, service: Parameters<typeof createClient>[1], port: number) {
  const tally = createTally();
  const at = { address: `127.0.0.1:${port}`, clients: service.clients };
  const clients = Array.from({ length: 3 }, () => createClient(t, at, tally, { transparentRetries: true }));
  let isOver = false;
  const calls = runLoad({ clients, source: createSpanSource(), inFlight: 2, spans: 3, goOn: () => !isOver });
  const knocks = (async () => {
    while (!isOver) await knock(port);
  })();
  return {
    tally,
    async stop() {
      isOver = true;
      await Promise.all([calls, knocks]);
    },
  };
}

test('receivers that are renamed or trade their ports refuse nobody', async (t) => {
  const sink = await startSink(t);
  const [here, there] = [await freePort(), await freePort()];
  const service = await startService(t, config(sink, { otlp: overGrpc(here) }));
  const running = load(t, service, here);
  for (let round = 0; round < 5; round++) {
    for (const receivers of [
      { 'otlp/main': overGrpc(here) },
      { otlp: overGrpc(here), 'otlp/more': overGrpc(there) },
      { otlp: overGrpc(there), 'otlp/more': overGrpc(here) },
      { 'otlp/more': overHttp(there), otlp: overGrpc(here, 'localhost') },
    ]) {
      assert.equal((await reload(service, config(sink, receivers))).msg, 'reloaded');
      const { size } = running.tally.acknowledged;
      await sink.until(() => running.tally.acknowledged.size > size + 100);
      if (Object.keys(receivers).length > 1) await knock(there);
    }
  }
  await running.stop();
  assert.deepEqual([running.tally.refused.size, running.tally.unknown.size], [0, 0]);
  const end = await service.end();
  assertClean(end, service);
  assertBranch(end, { sink, tally: running.tally });
});

test('a receiver listens on all addresses instead of one, and on one again, without a connection that ends', async (t) => {
  const sink = await startSink(t);
  const port = await freePort();
  const service = await startService(t, config(sink, { otlp: overGrpc(port) }));
  const tally = createTally();
  const source = createSpanSource();
  for (const host of ['0.0.0.0', '127.0.0.1', '', '127.0.0.1']) {
    const before = createClient(t, service, tally, { transparentRetries: true });
    assert.equal((await before.send(source.request(2))).code, 0);
    assert.equal((await reload(service, config(sink, { otlp: overGrpc(port, host) }))).msg, 'reloaded');
    assert.equal((await before.send(source.request(2))).code, 0);
    await knock(port);
  }
  // What cannot be had changes nothing, also where room was made for it.
  const wrong = { otlp: overGrpc(port, '0.0.0.0'), 'otlp/more': overGrpc(sink.port) };
  assert.match((await reload(service, config(sink, wrong))).msg ?? '', /^not reloaded.*LISTEN.*EADDRINUSE/);
  const after = createClient(t, service, tally);
  assert.equal((await after.send(source.request(2))).code, 0);
  const end = await service.end();
  assertClean(end, service);
  assertBranch(end, { sink, tally });
});

test('one address for two is refused, and what listens there goes on', async (t) => {
  const sink = await startSink(t);
  const port = await freePort();
  const service = await startService(t, config(sink, { otlp: overGrpc(port) }));
  const running = load(t, service, port);
  for (const receivers of [
    { otlp: overGrpc(port), 'otlp/more': overGrpc(port) },
    { 'otlp/one': overGrpc(port), 'otlp/more': overHttp(port) },
    { otlp: { protocols: { ...overGrpcAndHttp(port) } } },
  ]) {
    const { msg } = await reload(service, config(sink, receivers));
    assert.match(msg ?? '', /^not reloaded.*LISTEN cannot listen on .*EADDRINUSE/);
    const { size } = running.tally.acknowledged;
    await sink.until(() => running.tally.acknowledged.size > size + 100);
  }
  await running.stop();
  assert.deepEqual([running.tally.refused.size, running.tally.unknown.size], [0, 0]);
  assertClean(await service.end(), service);
});

const overGrpcAndHttp = (port: number): object => ({
  grpc: { endpoint: `127.0.0.1:${port}` },
  http: { endpoint: `127.0.0.1:${port}` },
});

test('a health check that is renamed goes on, and of two that change none does when one cannot', async (t) => {
  const sink = await startSink(t);
  const [port, healthPort] = [await freePort(), await freePort()];
  const at = (extensions: Sections): object => config(sink, { otlp: overGrpc(port) }, extensions);
  const endpoint = `127.0.0.1:${healthPort}`;
  const status = async (path: string): Promise<number> => (await fetch(`http://${endpoint}${path}`)).status;
  const service = await startService(t, at({ health_check: { endpoint, path: '/one' } }));
  assert.deepEqual([await status('/one'), await status('/two')], [200, 404]);
  assert.equal((await reload(service, at({ 'health_check/main': { endpoint, path: '/two' } }))).msg, 'reloaded');
  assert.deepEqual([await status('/one'), await status('/two')], [404, 200]);
  const wrong = {
    'health_check/main': { endpoint, path: '/three' },
    'health_check/other': { endpoint: `127.0.0.1:${sink.port}` },
  };
  assert.match((await reload(service, at(wrong))).msg ?? '', /^not reloaded.*LISTEN/);
  assert.deepEqual([await status('/two'), await status('/three')], [200, 404]);
  assertClean(await service.end(), service);
});
