import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnownHeads } from '../../../../src/transport/http2/known-heads.ts';

const find = (known: KnownHeads<string>, text: string, version = 1): string | null => {
  const bytes = Buffer.from(`<${text}>`);
  return known.find(bytes, 1, bytes.length - 1, version);
};
const add = (known: KnownHeads<string>, text: string, version = 1): void => {
  const bytes = Buffer.from(`<${text}>`);
  known.add(bytes, 1, bytes.length - 1, version, text.toUpperCase());
  bytes.fill(0);
};

test('a block is found by all of its bytes, at its version of the table', () => {
  const known = new KnownHeads<string>();
  add(known, 'abc');
  add(known, 'abd');
  add(known, 'abc', 2);
  assert.equal(find(known, 'abc'), 'ABC');
  assert.equal(find(known, 'abd'), 'ABD');
  for (const other of ['', 'ab', 'abcd', 'abe', 'bbc']) assert.equal(find(known, other), null, other);
  assert.equal(find(known, 'abd', 2), null);
  assert.equal(find(known, 'abc', 3), null);
});

test('the one that was used last longest ago is forgotten first', () => {
  const known = new KnownHeads<string>();
  for (const text of ['a', 'b', 'c', 'd']) add(known, text);
  for (const text of ['a', 'b', 'c', 'd']) assert.notEqual(find(known, text), null);
  const used = ['a', 'c', 'd'];
  for (let i = 0; i < 3; i++) for (const text of used) find(known, text);
  add(known, 'e');
  assert.equal(find(known, 'e'), 'E');
  assert.ok([...used, 'b'].filter((text) => find(known, text) !== null).length === 3, 'more than one was forgotten');
});

test('a long block is not kept', () => {
  const known = new KnownHeads<string>();
  add(known, 'x'.repeat(512));
  add(known, 'x'.repeat(513));
  assert.notEqual(find(known, 'x'.repeat(512)), null);
  assert.equal(find(known, 'x'.repeat(513)), null);
});
