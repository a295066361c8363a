// The otlp_http exporter in the real service: every encoding and compression, and backends that refuse, stall or vanish.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { peers, programOf } from '../conformance/support/peers.ts';
import { testFolder } from '../conformance/support/programs.ts';
import { assertWell, freePort, measured } from './load/support/spanload.ts';
import { createClient, createTally, type Tally } from './support/client.ts';
import { configOf } from './support/config.ts';
import { accept, type HttpSink, startHttpSink } from './support/http-sink.ts';
import { assertClean, type Service, startService } from './support/service.ts';
import { accountOf, settle } from './support/settle.ts';
import { startSink } from './support/sink.ts';
import { createSpanSource, type RequestShape } from './support/spans.ts';

type Section = Readonly<Record<string, unknown>>;

const exportTo = (url: string, more: Section = {}): Section => ({
  endpoint: url,
  retry_on_failure: { initial_interval: '20ms', max_interval: '100ms' },
  ...more,
});

/** An exporter for each encoding and compression, by id. */
const everyWay = (url: string): Record<string, Section> =>
  Object.fromEntries(
    ['proto', 'json'].flatMap((encoding) =>
      ['gzip', 'zstd', 'deflate', 'zlib', 'none'].map((compression) => [
        `otlp_http/${encoding}-${compression}`,
        exportTo(url, { encoding, compression, headers: { 'x-way': `${encoding}-${compression}` } }),
      ]),
    ),
  );

async function sendAll(
  t: TestContext,
  service: Service,
  requests: number,
  spans: number,
  shape?: RequestShape,
): Promise<Tally> {
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  for (let i = 0; i < requests; i++) assert.equal((await client.send(source.request(spans, shape))).code, 0);
  return tally;
}

/** A service with one exporter to the sink, after it was sent so many spans. */
async function through(t: TestContext, sink: HttpSink, more: Section, requests: number, spans: number) {
  const service = await startService(t, configOf({ exporters: { otlp_http: exportTo(sink.url, more) } }));
  return { service, tally: await sendAll(t, service, requests, spans) };
}

test('each encoding and compression brings every span once, and each exporter has its own account', async (t) => {
  const sink = await startHttpSink(t);
  const exporters = everyWay(sink.url);
  const ways = Object.keys(exporters).length;
  const service = await startService(t, configOf({ processors: { batch: { timeout: '5ms' } }, exporters }));
  const tally = await sendAll(t, service, 30, 20, { padding: 300 });
  await sink.until(() => sink.exports.reduce((sum, { ids }) => sum + ids.length, 0) === 600 * ways);
  const end = await service.end();
  assertClean(end, service);
  for (const exporter of Object.keys(exporters)) {
    const own = sink.exports.filter(({ headers }) => headers['x-way'] === exporter.slice('otlp_http/'.length));
    assert.deepEqual(new Set(own.flatMap(({ ids }) => ids)), tally.acknowledged, exporter);
    assert.equal(accountOf(end, { exporter }).exported, 600);
    const sent = own.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
    const plain = own.reduce((sum, { messageBytes }) => sum + messageBytes, 0);
    assert.ok(exporter.endsWith('none') ? sent >= plain : sent < plain / 3, `${exporter}: ${sent} of ${plain}`);
  }
  assert.ok([...sink.spans.values()].every((times) => times === ways));
});

for (const [encoding, compression] of [
  ['proto', 'gzip'],
  ['json', 'zstd'],
]) {
  test(`spanload finds every span as it was sent, as ${encoding} with ${compression}`, async (t) => {
    const sinkPort = await freePort();
    const exporters = { otlp_http: exportTo(`http://127.0.0.1:${sinkPort}`, { encoding, compression }) };
    const config = configOf({ processors: { batch: { timeout: '20ms' } }, exporters });
    const service = await startService(t, config);
    const ends = ['--endpoint', service.address, '--sink', `127.0.0.1:${sinkPort}`];
    const faults = ['--fault', 'refuse=503,share=0.2', '--fault', 'reset,share=0.1'];
    const run = await measured(t, [
      ...ends,
      '--profile',
      'gateway',
      '--rate',
      '1500',
      '--duration',
      '800ms',
      ...faults,
    ]);
    assertWell(run);
    const end = await service.end();
    assertClean(end, service);
    assert.equal(end.accounts[0].exported, run.report.spans.arrived);
    assert.ok(end.accounts[0].exported > 500);
  });
}

test('what asks for a retry gets one, after the time that it says, until the spans are taken', async (t) => {
  const sink = await startHttpSink(t);
  const tries = new Map<string, number>();
  let refusedAt = 0;
  sink.answer = (response, request) => {
    const before = tries.get(request.ids[0]) ?? 0;
    tries.set(request.ids[0], before + 1);
    if (before === 0) response.writeHead(503).end();
    else if (before === 1) response.socket?.resetAndDestroy();
    else if (before === 2) response.socket?.end('nonsense\r\n\r\n');
    else if (before === 3) {
      response.writeHead(429, { 'retry-after': '1' }).end();
      refusedAt = performance.now();
    } else return accept(response, request);
    return false;
  };
  const { service, tally } = await through(t, sink, {}, 1, 5);
  await sink.until(() => sink.spans.size === 5);
  assert.ok(performance.now() - refusedAt > 990, 'it came again before it was asked to');
  assert.deepEqual([...tries.values()], [5]);
  await settle(service, { sink, tally });
});

