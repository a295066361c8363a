// A wall clock that jumps by hours and days, ten times a second, while everything that has to do with time goes on: batches that
// wait for their time, attempts that are repeated, answers that say when to come again, tokens that are renewed, passwords.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createClient, createTally } from './support/client.ts';
import { configOf, exportTo } from './support/config.ts';
import { startHttpSink } from './support/http-sink.ts';
import { assertClean, startService } from './support/service.ts';
import { accountOf } from './support/settle.ts';
import { startSink } from './support/sink.ts';
import { createSpanSource } from './support/spans.ts';

const hourMs = 3_600_000;
const unauthenticated = 16;

test('a wall clock that jumps by days makes nothing wait, end early or get lost', { timeout: 120_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'spanmill-clock-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const tokens = join(folder, 'tokens');
  writeFileSync(tokens, 'first\n');
  const [plain, stored, resolved] = [await startSink(t), await startSink(t), await startSink(t)];
  const overHttp = await startHttpSink(t);
  for (const sink of [plain, stored, resolved]) {
    let calls = 0;
    // Each second one is refused, for a while that the answer names.
    sink.answer = () =>
      ++calls % 2 === 0 ? { kind: 'ok' } : { kind: 'status', code: 14, message: 'not now', retryDelayMs: 30 };
  }
  overHttp.answer = (response) => {
    if (overHttp.requests() % 8 !== 1) {
      response.end();
      return true;
    }
    // Its own Date is that of a clock that does not jump.
    const later = new Date(Date.now() + 1000).toUTCString();
    response.writeHead(503, { 'retry-after': later }).end();
    return false;
  };
  const config = configOf({
    grpc: { auth: { authenticator: 'bearertokenauth' } },
    http: { auth: { authenticator: 'basicauth' } },
    extensions: {
      bearertokenauth: { filename: tokens },
      basicauth: { htpasswd: { inline: 'ann:secret' } },
      file_storage: { directory: join(folder, 'store'), create_directory: true },
      health_check: { endpoint: '127.0.0.1:0' },
    },
    processors: { batch: { timeout: '50ms' } },
    exporters: {
      'otlp/plain': exportTo(plain),
      'otlp/stored': exportTo(stored, { sending_queue: { storage: 'file_storage' } }),
      'otlp/resolved': exportTo(resolved, { endpoint: `dns:///127.0.0.1:${resolved.port}` }),
      otlp_http: { endpoint: overHttp.url, compression: 'none', retry_on_failure: { initial_interval: '20ms' } },
    },
  });
  const service = await startService(t, config, { preload: new URL('support/jumping-clock.ts', import.meta.url) });
  const listening = service.lines.find(({ msg }) => msg === 'spanmill is ready')?.listening as string[];
  const addressOf = (protocol: string): string =>
    listening.find((one) => one.startsWith(`${protocol} `))?.slice(protocol.length + 1) ?? '';
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  const first = { authorization: 'Bearer first' };

  const began = performance.now();
  while (performance.now() - began < 1500) {
    assert.equal((await client.send(source.request(5), first)).code, 0);
    const { message, ids } = source.request(5);
    const response = await fetch(`http://${addressOf('http')}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', authorization: `Basic ${btoa('ann:secret')}` },
      body: new Uint8Array(message),
    });
    assert.equal(response.status, 200);
    for (const id of ids) tally.acknowledged.add(id);
  }
  writeFileSync(tokens, 'second\n');
  await service.line(({ msg = '' }) => msg.startsWith('files of the configuration changed'));
  assert.equal((await client.send(source.request(1), first)).code, unauthenticated);
  assert.equal((await client.send(source.request(1), { authorization: 'Bearer second' })).code, 0);
  assert.equal((await fetch(`http://${addressOf('health')}/`)).status, 200);

  const sinks = [plain, stored, resolved, overHttp];
  for (const sink of sinks) await sink.until(() => [...tally.acknowledged].every((id) => sink.spans.has(id)));
  const end = await service.end();
  assertClean(end, service);
  for (const [i, exporter] of ['otlp/plain', 'otlp/stored', 'otlp/resolved', 'otlp_http'].entries()) {
    const { received, exported, failed } = accountOf(end, { exporter });
    assert.deepEqual([received, exported, failed], [tally.acknowledged.size, received, 0], exporter);
    // An attempt on @grpc/grpc-js has a deadline of the wall clock, and may be repeated.
    if (exporter === 'otlp/resolved') continue;
    for (const times of sinks[i].spans.values()) assert.equal(times, 1, `${exporter}: a span arrived twice`);
  }
  assert.ok(service.lines.length < 200, `${service.lines.length} lines: repeated ones are to be left out`);

  // The clock did jump.
  const times = service.lines.map(({ ts }) => Date.parse(String(ts))).filter((at) => !Number.isNaN(at));
  const steps = times.slice(1).map((at, i) => at - times[i]);
  assert.ok(Math.max(...steps) > hourMs && Math.min(...steps) < -hourMs, String(steps));
});
