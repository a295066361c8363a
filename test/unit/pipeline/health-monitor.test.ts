import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import type { ServiceState } from '../../../src/component/health.ts';
import { defaultHealthPolicy } from '../../../src/component/health.ts';
import { type DeliveryNumbers, type HealthSources, healthInputs } from '../../../src/pipeline/health-inputs.ts';
import { HealthMonitor } from '../../../src/pipeline/health-monitor.ts';

const delivery: DeliveryNumbers = {
  exporter: 'otlp',
  queueEnabled: true,
  queueSize: 0,
  queueCapacity: 10,
  oldestSince: Number.POSITIVE_INFINITY,
  consecutiveFailures: 0,
  lastError: '',
  lastSuccessAt: Number.NEGATIVE_INFINITY,
};

function sources(change: Partial<HealthSources> = {}): HealthSources {
  return {
    pipelines: [{ id: 'traces', receivers: ['otlp'], exporters: ['otlp'] }],
    receivers: [{ receiver: 'otlp', acceptedRequests: 0, refusedRequests: new Map() }],
    deliveries: [delivery],
    memory: { used: 0, budgetBytes: 128 << 20 },
    workers: { deaths: 0, busyMs: () => 0 },
    storageFailures: 0,
    ...change,
  };
}

function create(t: TestContext) {
  const time = { now: 1000 };
  t.mock.method(performance, 'now', () => time.now);
  t.mock.timers.enable({ apis: ['setInterval'] });
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const it = { state: 'ready' as ServiceState, sources: sources(), looks: 0 };
  const monitor = new HealthMonitor({
    log,
    state: () => it.state,
    inputs(now) {
      it.looks++;
      return healthInputs(it.sources, now);
    },
  });
  let changes = 0;
  const unsubscribe = monitor.onChange(() => changes++);
  const tick = (ms: number): void => {
    time.now += ms;
    t.mock.timers.tick(ms);
  };
  return { it, monitor, lines, tick, unsubscribe, changes: () => changes };
}

const failing = (consecutiveFailures: number): Partial<HealthSources> => ({
  deliveries: [{ ...delivery, consecutiveFailures, lastError: 'connection refused' }],
});

test('it looks at once and once a second, until it is stopped', (t) => {
  const { it, monitor, tick } = create(t);
  monitor.start();
  assert.equal(it.looks, 1);
  for (let i = 0; i < 5; i++) tick(1000);
  assert.equal(it.looks, 6);
  monitor.stop();
  monitor.stop();
  tick(5000);
  assert.equal(it.looks, 6);
});

test('a change of state is told once, to the listeners and to the log, with its reasons', (t) => {
  const { it, monitor, lines, tick, changes, unsubscribe } = create(t);
  monitor.start();
  const atFirst = changes();
  it.sources = sources(failing(4));
  for (let i = 0; i < 3; i++) tick(1000);
  assert.equal(changes(), atFirst + 1);
  it.sources = sources();
  for (let i = 0; i < 15; i++) tick(1000);
  assert.equal(changes(), atFirst + 2);
  assert.deepEqual(
    lines.map(({ level, msg, pipeline, because }) => [level, msg, pipeline, because]),
    [
      [
        40,
        'the pipeline is degraded',
        'traces',
        ['exporter:otlp: 4 attempts in a row failed, the last with: connection refused'],
      ],
      [30, 'the pipeline is healthy again', 'traces', undefined],
    ],
  );
  unsubscribe();
  it.sources = sources(failing(4));
  tick(1000);
  assert.equal(changes(), atFirst + 2);
});

test('the state of the service counts at once, and outweighs that of its pipelines', (t) => {
  const { it, monitor, changes } = create(t);
  it.state = 'starting';
  monitor.start();
  assert.deepEqual([monitor.report().ready, monitor.report().state], [false, 'not_ready']);
  it.state = 'ready';
  assert.deepEqual([monitor.report().ready, monitor.report().state], [true, 'ok']);
  monitor.look();
  const before = changes();
  it.state = 'draining';
  assert.equal(monitor.isServing(), false);
  assert.equal(monitor.isServing('otlp'), false);
  monitor.look();
  assert.equal(changes(), before + 1, 'the listeners were not told');
  assert.deepEqual([monitor.report().service, monitor.report().live], ['draining', true]);
});

