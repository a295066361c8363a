import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WarningList } from '../../../src/pipeline/warnings.ts';

const sample = (n: number) => () => ({ n });

test('a worker gathers one warning for each thing of a component, with the first item of some seconds', () => {
  const list = new WarningList();
  assert.deepEqual(list.take(), []);
  list.add('a', 'x', 'first', sample(1));
  list.add('a', 'x', 'second', sample(2));
  list.add('b', 'x', 'of another');
  assert.deepEqual(list.take(), [
    { component: 'a', code: 'x', message: 'first', count: 2, sample: { n: 1 } },
    { component: 'b', code: 'x', message: 'of another', count: 1 },
  ]);
  assert.deepEqual(list.take(), []);
  let asked = 0;
  list.add('a', 'x', 'third', () => ({ asked: ++asked }));
  assert.deepEqual(list.take(), [{ component: 'a', code: 'x', message: 'third', count: 1 }]);
  assert.equal(asked, 0, 'a sample is recent');
});
