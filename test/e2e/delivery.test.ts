// What delivery promises beyond the queue in memory: answers that wait, queues on disk, batches that a backend takes only in part.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createClient, createTally } from './support/client.ts';
import { configOf, exportTo, memoryLimiter } from './support/config.ts';
import { runLoad } from './support/load.ts';
import { startService } from './support/service.ts';
import { accountOf, assertBranch, settle } from './support/settle.ts';
import { type Export, type SinkAnswer, startSink } from './support/sink.ts';
import { createSpanSource, idsOf } from './support/spans.ts';

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'spanmill-delivery-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
const invalid: SinkAnswer = { kind: 'status', code: 3, message: 'not like this' };

test('with wait_for_result a client is answered when the backend has its spans', async (t) => {
  const sink = await startSink(t);
  sink.answer = () => ({ kind: 'stall' });
  const exporters = { otlp: exportTo(sink, { sending_queue: { wait_for_result: true } }) };
  const service = await startService(t, configOf({ exporters }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  let answered = false;
  const reply = client.send(source.request(5)).then((one) => {
    answered = true;
    return one;
  });
  await sink.until(() => sink.stalled() === 1);
  assert.equal(answered, false);
  sink.resume();
  assert.equal((await reply).code, 0);
  sink.answer = () => ({ kind: 'status', code: 16, message: 'who are you' });
  const refused = await client.send(source.request(5));
  assert.equal(refused.code, 13);
  assert.match(refused.message, /who are you/);
  const end = await service.end();
  const account = accountOf(end, {});
  assert.deepEqual([account.exported, account.failed, account.remainder], [5, 5, 0]);
});

test('the queue gathers what many clients sent, and cuts it to the largest size', async (t) => {
  const sink = await startSink(t);
  const batch = { min_size: 40, max_size: 50, flush_timeout: '100ms' };
  const exporters = { otlp: exportTo(sink, { sending_queue: { batch } }) };
  const service = await startService(t, configOf({ exporters }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  await Promise.all(Array.from({ length: 60 }, () => client.send(source.request(4))));
  assert.equal((await client.send(source.request(130))).code, 0);
  await sink.until(() => sink.spans.size === 370);
  const sizes = sink.exports.map(({ ids }) => ids.length);
  assert.ok(Math.max(...sizes) <= 50, String(sizes));
  assert.ok(sizes.length < 20, `${sizes.length} exports: ${sizes}`);
  await settle(service, { sink, tally });
});

test('clients of different tenants share no batch of the queue', async (t) => {
  const sink = await startSink(t);
  const batch = { min_size: 1000, flush_timeout: '100ms', partition: { metadata_keys: ['X-Tenant'] } };
  const exporters = { otlp: exportTo(sink, { sending_queue: { batch } }) };
  const service = await startService(t, configOf({ grpc: { include_metadata: true }, exporters }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  const tenantOf = new Map<string, string>();
  const sends = Array.from({ length: 20 }, (_, i) => {
    const request = source.request(2);
    const tenant = i % 2 === 0 ? 'a' : 'b';
    for (const id of request.ids) tenantOf.set(id, tenant);
    return client.send(request, { 'x-tenant': tenant });
  });
  await Promise.all(sends);
  await sink.until(() => sink.spans.size === 40);
  for (const { ids } of sink.exports) assert.equal(new Set(ids.map((id) => tenantOf.get(id))).size, 1);
  await settle(service, { sink, tally });
});

test('of a batch that the backend calls invalid only the bad spans are set aside, with the reason', async (t) => {
  const sink = await startSink(t);
  const directory = folderFor(t);
  const exporters = { otlp: exportTo(sink, { dead_letter: 'dead_letter' }) };
  const processors = { batch: { timeout: '50ms' } };
  const service = await startService(
    t,
    configOf({ processors, exporters, extensions: { dead_letter: { directory } } }),
  );
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  const bad = new Set<string>();
  sink.answer = ({ ids }: Export) => (ids.some((id) => bad.has(id)) ? invalid : { kind: 'ok' });
  const requests = Array.from({ length: 10 }, () => source.request(20));
  bad.add(requests[3].ids[7]).add(requests[8].ids[0]);
  for (const reply of await Promise.all(requests.map((request) => client.send(request)))) assert.equal(reply.code, 0);
  await sink.until(() => sink.spans.size === 198);
  await settle(service, { sink, tally, failedBy: { invalid_argument: 2 } });
  const files = readdirSync(directory);
  const kept = files
    .filter((name) => name.endsWith('.otlp'))
    .flatMap((name) => idsOf(readFileSync(join(directory, name))));
  assert.deepEqual(new Set(kept), bad);
  const reasons = files
    .filter((name) => name.endsWith('.json'))
    .map((name) => readFileSync(join(directory, name), 'utf8'));
  assert.equal(reasons.length, 2);
  for (const text of reasons) assert.match(text, /not like this/);
});

test('a backend that takes only so much at a time gets halves, and what it takes is remembered', async (t) => {
  const sink = await startSink(t);
  const mostBytes = 60_000;
  let refused = 0;
  sink.answer = ({ message }: Export) => {
    if (message.length <= mostBytes) return { kind: 'ok' };
    refused++;
    return {
      kind: 'status',
      code: 8,
      message: `grpc: received message larger than max (${message.length} vs. ${mostBytes})`,
    };
  };
  const exporters = { otlp: exportTo(sink) };
  const service = await startService(t, configOf({ processors: { batch: { timeout: '20ms' } }, exporters }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  for (let i = 0; i < 5; i++) assert.equal((await client.send(source.request(1000, { padding: 300 }))).code, 0);
  await sink.until(() => sink.spans.size === 5000);
  // Those that were under way together when the first was refused.
  const before = refused;
  assert.ok(before >= 1 && before <= 5, `${before} requests were refused`);
  for (let i = 0; i < 5; i++) assert.equal((await client.send(source.request(1000, { padding: 300 }))).code, 0);
  await sink.until(() => sink.spans.size === 10_000);
  assert.equal(refused, before);
  await settle(service, { sink, tally });
});

test('one span that is too large alone is shrunk, and its neighbours go through untouched', async (t) => {
  const sink = await startSink(t);
  const mostBytes = 100_000;
  sink.answer = ({ message }: Export) =>
    message.length <= mostBytes
      ? { kind: 'ok' }
      : {
          kind: 'status',
          code: 8,
          message: `grpc: received message larger than max (${message.length} vs. ${mostBytes})`,
        };
  const service = await startService(
    t,
    configOf({ processors: { batch: { timeout: '50ms' } }, exporters: { otlp: exportTo(sink) } }),
  );
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  const requests = [source.request(30), source.request(1, { padding: 900_000 }), source.request(30)];
  for (const reply of await Promise.all(requests.map((request) => client.send(request)))) assert.equal(reply.code, 0);
  await sink.until(() => sink.spans.size === 61);
  const large = sink.exports.find(({ ids }) => ids.includes(requests[1].ids[0]));
  assert.ok(large?.message.includes('spanmill.'), 'nothing on the span says that it was cut');
  await settle(service, { sink, tally });
});

test('a dead backend holds back no other: the live one gets all, and what the dead one misses is counted', async (t) => {
  const [live, dead] = [await startSink(t), await startSink(t)];
  dead.answer = () => ({ kind: 'stall' });
  const exporters = { 'otlp/live': exportTo(live), 'otlp/dead': exportTo(dead) };
  const processors = { memory_limiter: memoryLimiter(8), batch: { timeout: '10ms', send_batch_size: 500 } };
  const service = await startService(t, configOf({ processors, exporters }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  const enough = 60 << 20;
  let sent = 0;
  await runLoad({
    clients: [client],
    source,
    inFlight: 4,
    spans: 100,
    shape: { padding: 900 },
    goOn: ({ code }) => {
      if (code === 0) sent += 100 * 1000;
      return sent < enough;
    },
  });
  await live.until(() => live.spans.size >= tally.acknowledged.size);
  dead.resume();
  const end = await service.end();
  assertBranch(end, { sink: live, tally, exporter: 'otlp/live' });
  const account = accountOf(end, { exporter: 'otlp/dead' });
  assert.equal(account.remainder, 0);
  assert.ok((account.failedBy.queue_full ?? 0) > 0, JSON.stringify(account));
  assert.equal(account.exported + account.failed, tally.acknowledged.size);
});
