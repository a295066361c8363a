// Both gRPC clients against servers that are not theirs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib';
import type { ExportClient } from '../../../../loadgen/client/client.ts';
import { notSent } from '../../../../loadgen/client/export-reply.ts';
import { type Action, okAction } from '../../../../loadgen/h2/action.ts';
import { type MessageHandler, serveUnary } from '../../../../loadgen/h2/server.ts';
import { grpcCode } from '../../../../src/transport/grpc-status.ts';
import { createHttp2GrpcServer } from '../../../../src/transport/http2/grpc-server.ts';
import { retryInfoStatus } from '../../../../src/transport/rpc-status.ts';
import { startJsServer } from '../../../conformance/grpc/js-server.ts';
import { startBench } from '../../../conformance/grpc/server-bench.ts';
import { answer, framed, serve } from '../http2-peer.ts';
import { clientFor, okReply, pattern, send } from './exports.ts';

const kinds = ['native', 'grpc-js'] as const;

/** That all of them are taken, at a time, and that the client has nothing left. */
async function sentAll(client: ExportClient, bodies: readonly Buffer[]): Promise<void> {
  for (const reply of await Promise.all(bodies.map((body) => send(client, body)))) assert.deepEqual(reply, okReply);
  assert.equal(client.inFlight(), 0);
  assert.equal(client.usable(), true);
}

const bodies = [1, 5000, 70_000, 1_500_000, 0, 214_000, 300].map((length, i) => pattern(length, i));
const sorted = (buffers: readonly Buffer[]): Buffer[] => [...buffers].sort(Buffer.compare);

