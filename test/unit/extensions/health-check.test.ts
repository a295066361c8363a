import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { beforeEach, test } from 'node:test';
import { pino } from 'pino';
import type { Extension } from '../../../src/component/extension.ts';
import type { ServiceState } from '../../../src/component/health.ts';
import {
  defaultHealthPolicy,
  type HealthReason,
  type HealthReport,
  type PipelineHealth,
} from '../../../src/component/health.ts';
import { healthCheck } from '../../../src/extensions/health_check/index.ts';
import { createHealthCheck } from '../../../src/extensions/health_check/server.ts';
import { noExtensions } from '../component/no-extensions.ts';

let state: ServiceState = 'ready';
let pipelines: readonly PipelineHealth[] = [];
let live = true;
const report = (): HealthReport => ({
  service: state,
  ready: state === 'ready' && pipelines.every(({ ready }) => ready),
  state: state === 'ready' ? 'ok' : 'not_ready',
  pipelines,
  live,
});
beforeEach(() => {
  state = 'ready';
  pipelines = [];
  live = true;
});

const create = (config: object): Extension =>
  healthCheck.create(healthCheck.config.parse({ endpoint: '127.0.0.1:0', ...config }), {
    id: 'health_check',
    extensions: noExtensions,
    log: pino({ level: 'silent' }),
    state: () => state,
    health: report,
  });

async function withServer(config: object, use: (url: string) => Promise<void>): Promise<void> {
  const extension = create(config);
  assert.deepEqual(extension.addresses(), []);
  await extension.start();
  try {
    await use(extension.addresses()[0].replace('health ', 'http://'));
  } finally {
    await extension.stop();
    await extension.stop();
  }
}

test('ready is 200 with the JSON of the Collector, on every path', async () => {
  await withServer({}, async (url) => {
    const before = Date.now();
    for (const path of ['/', '/anything?x=1']) {
      const response = await fetch(url + path);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-type'), 'application/json');
      const body = (await response.json()) as Record<string, string>;
      assert.deepEqual(Object.keys(body), ['status', 'upSince', 'uptime']);
      assert.equal(body.status, 'Server available');
      assert.match(body.uptime, /^(0s|[\d.]+(ms|s))$/);
      assert.ok(Date.parse(body.upSince) <= before && Date.parse(body.upSince) > before - 60_000);
    }
  });
});

for (const other of ['starting', 'draining', 'stopped'] as const) {
  test(`${other} is 503`, async () => {
    await withServer({}, async (url) => {
      state = other;
      const response = await fetch(url);
      assert.equal(response.status, 503);
      assert.deepEqual(await response.json(), {
        status: 'Server not available',
        upSince: '0001-01-01T00:00:00Z',
        uptime: '',
      });
      state = 'ready';
      assert.equal((await fetch(url)).status, 200);
    });
  });
}

test('a path of its own answers no other path, and texts of its own replace the JSON', async () => {
  const config = { path: '/healthz', response_body: { healthy: 'fine', unhealthy: 'not yet' } };
  await withServer(config, async (url) => {
    assert.equal(await (await fetch(`${url}/healthz?full=1`)).text(), 'fine');
    for (const path of ['/', '/healthz/', '/healthz/x']) assert.equal((await fetch(url + path)).status, 404);
    state = 'draining';
    assert.equal(await (await fetch(`${url}/healthz`)).text(), 'not yet');
  });
});

test('an address that is taken is an error at the start that names it', async () => {
  await withServer({}, async (url) => {
    const endpoint = new URL(url).host;
    await assert.rejects(create({ endpoint }).start(), {
      code: 'LISTEN',
      message: new RegExp(`${endpoint}.*EADDRINUSE`),
    });
  });
});

test('the configuration has the Collector’s defaults and refuses what it refuses', () => {
  const parsed = healthCheck.config.parse({}) as { endpoint: string; path: string };
  assert.equal(parsed.endpoint, 'localhost:13133');
  assert.equal(parsed.path, '/');
  for (const wrong of [
    { path: 'x' },
    { zz: 1 },
    { check_collector_pipeline: { enabled: true } },
    { http: { endpoint: 'localhost:1' } },
    { cors: { allowed_origins: ['*'] } },
  ]) {
    assert.equal(healthCheck.config.safeParse(wrong).success, false, JSON.stringify(wrong));
  }
  const places = (config: object) =>
    healthCheck.check?.(healthCheck.config.parse(config)).map(({ path }) => path.join('.'));
  assert.deepEqual(places({ endpoint: 'x' }), ['endpoint']);
  assert.deepEqual(places({ endpoint: '/run/health', transport: 'unix' }), []);
  assert.deepEqual(places({ tls: {} }), ['tls']);
  assert.deepEqual(places({ response_headers: { 'a:b': 'c', d: 'e\nf' } }), [
    'response_headers.a:b',
    'response_headers.d',
  ]);
  const times = { read_timeout: '1s', read_header_timeout: '1m', write_timeout: '30s', idle_timeout: '1m' };
  assert.deepEqual(
    places({ ...times, keep_alives_enabled: true, max_request_body_size: 1, include_metadata: true }),
    [],
  );
  const off = { check_collector_pipeline: { enabled: false, interval: '5m' }, use_v2: false };
  assert.equal(healthCheck.config.safeParse(off).success, true);
});

