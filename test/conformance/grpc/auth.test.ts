// Authentication in the gRPC servers, with a real client, and with bytes that no client would send.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { createHttp2GrpcServer } from '../../../src/transport/http2/grpc-server.ts';
import { createNodeGrpcServer } from '../../../src/transport/node/grpc-server.ts';
import type { AuthRefusal, RequestAuth } from '../../../src/transport/request-auth.ts';
import { judgedAfterMs } from '../../../src/transport/slow-calls.ts';
import { dataFrame, headersFrames, requestFields } from '../http2/client-frames.ts';
import { createClientEncoder } from '../http2/client-hpack.ts';
import { openWire } from '../http2/wire-client.ts';
import {
  connect,
  framed,
  grpcHeaders,
  jsClient,
  pattern,
  replyOf,
  type StartServer,
  startBench,
} from './server-bench.ts';
import { exportPath } from './test-method.ts';

interface Keeper extends RequestAuth {
  version: number;
  token: string;
  /** Decides this much later; 0: at once. */
  delayMs: number;
  asked: number;
}

function keeper(token = 'right'): Keeper {
  const made: Keeper = {
    version: 1,
    token,
    delayMs: 0,
    asked: 0,
    refusal(header) {
      made.asked++;
      const isRight = header('authorization')[0] === `Bearer ${made.token}`;
      const refusal: AuthRefusal | null = isRight ? null : { message: 'who are you?', retryDelayMs: 0 };
      if (made.delayMs === 0) return refusal;
      return new Promise((resolve) => setTimeout(resolve, made.delayMs, refusal));
    },
  };
  return made;
}

function bearer(token: string): grpc.Metadata {
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}

for (const [name, start] of [
  ['HTTP/2 of our own', createHttp2GrpcServer],
  ['node:http2', createNodeGrpcServer],
] as const) {
  describe(`a server on ${name} with an authenticator`, () => authTests(start));
}

