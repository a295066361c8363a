import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { test } from 'node:test';
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { transportFailure } from '../../../../loadgen/h2/call.ts';
import { connectUnary } from '../../../../loadgen/h2/client.ts';
import { grpcCode, statusFields } from '../../../../src/transport/grpc-status.ts';
import { retryInfoStatus } from '../../../../src/transport/rpc-status.ts';
import { answer, digest, framed, hashing, serve, whole } from '../http2-peer.ts';
import { call, connected, path } from './unary-calls.ts';

const some = (bytes: number, fill: number): Buffer => Buffer.alloc(bytes, fill);

test('the request names its method, path, type and headers as gRPC asks', async () => {
  let seen: IncomingHttpHeaders = {};
  await using server = await serve({}, (stream, headers) => {
    seen = headers;
    answer(stream.resume(), { 'grpc-status': '0' });
  });
  const check = async (client: Parameters<typeof call>[0]): Promise<void> => {
    const { status, message, body, retryDelayMs } = await call(client, some(10, 1));
    assert.deepEqual([status, message, body.length, retryDelayMs], [0, '', 0, null]);
  };
  await connected(server.port, check, { headers: [['x-tenant', 'blue']], timeoutMs: 7000, compression: 'gzip' });
  assert.equal(seen[':method'], 'POST');
  assert.equal(seen[':scheme'], 'http');
  assert.equal(seen[':authority'], `127.0.0.1:${server.port}`);
  assert.equal(seen[':path'], path);
  assert.equal(seen['content-type'], 'application/grpc');
  assert.equal(seen.te, 'trailers');
  assert.equal(seen['x-tenant'], 'blue');
  assert.equal(seen['grpc-timeout'], '7000m');
  assert.equal(seen['grpc-encoding'], 'gzip');
});

for (const [encoding, inflate, deflate] of [
  ['gzip', gunzipSync, gzipSync],
  ['zstd', zstdDecompressSync, zstdCompressSync],
] as const) {
  test(`${encoding}: requests are compressed, replies decompressed, through a window of 100 bytes`, async () => {
    await using server = await serve({ initialWindowSize: 100 }, (stream, headers) => {
      whole(stream, (bytes) => {
        assert.equal(bytes[0], 1);
        assert.equal(headers['grpc-encoding'], encoding);
        const reply = deflate(Buffer.from(digest(inflate(bytes.subarray(5)))));
        answer(stream, { 'grpc-status': '0' }, framed(reply, true), { 'grpc-encoding': encoding });
      });
    });
    const message = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * i) % 253));
    await connected(
      server.port,
      async (client) => {
        const replies = await Promise.all([call(client, message), call(client, message)]);
        for (const reply of replies) {
          assert.equal(reply.status, 0, reply.message);
          assert.equal(reply.body.toString(), digest(message));
        }
      },
      { compression: encoding },
    );
  });
}

test('a status in trailers and one without any message are told with their message and retry delay', async () => {
  const text = `${Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).join('')} größer`;
  await using server = await serve({}, (stream) => {
    stream.resume();
    if (stream.id === 1) answer(stream, Object.fromEntries(statusFields({ code: 3, message: text })));
    else {
      const fields = statusFields(retryInfoStatus(grpcCode.RESOURCE_EXHAUSTED, 'full', 1500));
      stream.respond({ ':status': 200, ...Object.fromEntries(fields) }, { endStream: true });
    }
  });
  await connected(server.port, async (client) => {
    const first = await call(client, some(10, 1));
    assert.deepEqual([first.status, first.message, first.retryDelayMs], [3, text, null]);
    const second = await call(client, some(10, 1));
    assert.deepEqual([second.status, second.message, second.retryDelayMs], [8, 'full', 1500]);
  });
});

test('replies that are not as gRPC has them are failures', async () => {
  const answers: ((stream: ServerHttp2Stream) => void)[] = [
    (stream) => stream.respond({ ':status': 200, 'grpc-status': '0' }, { endStream: true }),
    (stream) => {
      stream.respond({ ':status': 200 });
      stream.end(framed(some(0, 0)));
    },
    (stream) => stream.respond({ ':status': 503 }, { endStream: true }),
    (stream) => {
      stream.respond({ ':status': 401, 'content-type': 'text/plain' });
      stream.end('go away');
    },
    (stream) => answer(stream, { 'grpc-status': '0' }, Buffer.concat([framed(some(3, 0)), framed(some(3, 0))])),
    (stream) => answer(stream, { 'grpc-status': '0' }, framed(some(9, 0), true), { 'grpc-encoding': 'gzip' }),
    (stream) => answer(stream, { 'grpc-status': '0' }, framed(some(9, 0), true), { 'grpc-encoding': 'snappy' }),
    (stream) => answer(stream, { 'grpc-status': '0' }),
  ];
  await using server = await serve({}, (stream) => answers[((stream.id ?? 1) - 1) / 2](stream.resume()));
  await connected(server.port, async (client) => {
    const replies = [];
    for (let i = 0; i < answers.length; i++) replies.push(await call(client, some(1, 1)));
    assert.deepEqual(
      replies.map(({ status }) => status),
      [13, -1, 14, 16, 13, 13, 13, 0],
    );
    assert.match(replies[2].message, /503/);
    assert.match(replies[6].message, /snappy/);
  });
});

