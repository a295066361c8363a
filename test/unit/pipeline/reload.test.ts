// A runtime that changes its configuration while requests come: what is the same stays, nothing is lost, what fails changes
// nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { directDelivery } from '../../../src/component/delivery-fields.ts';
import type { DeliveryOptions, ExportResult } from '../../../src/component/exporter.ts';
import { attributes } from '../../../src/processors/attributes/index.ts';
import { batch } from '../../../src/processors/batch/index.ts';
import { createSpanSource, idsOf } from '../../e2e/support/spans.ts';
import { misbehaving, misbehaviourKey } from './misbehaving.ts';
import { type BenchOptions, type RuntimeBench, startRuntime } from './runtime-bench.ts';

const source = createSpanSource();
const insert = (value: string): BenchOptions['steps'][number] => ({
  definition: attributes,
  config: { actions: [{ action: 'insert', key: 'version', value }] },
});
const steps = (value: string): BenchOptions['steps'] => [
  insert(value),
  { definition: batch, config: { timeout: '2ms' } },
];
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const queued: DeliveryOptions = {
  ...directDelivery,
  queue: { ...directDelivery.queue, enabled: true, consumers: 1, size: 1000 },
};

/** Sends without a pause until told to stop; resolves with the ids that were accepted. */
function load(bench: RuntimeBench): { stop(): Promise<string[]> } {
  let goOn = true;
  const ids: string[] = [];
  const slot = async (): Promise<void> => {
    while (goOn) {
      const request = source.request(3);
      const { kind } = await bench.send(request.message);
      assert.equal(kind, 'accepted');
      ids.push(...request.ids);
    }
  };
  const slots = Promise.all(Array.from({ length: 8 }, slot));
  return {
    async stop() {
      goOn = false;
      await slots;
      return ids;
    },
  };
}

test('processors change between two requests, under load, and each span passes exactly once', async (t) => {
  const bench = await startRuntime(t, { steps: steps('0'), workers: 2 });
  const running = load(bench);
  for (let version = 1; version <= 30; version++) {
    const text = `version ${version}`;
    const { outcome, pipelines, exporters, receivers } = await bench.reload({ steps: steps(text), workers: 2 });
    assert.equal(outcome, 'applied');
    assert.deepEqual(pipelines.changed, ['traces']);
    assert.deepEqual([exporters.kept, receivers.kept], [['list'], ['held']]);
    const before = bench.exported.length;
    const marked = Buffer.from(
      `version\x12${String.fromCharCode(text.length + 2)}\n${String.fromCharCode(text.length)}${text}`,
    );
    while (!bench.exported.slice(before).some((message) => message.includes(marked))) await nextTurn();
  }
  const ids = await running.stop();
  const { received, exported } = await bench.settle();
  assert.deepEqual([received, exported], [ids.length, ids.length]);
  assert.deepEqual(bench.exportedIds().sort(), ids.sort());
  assert.deepEqual(bench.events.slice(0, 2), ['start list {}', 'start held {}']);
  assert.ok(!bench.events.slice(2, -3).some((event) => event.startsWith('start')), bench.events.join());
});

test('what the stages of before had gathered is sent on, and does not wait for its time', async (t) => {
  const slow = [insert('old'), { definition: batch, config: { timeout: '1h', send_batch_size: 1_000_000 } }];
  const bench = await startRuntime(t, { steps: slow });
  const request = source.request(5);
  await bench.send(request.message);
  assert.equal(bench.exported.length, 0);
  await bench.reload({ steps: steps('new') });
  while (bench.exported.length === 0) await nextTurn();
  assert.deepEqual(bench.exportedIds(), request.ids);
  await bench.settle();
});

