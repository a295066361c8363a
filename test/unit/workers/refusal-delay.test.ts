import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RefusalDelay } from '../../../src/workers/refusal-delay.ts';

let nowMs = 0;
const create = (random = 0.5): RefusalDelay =>
  new RefusalDelay(
    () => nowMs,
    () => random,
  );

test('the delay grows with the part of the requests that is refused', () => {
  const delays = [0.1, 0.5, 0.9].map((part) => {
    const delay = create();
    let last = 0;
    for (let i = 1; i <= 1000; i++) {
      if (i % 10 < part * 10) last = delay.refused();
      else delay.accepted();
    }
    return last;
  });
  assert.ok(delays[0] < 1200 && delays[0] >= 1000, String(delays));
  assert.ok(delays[1] > 1900 && delays[1] < 2200, String(delays));
  assert.ok(delays[2] > 9000 && delays[2] < 11_000, String(delays));
});

test('where nothing is accepted it is the longest, and soon after that is over it is short again', () => {
  const delay = create();
  for (let i = 0; i < 100; i++) delay.refused();
  assert.equal(delay.refused(), 30_000);
  nowMs += 20_000;
  for (let i = 0; i < 100; i++) delay.accepted();
  assert.ok(delay.refused() < 1100);
});

test('the first refusal after a long time without any is short', () => {
  const delay = create();
  for (let hour = 0; hour < 3; hour++) {
    for (let i = 0; i < 3600 * 100; i++) delay.accepted();
    nowMs += 3_600_000;
  }
  assert.ok(delay.refused() < 1010);
});

test('clients that are refused together are told different times', () => {
  assert.equal(create(0).refused(), 27_000);
  assert.equal(create(0.999).refused(), 32_994);
});
