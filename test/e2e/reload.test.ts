// The configuration changes under load, again and again: nobody is refused, nothing is lost or sent twice, and a file that is
// wrong changes nothing.
import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createClient, createTally, type Tally } from './support/client.ts';
import { configOf, exportTo, type Parts } from './support/config.ts';
import { freePort } from './support/free-port.ts';
import { createKeepAliveClient, httpPortOf, type KeepAliveClient } from './support/keep-alive.ts';
import { runLoad } from './support/load.ts';
import { isReloadLine, reload } from './support/reload.ts';
import { assertClean, type Service, startService } from './support/service.ts';
import { assertBranch, settle } from './support/settle.ts';
import { type Sink, startSink } from './support/sink.ts';
import { createSpanSource } from './support/spans.ts';

interface Load {
  /** Resolves when every client has had answers since, so that none is sent away twice during one call. */
  progress(): Promise<void>;
  /** Resolves when all calls are answered. */
  stop(): Promise<void>;
}

/** Clients in closed loops, over HTTP where there is that, and one that connects anew each time. */
function startLoad(t: TestContext, service: Service, tally: Tally): Load {
  let goOn = true;
  const httpPort = httpPortOf(service);
  const clients = Array.from({ length: 4 }, () => createClient(t, service, tally, { transparentRetries: true }));
  const source = createSpanSource();
  let answers = 0;
  let watch: { at: number; resolve(): void } | null = null;
  const load = runLoad({
    clients,
    source,
    inFlight: 4,
    spans: 5,
    goOn() {
      answers++;
      if (watch !== null && answers >= watch.at) {
        watch.resolve();
        watch = null;
      }
      return goOn;
    },
  });
  const knock = async (): Promise<void> => {
    while (goOn) {
      await new Promise<void>((resolve, reject) => {
        const socket = connect(service.port, '127.0.0.1', () => {
          socket.destroy();
          setTimeout(resolve, 5);
        });
        socket.on('error', reject);
      });
    }
  };
  const post = async (client: KeepAliveClient): Promise<void> => {
    while (goOn) await client.send(source.request(5));
  };
  const posting = Number.isNaN(httpPort)
    ? []
    : Array.from({ length: 4 }, () => post(createKeepAliveClient(t, httpPort, tally)));
  const knocking = knock();
  return {
    progress: () =>
      new Promise((resolve) => {
        watch = { at: answers + 150, resolve };
      }),
    async stop() {
      goOn = false;
      await Promise.all([load, knocking, ...posting]);
    },
  };
}

const attributes = (value: string): Readonly<Record<string, unknown>> => ({
  actions: [{ key: 'version', action: 'upsert', value }],
});

/** Differs from its neighbours in processors, exporters and the receiver, by turns. */
function variant(sink: Sink, i: number): Parts {
  return {
    workers: 2,
    grpc: { max_recv_msg_size_mib: 4 + (i % 3) },
    http: {},
    processors: {
      ...(i % 2 === 0 ? { attributes: attributes(String(i)) } : {}),
      batch: { timeout: `${5 + (i % 4)}ms` },
    },
    exporters: {
      otlp: exportTo(sink, { timeout: `${5 + (i % 5)}s`, sending_queue: { queue_size: 1000 + Math.floor(i / 7) } }),
    },
  };
}

const threadsOf = (pid: number): number => readdirSync(`/proc/${pid}/task`).length;

test('100 reloads under load: nothing is refused, nothing is lost, and nothing grows', async (t) => {
  const sink = await startSink(t);
  const service = await startService(t, configOf(variant(sink, 0)));
  const tally = createTally();
  const load = startLoad(t, service, tally);
  let settled = { threads: 0, bytes: 0 };
  for (let i = 1; i <= 100; i++) {
    if (i % 10 === 0) {
      const wrong = await reload(service, 'receivers: {otlp: {protocols: {grpc: {endpoint: 1}}}}\nservice: [');
      assert.match(wrong.msg ?? '', /^not reloaded/);
    }
    const line = await reload(service, configOf(variant(sink, i)));
    assert.equal(line.msg, 'reloaded', service.log());
    await load.progress();
    if (i === 40) settled = { threads: threadsOf(service.pid), bytes: service.residentBytes() };
  }
  const grown = service.residentBytes() - settled.bytes;
  assert.ok(grown < 64 << 20, `${grown} bytes more after 60 reloads`);
  assert.ok(threadsOf(service.pid) <= settled.threads + 1, `${threadsOf(service.pid)} threads`);
  await load.stop();
  assert.equal(tally.refused.size, 0);
  assert.equal(tally.unknown.size, 0, 'calls ended without an answer');
  await settle(service, { sink, tally });
  assert.ok(tally.acknowledged.size > 10_000, `${tally.acknowledged.size} spans`);
});

