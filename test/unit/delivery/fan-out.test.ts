import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { StoredEntry, StoredQueue } from '../../../src/component/capabilities.ts';
import type { GatheredBatch, Refusal } from '../../../src/delivery/batch.ts';
import { FanOut, type Link } from '../../../src/delivery/fan-out.ts';
import { type DeliveryItem, exportedWhole, type Settlement } from '../../../src/delivery/item.ts';
import { ExporterAccount } from '../../../src/delivery/ledger.ts';
import { Outlet, type OutletOptions } from '../../../src/delivery/outlet.ts';
import type { Delivery } from '../../../src/delivery/queue.ts';
import { SpanmillError } from '../../../src/errors.ts';
import { createBatches, deliveryOptions, deliveryStats } from './delivery-host.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A storage in memory; `full` refuses. */
function fakeStorage(recovered: readonly StoredEntry[] = []) {
  const kept = new Map<number, { readonly spans: number; readonly tag: string }>();
  const storage = {
    full: false,
    kept,
    read: 0,
    queue: {
      recovered,
      async append(segments: readonly Buffer[], spans: number, tag: string) {
        if (storage.full) throw new SpanmillError('STORAGE', 'no space left on the disk');
        const key = kept.size + 1;
        kept.set(key, { spans, tag });
        return { key, spans, bytes: Buffer.concat([...segments]).length, tag };
      },
      async read(_entry: StoredEntry): Promise<Buffer> {
        storage.read++;
        return Buffer.from('stored');
      },
      async remove(entries: readonly StoredEntry[]) {
        for (const { key } of entries) kept.delete(key);
      },
      async close() {},
    } satisfies StoredQueue,
  };
  return storage;
}

interface Setup {
  readonly storage?: ReturnType<typeof fakeStorage>;
  readonly queue?: Partial<OutletOptions['queue']>;
  /** Of claims; default: always. */
  readonly room?: () => boolean;
  readonly id?: string;
}

let nowMs = 0;

function branchOf({ storage, queue = {}, room = () => true, id = 'a' }: Setup = {}) {
  const taken: DeliveryItem[] = [];
  const delivery: Delivery = {
    stats: deliveryStats(),
    claim: room,
    unclaim() {},
    hasRoomFor: room,
    put: (item) => void taken.push(item),
    offer(item) {
      if (room()) taken.push(item);
      return room();
    },
    flush() {},
    gather() {},
    drain: () => Promise.resolve(),
  };
  let hasSpace = (): void => {};
  const outlet = new Outlet({
    connect(onSpace) {
      hasSpace = onSpace;
      return delivery;
    },
    queue: { ...deliveryOptions.queue, ...queue },
    openStorage: storage === undefined ? null : async () => storage.queue,
    now: () => nowMs,
  });
  const settle = (settlement: Settlement): void => taken.shift()?.settle(settlement);
  return { outlet, account: new ExporterAccount(id), taken, settle, stats: delivery.stats, hasSpace: () => hasSpace() };
}

interface Surroundings {
  readonly shareBytes?: number;
  readonly isBatched?: boolean;
  readonly links?: readonly Link[];
  readonly isBeside?: boolean;
}

async function fanOutOf(branches: readonly ReturnType<typeof branchOf>[], around: Surroundings = {}) {
  const { shareBytes = 1000, isBatched = true, links = [], isBeside = false } = around;
  const resumed = { times: 0 };
  for (const { outlet, account } of branches) await outlet.start(() => account);
  const fanOut = new FanOut({
    pipeline: 'traces',
    branches,
    links,
    isBeside,
    shareBytes,
    isBatched,
    resumed: () => void resumed.times++,
    log: pino({ level: 'silent' }),
  });
  const { arena, next } = createBatches();
  const answers: (Refusal | null)[] = [];
  const send = (): void => {
    const batch = next();
    batch.whenSecured((refusal) => void answers.push(refusal));
    fanOut.send(batch);
  };
  return { fanOut, arena, send, answers, resumed };
}

