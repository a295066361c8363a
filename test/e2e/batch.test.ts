// Batches as the service makes them: sizes, time, client metadata, and stages behind a batch.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Client, createClient, createTally, type Tally } from './support/client.ts';
import { configOf, exportTo, memoryLimiter } from './support/config.ts';
import { runLoad } from './support/load.ts';
import { type Service, startService } from './support/service.ts';
import { accountOf, settle } from './support/settle.ts';
import { type Sink, startSink } from './support/sink.ts';
import { createSpanSource, type SpanSource } from './support/spans.ts';

type Section = Readonly<Record<string, unknown>>;

interface Setup {
  readonly sink: Sink;
  readonly service: Service;
  readonly tally: Tally;
  readonly client: Client;
  readonly source: SpanSource;
}

/** One worker and one export at a time, so that batches come in the order in which their spans were sent. */
async function setUp(
  t: TestContext,
  processors: Readonly<Record<string, Section>>,
  grpc: Section = {},
): Promise<Setup> {
  const sink = await startSink(t);
  const exporters = { otlp: exportTo(sink, { sending_queue: { num_consumers: 1 }, timeout: '1m' }) };
  const service = await startService(t, configOf({ grpc, processors, exporters }));
  const tally = createTally();
  return { sink, service, tally, client: createClient(t, service, tally), source: createSpanSource() };
}

async function sendAll({ client, source }: Setup, sizes: readonly number[]): Promise<string[]> {
  const ids: string[] = [];
  for (const size of sizes) {
    const request = source.request(size);
    ids.push(...request.ids);
    assert.equal((await client.send(request)).code, 0);
  }
  return ids;
}

const sizesOf = (sink: Sink): number[] => sink.exports.map(({ ids }) => ids.length);

test('a batch goes when it has send_batch_size spans, whole', async (t) => {
  const setup = await setUp(t, { batch: { send_batch_size: 100, timeout: '1h' } });
  const sent = await sendAll(setup, [30, 30, 30, 30, 30, 30, 30, 250, 99]);
  await settle(setup.service, setup);
  assert.deepEqual(sizesOf(setup.sink), [120, 340, 99]);
  assert.deepEqual(
    setup.sink.exports.flatMap(({ ids }) => ids),
    sent,
  );
});

test('send_batch_max_size is kept to the span, whatever the sizes of requests', async (t) => {
  const setup = await setUp(t, { batch: { send_batch_size: 50, send_batch_max_size: 50, timeout: '1h' } });
  const sent = await sendAll(setup, [30, 30, 1000, 1, 49, 50, 51, 7]);
  await settle(setup.service, setup);
  assert.deepEqual(sizesOf(setup.sink), [...Array.from({ length: 24 }, () => 50), 18]);
  assert.deepEqual(
    setup.sink.exports.flatMap(({ ids }) => ids),
    sent,
  );
});

test('what is left of a large request goes at once when it has send_batch_size spans, and waits when it has not', async (t) => {
  const setup = await setUp(t, { batch: { send_batch_size: 10, send_batch_max_size: 25, timeout: '1h' } });
  await sendAll(setup, [60, 59, 5]);
  await settle(setup.service, setup);
  assert.deepEqual(sizesOf(setup.sink), [25, 25, 10, 25, 25, 14]);
});

test('a batch that stays small goes when its timeout ticks', async (t) => {
  const timeoutMs = 300;
  const setup = await setUp(t, { batch: { send_batch_size: 1000, timeout: `${timeoutMs}ms` } });
  const { sink } = setup;
  let last = Number.NEGATIVE_INFINITY;
  for (let i = 1; i <= 3; i++) {
    await sendAll(setup, [5]);
    await sink.until(() => sink.spans.size === i * 5);
    const now = performance.now();
    assert.ok(now - last > timeoutMs / 2, 'the batch did not wait');
    last = now;
  }
  await settle(setup.service, setup);
  assert.deepEqual(sizesOf(sink), [5, 5, 5]);
});

test('without a timeout nothing is gathered, and large requests are still split', async (t) => {
  const setup = await setUp(t, { batch: { send_batch_size: 100, send_batch_max_size: 200, timeout: '0s' } });
  await sendAll(setup, [5, 5, 450]);
  await settle(setup.service, setup);
  assert.deepEqual(sizesOf(setup.sink), [5, 5, 200, 200, 50]);
});

test('metadata_keys keep the batches of clients apart', async (t) => {
  const batch = { send_batch_size: 10, timeout: '1h', metadata_keys: ['X-Tenant', 'x-zone'] };
  const { sink, service, tally, client, source } = await setUp(t, { batch }, { include_metadata: true });
  const clientOf = new Map<string, string>();
  const tenants = [{ 'x-tenant': 'a' }, { 'x-tenant': 'b' }, {}, { 'x-tenant': 'a', 'x-zone': '1' }, { 'x-zone': '1' }];
  const sends = Array.from({ length: 60 }, (_, i) => {
    const metadata = tenants[i % tenants.length];
    const request = source.request(3);
    for (const id of request.ids) clientOf.set(id, JSON.stringify(metadata));
    return client.send(request, { ...metadata, 'x-other': String(i) });
  });
  assert.ok((await Promise.all(sends)).every(({ code }) => code === 0));
  await settle(service, { sink, tally });
  for (const { ids } of sink.exports) assert.equal(new Set(ids.map((id) => clientOf.get(id))).size, 1);
  // Each of the five has 36 spans, in batches of at least 10 but for the last.
  assert.ok(sink.exports.length <= 5 * 4, `${sink.exports.length} batches`);
});