test('a backend that goes silent is left after the timeout, and gets the spans when it answers again', async (t) => {
  const sink = await startHttpSink(t);
  sink.answer = (response, request) => sink.requests() > 1 && accept(response, request);
  const { service, tally } = await through(t, sink, { timeout: '200ms' }, 1, 5);
  await service.line(({ reason }) => reason === 'timeout');
  await sink.until(() => sink.spans.size === 5);
  await settle(service, { sink, tally });
});

test('what is refused for good fails with the status as its reason', async (t) => {
  const sink = await startHttpSink(t);
  sink.answer = (response) => {
    response.writeHead(403, { 'content-type': 'application/json' }).end('{"code":7,"message":"not you"}');
    return false;
  };
  const { service, tally } = await through(t, sink, {}, 5, 4);
  await settle(service, { sink, tally, failedBy: { http_403: 20 } });
  assert.ok(
    service.lines.some(({ error }) => error === 'HTTP 403 Forbidden: not you'),
    service.log(),
  );
});

test('spans that a partial success rejects are counted as failed', async (t) => {
  const sink = await startHttpSink(t);
  sink.answer = (response) => {
    const body = '{"partialSuccess":{"rejectedSpans":"3","errorMessage":"three are too old"}}';
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    return true;
  };
  const { service } = await through(t, sink, {}, 1, 10);
  const end = await service.end();
  assertClean(end, service);
  const { exported, failed, failedBy } = accountOf(end, {});
  assert.deepEqual({ exported, failed, failedBy }, { exported: 7, failed: 3, failedBy: { partial_rejected: 3 } });
});

test('a backend that takes less at a time gets everything in pieces that it takes', async (t) => {
  const sink = await startHttpSink(t);
  const largest = 20_000;
  sink.answer = (response, request) => {
    if (request.messageBytes <= largest) return accept(response, request);
    response.writeHead(413, { 'content-type': 'text/plain' }).end('too much');
    return false;
  };
  const service = await startService(t, configOf({ exporters: { otlp_http: exportTo(sink.url) } }));
  const tally = await sendAll(t, service, 3, 200, { padding: 300 });
  await sink.until(() => sink.spans.size === 600);
  assert.ok(sink.exports.every(({ messageBytes }) => messageBytes <= largest));
  await settle(service, { sink, tally });
});

test('a second signal ends an export that waits for its answer', async (t) => {
  const sink = await startHttpSink(t);
  sink.answer = () => false;
  const { service } = await through(t, sink, { timeout: 0 }, 1, 5);
  await sink.until(() => sink.requests() === 1);
  service.signal('SIGTERM');
  await service.line(({ msg }) => msg?.startsWith('draining') === true);
  const started = performance.now();
  service.signal('SIGINT');
  const end = await service.end();
  assert.ok(performance.now() - started < 5000, 'the second signal did not end it');
  assert.equal(end.code, 0, service.log());
  const { held, failed, remainder } = accountOf(end, {});
  assert.deepEqual([held + failed, remainder], [5, 0]);
});

test('a Collector as receiver takes every encoding and compression', async (t) => {
  const program = programOf(peers.collector);
  if (program === null) return t.skip(peers.collector.reason);
  const sink = await startSink(t);
  const port = await freePort();
  const file = path.join(await testFolder(t), 'collector.yaml');
  const receiver = { protocols: { http: { endpoint: `127.0.0.1:${port}`, max_request_body_size: 30_000 } } };
  const exporter = { endpoint: `127.0.0.1:${sink.port}`, compression: 'none', tls: { insecure: true } };
  const collector = {
    receivers: { otlp: receiver },
    exporters: { otlp: exporter },
    service: {
      telemetry: { metrics: { level: 'none' } },
      pipelines: { traces: { receivers: ['otlp'], exporters: ['otlp'] } },
    },
  };
  await writeFile(file, JSON.stringify(collector));
  const child = spawn(program, ['--config', `file:${file}`], { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => line.includes('Everything is ready') && resolve());
    exited.then(() => reject(new Error('the Collector ended')));
  });
  const exporters = everyWay(`http://127.0.0.1:${port}`);
  const ways = Object.keys(exporters).length;
  const service = await startService(t, configOf({ processors: { batch: { timeout: '5ms' } }, exporters }));
  // Larger than it takes: it says 400 "request body too large", and gets halves.
  const tally = await sendAll(t, service, 2, 200, { padding: 300 });
  const end = await service.end();
  assertClean(end, service);
  await sink.until(() => [...sink.spans.values()].reduce((sum, times) => sum + times, 0) === 400 * ways);
  assert.deepEqual(new Set(sink.spans.keys()), tally.acknowledged);
  assert.ok([...sink.spans.values()].every((times) => times === ways));
});
