import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CompressionError, type HeaderField, HpackDecoder } from '../../../../../src/transport/http2/hpack/decoder.ts';
import { encodeHeaders } from '../../../../../src/transport/http2/hpack/encoder.ts';
import { staticTable } from '../../../../../src/transport/http2/hpack/static-table.ts';
import { indexed, integer, kept, plain, tableSize } from '../hpack-fields.ts';

const listBytes = 65_536;

function decode(decoder: HpackDecoder, block: Uint8Array): string[] | null {
  const bytes = Buffer.from(block);
  return lines(decoder.decode(bytes, 0, bytes.length));
}

function lines(fields: readonly HeaderField[] | null): string[] | null {
  return fields?.map(({ name, value }) => `${name}: ${value}`) ?? null;
}

const fresh = (tableBytes = 4096): HpackDecoder => new HpackDecoder(tableBytes, listBytes);

/** Fails unless a fresh decoder refuses the bytes for that reason. */
function refuses(hex: string, reason: RegExp, decoder = fresh()): void {
  const bytes = Buffer.from(hex, 'hex');
  assert.throws(
    () => decoder.decode(bytes, 0, bytes.length),
    (error) => error instanceof CompressionError && reason.test(error.message),
    hex,
  );
}

test('every index of the static table is its field, and the next is an error', () => {
  for (let i = 0; i < 61; i++) {
    assert.deepEqual(decode(fresh(), indexed(i + 1)), [`${staticTable[i].name}: ${staticTable[i].value}`]);
  }
  assert.equal(staticTable.length, 61);
  refuses('be', /index 62/);
  refuses('7e0161', /index 62/);
});

test('index 0 is an error as a field; as a name it says that the name follows', () => {
  refuses('80', /index 0/);
  const block = Buffer.from('0001610162' + '000000' + '1001630164', 'hex');
  assert.deepEqual(decode(fresh(), block), ['a: b', ': ', 'c: d']);
});

test('integers that are too long or too large are errors, and padded ones are not', () => {
  const value = Buffer.alloc(127, 0x61);
  const padded = Buffer.concat([Buffer.from('000161' + '7f8080808000', 'hex'), value]);
  assert.deepEqual(decode(fresh(), padded), [`a: ${value.toString()}`]);
  refuses('0001617f808080808000', /too large or too long/);
  refuses('0001617f808080808080808080808080808000', /too large or too long/);
  refuses('ffffffffff0f', /too large or too long/);
  refuses('ff80ffffff07', /index 2147483647/);
  refuses('ff81ffffff07', /too large or too long/);
  refuses('ffffffffff7f', /too large or too long/);
});

test('what a block ends inside of is named', () => {
  refuses('ff', /ends inside an integer/);
  refuses('ff80', /ends inside an integer/);
  refuses('3f', /ends inside an integer/);
  refuses('40', /ends before a string/);
  refuses('400161', /ends before a string/);
  refuses('4001', /ends inside a string/);
  refuses('41ff', /ends inside an integer/);
  refuses('0001617f80ffffff07', /ends inside a string/);
});

test('a Huffman string that is none is an error, also where it would be too long to be kept', () => {
  refuses('00016181ff', /Huffman/);
  const bytes = Buffer.concat([
    Buffer.from('000161', 'hex'),
    integer(0x80, 7, 100_001),
    Buffer.alloc(100_000),
    Buffer.of(0xff),
  ]);
  assert.throws(() => decode(fresh(), bytes), CompressionError);
});

test('size updates stand at the beginning, any number of them, up to the announced maximum', () => {
  assert.deepEqual(decode(fresh(), Buffer.concat([tableSize(0), tableSize(4096), tableSize(100), indexed(2)])), [
    ':method: GET',
  ]);
  assert.deepEqual(decode(fresh(), tableSize(4096)), []);
  refuses(tableSize(4097).toString('hex'), /4097, above the 4096/);
  refuses('8220', /behind a header field/);
  assert.deepEqual(decode(fresh(0), tableSize(0)), []);
  refuses(tableSize(1).toString('hex'), /1, above the 0/, fresh(0));
  assert.deepEqual(decode(fresh(65_536), tableSize(65_536)), []);
});

test('without a table, literals that ask for a place in it are plain ones, and nothing can name them', () => {
  const decoder = fresh(0);
  assert.deepEqual(decode(decoder, kept('a', 'b')), ['a: b']);
  assert.deepEqual(decoder.entries(), []);
  refuses('be', /index 62, with 0/, decoder);
});

test('a smaller maximum evicts the oldest, and a larger one makes room again', () => {
  const decoder = fresh();
  decode(decoder, Buffer.concat([kept('a', '1'), kept('b', '2'), kept('c', '3')]));
  decode(decoder, tableSize(2 * 34));
  assert.deepEqual(
    decoder.entries().map(({ name }) => name),
    ['c', 'b'],
  );
  decode(decoder, Buffer.concat([tableSize(3 * 34), kept('d', '4')]));
  assert.deepEqual(decode(decoder, Buffer.concat([indexed(62), indexed(63), indexed(64)])), ['d: 4', 'c: 3', 'b: 2']);
  decode(decoder, tableSize(3 * 34 - 1));
  assert.equal(decoder.entries().length, 2);
});