test('without include_metadata all clients share their batches', async (t) => {
  const { sink, service, tally, client, source } = await setUp(t, {
    batch: { timeout: '1h', metadata_keys: ['x-tenant'] },
  });
  for (const tenant of ['a', 'b', 'c'])
    assert.equal((await client.send(source.request(1), { 'x-tenant': tenant })).code, 0);
  await settle(service, { sink, tally });
  assert.deepEqual(sizesOf(sink), [3]);
});

test('a client beyond metadata_cardinality_limit is refused, the others go on', async (t) => {
  const batch = { timeout: '5ms', metadata_keys: ['x-tenant'], metadata_cardinality_limit: 2 };
  const { sink, service, tally, client, source } = await setUp(t, { batch }, { include_metadata: true });
  const codes: number[] = [];
  for (const tenant of ['a', 'b', 'c', 'a', 'c', 'b']) {
    const { code, message } = await client.send(source.request(2), { 'x-tenant': tenant });
    codes.push(code);
    if (code !== 0) assert.match(message, /metadata_cardinality_limit/);
  }
  assert.deepEqual(codes, [0, 0, 13, 0, 13, 0]);
  await settle(service, { sink, tally });
});

test('more tenants than the budget has room for slabs do not stand in each other’s way', async (t) => {
  const batch = { timeout: '20ms', metadata_keys: ['x-tenant'] };
  const processors = { memory_limiter: memoryLimiter(4), batch };
  const { sink, service, tally, client, source } = await setUp(t, processors, { include_metadata: true });
  for (let i = 0; i < 120; i++) {
    const reply = await client.send(source.request(3), { 'x-tenant': String(i % 60) });
    assert.equal(reply.code, 0, `request ${i}: ${reply.message}`);
  }
  await settle(service, { sink, tally });
});

test('batches that cannot become full within the budget are sent on instead of refusing clients', async (t) => {
  const processors = { memory_limiter: memoryLimiter(4), batch: { send_batch_size: 1_000_000, timeout: '1h' } };
  const { sink, service, tally, client, source } = await setUp(t, processors);
  let refused = 0;
  let answers = 0;
  await runLoad({
    clients: [client],
    source,
    inFlight: 1,
    spans: 100,
    shape: { padding: 900 },
    goOn({ code }) {
      if (code !== 0) refused++;
      return ++answers < 120;
    },
  });
  assert.equal(refused, 0);
  await settle(service, { sink, tally });
  assert.ok(sink.exports.length > 2, 'everything fitted after all');
});

test('processors behind a batch see every span, and a second batch cuts anew', async (t) => {
  const processors = {
    'batch/first': { send_batch_size: 64, timeout: '20ms' },
    probabilistic_sampler: { sampling_percentage: 40, hash_seed: 7 },
    'batch/second': { send_batch_size: 20, send_batch_max_size: 20, timeout: '1h' },
  };
  const { sink, service, tally, client, source } = await setUp(t, processors);
  let answers = 0;
  await runLoad({
    clients: [client],
    source,
    inFlight: 6,
    spans: 11,
    goOn: ({ code }) => code === 0 && ++answers < 200,
  });
  const end = await service.end();
  const { received, exported, dropped, remainder, held, failed } = accountOf(end, {});
  assert.equal(end.code, 0);
  assert.deepEqual(
    { received, remainder, held, failed },
    { received: tally.acknowledged.size, remainder: 0, held: 0, failed: 0 },
  );
  assert.equal(exported, sink.spans.size);
  assert.ok(dropped > received * 0.4 && exported > received * 0.2, `${dropped} dropped, ${exported} exported`);
  for (const [id, times] of sink.spans) assert.ok(times === 1 && tally.acknowledged.has(id));
  const sizes = sizesOf(sink);
  assert.ok(
    sizes.slice(0, -1).every((size) => size === 20),
    sizes.join(' '),
  );
});

test('a pipeline of three stages goes on after its backend stalled with the budget full', async (t) => {
  const batch = { send_batch_size: 200, timeout: '10ms' };
  const processors = { memory_limiter: memoryLimiter(8), 'batch/1': batch, 'batch/2': batch, 'batch/3': batch };
  const { sink, service, tally, client, source } = await setUp(t, processors);
  sink.answer = () => ({ kind: 'stall' });
  let refused = 0;
  const shape = { padding: 900 };
  await runLoad({
    clients: [client],
    source,
    inFlight: 12,
    spans: 100,
    shape,
    goOn: ({ code }) => code === 0 || ++refused < 30,
  });
  sink.resume();
  let taken = 0;
  await runLoad({
    clients: [client],
    source,
    inFlight: 12,
    spans: 100,
    shape,
    goOn: ({ code }) => code !== 0 || ++taken < 200,
  });
  await settle(service, { sink, tally });
});
