import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeliveryOptions } from '../../../src/component/exporter.ts';
import type { DeliveryItem } from '../../../src/delivery/item.ts';
import { createShipments, type Shipment } from '../../../src/delivery/shipments.ts';
import { itemOf } from './delivery-host.ts';
import { createFakeClock } from './fake-clock.ts';

type Batching = NonNullable<DeliveryOptions['queue']['batch']>;
const batching: Batching = { flushTimeoutMs: 200, minSize: 10, maxSize: 0, sizer: 'items', metadataKeys: [] };

const named = new Map<DeliveryItem, string>();
const item = (name: string, spans: number, metadata: DeliveryItem['metadata'] = {}): DeliveryItem => {
  const made = { ...itemOf(name, spans, spans * 100, () => {}), metadata };
  named.set(made, name);
  return made;
};
/** Of one span. */
const sized = (name: string, bytes: number, stored = false): DeliveryItem => {
  const made = { ...item(name, 1), bytes, stored };
  named.set(made, name);
  return made;
};
const names = (shipment: Shipment | undefined): string | undefined =>
  shipment?.items.map((one) => named.get(one)).join('');

function shipmentsOf(change: Partial<Batching> = {}) {
  const clock = createFakeClock();
  const due = { times: 0 };
  const shipments = createShipments({ ...batching, ...change }, clock, () => void due.times++);
  const put = (...items: DeliveryItem[]): void => {
    for (const one of items) shipments.put(one);
  };
  return { clock, due, shipments, put };
}

test('without batching each item goes alone, in order', () => {
  const shipments = createShipments(null, createFakeClock(), () => {});
  for (const name of 'abc') shipments.put(item(name, 1));
  assert.equal(shipments.length, 3);
  assert.deepEqual([names(shipments.take()), names(shipments.take()), names(shipments.take())], ['a', 'b', 'c']);
  assert.equal(shipments.take(), undefined);
});

test('a batch is due when it has the smallest size', () => {
  const { shipments, put, clock } = shipmentsOf();
  put(item('a', 4), item('b', 5));
  assert.equal(shipments.take(), undefined);
  put(item('c', 1), item('d', 30));
  assert.equal(names(shipments.take()), 'abc');
  assert.equal(names(shipments.take()), 'd');
  assert.equal(shipments.length, 0);
  assert.deepEqual(clock.pending(), [], 'no timer is left behind');
});

test('a smaller batch is due when its first item has waited long enough, and that is told', async () => {
  const { shipments, put, clock, due } = shipmentsOf();
  put(item('a', 1));
  await clock.advance(150);
  put(item('b', 1));
  await clock.advance(49);
  assert.deepEqual([due.times, shipments.take()], [0, undefined]);
  await clock.advance(1);
  assert.deepEqual([due.times, names(shipments.take())], [1, 'ab']);
  put(item('c', 1));
  assert.deepEqual(clock.pending(), [200]);
});

test('what would be larger than the largest size begins the next batch; one item alone may be larger', () => {
  const { shipments, put } = shipmentsOf({ minSize: 10, maxSize: 12 });
  put(item('a', 8), item('b', 5), item('c', 40), item('d', 3));
  assert.deepEqual([names(shipments.take()), names(shipments.take()), names(shipments.take())], ['a', 'b', 'c']);
  assert.equal(shipments.take(), undefined, 'd waits for more');
});

test('sizes are bytes where the sizer says so', () => {
  const { shipments, put } = shipmentsOf({ sizer: 'bytes', minSize: 1000 });
  put(item('a', 9));
  assert.equal(shipments.take(), undefined);
  put(item('b', 1));
  assert.equal(names(shipments.take()), 'ab');
});

test('a batch sized in spans goes out before it has more than 64 MiB, however few spans these are', () => {
  const large = (name: string): DeliveryItem => sized(name, 30 << 20);
  const { shipments, put } = shipmentsOf({ minSize: 1000 });
  put(large('a'), large('b'));
  assert.equal(shipments.take(), undefined);
  put(large('c'));
  assert.equal(names(shipments.take()), 'ab');
  const inBytes = shipmentsOf({ minSize: 100 << 20, sizer: 'bytes' });
  inBytes.put(large('a'), large('b'), large('c'));
  assert.equal(inBytes.shipments.take(), undefined, 'who sizes it in bytes wants so many');
});

test('what has more stored bytes than there is room for waits, and nothing overtakes it', () => {
  for (const batching of [null, { minSize: 1 }]) {
    const shipments =
      batching === null ? createShipments(null, createFakeClock(), () => {}) : shipmentsOf(batching).shipments;
    for (const one of [sized('a', 10, true), sized('b', 500, true), sized('c', 10, true)]) shipments.put(one);
    assert.equal(names(shipments.take(100)), 'a');
    assert.equal(shipments.take(499), undefined);
    assert.equal(shipments.length, 2);
    assert.equal(names(shipments.take(500)), 'b');
    assert.equal(names(shipments.take()), 'c');
  }
});

test('clients that differ in the keys of the partition share no batch', () => {
  const { shipments, put } = shipmentsOf({ metadataKeys: ['tenant'] });
  put(item('a', 6, { tenant: ['x'], other: ['1'] }), item('b', 6, { tenant: ['y'] }), item('c', 6, { tenant: ['x'] }));
  const first = shipments.take();
  assert.deepEqual([names(first), first?.metadata], ['ac', { tenant: ['x'] }]);
  assert.equal(shipments.take(), undefined);
  assert.equal(shipments.length, 1);
});

test('a drain makes everything due, also what comes later', () => {
  const { shipments, put } = shipmentsOf();
  put(item('a', 1));
  shipments.flush();
  put(item('b', 1));
  assert.deepEqual([names(shipments.take()), names(shipments.take())], ['a', 'b']);
});

test('after a drain that came to nothing batches are gathered again', () => {
  const { shipments, put } = shipmentsOf();
  shipments.flush();
  put(item('a', 1));
  assert.equal(names(shipments.take()), 'a');
  shipments.gather();
  put(item('b', 4));
  assert.equal(shipments.take(), undefined);
  put(item('c', 6));
  assert.equal(names(shipments.take()), 'bc');
});

test('what begins the next batch of a tenant is found by a drain, and by who comes next', async () => {
  const { shipments, put, clock } = shipmentsOf({ metadataKeys: ['tenant'], maxSize: 12 });
  const of = (name: string, spans: number): DeliveryItem => item(name, spans, { tenant: ['x'] });
  put(of('a', 8), of('b', 6), of('c', 1));
  assert.equal(names(shipments.take()), 'a');
  await clock.advance(200);
  assert.equal(names(shipments.take()), 'bc');
  put(of('d', 8), of('e', 6));
  shipments.flush();
  assert.deepEqual([names(shipments.take()), names(shipments.take())], ['d', 'e']);
  assert.deepEqual(clock.pending(), []);
});