for (const kind of kinds) {
  test(`${kind}: a server of @grpc/grpc-js has each body whole, and the headers`, async (t) => {
    const server = await startJsServer(t);
    server.answer = () => Buffer.alloc(0);
    const client = await clientFor(t, kind, server.port, { headers: [['X-Tenant', 'blue']] });
    await sentAll(client, bodies);
    assert.deepEqual(sorted(server.seen.map(({ message }) => message)), sorted(bodies));
    for (const { metadata, deadline } of server.seen) {
      assert.deepEqual(metadata.get('x-tenant'), ['blue']);
      const leftMs = Number(deadline) - Date.now();
      assert.ok(leftMs > 0 && leftMs <= 10_000, `${leftMs} ms`);
    }
  });

  test(`${kind}: the service's own server has each body whole, also through small windows`, async (t) => {
    for (const limits of [{}, { streamWindowBytes: 100_000, connectionWindowBytes: 70_000, maxConcurrentStreams: 3 }]) {
      const bench = await startBench(t, createHttp2GrpcServer, { limits });
      await sentAll(await clientFor(t, kind, bench.port), bodies);
      assert.deepEqual(sorted(bench.method.handled.map(({ message }) => message)), sorted(bodies));
    }
  });

  test(`${kind}: refusals and partial success of the service and of grpc-js are read`, async (t) => {
    const bench = await startBench(t, createHttp2GrpcServer);
    bench.method.answer = () => retryInfoStatus(grpcCode.RESOURCE_EXHAUSTED, 'größer', 1250);
    const refused = {
      status: 'RESOURCE_EXHAUSTED',
      ok: false,
      rejectedSpans: 0,
      message: 'größer',
      retryDelayMs: 1250,
    };
    assert.deepEqual(await send(await clientFor(t, kind, bench.port), pattern(10)), refused);

    const server = await startJsServer(t);
    const client = await clientFor(t, kind, server.port);
    server.answer = () => Buffer.concat([Buffer.of(0x0a, 9, 0x08, 0xac, 0x02, 0x12, 4), Buffer.from('late')]);
    assert.deepEqual(await send(client, pattern(10)), { ...okReply, rejectedSpans: 300, message: 'late' });
    server.answer = () => Buffer.of(0x0a, 0);
    assert.deepEqual(await send(client, pattern(10)), okReply);
    server.answer = () => ({ code: grpcCode.UNAVAILABLE, message: 'down' });
    const down = { status: 'UNAVAILABLE', ok: false, rejectedSpans: 0, message: 'down', retryDelayMs: null };
    assert.deepEqual(await send(client, pattern(10)), down);
    server.answer = () => Buffer.of(0x0a, 200);
    assert.equal((await send(client, pattern(10))).status, 'TRANSPORT');
  });

  test(`${kind}: what the sink's server does is what the client sees`, async (t) => {
    const actions: Action[] = [
      okAction,
      { kind: 'partial', rejected: 70_000, message: 'some' },
      { kind: 'status', code: 14, message: 'busy', retryDelayMs: 2000 },
      { kind: 'reset' },
      { kind: 'silent' },
      okAction,
    ];
    const paths: string[] = [];
    const handler: MessageHandler = (message, { path }) => {
      paths.push(path);
      return Promise.resolve(actions[message[0]]);
    };
    const server = await serveUnary('127.0.0.1', 0, handler);
    t.after(() => server.close());
    const client = await clientFor(t, kind, server.port, { timeoutMs: 400 });
    const replies = await Promise.all(actions.map((_, i) => send(client, Buffer.of(i))));
    assert.deepEqual(replies.slice(0, 3), [
      okReply,
      { ...okReply, rejectedSpans: 70_000, message: 'some' },
      { status: 'UNAVAILABLE', ok: false, rejectedSpans: 0, message: 'busy', retryDelayMs: 2000 },
    ]);
    assert.deepEqual(
      replies.slice(3).map(({ status }) => status),
      ['TRANSPORT', 'DEADLINE_EXCEEDED', 'OK'],
    );
    assert.equal(client.usable(), true);
    assert.deepEqual([...new Set(paths)], ['/opentelemetry.proto.collector.trace.v1.TraceService/Export']);
  });

  test(`${kind}: when the connection is cut, what is under way fails, its end is told, and new ones are refused`, async (t) => {
    const server = await serveUnary('127.0.0.1', 0, (message) => ({
      kind: message[0] === 1 ? 'disconnect' : 'silent',
    }));
    t.after(() => server.close());
    const lost = Promise.withResolvers<string>();
    const client = await clientFor(t, kind, server.port, { onUnusable: lost.resolve });
    const replies = await Promise.all([send(client, Buffer.of(0)), send(client, Buffer.of(1))]);
    for (const { status, ok } of replies) assert.deepEqual([status, ok], ['TRANSPORT', false]);
    assert.notEqual(await lost.promise, '');
    assert.equal(client.usable(), false);
    assert.equal((await send(client, Buffer.of(0))).status, notSent);
    assert.equal(client.inFlight(), 0);
  });

  test(`${kind}: after GOAWAY what is under way ends well, and its end is told`, async (t) => {
    const reply = Promise.withResolvers<void>();
    await using server = await serve({}, (stream) => {
      stream.resume();
      stream.session?.close();
      reply.promise.then(() => answer(stream, { 'grpc-status': '0' }), assert.fail);
    });
    const lost = Promise.withResolvers<string>();
    const client = await clientFor(t, kind, server.port, { onUnusable: lost.resolve });
    const underWay = send(client, pattern(10));
    await lost.promise;
    assert.equal(client.usable(), false);
    reply.resolve();
    assert.deepEqual(await underWay, okReply);
  });

  test(`${kind}: bodies are compressed with gzip`, async (t) => {
    const seen: Buffer[] = [];
    const server = await serveUnary('127.0.0.1', 0, (message, { encoding }) => {
      assert.equal(encoding, 'gzip');
      assert.ok(message.length < 20_000, `${message.length} bytes`);
      seen.push(gunzipSync(message));
      return okAction;
    });
    t.after(() => server.close());
    const body = pattern(214_000);
    await sentAll(await clientFor(t, kind, server.port, { compression: 'gzip' }), [body, body]);
    assert.deepEqual(seen, [body, body]);
    const bench = await startBench(t, createHttp2GrpcServer);
    await sentAll(await clientFor(t, kind, bench.port, { compression: 'gzip' }), [body]);
    assert.deepEqual(bench.method.handled[0].message, body);
  });

  test(`${kind}: why there is no connection is told in one line`, async (t) => {
    const gone = await serveUnary('127.0.0.1', 0, () => okAction);
    gone.close();
    const refused = { code: 'CONNECT', message: new RegExp(`^127\\.0\\.0\\.1:${gone.port}: .*ECONNREFUSED[^\\n]*$`) };
    await assert.rejects(clientFor(t, kind, gone.port), refused);
    const reserved = clientFor(t, kind, gone.port, { headers: [['Grpc-Timeout', '1S']] });
    await assert.rejects(reserved, { code: 'USAGE', message: /grpc-timeout/ });
    const wrong = clientFor(t, kind, gone.port, { headers: [['x y', '1']] });
    await assert.rejects(wrong, { code: 'USAGE' });
  });
}

test('native: bodies are compressed with zstd', async (t) => {
  const body = pattern(214_000);
  const seen: Buffer[] = [];
  const server = await serveUnary('127.0.0.1', 0, (message, { encoding }) => {
    seen.push(encoding === 'zstd' ? zstdDecompressSync(message) : message);
    return okAction;
  });
  t.after(() => server.close());
  await sentAll(await clientFor(t, 'native', server.port, { compression: 'zstd' }), [body]);
  assert.deepEqual(seen, [body]);
  const bench = await startBench(t, createHttp2GrpcServer);
  await sentAll(await clientFor(t, 'native', bench.port, { compression: 'zstd' }), [body]);
  assert.deepEqual(bench.method.handled[0].message, body);
});

test('grpc-js has neither zstd nor HTTP, and says so', async (t) => {
  await assert.rejects(clientFor(t, 'grpc-js', 9, { compression: 'zstd' }), { code: 'USAGE', message: /zstd/ });
  await assert.rejects(clientFor(t, 'grpc-js', 9, { protocol: 'http/json' }), { code: 'USAGE', message: /http\/json/ });
});

test('native: a compressed reply is read', async (t) => {
  const partial = Buffer.of(0x0a, 2, 0x08, 5);
  await using server = await serve({}, (stream) => {
    answer(stream.resume(), { 'grpc-status': '0' }, framed(gzipSync(partial), true), { 'grpc-encoding': 'gzip' });
  });
  assert.equal((await send(await clientFor(t, 'native', server.port), pattern(10))).rejectedSpans, 5);
});
