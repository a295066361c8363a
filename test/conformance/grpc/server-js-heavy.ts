// Server suite: much of everything at once, from a real @grpc/grpc-js client.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { type Bench, expectGood, jsClient, pattern, type StartServer, startBench } from './server-bench.ts';
import { exportPath } from './test-method.ts';

const large = 64 << 20;
const maxHeaderBytes = 64 << 10;
/** Characters of one value: within what fits the list beside the other fields, by any count. */
const fillers = [0, 1, 100, 4000, 4096, 16_300, 16_384, 16_385, 33_000, 60_000];

/** Values as clients send them: base64 where the key says so. */
export const filler = (length: number): string =>
  Array.from({ length }, (_, i) => String.fromCharCode(0x21 + ((i * 7) % 94))).join('');

/** Has the method note a key's values, for all calls in order. */
export function noteMetadata(bench: Bench, key: string): string[] {
  const noted: string[] = [];
  bench.method.answer = (_message, call) => {
    noted.push(call.metadata(key).join('|'));
    return null;
  };
  return noted;
}

export function jsHeavyTests(start: StartServer): void {
  test('grpc-js: metadata of every size arrives as it was sent, also in CONTINUATION frames', async (t) => {
    const bench = await startBench(t, start, { includeMetadata: true, limits: { maxHeaderBytes } });
    const noted = noteMetadata(bench, 'x-filler');
    const client = jsClient(t, bench);
    for (const length of fillers) {
      const metadata = new grpc.Metadata();
      metadata.set('x-filler', filler(length));
      const reply = await client.call(pattern(100), { metadata });
      assert.equal(reply.code, 0, `${length} characters: ${reply.message}`);
      assert.ok(noted.at(-1) === filler(length), `${length} characters came out differently`);
    }
    assert.equal(bench.server.counters.connections, 1);
  });

  test('grpc-js: a hundred keys, and binary ones, arrive as they were sent', async (t) => {
    const bench = await startBench(t, start, { includeMetadata: true, limits: { maxHeaderBytes } });
    const noted = noteMetadata(bench, 'x-bytes-bin');
    const client = jsClient(t, bench);
    for (const length of [0, 1, 2, 3, 255, 10_000]) {
      const metadata = new grpc.Metadata();
      for (let i = 0; i < 100; i++) metadata.set(`x-key-${i}`, `value ${i * length}`);
      metadata.set('x-bytes-bin', pattern(length));
      assert.equal((await client.call(pattern(9), { metadata })).code, 0);
      assert.ok(Buffer.from(noted.at(-1) ?? '', 'base64').equals(pattern(length)), `${length} bytes`);
    }
    assert.equal(bench.server.counters.connections, 1);
  });

  test('grpc-js: metadata beyond the limit is refused, and its connection goes on', async (t) => {
    const bench = await startBench(t, start, { includeMetadata: true });
    const client = jsClient(t, bench);
    await expectGood(bench, client);
    for (const length of [17_000, 40_000, 60_000]) {
      const metadata = new grpc.Metadata();
      metadata.set('x-filler', filler(length));
      const handled = bench.method.handled.length;
      assert.notEqual((await client.call(pattern(100), { metadata })).code, 0);
      assert.equal(bench.method.handled.length, handled);
      await expectGood(bench, client);
    }
    assert.equal(bench.server.counters.connections, 1);
  });

  test('grpc-js: a message of 64 MiB arrives, plain and compressed', async (t) => {
    const bench = await startBench(t, start, { limits: { maxMessageBytes: large }, memoryBytes: 4 * large });
    const message = Buffer.alloc(large, pattern(7001));
    for (const algorithm of [grpc.compressionAlgorithms.identity, grpc.compressionAlgorithms.gzip]) {
      const client = jsClient(t, bench, { 'grpc.default_compression_algorithm': algorithm });
      const reply = await client.call(message);
      assert.equal(reply.code, 0, reply.message);
      assert.ok(bench.method.handled.at(-1)?.message.equals(message));
    }
    const refused = await jsClient(t, bench).call(Buffer.alloc(large + 1));
    assert.equal(refused.code, grpc.status.RESOURCE_EXHAUSTED);
  });

  for (const maxConcurrentStreams of [100, 4000]) {
    test(`grpc-js: 4,000 calls at once with max_concurrent_streams ${maxConcurrentStreams}`, async (t) => {
      const bench = await startBench(t, start, { limits: { maxConcurrentStreams } });
      const client = jsClient(t, bench);
      bench.method.answer = () => 'later';
      const messages = Array.from({ length: 4000 }, (_, i) => pattern(i));
      const replies = Promise.all(messages.map((message) => client.call(message)));
      await bench.method.handledCount(maxConcurrentStreams);
      assert.equal(bench.server.counters.callsNow, maxConcurrentStreams);
      bench.method.answer = () => null;
      for (const handled of bench.method.handled.slice()) handled.reply(null);
      assert.ok((await replies).every((reply) => reply.code === 0));
      const seen = new Set(bench.method.handled.map(({ message }) => message.toString('latin1')));
      assert.ok(messages.every((message) => seen.has(message.toString('latin1'))));
      assert.deepEqual([bench.server.counters.ok, bench.server.counters.connections], [4000, 1]);
    });
  }

  test('grpc-js: calls given up by the hundred, at every moment, cost the others nothing', async (t) => {
    const bench = await startBench(t, start);
    const client = jsClient(t, bench);
    bench.method.answer = (message) => (message.length % 2 === 0 ? 'later' : null);
    const others: Promise<{ code: number }>[] = [];
    for (let round = 0; round < 3; round++) {
      const handled = bench.method.handled.length;
      const storm = cancellable(client.client, 240);
      others.push(...[1, 3, 5].map((length) => client.call(pattern(length))));
      // A third before anything is sent, a third when the first are handled, the rest at once.
      for (const one of storm.slice(0, 80)) one.cancel();
      await bench.method.handledCount(handled + 20);
      for (const one of storm.slice(80, 160)) one.cancel();
      setImmediate(() => {
        for (const one of storm.slice(160)) one.cancel();
      });
      assert.ok((await Promise.all(storm.map((one) => one.code))).every((code) => code === grpc.status.CANCELLED));
    }
    assert.ok((await Promise.all(others)).every((reply) => reply.code === 0));
    bench.method.answer = () => null;
    await expectGood(bench, client);
    assert.equal(bench.server.counters.connections, 1);
  });
}

interface Cancellable {
  readonly code: Promise<number>;
  cancel(): void;
}

/** Calls to be given up, with even numbers of bytes, 2i² or as given. */
export function cancellable(client: grpc.Client, count: number, bytes?: number): Cancellable[] {
  const same = (bytes: Buffer): Buffer => bytes;
  return Array.from({ length: count }, (_, i) => {
    let call: grpc.ClientUnaryCall | undefined;
    const code = new Promise<number>((resolve) => {
      const message = pattern(bytes ?? 2 * i * i);
      call = client.makeUnaryRequest(exportPath, same, same, message, (error) => resolve(error?.code ?? 0));
    });
    return { code, cancel: () => call?.cancel() };
  });
}
