// Server suite: sizes, space, deadlines, cancellation.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http2 from 'node:http2';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import * as grpc from '@grpc/grpc-js';
import { retryDelayOf } from '../../../src/transport/rpc-status.ts';
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

const { NGHTTP2_CANCEL } = http2.constants;

export function limitTests(start: StartServer): void {
  test('a message above the limit is refused from its announced length, before its body', async (t) => {
    const bench = await startBench(t, start);
    const client = jsClient(t, bench);
    await expectGood(bench, client);
    const session = connect(t, bench);
    const stream = session.request(grpcHeaders);
    // Only the prefix is sent: an answer shows that nobody waited for the rest.
    stream.write(framed(Buffer.alloc(0), 0, 70_000_000));
    const reply = await replyOf(stream);
    assert.equal(reply.code, '8');
    assert.match(reply.message, /larger than max \(70000000 vs\. 4194304\)/);
    assert.deepEqual(bench.method.refusals, ['too_large']);
    await expectGood(bench, client);
  });

  test('a client that waits for leave to send its body gets it, or its refusal at once', async (t) => {
    const bench = await startBench(t, start);
    const session = connect(t, bench);
    const expecting = { ...grpcHeaders, expect: '100-continue' };
    const stream = session.request(expecting);
    await once(stream, 'continue');
    stream.end(framed(Buffer.from('body')));
    assert.equal((await replyOf(stream)).code, '0');
    assert.equal(bench.method.handled[0].message.toString(), 'body');
    for (const [wrong, httpStatus] of [
      [{ 'content-type': 'text/plain' }, 415],
      [{ ':path': '/no/such' }, 200],
    ] as const) {
      const refused = session.request({ ...expecting, ...wrong });
      refused.on('continue', () => assert.fail('it may send what nobody wants'));
      assert.equal((await replyOf(refused)).httpStatus, httpStatus);
    }
    // Nothing is told to a client whose request is over.
    const whole = session.request(expecting, { endStream: true });
    whole.on('continue', () => assert.fail('it has nothing to send'));
    assert.equal((await replyOf(whole)).code, '13');
  });

  test('grpc-js sees RESOURCE_EXHAUSTED for 70 MB, and its connection goes on', async (t) => {
    const bench = await startBench(t, start);
    const client = jsClient(t, bench);
    await expectGood(bench, client);
    const reply = await client.call(Buffer.alloc(70_000_000));
    assert.equal(reply.code, grpc.status.RESOURCE_EXHAUSTED, reply.message);
    await expectGood(bench, client);
    assert.equal(bench.server.counters.connections, 1);
  });

  test('decompression bombs end at the limit', async (t) => {
    const bench = await startBench(t, start, { limits: { maxMessageBytes: 1 << 20 } });
    const session = connect(t, bench);
    const zeros = Buffer.alloc(300 << 20);
    for (const [encoding, bomb] of [
      ['gzip', zlib.gzipSync(zeros)],
      ['zstd', zlib.zstdCompressSync(zeros)],
    ] as const) {
      const reply = await rawCall(session, framed(bomb, 1), { 'grpc-encoding': encoding });
      assert.equal(reply.code, '8', `${encoding}: ${reply.message}`);
      assert.match(reply.message, /after decompression larger than max 1048576/);
    }
    const exact = await rawCall(session, framed(zlib.gzipSync(Buffer.alloc(1 << 20)), 1), { 'grpc-encoding': 'gzip' });
    assert.equal(exact.code, '0', 'a message of exactly the limit passes');
    assert.equal(bench.method.handled.length, 1);
  });

  for (const size of [1000, 40_000, 300_000, 3 << 20]) {
    test(`without space ${size} bytes wait, and go on when there is some`, async (t) => {
      const bench = await startBench(t, start);
      const client = jsClient(t, bench);
      bench.method.full = true;
      const message = pattern(size);
      const pending = client.call(message);
      await bench.method.waitingCount(1);
      bench.method.full = false;
      bench.method.grant(true);
      assert.equal((await pending).code, 0);
      assert.ok(bench.method.handled[0].message.equals(message));
      await expectGood(bench, client);
    });

    test(`without space ${size} bytes are refused with a delay when none came`, async (t) => {
      const bench = await startBench(t, start);
      const client = jsClient(t, bench);
      bench.method.full = true;
      const pending = client.call(pattern(size));
      await bench.method.waitingCount(1);
      bench.method.grant(false);
      const reply = await pending;
      assert.deepEqual([reply.code, reply.message], [8, 'no space left']);
      assert.equal(reply.details === undefined ? undefined : retryDelayOf(reply.details), 1500);
      assert.equal(bench.server.counters.refused.over_budget, 1);
      bench.method.full = false;
      await expectGood(bench, client);
    });

    test(`a client that gives up ${size} bytes while they wait leaves nothing behind`, async (t) => {
      const bench = await startBench(t, start);
      bench.method.full = true;
      const stream = connect(t, bench).request(grpcHeaders);
      const reply = replyOf(stream);
      stream.end(framed(pattern(size)));
      await bench.method.waitingCount(1);
      stream.close(NGHTTP2_CANCEL);
      await reply;
      bench.method.full = false;
      await expectGood(bench, jsClient(t, bench));
      bench.method.grant(true);
      // The place came too late and goes straight back.
      await expectGood(bench, jsClient(t, bench));
      assert.equal(bench.method.outstanding(), 0);
      // A connection of which a call waits need not be read: then the reset comes after the message.
      const unwanted = bench.method.handled.filter(({ message }) => message.length === size).length;
      assert.equal(bench.method.handled.length - unwanted, 2);
      assert.ok(unwanted <= 1);
    });
  }

  test('what waits for a place is bounded, and all of it is refused together', async (t) => {
    const bench = await startBench(t, start, { limits: { maxHeldBytes: 1 << 20, streamWindowBytes: 256 << 10 } });
    bench.method.full = true;
    const sessions = [connect(t, bench), connect(t, bench)];
    const replies = Array.from({ length: 12 }, (_, i) => rawCall(sessions[i % 2], framed(pattern(200_000))));
    await bench.method.waitingCount(2);
    assert.ok(bench.server.counters.heldBytesNow > 0);
    assert.ok(bench.server.counters.heldBytesNow <= 1 << 20, `${bench.server.counters.heldBytesNow} held`);
    bench.method.refuseWaiting();
    assert.ok((await Promise.all(replies)).every((reply) => reply.code === '8'));
  });

  test('small messages that are half sent hold their places, and are handled when they are whole', async (t) => {
    const bench = await startBench(t, start, { limits: { maxHeldBytes: 100_000 } });
    const session = connect(t, bench);
    const open = await halfSent(bench, session, 30, 8000);
    assert.equal(bench.method.outstanding(), 30);
    for (const stream of open) stream.end(pattern(8000).subarray(4000));
    await bench.method.handledCount(30);
    assert.ok(bench.method.handled.every((handled) => handled.message.equals(pattern(8000))));
  });

  test('a message in pieces of one byte arrives whole', async (t) => {
    const bench = await startBench(t, start);
    const stream = connect(t, bench).request(grpcHeaders);
    const reply = replyOf(stream);
    const message = pattern(200);
    for (const byte of framed(message)) {
      await new Promise((resolve) => stream.write(Buffer.of(byte), resolve));
    }
    stream.end();
    assert.equal((await reply).code, '0');
    assert.ok(bench.method.handled[0].message.equals(message));
  });

  test('a body that stands still is given up', async (t) => {
    const bench = await startBench(t, start, { limits: { stallTimeoutMs: 60 } });
    const session = connect(t, bench);
    const stream = session.request(grpcHeaders);
    stream.write(framed(pattern(1000), 0, 200_000));
    const reply = await replyOf(stream);
    assert.equal(reply.code, '4');
    assert.deepEqual(bench.method.refusals, ['stalled']);
  });

  test('a call cancelled before, while and after it is handled leaves nothing behind', async (t) => {
    const bench = await startBench(t, start);
    const session = connect(t, bench);
    for (const sent of [0, 3, 5, 2000, 200_005]) {
      const stream = session.request(grpcHeaders);
      const reply = replyOf(stream);
      const body = framed(pattern(200_000));
      if (sent > 0) await new Promise((resolve) => stream.write(body.subarray(0, sent), resolve));
      stream.close(NGHTTP2_CANCEL);
      await reply;
    }
    bench.method.answer = () => 'later';
    const client = jsClient(t, bench);
    const call = client.client.makeUnaryRequest(
      exportPath,
      same,
      same,
      pattern(99),
      new grpc.Metadata(),
      () => undefined,
    );
    const ended = once(call, 'status');
    await bench.method.handledCount(1);
    call.cancel();
    await ended;
    bench.method.answer = () => null;
    // On the same connection: the reset was read before this request.
    await expectGood(bench, client);
    bench.method.handled[0].reply(null);
    bench.method.handled[0].reply(null);
    await expectGood(bench, client);
    assert.equal(bench.server.counters.ok, 2);
    // Node's own client ends the body before it resets the stream: those count as cut short.
    const { cancelled, refused } = bench.server.counters;
    assert.ok(cancelled >= 1 && cancelled + refused.framing >= 5, JSON.stringify(bench.server.counters));
    assert.equal(bench.method.handled.length, 3);
  });

  test('a deadline ends the call at the client, and waiting work is not begun after it', async (t) => {
    const bench = await startBench(t, start);
    bench.method.full = true;
    const client = jsClient(t, bench);
    const session = connect(t, bench);
    // This client does not enforce its own deadline: the server has to notice.
    const unwanted = pattern(51);
    const late = rawCall(session, framed(unwanted), { 'grpc-timeout': '1m' });
    await bench.method.waitingCount(1);
    const reply = await client.call(pattern(50), { deadline: Date.now() + 50 });
    assert.equal(reply.code, grpc.status.DEADLINE_EXCEEDED);
    bench.method.full = false;
    bench.method.grant(true);
    assert.equal((await late).code, '4');
    assert.ok(!bench.method.handled.some((handled) => handled.message.equals(unwanted)));
    await expectGood(bench, client);
  });
}

const same = (bytes: Buffer): Buffer => bytes;

/** Calls of which half of the message was sent; resolves when the server has all those halves. */
async function halfSent(
  bench: Bench,
  session: http2.ClientHttp2Session,
  count: number,
  size: number,
): Promise<http2.ClientHttp2Stream[]> {
  const streams: http2.ClientHttp2Stream[] = [];
  for (let i = 0; i < count; i++) {
    const stream = session.request(grpcHeaders);
    stream.on('error', () => undefined);
    stream.resume();
    await new Promise((resolve) => stream.write(framed(pattern(size)).subarray(0, 5 + size / 2), resolve));
    streams.push(stream);
  }
  // The frames of one connection are read in order: an answer to a later ping shows that those before it were.
  await new Promise((resolve) => session.ping(resolve));
  assert.equal(bench.server.counters.callsNow, count);
  return streams;
}
