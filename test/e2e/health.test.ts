// Readiness that is true: what a load balancer and a person are told while a backend is gone, while the service is full,
// and while it goes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { type TestContext, test } from 'node:test';
import { createHealthClient, traceService } from '../conformance/grpc/health-client.ts';
import { type Client, createClient, createTally, type Tally } from './support/client.ts';
import { configOf, exportTo, memoryLimiter, type Parts } from './support/config.ts';
import { assertClean, type Service, startService } from './support/service.ts';
import { assertBranch, settle } from './support/settle.ts';
import { startSink } from './support/sink.ts';
import { createSpanSource } from './support/spans.ts';

/** The configuration with a health_check whose times are short. */
function withHealth(parts: Parts, health: object = {}): object {
  const config = configOf(parts) as { service: { telemetry: object } };
  const telemetry = { ...config.service.telemetry, metrics: { address: '127.0.0.1:0' } };
  const quick = {
    endpoint: '127.0.0.1:0',
    liveness_path: '/livez',
    readiness: { window: '500ms', recovery: '500ms', degraded: { queue_age: '300ms' } },
  };
  return {
    ...config,
    extensions: { health_check: { ...quick, ...health } },
    service: { ...config.service, telemetry, extensions: ['health_check'] },
  };
}

interface Asked {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Health {
  ask(path?: string): Promise<Asked>;
  /** Asks until the answer fits. */
  until(path: string, fits: (asked: Asked) => boolean): Promise<Asked>;
  /** Lines of the service's own metrics that have to do with it. */
  metrics(): Promise<string[]>;
}

function healthOf(service: Service): Health {
  const ready = service.lines.find(({ msg }) => msg === 'spanmill is ready');
  const { listening, metrics } = ready as unknown as { listening: string[]; metrics: string };
  const address = listening.find((one) => one.startsWith('health '))?.slice('health '.length);
  assert.ok(address !== undefined, 'no health check listens');
  const health: Health = {
    async ask(path = '/') {
      const response = await fetch(`http://${address}${path}`);
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    async until(path, fits) {
      const end = performance.now() + 20_000;
      for (;;) {
        const asked = await health.ask(path);
        if (fits(asked)) return asked;
        assert.ok(performance.now() < end, JSON.stringify(asked));
      }
    },
    async metrics() {
      const text = await (await fetch(metrics)).text();
      return text.split('\n').filter((line) => /^spanmill_(ready|pipeline_health)/.test(line));
    },
  };
  return health;
}

interface Component {
  readonly healthy: boolean;
  readonly state: string;
  readonly status: string;
  readonly error?: string;
  readonly reasons: readonly string[];
  readonly components: Readonly<Record<string, Component>>;
}
const pipelineOf = ({ body }: Asked): Component =>
  (body.components as Readonly<Record<string, Component>>)['pipeline:traces'];

/** Sends one request after the other until it is told to stop; resolves then. */
function keepSending(client: Client, spans: number, padding: number, source = createSpanSource()) {
  let stopped = false;
  const codes = new Set<number>();
  const done = (async () => {
    while (!stopped) codes.add((await client.send(source.request(spans, { padding }))).code);
  })();
  return {
    codes,
    stop(): Promise<void> {
      stopped = true;
      return done;
    },
  };
}

async function acceptsConnections(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

test('a backend that is gone makes the pipeline degraded, with its reason; it stays ready, and gets well again', async (t) => {
  const sink = await startSink(t);
  const service = await startService(t, withHealth({ exporters: { otlp: exportTo(sink) } }));
  const health = healthOf(service);
  const checks = createHealthClient(t, service.address);
  service.clients.push(() => checks.close());
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  assert.equal((await client.send(source.request(5))).code, 0);
  await sink.until(() => sink.exports.length === 1);
  const fine = await health.until('/?verbose', (asked) => pipelineOf(asked).state === 'ok');
  assert.deepEqual([fine.status, fine.body.healthy, fine.body.state], [200, true, 'ok']);
  await sink.close();
  assert.equal((await client.send(source.request(5))).code, 0);
  const { because } = await service.line(({ msg }) => msg === 'the pipeline is degraded');
  assert.match(JSON.stringify(because), /exporter:otlp/);
  const sick = await health.until('/?verbose', (asked) => /attempts in a row/.test(JSON.stringify(asked.body)));
  assert.deepEqual([sick.status, sick.body.healthy, sick.body.state], [200, true, 'degraded']);
  const exporter = pipelineOf(sick).components['exporter:otlp'];
  assert.deepEqual([exporter.healthy, exporter.status], [true, 'StatusRecoverableError']);
  assert.match(exporter.reasons.join('\n'), /the last with: .*(ECONNREFUSED|UNAVAILABLE|refused)/i);
  assert.equal(pipelineOf(sick).components['receiver:otlp'].state, 'ok');
  assert.deepEqual([(await health.ask('/livez')).status, (await health.ask()).status], [200, 200]);
  const metrics = await health.metrics();
  for (const line of [
    'spanmill_ready 1',
    'spanmill_pipeline_health{pipeline="traces",state="ok"} 0',
    'spanmill_pipeline_health{pipeline="traces",state="degraded"} 1',
    'spanmill_pipeline_health_reason{pipeline="traces",state="degraded",cause="exporter_failures",component="exporter:otlp"} 1',
  ]) {
    assert.ok(metrics.includes(line), `${line} is not among\n${metrics.join('\n')}`);
  }
  assert.equal(await checks.check(), 'SERVING');
  await sink.listen();
  await health.until('/?verbose', (asked) => pipelineOf(asked).state === 'ok');
  await service.line(({ msg }) => msg === 'the pipeline is healthy again');
  await settle(service, { sink, tally });
});

test('a service that is full and refuses is not ready, stays so though nobody asks, and is ready when it has room', async (t) => {
  const sink = await startSink(t);
  sink.answer = () => ({ kind: 'stall' });
  const processors = { memory_limiter: memoryLimiter(4), batch: { timeout: '10ms' } };
  const exporters = { otlp: exportTo(sink, { timeout: '1m' }) };
  const service = await startService(t, withHealth({ processors, exporters }));
  const health = healthOf(service);
  const checks = createHealthClient(t, service.address);
  service.clients.push(() => checks.close());
  const tally = createTally();
  const watching = checks.watch(traceService);
  await watching.count(1);
  const clients = [createClient(t, service, tally), createClient(t, service, tally)];
  const source = createSpanSource();
  const senders = clients.map((client) => keepSending(client, 10, 2000, source));
  await service.line(({ msg }) => msg === 'the pipeline is not ready: send requests elsewhere');
  await watching.count(2);
  const { status, body } = await health.ask();
  assert.deepEqual([status, body.status], [503, 'Server not available']);
  assert.match(JSON.stringify(body.reasons), /pipeline:traces: (receiver:otlp: \d+ of \d+ requests|memory: )/);
  assert.deepEqual([await checks.check(), await checks.check(traceService)], ['NOT_SERVING', 'NOT_SERVING']);
  assert.equal((await health.ask('/livez')).status, 200);
  assert.equal((await health.ask('/?pipeline=traces')).status, 503);
  // The load balancer has moved away: there are no refusals any more, and still no room.
  for (const sender of senders) await sender.stop();
  assert.ok(
    senders.some(({ codes }) => codes.has(8)),
    'nothing was refused',
  );
  const quiet = await health.until(
    '/',
    ({ body: { reasons } }) => !/requests/.test(JSON.stringify(reasons ?? 'requests')),
  );
  assert.deepEqual([quiet.status, /memory: /.test(JSON.stringify(quiet.body.reasons))], [503, true]);
  assert.deepEqual(watching.states, ['SERVING', 'NOT_SERVING'], 'it flapped');
  sink.resume();
  await service.line(({ msg }) => msg === 'the pipeline is healthy again');
  assert.equal((await health.ask()).status, 200);
  await watching.count(3);
  assert.deepEqual(watching.states, ['SERVING', 'NOT_SERVING', 'SERVING']);
  watching.cancel();
  await settle(service, { sink, tally });
});

async function startDraining(t: TestContext, drainDelay: string) {
  const sink = await startSink(t);
  const service = await startService(
    t,
    withHealth({ exporters: { otlp: exportTo(sink) } }, { drain_delay: drainDelay }),
  );
  const tally: Tally = createTally();
  const client = createClient(t, service, tally);
  const checks = createHealthClient(t, service.address);
  const watching = checks.watch();
  await watching.count(1);
  return { sink, service, tally, client, checks, watching, health: healthOf(service), source: createSpanSource() };
}

test('SIGTERM with drain_delay: for that long it goes on, then it drains', async (t) => {
  const it = await startDraining(t, '1s');
  const { service, watching, client, source } = it;
  assert.equal((await client.send(source.request(7))).code, 0);
  const signalledAt = performance.now();
  service.signal('SIGTERM');
  await watching.count(2);
  assert.deepEqual(watching.states, ['SERVING', 'NOT_SERVING']);
  assert.equal(await watching.ended, 14);
  assert.ok(performance.now() - signalledAt >= 1000, 'it did not wait');
  const end = await service.ended;
  assert.equal(await acceptsConnections(service.port), false);
  assertClean(end, service);
  assertBranch(end, { sink: it.sink, tally: it.tally });
});

test('in the delay of a drain it is not ready, spans are taken, and a second signal ends the delay', async (t) => {
  const it = await startDraining(t, '1h');
  const { service, health, checks, watching, client, source } = it;
  assert.equal((await health.ask()).status, 200);
  service.signal('SIGTERM');
  await watching.count(2);
  assert.deepEqual(watching.states, ['SERVING', 'NOT_SERVING']);
  const { status, body } = await health.ask();
  assert.deepEqual(
    [status, body],
    [503, { status: 'Server not available', upSince: '0001-01-01T00:00:00Z', uptime: '' }],
  );
  assert.equal((await health.ask('/livez')).status, 200);
  assert.equal(await checks.check(traceService), 'NOT_SERVING');
  // Who has not heard of it yet is served, on this connection and on a new one.
  assert.equal((await client.send(source.request(7))).code, 0);
  const late = createClient(t, service, it.tally);
  assert.equal((await late.send(source.request(7))).code, 0);
  service.signal('SIGTERM');
  assert.equal(await watching.ended, 14);
  const end = await service.ended;
  assert.equal(await acceptsConnections(service.port), false);
  assertClean(end, service);
  assertBranch(end, { sink: it.sink, tally: it.tally });
  assert.equal(it.tally.acknowledged.size, 14);
});

test('a second signal ends the delay, not the drain', async (t) => {
  const it = await startDraining(t, '1h');
  const { service, health, watching, client, source } = it;
  it.sink.answer = () => ({ kind: 'stall' });
  service.signal('SIGTERM');
  await watching.count(2);
  assert.equal((await health.ask()).status, 503);
  assert.equal((await client.send(source.request(7))).code, 0);
  await it.sink.until(() => it.sink.stalled() === 1);
  service.signal('SIGTERM');
  assert.equal(await watching.ended, 14);
  it.sink.resume();
  const end = await service.ended;
  assertClean(end, service);
  assertBranch(end, { sink: it.sink, tally: it.tally });
});
