import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { scanJson } from '../../../src/wire/cut/json-scan.ts';
import { levelFor } from '../../../src/wire/cut/level.ts';
import { mediaMarker } from '../../../src/wire/cut/media.ts';
import { cutMiddle } from '../../../src/wire/cut/middle.ts';
import { cutText, leastTextBytes, stripMedia } from '../../../src/wire/cut/text.ts';

const strict = new TextDecoder('utf-8', { fatal: true });
const text = (bytes: Uint8Array): string => strict.decode(bytes);
const longText = fc.string({ unit: 'grapheme', minLength: 40, maxLength: 600 });

test('a cut text has its beginning and its end, is valid UTF-8 and within its size', () => {
  fc.assert(
    fc.property(longText, fc.integer({ min: 3, max: 300 }), (original, maxBytes) => {
      const bytes = Buffer.from(original);
      if (bytes.length <= maxBytes) return;
      const cut = text(cutMiddle(bytes, maxBytes));
      assert.ok(Buffer.byteLength(cut) <= maxBytes, `${Buffer.byteLength(cut)} > ${maxBytes}`);
      const notice = /…\[spanmill: (\d+) bytes cut\]…/.exec(cut);
      const [head, tail] = cut.split(notice === null ? '…' : notice[0]);
      if (original.includes('…')) return;
      assert.ok(original.startsWith(head) && original.endsWith(tail), cut);
      const kept = Buffer.byteLength(head) + Buffer.byteLength(tail);
      if (notice !== null) assert.equal(Number(notice[1]), bytes.length - kept);
      assert.ok(kept > maxBytes - 60, `only ${kept} of ${maxBytes}`);
    }),
    { numRuns: 500 },
  );
});

test('bytes that are no UTF-8 are cut all the same', () => {
  const noise = Buffer.alloc(5000, 0xbf);
  assert.ok(cutMiddle(noise, 100).length <= 100);
});

test('the scanner takes for JSON exactly what JSON.parse takes', () => {
  const parses = (source: string): boolean => {
    try {
      return typeof JSON.parse(source) === 'object' && JSON.parse(source) !== null;
    } catch {
      return false;
    }
  };
  const check = (source: string): void =>
    assert.equal(scanJson(Buffer.from(source), 0) !== null, parses(source), JSON.stringify(source));
  for (const source of [
    '',
    ' ',
    '{',
    '}',
    '[]',
    ' [ ] ',
    '{}x',
    '[1,]',
    '[,1]',
    '{"a":1,}',
    '{"a"}',
    '{a:1}',
    '[01]',
    '[-]',
    '[-0]',
    '[1.]',
    '[.5]',
    '[1e]',
    '[1E+5]',
    '[tru]',
    '[true,false,null]',
    '["\\x"]',
    '["\\u12"]',
    '["\\u12G4"]',
    '["\\u00e9\\n\\/"]',
    '["\n"]',
    '["',
    '["\\',
    '["\\u',
    '[NaN]',
    '"text"',
    '1',
    '[1 2]',
    '{"a":1 "b":2}',
    '\uFEFF[]',
    '[1]\u00a0',
  ]) {
    check(source);
  }
  const almost = fc.tuple(
    fc.json(),
    fc.nat(),
    fc.constantFrom('', '"', '\\', ',', '}', ']', '1', 'e', ' ', '\n', '\u0001'),
  );
  const property = fc.property(almost, ([json, at, inserted]) => {
    const place = at % (json.length + 1);
    check(json.slice(0, place) + inserted + json.slice(place));
    check(json.slice(0, place) + json.slice(place + 1));
  });
  fc.assert(property, { numRuns: 2000 });
});

test('JSON nested deeper than the scanner goes is no JSON to it, and no stack overflow', () => {
  const depth = 200_000;
  assert.equal(scanJson(Buffer.from('['.repeat(depth) + ']'.repeat(depth)), 0), null);
  assert.equal(scanJson(Buffer.from('{"a":'.repeat(depth)), 0), null);
});

const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'grapheme', maxLength: 200 }),
    fc.string({ unit: fc.constantFrom('"', '\\', '\n', 'a', '\u{1F600}', '\ud800', '/'), maxLength: 120 }),
    fc.double(),
    fc.constant('x'.repeat(900)),
    fc.json().map((inner) => inner.repeat(1)),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(fc.string({ maxLength: 8 }), tie('value'), { maxKeys: 5 }),
  ),
})).value;

/** The same value with every string of `cut` taken for the one of `whole`, as long as it is a shortened one. */
function sameShape(whole: unknown, cut: unknown): boolean {
  if (typeof whole === 'string' && typeof cut === 'string') return whole === cut || cut.includes('…');
  if (Array.isArray(whole) && Array.isArray(cut)) {
    const isNumbers = whole.length > 8 && whole.every((one) => typeof one === 'number');
    if (isNumbers && cut.length === 8) return cut.every((one, i) => one === whole[i]);
    return whole.length === cut.length && whole.every((one, i) => sameShape(one, cut[i]));
  }
  if (typeof whole === 'object' && typeof cut === 'object' && whole !== null && cut !== null) {
    const keys = Object.keys(whole);
    if (keys.join('\0') !== Object.keys(cut).join('\0')) return false;
    return keys.every((key) => sameShape(whole[key as keyof typeof whole], cut[key as keyof typeof cut]));
  }
  return Object.is(whole, cut) || whole === cut;
}

