// Server suite: connections and how they end.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { createNodeGrpcClient } from '../../../src/transport/node/grpc-client.ts';
import { testFolder } from '../support/programs.ts';
import {
  type Bench,
  connect,
  expectGood,
  framed,
  grpcHeaders,
  jsClient,
  pattern,
  rawCall,
  replyOf,
  type StartServer,
  startBench,
} from './server-bench.ts';
import { createTestMethod, exportPath } from './test-method.ts';

interface Goaway {
  readonly code: number;
  readonly text: string;
}

/** The first GOAWAY of a session. */
const goawayOf = (session: http2.ClientHttp2Session): Promise<Goaway> =>
  new Promise((resolve) => {
    session.once('goaway', (code, _last, data) => resolve({ code, text: String(data ?? '') }));
  });

export function lifecycleTests(start: StartServer): void {
  test('draining answers what is under way, sends GOAWAY and takes no new connection', async (t) => {
    const bench = await startBench(t, start);
    const session = connect(t, bench);
    bench.method.answer = () => 'later';
    const pending = rawCall(session, framed(pattern(500)));
    const large = session.request(grpcHeaders);
    const largeReply = replyOf(large);
    const body = framed(pattern(200_000));
    large.write(body.subarray(0, 100_000));
    await bench.method.handledCount(1);
    const goaway = goawayOf(session);
    const drained = bench.server.drain(10_000);
    assert.equal((await goaway).code, http2.constants.NGHTTP2_NO_ERROR);
    // One message that was half sent comes to its end too.
    large.end(body.subarray(100_000));
    await bench.method.handledCount(2);
    await assert.rejects(connectTo(bench), /ECONNREFUSED/);
    for (const handled of bench.method.handled) handled.reply(null);
    assert.deepEqual([(await pending).code, (await largeReply).code], ['0', '0']);
    await drained;
    assert.equal(bench.server.counters.connectionsNow, 0);
    assert.equal(bench.server.address(), '');
  });

  test('a real client loses no call to a drain: each is answered, or refused before it was taken', async (t) => {
    const bench = await startBench(t, start);
    const client = jsClient(t, bench);
    const calls = Array.from({ length: 300 }, (_, i) => client.call(pattern(i + 1)));
    await bench.method.handledCount(50);
    const drained = bench.server.drain(10_000);
    const replies = await Promise.all(calls);
    await drained;
    const ok = replies.filter((reply) => reply.code === 0).length;
    assert.equal(ok, bench.method.handled.length, 'what was handled is not what was answered');
    assert.ok(replies.every((reply) => reply.code === 0 || reply.code === 14));
  });

  test('clients that idle hold up a drain for no longer than they take to hear of it', async (t) => {
    const bench = await startBench(t, start);
    const client = jsClient(t, bench);
    await expectGood(bench, client);
    const session = connect(t, bench);
    assert.equal((await rawCall(session, framed(pattern(9)))).code, '0');
    const fresh = connect(t, bench);
    await once(fresh, 'remoteSettings');
    const began = performance.now();
    await bench.server.drain(10_000);
    const tookMs = performance.now() - began;
    // Not the second that a client may take which answers nothing.
    assert.ok(tookMs < 900, `${tookMs} ms`);
  });

  test('at the deadline of a drain who waits is told to come again, and connections are cut', async (t) => {
    const bench = await startBench(t, start);
    bench.method.answer = () => 'later';
    const session = connect(t, bench);
    const pending = rawCall(session, framed(pattern(500)));
    await bench.method.handledCount(1);
    await bench.server.drain(50);
    assert.equal((await pending).code, '14');
    assert.equal(bench.server.counters.connectionsNow, 0);
    // The answer comes after all: nobody hears it, and nothing breaks.
    bench.method.handled[0].reply(null);
  });

  test('a drain without connections, before listen, twice, and close after it all end', async (t) => {
    const bench = await startBench(t, start);
    await bench.server.drain(1000);
    await bench.server.drain(1000);
    await bench.server.close();
    await bench.server.close();
    const routes = new Map([['/x', bench.method]]);
    const unused = start({ listen: { kind: 'tcp', host: '127.0.0.1', port: 0, family: 0 }, routes });
    assert.equal(unused.address(), '');
    await unused.drain(1000);
    await unused.close();
  });

  test('an address in use is an error LISTEN that names it', async (t) => {
    const bench = await startBench(t, start);
    const listen = { kind: 'tcp', host: '127.0.0.1', port: bench.port, family: 0 } as const;
    const second = start({ listen, routes: new Map() });
    await assert.rejects(second.listen(), {
      code: 'LISTEN',
      message: new RegExp(`127\\.0\\.0\\.1:${bench.port}.*EADDRINUSE`),
    });
    await second.close();
  });

  test('a unix socket serves as a port does, and a second server on it is refused', async (t) => {
    const path = join(await testFolder(t), 'otlp.sock');
    const method = createTestMethod();
    const options = { listen: { kind: 'unix', path } as const, routes: new Map([[exportPath, method]]) };
    const server = start(options);
    await server.listen();
    t.after(() => server.close());
    assert.equal(server.address(), path);
    const client = createNodeGrpcClient({ endpoint: `unix://${path}` });
    t.after(() => client.close());
    for (const size of [0, 300, 300_000]) {
      const message = pattern(size);
      const reply = await client.call(exportPath, [message], { timeoutMs: 10_000 });
      assert.equal(reply.code, 0, reply.message);
      assert.ok(method.handled.at(-1)?.message.equals(message));
    }
    assert.equal(method.handled[0].call.peer, '');
    const second = start(options);
    await assert.rejects(second.listen(), { code: 'LISTEN', message: /EADDRINUSE/ });
    await second.close();
    await server.drain(5000);
    assert.equal(server.address(), '');
  });

  test('a connection without calls is sent away after its idle time, and calls go on elsewhere', async (t) => {
    const bench = await startBench(t, start, { keepalive: { maxConnectionIdleMs: 40 } });
    const client = jsClient(t, bench);
    await expectGood(bench, client);
    const session = connect(t, bench);
    assert.equal((await goawayOf(session)).code, http2.constants.NGHTTP2_NO_ERROR);
    await once(session, 'close');
    await expectGood(bench, client);
  });

  test('a connection is sent away at its age; its calls are answered within the grace', async (t) => {
    const bench = await startBench(t, start, { keepalive: { maxConnectionAgeMs: 40 } });
    bench.method.answer = () => 'later';
    const session = connect(t, bench);
    const pending = rawCall(session, framed(pattern(500)));
    assert.equal((await goawayOf(session)).code, http2.constants.NGHTTP2_NO_ERROR);
    await bench.method.handledCount(1);
    bench.method.handled[0].reply(null);
    assert.equal((await pending).code, '0');
    await once(session, 'close');
  });

  test('calls that outlast the grace of an aged connection are cut', async (t) => {
    const bench = await startBench(t, start, { keepalive: { maxConnectionAgeMs: 20, maxConnectionAgeGraceMs: 40 } });
    bench.method.answer = () => 'later';
    const reply = await rawCall(connect(t, bench), framed(pattern(500)));
    assert.equal(reply.code, undefined);
  });

  test('a peer that answers no ping is cut; one that does stays', async (t) => {
    const bench = await startBench(t, start, { keepalive: { timeMs: 40, timeoutMs: 40 } });
    const session = connect(t, bench);
    assert.equal((await rawCall(session, framed(pattern(9)))).code, '0');
    const dead = net.connect(bench.port, '127.0.0.1');
    dead.on('error', () => undefined);
    dead.resume();
    dead.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    dead.write(Buffer.alloc(9).fill(4, 3, 4));
    await once(dead, 'close');
    assert.ok(!session.destroyed);
    assert.equal((await rawCall(session, framed(pattern(9)))).code, '0');
    assert.equal(bench.server.counters.keepaliveClosed, 1);
  });

  test('a client that pings too often is told so and disconnected', async (t) => {
    const bench = await startBench(t, start);
    const session = connect(t, bench);
    assert.equal((await rawCall(session, framed(pattern(9)))).code, '0');
    const goaway = goawayOf(session);
    for (let i = 0; i < 6 && !session.destroyed; i++) session.ping(() => undefined);
    const { code, text } = await goaway;
    assert.equal(code, http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    assert.equal(text, 'too_many_pings');
  });

  test('pings within the policy are welcome', async (t) => {
    const bench = await startBench(t, start, { pings: { minTimeMs: 0, permitWithoutStream: true } });
    const session = connect(t, bench);
    for (let i = 0; i < 10; i++) await new Promise((resolve) => session.ping(resolve));
    assert.equal((await rawCall(session, framed(pattern(9)))).code, '0');
    assert.equal(bench.server.counters.keepaliveClosed, 0);
  });

  test('the receive windows are the ones configured', async (t) => {
    const limits = { streamWindowBytes: 300_000, connectionWindowBytes: 1_000_000 };
    const bench = await startBench(t, start, { limits });
    const session = connect(t, bench);
    const [settings] = await once(session, 'remoteSettings');
    assert.equal(settings.initialWindowSize, 300_000);
    assert.equal((await rawCall(session, framed(pattern(9)))).code, '0');
    assert.ok((session.state.remoteWindowSize ?? 0) >= 999_000, `${session.state.remoteWindowSize}`);
  });
}

async function connectTo(bench: Bench): Promise<void> {
  const socket = net.connect(bench.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
}
