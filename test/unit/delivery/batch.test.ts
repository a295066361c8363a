import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { BatchingOptions } from '../../../src/component/processor.ts';
import {
  type FlushCause,
  GatheredBatch,
  Gatherer,
  type GathererHost,
  PendingJob,
  type Refusal,
} from '../../../src/delivery/batch.ts';
import { Arena, type Range, Slab } from '../../../src/workers/arena.ts';

const at = 4096;
const memory = Buffer.from(Array.from({ length: 1 << 16 }, (_, i) => i % 251));

function slabs(count: number): { arena: Arena; slabs: Slab[] } {
  const arena = new Arena(at, 8 * 4096, 8 * 4096);
  return { arena, slabs: Array.from({ length: count }, () => new Slab(arena, arena.allocate(4096) as Range)) };
}

test('what lies side by side is one segment, and other slabs are others', () => {
  const {
    slabs: [first, second],
  } = slabs(2);
  const batch = new GatheredBatch(memory, {});
  const { at: a } = first.range;
  const { at: b } = second.range;
  batch.add(first, a, 100, 3);
  batch.add(first, a + 100, 50, 2);
  batch.add(first, a + 200, 10, 1);
  batch.add(second, b, 20, 4);
  batch.add(second, b + 20, 0, 0);
  assert.deepEqual(batch.pieces, [
    { slab: first, at: a, length: 150, spans: 5 },
    { slab: first, at: a + 200, length: 10, spans: 1 },
    { slab: second, at: b, length: 20, spans: 4 },
  ]);
  assert.deepEqual([batch.spans, batch.bytes], [10, 180]);
  assert.ok(
    Buffer.concat(batch.segments).equals(
      Buffer.concat([memory.subarray(a, a + 150), memory.subarray(a + 200, a + 210), memory.subarray(b, b + 20)]),
    ),
  );
});

test('slabs live until every holder of the batch let go', () => {
  const {
    arena,
    slabs: [first, second],
  } = slabs(2);
  const batch = new GatheredBatch(memory, {});
  batch.add(first, first.range.at, 100, 1);
  batch.add(second, second.range.at, 100, 1);
  first.release();
  second.release();
  assert.equal(arena.used, 2 * 4096);
  batch.hold();
  batch.release();
  assert.equal(arena.used, 2 * 4096);
  batch.release();
  assert.equal(arena.used, 0);
});

interface Emitted {
  readonly spans: number;
  readonly cause: FlushCause;
  readonly metadata: unknown;
}

/** A gatherer over one slab, and what it emitted; every batch is let go at once. */
function gather(t: TestContext, batching: Partial<BatchingOptions> | null) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  const pass = (ms: number): void => {
    nowMs += ms;
    t.mock.timers.tick(ms);
  };
  const emitted: Emitted[] = [];
  const all = { minSpans: 10, maxSpans: 0, timeoutMs: 100, metadataKeys: [], metadataCardinalityLimit: 0 };
  const host: GathererHost = {
    memory,
    batching: batching === null ? null : { ...all, ...batching },
    emit(batch, cause) {
      emitted.push({ spans: batch.spans, cause, metadata: batch.metadata });
      batch.release();
    },
  };
  const gatherer = new Gatherer(host, { tenant: ['a'] });
  const {
    arena,
    slabs: [slab],
  } = slabs(1);
  let end = slab.range.at;
  const append = (spans: number): void => {
    gatherer.append(slab, end, end + spans * 10, spans, null);
    end += spans * 10;
  };
  const job = (spans: number): void => {
    append(spans);
    gatherer.settle();
  };
  return { arena, slab, gatherer, emitted, append, job, pass };
}

test('a batch goes after the job that filled it', (t) => {
  const { emitted, job, gatherer } = gather(t, { minSpans: 10 });
  job(4);
  job(5);
  assert.deepEqual([emitted.length, gatherer.spans], [0, 9]);
  job(30);
  assert.deepEqual(emitted, [{ spans: 39, cause: 'size', metadata: { tenant: ['a'] } }]);
  assert.equal(gatherer.spans, 0);
});

test('a smaller one goes when the timeout ticks, which it does from the last batch on', (t) => {
  const { emitted, job, pass } = gather(t, { timeoutMs: 100 });
  pass(30);
  job(1);
  pass(30);
  job(1);
  pass(39);
  assert.equal(emitted.length, 0);
  pass(1);
  assert.deepEqual(
    emitted.map(({ spans, cause }) => [spans, cause]),
    [[2, 'timeout']],
  );
  pass(250);
  job(3);
  pass(49);
  assert.equal(emitted.length, 1);
  pass(1);
  assert.deepEqual(
    emitted.map(({ spans }) => spans),
    [2, 3],
  );
});

test('the time begins anew after a batch that went for its size', (t) => {
  const { emitted, job, pass } = gather(t, { timeoutMs: 100 });
  job(1);
  pass(60);
  job(20);
  job(2);
  pass(99);
  assert.equal(emitted.length, 1);
  pass(1);
  assert.deepEqual(
    emitted.map(({ spans }) => spans),
    [21, 2],
  );
});

for (const [what, batching] of [
  ['without a batch processor', null],
  ['without a timeout', { timeoutMs: 0, minSpans: 1000 }],
] as const) {
  test(`${what} each job's output goes at once`, (t) => {
    const { emitted, job } = gather(t, batching);
    job(1);
    job(2);
    assert.deepEqual(
      emitted.map(({ spans }) => spans),
      [1, 2],
    );
  });
}

test('a job that gave nothing sends nothing', (t) => {
  const { emitted, job, gatherer } = gather(t, null);
  job(0);
  gatherer.flush('drain');
  assert.deepEqual(emitted, []);
});

test('closing gives back the rest of the slab, and the batch keeps its part', (t) => {
  const { arena, slab, gatherer, append } = gather(t, {});
  gatherer.slab = slab;
  append(5);
  gatherer.at = slab.range.at + 50;
  const shrunk: [Slab, number][] = [];
  gatherer.closeSlab((closed, end) => shrunk.push([closed, end]));
  gatherer.closeSlab(() => assert.fail('closed twice'));
  assert.deepEqual(shrunk, [[slab, slab.range.at + 50]]);
  assert.equal(arena.used, 4096);
  gatherer.flush('drain');
  assert.equal(arena.used, 0);
});

test('a client is answered when each batch that has spans of its job is secured', (t) => {
  const { gatherer, slab } = gather(t, { minSpans: 1000 });
  const answers: (Refusal | null)[] = [];
  const batches: GatheredBatch[] = [];
  const pending = new PendingJob((refusal) => void answers.push(refusal));
  const waitFor = pending.waitFor.bind(pending);
  pending.waitFor = (batch) => {
    batches.push(batch);
    waitFor(batch);
  };
  gatherer.append(slab, slab.range.at, slab.range.at + 10, 1, pending);
  gatherer.append(slab, slab.range.at + 10, slab.range.at + 20, 1, pending);
  gatherer.flush('size');
  gatherer.append(slab, slab.range.at + 20, slab.range.at + 30, 1, pending);
  pending.written();
  gatherer.flush('drain');
  const [first, , second] = batches;
  assert.notEqual(first, second);
  first.secure(null);
  assert.deepEqual(answers, [], 'the second batch has spans of it too');
  second.secure({ kind: 'retry', message: 'the disk is full' });
  assert.deepEqual(answers, [{ kind: 'retry', message: 'the disk is full' }]);
});

test('a job whose spans were all dropped is answered when it is written', () => {
  let answered = 0;
  new PendingJob(() => void answered++).written();
  assert.equal(answered, 1);
});
