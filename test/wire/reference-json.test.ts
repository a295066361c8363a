import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { SpanmillError } from '../../src/errors.ts';
import { decodeRequest, encodeRequest } from '../../src/wire/reference/codec.ts';
import { toJsonLine } from '../../src/wire/reference/json.ts';
import { readJson } from '../../src/wire/reference/json-reader.ts';
import type { Span } from '../../src/wire/reference/messages.ts';
import { request } from './arbitraries.ts';
import { sdkFixtures } from './sdk-fixtures.ts';

/** Made by collector_json.py, which says how. */
const recorded = JSON.parse(readFileSync(new URL('data/collector-json.json', import.meta.url), 'utf8')) as {
  readonly request: string;
  readonly line: string;
};
const recordedBytes = Uint8Array.from(Buffer.from(recorded.request, 'base64'));

/** What the Collector's text says in other characters: Go has two digits in an exponent. */
const goExponent = /(e[+-])0(\d)/g;

test('the line is the line that the Collector writes', () => {
  assert.equal(toJsonLine(recordedBytes), recorded.line.replace(goExponent, '$1$2'));
});

/**
 * The request as JSON can say it: without unknown fields and ids of zeroes, and with the messages that JSON always has.
 * Works on any part of it: an object is known by its fields.
 */
function asJsonSays(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(asJsonSays);
  if (part instanceof Uint8Array || typeof part !== 'object' || part === null) return part;
  const always: Record<string, unknown> = {};
  if ('scopeSpans' in part) always.resource = { attributes: [], droppedAttributesCount: 0, entityRefs: [] };
  if ('spans' in part) always.scope = { name: '', version: '', attributes: [], droppedAttributesCount: 0 };
  if ('parentSpanId' in part) always.status = { message: '', code: 0 };
  if ('keyStrindex' in part) always.value = {};
  const told = Object.entries(part)
    .filter(([name]) => name !== 'unknownFields')
    .map(([name, value]): [string, unknown] => {
      const noId = /Id$/.test(name) && value instanceof Uint8Array && value.every((byte) => byte === 0);
      return [name, noId ? new Uint8Array(0) : asJsonSays(value)];
    });
  return { ...always, ...Object.fromEntries(told) };
}

test('what the Collector wrote reads as the request that it was sent', () => {
  assert.deepEqual(readJson(recorded.line), asJsonSays(decodeRequest(recordedBytes)));
});

for (const { name, json, expected } of sdkFixtures) {
  test(`what the SDK writes as JSON reads as what it was told: ${name}`, () => {
    // JSON.stringify, which the SDK uses, makes null of them.
    const lost = structuredClone(expected);
    for (const { value } of lost.resourceSpans[0].scopeSpans[0].spans[0].attributes) {
      if (value?.doubleValue !== undefined && !Number.isFinite(value.doubleValue)) delete value.doubleValue;
    }
    assert.deepEqual(readJson(json), lost);
  });
}

test('a line reads as the request that it was made from', () => {
  const property = fc.property(request, (made) => {
    const line = toJsonLine(encodeRequest(made));
    assert.doesNotMatch(line, /\n/);
    assert.deepEqual(readJson(line), asJsonSays(made));
  });
  fc.assert(property, { numRuns: 200 });
});

// --- rules of reading ------------------------------------------------------------------------------------------------

function readSpan(span: object): Span {
  return readJson(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] })).resourceSpans[0]
    .scopeSpans[0].spans[0];
}

function readValue(value: string): unknown {
  const text = `{"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":${value}}]}}]}`;
  return readJson(text).resourceSpans[0].resource?.attributes[0].value;
}

test('names may be lowerCamelCase or snake_case, unknown ones are ignored, null is absent', () => {
  const span = readSpan({
    trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId: '00f067aa0ba902b7',
    start_time_unix_nano: '1760000000000000000',
    endTimeUnixNano: 5,
    dropped_events_count: 3,
    somethingNew: { deep: [1] },
    name: null,
    events: null,
    status: null,
    attributes: [{ key: 'k', value: { array_value: { values: [{ int_value: '7' }, { kvlistValue: {} }] } } }],
  });
  assert.equal(Buffer.from(span.traceId).toString('hex'), '4bf92f3577b34da6a3ce929d0e0e4736');
  assert.equal(Buffer.from(span.spanId).toString('hex'), '00f067aa0ba902b7');
  assert.equal(span.startTimeUnixNano, 1_760_000_000_000_000_000n);
  assert.equal(span.endTimeUnixNano, 5n);
  assert.equal(span.droppedEventsCount, 3);
  assert.deepEqual([span.name, span.events, span.status], ['', [], undefined]);
  const values = [{ intValue: 7n }, { kvlistValue: { values: [] } }];
  assert.deepEqual(span.attributes, [{ key: 'k', value: { arrayValue: { values } }, keyStrindex: 0 }]);
});

test('integers may be numbers or decimal strings and are exact up to 64 bits', () => {
  assert.deepEqual(readValue('{"intValue":"-9223372036854775808"}'), { intValue: -(2n ** 63n) });
  assert.deepEqual(readValue('{"intValue":9223372036854775807}'), { intValue: 2n ** 63n - 1n });
  assert.deepEqual(readValue('{"intValue": 9007199254740993}'), { intValue: 9007199254740993n });
  assert.deepEqual(readValue('{"intValue":1e3}'), { intValue: 1000n });
  const text = '{"resourceSpans":[{"scopeSpans":[{"spans":[{"endTimeUnixNano":18446744073709551615}]}]}]}';
  assert.equal(readJson(text).resourceSpans[0].scopeSpans[0].spans[0].endTimeUnixNano, 2n ** 64n - 1n);
});

