// The otlp receiver over a real socket: configuration, what becomes of each outcome, and the two ends of this project's
// transport against each other.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http2 from 'node:http2';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import type { Intake, Receiver, RequestOutcome } from '../../../src/component/receiver.ts';
import { otlp } from '../../../src/receivers/otlp/index.ts';
import type { GrpcClient, GrpcClientOptions } from '../../../src/transport/grpc-client.ts';
import { pickGrpcClient } from '../../../src/transport/pick-grpc-client.ts';
import { alwaysServing } from '../../unit/component/always-serving.ts';
import { noExtensions } from '../../unit/component/no-extensions.ts';
import { pattern } from './server-bench.ts';
import { createTestMethod, exportPath, type TestMethod } from './test-method.ts';

interface Running {
  readonly receiver: Receiver;
  readonly method: TestMethod;
  client(options?: Partial<GrpcClientOptions>): Promise<GrpcClient>;
  outcome: RequestOutcome;
}

async function startReceiver(t: TestContext, grpc: Record<string, unknown> = {}): Promise<Running> {
  const config = otlp.config.parse({ protocols: { grpc: { endpoint: '127.0.0.1:0', ...grpc } } });
  assert.deepEqual(otlp.check?.(config), []);
  const method = createTestMethod();
  const intake: Intake = {
    memory: method.memory,
    largestBytes: 16 << 20,
    reserve: method.reserve,
    reserveLater: method.reserveLater,
    submit(place, info, done) {
      const metadata = (key: string) => info.metadata(key);
      const answer = (): void => done(info, running.outcome);
      const nothing = (): void => assert.fail('no receiver of spans does that');
      method.handle(place, { peer: info.peer, metadata, answer, send: nothing, onGone: nothing });
    },
    release: method.abandon,
    refuse: () => ({ kind: 'overloaded', message: 'no space', retryDelayMs: 700 }),
    rejected: method.rejected,
    over: () => intake,
  };
  const receiver = otlp.create(config, {
    id: 'otlp',
    intake,
    log: pino({ level: 'silent' }),
    extensions: noExtensions,
    serving: alwaysServing,
  });
  await receiver.start();
  t.after(() => receiver.stop());
  const running: Running = {
    receiver,
    method,
    outcome: { kind: 'accepted' },
    async client(options = {}) {
      const endpoint = receiver.addresses()[0].replace('grpc ', '');
      const client = await pickGrpcClient({ endpoint, ...options });
      t.after(() => client.close());
      return client;
    },
  };
  return running;
}

const parsed = (protocols: unknown) => otlp.config.safeParse({ protocols });
const codesOf = (protocols: unknown): string[] => {
  const result = parsed(protocols);
  return result.success
    ? (otlp.check?.(result.data) ?? []).map(({ code, path }) => `${path.join('.')} ${code}`)
    : ['parse'];
};

// What each says to a GET tells them apart.
for (const [intake, contentType] of [
  ['native', 'text/plain; charset=utf-8'],
  ['node', 'application/grpc'],
] as const) {
  test(`intake: ${intake} chooses who serves, and takes requests`, async (t) => {
    const running = await startReceiver(t, { intake });
    const client = await running.client();
    assert.equal((await client.call(exportPath, [Buffer.from('spans')])).code, 0);
    assert.equal(running.method.handled[0].message.toString(), 'spans');
    const session = http2.connect(running.receiver.addresses()[0].replace('grpc ', 'http://'));
    t.after(() => session.destroy());
    const [headers] = await once(session.request({ ':path': '/' }).resume(), 'response');
    assert.deepEqual([headers[':status'], headers['content-type']], [405, contentType]);
    const served = [...running.receiver.metricValues()].find(({ labels }) => labels.outcome === 'ok');
    assert.equal(served?.value, 1);
  });
}

test('the defaults are the Collector’s', () => {
  const result = parsed({ grpc: {} });
  assert.ok(result.success);
  assert.deepEqual(result.data, {
    protocols: {
      grpc: {
        endpoint: 'localhost:4317',
        transport: 'tcp',
        max_recv_msg_size_mib: 0,
        max_concurrent_streams: 0,
        intake: 'native',
        read_buffer_size: 524_288,
        write_buffer_size: 0,
        keepalive: {
          server_parameters: {
            max_connection_idle: 0,
            max_connection_age: 0,
            max_connection_age_grace: 0,
            time: 0,
            timeout: 0,
          },
          enforcement_policy: { min_time: 0, permit_without_stream: false },
        },
        include_metadata: false,
      },
    },
  });
});

