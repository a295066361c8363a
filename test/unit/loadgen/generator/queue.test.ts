import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createQueue } from '../../../../loadgen/generator/queue.ts';

test('a queue gives what it took, in order, what was put back first, however much went through it', () => {
  const queue = createQueue<number>();
  const model: number[] = [];
  let next = 0;
  for (let round = 0; round < 6000; round++) {
    // Grows, then shrinks, and is empty in between.
    const pushes = round % 2000 < 1000 ? 3 : 0;
    for (let i = 0; i < pushes; i++) {
      queue.push(next);
      model.push(next++);
    }
    if (round % 7 === 0) {
      queue.putBack(-round);
      model.unshift(-round);
    }
    for (let i = 0; i < 2; i++) assert.equal(queue.shift(), model.shift());
    assert.equal(queue.length, model.length);
  }
  assert.deepEqual(queue.items(), model);
  for (const item of model) assert.equal(queue.shift(), item);
  assert.deepEqual([queue.shift(), queue.length, queue.items()], [undefined, 0, []]);
});
