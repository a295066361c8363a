// Server suite: requests and connections that are wrong. Good requests come before, between and after.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type * as http2 from 'node:http2';
import * as net from 'node:net';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
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
import { exportPath } from './test-method.ts';

interface WrongRequest {
  readonly what: string;
  readonly headers?: http2.OutgoingHttpHeaders;
  readonly body: Buffer;
  readonly code: string;
  readonly httpStatus?: number;
  readonly message: RegExp;
}

const whole = framed(pattern(100));
const wrongRequests: readonly WrongRequest[] = [
  {
    what: 'an unknown method',
    headers: { ':path': `${exportPath}X` },
    body: whole,
    code: '12',
    message: /unknown method/,
  },
  { what: 'the path /', headers: { ':path': '/' }, body: whole, code: '12', message: /unknown method/ },
  { what: 'GET', headers: { ':method': 'GET' }, body: whole, code: '13', httpStatus: 405, message: /GET/ },
  { what: 'PUT', headers: { ':method': 'PUT' }, body: whole, code: '13', httpStatus: 405, message: /PUT/ },
  {
    what: 'a content-type that is not gRPC',
    headers: { 'content-type': 'application/x-protobuf' },
    body: whole,
    code: '3',
    httpStatus: 415,
    message: /application\/x-protobuf/,
  },
  {
    what: 'gRPC-Web',
    headers: { 'content-type': 'application/grpc-web' },
    body: whole,
    code: '3',
    httpStatus: 415,
    message: /grpc-web/,
  },
  { what: 'an unknown encoding', headers: { 'grpc-encoding': 'snappy' }, body: whole, code: '12', message: /snappy/ },
  {
    what: 'a timeout that is none',
    headers: { 'grpc-timeout': '10x' },
    body: whole,
    code: '13',
    message: /grpc-timeout/,
  },
  { what: 'no message', body: Buffer.alloc(0), code: '13', message: /no message/ },
  { what: 'half a prefix', body: whole.subarray(0, 3), code: '13', message: /3 bytes of a message's prefix/ },
  { what: 'a prefix without its message', body: whole.subarray(0, 5), code: '13', message: /after 0 of the 100 bytes/ },
  { what: 'a body that ends early', body: whole.subarray(0, 60), code: '13', message: /after 55 of the 100 bytes/ },
  {
    what: 'a large body that ends early',
    body: framed(pattern(100_000)).subarray(0, 90_000),
    code: '13',
    message: /after 89995 of the 100000 bytes/,
  },
  { what: 'a body that goes on', body: Buffer.concat([whole, pattern(7)]), code: '13', message: /goes on after/ },
  {
    what: 'a large body that goes on',
    body: framed(pattern(200_000), 0, 150_000),
    code: '13',
    message: /goes on after its message of 150000 bytes/,
  },
  { what: 'two messages', body: Buffer.concat([whole, whole]), code: '13', message: /exactly one/ },
  { what: 'a compressed flag of 2', body: framed(pattern(100), 2), code: '13', message: /compressed flag 2/ },
  {
    what: 'a compressed flag without an encoding',
    body: framed(pattern(100), 1),
    code: '13',
    message: /flagged as compressed/,
  },
  {
    what: 'gzip that is not gzip',
    headers: { 'grpc-encoding': 'gzip' },
    body: framed(pattern(100), 1),
    code: '13',
    message: /failed to decompress/,
  },
  {
    what: 'gzip cut off',
    headers: { 'grpc-encoding': 'gzip' },
    body: framed(zlib.gzipSync(pattern(5000)).subarray(0, 3000), 1),
    code: '13',
    message: /failed to decompress/,
  },
  {
    what: 'an empty gzip message',
    headers: { 'grpc-encoding': 'gzip' },
    body: framed(Buffer.alloc(0), 1),
    code: '13',
    message: /failed to decompress/,
  },
  {
    what: 'zstd that is not zstd',
    headers: { 'grpc-encoding': 'zstd' },
    body: framed(pattern(100), 1),
    code: '13',
    message: /failed to decompress/,
  },
  {
    what: 'zstd cut off',
    headers: { 'grpc-encoding': 'zstd' },
    body: framed(zlib.zstdCompressSync(pattern(5000)).subarray(0, 3000), 1),
    code: '13',
    message: /failed to decompress/,
  },
  {
    what: 'gzip that announces 4 GiB',
    headers: { 'grpc-encoding': 'gzip' },
    body: framed(Buffer.concat([zlib.gzipSync(pattern(100)).subarray(0, -4), Buffer.alloc(4, 255)]), 1),
    code: '13',
    message: /failed to decompress/,
  },
];

export function badInputTests(start: StartServer): void {
  test('each wrong request is refused alone, on a connection that goes on', async (t) => {
    const bench = await startBench(t, start);
    const client = jsClient(t, bench);
    const session = connect(t, bench);
    for (const { what, headers = {}, body, code, httpStatus = 200, message } of wrongRequests) {
      const neighbours = [rawCall(session, framed(pattern(70_000))), rawCall(session, whole)];
      const reply = await rawCall(session, body, headers);
      assert.equal(reply.code, code, `${what}: ${reply.message}`);
      assert.equal(reply.httpStatus, httpStatus, what);
      assert.match(reply.message, message, what);
      assert.ok(
        (await Promise.all(neighbours)).every((neighbour) => neighbour.code === '0'),
        what,
      );
      await expectGood(bench, client);
    }
    assert.equal(bench.method.handled.length, wrongRequests.length * 3);
    assert.ok(!session.destroyed);
  });

  test('an unsupported encoding is answered with the supported ones', async (t) => {
    const bench = await startBench(t, start);
    const reply = await rawCall(connect(t, bench), whole, { 'grpc-encoding': 'br' });
    assert.equal(reply.headers['grpc-accept-encoding'], 'identity,gzip,zstd');
  });

  test('errors are told in the headers alone, and are refused before the body is whole', async (t) => {
    const bench = await startBench(t, start);
    const stream = connect(t, bench).request({ ...grpcHeaders, ':path': '/nothing.Here/Export' });
    // The body is never ended: only an early answer can end this.
    stream.write(whole);
    const reply = await replyOf(stream);
    assert.equal(reply.headers['grpc-status'], '12');
    assert.deepEqual({ ...reply.trailers }, {});
    assert.equal(reply.body.length, 0);
    assert.equal(reply.rstCode, 0);
  });

  test('headers beyond the limit end their stream only', async (t) => {
    const bench = await startBench(t, start, { limits: { maxHeaderBytes: 4096 } });
    const session = connect(t, bench);
    // The limit holds once the client has acknowledged the server's SETTINGS.
    assert.equal((await rawCall(session, whole)).code, '0');
    const reply = await rawCall(session, whole, { 'x-large': 'x'.repeat(20_000) });
    assert.notEqual(reply.code, '0');
    assert.equal((await rawCall(session, whole)).code, '0');
  });

  for (const [what, bytes] of rawOpenings()) {
    test(`${what} on the port harms nobody`, async (t) => {
      const bench = await startBench(t, start);
      const client = jsClient(t, bench);
      await expectGood(bench, client);
      const ends = Array.from({ length: 3 }, () => sendRaw(bench, bytes));
      await expectGood(bench, client);
      await Promise.all(ends);
      await expectGood(bench, client);
      await expectGood(bench, jsClient(t, bench));
    });
  }

  test('clients that disappear halfway through a request leave nothing behind', async (t) => {
    const bench = await startBench(t, start);
    const client = jsClient(t, bench);
    for (const length of [1000, 300_000]) {
      const session = connect(t, bench);
      const stream = session.request(grpcHeaders);
      stream.on('error', () => undefined);
      await new Promise((resolve) => stream.write(framed(pattern(length)).subarray(0, 600), resolve));
      await new Promise((resolve) => session.ping(resolve));
      session.socket.resetAndDestroy();
      await once(session, 'close');
      await expectGood(bench, client);
    }
    assert.equal(bench.method.handled.length, 2);
  });

  test('500 idle connections do not stand in the way', async (t) => {
    const bench = await startBench(t, start);
    const sockets = await Promise.all(
      Array.from({ length: 500 }, async () => {
        const socket = net.connect(bench.port, '127.0.0.1');
        await once(socket, 'connect');
        return socket;
      }),
    );
    await expectGood(bench, jsClient(t, bench));
    for (const socket of sockets) socket.destroy();
    await expectGood(bench, jsClient(t, bench));
  });
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** length (24) type (8) flags (8) stream (32) payload: RFC 9113, 4.1. */
function frame(type: number, flags: number, stream: number, payload: Buffer, length = payload.length): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

function rawOpenings(): [string, Buffer][] {
  const settings = frame(4, 0, 0, Buffer.alloc(0));
  const started = Buffer.concat([preface, settings]);
  const http1 = `POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello`;
  return [
    ['plain HTTP/1', Buffer.from(http1)],
    [
      'HTTP/1 with an upgrade to h2c',
      Buffer.from('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n'),
    ],
    ['a kilobyte of random bytes', pattern(1024)],
    ['a TLS hello', Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), pattern(500)])],
    ['half a preface', preface.subarray(0, 11)],
    ['nothing at all', Buffer.alloc(0)],
    ['random frames behind the preface', Buffer.concat([started, pattern(4000)])],
    ['a frame longer than allowed', Buffer.concat([started, frame(0, 0, 1, pattern(100), 0xffffff)])],
    ['DATA on a stream that is idle', Buffer.concat([started, frame(0, 1, 7, pattern(10))])],
    ['headers that HPACK cannot read', Buffer.concat([started, frame(1, 5, 1, Buffer.alloc(40, 0xff))])],
    ['SETTINGS of a wrong length', Buffer.concat([preface, frame(4, 0, 0, pattern(5))])],
    ['a window update of 0', Buffer.concat([started, frame(8, 0, 0, Buffer.alloc(4))])],
    ['RST_STREAM of an idle stream', Buffer.concat([started, frame(3, 0, 9, Buffer.alloc(4))])],
    ['PUSH_PROMISE from a client', Buffer.concat([started, frame(5, 4, 1, Buffer.alloc(10))])],
    ['CONTINUATION without HEADERS', Buffer.concat([started, frame(9, 4, 1, Buffer.alloc(10))])],
  ];
}

/** Sends the bytes, half closes, and resolves when the connection has ended in any way. */
function sendRaw(bench: Bench, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(bench.port, '127.0.0.1', () => socket.end(bytes));
    socket.on('error', () => undefined);
    socket.resume();
    socket.on('close', () => resolve());
  });
}