const failed: Settlement = {
  exported: 0,
  failures: [{ reason: 'retries_exhausted', spans: 1 }],
  message: 'no connection',
  retryable: true,
  isDoubtful: false,
  kept: false,
};

test('every branch gets the batch, and its memory is free when the last has settled it', async () => {
  const [a, b] = [branchOf(), branchOf()];
  const { send, arena, answers, fanOut } = await fanOutOf([a, b]);
  send();
  assert.equal(fanOut.answersWhenSecured, false);
  assert.deepEqual(answers, [null], 'a queue in memory secures at once');
  a.settle(exportedWhole(1));
  assert.equal(arena.used, 4096);
  b.settle(failed);
  assert.equal(arena.used, 0);
  assert.deepEqual([a.account.exported, b.account.exported, [...b.account.failed]], [1, 0, [['retries_exhausted', 1]]]);
});

test('with wait_for_result the client is answered when its spans were exported, with what became of them', async () => {
  const [a, b] = [branchOf({ queue: { waitForResult: 'yes' } }), branchOf()];
  const { send, answers, fanOut } = await fanOutOf([a, b]);
  assert.equal(fanOut.answersWhenSecured, true);
  send();
  b.settle(exportedWhole(1));
  assert.deepEqual(answers, []);
  a.settle(exportedWhole(1));
  assert.deepEqual(answers, [null]);
  send();
  a.settle(failed);
  assert.deepEqual(answers, [null, { kind: 'retry', message: 'no connection' }]);
});

test('an exporter without a queue answers when it has exported, but not behind a batch processor', async () => {
  const queue = { waitForResult: 'unbatched' } as const;
  assert.equal((await fanOutOf([branchOf({ queue })], { isBatched: true })).fanOut.answersWhenSecured, false);
  assert.equal((await fanOutOf([branchOf({ queue })], { isBatched: false })).fanOut.answersWhenSecured, true);
});

test('with storage the client is answered when its spans are stored, and they are removed when they were exported', async () => {
  const storage = fakeStorage();
  const a = branchOf({ storage });
  const { send, answers, arena } = await fanOutOf([a]);
  send();
  assert.deepEqual(answers, []);
  await turn();
  assert.deepEqual([answers, storage.kept.size, a.account.held], [[null], 1, 1]);
  a.settle(exportedWhole(1));
  await turn();
  assert.deepEqual([storage.kept.size, a.account.held, a.account.exported, arena.used], [0, 0, 1, 0]);
});

test('what is stored and not exported soon takes no memory, and is read when its turn comes', async () => {
  const storage = fakeStorage();
  const a = branchOf({ storage, queue: { consumers: 1 } });
  const { send, arena } = await fanOutOf([a]);
  for (let i = 0; i < 10; i++) send();
  await turn();
  assert.deepEqual([storage.kept.size, arena.used], [10, 2 * 4096]);
  assert.equal(Buffer.concat([...(await a.taken[0].open())]).length, 10);
  assert.equal(storage.read, 0);
  assert.equal(Buffer.concat([...(await a.taken[9].open())]).toString(), 'stored');
});

test('a disk that is full refuses the client, who may come again, and nobody gets the spans', async () => {
  const storage = fakeStorage();
  const [a, b] = [branchOf({ storage, queue: { blockOnOverflow: true } }), branchOf()];
  const { send, answers, arena } = await fanOutOf([a, b]);
  storage.full = true;
  send();
  await turn();
  assert.equal(answers[0]?.kind, 'retry');
  assert.match(answers[0]?.message ?? '', /no space left/);
  assert.deepEqual([a.taken.length, b.taken.length, arena.used], [0, 0, 0]);
  assert.deepEqual([[...a.account.failed], [...b.account.failed]], [[['not_stored', 1]], [['not_stored', 1]]]);
  storage.full = false;
  send();
  await turn();
  assert.deepEqual([answers[1], a.taken.length, b.taken.length], [null, 1, 1]);
});

