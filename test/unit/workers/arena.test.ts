import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Arena, type Range, Slab } from '../../../src/workers/arena.ts';

const granule = 4096;
const start = 3 * granule;
const size = 64 * granule;
const budget = 48 * granule;

type Step =
  | { readonly kind: 'allocate'; readonly bytes: number; readonly keepFree: number }
  | { readonly kind: 'free'; readonly pick: number }
  | { readonly kind: 'shrink'; readonly pick: number; readonly part: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('allocate' as const),
      bytes: fc.nat(20 * granule),
      keepFree: fc.constantFrom(0, 0, 0, 10 * granule),
    }),
    fc.record({ kind: fc.constant('free' as const), pick: fc.nat() }),
    fc.record({
      kind: fc.constant('shrink' as const),
      pick: fc.nat(),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  ),
  { maxLength: 80 },
);

/** Whether a run of `bytes` lies between the held ranges: what a first-fit allocator must find. */
function hasGap(held: readonly Range[], bytes: number): boolean {
  let at = start;
  for (const range of held.toSorted((a, b) => a.at - b.at)) {
    if (range.at - at >= bytes) return true;
    at = range.at + range.bytes;
  }
  return start + size - at >= bytes;
}

function assertApart(held: readonly Range[]): void {
  let end = start;
  for (const { at, bytes } of held.toSorted((a, b) => a.at - b.at)) {
    assert.ok(at >= end, `a range at ${at} begins before ${end}`);
    assert.equal(at % granule, 0);
    assert.equal(bytes % granule, 0);
    end = at + bytes;
  }
  assert.ok(end <= start + size);
}

function play(arena: Arena, held: Range[], step: Step): void {
  if (step.kind === 'allocate') {
    const wanted = Math.max(granule, Math.ceil(step.bytes / granule) * granule);
    const fits = arena.used + wanted + step.keepFree <= budget && hasGap(held, wanted);
    const range = arena.allocate(step.bytes, step.keepFree);
    assert.equal(range !== null, fits, `${step.bytes} bytes, ${arena.used} used`);
    if (range === null) return;
    assert.equal(range.bytes, wanted);
    held.push(range);
  } else if (held.length > 0) {
    const i = step.pick % held.length;
    if (step.kind === 'free') {
      const [range] = held.splice(i, 1);
      arena.free(range);
    } else {
      const bytes = Math.floor(held[i].bytes * step.part);
      const before = held[i].bytes;
      arena.shrink(held[i], bytes);
      assert.ok(held[i].bytes >= Math.max(bytes, granule) && held[i].bytes <= before);
    }
  }
}

test('ranges never overlap, the budget is kept, what fits is found, and all of it comes together again', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const arena = new Arena(start, size, budget);
      const held: Range[] = [];
      let peak = 0;
      for (const step of list) {
        play(arena, held, step);
        assertApart(held);
        assert.equal(
          arena.used,
          held.reduce((sum, { bytes }) => sum + bytes, 0),
        );
        assert.ok(arena.used <= budget);
        peak = Math.max(peak, arena.used);
      }
      assert.equal(arena.peak, peak);
      for (const range of held) arena.free(range);
      assert.equal(arena.used, 0);
      // One free range again, at its old place.
      assert.deepEqual(arena.allocate(budget), { at: start, bytes: budget });
    }),
    { numRuns: 500 },
  );
});

test('the lowest address is used again first', () => {
  const arena = new Arena(start, size, budget);
  const ranges = Array.from({ length: 6 }, () => arena.allocate(granule) as Range);
  arena.free(ranges[4]);
  arena.free(ranges[1]);
  assert.equal(arena.allocate(granule)?.at, ranges[1].at);
  assert.equal(arena.allocate(granule)?.at, ranges[4].at);
});

test('the listener hears of every release of bytes, and of nothing else', () => {
  const arena = new Arena(start, size, budget);
  let heard = 0;
  arena.onFree(() => heard++);
  const range = arena.allocate(5 * granule) as Range;
  assert.equal(heard, 0);
  arena.shrink(range, 5 * granule - 100);
  assert.equal(heard, 0, 'nothing was released');
  arena.shrink(range, 2 * granule);
  arena.free(range);
  assert.equal(heard, 2);
});

test('a slab is freed when its last holder lets go', () => {
  const arena = new Arena(start, size, budget);
  const slab = new Slab(arena, arena.allocate(granule) as Range);
  slab.hold();
  slab.hold();
  slab.release();
  slab.release();
  assert.equal(arena.used, granule);
  slab.release();
  assert.equal(arena.used, 0);
});
