// The queue on disk: what was acknowledged arrives, whatever becomes of the process.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createClient, createTally, type Tally } from './support/client.ts';
import { configOf, exportTo } from './support/config.ts';
import { runLoad } from './support/load.ts';
import { reload } from './support/reload.ts';
import { startService } from './support/service.ts';
import { accountOf } from './support/settle.ts';
import { type Sink, startSink } from './support/sink.ts';
import { createSpanSource } from './support/spans.ts';

/** SPANMILL_KILLS=100 for the figure of docs/reliability.md. */
const kills = Number(process.env.SPANMILL_KILLS ?? 6);

const folderFor = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'spanmill-durable-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

function durable(sink: Sink, directory: string, storage: object = {}, queue: object = {}, processors = {}): object {
  return configOf({
    extensions: { file_storage: { directory, create_directory: true, ...storage } },
    processors,
    exporters: { otlp: exportTo(sink, { sending_queue: { storage: 'file_storage', ...queue } }) },
  });
}

const missing = (tally: Tally, sink: Sink): number =>
  [...tally.acknowledged].filter((id) => !sink.spans.has(id)).length;

test(`everything acknowledged arrives after ${kills} times kill -9 under load`, async (t) => {
  const sink = await startSink(t);
  const config = durable(sink, folderFor(t), {}, { queue_size: 100_000 });
  const tally = createTally();
  const source = createSpanSource();
  for (let i = 0; i < kills; i++) {
    // In turn a backend that takes everything, one that stalls, and one that refuses half.
    let count = 0;
    sink.answer = () => {
      if (i % 3 === 1) return { kind: 'stall' };
      return i % 3 === 2 && count++ % 2 === 0 ? { kind: 'status', code: 14, message: 'not now' } : { kind: 'ok' };
    };
    const service = await startService(t, config);
    const clients = Array.from({ length: 3 }, () => createClient(t, service, tally));
    const before = tally.acknowledged.size;
    const wanted = 50 + ((i * 997) % 900);
    await runLoad({
      clients,
      source,
      inFlight: 4,
      spans: 10,
      goOn({ code }) {
        if (tally.acknowledged.size - before >= wanted) service.signal('SIGKILL');
        return code === 0;
      },
    });
    await service.ended;
    for (const client of clients) client.close();
  }
  sink.resume();
  const last = await startService(t, config);
  await sink.until(() => missing(tally, sink) === 0);
  const end = await last.end();
  assert.equal(end.code, 0, last.log());
  assert.equal(accountOf(end, {}).remainder, 0);
  assert.equal(accountOf(end, {}).held, 0);
  const sent = new Set([...tally.acknowledged, ...tally.unknown, ...tally.refused]);
  for (const id of sink.spans.keys()) assert.ok(sent.has(id), 'a span arrived that nobody sent');
});

test('what the backend does not take before the end of a drain is kept, counted as held, and sent by the next process', async (t) => {
  const sink = await startSink(t);
  sink.answer = () => ({ kind: 'stall' });
  const config = durable(sink, folderFor(t));
  const tally = createTally();
  const source = createSpanSource();
  const first = await startService(t, config);
  const client = createClient(t, first, tally);
  for (let i = 0; i < 20; i++) assert.equal((await client.send(source.request(5))).code, 0);
  client.close();
  first.signal('SIGTERM');
  await first.line(({ msg }) => msg?.startsWith('draining') === true);
  // A second signal ends the drain.
  first.signal('SIGTERM');
  const end = await first.ended;
  const account = accountOf(end, {});
  assert.deepEqual([account.received, account.held, account.failed, account.remainder], [100, 100, 0, 0]);
  sink.resume();
  const second = await startService(t, config);
  await sink.until(() => sink.spans.size === 100);
  const last = accountOf(await second.end(), {});
  assert.deepEqual([last.received, last.exported, last.remainder], [0, 100, 0]);
});

test('a batch processor in front does not answer before its batch is on disk', async (t) => {
  const sink = await startSink(t);
  sink.answer = () => ({ kind: 'stall' });
  const config = durable(sink, folderFor(t), {}, {}, { batch: { timeout: '50ms' } });
  const tally = createTally();
  const service = await startService(t, config);
  const client = createClient(t, service, tally);
  assert.equal((await client.send(createSpanSource().request(5))).code, 0);
  service.signal('SIGKILL');
  await service.ended;
  sink.resume();
  const next = await startService(t, config);
  await sink.until(() => sink.spans.size === 5);
  assert.equal((await next.end()).code, 0);
});

