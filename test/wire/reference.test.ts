import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { normalise } from '../../src/wire/normalise.ts';
import { decodeRequest, encodeRequest } from '../../src/wire/reference/codec.ts';
import { request } from './arbitraries.ts';
import { sdkFixtures } from './sdk-fixtures.ts';

for (const { name, protobuf, expected } of sdkFixtures) {
  test(`decoding what the SDK encoded gives what it was told: ${name}`, () => {
    assert.deepEqual(decodeRequest(protobuf), expected);
    assert.deepEqual(decodeRequest(encodeRequest(expected)), expected);
  });

  test(`what the SDK encodes is canonical but for defaults that it writes out: ${name}`, () => {
    const target = new Uint8Array(protobuf.length);
    assert.equal(normalise(protobuf, 0, protobuf.length, target, 0), protobuf.length);
    assert.deepEqual(target, protobuf);
  });
}

test('every request survives encoding and decoding, unknown fields included', () => {
  fc.assert(fc.property(request, (made) => assert.deepEqual(decodeRequest(encodeRequest(made)), made)));
});

test('64-bit values are exact at both ends', () => {
  const extremes = { start: 2n ** 64n - 1n, end: 2n ** 63n, least: -(2n ** 63n), most: 2n ** 63n - 1n };
  const span = decodeRequest(sdkFixtures[2].protobuf).resourceSpans[0].scopeSpans[0].spans[0];
  span.startTimeUnixNano = extremes.start;
  span.endTimeUnixNano = extremes.end;
  span.attributes = [extremes.least, extremes.most].map((intValue) => ({
    key: '',
    value: { intValue },
    keyStrindex: 0,
  }));
  const again = decodeRequest(
    encodeRequest({ resourceSpans: [{ scopeSpans: [{ spans: [span], schemaUrl: '' }], schemaUrl: '' }] }),
  );
  assert.deepEqual(again.resourceSpans[0].scopeSpans[0].spans[0], span);
});

test('the decoded request keeps nothing of the memory that it was decoded from', () => {
  const bytes = Uint8Array.from(sdkFixtures[0].protobuf);
  const decoded = decodeRequest(bytes);
  bytes.fill(0);
  assert.deepEqual(decoded, sdkFixtures[0].expected);
});

test('text that is not UTF-8 costs its attribute some characters and nothing else', () => {
  const name = [0x2a, 3, 0x61, 0xff, 0x62];
  const bytes = Uint8Array.from([0x0a, 9, 0x12, 7, 0x12, 5, ...name]);
  assert.equal(decodeRequest(bytes).resourceSpans[0].scopeSpans[0].spans[0].name, 'a\ufffdb');
});

test('bytes in shared memory can be decoded', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(sdkFixtures[1].protobuf.length));
  shared.set(sdkFixtures[1].protobuf);
  assert.deepEqual(decodeRequest(shared), sdkFixtures[1].expected);
});

test('bytes that are not protobuf are an error', () => {
  for (const bytes of [[0x0a], [0x0a, 5, 1], [0x0f], [0x0a, 1, 0x0b]]) {
    assert.throws(() => decodeRequest(Uint8Array.from(bytes)), Error, String(bytes));
  }
});

/** Made by unusual_vectors.py with Google's protobuf library. */
const vectors = JSON.parse(readFileSync(new URL('data/unusual.json', import.meta.url), 'utf8')) as readonly {
  readonly name: string;
  readonly unusual: string;
  readonly rewritten: string;
}[];

test('unusual encodings decode to what they mean', () => {
  for (const { name, unusual, rewritten } of vectors) {
    const decoded = decodeRequest(Buffer.from(unusual, 'hex'));
    const meant = decodeRequest(Buffer.from(rewritten, 'hex'));
    assert.deepEqual(decoded, meant, name);
  }
});