test('a full disk of one branch does not hold back the others, unless it is to', async () => {
  const storage = fakeStorage();
  const [a, b] = [branchOf({ storage }), branchOf()];
  const { send, answers } = await fanOutOf([a, b]);
  storage.full = true;
  send();
  await turn();
  assert.deepEqual([answers[0]?.kind, b.taken.length, [...a.account.failed]], ['partial', 1, [['not_stored', 1]]]);
  assert.equal(a.stats.enqueueFailedSpans, 1);
});

test('a stored queue that is full refuses the client', async () => {
  const a = branchOf({ storage: fakeStorage(), room: () => false });
  const { send, answers } = await fanOutOf([a]);
  send();
  await turn();
  assert.match(answers[0]?.message ?? '', /queue is full/);
});

test('with block_on_overflow the batch waits until a stored queue has room, and is refused at the end', async () => {
  let rooms = 1;
  const setup = { storage: fakeStorage(), queue: { blockOnOverflow: true }, room: () => rooms > 0 };
  const [a, b] = [branchOf(setup), branchOf()];
  const { send, answers, fanOut, resumed } = await fanOutOf([a, b]);
  send();
  await turn();
  rooms = 0;
  send();
  send();
  await turn();
  assert.deepEqual([answers.length, a.taken.length, b.taken.length], [1, 1, 1]);
  assert.deepEqual([fanOut.heldSpans, fanOut.holdsBack], [2, true]);
  rooms = 1;
  a.hasSpace();
  await turn();
  await turn();
  assert.deepEqual([answers, a.taken.length, b.taken.length], [[null, null, null], 3, 3]);
  assert.deepEqual([fanOut.heldSpans, fanOut.holdsBack, resumed.times], [0, false, 1]);
  rooms = 0;
  send();
  fanOut.end();
  await turn();
  assert.match(answers[3]?.message ?? '', /queue is full/);
});

test('an exporter with its share of the memory holds back its pipeline, and one whose backend takes nothing misses what comes', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const [dead, live] = [branchOf(), branchOf({ id: 'b' })];
  const { send, fanOut, resumed } = await fanOutOf([dead, live], { shareBytes: 15 });
  const counts = (): number[] => [dead.taken.length, live.taken.length, fanOut.heldSpans];
  send();
  send();
  live.settle(exportedWhole(1));
  live.settle(exportedWhole(1));
  send();
  nowMs += 5000;
  live.stats.lastSuccessAt = nowMs;
  t.mock.timers.tick(5000);
  assert.deepEqual([counts(), fanOut.holdsBack], [[2, 0, 1], true], 'it may still be slow and not dead');
  nowMs += 1;
  t.mock.timers.tick(1);
  assert.deepEqual([counts(), fanOut.holdsBack, resumed.times], [[2, 1, 0], false, 1]);
  assert.deepEqual([...dead.account.failed], [['queue_full', 1]]);
  send();
  assert.deepEqual(counts(), [2, 2, 0]);
  dead.settle(exportedWhole(1));
  live.settle(exportedWhole(1));
  send();
  assert.deepEqual(counts(), [2, 2, 0], 'it is back');
});

test('with block_on_overflow, and where all are full, the batch waits for all', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const [dead, live] = [branchOf({ queue: { blockOnOverflow: true } }), branchOf()];
  const both = [branchOf(), branchOf()];
  const [blocking, all] = [await fanOutOf([dead, live], { shareBytes: 15 }), await fanOutOf(both, { shareBytes: 15 })];
  for (const { send } of [blocking, all]) for (let i = 0; i < 3; i++) send();
  live.settle(exportedWhole(1));
  nowMs += 10_000;
  live.stats.lastSuccessAt = nowMs;
  t.mock.timers.tick(10_000);
  assert.deepEqual([dead.taken.length, live.taken.length, blocking.fanOut.heldSpans], [2, 1, 1]);
  assert.deepEqual([...both.map(({ taken }) => taken.length), all.fanOut.heldSpans], [2, 2, 1]);
  dead.settle(exportedWhole(1));
  await turn();
  assert.deepEqual(
    [dead.taken.length, live.taken.length, blocking.fanOut.heldSpans],
    [2, 2, 0],
    'told, not looked for',
  );
  all.fanOut.flush();
  assert.deepEqual(
    both.map(({ taken }) => taken.length),
    [3, 3],
    'at the end all goes to the queues',
  );
});