test('doubles may be numbers or strings, with the three names for what is not a number', () => {
  assert.deepEqual(readValue('{"doubleValue":-0}'), { doubleValue: -0 });
  assert.deepEqual(readValue('{"doubleValue":"1.5e-7"}'), { doubleValue: 1.5e-7 });
  assert.deepEqual(readValue('{"doubleValue":1180591620717411303424}'), { doubleValue: 2 ** 70 });
  assert.deepEqual(readValue('{"doubleValue":"NaN"}'), { doubleValue: Number.NaN });
  assert.deepEqual(readValue('{"doubleValue":"-Infinity"}'), { doubleValue: Number.NEGATIVE_INFINITY });
});

test('enums may be numbers, also unknown ones, or names', () => {
  const span = readSpan({ kind: 'SPAN_KIND_SERVER', status: { code: 'STATUS_CODE_ERROR' } });
  assert.deepEqual([span.kind, span.status?.code], [2, 2]);
  assert.equal(readSpan({ kind: 77 }).kind, 77);
});

test('ids are hex in any case, bytes are base64 with or without padding', () => {
  assert.deepEqual(readSpan({ spanId: '00F067aA0BA902B7' }).spanId, readSpan({ spanId: '00f067aa0ba902b7' }).spanId);
  assert.deepEqual(readSpan({ spanId: '', traceId: '0'.repeat(32) }).spanId, new Uint8Array(0));
  assert.deepEqual(readValue('{"bytesValue":"AP8Q"}'), { bytesValue: Uint8Array.of(0, 255, 16) });
  assert.deepEqual(readValue('{"bytesValue":"AA=="}'), readValue('{"bytesValue":"AA"}'));
});

const inSpan = 'resourceSpans[0].scopeSpans[0].spans[0]';
const wrong: readonly (readonly [name: string, span: object, message: string])[] = [
  ['a trace id of 15 bytes', { traceId: 'a'.repeat(30) }, `${inSpan}.traceId: expected 32 hexadecimal digits`],
  ['a span id that is not hex', { span_id: 'x'.repeat(16) }, `${inSpan}.span_id: expected 16 hexadecimal digits`],
  ['a base64 id', { spanId: 'APBnqgupArc=' }, `${inSpan}.spanId: expected 16 hexadecimal digits, found "APBnqgupArc="`],
  ['an unknown enum name', { kind: 'SERVER' }, `${inSpan}.kind: expected a number or one of SPAN_KIND_UNSPECIFIED`],
  ['a name that is a number', { name: 5 }, `${inSpan}.name: expected a string, found 5`],
  ['attributes that are no array', { attributes: {} }, `${inSpan}.attributes: expected an array, found {}`],
  ['an attribute that is null', { attributes: [null] }, `${inSpan}.attributes[0]: expected an object, found null`],
  ['a time below 0', { startTimeUnixNano: '-1' }, `${inSpan}.startTimeUnixNano: expected an integer from 0 to`],
  [
    'a count above 32 bits',
    { droppedLinksCount: 2 ** 32 },
    `${inSpan}.droppedLinksCount: expected an integer from 0 to`,
  ],
  ['half an integer', { kind: 1.5 }, `${inSpan}.kind: expected an integer`],
  [
    'a value of two members',
    { attributes: [{ value: { intValue: 1, stringValue: 'a' } }] },
    `${inSpan}.attributes[0].value: expected one member of "value"`,
  ],
  [
    'bytes that are not base64',
    { attributes: [{ value: { bytesValue: 'A' } }] },
    `${inSpan}.attributes[0].value.bytesValue: expected standard base64, found "A"`,
  ],
  [
    'a bool in quotes',
    { attributes: [{ value: { boolValue: 'true' } }] },
    `${inSpan}.attributes[0].value.boolValue: expected true or false`,
  ],
];

for (const [name, span, message] of wrong) {
  test(`${name} is refused, saying where and what`, () => {
    assert.throws(
      () => readSpan(span),
      (error) => error instanceof SpanmillError && error.code === 'OTLP_JSON' && error.message.startsWith(message),
    );
  });
}

test('a body that is not JSON, not an object or nested too deep is refused', () => {
  const deep = `${'{"arrayValue":{"values":['.repeat(60)}{}${']}}'.repeat(60)}`;
  const bodies: readonly (readonly [string, RegExp])[] = [
    ['{"resourceSpans":', /^not JSON: /],
    ['[]', /^the body: expected an object/],
    [`{"resourceSpans":[{"resource":{"attributes":[{"value":${deep}}]}}]}`, /^more than 100 messages/],
  ];
  for (const [body, message] of bodies) {
    assert.throws(() => readJson(body), { name: 'SpanmillError', code: 'OTLP_JSON', message });
  }
});

test('bytes that are not protobuf have no line', () => {
  assert.throws(() => toJsonLine(Uint8Array.of(0x0a, 9)), Error);
});