test('a queue that waits for a dead backend is kept by reloads, and goes to the address that a reload puts right', async (t) => {
  const sink = await startSink(t);
  const dead = await startSink(t);
  await dead.close();
  const parts = (to: Sink, more: object): object =>
    configOf({ processors: { batch: { timeout: '5ms' } }, exporters: { otlp: exportTo(to, { ...more }) } });
  const service = await startService(t, parts(dead, {}));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  for (let i = 0; i < 20; i++) {
    assert.equal((await client.send(source.request(5))).code, 0);
    const more = { timeout: `${i + 1}s`, sending_queue: { queue_size: 100 + (i % 2) } };
    assert.equal((await reload(service, parts(dead, more))).msg, 'reloaded');
  }
  assert.equal(sink.spans.size, 0);
  await reload(service, parts(sink, {}));
  await sink.until(() => sink.spans.size === tally.acknowledged.size);
  await settle(service, { sink, tally });
});

test('a file that is wrong is explained line by line, by log and metric, and changes nothing', async (t) => {
  const sink = await startSink(t);
  const config = configOf({ exporters: { otlp: exportTo(sink) } }) as { service: { telemetry: object } };
  config.service.telemetry = { ...config.service.telemetry, metrics: { address: '127.0.0.1:0' } };
  const service = await startService(t, config);
  const tally = createTally();
  const client = createClient(t, service, tally);
  const { metrics } = (await service.line(({ msg }) => msg === 'spanmill is ready')) as { metrics?: string };
  const shown = async (): Promise<string> => (await fetch(metrics ?? '')).text();
  assert.match(await shown(), /spanmill_config_last_reload_successful 1/);
  const wrong = await reload(service, 'receivers: {otlp: {protocols: {grpc: {endpont: x}}}}\nexporters: {nop: }\n');
  assert.match(wrong.msg ?? '', /^not reloaded, the service goes on as it was: 2 problems$/);
  const problems = wrong.problems as string[];
  assert.match(problems[0], /config\.yaml:1:1 CONFIG_MISSING /);
  assert.match(problems[1], /config\.yaml:1:\d+ CONFIG_UNKNOWN_KEY .*endpont/);
  assert.match(
    await shown(),
    /spanmill_config_last_reload_successful 0[\s\S]*spanmill_config_reloads{outcome="failed"} 1/,
  );
  unlinkSync(service.file);
  const gone = service.nextLine(isReloadLine);
  service.hangUp();
  assert.match(((await gone).problems as string[])[0], /CONFIG_READ cannot read the file/);
  assert.equal((await client.send(createSpanSource().request(3))).code, 0);
  const same = await reload(service, config);
  assert.equal(same.msg, 'reloaded: nothing has changed');
  const text = await shown();
  assert.match(text, /spanmill_config_reloads{outcome="failed"} 2/);
  assert.match(text, /spanmill_config_reloads{outcome="unchanged"} 1/);
  assert.match(text, /spanmill_config_last_reload_successful 1/);
  await settle(service, { sink, tally });
});

test('an address that cannot be had leaves everything as it was', async (t) => {
  const sink = await startSink(t);
  const parts: Parts = { processors: { batch: { timeout: '5ms' } }, exporters: { otlp: exportTo(sink) } };
  const service = await startService(t, configOf(parts));
  const tally = createTally();
  const load = startLoad(t, service, tally);
  const taken = { ...parts, grpc: { endpoint: `127.0.0.1:${sink.port}` }, processors: { attributes: attributes('x') } };
  for (let i = 0; i < 5; i++) {
    const line = await reload(service, configOf(taken));
    assert.match(line.msg ?? '', /^not reloaded.*LISTEN cannot listen on 127\.0\.0\.1:\d+/);
  }
  await load.stop();
  assert.deepEqual([tally.refused.size, tally.unknown.size], [0, 0]);
  await settle(service, { sink, tally });
});