test('client metadata of several KB are stored with their spans, and sent on by the next process', async (t) => {
  const sink = await startSink(t);
  sink.answer = () => ({ kind: 'stall' });
  const directory = folderFor(t);
  const config = configOf({
    grpc: { include_metadata: true },
    extensions: {
      file_storage: { directory, create_directory: true },
      headers_setter: { headers: [{ key: 'x-tenant', from_context: 'x-tenant' }] },
    },
    processors: { batch: { timeout: '1ms', metadata_keys: ['x-tenant'] } },
    exporters: {
      otlp: exportTo(sink, { sending_queue: { storage: 'file_storage' }, auth: { authenticator: 'headers_setter' } }),
    },
  });
  const tenant = 't'.repeat(5000);
  const service = await startService(t, config);
  const client = createClient(t, service, createTally());
  const reply = await client.send(createSpanSource().request(5), { 'x-tenant': tenant });
  assert.equal(reply.code, 0, reply.message);
  service.signal('SIGKILL');
  await service.ended;
  sink.resume();
  const next = await startService(t, config);
  await sink.until(() => sink.spans.size === 5);
  assert.equal(sink.exports.at(-1)?.headers['x-tenant'], tenant);
  assert.equal((await next.end()).code, 0);
});

test('a store that is full refuses with a delay, and takes again when the backend has emptied it', async (t) => {
  const sink = await startSink(t);
  sink.answer = () => ({ kind: 'stall' });
  const service = await startService(t, durable(sink, folderFor(t), { max_size: 2 << 20 }, { queue_size: 100_000 }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  const refusals: { code: number; message: string; retryDelayMs: number | undefined }[] = [];
  const shape = { padding: 900 };
  await runLoad({
    clients: [client],
    source,
    inFlight: 2,
    spans: 100,
    shape,
    goOn: (reply) => {
      if (reply.code !== 0) refusals.push(reply);
      return refusals.length < 5;
    },
  });
  for (const { code, retryDelayMs, message } of refusals) {
    assert.equal(code, 8, message);
    assert.ok(retryDelayMs !== undefined && retryDelayMs > 0);
    assert.match(message, /cannot be stored/);
  }
  assert.ok(tally.acknowledged.size >= 1000, `${tally.acknowledged.size} spans fit into 2 MiB`);
  sink.resume();
  await sink.until(() => missing(tally, sink) === 0);
  let reply = await client.send(source.request(10));
  for (let tries = 0; reply.code !== 0 && tries < 100; tries++) reply = await client.send(source.request(10));
  assert.equal(reply.code, 0, 'nothing was taken after the store was empty again');
  await sink.until(() => missing(tally, sink) === 0);
  assert.equal((await service.end()).code, 0);
});

test('a store that a reload took away while spans wait in it comes back with them, and ends when it is empty', async (t) => {
  const [sink, other] = [await startSink(t), await startSink(t)];
  sink.answer = () => ({ kind: 'stall' });
  const directory = folderFor(t);
  const file_storage = { directory, create_directory: true };
  const exporters = {
    otlp: exportTo(sink, { sending_queue: { storage: 'file_storage' } }),
    'otlp/other': exportTo(other),
  };
  const stored = configOf({ extensions: { file_storage }, exporters });
  const without = configOf({ exporters: { 'otlp/other': exportTo(other) } });
  // Its address is the sink's: the reload fails after the store has started.
  const failing = configOf({
    extensions: { file_storage, health_check: { endpoint: `127.0.0.1:${sink.port}` } },
    exporters,
  });
  const service = await startService(t, stored);
  const client = createClient(t, service, createTally());
  const source = createSpanSource();
  const send = async (): Promise<void> => assert.equal((await client.send(source.request(5))).code, 0);
  await send();
  assert.equal((await reload(service, without)).msg, 'reloaded');
  await send();
  assert.match((await reload(service, failing)).msg ?? '', /^not reloaded.*LISTEN/);
  const back = await reload(service, stored);
  assert.equal(back.msg, 'reloaded');
  await send();
  assert.equal((await reload(service, without)).msg, 'reloaded');
  sink.resume();
  await sink.until(() => sink.spans.size === 10);
  const next = await startService(t, stored);
  assert.equal(accountOf(await next.end(), { exporter: 'otlp' }).exported, 0, 'it left something behind');
  const account = accountOf(await service.end(), { exporter: 'otlp' });
  assert.deepEqual([account.exported, account.held, account.remainder], [10, 0, 0]);
});
