import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLearnedLimit } from '../../../../src/delivery/cut/learned-limit.ts';

const mib = 1 << 20;
const tenMinutes = 600_000;

function start(): { limit: ReturnType<typeof createLearnedLimit>; pass(ms: number): void } {
  let nowMs = 5000;
  return {
    limit: createLearnedLimit({ now: () => nowMs }),
    pass: (ms) => {
      nowMs += ms;
    },
  };
}

test('there is no limit until something is refused as too large', () => {
  const { limit, pass } = start();
  limit.passed(50 * mib);
  pass(tenMinutes * 10);
  assert.equal(limit.maxBytes, Number.POSITIVE_INFINITY);
});

test('what the peer says it takes is the limit', () => {
  const { limit } = start();
  limit.refused(16 * mib, 4 * mib);
  assert.equal(limit.maxBytes, 4 * mib);
  // It knows better than our guesses.
  limit.refused(5 * mib, 4_500_000);
  assert.equal(limit.maxBytes, 4_500_000);
});

test('of a peer that does not say it, half of what was refused is tried next, or the largest that it took', () => {
  const { limit } = start();
  limit.refused(16 * mib, 0);
  assert.equal(limit.maxBytes, 8 * mib);
  limit.passed(5 * mib);
  limit.refused(8 * mib, 0);
  assert.equal(limit.maxBytes, 5 * mib);
});

test('a stated limit that is not below what was refused says nothing', () => {
  const { limit } = start();
  limit.refused(4 * mib, 64 * mib);
  assert.equal(limit.maxBytes, 2 * mib);
});

test('a peer that now refuses what it once took gets half of it', () => {
  const { limit } = start();
  limit.passed(8 * mib);
  limit.refused(6 * mib, 0);
  assert.equal(limit.maxBytes, 3 * mib);
});

test('a refusal never raises a guess, a larger message that passes does', () => {
  const { limit } = start();
  limit.refused(4 * mib, 0);
  // A single span above the limit.
  limit.refused(20 * mib, 0);
  assert.equal(limit.maxBytes, 2 * mib);
  limit.passed(3 * mib);
  assert.equal(limit.maxBytes, 3 * mib);
});

test('after ten minutes without a refusal a quarter more is tried, and one refusal takes it back', () => {
  const { limit, pass } = start();
  limit.refused(16 * mib, 0);
  pass(tenMinutes - 1);
  assert.equal(limit.maxBytes, 8 * mib);
  pass(1);
  assert.equal(limit.maxBytes, 10 * mib);
  assert.equal(limit.maxBytes, 10 * mib, 'once for each ten minutes');
  limit.passed(8 * mib);
  limit.refused(10 * mib, 0);
  assert.equal(limit.maxBytes, 8 * mib);
  pass(tenMinutes - 1);
  assert.equal(limit.maxBytes, 8 * mib);
});

test('in the end it is unlimited again', () => {
  const { limit, pass } = start();
  limit.refused(16 * mib, 4 * mib);
  for (let i = 0; i < 100; i++) {
    pass(tenMinutes);
    void limit.maxBytes;
  }
  assert.equal(limit.maxBytes, Number.POSITIVE_INFINITY);
});

test('a peer that calls everything too large teaches nothing below 16 KiB', () => {
  const { limit } = start();
  for (let bytes = mib; bytes > 1; bytes = Math.floor(bytes / 2)) limit.refused(bytes, 0);
  assert.equal(limit.maxBytes, 16 << 10);
});

test('nor does one that says it takes next to nothing', () => {
  const { limit } = start();
  limit.refused(mib, 1);
  assert.equal(limit.maxBytes, 16 << 10);
  limit.refused(16 << 10, 1);
  assert.equal(limit.maxBytes, 16 << 10);
});