function authTests(start: StartServer): void {
  test('the time that the authenticator takes is not the slowness of its client', async (t) => {
    const auth = keeper();
    const bench = await startBench(t, start, { auth });
    auth.delayMs = 2 * judgedAfterMs;
    const headers = { ...grpcHeaders, authorization: 'Bearer right' };
    const first = connect(t, bench).request(headers);
    first.write(framed(Buffer.from('half'), 0, 8));
    while (bench.method.outstanding() === 0) await new Promise(setImmediate);
    auth.delayMs = 0;
    bench.method.full = true;
    const second = connect(t, bench).request(headers);
    second.end(framed(Buffer.from('whole')));
    const replies = [replyOf(first), replyOf(second)];
    await bench.method.waitingCount(1);
    assert.equal(bench.server.counters.refused.too_slow, 0);
    bench.method.grant(true);
    first.end('half');
    for (const reply of replies) assert.equal((await reply).code, '0');
  });

  test('takes calls with the right credential, and answers others with UNAUTHENTICATED and its text', async (t) => {
    const auth = keeper();
    const bench = await startBench(t, start, { auth });
    const { call } = jsClient(t, bench);
    assert.equal((await call(pattern(5000), { metadata: bearer('right') })).code, 0);
    for (const metadata of [bearer('wrong'), new grpc.Metadata()]) {
      const { code, message } = await call(pattern(5000), { metadata });
      assert.deepEqual([code, message], [16, 'who are you?']);
    }
    assert.equal((await call(pattern(5000), { metadata: bearer('right') })).code, 0);
    assert.equal(bench.method.handled.length, 2);
    assert.deepEqual(bench.method.refusals, ['unauthenticated', 'unauthenticated']);
    assert.equal(bench.server.counters.refused.unauthenticated, 2);
  });

  test('does not show the headers to methods unless metadata is included', async (t) => {
    for (const includeMetadata of [false, true]) {
      const bench = await startBench(t, start, { auth: keeper(), includeMetadata });
      await jsClient(t, bench).call(pattern(10), { metadata: bearer('right') });
      assert.deepEqual(bench.method.handled[0].call.metadata('authorization'), includeMetadata ? ['Bearer right'] : []);
    }
  });

  test('asks once for requests with the same headers, and again when who is welcome has changed', async (t) => {
    const auth = keeper();
    const bench = await startBench(t, start, { auth });
    const { call } = jsClient(t, bench);
    const codes: number[] = [];
    for (let i = 0; i < 20; i++) codes.push((await call(pattern(10), { metadata: bearer('right') })).code);
    assert.deepEqual(new Set(codes), new Set([0]));
    if (start === createHttp2GrpcServer) assert.ok(auth.asked <= 3, `asked ${auth.asked} times`);
    auth.token = 'another';
    auth.version++;
    assert.equal((await call(pattern(10), { metadata: bearer('right') })).code, 16);
    assert.equal((await call(pattern(10), { metadata: bearer('another') })).code, 0);
  });

  test('knows tokens of a kilobyte again', async (t) => {
    const auth = keeper('t'.repeat(1500));
    const bench = await startBench(t, start, { auth });
    const { call } = jsClient(t, bench);
    for (let i = 0; i < 10; i++) assert.equal((await call(pattern(10), { metadata: bearer(auth.token) })).code, 0);
    if (start === createHttp2GrpcServer) assert.ok(auth.asked <= 3, `asked ${auth.asked} times`);
    assert.equal((await call(pattern(10), { metadata: bearer(`${'t'.repeat(1499)}u`) })).code, 16);
  });

  test('the welcome of one connection is none on another', async (t) => {
    const bench = await startBench(t, start, { auth: keeper() });
    const [friend, stranger] = [jsClient(t, bench), jsClient(t, bench)];
    assert.equal((await friend.call(pattern(10), { metadata: bearer('right') })).code, 0);
    assert.equal((await stranger.call(pattern(10))).code, 16);
  });

  test('refuses a message of 100 MB at its headers: nothing of it is reserved or read', async (t) => {
    const bench = await startBench(t, start, { auth: keeper(), limits: { maxMessageBytes: 200 << 20 } });
    let reserved = 0;
    const { reserve } = bench.method;
    bench.method.reserve = (length, isWhole) => {
      reserved++;
      return reserve(length, isWhole);
    };
    const session = connect(t, bench);
    const stream = session.request({ ...grpcHeaders, authorization: 'Bearer wrong' });
    stream.on('error', () => undefined);
    const prefix = Buffer.from([0, 0, 0, 0, 0]);
    prefix.writeUInt32BE(100 << 20, 1);
    stream.write(prefix);
    const reply = await replyOf(stream);
    assert.deepEqual([reply.code, reply.message], ['16', 'who are you?']);
    assert.equal(reserved, 0);
    assert.equal(bench.method.outstanding(), 0);
    // The connection is fine.
    const { call } = jsClient(t, bench);
    assert.equal((await call(pattern(100), { metadata: bearer('right') })).code, 0);
  });

  test('a flood of bodies without credentials takes no memory, and others are served beside it', async (t) => {
    const bench = await startBench(t, start, { auth: keeper(), memoryBytes: 1 << 20 });
    const flood = jsClient(t, bench);
    const friend = jsClient(t, bench);
    const floods = Array.from({ length: 200 }, () => flood.call(pattern(500_000)));
    for (let i = 0; i < 20; i++)
      assert.equal((await friend.call(pattern(2000), { metadata: bearer('right') })).code, 0);
    assert.deepEqual(new Set((await Promise.all(floods)).map(({ code }) => code)), new Set([16]));
    assert.equal(bench.server.counters.heldBytesNow, 0);
  });

  test('a decision that takes its time: bodies wait for it whole, other connections do not', async (t) => {
    const auth = keeper();
    const bench = await startBench(t, start, { auth });
    const [slow, quick] = [jsClient(t, bench), jsClient(t, bench)];
    for (const one of [slow, quick]) assert.equal((await one.call(pattern(10), { metadata: bearer('right') })).code, 0);
    auth.version++;
    auth.delayMs = 200;
    const asked = auth.asked;
    const messages = [pattern(10), pattern(70_000), pattern(3_000_000)];
    const waiting = messages.map((message) => slow.call(message, { metadata: bearer('right') }));
    const refused = slow.call(pattern(400_000), { metadata: bearer('wrong') });
    while (auth.asked === asked) await new Promise((resolve) => setTimeout(resolve, 2));
    auth.delayMs = 0;
    const before = bench.method.handled.length;
    assert.equal((await quick.call(pattern(20), { metadata: bearer('right') })).code, 0);
    assert.equal(bench.method.handled.length, before + 1, 'nothing of the others was handled meanwhile');
    assert.deepEqual(
      (await Promise.all(waiting)).map(({ code }) => code),
      [0, 0, 0],
    );
    assert.equal((await refused).code, 16);
    const handled = bench.method.handled.slice(before + 1).map(({ message }) => message.length);
    assert.deepEqual(
      handled.sort((a, b) => a - b),
      [10, 70_000, 3_000_000],
    );
  });

  test('calls that are given up while their credential is checked leave nothing', async (t) => {
    const auth = keeper();
    auth.delayMs = 50;
    const bench = await startBench(t, start, { auth });
    const { client, call } = jsClient(t, bench);
    assert.equal((await call(pattern(10), { metadata: bearer('right') })).code, 0);
    auth.version++;
    const { asked } = auth;
    const same = (bytes: Buffer): Buffer => bytes;
    const given = Array.from({ length: 20 }, () =>
      client.makeUnaryRequest(exportPath, same, same, pattern(100_000), bearer('right'), () => undefined),
    );
    while (auth.asked === asked) await new Promise((resolve) => setTimeout(resolve, 2));
    for (const request of given) request.cancel();
    while (bench.server.counters.callsNow > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    auth.delayMs = 0;
    assert.equal((await call(pattern(10), { metadata: bearer('right') })).code, 0);
  });

  test('the same header block is judged by what it means: another token in the table is another client', async (t) => {
    const auth = keeper('aaaa');
    const bench = await startBench(t, start, { auth });
    const client = await openWire(t, bench.port);
    const encoder = createClientEncoder();
    const body = Buffer.from([0, 0, 0, 0, 0]);
    const codes: (string | undefined)[] = [];
    // The table changes between blocks of the same bytes.
    const tokens = ['aaaa', 'aaaa', 'aaaa', 'bbbb', 'bbbb', 'bbbb', 'aaaa'];
    const blocks = tokens.map((token) =>
      Buffer.concat([
        encoder.block(requestFields(), ['plain']),
        encoder.block([['authorization', `Bearer ${token}`]], ['shortest']),
      ]),
    );
    assert.ok(blocks[2].equals(blocks[5]), 'the blocks differ, so that this proves nothing');
    for (const [i, block] of blocks.entries()) {
      const stream = 2 * i + 1;
      await client.send(...headersFrames(stream, block), dataFrame(stream, body, true));
      const reply = await client.reply(stream);
      codes.push(reply.trailers['grpc-status'] ?? reply.headers['grpc-status']);
    }
    assert.deepEqual(codes, ['0', '0', '0', '16', '16', '16', '0']);
  });
}
