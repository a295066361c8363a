import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2';
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { type Action, okAction, silentAction } from '../../../../loadgen/h2/action.ts';
import {
  createUnaryService,
  type MessageHandler,
  serveUnary,
  type UnaryServer,
} from '../../../../loadgen/h2/server.ts';
import type { Beginning, MessageService } from '../../../../loadgen/h2/server-connection.ts';
import { flag, frame, frameType, preface, settingsFrame } from '../../../../src/transport/http2/frames.ts';
import { framed } from '../http2-peer.ts';

async function serving(
  handler: MessageHandler | MessageService<Beginning>,
  body: (session: ClientHttp2Session, server: UnaryServer) => Promise<void>,
  options: Parameters<typeof connect>[1] = {},
): Promise<void> {
  const server = await serveUnary('127.0.0.1', 0, handler);
  const session = connect(`http://127.0.0.1:${server.port}`, options);
  session.on('error', () => session.destroy());
  try {
    await body(session, server);
  } finally {
    session.destroy();
    server.close();
  }
}

function request(
  session: ClientHttp2Session,
  message: Buffer,
  compressed = false,
  headers: Record<string, string> = {},
): ClientHttp2Stream {
  const stream = session.request({ ':method': 'POST', ':path': '/x', 'content-type': 'application/grpc', ...headers });
  stream.end(framed(message, compressed));
  return stream;
}

/** Whatever error comes before it. */
const closeOf = (session: ClientHttp2Session): Promise<void> =>
  new Promise((resolve) => {
    session.on('close', () => resolve());
  });