test('what an earlier process left is exported first, and counted as recovered', async () => {
  const entry = {
    key: 7,
    spans: 5,
    bytes: 50,
    tag: JSON.stringify({ pipeline: 'traces', metadata: { tenant: ['x'] } }),
  };
  const a = branchOf({ storage: fakeStorage([entry]) });
  await fanOutOf([a]);
  assert.deepEqual([a.account.recovered, a.account.held, a.taken[0]?.metadata], [5, 5, { tenant: ['x'] }]);
  assert.equal(Buffer.concat([...(await a.taken[0].open())]).toString(), 'stored');
  a.settle(exportedWhole(5));
  assert.deepEqual([a.account.held, a.account.exported], [0, 5]);
});

test('client metadata that are larger than a tag are stored with the spans, and come back with them', async () => {
  const values = new Map<number, Buffer>();
  const queue: StoredQueue = {
    ...fakeStorage().queue,
    async append(segments, spans, tag) {
      assert.ok(Buffer.byteLength(tag) <= 1024, `a tag of ${tag.length} characters`);
      const bytes = Buffer.concat([...segments]);
      values.set(1, bytes);
      return { key: 1, spans, bytes: bytes.length, tag };
    },
    read: async ({ key }) => values.get(key) ?? Buffer.alloc(0),
  };
  const storage = { ...fakeStorage(), queue };
  const metadata = { tenant: ['ä'.repeat(3000)] };
  const [stored] = await (async () => {
    const { outlet } = branchOf({ storage });
    await outlet.start(() => new ExporterAccount('a'));
    return [await outlet.store(createBatches().next(2, metadata), 'traces')];
  })();
  assert.ok(stored !== null);
  const again = branchOf({ storage: { ...storage, queue: { ...queue, recovered: [stored] } } });
  await again.outlet.start(() => again.account);
  const [item] = again.taken;
  assert.deepEqual([item.metadata, item.bytes, item.spans], [metadata, 10, 2]);
  assert.deepEqual(Buffer.concat([...(await item.open())]), Buffer.alloc(10));
  values.set(1, Buffer.from('not what was stored'));
  const broken = branchOf({ storage: { ...storage, queue: { ...queue, recovered: [stored] } } });
  await broken.outlet.start(() => broken.account);
  assert.deepEqual([broken.taken.length, broken.taken[0].metadata], [1, {}], 'what cannot be read keeps its place');
});

test('what is kept at the end of a drain stays stored and held', async () => {
  const storage = fakeStorage();
  const a = branchOf({ storage });
  const { send, arena } = await fanOutOf([a]);
  send();
  await turn();
  a.settle({ ...exportedWhole(0), kept: true });
  await turn();
  assert.deepEqual([storage.kept.size, a.account.held, arena.used], [1, 1, 0]);
});

test('how near it is to holding back is the fullest exporter that the others wait for', async () => {
  const [live, dead] = [branchOf({ id: 'live' }), branchOf({ id: 'dead' })];
  const { fanOut, send } = await fanOutOf([live, dead], { shareBytes: 40 });
  assert.equal(fanOut.fullness, 0);
  send();
  send();
  assert.equal(fanOut.fullness, 0.5);
  live.settle(exportedWhole(1));
  send();
  assert.equal(fanOut.fullness, 0.75);
  nowMs += 10_000;
  live.stats.lastSuccessAt = nowMs;
  assert.equal(fanOut.fullness, 0.5, 'the dead one will be passed over');
  nowMs += 10_000;
  assert.equal(fanOut.fullness, 0.75, 'all are stuck');
  const alone = await fanOutOf([branchOf()], { shareBytes: Number.POSITIVE_INFINITY });
  alone.send();
  assert.equal(alone.fanOut.fullness, 0, 'a single exporter may use all of the memory');
});