const old: HealthReason = {
  state: 'degraded',
  cause: 'queue_age',
  component: 'exporter:otlp/b',
  message: 'its oldest batch has waited for 45s',
  forMs: 15_000,
};
const full: HealthReason = {
  state: 'not_ready',
  cause: 'memory',
  component: 'memory',
  message: 'the memory budget is 100 % used',
  forMs: 2000,
};
const healthy: PipelineHealth = {
  id: 'traces',
  receivers: ['otlp'],
  exporters: ['otlp/a', 'otlp/b'],
  state: 'ok',
  forMs: 60_000,
  reasons: [],
  ready: true,
};
const degraded: PipelineHealth = { ...healthy, state: 'degraded', reasons: [old], forMs: 15_000 };
const notReady: PipelineHealth = { ...healthy, state: 'not_ready', reasons: [full, old], forMs: 2000, ready: false };

const ask = async (url: string): Promise<{ status: number; body: Record<string, unknown> }> => {
  const response = await fetch(url);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

test('a degraded pipeline is answered for as a healthy one, a pipeline that is not ready with 503 and why', async () => {
  await withServer({}, async (url) => {
    pipelines = [degraded];
    const first = await ask(url);
    assert.deepEqual([first.status, Object.keys(first.body)], [200, ['status', 'upSince', 'uptime']]);
    pipelines = [{ ...healthy, id: 'traces/fine' }, notReady];
    assert.deepEqual(await ask(url), {
      status: 503,
      body: {
        status: 'Server not available',
        upSince: '0001-01-01T00:00:00Z',
        uptime: '',
        reasons: ['pipeline:traces: memory: the memory budget is 100 % used'],
      },
    });
    pipelines = [{ ...notReady, ready: true }];
    assert.equal((await ask(url)).status, 200, 'a pipeline that does not decide did');
  });
});

test('one pipeline can be asked for, and one that is not there is 404', async () => {
  await withServer({ path: '/readyz' }, async (url) => {
    pipelines = [{ ...healthy, id: 'traces/fine' }, notReady];
    assert.equal((await ask(`${url}/readyz?pipeline=traces/fine`)).status, 200);
    assert.equal((await ask(`${url}/readyz?pipeline=traces%2Ffine`)).status, 200);
    const { status, body } = await ask(`${url}/readyz?pipeline=traces&verbose`);
    assert.deepEqual([status, Object.keys(body.components as object)], [503, ['pipeline:traces']]);
    assert.equal((await fetch(`${url}/readyz?pipeline=other`)).status, 404);
    state = 'draining';
    assert.equal((await ask(`${url}/readyz?pipeline=traces/fine`)).status, 503);
  });
});

test('verbose has each pipeline and component, by the names of the Collector’s second version', async () => {
  await withServer({}, async (url) => {
    pipelines = [notReady];
    const { status, body } = await ask(`${url}/?verbose`);
    assert.equal(status, 503);
    const { upSince, start_time, components, ...rest } = body;
    assert.ok(Date.parse(start_time as string) > Date.now() - 60_000, String(upSince));
    assert.deepEqual(rest, { status: 'Server not available', uptime: '', healthy: false, state: 'not_ready' });
    const times: number[] = [];
    const withoutTimes = JSON.parse(JSON.stringify(components), (key, value) => {
      if (key !== 'status_time') return value;
      times.push(Date.now() - Date.parse(value));
      return undefined;
    });
    for (const [i, ms] of [2000, 15_000, 2000].entries()) {
      assert.ok(
        times.some((time) => time >= ms && time < ms + 5000),
        `${i}: ${times}`,
      );
    }
    const sick = { healthy: false, status: 'StatusRecoverableError', state: 'not_ready' };
    const fine = { healthy: true, status: 'StatusOK', state: 'ok', reasons: [] };
    assert.deepEqual(withoutTimes, {
      'pipeline:traces': {
        ...sick,
        error: 'memory: the memory budget is 100 % used',
        reasons: ['memory: the memory budget is 100 % used', 'exporter:otlp/b: its oldest batch has waited for 45s'],
        components: {
          'receiver:otlp': fine,
          'exporter:otlp/a': fine,
          'exporter:otlp/b': {
            healthy: true,
            status: 'StatusRecoverableError',
            state: 'degraded',
            error: 'exporter:otlp/b: its oldest batch has waited for 45s',
            reasons: ['its oldest batch has waited for 45s'],
          },
          memory: {
            ...sick,
            error: 'memory: the memory budget is 100 % used',
            reasons: ['the memory budget is 100 % used'],
          },
        },
      },
    });
    for (const [service, name] of [
      ['starting', 'StatusStarting'],
      ['draining', 'StatusStopping'],
      ['stopped', 'StatusStopped'],
    ] as const) {
      state = service;
      pipelines = [healthy];
      const { body: during } = await ask(`${url}/?verbose=1`);
      const [one] = Object.values(during.components as Record<string, { status: string; healthy: boolean }>);
      assert.deepEqual([during.state, one.status, one.healthy], [service, name, false]);
    }
  });
});

test('liveness has a path of its own and is 200 whatever readiness says, until the process is stuck', async () => {
  await withServer({ liveness_path: '/livez' }, async (url) => {
    for (const service of ['starting', 'ready', 'draining'] as const) {
      state = service;
      pipelines = [notReady];
      assert.deepEqual(await ask(`${url}/livez?x=1`), { status: 200, body: { status: 'Server alive' } });
      assert.equal((await fetch(`${url}/`)).status, 503);
    }
    live = false;
    const { status, body } = await ask(`${url}/livez`);
    assert.deepEqual([status, body.status], [503, 'Server stuck']);
  });
  await withServer({ response_body: { healthy: 'fine', unhealthy: 'not' } }, async (url) => {
    live = false;
    [state, pipelines] = ['ready', []];
    assert.equal(await (await fetch(`${url}/livez`)).text(), 'fine', 'a path that is not configured is no other');
  });
});

test('readiness is configured with thresholds for both states, and drain_delay with a time', () => {
  const policyOf = (given: object) => healthCheck.health?.(healthCheck.config.parse(given));
  assert.deepEqual(policyOf({}), defaultHealthPolicy);
  const policy = policyOf({
    drain_delay: '5s',
    readiness: {
      enabled: false,
      window: '1m',
      recovery: '0s',
      degraded: { queue_age: '1s', exporter_failures: 7, worker_deaths: 2 },
      not_ready: { refusals: 0.25, fullness: 0, storage_failures: 9 },
    },
  });
  assert.deepEqual(policy, {
    enabled: false,
    windowMs: 60_000,
    recoveryMs: 0,
    drainDelayMs: 5000,
    degraded: { ...defaultHealthPolicy.degraded, queueAgeMs: 1000, exporterFailures: 7, workerDeaths: 2 },
    notReady: { ...defaultHealthPolicy.notReady, refusals: 0.25, fullness: 0, storageFailures: 9 },
  });
  for (const wrong of [
    { readiness: { window: '0s' } },
    { readiness: { degraded: { refusals: 1.1 } } },
    { readiness: { degraded: { zz: 1 } } },
    { readiness: { not_ready: { exporter_failures: -1 } } },
    { drain_delay: '-1s' },
    { liveness_path: 'livez' },
  ]) {
    assert.equal(healthCheck.config.safeParse(wrong).success, false, JSON.stringify(wrong));
  }
  const same = healthCheck.config.parse({ path: '/x', liveness_path: '/x' });
  assert.deepEqual(
    healthCheck.check?.(same).map(({ code, path }) => [code, path]),
    [['CONFIG_CONFLICT', ['liveness_path']]],
  );
  assert.deepEqual(healthCheck.check?.(healthCheck.config.parse({})), []);
});

test('a client that begins a request and does not end it is closed, and holds up nobody', async (t) => {
  const health = createHealthCheck({
    listen: { kind: 'tcp', host: '127.0.0.1', port: 0, family: 0 },
    tls: null,
    auth: null,
    credentialParams: [],
    path: '/',
    livenessPath: null,
    bodies: null,
    headers: {},
    health: report,
    lifeMs: 200,
  });
  await health.start();
  t.after(() => health.stop());
  const port = Number(health.addresses()[0].split(':').at(-1));
  const slow = Array.from({ length: 50 }, (_, i) => {
    const socket = net.connect(port, '127.0.0.1').resume();
    socket.on('error', () => undefined);
    if (i % 2 === 0) socket.write('GET / HTTP/1.1\r\nhost: x\r\n');
    return once(socket, 'close');
  });
  assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200);
  await Promise.all(slow);
  assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200);
});
