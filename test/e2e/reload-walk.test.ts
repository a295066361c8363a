// From one configuration to another that has little to do with it, again and again, under load: what each part does by itself is
// tested elsewhere, here they come and go together, right ones and wrong ones, asked for once and several times at a time.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { freePort } from './load/support/spanload.ts';
import { createClient, createTally } from './support/client.ts';
import { exportTo, memoryLimiter } from './support/config.ts';
import { startHttpSink } from './support/http-sink.ts';
import { createKeepAliveClient } from './support/keep-alive.ts';
import { runLoad } from './support/load.ts';
import { assertClean, startService } from './support/service.ts';
import { startSink } from './support/sink.ts';
import { createSpanSource } from './support/spans.ts';

const steps = Number(process.env.SPANMILL_WALK_STEPS ?? 40);
const seed = Number(process.env.SPANMILL_WALK_SEED ?? Math.floor(Math.random() * 2 ** 31));

const settings = fc.record({
  receiver: fc.constantFrom('otlp', 'otlp/main'),
  host: fc.constantFrom('127.0.0.1', 'localhost'),
  mebibytes: fc.integer({ min: 4, max: 6 }),
  intake: fc.constantFrom('native', 'native', 'node'),
  more: fc.constantFrom('none', 'grpc', 'http', 'unix'),
  limit: fc.constantFrom(0, 64, 96),
  value: fc.constantFrom('', '1', '2'),
  never: fc.boolean(),
  traces: fc.boolean(),
  batchMs: fc.constantFrom(0, 1, 10, 200),
  exporters: fc.subarray(['otlp/0', 'otlp/1', 'otlp_http'], { minLength: 1 }),
  queue: fc.constantFrom(500, 1000),
  timeout: fc.integer({ min: 5, max: 7 }),
  stored: fc.boolean(),
  forward: fc.boolean(),
  health: fc.constantFrom('', '/', '/ready'),
  metrics: fc.boolean(),
  wrong: fc.constantFrom('', '', '', '', '', 'text', 'key', 'address', 'file', 'reference'),
  signals: fc.constantFrom(0, 0, 1, 5),
});
type Settings = Parameters<Parameters<typeof settings.map>[0]>[0];

/** Where everything is. */
interface Places {
  readonly grpc: number;
  readonly http: number;
  readonly more: number;
  readonly health: number;
  readonly admin: number;
  /** Of somebody else. */
  readonly taken: number;
  readonly folder: string;
  readonly sinks: readonly { readonly port: number }[];
  readonly httpSink: { readonly url: string };
}

type Section = Record<string, unknown>;

function receiversOf(s: Settings, at: Places): Section {
  const more: Section = {
    grpc: { grpc: { endpoint: `127.0.0.1:${at.more}` } },
    http: { http: { endpoint: `127.0.0.1:${at.more}` } },
    unix: { http: { endpoint: join(at.folder, 'socket'), transport: 'unix' } },
    address: { grpc: { endpoint: `127.0.0.1:${at.taken}` } },
    file: { grpc: { endpoint: '127.0.0.1:0', tls: { cert_file: '/nowhere/a', key_file: '/nowhere/b' } } },
  };
  const grpc = { endpoint: `${s.host}:${at.grpc}`, max_recv_msg_size_mib: s.mebibytes, intake: s.intake };
  const http = { endpoint: `${s.host}:${at.http}`, max_request_body_size: s.mebibytes << 20 };
  const others = [s.more, s.wrong].filter((one) => one in more);
  return {
    [s.receiver]: { protocols: { grpc, http } },
    ...Object.fromEntries(others.map((one) => [`otlp/${one}`, { protocols: more[one] }])),
  };
}

const processorsOf = (s: Settings): Section => ({
  ...(s.limit === 0 ? {} : { memory_limiter: memoryLimiter(s.limit) }),
  ...(s.value === '' ? {} : { attributes: { actions: [{ key: 'v', action: 'upsert', value: s.value }] } }),
  ...(s.never ? { filter: { traces: { span: ['name == "never"'] } } } : {}),
  ...(s.traces ? { groupbytrace: { wait_duration: '50ms' } } : {}),
  ...(s.batchMs === 0 ? {} : { batch: { timeout: `${s.batchMs}ms` } }),
});

