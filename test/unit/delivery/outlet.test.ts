import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DeliveryItem, exportedWhole, type Settlement } from '../../../src/delivery/item.ts';
import { ExporterAccount } from '../../../src/delivery/ledger.ts';
import { Outlet } from '../../../src/delivery/outlet.ts';
import type { Delivery } from '../../../src/delivery/queue.ts';
import { createBatches, deliveryOptions, deliveryStats } from './delivery-host.ts';

/** A delivery with room for `room` items, settled by the test. */
function fakeDelivery(room: number) {
  const taken: DeliveryItem[] = [];
  let onSpace = (): void => {};
  let refused = false;
  const claim = (): boolean => {
    refused ||= taken.length >= room;
    return taken.length < room;
  };
  const delivery: Delivery = {
    stats: deliveryStats(),
    claim,
    unclaim() {},
    hasRoomFor: claim,
    put: (item) => void taken.push(item),
    offer(item) {
      if (!claim()) return false;
      taken.push(item);
      return true;
    },
    flush() {},
    gather() {},
    async drain() {
      while (taken.length > 0) settle(failed('shutdown'));
    },
  };
  function settle(settlement: Settlement): void {
    taken.shift()?.settle(settlement);
    if (!refused) return;
    refused = false;
    onSpace();
  }
  const outlet = new Outlet({
    connect(callback) {
      onSpace = callback;
      return delivery;
    },
    queue: deliveryOptions.queue,
    openStorage: null,
    now: () => 0,
  });
  return { outlet, taken, settle };
}

const exported = exportedWhole(1);
const failed = (reason: string): Settlement => ({ ...exportedWhole(0), failures: [{ reason, spans: 1 }] });

test('what the queue does not take waits in order, and everything is held until it is settled', () => {
  const { outlet, taken, settle } = fakeDelivery(2);
  const { arena, next } = createBatches();
  const account = new ExporterAccount('a');
  const batches = Array.from({ length: 5 }, () => next());
  const segments = batches.map((batch) => batch.segments);
  for (const batch of batches) {
    outlet.send(batch, account);
    batch.release();
  }
  assert.deepEqual([account.held, taken.length, arena.used], [5, 2, 5 * 4096]);
  const order: unknown[] = [];
  while (taken.length > 0) {
    order.push(taken[0].open());
    settle(exported);
  }
  assert.deepEqual(order, segments);
  assert.deepEqual([account.held, account.exported, arena.used], [0, 5, 0]);
});

test('one that comes while others wait does not overtake them', () => {
  const { outlet, taken, settle } = fakeDelivery(1);
  const { next } = createBatches();
  const account = new ExporterAccount('a');
  const batches = [next(), next(), next()];
  outlet.send(batches[0], account);
  outlet.send(batches[1], account);
  settle(exported);
  outlet.send(batches[2], account);
  assert.equal(taken[0].open(), batches[1].segments);
  settle(exported);
  assert.equal(taken[0].open(), batches[2].segments);
});

test('failures are counted by reason in the account of the pipeline that sent them', () => {
  const { outlet, settle } = fakeDelivery(10);
  const { next } = createBatches();
  const first = new ExporterAccount('a');
  const second = new ExporterAccount('a');
  outlet.send(next(), first);
  outlet.send(next(), second);
  outlet.send(next(), second);
  settle(exported);
  settle(failed('refused'));
  settle(failed('refused'));
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
