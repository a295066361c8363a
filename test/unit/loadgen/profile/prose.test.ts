import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { prose } from '../../../../loadgen/profile/prose.ts';

const seeded = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state ^ (state >>> 15)) >>> 0;
  };
};

test('prose has exactly the bytes that were asked for, whole characters only', () => {
  const random = seeded(1);
  const sizes = Array.from({ length: 700 }, (_, size) => size);
  for (const size of [...sizes, 1_234, 20_001, 65_536, 300_007]) {
    const text = prose(random, size);
    assert.equal(Buffer.byteLength(text), size);
    assert.ok(text.isWellFormed() && !text.includes('\ufffd'), `of ${size} bytes`);
  }
});

test('prose is sentences and paragraphs, with words that are not ASCII now and then', () => {
  const text = prose(seeded(2), 100_000);
  const paragraphs = text.split('\n\n');
  assert.ok(paragraphs.length > 50, `${paragraphs.length} paragraphs`);
  const sentences = text.match(/[^.?]+[.?]/g) ?? [];
  assert.ok(sentences.length > 500, `${sentences.length} sentences`);
  assert.match(text, /^\p{Lu}/u);
  assert.match(text, /\.$/);
  const foreign = [...text].filter((character) => character.charCodeAt(0) > 127).length / text.length;
  assert.ok(foreign > 0.0005 && foreign < 0.05, `${foreign} of the characters are not ASCII`);
});

test('the frequent words of prose are far more frequent than the rare ones', () => {
  const counts = new Map<string, number>();
  for (const word of prose(seeded(3), 400_000)
    .toLowerCase()
    .match(/\p{L}+/gu) ?? []) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const ranked = [...counts.values()].toSorted((left, right) => right - left);
  assert.ok(ranked.length > 300, `${ranked.length} words`);
  assert.ok((ranked[0] ?? 0) > 10 * (ranked[100] ?? 0), 'the first against the hundredth');
});

test('the same random bits give the same prose, others another', () => {
  assert.equal(prose(seeded(4), 5_000), prose(seeded(4), 5_000));
  assert.notEqual(prose(seeded(4), 5_000), prose(seeded(5), 5_000));
});

test('prose compresses like prose', () => {
  for (const size of [20_000, 200_000, 3_000_000]) {
    const bytes = Buffer.from(prose(seeded(6), size));
    const gzip = size / gzipSync(bytes, { level: 1 }).length;
    const zstd = size / zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }).length;
    assert.ok(gzip > 2.5 && gzip < 4, `gzip makes ${size} bytes ${gzip.toFixed(2)} times smaller`);
    assert.ok(zstd > 2.5 && zstd < 4, `zstd makes ${size} bytes ${zstd.toFixed(2)} times smaller`);
  }
});
