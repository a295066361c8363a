import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom, weightedPick } from '../../../../loadgen/profile/random.ts';

const draws = 20_000;
const many = <T>(draw: () => T): T[] => Array.from({ length: draws }, draw);
const share = (values: readonly unknown[], value: unknown): number =>
  values.filter((one) => one === value).length / values.length;
const within = (found: number, low: number, high: number): void =>
  assert.ok(found >= low && found <= high, `${found} is not from ${low} to ${high}`);

test('a seed gives the same numbers again, and other seeds and streams give others', () => {
  const numbers = (seed: number, stream?: number) => {
    const random = createRandom(seed, stream);
    return Array.from({ length: 8 }, random.bits);
  };
  assert.deepEqual(numbers(1), numbers(1));
  const all = [numbers(1), numbers(2), numbers(0xffff_ffff), numbers(1, 1), numbers(1, 2)].map(String);
  assert.equal(new Set(all).size, all.length);
});

test('bits are whole numbers of 32 bits, each bit set in half of them', () => {
  const random = createRandom(5);
  const numbers = many(random.bits);
  assert.ok(numbers.every((bits) => Number.isInteger(bits) && bits >= 0 && bits < 2 ** 32));
  for (let bit = 0; bit < 32; bit++) {
    within(numbers.filter((one) => ((one >>> bit) & 1) === 1).length / draws, 0.48, 0.52);
  }
});

test('the unit interval is filled evenly and does not hold 1', () => {
  const numbers = many(createRandom(6).unit);
  assert.ok(numbers.every((one) => one >= 0 && one < 1));
  for (let tenth = 0; tenth < 10; tenth++) {
    within(numbers.filter((one) => Math.floor(one * 10) === tenth).length / draws, 0.09, 0.11);
  }
});

test('integers take both ends of their range, and every value as often', () => {
  const random = createRandom(7);
  const numbers = many(() => random.integer(-2, 2));
  for (const value of [-2, -1, 0, 1, 2]) within(share(numbers, value), 0.18, 0.22);
  assert.equal(random.integer(9, 9), 9);
});

test('integers of a range beyond 32 bits stay in it and are not all even', () => {
  const random = createRandom(8);
  const numbers = many(() => random.integer(0, 2 ** 50));
  assert.ok(numbers.every((one) => Number.isSafeInteger(one) && one >= 0 && one <= 2 ** 50));
  within(numbers.filter((one) => one % 2 === 1).length / draws, 0.45, 0.55);
  within(numbers.filter((one) => one > 2 ** 49).length / draws, 0.48, 0.52);
});

test('log-normal numbers have the median and the 99th percentile that were asked for', () => {
  const random = createRandom(9);
  const numbers = many(() => random.logNormal(100, 1000)).sort((a, b) => a - b);
  within(numbers[draws / 2] ?? 0, 95, 105);
  within(numbers[Math.floor(draws * 0.99)] ?? 0, 880, 1120);
  within(numbers[Math.floor(draws * 0.01)] ?? 0, 8.8, 11.4);
});

test('weights are the shares of what is picked, and what weighs nothing is never picked', () => {
  const random = createRandom(10);
  const pick = weightedPick([
    { weight: 3, value: 'a' },
    { weight: 0, value: 'never' },
    { weight: 1, value: 'b' },
  ]);
  const picked = many(() => pick(random));
  within(share(picked, 'a'), 0.73, 0.77);
  assert.equal(share(picked, 'a') + share(picked, 'b'), 1);
  assert.throws(() => weightedPick([{ weight: 0, value: 1 }]), RangeError);
});
