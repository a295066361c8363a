// OTLP JSON to protobuf, against the reference codec: the same documents, as they are, respelled, with escapes and cut.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SpanmillError } from '../../../src/errors.ts';
import { snakeCase } from '../../../src/wire/json/json-fields.ts';
import { protobufRoom } from '../../../src/wire/json/transcode.ts';
import { decodeRequest, encodeRequest } from '../../../src/wire/reference/codec.ts';
import { toJsonLine } from '../../../src/wire/reference/json.ts';
import { readJson } from '../../../src/wire/reference/json-reader.ts';
import { mutate, request, seededRandom } from '../arbitraries.ts';
import { sdkFixtures } from '../sdk-fixtures.ts';
import { transcode } from './transcoding.ts';

function transcoded(json: string | Uint8Array): Uint8Array {
  const bytes = transcode(json);
  assert.ok(bytes !== null, 'the room that always suffices did not');
  return bytes;
}

/** That it reads as the reference reads it. */
function assertSame(json: string): void {
  assert.deepEqual(decodeRequest(transcoded(json)), decodeRequest(encodeRequest(readJson(json))));
}

/** Every key in the other spelling. */
const respelled = (json: string): string =>
  JSON.stringify(JSON.parse(json), (_key, value: unknown) =>
    typeof value !== 'object' || value === null || Array.isArray(value)
      ? value
      : Object.fromEntries(Object.entries(value).map(([name, inner]) => [snakeCase(name), inner])),
  );

