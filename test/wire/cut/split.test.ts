import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SpanmillError } from '../../../src/errors.ts';
import { countSpans, lengthOf, type Part } from '../../../src/wire/cut/part.ts';
import { mostParts, splitInHalves, splitToLimits } from '../../../src/wire/cut/split.ts';
import { encodeRequest } from '../../../src/wire/reference/codec.ts';
import { readJson } from '../../../src/wire/reference/json-reader.ts';
import type { ExportTraceServiceRequest } from '../../../src/wire/reference/messages.ts';
import { mutate, requestBytes, seededRandom } from '../arbitraries.ts';
import { sdkFixtures } from '../sdk-fixtures.ts';
import { unusual } from '../unusual.ts';
import { flatten, segmented } from './flatten.ts';

const none = Number.POSITIVE_INFINITY;

/** What holds of every split. */
function checkParts(bytes: Uint8Array, parts: readonly Part[], maxBytes: number, maxSpans: number): void {
  const decoded = parts.flatMap(({ segments, spans, bytes: length }) => {
    const whole = Buffer.concat(segments);
    assert.equal(whole.length, length);
    assert.equal(countSpans([whole]), spans);
    assert.ok((length <= maxBytes && spans <= maxSpans) || spans === 1, `${length} bytes, ${spans} spans`);
    return flatten(whole);
  });
  assert.deepEqual(decoded, flatten(bytes));
  for (let i = 1; i < parts.length; i++) {
    const [a, b] = [parts[i - 1], parts[i]];
    assert.ok(a.bytes + b.bytes > maxBytes || a.spans + b.spans > maxSpans, 'two parts that one could have been');
  }
}

const limits = fc.record({
  maxBytes: fc.oneof(fc.nat(60), fc.nat(2000), fc.constant(none)),
  maxSpans: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constant(none)),
});

test('parts hold the same spans in the same order, each below the same resource and scope, within the limits', () => {
  let cut = 0;
  const property = fc.property(requestBytes, limits, fc.integer(), (bytes, { maxBytes, maxSpans }, seed) => {
    const segments = segmented(bytes, seededRandom(seed));
    const before = Buffer.concat(segments);
    const parts = splitToLimits(segments, { maxBytes, maxSpans });
    if (parts.length > 1) cut++;
    checkParts(bytes, parts, maxBytes, maxSpans);
    assert.deepEqual(Buffer.concat(segments), before, 'the input was written to');
  });
  fc.assert(property, { numRuns: 250 });
  assert.ok(cut > 40, `only ${cut} were cut`);
});

test('shuffled, repeated, split and padded fields lose nothing and invent nothing', () => {
  let cut = 0;
  const property = fc.property(requestBytes, limits, fc.integer(), (bytes, { maxBytes, maxSpans }, seed) => {
    const random = seededRandom(seed);
    const strange = unusual(bytes, random);
    const parts = splitToLimits(segmented(strange, random), { maxBytes, maxSpans });
    if (parts.length > 1) cut++;
    checkParts(strange, parts, maxBytes, maxSpans);
  });
  fc.assert(property, { numRuns: 250 });
  assert.ok(cut > 40, `only ${cut} were cut`);
});

test('what is within the limits comes back as it is, a resource without spans included', () => {
  const message = Buffer.from(encodeRequest(readJson('{"resourceSpans":[{"resource":{},"scopeSpans":[{}]}]}')));
  const segments = [message.subarray(0, 1), message.subarray(1)];
  const [part, ...others] = splitToLimits(segments, { maxBytes: message.length, maxSpans: 1 });
  assert.deepEqual(others, []);
  assert.equal(part.segments, segments);
  assert.deepEqual([part.spans, part.bytes], [0, message.length]);
});

test('a resource without spans is in no part of a request that is cut; a request without any span has no parts', () => {
  const resource = (name: string, spans: object[]): object => ({
    resource: { attributes: [{ key: 'service.name', value: { stringValue: name } }] },
    scopeSpans: [{ scope: { name: 'empty' } }, { scope: { name: 'full' }, spans }],
  });
  const text = JSON.stringify({
    resourceSpans: [resource('none', []), resource('two', [{ name: 'a' }, { name: 'b' }])],
  });
  const message = Buffer.from(encodeRequest(readJson(text)));
  const parts = splitToLimits([message], { maxBytes: none, maxSpans: 1 });
  assert.equal(parts.length, 2);
  for (const { segments } of parts) assert.doesNotMatch(Buffer.concat(segments).toString('latin1'), /none|empty/);
  const bare = Buffer.from(encodeRequest(readJson(JSON.stringify({ resourceSpans: [resource('none', [])] }))));
  assert.deepEqual(splitToLimits([bare], { maxBytes: 1, maxSpans: none }), []);
  assert.equal(splitInHalves([bare]), null);
});

