import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  durationPattern,
  formatDurationMs,
  formatDurationNanos,
  parseDurationMs,
  parseDurationNanos,
} from '../../../src/lib/duration.ts';

// What Go's time.ParseDuration gives, in nanoseconds.
const accepted: readonly [string, bigint][] = [
  ['0', 0n],
  ['+0', 0n],
  ['-0', 0n],
  ['5s', 5_000_000_000n],
  ['30s', 30_000_000_000n],
  ['1478s', 1_478_000_000_000n],
  ['-5s', -5_000_000_000n],
  ['+5s', 5_000_000_000n],
  ['5.0s', 5_000_000_000n],
  ['5.6s', 5_600_000_000n],
  ['5.s', 5_000_000_000n],
  ['.5s', 500_000_000n],
  ['1.004s', 1_004_000_000n],
  ['100.00100s', 100_001_000_000n],
  ['10ns', 10n],
  ['11us', 11_000n],
  ['12µs', 12_000n],
  ['12μs', 12_000n],
  ['13ms', 13_000_000n],
  ['300ms', 300_000_000n],
  ['1.5h', 5_400_000_000_000n],
  ['2m30s', 150_000_000_000n],
  ['3h30m', 12_600_000_000_000n],
  ['10.5s4m', 250_500_000_000n],
  ['-2m3.4s', -123_400_000_000n],
  ['39h9m14.425s', 140_954_425_000_000n],
  ['52763797000ns', 52_763_797_000n],
  ['0.3333333333333333333h', 1_200_000_000_000n],
  ['9007199254740993ns', 9_007_199_254_740_993n],
  ['9223372036854775807ns', 9_223_372_036_854_775_807n],
  ['-9223372036854775808ns', -9_223_372_036_854_775_808n],
  ['0.100000000000000000000h', 360_000_000_000n],
  ['0.830103483285477580700h', 2_988_372_539_827n],
];
const refused = [
  '',
  '3',
  '-',
  '+',
  's',
  '.',
  '-.',
  '.s',
  '+.s',
  '1 s',
  ' 1s',
  '1s ',
  '1d',
  '1S',
  '1h 2m',
  '5q',
  '1e3s',
  '--1s',
  '1.2.3s',
  '9223372036854775808ns',
  '-9223372036854775809ns',
  '3000000h',
  '0x1s',
  '1s2',
];

test('Go durations are read exactly, to the nanosecond', () => {
  for (const [text, nanos] of accepted) assert.equal(parseDurationNanos(text), nanos, text);
});

test('what Go refuses is refused', () => {
  for (const text of refused) assert.equal(parseDurationNanos(text), null, text);
});

test('milliseconds keep their fraction', () => {
  assert.equal(parseDurationMs('500us'), 0.5);
  assert.equal(parseDurationMs('1h'), 3_600_000);
  assert.equal(parseDurationMs('nope'), null);
});

test('durations are written as Go writes them', () => {
  const written: readonly [bigint, string][] = [
    [0n, '0s'],
    [1n, '1ns'],
    [1_100n, '1.1µs'],
    [2_200_000n, '2.2ms'],
    [3_300_000_000n, '3.3s'],
    [245_000_000_000n, '4m5s'],
    [245_001_000_000n, '4m5.001s'],
    [18_367_001_000_000n, '5h6m7.001s'],
    [480_000_000_001n, '8m0.000000001s'],
    [-5_400_000_000_000n, '-1h30m0s'],
    [9_223_372_036_854_775_807n, '2562047h47m16.854775807s'],
  ];
  for (const [nanos, text] of written) assert.equal(formatDurationNanos(nanos), text);
  assert.equal(formatDurationMs(1500), '1.5s');
});

test('what is written reads back as the same duration', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      (nanos) => parseDurationNanos(formatDurationNanos(nanos)) === nanos,
    ),
  );
});

test('the pattern of the JSON Schema takes what the parser takes', () => {
  const pattern = new RegExp(durationPattern);
  for (const [text] of accepted) assert.match(text, pattern);
  for (const text of refused.filter((one) => !/\d{5}/.test(one))) assert.doesNotMatch(text, pattern);
});
