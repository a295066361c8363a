import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileQuantity } from '../../../../loadgen/profile/draw-quantity.ts';
import {
  countSchema,
  depthSchema,
  durationSchema,
  leastOf,
  numberSchema,
  oneDurationSchema,
  oneSizeSchema,
  type Quantity,
  sizeSchema,
  wholeSchema,
} from '../../../../loadgen/profile/quantity.ts';
import { createRandom } from '../../../../loadgen/profile/random.ts';

const fixed = (value: number): Quantity => ({ form: 'fixed', value });
const even = (from: number, to: number): Quantity => ({ form: 'even', from, to });
const logNormal = (median: number, p99: number, min: number, max: number): Quantity => ({
  form: 'log_normal',
  median,
  p99,
  min,
  max,
});

const forms: readonly [schema: typeof countSchema, written: unknown, Quantity][] = [
  [countSchema, 3, fixed(3)],
  [countSchema, 3n, fixed(3)],
  [countSchema, '3', fixed(3)],
  [countSchema, '1..4', even(1, 4)],
  [countSchema, '1 .. 4', even(1, 4)],
  [countSchema, { median: 5, p99: 60 }, logNormal(5, 60, 0, 600)],
  [countSchema, { median: 5n, p99: 60n, min: 1n, max: 128n }, logNormal(5, 60, 1, 128)],
  [
    countSchema,
    { one_of: { 1: 70, 2: 30n } },
    {
      form: 'weighted',
      values: [
        { value: 1, weight: 70 },
        { value: 2, weight: 30 },
      ],
    },
  ],
  [depthSchema, { median: 60, p99: 100 }, logNormal(60, 100, 0, 128)],
  [wholeSchema, '-5..-1', even(-5, -1)],
  [durationSchema, '1.5s', fixed(1_500_000_000)],
  [durationSchema, 0, fixed(0)],
  [durationSchema, '5ms..50ms', even(5_000_000, 50_000_000)],
  [durationSchema, { median: '800ms', p99: '12s', max: '2m' }, logNormal(8e8, 12e9, 0, 120e9)],
  [sizeSchema, '2KB', fixed(2000)],
  [sizeSchema, '2KiB', fixed(2048)],
  [sizeSchema, '1.5MB', fixed(1_500_000)],
  [sizeSchema, 17, fixed(17)],
  [sizeSchema, '512B..1MiB', even(512, 2 ** 20)],
  [sizeSchema, { median: '8KB', p99: '200KB', max: '256KB' }, logNormal(8000, 200_000, 0, 256_000)],
  [numberSchema, 0.7, fixed(0.7)],
  [numberSchema, '0.0..1.0', even(0, 1)],
  [numberSchema, '-1e-3..2.', even(-0.001, 2)],
  [numberSchema, { median: 0.2, p99: 0.9 }, logNormal(0.2, 0.9, 0, 9)],
];

for (const [schema, written, quantity] of forms) {
  const shown = JSON.stringify(written, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
  test(`${shown} is understood as ${quantity.form}`, () => assert.deepEqual(schema.parse(written), quantity));
}

const refused: readonly [typeof countSchema, unknown][] = [
  [countSchema, '3x'],
  [countSchema, ''],
  [countSchema, '..'],
  [countSchema, '1..'],
  [countSchema, true],
  [countSchema, [1]],
  [countSchema, null],
  [countSchema, 1_000_001],
  [countSchema, Number.NaN],
  [depthSchema, 0],
  [depthSchema, 129],
  [durationSchema, '5'],
  [durationSchema, '-5ms'],
  [durationSchema, '1ms..2ms..3ms'],
  [sizeSchema, '2kb'],
  [sizeSchema, '-1B'],
  [sizeSchema, '65MiB'],
  [numberSchema, 'Infinity'],
  [wholeSchema, 2 ** 53],
];

for (const [schema, written] of refused) {
  test(`${String(written)} is refused (${JSON.stringify(written)})`, () =>
    assert.equal(schema.safeParse(written).success, false));
}

test('a single size and a single duration are numbers', () => {
  assert.equal(oneSizeSchema.parse('3MiB'), 3 * 2 ** 20);
  assert.equal(oneDurationSchema.parse('5s'), 5e9);
  assert.equal(oneSizeSchema.safeParse('0B').success, false);
});

test('drawn amounts keep the limits of their form', () => {
  const random = createRandom(3);
  for (const [, , quantity] of forms) {
    const draw = compileQuantity(quantity, true);
    const numbers = Array.from({ length: 500 }, () => draw(random));
    if (quantity.form === 'even') assert.ok(numbers.every((one) => one >= quantity.from && one <= quantity.to + 1));
    if (quantity.form === 'log_normal') {
      assert.ok(numbers.every((one) => one >= quantity.min && one <= Math.round(quantity.max)));
    }
    if (quantity.form === 'fixed') assert.deepEqual([...new Set(numbers)], [quantity.value]);
    assert.ok(numbers.every((one) => one >= Math.floor(leastOf(quantity))));
  }
});

test('whole amounts are whole, and others are not rounded', () => {
  const random = createRandom(4);
  const distribution = logNormal(5, 60, 0, 600);
  const whole = compileQuantity(distribution, true);
  const real = compileQuantity(distribution, false);
  assert.ok(Array.from({ length: 100 }, () => whole(random)).every(Number.isInteger));
  assert.ok(Array.from({ length: 100 }, () => real(random)).every((one) => !Number.isInteger(one)));
});

test('half of the drawn amounts lie below the median, and one in a hundred above the 99th percentile', () => {
  const random = createRandom(5);
  const draw = compileQuantity(logNormal(8e8, 12e9, 0, 120e9), true);
  const numbers = Array.from({ length: 20_000 }, () => draw(random));
  const below = numbers.filter((one) => one < 8e8).length / numbers.length;
  const above = numbers.filter((one) => one > 12e9).length / numbers.length;
  assert.ok(below > 0.48 && below < 0.52, `${below}`);
  assert.ok(above > 0.006 && above < 0.014, `${above}`);
});
