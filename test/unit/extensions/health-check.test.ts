import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { Extension, ServiceState } from '../../../src/component/types.ts';
import { healthCheck } from '../../../src/extensions/health_check/index.ts';
import { noExtensions } from '../component/no-extensions.ts';

let state: ServiceState = 'ready';
const create = (config: object): Extension =>
  healthCheck.create(healthCheck.config.parse({ endpoint: '127.0.0.1:0', ...config }), {
    id: 'health_check',
    extensions: noExtensions,
    log: pino({ level: 'silent' }),
    state: () => state,
  });

async function withServer(config: object, use: (url: string) => Promise<void>): Promise<void> {
  const extension = create(config);
  assert.deepEqual(extension.addresses(), []);
  await extension.start();
  try {
    await use(extension.addresses()[0].replace('http ', 'http://'));
  } finally {
    await extension.stop();
    await extension.stop();
  }
}

test('ready is 200 with the JSON of the Collector, on every path', async () => {
  state = 'ready';
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
  state = 'ready';
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
  for (const wrong of [{ path: 'x' }, { endpoint: 'x' }, { zz: 1 }, { check_collector_pipeline: { enabled: true } }]) {
    assert.equal(healthCheck.config.safeParse(wrong).success, false, JSON.stringify(wrong));
  }
  const off = { check_collector_pipeline: { enabled: false, interval: '5m' }, use_v2: false };
  assert.equal(healthCheck.config.safeParse(off).success, true);
});