test('a queue stays when its exporter changes, and what it holds goes to the new one', async (t) => {
  let isDead = true;
  const delivery: DeliveryOptions = { ...queued, retry: { ...queued.retry, enabled: true, initialIntervalMs: 5 } };
  const options: BenchOptions = {
    steps: steps('0'),
    delivery,
    exporterConfig: { to: 'dead' },
    async exports(_message, _ids, exporter): Promise<ExportResult> {
      if (!exporter.includes('dead') || !isDead) return { kind: 'accepted' };
      return { kind: 'retry', reason: 'unavailable', message: 'gone', afterMs: 0 };
    },
  };
  const bench = await startRuntime(t, options);
  const sent: string[] = [];
  for (let i = 0; i < 20; i++) {
    const request = source.request(2);
    await bench.send(request.message);
    sent.push(...request.ids);
  }
  assert.equal(bench.exported.length, 0);
  await bench.reload({ ...options, exporterConfig: { to: 'alive' } });
  while (bench.exportedIds().length < sent.length) await nextTurn();
  assert.deepEqual(bench.exportedBy.get('list {"to":"alive"}')?.sort(), sent.sort());
  isDead = false;
  await bench.settle();
  assert.ok(bench.events.includes('stop list {"to":"dead"}'));
});

test('another queue starts empty, and the one before is emptied by the new exporter', async (t) => {
  let isDead = true;
  const delivery: DeliveryOptions = { ...queued, retry: { ...queued.retry, enabled: true, initialIntervalMs: 5 } };
  const options: BenchOptions = {
    steps: steps('0'),
    delivery,
    async exports(): Promise<ExportResult> {
      if (isDead) return { kind: 'retry', reason: 'unavailable', message: 'gone', afterMs: 0 };
      return { kind: 'accepted' };
    },
  };
  const bench = await startRuntime(t, options);
  const first = source.request(4);
  await bench.send(first.message);
  const larger: DeliveryOptions = { ...delivery, queue: { ...delivery.queue, size: 2000 } };
  // Both directions, again and again: queues that are not empty are used again, and do not pile up.
  for (let i = 0; i < 50; i++) {
    await bench.reload({ ...options, exporterConfig: { i }, delivery: i % 2 === 0 ? larger : delivery });
  }
  const second = source.request(4);
  await bench.send(second.message);
  isDead = false;
  const { received, exported } = await bench.settle();
  assert.deepEqual([received, exported], [8, 8]);
  assert.deepEqual(bench.exportedIds().sort(), [...first.ids, ...second.ids].sort());
});

test('an exporter that is taken away sends what it has first, and its branch stays in the account', async (t) => {
  const bench = await startRuntime(t, { steps: steps('0'), exporters: ['list', 'list/2'] });
  const request = source.request(6);
  await bench.send(request.message);
  await bench.reload({ steps: steps('0'), exporters: ['list/3'] });
  const later = source.request(5);
  await bench.send(later.message);
  await bench.runtime.drain(20_000);
  const [account] = bench.runtime.accounts;
  const summaries = account.exporters.map((exporter) => {
    const { received, exported, absent, held, remainder } = account.summary(exporter);
    return { id: exporter.id, received, exported, absent, held, remainder };
  });
  const common = { received: 11, held: 0, remainder: 0 };
  assert.deepEqual(summaries, [
    { id: 'list', ...common, exported: 6, absent: 5 },
    { id: 'list/2', ...common, exported: 6, absent: 5 },
    { id: 'list/3', ...common, exported: 5, absent: 6 },
  ]);
  assert.ok(bench.events.includes('stop list {}'));
  assert.ok(bench.events.includes('stop list/2 {}'));
});

