// The gRPC health service on the receiver's port, over both implementations of HTTP/2.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import { createHealthService, mostWatches } from '../../../src/transport/grpc-health.ts';
import type { GrpcServer, GrpcServerOptions, UnaryExchange } from '../../../src/transport/grpc-server.ts';
import { createHttp2GrpcServer } from '../../../src/transport/http2/grpc-server.ts';
import { createNodeGrpcServer } from '../../../src/transport/node/grpc-server.ts';
import type { RequestAuth } from '../../../src/transport/request-auth.ts';
import { createHealthClient, traceService } from './health-client.ts';
import { connect, framed, grpcHeaders, jsClient, pattern, rawCall, replyOf } from './server-bench.ts';
import { createTestMethod, exportPath } from './test-method.ts';

const { OK, UNAVAILABLE, CANCELLED, RESOURCE_EXHAUSTED } = grpc.status;
const checkPath = { ':path': '/grpc.health.v1.Health/Check' };
const watchPath = { ':path': '/grpc.health.v1.Health/Watch' };

async function startHealth(
  t: TestContext,
  create: (options: GrpcServerOptions) => GrpcServer,
  options: Partial<GrpcServerOptions> = {},
) {
  const serving = new Map<string, boolean>([
    ['', true],
    [traceService, true],
  ]);
  const listeners = new Set<() => void>();
  const health = createHealthService({
    isServing: (service) => serving.get(service) ?? null,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });
  const method = createTestMethod();
  const server = create({
    ...options,
    listen: { kind: 'tcp', host: '127.0.0.1', port: 0, family: 0 },
    routes: new Map([[exportPath, method], ...health.routes]),
  });
  await server.listen();
  t.after(async () => {
    await server.close();
    const { heldBytesNow, callsNow } = server.counters;
    assert.deepEqual([method.outstanding(), heldBytesNow, callsNow], [0, 0, 0]);
    assert.equal(listeners.size, 0, 'somebody still listens');
  });
  const address = server.address();
  return {
    health,
    server,
    method,
    address,
    port: Number(address.slice(address.lastIndexOf(':') + 1)),
    listeners,
    set(service: string, value: boolean): void {
      serving.set(service, value);
      for (const listener of listeners) listener();
    },
  };
}

