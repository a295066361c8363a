import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import fc from 'fast-check';
import type { Place } from '../../../src/component/receiver.ts';
import { Arena } from '../../../src/workers/arena.ts';
import { InputShare, InputSpace } from '../../../src/workers/input-space.ts';

const mib = 1 << 20;
const budget = 8 * mib;
const limit = budget / 2;

/** The space as one receiver sees it. */
interface Receiver extends Pick<InputSpace, 'finish' | 'release' | 'serveWaiters'> {
  readonly share: InputShare;
  reserve(length: number, isWhole: boolean): Place | null;
  reserveLater(length: number, isWhole: boolean): Promise<Place | null>;
}

function receiverOf(space: InputSpace, share = new InputShare()): Receiver {
  return {
    share,
    reserve: (length, isWhole) => space.reserve(share, length, isWhole),
    reserveLater: (length, isWhole) => space.reserveLater(share, length, isWhole),
    finish: (place) => space.finish(place),
    release: (place) => space.release(place),
    serveWaiters: () => space.serveWaiters(),
  };
}

function createFor(receivers: number): { arena: Arena; space: InputSpace; receivers: Receiver[] } {
  const arena = new Arena(4096, 2 * budget, budget);
  const space = new InputSpace(arena);
  const all = Array.from({ length: receivers }, () => receiverOf(space));
  space.shareAmong(all.map(({ share }) => share));
  return { arena, space, receivers: all };
}

function create(): { arena: Arena; space: Receiver } {
  const { arena, receivers } = createFor(1);
  return { arena, space: receivers[0] };
}

