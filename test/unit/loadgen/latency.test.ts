import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLatencyRecorder } from '../../../loadgen/latency.ts';

test('what was recorded counts in the whole and once in what came lately', () => {
  const latency = createLatencyRecorder();
  for (let ms = 1; ms <= 100; ms++) latency.record(ms * 1e6);
  assert.deepEqual([latency.lately().count, latency.lately().count], [100, 0]);
  for (let ms = 101; ms <= 200; ms++) latency.record(ms * 1e6);
  const { count, p50, p99, max } = latency.summary();
  assert.equal(count, 200);
  // Three digits.
  assert.ok(
    Math.abs(p50 - 100) <= 0.1 && Math.abs(p99 - 198) <= 0.2 && Math.abs(max - 200) <= 0.2,
    `${p50} ${p99} ${max}`,
  );
  assert.ok(Math.abs(latency.lately().p50 - 150) <= 0.2);
  assert.equal(latency.summary().count, 200);
  latency.reset();
  assert.deepEqual(latency.withCurve(), { count: 0, p50: 0, p90: 0, p95: 0, p99: 0, p999: 0, max: 0, curve: [] });
});

test('the curve rises from the least to the greatest value, and ends where single values would begin', () => {
  const latency = createLatencyRecorder();
  for (let i = 1; i <= 1000; i++) latency.record(i * 1000);
  const { curve } = latency.withCurve();
  assert.deepEqual(
    [curve[0], curve.at(-1)],
    [
      [0, 0.001],
      [100, 1],
    ],
  );
  for (const [i, [percentile, ms]] of curve.entries()) {
    if (i === 0) continue;
    assert.ok(percentile > curve[i - 1][0] && ms >= curve[i - 1][1]);
  }
  const last = curve.at(-2)?.[0] ?? 0;
  assert.ok(last > 99.8 && last <= 99.9, `${last}`);
  const half = curve.find(([percentile]) => percentile === 50);
  assert.ok(Math.abs((half?.[1] ?? 0) - 0.5) < 0.001);
});

test('a time below a microsecond counts as one', () => {
  const latency = createLatencyRecorder();
  latency.record(0);
  latency.record(-5e6);
  assert.equal(latency.summary().max, 0.001);
});
