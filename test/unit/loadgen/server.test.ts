import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { test } from 'node:test';
import { type MessageHandler, serveUnary, type UnaryServer } from '../../../loadgen/h2/server.ts';
import { preface } from '../../../src/transport/http2/frames.ts';

async function serving(
  handler: MessageHandler,
  body: (session: ClientHttp2Session, server: UnaryServer) => Promise<void>,
): Promise<void> {
  const server = await serveUnary('127.0.0.1', 0, handler);
  const session = connect(`http://127.0.0.1:${server.port}`);
  try {
    await body(session, server);
  } finally {
    session.destroy();
    server.close();
  }
}

function message(bytes: number, fill: number): Buffer {
  const body = Buffer.alloc(5 + bytes, fill);
  body[0] = 0;
  body.writeUInt32BE(bytes, 1);
  return body;
}

function request(session: ClientHttp2Session, body: Buffer): ClientHttp2Stream {
  const stream = session.request({ ':method': 'POST', ':path': '/x', 'content-type': 'application/grpc' });
  stream.end(body);
  return stream;
}

async function reply(stream: ClientHttp2Stream): Promise<{ status: unknown; bytes: number; grpcStatus: unknown }> {
  let status: unknown;
  let grpcStatus: unknown;
  let bytes = 0;
  stream.on('response', (headers) => {
    status = headers[':status'];
  });
  stream.on('trailers', (trailers) => {
    grpcStatus = trailers['grpc-status'];
  });
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  await once(stream, 'close');
  return { status, bytes, grpcStatus };
}

test('messages of all sizes, many at a time, come whole and are answered OK', async () => {
  const seen: string[] = [];
  const handler: MessageHandler = (bytes) => {
    assert.ok(bytes.every((byte) => byte === bytes[0]));
    seen.push(`${bytes.length}:${bytes[0]}`);
    return { answer: true };
  };
  await serving(handler, async (session) => {
    const sizes = [1, 100, 16_384, 70_000, 3_400_000, 6_000_000, 9, 200_000];
    const replies = await Promise.all(sizes.map((size, i) => reply(request(session, message(size, i + 1)))));
    for (const each of replies) assert.deepEqual(each, { status: 200, bytes: 5, grpcStatus: '0' });
    assert.deepEqual(seen.sort(), sizes.map((size, i) => `${size}:${i + 1}`).sort());
  });
});

test('an empty message is answered', async () => {
  await serving(
    (bytes) => ({ answer: bytes.length === 0 }),
    async (session) => {
      assert.equal((await reply(request(session, message(0, 0)))).grpcStatus, '0');
    },
  );
});

test('the compressed flag is told', async () => {
  const flags: boolean[] = [];
  const handler: MessageHandler = (_, compressed) => {
    flags.push(compressed);
    return { answer: true };
  };
  await serving(handler, async (session) => {
    const compressed = message(3, 1);
    compressed[0] = 1;
    await reply(request(session, compressed));
    await reply(request(session, message(3, 1)));
  });
  assert.deepEqual(flags, [true, false]);
});

test('a message that is left without an answer does not hold up others, and may be cancelled', async () => {
  const first = Promise.withResolvers<void>();
  const handler: MessageHandler = (bytes) => {
    if (bytes[0] === 1) first.resolve();
    return { answer: bytes[0] !== 1 };
  };
  await serving(handler, async (session) => {
    const silent = request(session, message(10, 1));
    await first.promise;
    assert.equal((await reply(request(session, message(10, 2)))).grpcStatus, '0');
    const closed = once(silent, 'close');
    silent.close(8);
    await closed;
    assert.equal((await reply(request(session, message(10, 2)))).grpcStatus, '0');
  });
});

test('a connection whose bytes make no sense is closed, and others go on', async () => {
  await serving(
    () => ({ answer: true }),
    async (session, server) => {
      const socket = connectSocket(server.port, '127.0.0.1');
      socket.on('error', () => socket.destroy());
      socket.resume();
      socket.write(Buffer.concat([preface, Buffer.alloc(100, 0xff)]));
      await once(socket, 'close');
      assert.equal((await reply(request(session, message(10, 2)))).grpcStatus, '0');
    },
  );
});

test('a message whose prefix lies about its length ends its connection', async () => {
  await serving(
    () => ({ answer: true }),
    async (session) => {
      const lying = message(10, 1);
      lying.writeUInt32BE(11, 1);
      const stream = request(session, lying);
      stream.on('error', () => stream.destroy());
      session.on('error', () => session.destroy());
      await once(session, 'close');
    },
  );
});