/** Fills all that the receiver gets with ranges of their own. */
function fill(space: Receiver, length = mib): Place[] {
  const places: Place[] = [];
  for (let place = space.reserve(length, true); place !== null; place = space.reserve(length, true)) places.push(place);
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

test('whatever is reserved, finished and released, places do not overlap, and in the end only open slabs are left', () => {
  const action = fc.oneof(
    fc.record({ from: fc.nat(2), length: fc.oneof(fc.nat(3000), fc.nat(65_536), fc.nat(mib)), isWhole: fc.boolean() }),
    fc.record({ release: fc.nat() }),
    fc.record({ finish: fc.nat() }),
  );
  const property = fc.property(
    fc.array(action, { maxLength: 200 }),
    fc.integer({ min: 1, max: 3 }),
    (actions, count) => {
      const { arena, space: all, receivers } = createFor(count);
      const [space] = receivers;
      const held: Place[] = [];
      const unfinished = new Set<Place>();
      for (const one of actions) {
        if ('length' in one) {
          const place = receivers[one.from % count].reserve(one.length, one.isWhole);
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
      assert.ok(arena.used <= count * (256 << 10), `${arena.used} bytes are left`);
      for (const { share } of receivers) {
        assert.equal(share.messages, 0);
        assert.equal(share.unfinished, 0);
        assert.equal(share.held, share.open?.bytes ?? 0);
      }
      // Nothing counts as unfinished any more: half of the inputs' share can be taken again.
      all.shareAmong([space.share]);
      assert.notEqual(space.reserve(4096, false), null);
      assert.notEqual(space.reserve(limit / 2 - 4096, false), null);
    },
  );
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

// --- several receivers -----------------------------------------------------------------------------------------------

test('a flood over one receiver borrows what another does not use, and leaves it half of its share', () => {
  const { receivers } = createFor(2);
  const [flood, other] = receivers;
  fill(flood, 128 << 10);
  // Of 4 MiB: its own 2, and 1 of the other's.
  assert.equal(flood.share.held, 3 * mib);
  assert.equal(fill(other, 128 << 10).length, 8, 'the other gets what was kept for it');
  assert.equal(other.share.held, mib);
});

test('of many receivers each gets in, whatever the others hold', () => {
  const { receivers } = createFor(8);
  for (const receiver of receivers) {
    const places = fill(receiver, 70_000);
    assert.ok(places.length >= 3, `one got ${places.length} places`);
  }
  const { receivers: small } = createFor(8);
  for (const receiver of small) {
    assert.notEqual(receiver.reserve(1000, true), null);
    fill(receiver, 128 << 10);
  }
});

test('one message may always come where its receiver has none, when all inputs together have room for it', () => {
  const { receivers } = createFor(3);
  const [first, second, third] = receivers;
  const large = first.reserve(limit - mib, true) as Place;
  assert.notEqual(large, null, 'more than its share, and than what is kept for the others');
  assert.equal(first.reserve(mib / 2, true), null, 'a second one may not');
  assert.notEqual(second.reserve(mib / 2, false), null);
  assert.notEqual(third.reserve(mib / 2, true), null);
  first.release(large);
  assert.notEqual(first.reserve(mib, true), null);
});

test('slow clients of one receiver leave those of another room for messages that are not whole', () => {
  const { receivers } = createFor(2);
  const [slow, other] = receivers;
  const held = Array.from({ length: 40 }, () => slow.reserve(64 << 10, false)).filter((place) => place !== null);
  // Unfinished ones have 2 MiB: half of them is its own, and half of the other half is kept.
  assert.equal(held.length * (64 << 10), 1.5 * mib);
  assert.notEqual(other.reserve(mib / 2, false), null);
  assert.equal(other.reserve(64 << 10, false), null, 'all of it is taken');
  for (const place of held.slice(0, 12)) slow.finish(place);
  assert.notEqual(other.reserve(512 << 10, false), null);
});

test("who waits over its share stands in nobody else's way", async () => {
  const { receivers } = createFor(2);
  const [flood, other] = receivers;
  const places = fill(flood, 128 << 10);
  const order: string[] = [];
  const floods = Array.from({ length: 50 }, () =>
    flood.reserveLater(128 << 10, true).then((place) => {
      if (place !== null) order.push('flood');
    }),
  );
  const taken = fill(other, 128 << 10);
  assert.equal(taken.length, 8, 'nobody waits in front of it');
  const later = other.reserveLater(128 << 10, true).then((place) => {
    if (place !== null) order.push('other');
  });
  flood.release(places[0]);
  flood.serveWaiters();
  await later;
  assert.deepEqual(order, ['other']);
  for (const place of places.slice(1)) flood.release(place);
  flood.serveWaiters();
  await Promise.all(floods.slice(0, 8));
  assert.ok(order.length >= 9, 'then the flood has its turn');
});

test('where two receivers wait for what others free, both are served in turns, and each in the order of coming', async () => {
  const { arena, receivers } = createFor(2);
  const [first, second] = receivers;
  // Output fills the budget.
  const outputs = Array.from({ length: budget / mib }, () => arena.allocate(mib));
  const order: string[] = [];
  const wait = (name: string, receiver: Receiver): Promise<void> =>
    receiver.reserveLater(100_000, true).then((place) => void (place === null || order.push(name)));
  const waiting = [
    ...Array.from({ length: 6 }, (_, i) => wait(`a${i}`, first)),
    wait('b0', second),
    wait('b1', second),
  ];
  const [freed] = outputs;
  if (freed !== null) arena.free(freed);
  first.serveWaiters();
  await Promise.all(waiting);
  assert.deepEqual(order, ['a0', 'b0', 'a1', 'b1', 'a2', 'a3', 'a4', 'a5']);
});

test('of very many who wait some are served and the others give up, and nobody is left in the way', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const { receivers } = createFor(2);
    const [flood, other] = receivers;
    const places = fill(flood, 128 << 10);
    const many = 100_000;
    const ends = Array.from({ length: many }, () => flood.reserveLater(128 << 10, true));
    mock.timers.tick(100);
    const served = other.reserveLater(2 * mib, true);
    for (const place of places) flood.release(place);
    flood.serveWaiters();
    mock.timers.tick(200);
    const got = (await Promise.all(ends)).filter((place) => place !== null);
    assert.ok(got.length > 0 && got.length < 30, String(got.length));
    assert.notEqual(await served, null);
    for (const place of got) flood.release(place);
    assert.notEqual(flood.reserve(1000, true), null);
  } finally {
    mock.timers.reset();
  }
});

test('a receiver that the configuration has no more keeps nothing, and its successor goes on with its share', () => {
  const { arena, space, receivers } = createFor(2);
  const [stays, leaves] = receivers;
  const last = leaves.reserve(1000, true) as Place;
  space.shareAmong([stays.share]);
  assert.equal(arena.used, 256 << 10, 'its message is still there');
  assert.notEqual(leaves.reserve(1000, true), null, 'what still comes is taken while there is room');
  const all = fill(stays);
  assert.equal(all.length, 3, 'nothing is kept for it');
  const next = receiverOf(space, leaves.share);
  space.shareAmong([stays.share, next.share]);
  for (const place of all) stays.release(place);
  leaves.release(last);
  assert.ok(next.share.held > 0 && next.share.messages === 1);
});

test('an empty slab of a receiver that is gone is given back at once, and of one that is idle when there is no other room', () => {
  const { arena, space, receivers } = createFor(2);
  const [first, second] = receivers;
  for (const receiver of receivers) receiver.release(receiver.reserve(1000, true) as Place);
  assert.equal(arena.used, 512 << 10);
  assert.notEqual(first.reserve(limit, true), null, 'idle slabs make room');
  assert.equal(second.share.held, 0);
  assert.equal(first.share.held, limit);
  space.shareAmong([first.share]);
  const { arena: other, space: otherSpace, receivers: others } = createFor(2);
  for (const receiver of others) receiver.release(receiver.reserve(1000, true) as Place);
  otherSpace.shareAmong([others[0].share]);
  assert.equal(other.used, 256 << 10);
  others[1].release(others[1].reserve(1000, true) as Place);
  assert.equal(other.used, 256 << 10);
});