for (const [intake, create] of [
  ['native', createHttp2GrpcServer],
  ['node', createNodeGrpcServer],
] as const) {
  test(`${intake}: Check says whether the server and its service serve, NOT_FOUND for another`, async (t) => {
    const bench = await startHealth(t, create);
    const client = createHealthClient(t, bench.address);
    assert.deepEqual(await Promise.all([client.check(), client.check(traceService)]), ['SERVING', 'SERVING']);
    bench.set(traceService, false);
    assert.deepEqual(await Promise.all([client.check(), client.check(traceService)]), ['SERVING', 'NOT_SERVING']);
    assert.equal(await client.check('a.b.C'), 'NOT_FOUND');
    bench.set('', false);
    assert.equal(await client.check(), 'NOT_SERVING');
    const { ok, failed } = bench.server.counters;
    assert.deepEqual([ok, failed], [5, 1]);
  });

  test(`${intake}: health checks need no credential where exports do`, async (t) => {
    let asked = 0;
    const auth: RequestAuth = {
      version: 0,
      refusal: () => {
        asked++;
        return { message: 'no credential', retryDelayMs: 0 };
      },
    };
    const bench = await startHealth(t, create, { auth });
    const client = createHealthClient(t, bench.address);
    const watching = client.watch();
    assert.equal(await client.check(), 'SERVING');
    await watching.count(1);
    assert.equal(asked, 0);
    assert.equal((await jsClient(t, bench).call(pattern(300))).code, grpc.status.UNAUTHENTICATED);
    assert.equal(asked, 1);
    watching.cancel();
    await watching.ended;
  });

  test(`${intake}: thousands of checks between exports leave nothing behind`, async (t) => {
    const bench = await startHealth(t, create);
    const client = createHealthClient(t, bench.address);
    const exporting = jsClient(t, bench);
    const replies = await Promise.all(
      Array.from({ length: 3000 }, (_, i) =>
        i % 3 === 0 ? exporting.call(pattern(300)).then(({ code }) => String(code)) : client.check(),
      ),
    );
    assert.deepEqual(new Set(replies), new Set(['0', 'SERVING']));
  });

  test(`${intake}: Watch says the state at once and each change, for a service that nobody knows too`, async (t) => {
    const bench = await startHealth(t, create);
    const client = createHealthClient(t, bench.address);
    const [whole, own, other] = [client.watch(), client.watch(traceService), client.watch('later')];
    await Promise.all([whole.count(1), own.count(1), other.count(1)]);
    bench.set(traceService, false);
    await own.count(2);
    bench.set('later', true);
    await other.count(2);
    bench.set(traceService, true);
    await own.count(3);
    bench.set('', false);
    await whole.count(2);
    assert.deepEqual(whole.states, ['SERVING', 'NOT_SERVING']);
    assert.deepEqual(own.states, ['SERVING', 'NOT_SERVING', 'SERVING']);
    assert.deepEqual(other.states, ['SERVICE_UNKNOWN', 'SERVING']);
    for (const watching of [whole, own, other]) watching.cancel();
    assert.deepEqual(await Promise.all([whole.ended, own.ended, other.ended]), [CANCELLED, CANCELLED, CANCELLED]);
  });

  test(`${intake}: a client that goes away is watched for no longer`, async (t) => {
    const bench = await startHealth(t, create);
    const session = connect(t, bench);
    const stream = session.request({ ...grpcHeaders, ...watchPath });
    stream.on('error', () => undefined);
    stream.end(framed(Buffer.alloc(0)));
    await once(stream, 'data');
    assert.equal(bench.listeners.size, 1);
    session.destroy();
    while (bench.server.counters.callsNow > 0) await turn();
    assert.equal(bench.listeners.size, 0);
    bench.set('', false);
  });

  test(`${intake}: a drain ends calls of Watch, after they were told, and does not wait for them`, async (t) => {
    const bench = await startHealth(t, create);
    const client = createHealthClient(t, bench.address);
    const watching = client.watch();
    await watching.count(1);
    bench.set('', false);
    bench.health.endWatches();
    const drained = bench.server.drain(10_000);
    assert.equal(await watching.ended, UNAVAILABLE);
    assert.deepEqual(watching.states, ['SERVING', 'NOT_SERVING']);
    await drained;
    assert.equal(bench.server.counters.cancelled, 0);
  });

  test(`${intake}: while it drains a call of Watch is refused and one of Check is answered`, async (t) => {
    const bench = await startHealth(t, create);
    const client = createHealthClient(t, bench.address);
    assert.equal(await client.check(), 'SERVING');
    bench.health.endWatches();
    assert.equal(await client.watch().ended, UNAVAILABLE);
    assert.equal(await client.check(), 'SERVING');
  });

  test(`${intake}: what is no small request is refused, and takes nothing from exports`, async (t) => {
    const bench = await startHealth(t, create);
    const session = connect(t, bench);
    const large = await rawCall(session, framed(pattern(300)), checkPath);
    assert.deepEqual(
      [large.code, large.message],
      [String(RESOURCE_EXHAUSTED), 'received message larger than max (300 vs. 256)'],
    );
    // A slow export must not give way to it.
    const slow = session.request(grpcHeaders);
    const slowReply = replyOf(slow);
    const body = framed(pattern(100_000));
    slow.write(body.subarray(0, 50_000));
    for (let i = 0; i < 20; i++) {
      const reply = await rawCall(session, framed(pattern(200_000)), checkPath);
      // The answer may overtake the rest of the request, and be all that there is of it.
      assert.ok(reply.code === String(RESOURCE_EXHAUSTED) || reply.code === undefined, String(reply.code));
    }
    slow.end(body.subarray(50_000));
    assert.equal((await slowReply).code, '0');
    for (const [bytes, expected] of [
      [Buffer.of(0x0a, 200), 'SERVING'],
      [Buffer.of(0xff, 0xff, 0xff), 'SERVING'],
      [Buffer.of(0x10, 5, 0x0a, 1, 0x61, 0x0a, 0), 'SERVING'],
      [Buffer.of(0x0a, 2, 0xff, 0xfe), 'NOT_FOUND'],
    ] as const) {
      const { code, body: answer } = await rawCall(session, framed(bytes), checkPath);
      if (expected === 'NOT_FOUND') assert.equal(code, '5');
      else assert.deepEqual([code, [...answer]], [String(OK), [0, 0, 0, 0, 2, 8, 1]]);
    }
  });

  test(`${intake}: more requests that are not finished than there is room for are told so, and room comes back`, async (t) => {
    const bench = await startHealth(t, create);
    const sessions = [connect(t, bench), connect(t, bench)];
    const half = framed(Buffer.from('ab'), 0, 4);
    const streams = Array.from({ length: 1200 }, (_, i) => {
      const stream = sessions[i % 2].request({ ...grpcHeaders, ...checkPath });
      stream.on('error', () => undefined);
      stream.write(half);
      return { stream, reply: replyOf(stream) };
    });
    const refused = await Promise.race(streams.map(({ reply }) => reply));
    assert.equal(refused.code, String(RESOURCE_EXHAUSTED));
    for (const { stream } of streams) stream.close(grpc.status.CANCELLED);
    await Promise.all(streams.map(({ reply }) => reply));
    const client = createHealthClient(t, bench.address);
    while (bench.server.counters.callsNow > 0) await turn();
    assert.equal(await client.check(), 'SERVING');
  });
}

