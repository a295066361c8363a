// What is sent when: windows, frame sizes, streams at a time, deadlines. Every message is spoilt once it was handed over.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { okAction } from '../../../../loadgen/h2/action.ts';
import { createUnaryService } from '../../../../loadgen/h2/server.ts';
import { setting, settingsFrame, windowUpdateFrame } from '../../../../src/transport/http2/frames.ts';
import { answer, digest, framed, hashing, serve } from '../http2-peer.ts';
import { call, callsArriveWhole, connected } from './unary-calls.ts';

test('requests arrive whole through windows of 64 KiB', async () => {
  await using server = await serve({}, hashing);
  await callsArriveWhole(server.port, 214_000, 8);
});

test('requests arrive whole through a stream window of 100 bytes', async () => {
  // node:http2 ends a session whose client exceeds a window.
  await using server = await serve({ initialWindowSize: 100 }, hashing);
  await callsArriveWhole(server.port, 3000, 8);
});

test("requests arrive whole through windows that end inside the message's prefix", async () => {
  for (const initialWindowSize of [1, 2, 3, 4, 5, 6]) {
    await using server = await serve({ initialWindowSize }, hashing);
    await callsArriveWhole(server.port, 20, 3);
    await callsArriveWhole(server.port, 0, 1);
  }
});

test('requests arrive whole while the server makes its windows larger and smaller', async () => {
  await using server = await serve({ initialWindowSize: 1000 }, (stream) => {
    stream.session?.settings({ initialWindowSize: (stream.id ?? 0) % 4 === 1 ? 20_000 : 500 });
    hashing(stream);
  });
  // At most ten SETTINGS may be waiting for their acknowledgement.
  await callsArriveWhole(server.port, 50_000, 8);
});

test('a larger frame size of the server is used', async () => {
  await using server = await serve({ maxFrameSize: 1 << 20, initialWindowSize: 1 << 24 }, hashing);
  await callsArriveWhole(server.port, 1_000_000, 3);
});

test('a server that does not read is not sent more than it takes, and has all of it whole later', async () => {
  const accepted = Promise.withResolvers<Socket>();
  const listener = createServer({ pauseOnConnect: true }, accepted.resolve);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const seen: string[] = [];
  const service = createUnaryService((message) => {
    seen.push(digest(message));
    return okAction;
  });
  const { port } = listener.address() as AddressInfo;
  // So much window that only the socket holds the client back.
  const wide = [settingsFrame([[setting.initialWindowSize, 1 << 30]]), windowUpdateFrame(0, 1 << 30)];
  accepted.promise.then((socket) => socket.write(Buffer.concat(wide)), assert.fail);
  try {
    await connected(port, async (client) => {
      const messages = Array.from({ length: 60 }, (_, i) => Buffer.alloc(1_000_000, i + 1));
      const before = process.memoryUsage().arrayBuffers;
      const replies = messages.map((message) => call(client, message));
      // Copies of what is not sent yet, and not of what is.
      assert.ok(process.memoryUsage().arrayBuffers - before > 40_000_000);
      service.takeSocket(await accepted.promise, Buffer.alloc(0));
      for (const { status, message } of await Promise.all(replies)) assert.equal(status, 0, message);
      assert.deepEqual(seen.sort(), messages.map(digest).sort());
    });
  } finally {
    service.close();
    listener.close();
  }
});

test('no more calls are made at a time than the server allows; the others follow in order', async () => {
  const order: number[] = [];
  let now = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  await using server = await serve({ maxConcurrentStreams: 3 }, (stream) => {
    most = Math.max(most, ++now);
    stream.on('data', (chunk: Buffer) => order.push(chunk[chunk.length - 1]));
    stream.on('close', () => now--);
    stream.on('end', () => {
      waiting.push(() => answer(stream, { 'grpc-status': '0' }));
      if (waiting.length < 3) return;
      for (const go of waiting.splice(0)) go();
    });
  });
  await connected(server.port, async (client) => {
    assert.equal(client.capacity(), 3);
    const numbers = Array.from({ length: 12 }, (_, i) => i + 1);
    const replies = numbers.map((fill) => call(client, Buffer.alloc(50, fill)));
    assert.equal(client.inFlight(), 12);
    for (const { status, message } of await Promise.all(replies)) assert.equal(status, 0, message);
    assert.deepEqual(order, numbers);
    assert.equal(most, 3);
  });
});

test('a call whose time passes is DEADLINE_EXCEEDED and cancelled, and others are not', async () => {
  const resets: number[] = [];
  const cancelled = Promise.withResolvers<void>();
  await using server = await serve({ initialWindowSize: 1000 }, (stream) => {
    if (stream.id === 5) return hashing(stream);
    stream.on('close', () => {
      resets.push(stream.rstCode);
      if (resets.length === 2) cancelled.resolve();
    });
  });
  await connected(
    server.port,
    async (client) => {
      // The first has no window for all of its message.
      const late = [call(client, Buffer.alloc(5000, 1)), call(client, Buffer.alloc(10, 2))];
      const well = call(client, Buffer.alloc(5000, 3));
      assert.equal((await well).body.toString(), digest(framed(Buffer.alloc(5000, 3))));
      for (const { status, message } of await Promise.all(late)) {
        assert.equal(status, 4);
        assert.match(message, /150 ms/);
      }
      await cancelled.promise;
      assert.deepEqual(resets, [constants.NGHTTP2_CANCEL, constants.NGHTTP2_CANCEL]);
      assert.equal(client.inFlight(), 0);
      assert.equal(client.usable(), true);
    },
    { timeoutMs: 150 },
  );
});

test('the time of a call that waits for its turn passes too, and then it is never sent', async () => {
  const streams: ServerHttp2Stream[] = [];
  await using server = await serve({ maxConcurrentStreams: 1 }, (stream) => {
    streams.push(stream);
    if (streams.length > 1) hashing(stream);
    else stream.resume();
  });
  await connected(
    server.port,
    async (client) => {
      const statuses = await Promise.all([1, 2, 3].map(async (fill) => (await call(client, Buffer.of(fill))).status));
      assert.deepEqual(statuses, [4, 4, 4]);
      // To node:http2 it is open for a while after it was reset.
      if (!streams[0].closed) await once(streams[0], 'close');
      assert.equal((await call(client, Buffer.of(9))).body.toString(), digest(framed(Buffer.of(9))));
      assert.equal(streams.length, 2);
    },
    { timeoutMs: 100 },
  );
});

test('each call has its own time, however many are made while others end', async () => {
  await using server = await serve({}, () => {});
  await connected(
    server.port,
    async (client) => {
      const began: number[] = [];
      const lasted: number[] = [];
      const follow = async (left: number): Promise<void> => {
        began.push(performance.now());
        const { status } = await call(client, Buffer.of(1));
        lasted.push(performance.now() - (began.shift() ?? 0));
        assert.equal(status, 4);
        if (left > 0) await follow(left - 1);
      };
      await follow(3);
      assert.equal(lasted.length, 4);
      for (const ms of lasted) assert.ok(ms >= 49 && ms < 1000, `${ms} ms`);
    },
    { timeoutMs: 50 },
  );
});
