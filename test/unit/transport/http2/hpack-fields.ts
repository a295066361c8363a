// Representations of header fields as a test wants them, whatever an encoder would choose (RFC 7541 section 6).
import { writeInteger } from '../../../../src/transport/http2/hpack/integer.ts';

export function integer(pattern: number, prefixBits: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  return bytes.subarray(0, writeInteger(bytes, 0, pattern, prefixBits, value));
}
export const plain = (text: string): Buffer => Buffer.concat([integer(0, 7, text.length), Buffer.from(text, 'latin1')]);
export const indexed = (index: number): Buffer => integer(0x80, 7, index);
export const tableSize = (bytes: number): Buffer => integer(0x20, 5, bytes);
/** A literal that goes into the table, and one that does not. */
export const kept = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.of(0x40), plain(name), plain(value)]);
export const literal = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.of(0), plain(name), plain(value)]);
