import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { describeWireCode, type WireCode, wireCode } from '../../src/wire/codes.ts';
import { normalise, normaliseFaultOffset } from '../../src/wire/normalise.ts';
import { decodeRequest } from '../../src/wire/reference/codec.ts';
import { toJsonLine } from '../../src/wire/reference/json.ts';
import { maxDepth } from '../../src/wire/schema.ts';
import { mutate, requestBytes, seededRandom } from './arbitraries.ts';
import { unusual } from './unusual.ts';

const guard = 0xa5;

/** Normalises inside a larger target whose other bytes must stay as they are; a code, or the bytes written. */
function run(source: Uint8Array): { readonly code: number; readonly bytes: Uint8Array } {
  // The request stands in the middle of other bytes, which must not be read as its continuation.
  const around = new Uint8Array(source.length + 20).fill(0x08);
  around.set(source, 10);
  const target = new Uint8Array(source.length + 20).fill(guard);
  const written = normalise(around, 10, source.length, target, 10);
  for (let i = 0; i < 10; i++) assert.ok(target[i] === guard && target[target.length - 1 - i] === guard);
  return { code: Math.min(written, 0), bytes: target.slice(10, 10 + Math.max(written, 0)) };
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

const vectors = JSON.parse(readFileSync(new URL('data/unusual.json', import.meta.url), 'utf8')) as readonly {
  readonly name: string;
  readonly unusual: string;
  readonly rewritten: string;
}[];

for (const vector of vectors) {
  test(`it means the same to protobuf after normalising: ${vector.name}`, () => {
    const source = fromHex(vector.unusual);
    const { code, bytes } = run(source);
    assert.equal(code, 0);
    assert.deepEqual(decodeRequest(bytes), decodeRequest(fromHex(vector.rewritten)));
  });
}

test('a canonical request stays as it is', () => {
  fc.assert(fc.property(requestBytes, (bytes) => assert.deepEqual(run(bytes).bytes, bytes)));
});

test('shuffled, repeated, split and padded fields come out as the request they mean', () => {
  let strange = 0;
  const property = fc.property(requestBytes, fc.integer(), (bytes, seed) => {
    const source = unusual(bytes, seededRandom(seed));
    if (Buffer.compare(source, bytes) !== 0) strange++;
    const { code, bytes: written } = run(source);
    assert.equal(code, 0);
    assert.ok(written.length <= source.length);
    assert.deepEqual(decodeRequest(written), decodeRequest(bytes));
    assert.deepEqual(run(written).bytes, written, 'a second time changes nothing');
  });
  fc.assert(property, { numRuns: 400 });
  assert.ok(strange > 100, `only ${strange} of the encodings were unusual`);
});

test('fields come out ascending and every varint in its shortest form', () => {
  const span = [0x30, 0x83, 0x00, 0x2a, 0x81, 0x00, 0x61]; // kind 3 in two bytes, then the name "a"
  const { bytes } = run(Uint8Array.from([0x0a, 11, 0x12, 9, 0x12, 7, ...span]));
  assert.deepEqual([...bytes], [0x0a, 9, 0x12, 7, 0x12, 5, 0x2a, 1, 0x61, 0x30, 3]);
});

test('unknown fields of every wire type and number follow the known ones in the order in which they came', () => {
  const unknown = [
    [0xf8, 0x07, 0x81, 0x00], // 127, varint 1 in two bytes
    [0x92, 0x01, 2, 1, 2], // 18, bytes
    [0xf9, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3, 4, 5, 6, 7, 8], // 2^29 - 1, fixed64
    [0x95, 0x01, 1, 2, 3, 4], // 18, fixed32
  ].flat();
  const minimal = [...unknown.slice(0, 2), 1, ...unknown.slice(4)];
  const name = [0x2a, 1, 0x61];
  const inSpan = (fields: number[]) => [
    0x0a,
    fields.length + 4,
    0x12,
    fields.length + 2,
    0x12,
    fields.length,
    ...fields,
  ];
  assert.deepEqual([...run(Uint8Array.from(inSpan([...unknown, ...name]))).bytes], inSpan([...name, ...minimal]));
});

/** AnyValue arrays inside one another: `levels` messages more, each of which is two bytes and a length longer. */
function nested(levels: number): Uint8Array {
  let value: Buffer = Buffer.alloc(0);
  const wrap = (tag: number, body: Buffer) => {
    const length: number[] = [];
    let rest = body.length;
    for (; rest > 127; rest >>= 7) length.push((rest & 127) | 128);
    return Buffer.concat([Uint8Array.of(tag, ...length, rest), body]);
  };
  for (let i = 0; i < levels; i++) value = wrap(i % 2 !== levels % 2 ? 0x2a : 0x0a, value);
  return Uint8Array.from(wrap(0x0a, wrap(0x12, wrap(0x12, wrap(0x4a, wrap(0x12, value))))));
}

test('messages may be nested as deep as the limit and no deeper, in the normaliser as in the reference codec', () => {
  // resourceSpans, scopeSpans, span, attribute and its value are the first five.
  const deepest = nested(maxDepth - 5);
  assert.deepEqual(run(deepest).bytes, deepest);
  assert.doesNotThrow(() => decodeRequest(deepest));
  const deeper = nested(maxDepth - 4);
  assert.equal(run(deeper).code, wireCode.tooDeep);
  assert.throws(() => decodeRequest(deeper), /depth/);
  assert.equal(run(nested(5_000)).code, wireCode.tooDeep);
});

const inSpan = (...fields: number[]) => [
  ...[0x0a, fields.length + 4, 0x12, fields.length + 2, 0x12, fields.length],
  ...fields,
];
const faults: readonly { name: string; bytes: number[]; code: WireCode; at: number }[] = [
  { name: 'a tag without a value', bytes: [0x0a], code: wireCode.truncated, at: 1 },
  { name: 'half a tag', bytes: [0x8a], code: wireCode.truncated, at: 0 },
  { name: 'a fixed64 of 7 bytes', bytes: inSpan(0x39, 1, 2, 3, 4, 5, 6, 7), code: wireCode.truncated, at: 7 },
  { name: 'a fixed32 of 3 bytes', bytes: inSpan(0x85, 0x01, 1, 2, 3), code: wireCode.truncated, at: 8 },
  { name: 'a varint that the message ends', bytes: inSpan(0x30, 0x80), code: wireCode.truncated, at: 7 },
  { name: 'a length past the end', bytes: [0x0a, 1], code: wireCode.badLength, at: 1 },
  {
    name: 'a length past the end of the enclosing message, inside the request',
    bytes: [0x0a, 2, 0x1a, 1, 0x0a, 0],
    code: wireCode.badLength,
    at: 3,
  },
  {
    name: 'a length of 2^64 - 1',
    bytes: [0x0a, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
    code: wireCode.badLength,
    at: 1,
  },
  { name: 'a varint of 11 bytes', bytes: inSpan(0x30, ...Array(10).fill(0x80), 0), code: wireCode.badVarint, at: 7 },
  { name: 'a varint of 65 bits', bytes: inSpan(0x30, ...Array(9).fill(0x80), 2), code: wireCode.badVarint, at: 7 },
  { name: 'a group', bytes: inSpan(0xa3, 0x01, 0xa4, 0x01), code: wireCode.group, at: 6 },
  { name: 'the end of a group', bytes: inSpan(0x2c), code: wireCode.group, at: 6 },
  { name: 'field number 0', bytes: inSpan(0x02, 0), code: wireCode.badTag, at: 6 },
  { name: 'wire type 6', bytes: inSpan(0x2e), code: wireCode.badTag, at: 6 },
  { name: 'wire type 7', bytes: inSpan(0xa7, 0x01), code: wireCode.badTag, at: 6 },
  { name: 'a tag of 6 bytes', bytes: inSpan(0xaa, 0x80, 0x80, 0x80, 0x80, 0, 0), code: wireCode.badTag, at: 6 },
  { name: 'a tag of 33 bits', bytes: inSpan(0x82, 0x80, 0x80, 0x80, 0x10, 0), code: wireCode.badTag, at: 6 },
  { name: 'a name as a varint', bytes: inSpan(0x28, 1), code: wireCode.badWireType, at: 6 },
  { name: 'a kind as bytes', bytes: inSpan(0x32, 0), code: wireCode.badWireType, at: 6 },
  { name: 'a trace id of 15 bytes', bytes: inSpan(0x0a, 15, ...Array(15).fill(1)), code: wireCode.badId, at: 6 },
  { name: 'a span id of 9 bytes', bytes: inSpan(0x12, 9, ...Array(9).fill(1)), code: wireCode.badId, at: 6 },
  {
    name: 'a bad id that a good one follows',
    bytes: inSpan(0x12, 1, 1, 0x12, 8, ...Array(8).fill(1)),
    code: wireCode.badId,
    at: 6,
  },
  {
    name: 'a fault in a member of a oneof that another one replaces',
    bytes: inSpan(0x4a, 8, 0x12, 6, 0x2a, 2, 0x0a, 1, 0x10, 1),
    code: wireCode.badLength,
    at: 13,
  },
];

for (const fault of faults) {
  test(`${fault.name} is refused with the code and the place`, () => {
    const { code } = run(Uint8Array.from(fault.bytes));
    assert.equal(code, fault.code);
    assert.equal(normaliseFaultOffset(), fault.at);
    const sentence = describeWireCode(code, normaliseFaultOffset());
    assert.match(sentence, /^not a valid ExportTraceServiceRequest: [a-z].* \(at byte \d+\)$/);
  });
}

test('every code has a sentence of its own', () => {
  const sentences = Object.values(wireCode).map((code) => describeWireCode(code, -1));
  assert.equal(new Set(sentences).size, Object.keys(wireCode).length);
});

test('a request cut at any byte is refused with a listed code, or was a whole number of fields', () => {
  const property = fc.property(requestBytes, fc.integer(), (bytes, seed) => {
    const source = unusual(bytes, seededRandom(seed));
    for (let length = 0; length < Math.min(source.length, 600); length++) {
      const cut = source.subarray(0, length);
      const { code, bytes: written } = run(cut);
      if (code === 0) assert.equal(toJsonLine(written), toJsonLine(cut));
      else assert.ok(code === wireCode.truncated || code === wireCode.badLength, `cut at ${length}: code ${code}`);
    }
  });
  fc.assert(property, { numRuns: 20 });
});

const listed: ReadonlySet<number> = new Set(Object.values(wireCode));

test('mutated and random bytes end in a listed code or in a shorter request that is its own normal form', () => {
  const random = fc.uint8Array({ maxLength: 200 });
  const property = fc.property(fc.oneof(requestBytes, random), fc.integer(), (bytes, seed) => {
    const source = mutate(bytes, seededRandom(seed));
    const { code, bytes: written } = run(source);
    assert.ok(listed.has(code), `code ${code}`);
    assert.ok(written.length <= source.length);
    if (code === 0) assert.deepEqual(run(written).bytes, written);
  });
  fc.assert(property, { numRuns: 1500 });
});
