import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SpanmillError } from '../../../../src/errors.ts';
import {
  aboutKey,
  decodeAbout,
  decodeKey,
  type EntryKey,
  encodeKey,
  rangeOf,
} from '../../../../src/extensions/file_storage/keys.ts';

const entry = (fields: Partial<EntryKey> = {}): EntryKey => ({
  owner: 'exporter otlp/a',
  key: 1,
  spans: 512,
  bytes: 214_000,
  tag: '',
  ...fields,
});
// A character may take dozens of bytes, of which an owner has 255.
const anyEntry = fc.record(
  {
    owner: fc.string({ minLength: 1, maxLength: 4, unit: 'grapheme' }),
    key: fc.integer({ min: 1, max: 2 ** 48 - 2 }),
    spans: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    bytes: fc.integer({ min: 0, max: 2 ** 31 - 5 }),
    tag: fc.string({ maxLength: 10, unit: 'grapheme' }),
  },
  { noNullPrototype: true },
);

test('a key says again what was put into it', () => {
  fc.assert(fc.property(anyEntry, (one) => assert.deepEqual(decodeKey(encodeKey(one)), one)));
});

test('keys of an owner ascend with their sequence, and lie in its range and in no other', () => {
  fc.assert(
    fc.property(anyEntry, anyEntry, (a, b) => {
      const [first, second] = [encodeKey(a), encodeKey({ ...b, owner: a.owner })];
      if (a.key !== b.key) assert.equal(Math.sign(Buffer.compare(first, second)), Math.sign(a.key - b.key));
      for (const owner of [a.owner, b.owner]) {
        const { start, end } = rangeOf(owner);
        const isIn = Buffer.compare(start, first) <= 0 && Buffer.compare(first, end) < 0;
        assert.equal(isIn, owner === a.owner);
      }
    }),
  );
});

test('a key with any bit changed, cut short or made longer is none', () => {
  const raw = encodeKey(entry({ tag: 'a tag' }));
  for (let bit = 0; bit < raw.length * 8; bit++) {
    const other = Uint8Array.from(raw);
    other[bit >> 3] ^= 1 << (bit & 7);
    assert.equal(decodeKey(other), null, `bit ${bit}`);
  }
  for (let length = 0; length < raw.length; length++) assert.equal(decodeKey(raw.subarray(0, length)), null);
  assert.equal(decodeKey(Buffer.concat([raw, Buffer.alloc(1)])), null);
  assert.equal(decodeKey(aboutKey), null);
  assert.equal(decodeKey(Buffer.alloc(0)), null);
});

test('what no key can hold is refused', () => {
  const wrong = [{ owner: '' }, { owner: 'x'.repeat(256) }, { tag: 'é'.repeat(513) }, { bytes: 2 ** 31 }];
  for (const fields of wrong) assert.throws(() => encodeKey(entry(fields)), SpanmillError);
  const largest = entry({ owner: 'x'.repeat(255), tag: 'é'.repeat(512), bytes: 2 ** 31 - 5 });
  assert.deepEqual(decodeKey(encodeKey(largest)), largest);
});

test('what a store says of itself is read when it is whole, and is nothing otherwise', () => {
  const about = { format: 1, boot: 'b', fsync: true, closed: false };
  assert.deepEqual(decodeAbout(Buffer.from(JSON.stringify(about))), about);
  for (const text of ['', 'null', '{}', '[1]', '{"format":"1","boot":"b"}', '{"format":1']) {
    assert.equal(decodeAbout(Buffer.from(text)), null, text);
  }
});