test('a receiver that cannot start makes the reload fail as a whole: everything is as before', async (t) => {
  const options: BenchOptions = { steps: steps('old'), exporters: ['list'] };
  const bench = await startRuntime(t, options);
  const running = load(bench);
  const bad = { steps: steps('new'), exporters: ['list', 'list/new'], receiverConfig: { address: 'taken' } };
  for (let i = 0; i < 5; i++) await assert.rejects(bench.reload(bad), /the address is taken/);
  assert.equal(bench.runtime.state(), 'ready');
  const ids = await running.stop();
  assert.ok(ids.length > 0);
  assert.deepEqual(
    bench.events.filter((event) => !event.startsWith('drain')),
    [
      'start list {}',
      'start held {}',
      ...Array.from({ length: 5 }, () => [
        'start list/new {}',
        'stop held {"address":"taken"}',
        'stop list/new {}',
      ]).flat(),
    ],
  );
  const { outcome } = await bench.reload({ ...options, receiverConfig: { address: 'free' } });
  assert.equal(outcome, 'applied');
  await bench.settle();
  assert.deepEqual(bench.exportedIds().sort(), ids.sort());
});

test('processors that cannot be compiled make the reload fail; the old ones go on', async (t) => {
  const bench = await startRuntime(t, { steps: steps('old') });
  const broken = { ...insert('new'), definition: { ...attributes, type: 'unheard_of' } };
  await assert.rejects(bench.reload({ steps: [broken] }), { code: 'WORKER', message: /no processor unheard_of/ });
  const request = source.request(3);
  assert.equal((await bench.send(request.message)).kind, 'accepted');
  await bench.settle();
  assert.deepEqual(bench.exportedIds(), request.ids);
});

test('a worker that dies after a reload comes back with the stages of now', async (t) => {
  const bench = await startRuntime(t, { steps: [insert('0'), { definition: misbehaving }], workers: 2 });
  for (let i = 1; i < 6; i++) {
    await bench.reload({ steps: [insert(String(i)), { definition: misbehaving }], workers: 2 });
    const killer = source.request(1, { attributes: { [misbehaviourKey]: 'exit' } });
    assert.equal((await bench.send(killer.message)).kind, 'failed');
    const sends = Array.from({ length: 10 }, () => bench.send(source.request(2).message));
    assert.ok((await Promise.all(sends)).every(({ kind }) => kind === 'accepted'));
  }
  assert.equal(bench.aside.length, 5);
  const { exported } = await bench.settle();
  assert.equal(exported, 100);
});

test('workers die while stages are compiled under load, and nothing is lost', async (t) => {
  const chain = (i: number): BenchOptions => ({ steps: [insert(String(i)), { definition: misbehaving }], workers: 2 });
  const bench = await startRuntime(t, chain(0));
  const running = load(bench);
  for (let i = 1; i < 10; i++) {
    const killer = bench.send(source.request(1, { attributes: { [misbehaviourKey]: 'exit' } }).message);
    await bench.reload(chain(i));
    assert.equal((await killer).kind, 'failed');
  }
  const ids = await running.stop();
  const { received, exported } = await bench.settle();
  assert.deepEqual([received, exported], [ids.length, ids.length]);
  assert.deepEqual(bench.exportedIds().sort(), ids.sort());
});

test('hundreds of reloads leave nothing behind in the workers and the lane', async (t) => {
  // Constants of 1 MiB: a stage that was not forgotten would leave no room after a few.
  const big = (i: number): BenchOptions['steps'] => [insert(`${i}${'x'.repeat(1 << 20)}`)];
  const bench = await startRuntime(t, { steps: big(0) });
  for (let i = 1; i <= 60; i++) await bench.reload({ steps: big(i) });
  const request = source.request(1);
  assert.equal((await bench.send(request.message)).kind, 'accepted');
  await bench.settle();
  // One open slab each for inputs and for the output of the stage that there is.
  assert.ok(bench.runtime.arena.used <= 1.5 * 2 ** 20, `${bench.runtime.arena.used} bytes are held`);
});

