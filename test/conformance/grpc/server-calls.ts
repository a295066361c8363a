// Server suite: what a well-behaved client sees. Through a real @grpc/grpc-js client.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import * as grpc from '@grpc/grpc-js';
import { retryDelayOf, retryInfoStatus } from '../../../src/transport/rpc-status.ts';
import { connect, framed, jsClient, pattern, rawCall, type StartServer, startBench } from './server-bench.ts';

const awkwardMessages = ['plain', 'naïve — 100 % 😀', 'line\nbreak\tand "quotes"', '%41 is not A', ''];

export function callTests(start: StartServer): void {
  test('messages of every size arrive byte by byte and are answered with an empty message', async (t) => {
    const bench = await startBench(t, start);
    const client = jsClient(t, bench);
    for (const size of [0, 1, 4, 100, 16_379, 16_384, 65_535, 65_536, 65_537, 214_000, 1 << 20, 4 << 20]) {
      const message = pattern(size);
      const reply = await client.call(message);
      assert.equal(reply.code, 0, `${size} bytes: ${reply.message}`);
      assert.equal(reply.body?.length, 0);
      assert.ok(bench.method.handled.at(-1)?.message.equals(message), `${size} bytes came out differently`);
    }
    assert.equal(bench.server.counters.ok, 12);
  });

  test('every status code reaches the client with its message, whatever is in it', async (t) => {
    const bench = await startBench(t, start);
    const client = jsClient(t, bench);
    for (let code = 1; code <= 16; code++) {
      const message = awkwardMessages[code % awkwardMessages.length];
      bench.method.answer = () => ({ code, message });
      const reply = await client.call(pattern(10));
      assert.deepEqual([reply.code, reply.message], [code, message]);
    }
    assert.equal(bench.server.counters.failed, 16);
  });

  test('RetryInfo travels in grpc-status-details-bin', async (t) => {
    const bench = await startBench(t, start);
    bench.method.answer = () => retryInfoStatus(8, 'später', 2750);
    const reply = await jsClient(t, bench).call(pattern(10));
    assert.equal(reply.code, 8);
    assert.equal(reply.message, 'später');
    assert.equal(reply.details === undefined ? undefined : retryDelayOf(reply.details), 2750);
  });

  test('metadata shows all values of a key, the authority as host, and the peer', async (t) => {
    const bench = await startBench(t, start, { includeMetadata: true });
    const metadata = new grpc.Metadata();
    metadata.add('x-tenant', 'one');
    metadata.add('x-tenant', 'two');
    await jsClient(t, bench, { 'grpc.default_authority': 'traces.example' }).call(pattern(10), { metadata });
    const { call } = bench.method.handled[0];
    assert.deepEqual(call.metadata('x-tenant').join(',').split(/, ?/), ['one', 'two']);
    assert.deepEqual(call.metadata('host'), ['traces.example']);
    assert.deepEqual(call.metadata('x-absent'), []);
    assert.match(call.peer, /^127\.0\.0\.1:\d+$/);
  });

  test('metadata is empty where it was not asked for', async (t) => {
    const bench = await startBench(t, start);
    const metadata = new grpc.Metadata();
    metadata.add('x-tenant', 'one');
    await jsClient(t, bench).call(pattern(10), { metadata });
    assert.deepEqual(bench.method.handled[0].call.metadata('x-tenant'), []);
  });

  test('gzip from grpc-js is decompressed, whatever the size', async (t) => {
    const bench = await startBench(t, start);
    const client = jsClient(t, bench, { 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip });
    for (const message of [pattern(0), pattern(10), pattern(300_000), Buffer.alloc(1 << 20, 'spans ')]) {
      assert.equal((await client.call(message)).code, 0);
      assert.ok(bench.method.handled.at(-1)?.message.equals(message));
    }
  });

  test('zstd, gzip of several members and uncompressed messages under an encoding are read', async (t) => {
    const bench = await startBench(t, start);
    const session = connect(t, bench);
    const message = Buffer.alloc(200_000, 'spans ');
    const members = Buffer.concat([
      zlib.gzipSync(message.subarray(0, 70_000)),
      zlib.gzipSync(message.subarray(70_000)),
    ]);
    const bodies: [string, Buffer][] = [
      ['zstd', framed(zlib.zstdCompressSync(message), 1)],
      ['gzip', framed(members, 1)],
      ['gzip', framed(message, 0)],
      ['identity', framed(message, 0)],
    ];
    for (const [encoding, body] of bodies) {
      const reply = await rawCall(session, body, { 'grpc-encoding': encoding });
      assert.equal(reply.code, '0', `${encoding}: ${reply.message}`);
      assert.ok(bench.method.handled.at(-1)?.message.equals(message), encoding);
    }
  });

  test('1,000 calls at once on one connection are all answered, each once', async (t) => {
    const bench = await startBench(t, start);
    const client = jsClient(t, bench);
    const messages = Array.from({ length: 1000 }, (_, i) => Buffer.from(`message ${i}`));
    const replies = await Promise.all(messages.map((message) => client.call(message)));
    assert.ok(replies.every((reply) => reply.code === 0));
    const seen = new Set(bench.method.handled.map((handled) => handled.message.toString()));
    assert.equal(seen.size, 1000);
    assert.equal(bench.server.counters.ok, 1000);
  });

  test('calls beyond max_concurrent_streams wait for their turn and are answered', async (t) => {
    const bench = await startBench(t, start, { limits: { maxConcurrentStreams: 3 } });
    const client = jsClient(t, bench);
    assert.equal((await client.call(pattern(1))).code, 0);
    let now = 0;
    let most = 0;
    bench.method.answer = () => {
      most = Math.max(most, ++now);
      setImmediate(() => now--);
      return null;
    };
    const replies = await Promise.all(Array.from({ length: 40 }, () => client.call(pattern(50))));
    assert.ok(replies.every((reply) => reply.code === 0));
    assert.ok(most <= 3, `${most} calls were under way at once`);
  });

  test('fifty connections are served side by side', async (t) => {
    const bench = await startBench(t, start);
    const clients = Array.from({ length: 50 }, () => jsClient(t, bench));
    const replies = await Promise.all(clients.flatMap((client) => [1, 2, 3].map((n) => client.call(pattern(n * 999)))));
    assert.ok(replies.every((reply) => reply.code === 0));
    assert.equal(bench.server.counters.connections, 50);
  });
}
