import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  constants,
  createServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2';
import { test } from 'node:test';
import { connectUnary, type UnaryClient, type UnaryReply } from '../../../loadgen/h2/client.ts';

const path = '/test.Service/Call';

interface TestServer extends AsyncDisposable {
  readonly port: number;
  readonly http2: Http2Server;
  readonly sessions: ServerHttp2Session[];
}

async function serve(settings: Settings, handle: (stream: ServerHttp2Stream) => void): Promise<TestServer> {
  const http2 = createServer({ settings });
  const sessions: ServerHttp2Session[] = [];
  http2.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => session.destroy());
  });
  http2.on('stream', (stream) => {
    stream.on('error', () => stream.destroy());
    handle(stream);
  });
  http2.listen(0, '127.0.0.1');
  await once(http2, 'listening');
  const address = http2.address();
  assert.ok(address !== null && typeof address === 'object');
  return {
    port: address.port,
    http2,
    sessions,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      http2.close();
      await once(http2, 'close');
    },
  };
}

function message(bytes: number, fill: number): Buffer {
  const body = Buffer.alloc(5 + bytes, fill);
  body[0] = 0;
  body.writeUInt32BE(bytes, 1);
  return body;
}

function call(client: UnaryClient, body: Buffer): Promise<UnaryReply> {
  return new Promise((resolve) => client.call(body, resolve));
}

function answer(stream: ServerHttp2Stream, trailers: Record<string, string>, reply = message(0, 0)): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(reply);
}

async function connected(server: TestServer, body: (client: UnaryClient) => Promise<void>): Promise<void> {
  const client = await connectUnary({ host: '127.0.0.1', port: server.port, path });
  try {
    await body(client);
  } finally {
    client.close();
  }
}

const digest = (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex');

/** Answers with the hash of what came. */
function hashing(stream: ServerHttp2Stream): void {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => {
    const hash = Buffer.from(digest(Buffer.concat(chunks)));
    const reply = message(hash.length, 0);
    hash.copy(reply, 5);
    answer(stream, { 'grpc-status': '0' }, reply);
  });
}

async function callsArriveWhole(server: TestServer, bytes: number, count: number): Promise<void> {
  await connected(server, async (client) => {
    const bodies = Array.from({ length: count }, (_, i) => message(bytes + i, i + 1));
    const replies = await Promise.all(bodies.map((body) => call(client, body)));
    replies.forEach((reply, i) => {
      assert.equal(reply.status, 0, reply.message);
      assert.equal(reply.body.toString(), digest(bodies[i]));
    });
  });
}

test('requests arrive whole through windows of 64 KiB', async () => {
  await using server = await serve({}, hashing);
  await callsArriveWhole(server, 214_000, 8);
});

test('requests arrive whole through a stream window of 100 bytes', async () => {
  // node:http2 ends a session whose client exceeds a window.
  await using server = await serve({ initialWindowSize: 100 }, hashing);
  await callsArriveWhole(server, 3000, 8);
});

test('requests arrive whole while the server makes its windows larger and smaller', async () => {
  await using server = await serve({ initialWindowSize: 1000 }, (stream) => {
    stream.session?.settings({ initialWindowSize: (stream.id ?? 0) % 4 === 1 ? 20_000 : 500 });
    hashing(stream);
  });
  // At most ten SETTINGS may be waiting for their acknowledgement.
  await callsArriveWhole(server, 50_000, 8);
});

test('a larger frame size of the server is used', async () => {
  await using server = await serve({ maxFrameSize: 1 << 20, initialWindowSize: 1 << 24 }, hashing);
  await callsArriveWhole(server, 1_000_000, 3);
});

test('the request names its method, path and type as gRPC asks', async () => {
  let seen: Record<string, unknown> = {};
  await using server = await serve({}, (stream) => answer(stream.resume(), { 'grpc-status': '0' }));
  server.http2.on('stream', (_, headers) => {
    seen = headers;
  });
  await connected(server, async (client) => {
    assert.deepEqual(await call(client, message(10, 1)), { status: 0, message: '', body: Buffer.alloc(0) });
  });
  assert.equal(seen[':method'], 'POST');
  assert.equal(seen[':path'], path);
  assert.equal(seen['content-type'], 'application/grpc');
  assert.equal(seen.te, 'trailers');
});

test('a status in trailers and one without any message are told with their message', async () => {
  const printable = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).join('');
  await using server = await serve({}, (stream) => {
    stream.resume();
    if (stream.id === 1) answer(stream, { 'grpc-status': '3', 'grpc-message': printable });
    else stream.respond({ ':status': 200, 'grpc-status': '8', 'grpc-message': 'full' }, { endStream: true });
  });
  await connected(server, async (client) => {
    const first = await call(client, message(10, 1));
    assert.equal(first.status, 3);
    assert.equal(first.message, printable);
    const second = await call(client, message(10, 1));
    assert.deepEqual([second.status, second.message], [8, 'full']);
  });
});

