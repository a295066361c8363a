// RFC 7541 sections 3 and 6: header blocks to header fields.
//
//   1iiiiiii                      an indexed field                                    (6.1)
//   01iiiiii [name] value         a literal that goes into the dynamic table          (6.2.1)
//   001sssss                      the dynamic table's new maximum                     (6.3)
//   0000iiii [name] value         a literal that does not                             (6.2.2)
//   0001iiii [name] value         a literal that never may, wherever it is sent on    (6.2.3)
//
// where an index of 0 is followed by the name, and name and value are: Huffman-coded(1) length(7) bytes    (5.2)
import { DynamicTable, fieldBytes } from './dynamic-table.ts';
import { decodedText, decodeHuffman } from './huffman.ts';
import { type Cursor, readInteger } from './integer.ts';
import { latin1Text } from './latin1.ts';
import { type HeaderField, staticTable } from './static-table.ts';

export type { HeaderField };

/**
 * The block cannot be decoded: COMPRESSION_ERROR, and the connection is lost, since the tables of the two sides are no
 * longer known to be the same (RFC 9113 4.3). The decoder must not be used again.
 */
export class CompressionError extends Error {}

/** RFC 9113 6.5.2: the maximum that both sides assume until SETTINGS say otherwise. */
const initialTableBytes = 4096;
const noBytes = Buffer.alloc(0);

/** The decoding side of a connection: header blocks must be given to it whole, all of them, in the order they came. */
export class HpackDecoder {
  readonly #table: DynamicTable;
  readonly #maxTableBytes: number;
  readonly #maxListBytes: number;
  /** No text longer than this fits the list or the table. */
  readonly #maxTextBytes: number;
  readonly #cursor: Cursor = { bytes: noBytes, at: 0, end: 0 };
  #fields: HeaderField[] = [];
  #listBytes = 0;

  /**
   * `maxTableBytes`: what our SETTINGS_HEADER_TABLE_SIZE says. Below 4096 it holds at once: blocks that the peer encoded
   * before it saw the setting are an error where they name what no longer fits, so a server, whose clients send before
   * they read, should say 4096 or more.
   * `maxListBytes`: the bound of a list's size as SETTINGS_MAX_HEADER_LIST_SIZE counts it, name + value + 32 bytes a field.
   */
  constructor(maxTableBytes: number, maxListBytes: number) {
    this.#table = new DynamicTable(Math.min(maxTableBytes, initialTableBytes));
    this.#maxTableBytes = maxTableBytes;
    this.#maxListBytes = maxListBytes;
    this.#maxTextBytes = Math.max(maxTableBytes, maxListBytes);
  }

  /**
   * Changes whenever the dynamic table does (insertion, eviction, new maximum): a block during whose decoding it stayed the
   * same decodes to the same fields for as long as it stays the same.
   */
  get version(): number {
    return this.#table.version;
  }

  /** The dynamic table's fields, the newest first. */
  entries(): HeaderField[] {
    return this.#table.entries();
  }

  /**
   * Decodes the whole header block bytes[start, end). null: the list exceeds `maxListBytes`; the block was decoded to its
   * end all the same, so that the next one can be. Throws CompressionError.
   */
  decode(bytes: Buffer, start: number, end: number): readonly HeaderField[] | null {
    const cursor = this.#cursor;
    cursor.bytes = bytes;
    cursor.at = start;
    cursor.end = end;
    this.#fields = [];
    this.#listBytes = 0;
    this.#takeTableSizes();
    while (cursor.at < end) {
      const first = bytes[cursor.at++];
      if (first >= 0x80) this.#add(this.#lookUp(this.#integer(first, 7)));
      else if (first >= 0x40) this.#literal(first, 6, true);
      else if (first < 0x20) this.#literal(first, 4, false);
      else throw new CompressionError('dynamic table size update behind a header field');
    }
    const fields = this.#fields;
    // Neither the chunk nor the fields may live on here.
    cursor.bytes = noBytes;
    this.#fields = [];
    return this.#listBytes > this.#maxListBytes ? null : fields;
  }

  /** 4.2: an update "MUST occur at the beginning of the first header block following the change", and may occur several times. */
  #takeTableSizes(): void {
    const cursor = this.#cursor;
    while (cursor.at < cursor.end && (cursor.bytes[cursor.at] & 0xe0) === 0x20) {
      const size = this.#integer(cursor.bytes[cursor.at++], 5);
      // 6.3: "The new maximum size MUST be lower than or equal to the limit determined by the protocol using HPACK."
      if (size > this.#maxTableBytes) {
        throw new CompressionError(`dynamic table size update to ${size}, above the ${this.#maxTableBytes} announced`);
      }
      this.#table.resize(size);
    }
  }

  #literal(first: number, prefixBits: number, indexing: boolean): void {
    const index = this.#integer(first, prefixBits);
    const name = index === 0 ? this.#text() : this.#lookUp(index).name;
    const value = this.#text();
    if (name === null || value === null) {
      // Larger than the list may be, and than the table: 4.4 says that the latter is then emptied.
      this.#listBytes = Infinity;
      if (indexing) this.#table.clear();
      return;
    }
    const field: HeaderField = { name, value };
    this.#add(field);
    if (indexing) this.#table.insert(field);
  }

  /** Counts each field, and keeps those that fit: a byte may stand for a field of the table's size, many times over. */
  #add(field: HeaderField): void {
    this.#listBytes += fieldBytes(field.name, field.value);
    if (this.#listBytes <= this.#maxListBytes) this.#fields.push(field);
  }

  /** 2.3.3: the static table's indices first, the dynamic table's behind them, the newest lowest. */
  #lookUp(index: number): HeaderField {
    // 6.1: "The index value of 0 is not used. It MUST be treated as a decoding error".
    if (index === 0) throw new CompressionError('header field of index 0');
    if (index <= staticTable.length) return staticTable[index - 1];
    const age = index - staticTable.length - 1;
    // 2.3.3: "Indices strictly greater than the sum of the lengths of both tables MUST be treated as a decoding error."
    if (age >= this.#table.count) {
      throw new CompressionError(`header field of index ${index}, with ${this.#table.count} in the dynamic table`);
    }
    return this.#table.at(age);
  }

  #integer(first: number, prefixBits: number): number {
    const value = readInteger(this.#cursor, first, prefixBits);
    if (value >= 0) return value;
    throw new CompressionError(value === -1 ? 'header block ends inside an integer' : 'integer too large or too long');
  }

  /** A string; null when it is longer than anything that may be kept. */
  #text(): string | null {
    const cursor = this.#cursor;
    if (cursor.at >= cursor.end) throw new CompressionError('header block ends before a string');
    const first = cursor.bytes[cursor.at++];
    const length = this.#integer(first, 7);
    const start = cursor.at;
    if (length > cursor.end - start) throw new CompressionError('header block ends inside a string');
    cursor.at = start + length;
    if (first < 0x80) return length > this.#maxTextBytes ? null : latin1Text(cursor.bytes, start, cursor.at);
    const decoded = decodeHuffman(cursor.bytes, start, cursor.at, this.#maxTextBytes);
    if (decoded < 0) throw new CompressionError('string that is no Huffman code, or is padded wrongly');
    return decoded > this.#maxTextBytes ? null : decodedText(decoded);
  }
}