test('a receiver serves as long as the pipelines that it feeds do', (t) => {
  const { it, monitor, tick } = create(t);
  monitor.start();
  let refused = 0;
  for (let i = 0; i < 3; i++) {
    refused += 100;
    it.sources = sources({
      pipelines: [
        { id: 'traces/a', receivers: ['otlp/a'], exporters: ['otlp'] },
        { id: 'traces/b', receivers: ['otlp/b'], exporters: ['otlp'] },
      ],
      receivers: [
        { receiver: 'otlp/a', acceptedRequests: 9, refusedRequests: new Map([['too_large', refused]]) },
        { receiver: 'otlp/b', acceptedRequests: 0, refusedRequests: new Map([['overloaded', refused]]) },
      ],
    });
    tick(1000);
  }
  assert.deepEqual(
    [monitor.isServing(), monitor.isServing('otlp/a'), monitor.isServing('otlp/b')],
    [false, true, false],
  );
  const [a, b] = [monitor.serving('otlp/a'), monitor.serving('otlp/b')];
  assert.deepEqual([a.isServing('service'), a.isServing('receiver'), b.isServing('receiver')], [false, true, false]);
  let told = 0;
  const unsubscribe = a.onChange(() => told++);
  monitor.setPolicy({ ...defaultHealthPolicy, enabled: false });
  tick(1000);
  assert.equal(b.isServing('receiver'), true);
  assert.equal(told, 1);
  unsubscribe();
});

test('a new policy begins anew and at its own pace; the same one changes nothing', (t) => {
  const { it, monitor, tick } = create(t);
  monitor.setPolicy();
  it.sources = sources(failing(4));
  monitor.start();
  assert.equal(monitor.report().state, 'degraded');
  const { looks } = it;
  monitor.setPolicy({ ...defaultHealthPolicy });
  assert.equal(it.looks, looks);
  monitor.setPolicy({
    ...defaultHealthPolicy,
    recoveryMs: 500,
    degraded: { ...defaultHealthPolicy.degraded, exporterFailures: 5 },
  });
  assert.equal(monitor.report().state, 'ok');
  assert.equal(it.looks, looks + 1);
  tick(100);
  assert.equal(it.looks, looks + 2);
  monitor.setPolicy();
  assert.deepEqual(monitor.policy, defaultHealthPolicy);
});

test('the numbers come from what the runtime holds', () => {
  const made = healthInputs(
    sources({
      receivers: [
        {
          receiver: 'otlp',
          acceptedRequests: 7,
          refusedRequests: new Map([
            ['overloaded', 3],
            ['too_large', 50],
          ]),
        },
      ],
      deliveries: [
        { ...delivery, queueSize: 5, oldestSince: 100, consecutiveFailures: 2, lastError: 'no', lastSuccessAt: 400 },
        { ...delivery, exporter: 'direct', queueEnabled: false, queueSize: 10 },
      ],
      workers: { deaths: 6, busyMs: (now) => now - 1 },
      storageFailures: 8,
    }),
    1000,
  );
  assert.deepEqual(made.receivers, [{ id: 'otlp', acceptedRequests: 7, refusedRequests: 3 }]);
  assert.deepEqual(made.exporters, [
    { id: 'otlp', queueAgeMs: 900, queueFullness: 0.5, consecutiveFailures: 2, lastError: 'no', sinceSuccessMs: 600 },
    // Without a queue all that is held is being exported: that is no full queue.
    {
      id: 'direct',
      queueAgeMs: 0,
      queueFullness: 0,
      consecutiveFailures: 0,
      lastError: '',
      sinceSuccessMs: Number.POSITIVE_INFINITY,
    },
  ]);
  assert.deepEqual([made.workerDeaths, made.storageFailures, made.workersBusyMs], [6, 8, 999]);
});

test('memory is full when the next request finds no place, which of a small budget is early', () => {
  const fullness = (used: number, budgetBytes: number): number =>
    healthInputs(sources({ memory: { used, budgetBytes } }), 0).memoryFullness;
  assert.equal(fullness(0, 1 << 20), 0);
  assert.equal(fullness((1 << 20) - (256 << 10), 1 << 20), 1);
  assert.equal(fullness(2 << 20, 1 << 20), 1);
  assert.ok(fullness(120 << 20, 128 << 20) < 0.95);
  assert.equal(fullness(128 << 20, 128 << 20), 1);
  assert.equal(fullness(64 << 10, 128 << 10), 1);
});