test('what is not there yet and what cannot be is said where it stands', () => {
  assert.deepEqual(codesOf({ grpc: {} }), []);
  assert.deepEqual(codesOf({}), ['protocols CONFIG_MISSING']);
  assert.deepEqual(codesOf({ http: {} }), []);
  assert.deepEqual(codesOf({ grpc: {}, http: { endpoint: 'nowhere' } }), ['protocols.http.endpoint CONFIG_VALUE']);
  assert.deepEqual(codesOf({ grpc: { endpoint: 'nowhere' } }), ['protocols.grpc.endpoint CONFIG_VALUE']);
  assert.deepEqual(codesOf({ grpc: { endpoint: '/run/x.sock', transport: 'unix' } }), []);
  assert.deepEqual(codesOf({ grpc: { tls: {} } }), ['protocols.grpc.tls CONFIG_MISSING']);
  assert.deepEqual(codesOf({ grpc: { middlewares: [] } }), []);
  for (const wrong of [{ auth: {} }, { middlewares: [{ id: 'x' }] }, { max_recv_msg_size_mib: 4096 }, { unknown: 1 }]) {
    assert.deepEqual(codesOf({ grpc: wrong }), ['parse'], JSON.stringify(wrong));
  }
});

test('each outcome becomes its status', async (t) => {
  const running = await startReceiver(t);
  const client = await running.client();
  const cases: [RequestOutcome, number, string, number | undefined][] = [
    [{ kind: 'accepted' }, 0, '', undefined],
    [{ kind: 'malformed', message: 'wrong wire type' }, 3, 'wrong wire type', undefined],
    [{ kind: 'failed', message: 'a processor failed' }, 13, 'a processor failed', undefined],
    [{ kind: 'overloaded', message: 'full', retryDelayMs: 300 }, 8, 'full', 300],
  ];
  for (const [outcome, code, message, retryDelayMs] of cases) {
    running.outcome = outcome;
    const reply = await client.call(exportPath, [pattern(500)]);
    assert.deepEqual([reply.code, reply.message, reply.retryDelayMs], [code, message, retryDelayMs]);
  }
});

test('without space the client is told when to come again', async (t) => {
  const running = await startReceiver(t);
  running.method.full = true;
  const pending = (await running.client()).call(exportPath, [pattern(500)]);
  await running.method.waitingCount(1);
  running.method.grant(false);
  const reply = await pending;
  assert.deepEqual([reply.code, reply.message, reply.retryDelayMs], [8, 'no space', 700]);
});

test('both clients of this project and all their encodings reach the receiver', async (t) => {
  const running = await startReceiver(t);
  for (const balancerName of ['round_robin', 'pick_first']) {
    for (const compression of ['none', 'gzip', 'zstd'] as const) {
      if (balancerName === 'pick_first' && compression === 'zstd') continue;
      const client = await running.client({ balancerName, compression });
      for (const size of [0, 700, 300_000]) {
        const message = pattern(size);
        const reply = await client.call(exportPath, [message]);
        assert.equal(reply.code, 0, reply.message);
        assert.ok(running.method.handled.at(-1)?.message.equals(message), `${balancerName} ${compression} ${size}`);
      }
    }
  }
});

test('dns:/// endpoints reach the receiver', async (t) => {
  const running = await startReceiver(t);
  const endpoint = running.receiver.addresses()[0].replace('grpc 127.0.0.1', 'dns:///localhost');
  assert.equal((await (await running.client({ endpoint })).call(exportPath, [pattern(9)])).code, 0);
});

test('limits and metadata are taken from the configuration', async (t) => {
  const running = await startReceiver(t, { max_recv_msg_size_mib: 1, include_metadata: true });
  const client = await running.client({ headers: { 'x-tenant': 'one' } });
  assert.equal((await client.call(exportPath, [pattern(1 << 20)])).code, 0);
  assert.deepEqual(running.method.handled[0].call.metadata('x-tenant'), ['one']);
  assert.equal((await client.call(exportPath, [pattern((1 << 20) + 1)])).code, 8);
  assert.deepEqual(running.method.refusals, ['too_large']);
});

test('other signals are UNIMPLEMENTED', async (t) => {
  const running = await startReceiver(t);
  const path = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';
  assert.equal((await (await running.client()).call(path, [pattern(9)])).code, 12);
});

test('stop before start, twice, and drain before start are harmless', async () => {
  const config = otlp.config.parse({ protocols: { grpc: { endpoint: '127.0.0.1:0' } } });
  const { memory } = createTestMethod();
  const intake = { memory, over: () => intake } as unknown as Intake;
  const receiver = otlp.create(config, {
    id: 'otlp',
    intake,
    log: pino({ level: 'silent' }),
    extensions: noExtensions,
    serving: alwaysServing,
  });
  assert.deepEqual(receiver.addresses(), []);
  await receiver.drain(100);
  await receiver.stop();
  await receiver.stop();
});
