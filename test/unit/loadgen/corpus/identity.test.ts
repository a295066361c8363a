import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { freshKey, writeFreshText } from '../../../../loadgen/corpus/fresh.ts';
import {
  highPart,
  lowPart,
  mix32,
  numberAt,
  numberKey,
  numberOfHex,
  numberRange,
  runAt,
  runOfHex,
  spanIdHex,
  traceIdHex,
  traceRandomness,
} from '../../../../loadgen/corpus/identity.ts';

const runs = fc.integer({ min: 1, max: 65_535 });
const numbers = fc.integer({ min: 0, max: numberRange - 1 });
const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

/** The last 56 bits of a trace id. */
const randomnessOf = (traceId: string): bigint => BigInt(`0x${traceId.slice(18)}`);

test('run and number are read back from ids, in bytes and in hexadecimal digits', () => {
  fc.assert(
    fc.property(runs, numbers, seeds, (run, number, seed) => {
      for (const id of [spanIdHex(run, number), traceIdHex(run, seed, number)]) {
        const bytes = Buffer.from(`ff${id}ff`, 'hex');
        assert.equal(runAt(bytes, 1), run);
        assert.equal(numberAt(bytes, 1), number);
        assert.equal(runOfHex(id), run);
        assert.equal(numberOfHex(id), number);
      }
      assert.match(spanIdHex(run, number), /^[0-9a-f]{16}$/);
      assert.match(traceIdHex(run, seed, number), /^[0-9a-f]{32}$/);
    }),
  );
});

test('the number of what is no id is NaN', () => {
  assert.ok(Number.isNaN(numberOfHex('zz')));
  assert.ok(Number.isNaN(runOfHex('')));
});

test('traceRandomness is the last 56 bits of the trace id without the last three', () => {
  fc.assert(
    fc.property(numbers, seeds, (number, seed) => {
      const randomness = traceRandomness(seed, number);
      assert.ok(Number.isInteger(randomness) && randomness < 2 ** 56);
      assert.equal(BigInt(randomness), randomnessOf(traceIdHex(1, seed, number)) & ~7n);
    }),
  );
});

/** Pearson's chi squared of counts that should be equal, less its expectation, in standard deviations. */
function deviation(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const chi = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const freedom = counts.length - 1;
  return (chi - freedom) / Math.sqrt(2 * freedom);
}

function count(values: Iterable<number>, size: number): number[] {
  const counts = new Array<number>(size).fill(0);
  for (const value of values) counts[value]++;
  return counts;
}

test('each of the 64 random bits of consecutive traces is set in half of them, whatever the other bits are', () => {
  const traces = 20_000;
  for (const first of [0, 2 ** 32 - traces / 2, 2 ** 47]) {
    const pairs = Array.from({ length: 64 }, () => new Array<number>(64).fill(0));
    for (let i = 0; i < traces; i++) {
      const random = BigInt(`0x${traceIdHex(1, 42, first + i).slice(16)}`);
      const set = Array.from({ length: 64 }, (_, bit) => Number((random >> BigInt(bit)) & 1n));
      for (let a = 0; a < 64; a++) for (let b = a; b < 64; b++) pairs[a][b] += a === b ? set[a] : set[a] ^ set[b];
    }
    // 2,080 counts of 20,000 coins: five standard deviations of 70.7.
    const counts = pairs.flatMap((row, a) => row.slice(a));
    assert.equal(counts.length, 2080);
    for (const value of counts) assert.ok(Math.abs(value - traces / 2) < 354, `${value} of ${traces}`);
  }
});

test('the randomness that samplers see is even: consecutive traces fall evenly into 1,000 ranges', () => {
  for (const [seed, first] of [
    [0, 0],
    [1, 0],
    [42, 2 ** 32 - 50_000],
    [0xffff_ffff, 2 ** 40],
  ]) {
    const ranges = Array.from({ length: 100_000 }, (_, i) =>
      Math.floor((traceRandomness(seed, first + i) / 2 ** 56) * 1000),
    );
    assert.ok(Math.abs(deviation(count(ranges, 1000))) < 5, `seed ${seed}, first ${first}`);
  }
});

test('a ratio sampler keeps its share of consecutive traces', () => {
  for (const ratio of [0.001, 0.1, 0.5]) {
    const traces = 200_000;
    let kept = 0;
    for (let i = 0; i < traces; i++) if (traceRandomness(3, i) >= 2 ** 56 * (1 - ratio)) kept++;
    const spread = Math.sqrt(traces * ratio * (1 - ratio));
    assert.ok(Math.abs(kept - traces * ratio) < 4 * spread, `${kept} of ${traces} at ${ratio}`);
  }
});

test('mix32 and numberKey are bijections of the lower part, tried on a million numbers in a row', () => {
  for (const key of [mix32, (low: number) => numberKey(5, 1, low, 7)]) {
    const seen = new Set<number>();
    for (let i = 0; i < 1_000_000; i++) seen.add(key(i));
    assert.equal(seen.size, 1_000_000);
  }
});

function fresh(alphabet: number, length: number, number: number, slot = 0, scope = 0): string {
  const to = Buffer.from('#'.repeat(length + 2));
  writeFreshText(to, 1, length, alphabet, freshKey(9, scope, slot, lowPart(number), highPart(number)));
  assert.ok(to[0] === 0x23 && to[length + 1] === 0x23, 'nothing is written beside the text');
  return to.toString('latin1', 1, length + 1);
}

test('fresh texts have the length and the characters that were asked for, all of them', () => {
  const alphabets = [/^[0-9a-f]*$/, /^[0-9]*$/, /^[0-9A-Za-z]*$/];
  for (const [alphabet, pattern] of alphabets.entries()) {
    for (const length of [0, 1, 4, 5, 7, 8, 9, 33, 1000]) assert.match(fresh(alphabet, length, 1), pattern);
    assert.equal(new Set(fresh(alphabet, 5000, 1)).size, [16, 10, 62][alphabet]);
  }
});

test('the decimal digits of fresh texts are equally likely at every place', () => {
  for (let place = 0; place < 9; place++) {
    const digits = Array.from({ length: 20_000 }, (_, i) => Number(fresh(1, 9, i)[place]));
    assert.ok(Math.abs(deviation(count(digits, 10))) < 5, `place ${place}`);
  }
});

test('fresh texts of different numbers, slots and scopes differ', () => {
  const texts = new Set<string>();
  for (let i = 0; i < 50_000; i++) texts.add(fresh(0, 8, i + 2 ** 32 - 25_000));
  assert.equal(texts.size, 50_000, 'eight hexadecimal digits never repeat');
  assert.equal(new Set([fresh(0, 16, 1), fresh(0, 16, 1, 1), fresh(0, 16, 1, 0, 1), fresh(0, 16, 1, 1, 1)]).size, 4);
  assert.equal(fresh(2, 40, 77), fresh(2, 40, 77));
});