test('the bound of Watch: who comes later is told to do without health checks, until one leaves', () => {
  let told = 0;
  const health = createHealthService({ isServing: () => true, onChange: () => () => undefined });
  const watch = health.routes.find(([path]) => path.endsWith('/Watch'))?.[1];
  assert.ok(watch !== undefined);
  const gone: (() => void)[] = [];
  const statuses: (number | null)[] = [];
  const call = (): void => {
    const place = watch.reserve(0, true);
    assert.ok(place !== null);
    const exchange: UnaryExchange = {
      peer: '',
      metadata: () => [],
      send: () => told++,
      answer: (status) => statuses.push(status?.code ?? null),
      onGone: (listener) => gone.push(listener),
    };
    watch.handle(place, exchange);
  };
  for (let i = 0; i < mostWatches; i++) call();
  assert.deepEqual([told, statuses], [mostWatches, []]);
  call();
  assert.deepEqual(statuses, [grpc.status.UNIMPLEMENTED]);
  gone[17]();
  call();
  assert.deepEqual([told, statuses.length], [mostWatches + 1, 1]);
});

// A client that gives no window for what it watches is cut, and holds nothing until then but what is not sent.
test('native: a client that takes no messages is reset after the stall time', async (t) => {
  const serving = { now: true };
  const listeners = new Set<() => void>();
  const health = createHealthService({
    isServing: () => serving.now,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });
  const server = createHttp2GrpcServer({
    listen: { kind: 'tcp', host: '127.0.0.1', port: 0, family: 0 },
    routes: new Map(health.routes),
    limits: { stallTimeoutMs: 100 },
  });
  await server.listen();
  t.after(() => server.close());
  const { connect: http2Connect } = await import('node:http2');
  const session = http2Connect(`http://${server.address()}`, { settings: { initialWindowSize: 0 } });
  session.on('error', () => undefined);
  t.after(() => session.destroy());
  const stream = session.request({ ...grpcHeaders, ...watchPath });
  stream.on('error', () => undefined);
  stream.end(framed(Buffer.alloc(0)));
  await once(stream, 'response');
  serving.now = false;
  for (const listener of listeners) listener();
  await once(stream, 'close');
  assert.equal(stream.rstCode, 8);
  assert.equal(listeners.size, 0);
});
