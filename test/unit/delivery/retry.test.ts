import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBackoff } from '../../../src/delivery/retry.ts';

const defaults = {
  enabled: true,
  initialIntervalMs: 5000,
  randomizationFactor: 0.5,
  multiplier: 1.5,
  maxIntervalMs: 30_000,
  maxElapsedMs: 300_000,
};

test('waits grow by the multiplier up to the longest interval', () => {
  const backoff = createBackoff(defaults, () => 0.5);
  const waits = Array.from({ length: 7 }, () => backoff.next(0, 0));
  assert.deepEqual(waits, [5000, 7500, 11_250, 16_875, 25_312.5, 30_000, 30_000]);
});

test('chance spreads a wait over the interval times one minus and one plus the factor', () => {
  assert.equal(createBackoff(defaults, () => 0).next(0, 0), 2500);
  assert.equal(createBackoff(defaults, () => 1).next(0, 0), 7500);
  assert.equal(createBackoff({ ...defaults, randomizationFactor: 0 }, () => 0.9).next(0, 0), 5000);
});

test('the peer can make a wait longer, never shorter', () => {
  assert.equal(createBackoff(defaults, () => 0.5).next(0, 60_000), 60_000);
  assert.equal(createBackoff(defaults, () => 0.5).next(0, 10), 5000);
});

test('there is no attempt that would begin after the time allowed', () => {
  assert.equal(createBackoff(defaults, () => 0.5).next(295_000, 0), 5000);
  assert.equal(createBackoff(defaults, () => 0.5).next(295_001, 0), null);
  assert.equal(createBackoff(defaults, () => 0.5).next(0, 300_001), null);
});

test('a time allowed of zero is for ever', () => {
  assert.equal(createBackoff({ ...defaults, maxElapsedMs: 0 }, () => 0.5).next(1e12, 0), 5000);
});

test('without retry there is no second attempt', () => {
  assert.equal(createBackoff({ ...defaults, enabled: false }, () => 0.5).next(0, 0), null);
});