test('a field larger than the table empties it and is still a field of the list', () => {
  const decoder = fresh();
  const exact = 'v'.repeat(4096 - 33);
  decode(decoder, Buffer.concat([kept('a', '1'), kept('b', exact)]));
  assert.deepEqual(
    decoder.entries().map(({ name }) => name),
    ['b'],
  );
  assert.deepEqual(decode(decoder, kept('c', `${exact}v`)), [`c: ${exact}v`]);
  assert.deepEqual(decoder.entries(), []);
});

test('a new field may take its name from the field that is evicted for it', () => {
  const decoder = fresh(64);
  decode(decoder, kept('name', '1'));
  assert.deepEqual(decode(decoder, Buffer.concat([integer(0x40, 6, 62), plain('2'.repeat(28))])), [
    `name: ${'2'.repeat(28)}`,
  ]);
  assert.equal(decoder.entries().length, 1);
});

test('the table holds as many of the newest fields as fit, over any number of insertions', () => {
  for (const tableBytes of [0, 33, 256, 4096, 65_536]) {
    const decoder = fresh(tableBytes);
    if (tableBytes > 4096) decode(decoder, tableSize(tableBytes));
    const all: string[] = [];
    for (let i = 0; i < 3000; i++) {
      const value = 'v'.repeat((i * 7) % 40);
      decode(decoder, kept(`n${i}`, value));
      all.unshift(`n${i}: ${value}`);
    }
    let bytes = 0;
    // A line has two characters that its field has not.
    const expected = all.filter((line) => {
      bytes += line.length - 2 + 32;
      return bytes <= tableBytes;
    });
    const entries = decoder.entries().map(({ name, value }) => `${name}: ${value}`);
    assert.deepEqual(entries, expected);
    expected.forEach((line, i) => {
      assert.deepEqual(decode(decoder, indexed(62 + i)), [line]);
    });
  }
});

test('a list above its bound gives null, and the table is right all the same', () => {
  const block = Buffer.concat([kept('a', '1'), kept('b', '2'), indexed(62)]);
  assert.equal(new HpackDecoder(4096, 3 * 34).decode(block, 0, block.length)?.length, 3);
  const decoder = new HpackDecoder(4096, 3 * 34 - 1);
  assert.equal(decode(decoder, block), null);
  assert.deepEqual(decode(decoder, Buffer.concat([indexed(62), indexed(63)])), ['b: 2', 'a: 1']);
});

test('a string too long for the list goes into the table if it fits there, else the table is emptied', () => {
  for (const coded of [false, true]) {
    const text = (length: number): Buffer =>
      coded ? encodeHeaders([['', 'a'.repeat(length)]]).subarray(2) : plain('a'.repeat(length));
    const decoder = new HpackDecoder(4096, 100);
    assert.equal(decode(decoder, Buffer.concat([Buffer.of(0x40), plain('a'), text(200)])), null);
    assert.deepEqual(decoder.entries(), [{ name: 'a', value: 'a'.repeat(200) }]);
    assert.equal(decode(decoder, Buffer.concat([Buffer.of(0), plain('a'), text(10_000)])), null);
    assert.equal(decoder.entries().length, 1);
    for (const large of [
      Buffer.concat([plain('a'), text(10_000)]),
      Buffer.concat([text(10_000), plain('a')]),
      Buffer.concat([text(10_000), text(10_000)]),
    ]) {
      decode(decoder, kept('b', 'c'));
      assert.equal(decode(decoder, Buffer.concat([Buffer.of(0x40), large, kept('d', 'e')])), null);
      assert.deepEqual(decoder.entries(), [{ name: 'd', value: 'e' }]);
    }
    assert.deepEqual(decode(decoder, indexed(62)), ['d: e']);
  }
});

test('an entry of the table named thousands of times is one object, and above the bound of the list none', () => {
  const insertion = kept('b', 'v'.repeat(4096 - 33));
  const bomb = Buffer.concat([insertion, Buffer.alloc(16_000, 0xbe)]);
  const patient = new HpackDecoder(4096, 16_001 * 4096);
  const fields = patient.decode(bomb, 0, bomb.length);
  assert.equal(fields?.length, 16_001);
  assert.ok(fields.every((field) => field === fields[0]));
  assert.equal(patient.entries()[0], fields[0]);

  const decoder = fresh();
  assert.equal(decode(decoder, bomb), null);
  assert.deepEqual(decode(decoder, indexed(2)), [':method: GET']);
  assert.equal(decode(decoder, Buffer.alloc(16, 0xbe))?.length, 16);
  assert.equal(decode(decoder, Buffer.alloc(17, 0xbe)), null);
});