test('a receiver on another address is there before the old one goes', async (t) => {
  const sink = await startSink(t);
  const exporters = { otlp: exportTo(sink) };
  const service = await startService(t, configOf({ exporters }));
  const tally = createTally();
  const old = createClient(t, service, tally);
  const source = createSpanSource();
  assert.equal((await old.send(source.request(2))).code, 0);
  const two = configOf({ exporters }) as {
    receivers: Record<string, unknown>;
    service: { pipelines: { traces: object } };
  };
  two.receivers['otlp/second'] = { protocols: { grpc: { endpoint: '127.0.0.1:0' } } };
  two.service.pipelines.traces = { ...two.service.pipelines.traces, receivers: ['otlp', 'otlp/second'] };
  const added = (await reload(service, two)) as { receivers?: { started: string[]; kept: string[] } };
  assert.deepEqual(added.receivers, { kept: ['otlp'], changed: [], started: ['otlp/second'], stopped: [] });
  assert.equal((await old.send(source.request(2))).code, 0);
  await settle(service, { sink, tally });
});

test('pipelines come and go, and every span of each is in the account at the end', async (t) => {
  const [first, second] = [await startSink(t), await startSink(t)];
  const exporters = { 'otlp/1': exportTo(first), 'otlp/2': exportTo(second) };
  const pipelines = (...ids: readonly string[]): Parts['pipelines'] =>
    Object.fromEntries(
      ids.map((id, i) => [id, { receivers: ['otlp'], processors: ['batch'], exporters: [Object.keys(exporters)[i]] }]),
    );
  const config = (...ids: readonly string[]): object => {
    const used = Object.fromEntries(Object.entries(exporters).slice(0, ids.length));
    return configOf({ processors: { batch: { timeout: '1s' } }, exporters: used, pipelines: pipelines(...ids) ?? {} });
  };
  const service = await startService(t, config('traces', 'traces/more'));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  for (let round = 0; round < 3; round++) {
    assert.equal((await client.send(source.request(4))).code, 0);
    await reload(service, config('traces'));
    assert.equal((await client.send(source.request(3))).code, 0);
    await reload(service, config('traces', 'traces/more'));
  }
  const end = await service.end();
  assertClean(end, service);
  assertBranch(end, { sink: first, tally, pipeline: 'traces' });
  const [more] = end.accounts.filter(({ pipeline }) => pipeline === 'traces/more');
  assert.deepEqual([more.received, more.exported, second.spans.size], [12, 12, 12]);
});

test('SIGTERM in the middle of a reload drains', async (t) => {
  for (let round = 0; round < 4; round++) {
    const sink = await startSink(t);
    const service = await startService(t, configOf(variant(sink, 0)));
    const tally = createTally();
    let isOver = false;
    const clients = [createClient(t, service, tally), createClient(t, service, tally)];
    const load = runLoad({
      clients,
      source: createSpanSource(),
      inFlight: 4,
      spans: 3,
      goOn: ({ code }) => !isOver && code === 0,
    });
    await sink.until(() => sink.spans.size > 100);
    writeFileSync(service.file, JSON.stringify(configOf(variant(sink, 1))));
    service.hangUp();
    if (round > 0) await new Promise((resolve) => setTimeout(resolve, round * 4));
    service.signal('SIGTERM');
    isOver = true;
    await load;
    await settle(service, { sink, tally });
    assert.equal(tally.refused.size, 0);
  }
});

