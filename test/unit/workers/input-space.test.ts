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

test('whatever is reserved, finished and released, places do not overlap, and in the end only the open slab is left', () => {
  const action = fc.oneof(
    fc.record({ length: fc.oneof(fc.nat(3000), fc.nat(65_536), fc.nat(mib)), isWhole: fc.boolean() }),
    fc.record({ release: fc.nat() }),
    fc.record({ finish: fc.nat() }),
  );
  const property = fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
    const { arena, space } = create();
    const held: Place[] = [];
    const unfinished = new Set<Place>();
    for (const one of actions) {
      if ('length' in one) {
        const place = space.reserve(one.length, one.isWhole);
        if (place === null) continue;
        assert.equal(place.length, one.length);
        held.push(place);
        if (!one.isWhole) unfinished.add(place);
      } else if (held.length === 0) {
        continue;
      } else if ('finish' in one) {
        const place = held[one.finish % held.length];
        space.finish(place);
        unfinished.delete(place);
      } else {
        const [place] = held.splice(one.release % held.length, 1);
        space.release(place);
        unfinished.delete(place);
      }
      const sorted = held.toSorted((x, y) => x.offset - y.offset || x.length - y.length);
      for (let i = 1; i < sorted.length; i++)
        assert.ok(sorted[i].offset >= sorted[i - 1].offset + sorted[i - 1].length);
      assert.ok(arena.used <= limit);
      const bytes = [...unfinished].reduce((sum, { length }) => sum + length, 0);
      assert.ok(bytes <= limit / 2, `${bytes} bytes are not whole`);
    }
    for (const place of held) space.release(place);
    assert.ok(arena.used <= 256 << 10, `${arena.used} bytes are left`);
    // Nothing counts as unfinished any more: half of the inputs' share can be taken again.
    assert.notEqual(space.reserve(4096, false), null);
    assert.notEqual(space.reserve(limit / 2 - 4096, false), null);
  });
  fc.assert(property, { numRuns: 200 });
});

test('messages that are not whole take half of the share of inputs, each apart, and leave the rest to whole ones', () => {
  const { arena, space } = create();
  const slow = [space.reserve(mib, false), space.reserve(mib - 4096, false), space.reserve(10, false)] as Place[];
  assert.ok(slow.every((place) => place !== null));
  assert.equal(space.reserve(1, false), null);
  assert.equal(arena.used, limit / 2);
  assert.equal(fill(space).length, limit / 2 / mib);
});

test('one message may always come, however large, when no other is unfinished', () => {
  const { space } = create();
  const large = space.reserve(limit, false) as Place;
  assert.notEqual(large, null);
  space.release(large);
  const small = space.reserve(1, false) as Place;
  assert.equal(space.reserve(limit / 2 + 1, false), null);
  space.finish(small);
  assert.notEqual(space.reserve(limit / 2 + 1, false), null);
});

test('a message that became whole counts as unfinished no more, and one that never does until it is released', async () => {
  const { space } = create();
  const [first, second] = [space.reserve(mib, false), space.reserve(mib, false)] as Place[];
  const waiting = [space.reserveLater(mib, false), space.reserveLater(mib, false)];
  space.finish(first);
  space.finish(first);
  assert.notEqual(await waiting[0], null, 'finishing serves who waits for it');
  let isServed = false;
  void waiting[1].then(() => {
    isServed = true;
  });
  await Promise.resolve();
  assert.equal(isServed, false, 'finishing twice counted twice');
  space.release(second);
  assert.notEqual(await waiting[1], null, 'releasing gives the share back');
});

test('messages that are whole do not queue behind ones that wait for the share of unfinished ones', async () => {
  const { space } = create();
  const slow = [space.reserve(mib, false), space.reserve(mib, false)] as Place[];
  const order: string[] = [];
  const wait = async (name: string, length: number, isWhole: boolean): Promise<Place | null> => {
    const place = await space.reserveLater(length, isWhole);
    order.push(name);
    return place;
  };
  const waiting = [wait('slow', mib, false), wait('slower', 10, false)];
  assert.notEqual(space.reserve(1000, true), null, 'there is room for it');
  const whole = fill(space);
  assert.equal(whole.length, 1);
  // Now there is none, and a whole one waits for it behind the two.
  waiting.push(wait('whole', mib, true));
  assert.equal(space.reserve(mib, true), null);
  space.release(whole[0]);
  space.serveWaiters();
  await waiting[2];
  assert.deepEqual(order, ['whole']);
  space.release(slow[0]);
  space.serveWaiters();
  await Promise.all(waiting);
  assert.deepEqual(order, ['whole', 'slow', 'slower'].slice(0, order.length));
  assert.equal(order.length, 3);
});

test('an open slab that becomes empty serves who waits for room in it', async () => {
  const { space } = create();
  const small = Array.from({ length: 4 }, () => space.reserve(64 << 10, true) as Place);
  fill(space);
  for (let i = 0; i < 100; i++) space.reserve(70 << 10, true);
  assert.equal(space.reserve(1000, true), null);
  const waiting = space.reserveLater(1000, true);
  for (const place of small) space.release(place);
  assert.equal((await waiting)?.offset, small[0].offset);
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