test('an interim response is not the reply', async () => {
  await using server = await serve({}, (stream) => {
    stream.additionalHeaders({ ':status': 103 });
    hashing(stream);
  });
  await connected(server.port, async (client) => {
    assert.equal((await call(client, some(9, 1))).body.toString(), digest(framed(some(9, 1))));
  });
});

test('a reply in the middle of a request ends the call, and later calls work', async () => {
  const cancelled = Promise.withResolvers<number>();
  await using server = await serve({ initialWindowSize: 1000 }, (stream) => {
    if (stream.id !== 1) return hashing(stream);
    stream.on('close', () => cancelled.resolve(stream.rstCode));
    stream.on('data', () => {});
    stream.respond({ ':status': 200, 'grpc-status': '8' }, { endStream: true });
  });
  await connected(server.port, async (client) => {
    assert.equal((await call(client, some(100_000, 1))).status, 8);
    assert.equal((await call(client, some(5000, 2))).body.toString(), digest(framed(some(5000, 2))));
    assert.equal(await cancelled.promise, constants.NGHTTP2_CANCEL);
  });
});

test('a reset stream fails its call alone', async () => {
  await using server = await serve({}, (stream) => {
    if (stream.id === 1) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    else if (stream.id === 3) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else hashing(stream);
  });
  await connected(server.port, async (client) => {
    const replies = await Promise.all([1, 2, 3].map((fill) => call(client, some(100, fill))));
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
  const unusable = Promise.withResolvers<string>();
  const client = await connectUnary({ host: '127.0.0.1', port: server.port, path, onUnusable: unusable.resolve });
  const first = call(client, some(10, 1));
  assert.match(await unusable.promise, /GOAWAY with code 0/);
  assert.equal(client.usable(), false);
  assert.equal((await call(client, some(10, 1))).status, transportFailure.notSent);
  const closed = once(server.sessions[0], 'close');
  answer(held[0], { 'grpc-status': '0' });
  assert.equal((await first).status, 0);
  await closed;
});

test('GOAWAY names the last stream that is answered: later calls and those that wait were not taken', async () => {
  await using server = await serve({ maxConcurrentStreams: 2 }, (stream) => {
    if (stream.id === 1) return;
    // The first stream is the last that this server takes.
    stream.session?.goaway(constants.NGHTTP2_NO_ERROR, 1, Buffer.from('maintenance'));
    const [first] = streams;
    answer(first.resume(), { 'grpc-status': '0' });
  });
  const streams: ServerHttp2Stream[] = [];
  await connected(server.port, async (client) => {
    server.sessions[0].on('stream', (stream) => streams.push(stream));
    const replies = await Promise.all([1, 2, 3, 4].map((fill) => call(client, some(10, fill))));
    assert.deepEqual(
      replies.map(({ status }) => status),
      [0, grpcCode.UNAVAILABLE, transportFailure.notSent, transportFailure.notSent],
    );
    assert.match(replies[3].message, /maintenance/);
  });
});

test('calls on a connection that breaks fail once each, and its end is told once', async () => {
  await using server = await serve({}, (stream) => {
    if (stream.id === 3) stream.session?.destroy();
  });
  const reasons: string[] = [];
  const unusable = Promise.withResolvers<void>();
  const onUnusable = (reason: string): void => {
    reasons.push(reason);
    unusable.resolve();
  };
  const client = await connectUnary({ host: '127.0.0.1', port: server.port, path, onUnusable });
  let answers = 0;
  const statuses = await Promise.all(
    [1, 2].map(async (fill) => {
      const { status } = await call(client, some(100, fill));
      answers++;
      return status;
    }),
  );
  await unusable.promise;
  assert.deepEqual(statuses, [transportFailure.unknown, transportFailure.unknown]);
  assert.equal(answers, 2);
  assert.equal(client.inFlight(), 0);
  assert.equal((await call(client, some(1, 1))).status, transportFailure.notSent);
  client.close();
  client.close();
  assert.equal(reasons.length, 1);
});

test('a client that is closed fails its calls, says so to new ones, and tells nobody else', async () => {
  await using server = await serve({}, () => {});
  const client = await connectUnary({
    host: '127.0.0.1',
    port: server.port,
    path,
    onUnusable: () => assert.fail('its owner knows'),
  });
  const underWay = call(client, some(10, 1));
  client.close();
  assert.equal((await underWay).status, transportFailure.unknown);
  assert.deepEqual([(await call(client, some(1, 1))).status, client.usable()], [transportFailure.notSent, false]);
});

test('a PING is answered', async () => {
  await using server = await serve({}, hashing);
  await connected(server.port, async (client) => {
    await call(client, some(1, 1));
    const payload = Buffer.from('spanload');
    const echoed = await new Promise((resolve) => {
      server.sessions[0].ping(payload, (_error, _duration, bytes) => resolve(bytes));
    });
    assert.deepEqual(echoed, payload);
  });
});

test('replies beyond the first window of the connection keep coming', async () => {
  const large = framed(some(60_000, 7));
  await using server = await serve({}, (stream) => answer(stream.resume(), { 'grpc-status': '0' }, large));
  await connected(server.port, async (client) => {
    for (let i = 0; i < 400; i++) assert.equal((await call(client, some(1, 1))).body.length, 60_000);
  });
});
