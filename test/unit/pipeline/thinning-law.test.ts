import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lookMs, ThinningLaw } from '../../../src/pipeline/thinning-law.ts';

const options = { from: 0.6, mostHalvings: 6 };

/** Looks each 25 ms for so long; the halvings after each look. */
function looks(law: ThinningLaw, fullness: number, fromMs: number, forMs: number): number[] {
  const seen: number[] = [];
  for (let now = fromMs; now < fromMs + forMs; now += lookMs) {
    law.look(fullness, now);
    seen.push(law.halvings);
  }
  return seen;
}

test('below its threshold nothing is thinned', () => {
  const law = new ThinningLaw(options);
  assert.deepEqual(new Set(looks(law, 0.599, 0, 60_000)), new Set([0]));
});

test('the fuller it is the harder it thins: bands of equal width, the last one halfway to full', () => {
  for (const [fullness, halvings] of [
    [0.6, 1],
    [0.632, 1],
    [0.634, 2],
    [0.667, 3],
    [0.79, 6],
    [0.8, 6],
    [1, 6],
  ] as const) {
    const law = new ThinningLaw(options);
    looks(law, fullness, 0, 1000);
    assert.equal(law.halvings, halvings, String(fullness));
  }
});

test('it thins harder one step a look, and less one step in five seconds without need', () => {
  const law = new ThinningLaw(options);
  assert.deepEqual(looks(law, 1, 0, 8 * lookMs), [1, 2, 3, 4, 5, 6, 6, 6]);
  // 0.71 asks for four.
  const down = looks(law, 0.71, 8 * lookMs, 60_000);
  assert.equal(down.at(-1), 4);
  assert.equal(down.indexOf(5), 5000 / lookMs - 1);
  assert.equal(down.indexOf(4) - down.indexOf(5), 5000 / lookMs);
});

test('where nearly all that was held is gone it comes back sooner', () => {
  const law = new ThinningLaw(options);
  looks(law, 1, 0, 1000);
  const down = looks(law, 0.1, 1000, 2000);
  assert.equal(down.at(-1), 0);
  assert.ok(down.indexOf(0) * lookMs <= 1000, String(down.indexOf(0) * lookMs));
});

test('a level that goes to and fro around a threshold does not make the rate do so', () => {
  const law = new ThinningLaw(options);
  let changes = 0;
  for (let now = 0; now < 60_000; now += lookMs) {
    const before = law.halvings;
    law.look(now % (4 * lookMs) < 2 * lookMs ? 0.59 : 0.61, now);
    if (law.halvings !== before) changes++;
  }
  assert.equal(changes, 1);
});

test('looks are spaced by time', () => {
  const law = new ThinningLaw(options);
  assert.ok(law.isDue(5));
  law.look(1, 5);
  assert.equal(law.isDue(5 + lookMs - 1), false);
  assert.ok(law.isDue(5 + lookMs));
});

interface Run {
  readonly budgetMb: number;
  /** MB/s that come, and that the backend takes at a time in seconds. */
  readonly comesMbs: number;
  takesMbs(seconds: number): number;
}

/** A service of this budget behind the law, a millisecond at a time. */
function simulate({ budgetMb, comesMbs, takesMbs }: Run, seconds = 120) {
  const law = new ThinningLaw(options);
  let level = 0;
  let refused = 0;
  let sent = 0;
  let could = 0;
  let fullest = 0;
  let changes = 0;
  for (let now = 0; now < seconds * 1000; now++) {
    const before = law.halvings;
    if (law.isDue(now)) law.look(level / budgetMb, now);
    if (law.halvings !== before) changes++;
    const comes = comesMbs / 1000 / 2 ** law.halvings;
    const taken = Math.min(comes, budgetMb - level);
    refused += comes - taken;
    level += taken;
    const room = takesMbs(now / 1000) / 1000;
    const goes = Math.min(level, room);
    level -= goes;
    sent += goes;
    could += room;
    fullest = Math.max(fullest, level / budgetMb);
  }
  const use = sent / Math.min(could, comesMbs * seconds);
  return { use, refused, fullest, changes, halvings: law.halvings };
}

test('what the backend takes is used, nothing is refused, and the rate is steady, whatever the sizes', () => {
  const sizes = fc.record({
    /** How much the budget holds of what comes. */
    seconds: fc.double({ min: 0.2, max: 20, noNaN: true }),
    /** How much more comes than goes; the lowest rate is a sixty-fourth. */
    excess: fc.double({ min: 1.05, max: 50, noNaN: true }),
  });
  const property = fc.property(sizes, ({ seconds, excess }) => {
    const run = simulate({ budgetMb: 100 * seconds, comesMbs: 100, takesMbs: () => 100 / excess });
    assert.ok(run.use > 0.95, `the backend was used to ${run.use}`);
    assert.equal(run.refused, 0);
    assert.ok(run.fullest < 0.97, `${run.fullest} full`);
    // A small budget drains before a rate has lasted its time.
    assert.ok(seconds < 1 || run.changes < 120, `${run.changes} changes in two minutes`);
  });
  fc.assert(property, { numRuns: 30 });
});

test('a backend that is away for ten seconds costs little, and afterwards all is kept again', () => {
  const run = simulate({ budgetMb: 128, comesMbs: 50, takesMbs: (at) => (at >= 20 && at < 30 ? 0 : 60) });
  assert.equal(run.refused, 0);
  assert.equal(run.halvings, 0);
  assert.ok(run.use > 0.9, String(run.use));
});

test('when even the lowest rate does not help, it stays there and the budget fills', () => {
  const run = simulate({ budgetMb: 64, comesMbs: 100, takesMbs: () => 0 });
  assert.equal(run.halvings, 6);
  assert.ok(run.refused > 0 && run.fullest > 0.999);
});
