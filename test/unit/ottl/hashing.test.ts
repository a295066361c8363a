// Hashes of texts of every range of lengths, as recorded from a Collector.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { call, faultOf } from './call-function.ts';

const recorded = JSON.parse(readFileSync(new URL('recorded-hashes.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, readonly string[]>
>;
const names = ['XXH3', 'XXH128', 'Murmur3Hash', 'Murmur3Hash128', 'FNV'];

/** The text that was hashed. */
function textOf(length: number): string {
  return Array.from({ length }, (_, i) => String.fromCharCode(33 + ((i * 7 + (i >> 3) + length) % 90))).join('');
}

describe('hashes of texts', () => {
  for (const [length, expected] of Object.entries(recorded)) {
    it(`of ${length} bytes are those of the Collector`, () => {
      const text = textOf(Number(length));
      assert.deepEqual(
        names.map((name) => String(call(name, text))),
        expected,
      );
    });
  }

  const digests: readonly (readonly [name: string, text: string, expected: string])[] = [
    ['MD5', '', 'd41d8cd98f00b204e9800998ecf8427e'],
    ['MD5', 'x', '9dd4e461268c8034f5c8564e155c67a6'],
    ['SHA1', '\u00e9', 'bf15be717ac1b080b4f1c456692825891ff5073d'],
    ['SHA256', '', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ];
  for (const [name, text, expected] of digests) {
    it(`${name} of ${JSON.stringify(text)}`, () => assert.equal(call(name, text), expected));
  }

  it('of other values than texts are faults', () => {
    for (const name of [...names, 'MD5', 'SHA1', 'SHA256', 'SHA512']) {
      assert.equal(faultOf(name, null), 'expected a string, got nil');
      assert.equal(faultOf(name, 42n), 'expected a string, got an int');
    }
  });

  it('of 5 MB take a few seconds at most', () => {
    const text = 'x'.repeat(5_000_000);
    const start = performance.now();
    for (const name of [...names, 'MD5', 'SHA1', 'SHA256', 'SHA512']) call(name, text);
    assert.ok(performance.now() - start < 20_000);
  });
});