test('a smaller budget is obeyed from then on, and a larger one as far as memory was reserved', async (t) => {
  const bench = await startRuntime(t, { steps: steps('0'), budgetBytes: 32 << 20 });
  const big = (): Buffer => source.request(1, { padding: 6 << 20 }).message;
  assert.equal((await bench.send(big())).kind, 'accepted');
  const smaller = await bench.reload({ steps: steps('0'), budgetBytes: 8 << 20 });
  assert.deepEqual(smaller.needsRestart, []);
  assert.deepEqual(smaller.receivers.changed, ['held']);
  assert.ok(bench.runtime.arena.budgetBytes === 8 << 20);
  assert.equal((await bench.send(big())).kind, 'overloaded');
  assert.equal((await bench.send(source.request(5).message)).kind, 'accepted');
  const larger = await bench.reload({ steps: steps('0'), budgetBytes: 64 << 20 });
  assert.match(larger.needsRestart.join(), /more memory than was reserved/);
  assert.ok(bench.runtime.arena.budgetBytes === 32 << 20);
  assert.equal((await bench.send(big())).kind, 'accepted');
  await bench.settle();
});

test('another number of workers is said to need a restart', async (t) => {
  const bench = await startRuntime(t, { steps: steps('0'), workers: 1 });
  const { outcome, needsRestart } = await bench.reload({ steps: steps('0'), workers: 2 });
  assert.equal(outcome, 'unchanged');
  assert.deepEqual(needsRestart, ['service.workers: 1 to 2']);
});

test('a drain in the middle of a reload ends both, with nothing lost', async (t) => {
  const bench = await startRuntime(t, { steps: steps('0') });
  const requests = Array.from({ length: 30 }, () => source.request(2));
  const sends = requests.map(({ message }) => bench.send(message));
  const reload = bench.reload({ steps: steps('1'), receiverConfig: { a: 1 } }).then(
    () => 'applied',
    (error: Error) => error.message,
  );
  await bench.runtime.drain(20_000);
  const outcomes = await Promise.all(sends);
  assert.match(await reload, /applied|the service is stopping/);
  const accepted = requests.filter((_, i) => outcomes[i].kind === 'accepted').flatMap(({ ids }) => ids);
  assert.ok(accepted.length > 0);
  assert.deepEqual(bench.exportedIds().sort(), accepted.sort());
  assert.equal(bench.runtime.state(), 'stopped');
});

for (const stuck of ['stuck', 'stuck for ever']) {
  test(`a request that is ${stuck} does not take the time that batches need to be exported`, async (t) => {
    const slow = [{ definition: batch, config: { timeout: '1h', send_batch_size: 1_000_000 } }];
    const bench = await startRuntime(t, {
      steps: slow,
      receiverConfig: stuck,
      // Longer than what would be left if the receivers had all of the time.
      exports: () => new Promise((resolve) => setTimeout(() => resolve({ kind: 'accepted' }), 300)),
    });
    const request = source.request(5);
    await bench.send(request.message);
    const started = performance.now();
    await bench.runtime.drain(2000);
    assert.ok(performance.now() - started < 2500);
    assert.deepEqual(bench.exportedIds(), request.ids);
    const [account] = bench.runtime.accounts;
    assert.equal(account.summary(account.exporters[0]).remainder, 0);
  });
}

test('a reload waits for a job that runs away, and the worker that replaces it has the new stages', async (t) => {
  const chain = (value: string): BenchOptions => ({
    steps: [insert(value), { definition: misbehaving }],
    jobLimitMs: 1500,
  });
  const bench = await startRuntime(t, chain('0'));
  const loop = bench.send(source.request(1, { attributes: { [misbehaviourKey]: 'loop' } }).message);
  while (bench.runtime.arena.used === 0) await nextTurn();
  const { outcome } = await bench.reload(chain('1'));
  assert.equal(outcome, 'applied');
  assert.equal((await loop).kind, 'failed');
  const request = source.request(3);
  assert.equal((await bench.send(request.message)).kind, 'accepted');
  await bench.settle();
  assert.deepEqual(bench.exportedIds(), request.ids);
});