/** Every character of every string as an escape, keys too. */
const escaped = (json: string): string =>
  json.replace(/"(?:[^"\\]|\\.)*"/g, (text) => {
    const units = [...Array.from({ length: (JSON.parse(text) as string).length }).keys()];
    const value = JSON.parse(text) as string;
    return `"${units.map((i) => `\\u${value.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`;
  });

for (const { name, json } of sdkFixtures) {
  test(`what the SDK writes as JSON becomes what the reference makes of it: ${name}`, () => assertSame(json));
}

test('a document becomes what the reference makes of it, in any spelling', () => {
  const property = fc.property(request, (made) => {
    const line = toJsonLine(encodeRequest(made));
    assertSame(line);
    assertSame(JSON.stringify(JSON.parse(line), null, '\t'));
    // JSON.parse has changed large numbers, for both alike.
    assertSame(respelled(line));
  });
  fc.assert(property, { numRuns: 200 });
});

test('its strings may be escapes throughout', () => {
  const property = fc.property(request, (made) => {
    // Names, ids, numbers, enums, base64 and text alike.
    const line = toJsonLine(encodeRequest(made));
    assert.deepEqual(decodeRequest(transcoded(escaped(line))), decodeRequest(transcoded(line)));
  });
  fc.assert(property, { numRuns: 100 });
  assertSame(`{${escaped('"resourceSpans"')}:[{${escaped('"schema_url"')}:"a"}]}`);
});

test('numbers, enums and ids in escapes are what they are without, and wrong ones are refused where they stand', () => {
  const span = (members: string): string => `{"resourceSpans":[{"scopeSpans":[{"spans":[{${members}}]}]}]}`;
  const attribute = (value: string): string => `{"resourceSpans":[{"resource":{"attributes":[{"value":{${value}}}]}}]}`;
  assertSame(span('"kind":"SPAN_KIND_\\u0043LIENT","spanId":"00\\u00301112131415161"'));
  assertSame(span('"startTimeUnixNano":"18446744073709551\\u0036\\u00315","endTimeUnixNano":"\\u0031"'));
  assertSame(attribute('"intValue":"\\u002d9223372036854775808"'));
  assertSame(attribute('"intValue":"-1\\u0030"'));
  assertSame(attribute('"doubleValue":"1\\u002e5"'));
  for (const [wrong, message] of [
    [span('"startTimeUnixNano":"18446744073709551\\u00361\\u0036"'), /startTimeUnixNano: expected an integer/],
    [span('"startTimeUnixNano":"\\u002d1"'), /startTimeUnixNano: expected an integer/],
    [attribute('"intValue":"\\u0031.5"'), /intValue: expected an integer/],
    [attribute('"intValue":"1\\x31"'), /^not JSON: expected an escape that JSON has/],
    [span('"spanId":"\\u0030"'), /spanId: expected 16 hexadecimal digits/],
    [span('"kind":"SPAN\\u005fKIND"'), /kind: expected a number or one of/],
  ] as const) {
    assert.throws(() => transcode(wrong), { code: 'OTLP_JSON', message }, wrong);
  }
});

test('of a member that comes twice the last counts, also when it is null or a default', () => {
  const scalars: readonly (readonly [name: string, value: string, defaults: readonly string[]])[] = [
    ['name', '"a"', ['""', 'null']],
    ['traceId', '"01010101010101010101010101010101"', ['""', `"${'0'.repeat(32)}"`, 'null']],
    ['kind', '3', ['0', '"SPAN_KIND_UNSPECIFIED"', 'null']],
    ['startTimeUnixNano', '"5"', ['0', '"0"', 'null']],
    ['flags', '1', ['0', 'null']],
    ['droppedLinksCount', '1', ['0', 'null']],
  ];
  for (const [name, value, defaults] of scalars) {
    for (const last of defaults) {
      assertSame(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"${name}":${value},"${name}":${last}}]}]}]}`);
      assertSame(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"${name}":${last},"${name}":${value}}]}]}]}`);
    }
  }
  assertSame(
    '{"resourceSpans":[{"scopeSpans":[{"spans":[{"status":{"message":"a","code":2,"code":0,"message":""}}]}]}]}',
  );
});

test('the result takes no more room than is reserved for it, and with less it says so', () => {
  const negative = `{"resourceSpans":[{"scopeSpans":[{"spans":[${Array.from({ length: 5000 }, () => '{"kind":-1}').join(',')}]}]}]}`;
  assert.ok(transcoded(negative).length > negative.length, 'this is the case that grows');
  const empty = `{"resourceSpans":[${Array.from({ length: 5000 }, () => '{}').join(',')}]}`;
  assert.ok(transcoded(empty).length < protobufRoom(empty.length));
  const values = Array.from({ length: 2000 }, () => '{"intValue":-1},{"boolValue":true},{"doubleValue":1},{}').join(
    ',',
  );
  assertSame(`{"resourceSpans":[{"resource":{"attributes":[{"value":{"arrayValue":{"values":[${values}]}}}]}}]}`);
  const { json } = sdkFixtures[0];
  const { length } = transcoded(json);
  for (let room = 0; room < length; room += Math.ceil(length / 100)) assert.equal(transcode(json, room), null);
});

test('a document that is cut anywhere is refused', () => {
  for (const { json } of sdkFixtures) {
    const bytes = Buffer.from(json.trimEnd());
    const step = Math.max(1, Math.floor(bytes.length / 500));
    for (let length = 0; length < bytes.length; length += step) {
      assert.throws(
        () => transcode(bytes.subarray(0, length)),
        (error) => error instanceof SpanmillError,
      );
    }
  }
});

test('whatever the bytes are, it ends in a result that the reference reads too, or in an error that says what is wrong', () => {
  const random = seededRandom(4318);
  let [taken, refused] = [0, 0];
  for (let round = 0; round < 4000; round++) {
    const { json } = sdkFixtures[round % sdkFixtures.length];
    const bytes = mutate(Buffer.from(json), random);
    try {
      decodeRequest(transcoded(bytes));
      taken++;
    } catch (error) {
      assert.ok(error instanceof SpanmillError, String(error));
      assert.match(error.message, /^(not JSON: |[\w.[\]]+: expected |the body: |more than )/);
      refused++;
    }
  }
  assert.ok(taken > 100 && refused > 1000, `${taken} taken, ${refused} refused`);
});

// --- one by one ---

const attributeOf = (value: string): unknown => {
  const json = `{"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":${value}}]}}]}`;
  return decodeRequest(transcoded(json)).resourceSpans[0].resource?.attributes[0].value;
};

test('integers are exact, as numbers and as strings', () => {
  for (const [text, value] of [
    ['0', 0n],
    ['-0', 0n],
    ['9007199254740993', 9007199254740993n],
    ['-9007199254740993', -9007199254740993n],
    ['9223372036854775807', 2n ** 63n - 1n],
    ['-9223372036854775808', -(2n ** 63n)],
    ['4294967295', 2n ** 32n - 1n],
    ['4294967296', 2n ** 32n],
    ['-4294967296', -(2n ** 32n)],
  ] as const) {
    assert.deepEqual(attributeOf(`{"intValue":${text}}`), { intValue: value }, text);
    assert.deepEqual(attributeOf(`{"intValue":"${text}"}`), { intValue: value }, text);
  }
  assert.deepEqual(attributeOf('{"intValue":1e3}'), { intValue: 1000n });
  assert.deepEqual(attributeOf('{"intValue":-12.50e1}'), { intValue: -125n });
  const span = '{"startTimeUnixNano":18446744073709551615,"endTimeUnixNano":"18446744073709551615","flags":4294967295}';
  const json = `{"resourceSpans":[{"scopeSpans":[{"spans":[${span}]}]}]}`;
  const [read] = decodeRequest(transcoded(json)).resourceSpans[0].scopeSpans[0].spans;
  assert.deepEqual(
    [read.startTimeUnixNano, read.endTimeUnixNano, read.flags],
    [2n ** 64n - 1n, 2n ** 64n - 1n, 2 ** 32 - 1],
  );
});

test('doubles may be numbers or strings, with the three names for what is not a number', () => {
  for (const [text, value] of [
    ['-0', -0],
    ['0', 0],
    ['5e-324', 5e-324],
    ['"1.5e-7"', 1.5e-7],
    ['1180591620717411303424', 2 ** 70],
    ['"NaN"', Number.NaN],
    ['"Infinity"', Number.POSITIVE_INFINITY],
    ['"-Infinity"', Number.NEGATIVE_INFINITY],
    ['1e999', Number.POSITIVE_INFINITY],
  ] as const) {
    assert.deepEqual(attributeOf(`{"doubleValue":${text}}`), { doubleValue: value }, text);
  }
});

test('text is UTF-8 whatever its escapes are, half a pair is replaced, and bytes that are no text stay', () => {
  for (const [text, value] of [
    ['"a\\"\\\\\\/\\b\\f\\n\\r\\tz"', 'a"\\/\b\f\n\r\tz'],
    ['"\\u00e9\\u20ac\\ud83d\\ude00"', 'é€😀'],
    ['"é€😀"', 'é€😀'],
    ['"\\ud800x"', '\ufffdx'],
    ['"\\udc00\\ud800\\ud83d\\ude00"', '\ufffd\ufffd😀'],
    ['"\\u0000"', '\0'],
  ] as const) {
    assert.deepEqual(attributeOf(`{"stringValue":${text}}`), { stringValue: value }, text);
  }
  const [before, behind] = ['{"resourceSpans":[{"schemaUrl":"', '"}]}'];
  const bytes = transcoded(Buffer.concat([Buffer.from(before), Buffer.of(0xff, 0x41, 0xc3), Buffer.from(behind)]));
  assert.deepEqual([...bytes], [0x0a, 5, 0x1a, 3, 0xff, 0x41, 0xc3]);
});

test('strings of every length have the right length in front', () => {
  for (const length of [0, 1, 126, 127, 128, 129, 16_383, 16_384, 2_097_151, 2_097_152]) {
    assert.deepEqual(attributeOf(`{"stringValue":"${'x'.repeat(length)}"}`), { stringValue: 'x'.repeat(length) });
    const half = `${'\\u0041'.repeat(length % 100)}${'x'.repeat(length - (length % 100))}`;
    assert.deepEqual(attributeOf(`{"stringValue":"${half}"}`), {
      stringValue: `${'A'.repeat(length % 100)}${'x'.repeat(length - (length % 100))}`,
    });
  }
});

test('bytes are standard base64, with or without padding', () => {
  for (const [text, bytes] of [
    ['', []],
    ['AP8Q', [0, 255, 16]],
    ['AA==', [0]],
    ['AA', [0]],
    ['+/8=', [0xfb, 0xff]],
    ['+/8', [0xfb, 0xff]],
  ] as const) {
    assert.deepEqual(attributeOf(`{"bytesValue":"${text}"}`), { bytesValue: Uint8Array.from(bytes) }, text);
  }
});

test('null is absent, defaults are left out, and members that are set stay though they are the default', () => {
  const json = `{"resourceSpans":[{"resource":null,"scopeSpans":[{"spans":[{
    "name":"","kind":0,"droppedEventsCount":0,"startTimeUnixNano":"0","spanId":"0000000000000000","traceId":"","status":{},
    "events":null,"attributes":[{"key":"a","value":{"stringValue":""}},{"key":"b","value":{"intValue":0}},
      {"key":"c","value":{"boolValue":false}},{"key":"d","value":{"doubleValue":0}},{"key":"e","value":{"bytesValue":""}},
      {"key":"f","value":{}},{"key":"g","value":null},{"key":"h","value":{"stringValue":null,"intValue":"7"}}]}]}]}]}`;
  assertSame(json);
  const [span] = decodeRequest(transcoded(json)).resourceSpans[0].scopeSpans[0].spans;
  assert.deepEqual(
    span.attributes.map(({ value }) => value),
    [
      { stringValue: '' },
      { intValue: 0n },
      { boolValue: false },
      { doubleValue: 0 },
      { bytesValue: new Uint8Array(0) },
      {},
      undefined,
      { intValue: 7n },
    ],
  );
});

test('unknown names are ignored with all that is in them', () => {
  const inside = '{"a":[1,-2.5e+3,"\\"",null,true,false,{},[],{"b":{"c":[[]]}}]}';
  assertSame(
    `{"new":${inside},"resourceSpans":[{"newer":${inside},"schemaUrl":"s","constructor":1,"__proto__":{}}],"last":0}`,
  );
});

test('what was once called instrumentation library is read; where both stand, the first counts', () => {
  const library = '{"instrumentationLibrary":{"name":"l"},"spans":[{"name":"old"}]}';
  const namesOf = (resourceSpans: string): string[] =>
    decodeRequest(transcoded(`{"resourceSpans":[${resourceSpans}]}`)).resourceSpans[0].scopeSpans.map(
      ({ scope, spans }) => `${scope?.name} ${spans[0].name}`,
    );
  assert.deepEqual(namesOf(`{"instrumentationLibrarySpans":[${library}]}`), ['l old']);
  assert.deepEqual(namesOf(`{"scopeSpans":[],"instrumentation_library_spans":[${library}]}`), ['l old']);
  const scope = '{"scope":{"name":"s"},"spans":[{"name":"new"}]}';
  assert.deepEqual(namesOf(`{"scopeSpans":[${scope}],"instrumentationLibrarySpans":[${library}]}`), ['s new']);
});

test('a byte order mark and white space around are no part of it', () => {
  assert.equal(transcoded('\ufeff \r\n\t{ } \n').length, 0);
});

const inSpan = (members: string): string => `{"resourceSpans":[{"scopeSpans":[{"spans":[{}, {${members}}]}]}]}`;
const at = 'resourceSpans[0].scopeSpans[0].spans[1]';
const wrong: readonly (readonly [json: string | Buffer, message: string])[] = [
  ['', 'not JSON: the body is empty'],
  ['  ', 'not JSON: the body is empty'],
  ['[]', 'the body: expected an object, found an array (at byte 0)'],
  ['null', 'the body: expected an object, found null (at byte 0)'],
  ['{"resourceSpans":', 'resourceSpans: expected an array, found the end of the body (at byte 17)'],
  ['{', 'not JSON: expected a name in quotes, found the end of the body (at byte 1)'],
  ['{"a" 1}', 'not JSON: expected ":", found 1 (at byte 5)'],
  ['{"a":1,}', 'not JSON: expected a name in quotes, found } (at byte 7)'],
  ['{"a":1 "b":2}', 'not JSON: expected "," or "}", found "b" (at byte 7)'],
  ['{"a":01}', 'not JSON: expected a number, found 01'],
  ['{"a":1.}', 'not JSON: expected a number, found 1.'],
  ['{"a":+1}', 'not JSON: expected a value, found +1'],
  ['{"a":nul}', 'not JSON: expected a value, found nul'],
  ['{"a":NaN}', 'not JSON: expected a value, found NaN'],
  ['{"a":[1,2}', 'not JSON: expected "," or "]", found }'],
  ['{"a":"b', 'not JSON: expected the end of a string'],
  ['{"a":"\n"}', 'not JSON: expected no control character in a string'],
  ['{} {}', 'not JSON: expected the end, found an object (at byte 3)'],
  [Buffer.of(0x1f, 0x8b, 8), 'the body: expected an object'],
  [inSpan('"traceId":"ab"'), `${at}.traceId: expected 32 hexadecimal digits, found "ab" (at byte 58)`],
  [inSpan('"traceId":"xx345678901234567890123456789012"'), `${at}.traceId: expected 32 hexadecimal digits`],
  [inSpan('"span_id":"APBnqgupArc="'), `${at}.span_id: expected 16 hexadecimal digits, found "APBnqgupArc="`],
  [inSpan('"spanId":5'), `${at}.spanId: expected 16 hexadecimal digits, found 5`],
  [inSpan('"kind":"SERVER"'), `${at}.kind: expected a number or one of SPAN_KIND_UNSPECIFIED`],
  [inSpan('"kind":1.5'), `${at}.kind: expected an integer from -2147483648 to 2147483647, found 1.5`],
  [inSpan('"kind":2147483648'), `${at}.kind: expected an integer from -2147483648`],
  [inSpan('"name":5'), `${at}.name: expected a string, found 5`],
  [inSpan('"name":"\\x"'), 'not JSON: expected an escape that JSON has'],
  [inSpan('"name":"\\u12g4"'), 'not JSON: expected four hexadecimal digits behind \\u'],
  [inSpan('"name":"\\u12"'), 'not JSON: expected four hexadecimal digits behind \\u'],
  [inSpan('"attributes":{}'), `${at}.attributes: expected an array, found an object`],
  [inSpan('"attributes":[null]'), `${at}.attributes[0]: expected an object, found null`],
  [inSpan('"attributes":[{"key":"a"},7]'), `${at}.attributes[1]: expected an object, found 7`],
  [inSpan('"startTimeUnixNano":"-1"'), `${at}.startTimeUnixNano: expected an integer from 0 to 18446744073709551615`],
  [inSpan('"startTimeUnixNano":18446744073709551616'), `${at}.startTimeUnixNano: expected an integer from 0`],
  [inSpan('"startTimeUnixNano":" 1"'), `${at}.startTimeUnixNano: expected an integer from 0`],
  [inSpan('"startTimeUnixNano":""'), `${at}.startTimeUnixNano: expected an integer from 0`],
  [inSpan('"startTimeUnixNano":true'), `${at}.startTimeUnixNano: expected an integer from 0`],
  [inSpan('"droppedLinksCount":4294967296'), `${at}.droppedLinksCount: expected an integer from 0 to 4294967295`],
  [
    inSpan('"attributes":[{"value":{"intValue":9223372036854775808}}]'),
    `${at}.attributes[0].value.intValue: expected an integer from -9223372036854775808`,
  ],
  [
    inSpan('"attributes":[{"value":{"intValue":-9223372036854775809}}]'),
    `${at}.attributes[0].value.intValue: expected`,
  ],
  [
    inSpan('"attributes":[{"value":{"intValue":1,"stringValue":"a"}}]'),
    `${at}.attributes[0].value.stringValue: expected one member of "value"`,
  ],
  [
    inSpan('"attributes":[{"value":{"bytesValue":"A"}}]'),
    `${at}.attributes[0].value.bytesValue: expected standard base64, found "A"`,
  ],
  [
    inSpan('"attributes":[{"value":{"bytesValue":"AA="}}]'),
    `${at}.attributes[0].value.bytesValue: expected standard base64`,
  ],
  [
    inSpan('"attributes":[{"value":{"bytesValue":"A_8="}}]'),
    `${at}.attributes[0].value.bytesValue: expected standard base64`,
  ],
  [
    inSpan('"attributes":[{"value":{"boolValue":"true"}}]'),
    `${at}.attributes[0].value.boolValue: expected true or false, found "true"`,
  ],
  [
    inSpan('"attributes":[{"value":{"doubleValue":"1,5"}}]'),
    `${at}.attributes[0].value.doubleValue: expected a number, found "1,5"`,
  ],
  [
    inSpan('"attributes":[{"value":{"doubleValue":true}}]'),
    `${at}.attributes[0].value.doubleValue: expected a number, found true`,
  ],
];

for (const [json, message] of wrong) {
  const shown = typeof json === 'string' ? json.slice(0, 120) : json.toString('hex');
  test(`refused, saying what and where: ${JSON.stringify(shown)}`, () => {
    assert.throws(
      () => transcode(json),
      (error) => {
        assert.ok(error instanceof SpanmillError);
        assert.equal(error.code, 'OTLP_JSON');
        assert.ok(error.message.startsWith(message), error.message);
        return true;
      },
    );
  });
}

test('what is refused here is refused by the reference', () => {
  for (const [json, message] of wrong) {
    if (typeof json === 'string' && !message.includes('four hex'))
      assert.throws(() => readJson(json), SpanmillError, json);
  }
});

test('messages and ignored values may be nested only so deep, and a long document is no deep one', () => {
  const nested = (depth: number): string =>
    `{"resourceSpans":[{"resource":{"attributes":[{"value":${'{"arrayValue":{"values":['.repeat(depth)}{}${']}}'.repeat(depth)}}]}}]}`;
  assertSame(nested(45));
  assert.throws(() => transcode(nested(60)), /more than 100 messages are nested/);
  assert.throws(() => transcode(nested(1_000_000)), /more than 100 messages are nested/);
  assert.equal(transcoded(`{"x":${'['.repeat(400)}${']'.repeat(400)}}`).length, 0);
  assert.throws(() => transcode(`{"x":${'['.repeat(1_000_000)}`), /more than 500 values inside one another/);
  assert.throws(() => transcode(`{"x":${'{"y":'.repeat(1_000_000)}`), /more than 500 values inside one another/);
});

test('a name with any escape is a name, and one that no field has is ignored', () => {
  const span = (members: string): string => `{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"${members}}]}]}]}`;
  const plain = decodeRequest(transcoded(span('')));
  const long = `"${'\\u0061'.repeat(500)}"`;
  for (const name of ['"\\\\"', '"\\\\x"', '"\\"x"', '"a\\/b"', long]) {
    assert.deepEqual(decodeRequest(transcoded(span(`,${name}:1`))), plain, name);
  }
  assert.throws(() => transcoded(span(',"\\q":1')), { code: 'OTLP_JSON' });
});

test('a double in quotes with more digits than are looked at is refused, and not cut', () => {
  const span = (double: string): string =>
    `{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"a","value":{"doubleValue":"${double}"}}]}]}]}]}`;
  for (const wrongDouble of [`1.${'0'.repeat(395)}e-300`, `${'1'.repeat(400)}xyz`]) {
    assert.throws(() => transcoded(span(wrongDouble)), { code: 'OTLP_JSON' });
  }
});

test('base64 may be written with the escapes of other encoders', () => {
  const span = (text: string): string =>
    `{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"a","value":{"bytesValue":"${text}"}}]}]}]}]}`;
  for (const [escapedText, plain] of [
    ['ab\\/c', 'ab/c'],
    ['YQ\\u003d\\u003d', 'YQ=='],
    ['\\u002f\\/\\/\\/', '////'],
  ] as const) {
    assert.deepEqual(decodeRequest(transcoded(span(escapedText))), decodeRequest(transcoded(span(plain))), plain);
  }
  assert.throws(() => transcoded(span('ab\\nc')), { code: 'OTLP_JSON' });
});