function configOf(s: Settings, at: Places): object | string {
  if (s.wrong === 'text') return 'receivers: [';
  const [receivers, processors] = [receiversOf(s, at), processorsOf(s)];
  const timeout = `${s.timeout}s`;
  const queue = { queue_size: s.queue };
  const stored = { ...queue, ...(s.stored ? { storage: 'file_storage' } : {}) };
  const exporters: Record<string, object> = {
    'otlp/0': exportTo(at.sinks[0], { timeout, sending_queue: stored }),
    'otlp/1': exportTo(at.sinks[1], { timeout, sending_queue: queue }),
    'otlp/2': exportTo(at.sinks[2], { timeout }),
    otlp_http: { endpoint: at.httpSink.url, timeout, sending_queue: queue },
  };
  const extensions: Section = {
    ...(s.health === '' ? {} : { health_check: { endpoint: `127.0.0.1:${at.health}`, path: s.health } }),
    ...(s.stored ? { file_storage: { directory: join(at.folder, 'store'), create_directory: true } } : {}),
  };
  const first = {
    receivers: Object.keys(receivers),
    processors: [...Object.keys(processors), ...(s.wrong === 'reference' ? ['nobody'] : [])],
    exporters: [...s.exporters, ...(s.forward ? ['forward'] : [])],
  };
  const behind = { receivers: ['forward'], processors: s.batchMs === 0 ? [] : ['batch'], exporters: ['otlp/2'] };
  return {
    receivers,
    processors,
    exporters: { ...exporters, ...(s.wrong === 'key' ? { debug: { verbositty: 'basic' } } : {}) },
    ...(s.forward ? { connectors: { forward: {} } } : {}),
    extensions,
    service: {
      extensions: Object.keys(extensions),
      workers: 2,
      admin: { endpoint: `127.0.0.1:${at.admin}` },
      telemetry: {
        metrics: s.metrics ? { address: '127.0.0.1:0' } : { level: 'none' },
        logs: { encoding: 'json', sampling: { enabled: false } },
      },
      pipelines: { traces: first, ...(s.forward ? { 'traces/behind': behind } : {}) },
    },
  };
}

test(`${steps} configurations in turn refuse nobody and lose nothing (seed ${seed})`, async (t) => {
  const sinks = [await startSink(t), await startSink(t), await startSink(t)];
  const httpSink = await startHttpSink(t);
  const folder = mkdtempSync(join(tmpdir(), 'spanmill-walk-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [grpc, http, more, health, admin] = await Promise.all(Array.from({ length: 5 }, freePort));
  const places = { grpc, http, more, health, admin, taken: sinks[0].port, folder, sinks, httpSink };
  const [first, ...drawn] = fc.sample(settings, { seed, numRuns: steps + 1 });
  const service = await startService(t, configOf({ ...first, wrong: '', limit: 0 }, places) as object);
  const tally = createTally();
  const source = createSpanSource();
  const clients = Array.from({ length: 3 }, () => createClient(t, service, tally, { transparentRetries: true }));
  const posters = Array.from({ length: 3 }, () => createKeepAliveClient(t, http, tally));
  let isOver = false;
  let moved: { at: number; resolve(): void } = { at: Number.POSITIVE_INFINITY, resolve() {} };
  const goOn = (): boolean => {
    if (tally.acknowledged.size >= moved.at) moved.resolve();
    return !isOver;
  };
  const posting = posters.map(async (poster) => {
    while (goOn()) await poster.send(source.request(3));
  });
  const load = runLoad({ clients, source, inFlight: 2, spans: 3, goOn });
  for (const [i, one] of drawn.entries()) {
    const config = configOf(one, places);
    writeFileSync(service.file, typeof config === 'string' ? config : JSON.stringify(config));
    for (let times = 0; times < one.signals; times++) service.hangUp();
    // What a signal has begun comes before it.
    const response = await fetch(`http://127.0.0.1:${admin}/reload`, { method: 'POST' });
    const report = (await response.json()) as { readonly outcome: string };
    const isRight = one.wrong === '';
    assert.equal(report.outcome !== 'failed', isRight, `${i}: ${JSON.stringify(one)} ${JSON.stringify(report)}`);
    await new Promise<void>((resolve) => {
      moved = { at: tally.acknowledged.size + 60, resolve };
    });
  }
  isOver = true;
  await Promise.all([load, ...posting]);
  const end = await service.end();
  assert.deepEqual([tally.refused.size, tally.unknown.size], [0, 0]);
  assertClean(end, service);
  for (const account of end.accounts) {
    assert.deepEqual([account.failed, account.rejected, account.dropped], [0, 0, 0], JSON.stringify(account));
  }
  const arrived = [...sinks, httpSink].map((sink) => sink.spans);
  const lost = [...tally.acknowledged].filter((id) => !arrived.some((spans) => spans.has(id)));
  assert.equal(lost.length, 0);
  for (const times of arrived.flatMap((spans) => [...spans.values()])) assert.equal(times, 1, 'a span arrived twice');
  const errors = service.lines.filter(({ level, msg = '' }) => level === 'error' && !msg.startsWith('not reloaded'));
  assert.deepEqual(errors, []);
});
