// As Go's strconv writes them; compared with the Collector in the tests of the processors that use it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scalarText } from '../../../src/component/scalar-text.ts';
import type { Value } from '../../../src/wire/value.ts';

const table: readonly (readonly [Value, string | null])[] = [
  ['text', 'text'],
  ['', ''],
  [true, 'true'],
  [-(2n ** 63n), '-9223372036854775808'],
  [0, '0'],
  [-0, '-0'],
  [1.5, '1.5'],
  [-2.75e-7, '-0.000000275'],
  [1e-7, '0.0000001'],
  [1e21, '1000000000000000000000'],
  [-1.25e22, '-12500000000000000000000'],
  [5e-324, `0.${'0'.repeat(323)}5`],
  [Number.MAX_VALUE, `17976931348623157${'0'.repeat(292)}`],
  [Number.NaN, 'NaN'],
  [Number.POSITIVE_INFINITY, '+Inf'],
  [Number.NEGATIVE_INFINITY, '-Inf'],
  [null, null],
  [['a'], null],
  [new Map(), null],
  [Uint8Array.of(1), null],
];

for (const [value, expected] of table) {
  test(`${typeof value} ${String(value)} is written ${String(expected).slice(0, 40)}`, () => {
    assert.equal(scalarText(value), expected);
  });
}