test('the version changes with every change of the table and with nothing else', () => {
  const decoder = fresh();
  const changes = (block: Uint8Array): boolean => {
    const before = decoder.version;
    decode(decoder, block);
    return decoder.version !== before;
  };
  assert.equal(changes(Buffer.concat([indexed(2), indexed(61), encodeHeaders([['x', 'y']])])), false);
  assert.equal(changes(Buffer.from('1001610162', 'hex')), false, 'never indexed');
  assert.equal(changes(tableSize(4096)), false, 'the maximum it has');
  assert.equal(changes(kept('a', '1')), true, 'insertion');
  assert.equal(changes(Buffer.of(0xbe, 0xbe)), false, 'a field of the table');
  assert.equal(changes(tableSize(40)), true, 'a smaller maximum that evicts nothing');
  assert.equal(changes(kept('b', '2')), true, 'insertion that evicts');
  assert.equal(changes(Buffer.concat([Buffer.of(0x40), plain('c'), plain('3'.repeat(100))])), true, 'emptied');
  assert.equal(changes(Buffer.concat([Buffer.of(0x40), plain('c'), plain('3'.repeat(100))])), false, 'empty before');
  assert.equal(changes(Buffer.concat([tableSize(0), tableSize(40)])), true, 'there and back');
  decode(decoder, kept('d', '4'));
  const tooLong = Buffer.concat([Buffer.of(0x40), plain('e'), plain('5'.repeat(listBytes + 1))]);
  assert.equal(changes(tooLong), true, 'emptied by what is not kept');
});

/** One block of each representation, and the blocks of a conversation. */
const conversation: readonly Buffer[] = [
  Buffer.concat([tableSize(200), indexed(3), kept('a', '1'), encodeHeaders([['grpc-message', 'some thing']])]),
  Buffer.concat([indexed(62), integer(0x40, 6, 58), plain('agent'), Buffer.from('1001610162', 'hex')]),
  Buffer.concat([kept('a-long-name-for-a-field', 'v'.repeat(100)), integer(0, 4, 62), plain('other')]),
];

test('a block cut short anywhere is an error or, between fields, the fields before the cut', () => {
  for (let cutBlock = 0; cutBlock < conversation.length; cutBlock++) {
    const prepared = (): HpackDecoder => {
      const decoder = fresh();
      for (const block of conversation.slice(0, cutBlock)) decode(decoder, block);
      return decoder;
    };
    const block = conversation[cutBlock];
    const whole = decode(prepared(), block) ?? [];
    const between = new Set<number>();
    for (let length = 0; length < block.length; length++) {
      let fields: string[] | null;
      try {
        fields = decode(prepared(), block.subarray(0, length));
      } catch (error) {
        assert.ok(error instanceof CompressionError);
        continue;
      }
      assert.deepEqual(fields, whole.slice(0, fields?.length));
      between.add(fields?.length ?? -1);
    }
    // Every number of fields but the whole was seen at one cut at least, and most cuts were errors.
    assert.deepEqual([...between].sort(), Array.from(whole.keys()));
  }
});

test('bytes of any kind end in fields, null or CompressionError, alike on another decoder and at another place', () => {
  const anyBytes = fc.uint8Array({ maxLength: 120 });
  const mutated = fc
    .tuple(fc.constantFrom(...conversation), fc.nat(200), fc.nat(255))
    .map(([block, at, byte]) => Uint8Array.from(block, (old, i) => (i === at % block.length ? byte : old)));
  const blocks = fc.array(fc.oneof(anyBytes, mutated, fc.constantFrom(...conversation)), { maxLength: 8 });
  let decoded = 0;
  let refused = 0;
  fc.assert(
    fc.property(blocks, (list) => {
      const decoder = new HpackDecoder(256, 1000);
      const other = new HpackDecoder(256, 1000);
      for (const block of list) {
        const outcome = outcomeOf(() => decode(decoder, block));
        const shifted = Buffer.concat([Buffer.alloc(3, 0xff), block, Buffer.alloc(3, 0xff)]);
        const same = outcomeOf(() => lines(other.decode(shifted, 3, 3 + block.length)));
        assert.deepEqual(same, outcome);
        const bytes = decoder.entries().reduce((sum, { name, value }) => sum + name.length + value.length + 32, 0);
        assert.ok(bytes <= 256);
        if (typeof outcome === 'string') {
          refused++;
          return;
        }
        decoded++;
      }
    }),
    { numRuns: 3000 },
  );
  assert.ok(decoded > 500 && refused > 500, `${decoded} decoded, ${refused} refused`);
});

function outcomeOf(decodeBlock: () => string[] | null): string[] | null | string {
  try {
    return decodeBlock();
  } catch (error) {
    assert.ok(error instanceof CompressionError);
    return error.message;
  }
}