/** A connector that takes batches and answers when it is told to. */
function linkOf({ answersWhenSecured = false } = {}) {
  const waiting: { readonly spans: number; readonly end: (refusal: Refusal | null) => void }[] = [];
  const link = {
    targets: [],
    holdsBack: false,
    fullness: 0,
    answersWhenSecured,
    waiting,
    send(batch: GatheredBatch, done: (refusal: Refusal | null) => void) {
      batch.hold();
      const end = (refusal: Refusal | null): void => {
        batch.release();
        done(refusal);
      };
      waiting.push({ spans: batch.spans, end });
    },
  };
  return link;
}

test('a connector gets each batch beside the exporters, and its bytes stay until it lets go', async () => {
  const exporter = branchOf();
  const link = linkOf();
  const { send, arena, answers } = await fanOutOf([exporter], { links: [link] });
  send();
  exporter.settle(exportedWhole(1));
  await turn();
  assert.deepEqual([link.waiting.length, link.waiting[0].spans, answers.length], [1, 1, 0]);
  assert.ok(arena.used > 0);
  link.waiting[0].end({ kind: 'never', message: 'no' });
  assert.deepEqual([arena.used, answers], [0, [{ kind: 'never', message: 'no' }]]);
});

test('what a connector refuses is waited for where no batch stands between, and where those behind secure it', async () => {
  const waits = async (link: ReturnType<typeof linkOf>, isBatched: boolean): Promise<readonly boolean[]> => {
    const { fanOut } = await fanOutOf([branchOf()], { links: [link], isBatched });
    return [fanOut.answersWhenSecured, fanOut.isAlwaysSecured];
  };
  assert.deepEqual(await waits(linkOf(), true), [false, false]);
  assert.deepEqual(await waits(linkOf(), false), [true, false]);
  assert.deepEqual(await waits(linkOf({ answersWhenSecured: true }), true), [true, true]);
  const { fanOut } = await fanOutOf([branchOf()], { isBatched: false });
  assert.deepEqual([fanOut.answersWhenSecured, fanOut.isAlwaysSecured], [false, false]);
  // With an exporter beside it, batches of single requests would be too many for that.
  const apart = async (exporters: number, isBatched: boolean): Promise<boolean> => {
    const branches = Array.from({ length: exporters }, () => branchOf());
    return (await fanOutOf(branches, { links: [linkOf()], isBatched })).fanOut.keepsApart;
  };
  assert.deepEqual([await apart(0, false), await apart(1, false), await apart(0, true)], [true, false, false]);
});

test('a connector that holds back holds back the pipeline, though what is under way still passes', async () => {
  const link = linkOf();
  const { fanOut, send } = await fanOutOf([], { links: [link] });
  link.holdsBack = true;
  link.fullness = 0.75;
  assert.deepEqual([fanOut.holdsBack, fanOut.fullness], [true, 0.75]);
  send();
  assert.equal(link.waiting.length, 1);
  fanOut.end();
  assert.equal(fanOut.holdsBack, false, 'nothing more comes: what is there has to get through');
});

test('exporters that are all stuck hold back their pipeline for ever, unless others wait beside it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const stuck = async (around: Surroundings) => {
    const exporter = branchOf();
    const { fanOut, send } = await fanOutOf([exporter], { shareBytes: 15, ...around });
    for (let i = 0; i < 3; i++) send();
    assert.deepEqual([fanOut.holdsBack, fanOut.heldSpans], [true, 1], 'at first it may only be slow');
    nowMs += 10_000;
    t.mock.timers.tick(10_000);
    return [fanOut.holdsBack, fanOut.heldSpans, exporter.account.failed.get('queue_full')];
  };
  assert.deepEqual(await stuck({}), [true, 1, undefined]);
  assert.deepEqual(await stuck({ isBeside: true }), [false, 0, 1]);
  const link = linkOf();
  assert.deepEqual(await stuck({ links: [link] }), [false, 0, 1]);
  assert.equal(link.waiting.length, 3, 'those behind the connector miss nothing');
});