test('--watch notices a file that is written, renamed over, and reached by a link that turns', async (t) => {
  const sink = await startSink(t);
  const exporters = { otlp: exportTo(sink) };
  const config = (version: number): string =>
    JSON.stringify(configOf({ processors: { attributes: attributes(String(version)) }, exporters }));
  const service = await startService(t, JSON.parse(config(0)) as object, { args: ['--watch'] });
  const folder = dirname(service.file);
  const written = service.nextLine(isReloadLine);
  writeFileSync(service.file, config(1));
  assert.equal((await written).msg, 'reloaded');
  const renamed = service.nextLine(isReloadLine);
  writeFileSync(join(folder, 'new'), config(2));
  renameSync(join(folder, 'new'), service.file);
  assert.equal((await renamed).msg, 'reloaded');
  // As Kubernetes mounts a ConfigMap: file -> ..data/file, ..data -> ..2026, and ..data is what turns.
  const linked = service.nextLine(isReloadLine);
  mkdirSync(join(folder, '..1'));
  writeFileSync(join(folder, '..1', 'config.yaml'), config(3));
  symlinkSync('..1', join(folder, '..data'));
  symlinkSync(join('..data', 'config.yaml'), join(folder, 'link'));
  renameSync(join(folder, 'link'), service.file);
  assert.equal((await linked).msg, 'reloaded');
  const turned = service.nextLine(isReloadLine);
  mkdirSync(join(folder, '..2'));
  writeFileSync(join(folder, '..2', 'config.yaml'), config(4));
  symlinkSync('..2', join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  assert.equal((await turned).msg, 'reloaded');
  rmSync(join(folder, '..1'), { recursive: true });
  const broken = service.nextLine(isReloadLine);
  writeFileSync(join(folder, '..2', 'config.yaml'), 'receivers: [');
  assert.match((await broken).msg ?? '', /^not reloaded/);
  await settle(service, { sink, tally: createTally() });
});

test('the admin address reloads on POST, says what is wrong, and moves with the configuration', async (t) => {
  const sink = await startSink(t);
  const config = (endpoint: string | null, version: number): object => {
    const one = configOf({
      processors: { attributes: attributes(String(version)) },
      exporters: { otlp: exportTo(sink) },
    });
    const { service } = one as { service: object };
    return { ...one, service: { ...service, ...(endpoint === null ? {} : { admin: { endpoint } }) } };
  };
  const service = await startService(t, config('127.0.0.1:0', 0));
  const { admin } = (await service.line(({ msg }) => msg === 'spanmill is ready')) as { admin?: string };
  const post = (headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${admin}/reload`, { method: 'POST', headers });
  writeFileSync(service.file, JSON.stringify(config('127.0.0.1:0', 1)));
  const applied = await post();
  assert.equal(applied.status, 200);
  const body = (await applied.json()) as { outcome: string; pipelines: { changed: string[] } };
  assert.deepEqual([body.outcome, body.pipelines.changed], ['applied', ['traces']]);
  assert.equal(((await (await post()).json()) as { outcome: string }).outcome, 'unchanged');
  writeFileSync(service.file, 'service: 1');
  const wrong = await post();
  assert.equal(wrong.status, 422);
  const { issues } = (await wrong.json()) as { issues: { code: string; line: number }[] };
  assert.ok(issues.length > 0 && issues.every(({ code, line }) => code.startsWith('CONFIG_') && line === 1));
  assert.equal((await fetch(`${admin}/reload`)).status, 405);
  assert.equal((await fetch(`${admin}/other`, { method: 'POST' })).status, 404);
  assert.equal((await post({ origin: 'https://example.com' })).status, 403);
  // The answer comes although the address goes.
  writeFileSync(service.file, JSON.stringify(config(null, 1)));
  assert.equal((await post()).status, 200);
  await assert.rejects(post());
  await settle(service, { sink, tally: createTally() });
});

test('the log level changes for parts that were there before, and the metrics move to another address', async (t) => {
  const sink = await startSink(t);
  const config = (level: string, address: string | null, version: number): object => {
    const one = configOf({
      processors: { attributes: attributes(String(version)) },
      exporters: { otlp: exportTo(sink) },
    });
    const { service } = one as { service: { telemetry: object } };
    const telemetry = {
      logs: { level, encoding: 'json', sampling: { enabled: false } },
      metrics: address === null ? { level: 'none' } : { address },
    };
    return { ...one, service: { ...service, telemetry } };
  };
  const service = await startService(t, config('info', '127.0.0.1:0', 0));
  const { metrics } = (await service.line(({ msg }) => msg === 'spanmill is ready')) as { metrics?: string };
  assert.equal((await fetch(metrics ?? '')).status, 200);
  assert.equal((await reload(service, config('info', null, 0))).msg, 'reloaded');
  await assert.rejects(fetch(metrics ?? ''));
  // What is below the level from now on is not written, so the next line is that of a reload that fails.
  writeFileSync(service.file, JSON.stringify(config('error', null, 1)));
  service.hangUp();
  const before = service.lines.length;
  const line = await reload(service, 'x: [');
  assert.match(line.msg ?? '', /^not reloaded/);
  assert.ok(!service.lines.slice(before).some(({ level }) => level === 'info'), service.log());
  await reload(service, config('info', null, 1));
  await settle(service, { sink, tally: createTally() });
});

test('an extension on the same address takes the place of the one before, and comes back when its successor cannot start', async (t) => {
  const sink = await startSink(t);
  const port = await freePort();
  const config = (path: string, more: Partial<Parts> = {}): object =>
    configOf({
      exporters: { otlp: exportTo(sink) },
      extensions: { health_check: { endpoint: `127.0.0.1:${port}`, path } },
      ...more,
    });
  const service = await startService(t, config('/one'));
  const status = async (path: string): Promise<number> => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
  assert.deepEqual([await status('/one'), await status('/two')], [200, 404]);
  const changed = (await reload(service, config('/two'))) as { extensions?: { changed: string[] } };
  assert.deepEqual(changed.extensions?.changed, ['health_check']);
  assert.deepEqual([await status('/one'), await status('/two')], [404, 200]);
  const taken = await reload(service, config('/three', { grpc: { endpoint: `127.0.0.1:${sink.port}` } }));
  assert.match(taken.msg ?? '', /^not reloaded.*LISTEN/);
  assert.deepEqual([await status('/two'), await status('/three')], [200, 404]);
  const without = configOf({ exporters: { otlp: exportTo(sink) } });
  assert.equal((await reload(service, without)).msg, 'reloaded');
  await assert.rejects(status('/two'));
  await settle(service, { sink, tally: createTally() });
});

test('a receiver whose settings change keeps its numbers in the metrics', async (t) => {
  const sink = await startSink(t);
  const config = (i: number): object => {
    const one = configOf({ ...variant(sink, i), exporters: { otlp: exportTo(sink, { timeout: `${5 + i}s` }) } });
    const { service } = one as { service: { telemetry: object } };
    return {
      ...one,
      service: { ...service, telemetry: { ...service.telemetry, metrics: { address: '127.0.0.1:0' } } },
    };
  };
  const service = await startService(t, config(0));
  const { metrics } = (await service.line(({ msg }) => msg === 'spanmill is ready')) as { metrics?: string };
  const tally = createTally();
  const client = createClient(t, service, tally, { transparentRetries: true });
  const source = createSpanSource();
  const counters = async (): Promise<Map<string, number>> => {
    const text = await (await fetch(metrics ?? '')).text();
    const names = new Set([...text.matchAll(/^# TYPE (\S+) counter$/gm)].map(([, name]) => name));
    const lines = [...text.matchAll(/^(([^{\s]+)\S*) (\S+)$/gm)];
    return new Map(lines.filter(([, , name]) => names.has(name)).map(([, key, , value]) => [key, Number(value)]));
  };
  let before = await counters();
  for (let i = 1; i <= 6; i++) {
    assert.equal((await client.send(source.request(10))).code, 0);
    await sink.until(() => sink.spans.size === i * 10);
    await reload(service, config(i));
    const now = await counters();
    for (const [key, value] of before)
      assert.ok((now.get(key) ?? -1) >= value, `${key}: ${value}, then ${now.get(key)}`);
    before = now;
  }
  assert.equal(before.get('otelcol_exporter_sent_spans{exporter="otlp"}'), 60);
  await settle(service, { sink, tally });
});

test('a stored queue stays open while its exporter changes, and what it holds goes to the new address', async (t) => {
  const sink = await startSink(t);
  const dead = await startSink(t);
  await dead.close();
  const directory = mkdtempSync(join(tmpdir(), 'spanmill-reload-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const config = (to: Sink, queue: object): object =>
    configOf({
      exporters: { otlp: exportTo(to, { sending_queue: { storage: 'file_storage', ...queue } }) },
      extensions: { file_storage: { directory } },
    });
  const service = await startService(t, config(dead, {}));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  for (let i = 0; i < 5; i++) {
    assert.equal((await client.send(source.request(4))).code, 0);
    assert.equal((await reload(service, config(dead, { queue_size: 500 + i }))).msg, 'reloaded');
  }
  const said = await service.line(({ msg }) => msg === 'these settings need a restart to change');
  assert.deepEqual(said.settings, ['exporters.otlp: how its stored queue is configured']);
  assert.equal((await reload(service, config(sink, { queue_size: 900 }))).msg, 'reloaded');
  await sink.until(() => sink.spans.size === tally.acknowledged.size);
  await settle(service, { sink, tally });
});

test('a storm of SIGHUPs is one reload at a time and ends in the last file', async (t) => {
  const sink = await startSink(t);
  const service = await startService(t, configOf(variant(sink, 0)));
  const tally = createTally();
  const load = startLoad(t, service, tally);
  for (let i = 1; i <= 60; i++) {
    writeFileSync(service.file, JSON.stringify(configOf(variant(sink, i))));
    service.hangUp();
    if (i % 10 === 0) await load.progress();
  }
  const same = await reload(service, configOf(variant(sink, 60)));
  assert.ok(isReloadLine(same));
  await load.stop();
  assert.equal((await reload(service, configOf(variant(sink, 60)))).msg, 'reloaded: nothing has changed');
  assert.equal(tally.refused.size, 0);
  await settle(service, { sink, tally });
});