interface Reply {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

async function reply(stream: ClientHttp2Stream): Promise<Reply> {
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  const chunks: Buffer[] = [];
  stream.on('response', (seen) => {
    headers = seen;
  });
  stream.on('trailers', (seen) => {
    trailers = seen;
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'close');
  return { headers, trailers, body: Buffer.concat(chunks) };
}

function expectOk({ headers, trailers, body }: Reply): void {
  assert.equal(headers[':status'], 200);
  assert.equal(headers['content-type'], 'application/grpc');
  assert.deepEqual(body, framed(Buffer.alloc(0)));
  assert.equal(trailers['grpc-status'], '0');
}

/** Answers each message with the action that its first byte names. */
const acting =
  (...actions: (Action | Promise<Action>)[]): MessageHandler =>
  (message) =>
    actions[message[0]];

test('messages of all sizes, many at a time, come whole and are answered OK', async () => {
  const seen: string[] = [];
  const handler: MessageHandler = (bytes) => {
    assert.ok(bytes.every((byte) => byte === bytes[0]));
    seen.push(`${bytes.length}:${bytes[0]}`);
    return okAction;
  };
  await serving(handler, async (session) => {
    const sizes = [1, 100, 16_384, 70_000, 3_400_000, 6_000_000, 9, 200_000];
    const replies = await Promise.all(sizes.map((size, i) => reply(request(session, Buffer.alloc(size, i + 1)))));
    replies.forEach(expectOk);
    assert.deepEqual(seen.sort(), sizes.map((size, i) => `${size}:${i + 1}`).sort());
  });
});

test('an empty message is answered', async () => {
  await serving(
    (bytes) => (bytes.length === 0 ? okAction : silentAction),
    async (session) => expectOk(await reply(request(session, Buffer.alloc(0)))),
  );
});

test('the path and the encoding of each message are told', async () => {
  const seen: string[] = [];
  const handler: MessageHandler = (_, { path, encoding }) => {
    seen.push(`${path} ${encoding}`);
    return okAction;
  };
  await serving(handler, async (session) => {
    const message = Buffer.alloc(3, 1);
    for (const encoding of ['gzip', 'zstd', 'gzip']) {
      await reply(request(session, message, true, { ':path': `/a/${encoding}`, 'grpc-encoding': encoding }));
      await reply(request(session, message, false, { ':path': `/a/${encoding}`, 'grpc-encoding': encoding }));
    }
    await reply(request(session, message));
  });
  assert.deepEqual(seen, [
    '/a/gzip gzip',
    '/a/gzip identity',
    '/a/zstd zstd',
    '/a/zstd identity',
    '/a/gzip gzip',
    '/a/gzip identity',
    '/x identity',
  ]);
});

test('a status, with a retry delay or without, stands in the headers alone', async () => {
  const handler = acting(
    { kind: 'status', code: 8, message: 'größer', retryDelayMs: 250 },
    { kind: 'status', code: 3, message: 'no' },
  );
  await serving(handler, async (session) => {
    const retry = await reply(request(session, Buffer.of(0)));
    assert.deepEqual([retry.headers[':status'], retry.headers['grpc-status'], retry.body.length], [200, '8', 0]);
    assert.equal(retry.headers['grpc-message'], 'gr%C3%B6%C3%9Fer');
    assert.match(
      Buffer.from(String(retry.headers['grpc-status-details-bin']), 'base64').toString('latin1'),
      /RetryInfo/,
    );
    const plain = await reply(request(session, Buffer.of(1)));
    assert.deepEqual([plain.headers['grpc-status'], plain.headers['grpc-message']], ['3', 'no']);
    assert.equal(plain.headers['grpc-status-details-bin'], undefined);
  });
});

test('a reset stream ends alone', async () => {
  await serving(acting({ kind: 'reset' }, okAction), async (session) => {
    const stream = request(session, Buffer.of(0));
    const [error] = await once(stream, 'error');
    assert.match(String(error), /INTERNAL_ERROR/);
    expectOk(await reply(request(session, Buffer.of(1))));
  });
});

test('a disconnected client sees its connection broken, and others go on', async () => {
  await serving(acting({ kind: 'disconnect' }, okAction), async (session, server) => {
    const other = connect(`http://127.0.0.1:${server.port}`);
    const stream = request(session, Buffer.of(0));
    stream.on('error', () => stream.destroy());
    await closeOf(session);
    expectOk(await reply(request(other, Buffer.of(1))));
    other.destroy();
  });
});

test('a message that is left without an answer does not hold up others, and may be cancelled', async () => {
  const first = Promise.withResolvers<void>();
  const handler: MessageHandler = (bytes) => {
    if (bytes[0] === 1) first.resolve();
    return bytes[0] === 1 ? silentAction : okAction;
  };
  await serving(handler, async (session) => {
    const silent = request(session, Buffer.alloc(10, 1));
    await first.promise;
    expectOk(await reply(request(session, Buffer.alloc(10, 2))));
    const closed = once(silent, 'close');
    silent.close(8);
    await closed;
    expectOk(await reply(request(session, Buffer.alloc(10, 2))));
  });
});

test('an answer that comes later is sent then; one whose client is gone is forgotten', async () => {
  const waiting: ((action: Action) => void)[] = [];
  const bothCame = Promise.withResolvers<void>();
  const handler: MessageHandler = (message) => {
    if (message[0] === 9) return okAction;
    return new Promise((resolve) => {
      if (waiting.push(resolve) === 2) bothCame.resolve();
    });
  };
  await serving(handler, async (session) => {
    const kept = request(session, Buffer.alloc(100_000, 1));
    const cancelled = request(session, Buffer.alloc(10, 2));
    await bothCame.promise;
    const closed = once(cancelled, 'close');
    cancelled.close(8);
    await closed;
    // Its RST_STREAM is read before this.
    expectOk(await reply(request(session, Buffer.of(9))));
    for (const resolve of waiting) resolve(okAction);
    expectOk(await reply(kept));
    expectOk(await reply(request(session, Buffer.of(9))));
  });
});

test('a message is read as slowly as was decided when it began, and what follows it waits', async () => {
  const body = Buffer.alloc(400_000, 7);
  const came: { readonly at: number; readonly bytes: number; readonly speed: number }[] = [];
  let begun = 0;
  const service: MessageService<Beginning> = {
    // 400 ms for the first, 100 ms for the second.
    begin: () => ({ bytesPerSecond: [1e6, 4e6, Number.POSITIVE_INFINITY][begun++] }),
    take(message, _, { bytesPerSecond: speed }) {
      came.push({ at: performance.now(), bytes: message.length, speed });
      return okAction;
    },
  };
  await serving(service, async (session) => {
    const began = performance.now();
    for (const one of [body, body, Buffer.of(1)]) expectOk(await reply(request(session, one)));
    assert.deepEqual(
      came.map(({ bytes, speed }) => [bytes, speed]),
      [
        [400_000, 1e6],
        [400_000, 4e6],
        [1, Number.POSITIVE_INFINITY],
      ],
    );
    const [first, second, third] = came.map(({ at }) => at - began);
    // A piece is read before its rest: the first message is there when all but its last piece of 64 KiB had theirs.
    assert.ok(first >= 330, `${first} ms`);
    assert.ok(second >= 400 + 80, `${second} ms`);
    assert.ok(third >= 498, `${third} ms`);
    assert.ok(third < 5000, `${third} ms`);
  });
});

test('answers wait for the window of a client that gives little, in order', async () => {
  const message = 'm'.repeat(30_000);
  await serving(acting({ kind: 'partial', rejected: 300, message }, okAction), async (session) => {
    // What is not read gives no window back: three of them fill the connection's 64 KiB.
    const large = [0, 0, 0, 0].map(() => request(session, Buffer.of(0)));
    const replies = await Promise.all([...large, request(session, Buffer.of(1))].map(reply));
    for (const { body, trailers } of replies.slice(0, 4)) {
      assert.equal(trailers['grpc-status'], '0');
      assert.equal(body.length, 30_000 + 5 + 4 + 3 + 4);
    }
    expectOk(replies[4]);
  });
});

test('a client without a header table reads all answers', async () => {
  const handler = acting(okAction, { kind: 'status', code: 3, message: 'no' });
  await serving(
    handler,
    async (session) => {
      await once(session, 'localSettings');
      for (let i = 0; i < 3; i++) {
        expectOk(await reply(request(session, Buffer.of(0))));
        assert.equal((await reply(request(session, Buffer.of(1)))).headers['grpc-status'], '3');
      }
    },
    { settings: { headerTableSize: 0 } },
  );
});

test('a socket whose first bytes somebody else has read is served', async () => {
  const service = createUnaryService((message) => (message.length === 70_000 ? okAction : silentAction));
  const beginnings: string[] = [];
  const listener = createServer((socket) => {
    socket.once('data', (first: Buffer) => {
      beginnings.push(first.toString('latin1', 0, 14));
      service.takeSocket(socket, first);
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const session = connect(`http://127.0.0.1:${(listener.address() as AddressInfo).port}`);
  try {
    const streams = Array.from({ length: 20 }, () => request(session, Buffer.alloc(70_000, 3)));
    (await Promise.all(streams.map(reply))).forEach(expectOk);
    assert.deepEqual(beginnings, ['PRI * HTTP/2.0']);
    const closed = once(session, 'close');
    service.close();
    await closed;
  } finally {
    session.destroy();
    listener.close();
  }
});

/** Resolves when the server has closed a connection on which it was sent `bytes`. */
async function closedAfter(port: number, bytes: Buffer): Promise<void> {
  const socket: Socket = connectSocket(port, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  socket.resume();
  socket.write(bytes);
  await once(socket, 'close');
}

test('connections whose bytes make no sense are closed, and others go on', async () => {
  const hello = Buffer.concat([preface, settingsFrame([])]);
  const open = frame(frameType.headers, flag.endHeaders, 1, Buffer.of(0x83));
  const nonsense = [
    Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n'),
    Buffer.concat([preface, Buffer.alloc(100, 0xff)]),
    Buffer.concat([hello, frame(frameType.headers, flag.endHeaders, 1, Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff))]),
    Buffer.concat([hello, frame(frameType.headers, flag.endHeaders, 2, Buffer.of(0x83))]),
    Buffer.concat([hello, frame(frameType.data, 0, 1, Buffer.of(0))]),
    Buffer.concat([hello, frame(frameType.windowUpdate, 0, 0, Buffer.of(0))]),
    Buffer.concat([hello, frame(frameType.ping, 0, 0, Buffer.of(0))]),
    Buffer.concat([hello, frame(frameType.continuation, 0, 1, Buffer.of(0))]),
    Buffer.concat([hello, open, frame(frameType.rstStream, 0, 1, Buffer.of(0))]),
    Buffer.concat([hello, open, frame(frameType.data, 0, 1, Buffer.of(0, 0xff, 0xff, 0xff, 0xff))]),
    Buffer.concat([hello, open, frame(frameType.data, flag.endStream, 1, Buffer.of(0, 0))]),
    Buffer.concat([hello, frame(frameType.headers, flag.endHeaders | flag.endStream, 1, Buffer.of(0x83))]),
    Buffer.concat([hello, open, frame(frameType.data, flag.endStream, 1, framed(Buffer.of(1), true))]),
  ];
  await serving(
    () => okAction,
    async (session, server) => {
      for (const bytes of nonsense) await closedAfter(server.port, bytes);
      expectOk(await reply(request(session, Buffer.alloc(10, 2))));
    },
  );
});

test('random bytes behind a good beginning never end the server', async () => {
  await serving(
    () => okAction,
    async (session, server) => {
      let state = 12_345;
      const random = (below: number): number => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        return (state >>> 8) % below;
      };
      for (let round = 0; round < 200; round++) {
        const frames = Array.from({ length: 6 }, () =>
          frame(random(11), random(256), random(6), Buffer.from(Array.from({ length: random(40) }, () => random(256)))),
        );
        const socket = connectSocket(server.port, '127.0.0.1');
        socket.on('error', () => socket.destroy());
        socket.resume();
        socket.end(Buffer.concat([preface, settingsFrame([]), ...frames]));
        await once(socket, 'close');
      }
      expectOk(await reply(request(session, Buffer.alloc(10, 2))));
    },
  );
});

test('a message whose prefix lies about its length ends its connection', async () => {
  await serving(
    () => okAction,
    async (session) => {
      const stream = session.request({ ':method': 'POST', ':path': '/x' });
      stream.on('error', () => stream.destroy());
      stream.end(Buffer.of(0, 0, 0, 0, 11, 1));
      await closeOf(session);
    },
  );
});
