import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatheredBatch } from '../../../src/delivery/batch.ts';
import { ExporterAccount } from '../../../src/delivery/ledger.ts';
import { Outlet } from '../../../src/delivery/outlet.ts';
import type { Delivery, DeliveryItem } from '../../../src/delivery/queue.ts';
import { Arena, type Range, Slab } from '../../../src/workers/arena.ts';

/** A delivery with room for `room` items, settled by the test. */
function fakeDelivery(room: number) {
  const taken: DeliveryItem[] = [];
  let onSpace = (): void => {};
  let refused = false;
  const delivery: Delivery = {
    stats: {
      exporter: 'a',
      queueEnabled: true,
      queueSize: 0,
      queueCapacity: room,
      inFlight: 0,
      sentSpans: 0,
      failedSpans: new Map(),
      retries: 0,
    },
    offer(item) {
      refused ||= taken.length >= room;
      if (taken.length >= room) return false;
      taken.push(item);
      return true;
    },
    async drain() {
      while (taken.length > 0) settle({ exported: 0, failed: 1, reason: 'shutdown' });
    },
  };
  function settle(settlement: Parameters<DeliveryItem['settle']>[0]): void {
    taken.shift()?.settle(settlement);
    if (!refused) return;
    refused = false;
    onSpace();
  }
  const outlet = new Outlet((callback) => {
    onSpace = callback;
    return delivery;
  });
  return { outlet, taken, settle };
}

function createBatches(): { arena: Arena; next(): GatheredBatch } {
  const arena = new Arena(0, 1 << 20, 1 << 20);
  return {
    arena,
    next() {
      const slab = new Slab(arena, arena.allocate(4096) as Range);
      const batch = new GatheredBatch(Buffer.alloc(0), {});
      batch.add(slab, slab.range.at, 10, 1);
      slab.release();
      return batch;
    },
  };
}

test('what the queue does not take waits in order, and everything is held until it is settled', () => {
  const { outlet, taken, settle } = fakeDelivery(2);
  const { arena, next } = createBatches();
  const account = new ExporterAccount('a');
  const batches = Array.from({ length: 5 }, () => next());
  for (const batch of batches) {
    outlet.send(batch, account);
    batch.release();
  }
  assert.deepEqual([account.held, taken.length, arena.used], [5, 2, 5 * 4096]);
  const order: unknown[] = [];
  while (taken.length > 0) {
    order.push(taken[0].batch);
    settle({ exported: 1, failed: 0, reason: '' });
  }
  assert.deepEqual(order, batches);
  assert.deepEqual([account.held, account.exported, arena.used], [0, 5, 0]);
});

test('one that comes while others wait does not overtake them', () => {
  const { outlet, taken, settle } = fakeDelivery(1);
  const { next } = createBatches();
  const account = new ExporterAccount('a');
  const batches = [next(), next(), next()];
  outlet.send(batches[0], account);
  outlet.send(batches[1], account);
  settle({ exported: 1, failed: 0, reason: '' });
  outlet.send(batches[2], account);
  assert.equal(taken[0].batch, batches[1]);
  settle({ exported: 1, failed: 0, reason: '' });
  assert.equal(taken[0].batch, batches[2]);
});

test('failures are counted by reason in the account of the pipeline that sent them', () => {
  const { outlet, settle } = fakeDelivery(10);
  const { next } = createBatches();
  const first = new ExporterAccount('a');
  const second = new ExporterAccount('a');
  outlet.send(next(), first);
  outlet.send(next(), second);
  outlet.send(next(), second);
  settle({ exported: 1, failed: 0, reason: '' });
  settle({ exported: 0, failed: 1, reason: 'refused' });
  settle({ exported: 0, failed: 1, reason: 'refused' });
  assert.deepEqual([first.exported, [...first.failed]], [1, []]);
  assert.deepEqual([second.exported, [...second.failed]], [0, [['refused', 2]]]);
});

test('a drain goes on until what waited outside of the queue is settled too', async () => {
  const { outlet, taken } = fakeDelivery(2);
  const { arena, next } = createBatches();
  const account = new ExporterAccount('a');
  for (let i = 0; i < 7; i++) {
    const batch = next();
    outlet.send(batch, account);
    batch.release();
  }
  await outlet.drain(1000);
  assert.deepEqual([taken.length, account.held, arena.used, [...account.failed]], [0, 0, 0, [['shutdown', 7]]]);
});