test('OK without a reply message, an answer without trailers and an HTTP error are failures', async () => {
  await using server = await serve({}, (stream) => {
    stream.resume();
    if (stream.id === 1) stream.respond({ ':status': 200, 'grpc-status': '0' }, { endStream: true });
    else if (stream.id === 3) {
      stream.respond({ ':status': 200 });
      stream.end(message(0, 0));
    } else stream.respond({ ':status': 503 }, { endStream: true });
  });
  await connected(server, async (client) => {
    assert.equal((await call(client, message(1, 1))).status, 13);
    assert.equal((await call(client, message(1, 1))).status, -1);
    const unavailable = await call(client, message(1, 1));
    assert.equal(unavailable.status, -1);
    assert.match(unavailable.message, /503/);
  });
});

test('a reply in the middle of a request ends the call, and later calls work', async () => {
  await using server = await serve({ initialWindowSize: 1000 }, (stream) => {
    if (stream.id === 1) {
      stream.respond({ ':status': 200, 'grpc-status': '8' }, { endStream: true });
      stream.on('data', () => {});
    } else hashing(stream);
  });
  await connected(server, async (client) => {
    const early = message(100_000, 1);
    assert.equal((await call(client, early)).status, 8);
    early.fill(0xff);
    const later = message(5000, 2);
    assert.equal((await call(client, later)).body.toString(), digest(later));
  });
});

test('a reset stream fails its call alone', async () => {
  await using server = await serve({}, (stream) => {
    if (stream.id === 1) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    else if (stream.id === 3) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else hashing(stream);
  });
  await connected(server, async (client) => {
    const replies = await Promise.all([1, 2, 3].map((fill) => call(client, message(100, fill))));
    assert.deepEqual(
      replies.map((reply) => reply.status),
      [-1, 14, 0],
    );
  });
});

test('after GOAWAY calls under way end well, new ones are refused, and the connection ends', async () => {
  const held: ServerHttp2Stream[] = [];
  await using server = await serve({}, (stream) => {
    held.push(stream.resume());
    stream.session?.close();
  });
  let reason = '';
  const unusable = Promise.withResolvers<void>();
  const client = await connectUnary({
    host: '127.0.0.1',
    port: server.port,
    path,
    onUnusable: (why) => {
      reason = why;
      unusable.resolve();
    },
  });
  const first = call(client, message(10, 1));
  await unusable.promise;
  assert.match(reason, /GOAWAY with code 0/);
  assert.equal(client.usable(), false);
  assert.equal((await call(client, message(10, 1))).status, 14);
  const closed = once(server.sessions[0], 'close');
  answer(held[0], { 'grpc-status': '0' });
  assert.equal((await first).status, 0);
  await closed;
});

test('calls on a connection that breaks fail once each', async () => {
  await using server = await serve({}, (stream) => {
    if (stream.id === 3) stream.session?.destroy();
  });
  await connected(server, async (client) => {
    let answers = 0;
    const replies = await Promise.all(
      [1, 2].map(async (fill) => {
        const reply = await call(client, message(100, fill));
        answers++;
        return reply;
      }),
    );
    assert.deepEqual(
      replies.map((reply) => reply.status),
      [-1, -1],
    );
    assert.equal(answers, 2);
    assert.equal(client.inFlight(), 0);
  });
});

test('a PING is answered', async () => {
  await using server = await serve({}, hashing);
  await connected(server, async (client) => {
    await call(client, message(1, 1));
    const payload = Buffer.from('spanload');
    const echoed = await new Promise((resolve) => {
      server.sessions[0].ping(payload, (_error, _duration, bytes) => resolve(bytes));
    });
    assert.deepEqual(echoed, payload);
  });
});

test('replies beyond the first window of the connection keep coming', async () => {
  const large = message(60_000, 7);
  await using server = await serve({}, (stream) => answer(stream.resume(), { 'grpc-status': '0' }, large));
  await connected(server, async (client) => {
    for (let i = 0; i < 400; i++) {
      const reply = await call(client, message(1, 1));
      assert.equal(reply.body.length, 60_000);
    }
  });
});

test('a server that cannot be reached rejects', async () => {
  const server = await serve({}, hashing);
  await server[Symbol.asyncDispose]();
  await assert.rejects(connectUnary({ host: '127.0.0.1', port: server.port, path }), { code: 'ECONNREFUSED' });
});
