import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodedText,
  decodeHuffman,
  huffmanBytes,
  writeHuffman,
} from '../../../../../src/transport/http2/hpack/huffman.ts';

function encode(text: string): Buffer {
  const bytes = Buffer.alloc(huffmanBytes(text));
  assert.equal(writeHuffman(bytes, 0, text), bytes.length);
  return bytes;
}

/** The text, or null for what is refused. */
function decode(bytes: Uint8Array, limitBytes = 1 << 20): string | null {
  const length = decodeHuffman(bytes, 0, bytes.length, limitBytes);
  return length < 0 ? null : decodedText(length);
}

const symbols = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
const bitsOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
/** Eight times a symbol take as many bytes as its code has bits. */
const codeOf = (symbol: string): string => bitsOf(encode(symbol)).slice(0, huffmanBytes(symbol.repeat(8)));
const symbolOf: ReadonlyMap<string, string> = new Map(symbols.map((symbol) => [codeOf(symbol), symbol]));
const endOfString = '1'.repeat(30);

/** Section 5.2 bit by bit, for comparison. */
function plainly(bytes: Uint8Array): string | null {
  let text = '';
  let code = '';
  for (const bit of bitsOf(bytes)) {
    code += bit;
    const symbol = symbolOf.get(code);
    if (symbol !== undefined) {
      text += symbol;
      code = '';
    } else if (code === endOfString) return null;
  }
  return code.length < 8 && !code.includes('0') ? text : null;
}

test('codes are those of appendix B, of every length there is', () => {
  const printed: readonly (readonly [symbol: number, code: number, bits: number])[] = [
    [48, 0x0, 5],
    [116, 0x9, 5],
    [32, 0x14, 6],
    [58, 0x5c, 7],
    [122, 0x7b, 7],
    [38, 0xf8, 8],
    [90, 0xfd, 8],
    [33, 0x3f8, 10],
    [39, 0x7fa, 11],
    [35, 0xffa, 12],
    [0, 0x1ff8, 13],
    [94, 0x3ffc, 14],
    [123, 0x7ffe, 15],
    [92, 0x7fff0, 19],
    [128, 0xfffe6, 20],
    [153, 0x1fffdc, 21],
    [129, 0x3fffd2, 22],
    [1, 0x7fffd8, 23],
    [9, 0xffffea, 24],
    [199, 0x1ffffec, 25],
    [255, 0x3ffffee, 26],
    [254, 0x7fffff0, 27],
    [249, 0xffffffe, 28],
    [10, 0x3ffffffc, 30],
    [22, 0x3ffffffe, 30],
  ];
  for (const [symbol, code, bits] of printed) {
    assert.equal(codeOf(symbols[symbol]), code.toString(2).padStart(bits, '0'), `symbol ${symbol}`);
  }
  assert.equal(symbolOf.size, 256);
});

test('every symbol is read back, alone and at every bit position', () => {
  for (const symbol of symbols) {
    for (const before of ['', '0', '00', '000', ':', ':0', '&0', '0000000']) {
      const text = `${before}${symbol}${symbol}`;
      assert.equal(decode(encode(text)), text);
    }
  }
  assert.equal(decode(encode(symbols.join(''))), symbols.join(''));
  assert.equal(decode(new Uint8Array(0)), '');
});

test('any latin1 text is read back', () => {
  const latin1 = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
  fc.assert(
    fc.property(latin1, (text) => {
      assert.equal(decode(encode(text)), text);
    }),
  );
});

test('all strings of up to two bytes, with every padding there can be, are taken or refused as bit by bit', () => {
  let taken = 0;
  let refused = 0;
  const compare = (bytes: Uint8Array) => {
    const expected = plainly(bytes);
    assert.equal(decode(bytes), expected, Buffer.from(bytes).toString('hex'));
    if (expected === null) refused++;
    else taken++;
  };
  for (let first = 0; first < 256; first++) {
    compare(Uint8Array.of(first));
    for (let second = 0; second < 256; second++) compare(Uint8Array.of(first, second));
  }
  assert.ok(taken > 1000 && refused > 1000, `${taken} taken, ${refused} refused`);
});

test('longer random strings too, the codes of many ones among them', () => {
  const byte = fc.oneof(fc.constant(0xff), fc.integer({ min: 0xf0, max: 0xff }), fc.integer({ min: 0, max: 0xff }));
  const bytes = fc.array(byte, { maxLength: 40 }).map((list) => Uint8Array.from(list));
  fc.assert(
    fc.property(bytes, (coded) => {
      assert.equal(decode(coded), plainly(coded));
    }),
    { numRuns: 2000 },
  );
});

test('padding of a whole byte, padding of zeros, and EOS are refused behind every symbol', () => {
  for (const symbol of symbols) {
    const coded = encode(symbol);
    assert.equal(decode(Buffer.concat([coded, Buffer.of(0xff)])), null, 'eight ones and more');
    assert.equal(decode(Buffer.concat([coded, Buffer.of(0xff, 0xff, 0xff, 0xff)])), null, 'EOS');
    const padding = coded.length * 8 - codeOf(symbol).length;
    if (padding === 0) continue;
    const zeros = Buffer.from(coded);
    zeros[zeros.length - 1] &= 0xff << padding;
    // Five zeros would be the symbol 0: then what is left of the padding is wrong, or there is none.
    assert.equal(decode(zeros), padding === 5 ? `${symbol}0` : null, 'zeros');
  }
  assert.equal(decode(Buffer.of(0xff)), null);
  assert.equal(decode(Buffer.of(0xff, 0xff, 0xff, 0xfc)), null, 'EOS and two zeros');
});

test('of a text above the limit the length is told, and at most the limit kept', () => {
  const text = 'a'.repeat(5000);
  const coded = encode(text);
  assert.equal(decodeHuffman(coded, 0, coded.length, 16), 5000);
  assert.equal(decodedText(16), 'a'.repeat(16));
  assert.equal(decodeHuffman(coded, 0, coded.length, 5000), 5000);
  assert.equal(decodedText(5000), text);
});