test('a queue that was to end and is used again gathers batches again', async (t) => {
  let isDead = true;
  const gathering = { flushTimeoutMs: 3_600_000, minSize: 10, maxSize: 0, sizer: 'items', metadataKeys: [] } as const;
  const options: BenchOptions = {
    steps: [insert('0')],
    delivery: {
      ...queued,
      queue: { ...queued.queue, storage: 'storage', batch: gathering, waitForResult: 'no' },
      retry: { ...queued.retry, enabled: true, initialIntervalMs: 5 },
    },
    async exports(): Promise<ExportResult> {
      if (isDead) return { kind: 'retry', reason: 'unavailable', message: 'gone', afterMs: 0 };
      return { kind: 'accepted' };
    },
  };
  const bench = await startRuntime(t, { ...options, exporters: ['list'] });
  await bench.send(source.request(10).message);
  await bench.reload({ ...options, exporters: ['list/2'] });
  await bench.reload({ ...options, exporters: ['list'] });
  isDead = false;
  while (bench.exported.length === 0) await nextTurn();
  for (let i = 0; i < 2; i++) await bench.send(source.request(5).message);
  while (bench.exportedIds().length < 20) await nextTurn();
  assert.deepEqual(
    bench.exported.map((message) => idsOf(message).length),
    [10, 10],
  );
  await bench.settle();
});

test('a stored queue comes back while the receivers that were taken away with it still have clients', async (t) => {
  const delivery: DeliveryOptions = { ...queued, queue: { ...queued.queue, storage: 'storage' } };
  const options: BenchOptions = { steps: steps('0'), delivery };
  const bench = await startRuntime(t, { ...options, receiverConfig: 'drains for ever' });
  await bench.reload({ ...options, exporters: ['list/2'], receiver: 'held/2' });
  const { outcome } = await bench.reload({ ...options, exporters: ['list'], receiver: 'held/2' });
  assert.equal(outcome, 'applied');
  const request = source.request(3);
  assert.equal((await bench.send(request.message)).kind, 'accepted', 'by the client of the receiver of before');
  while (bench.exportedIds().length < 3) await nextTurn();
  assert.deepEqual(bench.exportedIds(), request.ids);
});

test('clients of a receiver that ends keep the way that they had, also while a reload with its id fails', async (t) => {
  const bench = await startRuntime(t, { steps: [insert('old way')], receiverConfig: 'drains for ever' });
  await bench.reload({ steps: [insert('next')], receiver: 'held/2' });
  const outcomes: string[] = [];
  const say = async (): Promise<void> => void outcomes.push((await bench.send(source.request(2).message)).kind);
  const bad: BenchOptions = { steps: [insert('never used')], receiverConfig: 'taken', starting: say };
  await assert.rejects(bench.reload(bad), /the address is taken/);
  await say();
  assert.deepEqual(outcomes, ['accepted', 'accepted']);
  while (bench.exported.length < 2) await nextTurn();
  assert.ok(bench.exported.every((message) => message.includes('old way')));
});

test('a drain answers at once the clients that wait for what a batch gathers', async (t) => {
  const bench = await startRuntime(t, {
    steps: [{ definition: batch, config: { timeout: '1h', send_batch_size: 1_000_000 } }],
    delivery: { ...queued, queue: { ...queued.queue, waitForResult: 'yes' } },
    // It would wait for its clients for all the time that receivers have.
    receiverConfig: 'drains for ever',
  });
  let answered = 0;
  const [early, late] = [source.request(5), source.request(5)];
  const sends = [bench.send(early.message)];
  while (bench.runtime.accounts[0].received === 0) await nextTurn();
  const drain = bench.runtime.drain(4000).then(() => assert.equal(answered, 2));
  const started = performance.now();
  sends.push(bench.send(late.message));
  for (const { kind } of await Promise.all(sends)) {
    assert.equal(kind, 'accepted');
    answered++;
  }
  assert.ok(performance.now() - started < 1500, 'they were answered after the time of the receivers');
  await drain;
});