test('cut JSON still parses, with the same keys, lists and numbers, or says in a JSON string that it is gone', () => {
  let shaped = 0;
  const property = fc.property(
    fc.array(json, { minLength: 1 }),
    fc.boolean(),
    fc.integer({ min: leastTextBytes, max: 900 }),
    (value, pretty, maxBytes) => {
      const source = JSON.stringify(value, null, pretty ? 2 : 0);
      const bytes = Buffer.from(source);
      if (bytes.length <= maxBytes) return;
      const cut = text(cutText(bytes, maxBytes));
      assert.ok(Buffer.byteLength(cut) <= maxBytes, `${Buffer.byteLength(cut)} > ${maxBytes}`);
      const parsed = JSON.parse(cut) as unknown;
      if (typeof parsed === 'string') assert.match(parsed, /^\[spanmill: \d+ bytes of JSON cut\]$/);
      else {
        shaped++;
        assert.ok(sameShape(JSON.parse(source), parsed), cut);
      }
    },
  );
  fc.assert(property, { numRuns: 500 });
  assert.ok(shaped > 50, `only ${shaped} kept their shape`);
});

test('JSON in a string of JSON is JSON afterwards, too', () => {
  const args = JSON.stringify({ query: 'q'.repeat(4000), "don't": 'lose "quotes" \n', limit: 10 });
  const message = JSON.stringify([{ role: 'assistant', tool_calls: [{ name: 'search', arguments: args }] }]);
  const cut = JSON.parse(text(cutText(Buffer.from(message), 600)));
  assert.equal(cut[0].role, 'assistant');
  const inner = JSON.parse(cut[0].tool_calls[0].arguments);
  assert.deepEqual(Object.keys(inner), ['query', "don't", 'limit']);
  assert.equal(inner.limit, 10);
  assert.match(inner.query, /^q+…\[spanmill: \d+ bytes cut\]…q+$/);
});

test('the longest strings of JSON are cut first, and short ones stay', () => {
  const messages = [
    { role: 'system', content: 'You are kind.' },
    { role: 'user', content: 'a'.repeat(5000) },
    { role: 'user', content: 'b'.repeat(900) },
  ];
  const cut = JSON.parse(text(cutText(Buffer.from(JSON.stringify(messages)), 2500)));
  assert.equal(cut[0].content, messages[0].content);
  assert.match(cut[1].content, /^a+…\[spanmill: \d+ bytes cut\]…a+$/);
  assert.equal(cut[2].content, messages[2].content);
});

const encoded = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * 7919) & 255)).toString('base64');

test('data URLs and base64 become a marker with type, size and hash; words and hexadecimal digits do not', () => {
  const marker = (source: string): string | undefined => mediaMarker(Buffer.from(source))?.toString();
  assert.match(
    marker(`data:image/png;base64,${encoded}`) ?? '',
    /^\[spanmill: image\/png, 4022 bytes, sha256 [0-9a-f]{64}\]$/,
  );
  assert.match(marker(encoded) ?? '', /^\[spanmill: base64, 4000 bytes, sha256 [0-9a-f]{64}\]$/);
  assert.match(marker(encoded.replaceAll(/.{76}/g, '$&\r\n')) ?? '', /^\[spanmill: base64/);
  assert.equal(marker(`${encoded} and then a word`), undefined);
  assert.equal(marker('word '.repeat(400)), undefined);
  assert.equal(marker('Word'.repeat(400)), undefined);
  assert.equal(marker('0123456789abcdef'.repeat(100)), undefined);
  assert.equal(marker(`data:text/plain,${'a b'.repeat(500)}`), undefined);
});

test('media and embeddings are taken out of JSON, whose other bytes stay as they are', () => {
  const image = `data:image/jpeg;base64,${encoded}`;
  const numbers = Array.from({ length: 1536 }, (_, i) => i / 7).join(', ');
  const source = `{ "id": 9007199254740993, "image": {"url": "${image}"}, "slashed": "${encoded.replaceAll('/', '\\/')}",\n "vector": [${numbers}], "few": [1, 2, 3] , "text":"kept"}`;
  const stripped = text(stripMedia(Buffer.from(source)) ?? new Uint8Array(0));
  const value = JSON.parse(stripped);
  assert.match(value.image.url, /^\[spanmill: image\/jpeg, 4023 bytes, sha256 [0-9a-f]{64}\]$/);
  assert.match(value.slashed, /^\[spanmill: base64, 4000 bytes/);
  assert.deepEqual(value.vector, [0, 1 / 7, 2 / 7, 3 / 7, 4 / 7, 5 / 7, 6 / 7, 1]);
  assert.deepEqual([value.few, value.text], [[1, 2, 3], 'kept']);
  assert.ok(stripped.startsWith('{ "id": 9007199254740993, "image": {"url": "[spanmill'));
  assert.equal(stripMedia(Buffer.from('{"nothing": "here"}')), null);
  assert.equal(stripMedia(Buffer.from('plain text')), null);
});

test('the level at which the longest are cut is the highest that saves enough', () => {
  const savedAt = (lengths: readonly number[], level: number): number =>
    lengths.reduce((sum, length) => sum + Math.max(0, length - level), 0);
  const property = fc.property(
    fc.array(fc.nat(1000)),
    fc.integer({ min: 1, max: 3000 }),
    fc.nat(50),
    (lengths, saved, least) => {
      const level = levelFor(lengths, saved, least);
      if (level === null) assert.ok(savedAt(lengths, least) < saved);
      else {
        assert.ok(level >= least);
        assert.ok(savedAt(lengths, level) >= saved);
        assert.ok(savedAt(lengths, level + 1) < saved);
      }
    },
  );
  fc.assert(property, { numRuns: 1000 });
});
