// Client suite: peers that are no gRPC server, or a broken one.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import { type TestContext, test } from 'node:test';
import { type CreateClient, clientFor } from './client-bench.ts';
import { framed, pattern } from './server-bench.ts';
import { exportPath } from './test-method.ts';

type OnStream = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

async function startHttp2(t: TestContext, onStream: OnStream, options: http2.ServerOptions = {}): Promise<number> {
  const server = http2.createServer(options);
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    onStream(stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return (server.address() as net.AddressInfo).port;
}

const ok = { ':status': 200, 'content-type': 'application/grpc' };

function answerWith(stream: http2.ServerHttp2Stream, body: Buffer, trailers: http2.OutgoingHttpHeaders): void {
  stream.respond(ok, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(body);
}

const mapped: readonly [number, number][] = [
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [429, 14],
  [500, 2],
  [502, 14],
  [503, 14],
  [504, 14],
];

export function proxyTests(create: CreateClient): void {
  test('HTTP statuses of a proxy become the codes that gRPC says', async (t) => {
    let status = 0;
    const port = await startHttp2(t, (stream) => {
      stream.respond({ ':status': status, 'content-type': 'text/html' });
      stream.end('<html>');
    });
    const client = clientFor(t, create, port);
    for (const [httpStatus, code] of mapped) {
      status = httpStatus;
      const reply = await client.call(exportPath, [pattern(9)], { timeoutMs: 10_000 });
      assert.equal(reply.code, code, `HTTP ${httpStatus}: ${reply.message}`);
      assert.equal(reply.body, null);
    }
  });

  test('responses that are not one whole message are errors', async (t) => {
    let body: Buffer = Buffer.alloc(0);
    const port = await startHttp2(t, (stream) => answerWith(stream, body, { 'grpc-status': '0' }));
    const client = clientFor(t, create, port);
    const bodies = [Buffer.alloc(0), Buffer.alloc(3), framed(pattern(10), 0, 11), framed(pattern(10), 1)];
    for (const wrong of bodies) {
      body = wrong;
      const reply = await client.call(exportPath, [pattern(9)], { timeoutMs: 10_000 });
      assert.notEqual(reply.code, 0, `${wrong.length} bytes were taken for a response`);
      assert.equal(reply.body, null);
    }
    body = framed(pattern(10));
    assert.equal((await client.call(exportPath, [pattern(9)])).code, 0);
  });

  test('streams that end without a status are errors, whatever ended them', async (t) => {
    const { constants } = http2;
    let rst: number = constants.NGHTTP2_NO_ERROR;
    const port = await startHttp2(t, (stream) => stream.close(rst));
    const client = clientFor(t, create, port);
    for (const [code, expected] of [
      [constants.NGHTTP2_PROTOCOL_ERROR, 13],
      [constants.NGHTTP2_INTERNAL_ERROR, 13],
      [constants.NGHTTP2_CANCEL, 1],
      [constants.NGHTTP2_ENHANCE_YOUR_CALM, 8],
      [constants.NGHTTP2_INADEQUATE_SECURITY, 7],
    ]) {
      rst = code;
      const reply = await client.call(exportPath, [pattern(9)], { timeoutMs: 10_000 });
      assert.equal(reply.code, expected, `RST_STREAM ${code}: ${reply.message}`);
    }
  });

  test('a stream that the server refuses is UNAVAILABLE', async (t) => {
    const port = await startHttp2(t, (stream) => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM));
    const reply = await clientFor(t, create, port).call(exportPath, [pattern(9)], { timeoutMs: 500 });
    assert.ok(reply.code === 14 || reply.code === 4, `${reply.code} ${reply.message}`);
  });

  test('an early error while a large message is still being sent is understood', async (t) => {
    const port = await startHttp2(t, (stream) => {
      stream.respond({ ...ok, 'grpc-status': '8', 'grpc-message': 'too large' }, { endStream: true });
      stream.close(http2.constants.NGHTTP2_NO_ERROR);
    });
    const client = clientFor(t, create, port);
    const reply = await client.call(exportPath, [pattern(3_000_000)], { timeoutMs: 10_000 });
    assert.deepEqual([reply.code, reply.message], [8, 'too large']);
  });

  test('a peer that takes no more bytes ends with the deadline, and leaves the segments alone from then on', async (t) => {
    // A window of 1 KiB that never grows, on a server that never reads.
    const stalled = await startHttp2(t, (stream) => stream.pause(), { settings: { initialWindowSize: 1024 } });
    const reply = await clientFor(t, create, stalled).call(exportPath, [pattern(2_000_000)], { timeoutMs: 100 });
    assert.equal(reply.code, 4);
    // A peer that speaks HTTP/2 and then stops reading its socket: the bytes are stuck in the kernel and in libuv.
    let ended: Promise<unknown> = Promise.resolve();
    let deaf: net.Socket | null = null;
    const port = await startRaw(t, (socket) => {
      deaf = socket;
      ended = once(socket, 'close');
      socket.pause();
      // Windows so large that the whole message is handed to the socket at once.
      socket.write(rawFrame(4, Buffer.from([0, 4, 0x3f, 0xff, 0xff, 0xff])));
      socket.write(rawFrame(8, Buffer.from([0x3f, 0xff, 0, 0])));
    });
    const client = clientFor(t, create, port);
    const segment = pattern(12_000_000);
    const cut = await client.call(exportPath, [segment], { timeoutMs: 100 });
    assert.equal(cut.code, 4, cut.message);
    segment.fill(0xee);
    assert.ok(deaf !== null);
    const chunks: Buffer[] = [];
    (deaf as net.Socket).on('data', (chunk: Buffer) => chunks.push(chunk)).resume();
    client.close();
    await ended;
    const received = Buffer.concat(chunks);
    assert.ok(received.length > 50_000, 'the peer got so little that this proves nothing');
    assert.equal(received.indexOf(Buffer.alloc(64, 0xee)), -1, 'bytes written after the call had settled were sent');
  });

  test('keepalive finds a peer that has gone silent', async (t) => {
    // SETTINGS, so that the connection counts as one, and then nothing: no PING is ever answered.
    const port = await startRaw(t, (socket) => {
      socket.resume();
      socket.write(rawFrame(4, Buffer.alloc(0)));
    });
    const keepalive = { timeMs: 100, timeoutMs: 100, permitWithoutStream: false };
    const client = clientFor(t, create, port, { keepalive });
    const reply = await client.call(exportPath, [pattern(9)], { timeoutMs: 20_000 });
    assert.equal(reply.code, 14, reply.message);
  });

  test('a peer that does not speak HTTP/2 is UNAVAILABLE', async (t) => {
    const port = await startRaw(t, (socket) => {
      socket.resume();
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    const reply = await clientFor(t, create, port).call(exportPath, [pattern(9)], { timeoutMs: 5000 });
    assert.ok(reply.code === 14 || reply.code === 4, `${reply.code} ${reply.message}`);
  });

  test('a connection that breaks during a call makes it UNAVAILABLE, and the next call reconnects', async (t) => {
    let calls = 0;
    const port = await startHttp2(t, (stream) => {
      if (++calls === 1) stream.session?.socket.resetAndDestroy();
      else answerWith(stream, framed(Buffer.alloc(0)), { 'grpc-status': '0' });
    });
    const client = clientFor(t, create, port, { waitForReady: true });
    assert.equal((await client.call(exportPath, [pattern(9)], { timeoutMs: 20_000 })).code, 14);
    assert.equal((await client.call(exportPath, [pattern(9)], { timeoutMs: 20_000 })).code, 0);
  });
}

/** A server that is given bare sockets. */
async function startRaw(t: TestContext, onSocket: (socket: net.Socket) => void): Promise<number> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as net.AddressInfo).port;
}

/** A frame on stream 0. */
const rawFrame = (type: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([0, 0, payload.length, type, 0, 0, 0, 0, 0]), payload]);
