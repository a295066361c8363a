import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLateRequests } from '../../../../loadgen/generator/late-requests.ts';

test('more late requests than a call takes arguments are flushed, in their order, and taken in little time', () => {
  const late = createLateRequests();
  const count = 300_000;
  for (let position = 0; position < count; position++) late.put(position, 3_600_000);
  assert.equal(late.take(), -1);
  late.flush();
  assert.equal(late.length, count);
  for (let position = 0; position < count; position++) assert.equal(late.take(), position);
  assert.equal(late.take(), -1);
  assert.deepEqual(late.positions(), []);
});

test('a request that is due in more time than a timer takes waits for the flush', async () => {
  const late = createLateRequests();
  late.put(1, 2 ** 31);
  late.put(2, Number.POSITIVE_INFINITY);
  late.put(3, 1);
  const began = performance.now();
  while (performance.now() - began < 30) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(late.take(), 3);
  assert.equal(late.take(), -1);
  assert.deepEqual(late.positions(), [1, 2]);
  late.flush();
  assert.deepEqual([late.take(), late.take(), late.take()], [1, 2, -1]);
});