test('halves have about half of the bytes each, at the nearest border of a span', () => {
  let halved = 0;
  const property = fc.property(requestBytes, fc.integer(), (bytes, seed) => {
    const halves = splitInHalves(segmented(bytes, seededRandom(seed)));
    const spans = countSpans([bytes]);
    assert.equal(halves === null, spans < 2);
    if (halves === null) return;
    halved++;
    assert.ok(halves.every((half) => half.spans > 0));
    assert.deepEqual(
      halves.flatMap(({ segments }) => flatten(Buffer.concat(segments))),
      flatten(bytes),
    );
  });
  fc.assert(property, { numRuns: 300 });
  assert.ok(halved > 50, `only ${halved} had two spans`);
  const large = { name: 'x'.repeat(1000) };
  const small = { name: 'y' };
  const of = (spans: object[]): Buffer =>
    Buffer.from(encodeRequest(readJson(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }))));
  const counts = (spans: object[]): number[] => (splitInHalves([of(spans)]) ?? []).map((half) => half.spans);
  assert.deepEqual(counts([large, small, small, small]), [1, 3]);
  assert.deepEqual(counts([small, small, small, large]), [3, 1]);
  assert.deepEqual(counts([small, small, small, small]), [2, 2]);
});

test('a request cut off anywhere is refused or still a request; nothing is read beyond its end', () => {
  for (const { protobuf } of sdkFixtures) {
    for (let length = 0; length < protobuf.length; length++) {
      // What would make it whole stands right behind it.
      checkAnything(Buffer.from(protobuf.buffer, protobuf.byteOffset, length));
    }
  }
});

test('random faults end in a SpanmillError or in parts that hold all spans', () => {
  let refused = 0;
  const property = fc.property(requestBytes, fc.integer(), (bytes, seed) => {
    if (!checkAnything(Buffer.from(mutate(bytes, seededRandom(seed))))) refused++;
  });
  fc.assert(property, { numRuns: 1000 });
  assert.ok(refused > 50, `only ${refused} were refused`);
});

/** False: it was refused. */
function checkAnything(bytes: Buffer): boolean {
  try {
    const spans = countSpans([bytes]);
    const parts = splitToLimits([bytes], { maxBytes: 40, maxSpans: 2 });
    assert.equal(
      parts.reduce((sum, part) => sum + part.spans, 0),
      spans,
    );
    for (const { segments } of parts)
      assert.equal(countSpans(segments), parts.length === 1 ? spans : countSpans(segments));
    return true;
  } catch (error) {
    assert.ok(error instanceof SpanmillError, String(error));
    assert.equal(error.code, 'OTLP_PROTOBUF');
    return false;
  }
}

/** A request of one resource and one scope. */
function requestOf(spans: number, spanBytes: number, resourceBytes: number): ExportTraceServiceRequest {
  const request = readJson(
    JSON.stringify({
      resourceSpans: [
        {
          resource: {
            attributes: [{ key: 'process.command_line', value: { stringValue: 'r'.repeat(resourceBytes) } }],
          },
          scopeSpans: [{ scope: { name: 'llm' }, spans: [{ name: 's'.repeat(spanBytes) }] }],
        },
      ],
    }),
  );
  const [scopeSpans] = request.resourceSpans[0].scopeSpans;
  scopeSpans.spans = Array.from({ length: spans }, () => scopeSpans.spans[0]);
  return request;
}

test('143 spans of an LLM app, more than 16 MiB, go out in parts of at most 4 MiB', () => {
  const message = Buffer.from(encodeRequest(requestOf(143, 118_000, 500)));
  assert.ok(message.length > 16 << 20);
  const parts = splitToLimits([message], { maxBytes: 4 << 20, maxSpans: none });
  assert.deepEqual(
    parts.map(({ spans }) => spans),
    [35, 35, 35, 35, 3],
  );
  checkParts(message, parts, 4 << 20, none);
  // Two pieces of a few bytes and the spans as they lie: no copies.
  for (const { segments } of parts) assert.ok(segments.length <= 2, String(segments.length));
});

test('there are so many parts at most; the last has the rest, which can be cut in turn', () => {
  const one = encodeRequest(requestOf(1, 10, 10));
  const message = Buffer.concat(Array.from({ length: mostParts + 100 }, () => one));
  const limits = { maxBytes: none, maxSpans: 1 };
  const parts = splitToLimits([message], limits);
  assert.equal(parts.length, mostParts);
  const last = parts.at(-1);
  assert.equal(last?.spans, 101);
  assert.equal(splitToLimits(last?.segments ?? [], limits).length, 101);
  assert.deepEqual(Buffer.concat(parts.flatMap(({ segments }) => segments)), message);
});

test('spans below a resource too large to repeat stay together, and those beside them are cut as ever', () => {
  const huge = encodeRequest(requestOf(4000, 100, 1 << 20));
  const plain = encodeRequest(requestOf(4000, 1000, 100));
  const maxBytes = (1 << 20) + 2000;
  const parts = splitToLimits([Buffer.from(plain), Buffer.from(huge), Buffer.from(plain)], {
    maxBytes,
    maxSpans: none,
  });
  const above = parts.filter(({ bytes }) => bytes > maxBytes);
  assert.deepEqual(
    above.map(({ spans }) => spans),
    [4000],
  );
  assert.equal(
    parts.reduce((sum, { spans }) => sum + spans, 0),
    12_000,
  );
  assert.ok(lengthOf(parts.flatMap(({ segments }) => segments)) < 2 * (huge.length + 2 * plain.length));
  // Alone it is one part: there is nothing more to cut.
  assert.equal(splitToLimits(above[0].segments, { maxBytes, maxSpans: none }).length, 1);
});
