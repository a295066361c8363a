import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import fc from 'fast-check';
import type { Place } from '../../../src/component/types.ts';
import { Arena } from '../../../src/workers/arena.ts';
import { InputSpace } from '../../../src/workers/input-space.ts';

const mib = 1 << 20;
const budget = 8 * mib;
const limit = budget / 2;

function create(): { arena: Arena; space: InputSpace } {
  const arena = new Arena(4096, 2 * budget, budget);
  return { arena, space: new InputSpace(arena) };
}

/** Fills all of the input's share with ranges of their own. */
function fill(space: InputSpace): Place[] {
  const places: Place[] = [];
  for (let place = space.reserve(mib, true); place !== null; place = space.reserve(mib, true)) places.push(place);
  return places;
}

test('small bodies lie side by side in one slab, large ones apart', () => {
  const { arena, space } = create();
  const small = Array.from({ length: 100 }, () => space.reserve(1000, true) as Place);
  assert.equal(arena.used, 256 << 10);
  for (const [i, place] of small.entries()) assert.equal(place.offset, small[0].offset + i * 1000);
  const large = space.reserve(100_000, true) as Place;
  assert.ok(arena.used > 256 << 10);
  space.release(large);
  assert.equal(arena.used, 256 << 10);
});

test('an open slab that became empty is written to again from its start', () => {
  const { arena, space } = create();
  const first = space.reserve(5000, true) as Place;
  for (let i = 0; i < 1000; i++) {
    const place = space.reserve(5000, true) as Place;
    space.release(place);
    if (i === 20) space.release(first);
  }
  assert.equal(space.reserve(10, true)?.offset, first.offset);
  assert.equal(arena.used, 256 << 10);
});

test('inputs take their half of the budget and no more', () => {
  const { arena, space } = create();
  const places = fill(space);
  assert.equal(places.length, limit / mib);
  assert.equal(arena.used, limit);
  assert.equal(space.reserve(1, true), null);
  for (const place of places) space.release(place);
  assert.equal(arena.used, 0);
});

test('whatever is reserved and released, places do not overlap, and in the end only the open slab is left', () => {
  const action = fc.oneof(
    fc.record({ length: fc.oneof(fc.nat(3000), fc.nat(65_536), fc.nat(mib)) }),
    fc.record({ release: fc.nat() }),
  );
  const property = fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
    const { arena, space } = create();
    const held: Place[] = [];
    for (const one of actions) {
      if ('length' in one) {
        const place = space.reserve(one.length, true);
        if (place !== null) held.push(place);
      } else if (held.length > 0) space.release(held.splice(one.release % held.length, 1)[0]);
      const sorted = held.toSorted((a, b) => a.offset - b.offset || a.length - b.length);
      for (let i = 1; i < sorted.length; i++)
        assert.ok(sorted[i].offset >= sorted[i - 1].offset + sorted[i - 1].length);
      assert.ok(arena.used <= limit);
    }
    for (const place of held) space.release(place);
    assert.ok(arena.used <= 256 << 10, `${arena.used} bytes are left`);
  });
  fc.assert(property, { numRuns: 200 });
});

test('who waits is served in the order of coming, and nobody overtakes', async () => {
  const { space } = create();
  const places = fill(space);
  const served: string[] = [];
  const wait = async (name: string, length: number): Promise<Place> => {
    const place = await space.reserveLater(length, true);
    served.push(name);
    return place as Place;
  };
  const waiting = [wait('large', 2 * mib), wait('small', 10), wait('smaller', 5)];
  space.release(places[0]);
  space.serveWaiters();
  assert.equal(space.reserve(1, true), null, 'one that did not wait was served before those who do');
  space.release(places[1]);
  space.release(places[2]);
  space.serveWaiters();
  const got = await Promise.all(waiting);
  assert.deepEqual(served, ['large', 'small', 'smaller']);
  assert.ok(got.every((place) => place !== null));
  assert.notEqual(space.reserve(1, true), null);
});

test('a wait without space ends after its bound, and lets those behind it try', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const { space } = create();
    const places = fill(space);
    space.release(places[0]);
    const large = space.reserveLater(3 * mib, true);
    mock.timers.tick(100);
    const small = space.reserveLater(1000, true);
    space.serveWaiters();
    mock.timers.tick(200);
    assert.equal(await large, null);
    assert.notEqual(await small, null);
  } finally {
    mock.timers.reset();
  }
});
