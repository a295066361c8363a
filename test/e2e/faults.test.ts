// Pulled plugs: what a backend, a network and a machine can do to the service while it runs. What was acknowledged arrives.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import * as net from 'node:net';
import { type TestContext, test } from 'node:test';
import { createClient, createTally } from './support/client.ts';
import { configOf, exportTo } from './support/config.ts';
import { startFront } from './support/front.ts';
import { startHttpSink } from './support/http-sink.ts';
import { assertClean, startService } from './support/service.ts';
import { accountOf, settle } from './support/settle.ts';
import { startSink } from './support/sink.ts';
import { createSpanSource } from './support/spans.ts';

const turn = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A server that accepts connections and does with them what `behave` says. */
async function startServer(t: TestContext, behave: (socket: net.Socket) => void): Promise<{ readonly port: number }> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    behave(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as net.AddressInfo).port };
}

test('a backend that flaps gets everything', async (t) => {
  const sink = await startSink(t);
  const service = await startService(t, configOf({ exporters: { otlp: exportTo(sink) } }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  for (let round = 0; round < 10; round++) {
    await sink.close();
    for (let i = 0; i < 5; i++) assert.equal((await client.send(source.request(10))).code, 0);
    await sink.listen();
    const expected = tally.acknowledged.size;
    await sink.until(() => sink.spans.size === expected);
  }
  // An answer that the reset cut off is asked for again: at least once, and no more can be promised.
  const end = await service.end();
  assert.equal(end.code, 0, service.log());
  const { received, exported, failed, remainder } = accountOf(end, {});
  assert.deepEqual([received, exported, failed, remainder], [500, 500, 0, 0]);
});

for (const [name, behave] of [
  ['accepts and is silent', () => undefined],
  ['answers with something that is no HTTP/2', (socket: net.Socket) => void socket.write('SSH-2.0-OpenSSH_9.6\r\n')],
  ['closes each connection at once', (socket: net.Socket) => socket.destroy()],
  ['resets after the first bytes', (socket: net.Socket) => socket.once('data', () => socket.resetAndDestroy())],
] as const) {
  test(`a backend that ${name} costs attempts and no spans, and the real one gets them`, async (t) => {
    const sink = await startSink(t);
    let broken = true;
    const front = await startServer(t, (socket) => {
      if (broken) {
        behave(socket);
        return;
      }
      const backend = net.connect(sink.port, '127.0.0.1');
      backend.on('error', () => socket.destroy());
      socket.pipe(backend).pipe(socket);
    });
    const exporters = { otlp: exportTo(front, { timeout: '300ms' }) };
    const service = await startService(t, configOf({ exporters }));
    const tally = createTally();
    const client = createClient(t, service, tally);
    const source = createSpanSource();
    for (let i = 0; i < 20; i++) assert.equal((await client.send(source.request(10))).code, 0);
    await service.line(({ msg }) => msg === 'export failed, will try again');
    broken = false;
    await sink.until(() => sink.spans.size === 200);
    await settle(service, { sink, tally });
  });
}

test('a backend whose host vanishes without a word is left for a new connection, over gRPC and over HTTP', async (t) => {
  const [sink, overHttp] = [await startSink(t), await startHttpSink(t)];
  const [front, httpFront] = [await startFront(t, sink.port), await startFront(t, overHttp.port)];
  const exporters = {
    otlp: exportTo(front, { timeout: '300ms' }),
    otlp_http: {
      endpoint: `http://127.0.0.1:${httpFront.port}`,
      timeout: '300ms',
      retry_on_failure: { initial_interval: '20ms', max_interval: '100ms' },
    },
  };
  const service = await startService(t, configOf({ exporters }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  for (let round = 1; round <= 3; round++) {
    for (let i = 0; i < 10; i++) assert.equal((await client.send(source.request(10))).code, 0);
    for (const one of [sink, overHttp]) await one.until(() => one.spans.size === round * 100);
    front.vanish();
    httpFront.vanish();
  }
  // An answer that was under way when the host vanished is asked for again.
  const end = await service.end();
  assertClean(end, service);
  for (const exporter of ['otlp', 'otlp_http']) {
    const { received, exported, failed } = accountOf(end, { exporter });
    assert.deepEqual([received, exported, failed], [300, 300, 0]);
  }
});

test('a backend whose name does not resolve is tried again, and what it was to get is failed at the end with the reason', async (t) => {
  const exporters = { otlp: { ...exportTo({ port: 4317 }), endpoint: 'backend.invalid:4317' } };
  const service = await startService(t, configOf({ exporters }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  assert.equal((await client.send(createSpanSource().request(10))).code, 0);
  const line = await service.line(({ msg }) => msg === 'export failed, will try again');
  assert.match(String(line.error), /backend\.invalid/);
  client.close();
  service.signal('SIGTERM');
  await service.line(({ msg }) => msg?.startsWith('draining') === true);
  service.signal('SIGTERM');
  const account = accountOf(await service.ended, {});
  assert.deepEqual([account.received, account.held + account.failed, account.remainder], [10, 10, 0]);
});

/** Of the process in which they are used up. */
const openFiles = 80;

test('with all file descriptors used up those who are connected go on, and others come in when there are some again', async (t) => {
  const sink = await startSink(t);
  const service = await startService(t, configOf({ exporters: { otlp: exportTo(sink) } }), { openFiles });
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  assert.equal((await client.send(source.request(10))).code, 0);
  const sockets = Array.from({ length: 120 }, () => {
    const socket = net.connect(service.port, '127.0.0.1');
    socket.on('error', () => undefined);
    return socket;
  });
  while (readdirSync(`/proc/${service.pid}/fd`).length < openFiles) await turn(10);
  for (let i = 0; i < 10; i++) assert.equal((await client.send(source.request(10))).code, 0);
  for (const socket of sockets) socket.destroy();
  const late = createClient(t, service, tally);
  let reply = await late.send(source.request(10));
  // A client of @grpc/grpc-js waits for seconds after a connection that failed.
  for (let tries = 0; reply.code !== 0 && tries < 200; tries++) {
    await turn(100);
    reply = await late.send(source.request(10));
  }
  assert.equal(reply.code, 0, 'nobody new gets in');
  await sink.until(() => [...tally.acknowledged].every((id) => sink.spans.has(id)));
  await settle(service, { sink, tally });
});
