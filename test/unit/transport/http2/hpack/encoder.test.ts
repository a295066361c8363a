import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HpackDecoder } from '../../../../../src/transport/http2/hpack/decoder.ts';
import { encodeHeaders } from '../../../../../src/transport/http2/hpack/encoder.ts';
import { staticTable } from '../../../../../src/transport/http2/hpack/static-table.ts';

type Field = readonly [name: string, value: string];

function roundTrip(fields: readonly Field[]): void {
  const block = encodeHeaders(fields);
  const decoder = new HpackDecoder(0, 1 << 20);
  assert.deepEqual(
    decoder.decode(block, 0, block.length)?.map(({ name, value }) => [name, value]),
    fields,
  );
  // Nothing in the block may depend on a table, nor change one.
  assert.equal(decoder.version, 0);
}

test('a field of the static table is one byte, each of the 61', () => {
  for (const [i, { name, value }] of staticTable.entries()) {
    assert.deepEqual([...encodeHeaders([[name, value]])], [0x80 | (i + 1)]);
  }
});

test('a static name is an index, short or with a byte that follows, and its value shorter in the Huffman code', () => {
  assert.equal(encodeHeaders([[':path', 'aaa']]).toString('hex'), '048218c7');
  assert.equal(encodeHeaders([['content-type', 'aaa']]).toString('hex'), '0f108218c7');
  // Of names that occur several times, the first.
  assert.equal(encodeHeaders([[':status', 'aaa']]).toString('hex'), '088218c7');
});

test('the Huffman code is used only where it is shorter', () => {
  assert.equal(encodeHeaders([['x', '&&']]).toString('hex'), '000178' + '022626');
  assert.equal(encodeHeaders([['x', '\n']]).toString('hex'), '000178' + '010a');
  assert.equal(encodeHeaders([['x', '']]).toString('hex'), '000178' + '00');
  assert.equal(encodeHeaders([]).length, 0);
});

test('text outside of latin1 is refused', () => {
  assert.throws(() => encodeHeaders([['x', '\u0100']]), RangeError);
  assert.throws(() => encodeHeaders([['\u{1f600}', '']]), RangeError);
});

test('any latin1 fields are read back as they were written', () => {
  const text = (maxLength: number) =>
    fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString('latin1'));
  const known = fc.constantFrom(...staticTable);
  const field: fc.Arbitrary<Field> = fc.oneof(
    fc.tuple(text(40), text(300)),
    fc.tuple(
      known.map(({ name }) => name),
      text(300),
    ),
    known.map(({ name, value }): Field => [name, value]),
  );
  fc.assert(
    fc.property(fc.array(field, { maxLength: 30 }), (fields) => {
      roundTrip(fields);
    }),
    { numRuns: 500 },
  );
  for (const length of [126, 127, 128, 254, 255, 16_383 + 127, 16_384 + 127, 100_000]) {
    for (const letter of ['a', '\n']) roundTrip([['x-long', letter.repeat(length)]]);
  }
});
