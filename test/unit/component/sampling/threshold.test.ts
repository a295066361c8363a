import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  always,
  type Bits56,
  minProbability,
  never,
  notBelow,
  parseRandomness,
  parseThreshold,
  probabilityOf,
  randomnessText,
  thresholdOf,
  thresholdText,
} from '../../../../src/component/sampling/threshold.ts';

const whole = ({ high, low }: Bits56): bigint => (BigInt(high) << 28n) + BigInt(low);
const halves = (n: bigint): Bits56 => ({ high: Number(n >> 28n), low: Number(n & 0xfffffffn) });
const bits56 = fc.bigInt(0n, 2n ** 56n - 1n);
const probability = fc.oneof(
  fc.double({ min: minProbability, max: 1, noNaN: true }),
  fc.integer({ min: 0, max: 56 }).map((n) => 2 ** -n),
  fc.integer({ min: 1, max: 53 }).map((n) => 1 - 2 ** -n),
  fc.tuple(fc.integer({ min: 1, max: 255 }), fc.integer({ min: 8, max: 50 })).map(([n, e]) => n * 2 ** -e),
);

const known: readonly (readonly [number, number, string])[] = [
  [1, 4, '0'],
  [0.5, 4, '8'],
  [0.25, 4, 'c'],
  [1 / 3, 4, 'aaab'],
  [1 / 3, 14, 'aaaaaaaaaaaaac'],
  [0.01, 4, 'fd70a'],
  [0.99999, 4, '0000a7c6'],
  [minProbability, 4, 'ffffffffffffff'],
];
for (const [share, precision, text] of known) {
  test(`the threshold of ${share} with ${precision} digits is ${text}`, () => {
    assert.equal(thresholdText(thresholdOf(share, precision) ?? never), text);
  });
}

/** log2 rounded up, by doubling: an exponent that is not read from the bits of a double. */
function exponent(x: number): number {
  let e = 0;
  for (let y = x; y < 0.5; y *= 2) e--;
  return x === 1 ? 1 : e;
}

test('a threshold is 2^56 minus the kept share, rounded half up to its digits', () => {
  fc.assert(
    fc.property(probability, fc.integer({ min: 1, max: 14 }), (share, precision) => {
      fc.pre(share < 1);
      const more = Math.max(Math.floor(-exponent(share) / 4), Math.floor(-Math.min(0, exponent(1 - share)) / 4));
      const unit = 16n ** BigInt(14 - Math.min(14, precision + more));
      const exact = 2n ** 56n - BigInt(Math.round(share * 2 ** 56));
      assert.equal(whole(thresholdOf(share, precision) ?? never), ((exact + unit / 2n) / unit) * unit);
    }),
    { numRuns: 3000 },
  );
});

test('there is no threshold below 2^-56 or above 1', () => {
  for (const share of [0, -1, minProbability / 2, 1.0000001, Number.NaN]) assert.equal(thresholdOf(share, 4), null);
});

test('the share of a threshold is the nearest double', () => {
  fc.assert(
    fc.property(bits56, (n) => {
      // BigInt -> Number rounds to the nearest double.
      assert.equal(probabilityOf(halves(n)), Number(2n ** 56n - n) / 2 ** 56);
    }),
  );
  assert.equal(probabilityOf(always), 1);
  assert.equal(probabilityOf(never), 0);
});

test('texts are read back as what was written, and compare as numbers', () => {
  fc.assert(
    fc.property(bits56, bits56, (a, b) => {
      assert.deepEqual(parseRandomness(randomnessText(halves(a))), halves(a));
      assert.deepEqual(parseThreshold(thresholdText(halves(a))), halves(a));
      assert.equal(randomnessText(halves(a)), a.toString(16).padStart(14, '0'));
      assert.equal(notBelow(halves(a), halves(b)), a >= b);
    }),
  );
  assert.equal(thresholdText(always), '0');
  assert.equal(thresholdText(never), '');
});

test('what is not hex of the right length is neither threshold nor randomness', () => {
  for (const text of ['', 'g', '0x1', '-1', ' 1', '1_0', '123456789012345'])
    assert.equal(parseThreshold(text), null, text);
  for (const text of ['', '1234567890123', '123456789012345', '1234567890123g'])
    assert.equal(parseRandomness(text), null);
  assert.deepEqual(parseThreshold('C'), halves(0xcn << 52n));
});
