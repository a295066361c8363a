import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remember } from '../../../src/lib/remember.ts';

test('a short text is asked for once, a long one each time', () => {
  let asked = 0;
  const length = remember((text) => {
    asked++;
    return text.length;
  });
  for (let i = 0; i < 3; i++) assert.equal(length('abc'), 3);
  assert.equal(asked, 1);
  const long = 'x'.repeat(65);
  for (let i = 0; i < 3; i++) assert.equal(length(long), 65);
  assert.equal(asked, 4);
});

test('more texts than are kept all get their own answers', () => {
  const upper = remember((text) => text.toUpperCase());
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 5000; i++) assert.equal(upper(`text ${i}`), `TEXT ${i}`);
  }
});
