// RFC 7541 section 6: header fields to header blocks, without a dynamic table, so that a block means the same on every
// connection and at any time.
import { huffmanBytes, writeHuffman } from './huffman.ts';
import { writeInteger } from './integer.ts';
import { staticTable } from './static-table.ts';

/** The index of a name's first field. */
const indexOfName: ReadonlyMap<string, number> = new Map(
  staticTable.map(({ name }, i): [string, number] => [name, i + 1]).reverse(),
);
/** The first byte and the length of an integer, at most. */
const integerBytes = 6;

/**
 * The header block of `fields`, names and values as latin1. A field of the static table is its index (6.1); any other is a
 * literal without indexing (6.2.2), with the static name's index where there is one, and in the Huffman code where that is
 * shorter. Throws RangeError for text outside of latin1.
 */
export function encodeHeaders(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  let most = 0;
  for (const [name, value] of fields) most += name.length + value.length + 3 * integerBytes;
  const block = Buffer.allocUnsafe(most);
  let at = 0;
  for (const [name, value] of fields) at = writeField(block, at, name, value);
  return block.subarray(0, at);
}

function writeField(to: Buffer, at: number, name: string, value: string): number {
  const nameIndex = indexOfName.get(name) ?? 0;
  if (nameIndex === 0) return writeText(to, writeText(to, writeInteger(to, at, 0, 4, 0), name), value);
  for (let index = nameIndex; staticTable[index - 1]?.name === name; index++) {
    if (staticTable[index - 1].value === value) return writeInteger(to, at, 0x80, 7, index);
  }
  return writeText(to, writeInteger(to, at, 0, 4, nameIndex), value);
}

function writeText(to: Buffer, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0xff) throw new RangeError(`header text outside of latin1: ${JSON.stringify(text)}`);
  }
  const coded = huffmanBytes(text);
  if (coded < text.length) return writeHuffman(to, writeInteger(to, at, 0x80, 7, coded), text);
  const start = writeInteger(to, at, 0, 7, text.length);
  return start + to.write(text, start, 'latin1');
}
