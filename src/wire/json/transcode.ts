// OTLP JSON to protobuf, in one pass over the bytes: what is read is written at once, so that a request takes no memory but
// its own bytes and those of the result, and integers stay exact. The rules are those of the Collector (reference/json-reader.ts
// has the same ones and is the oracle of the tests): names in lowerCamelCase or snake_case, unknown ones ignored, null is
// absent, ids in hexadecimal, enums by number or name, 64-bit integers as number or string.
//
// Fields are written in the order in which JSON has them; where that is no order for the fast reader it says so, and the
// request is normalised like any other (wire/normalise.ts). Defaults are left out.
import { SpanmillError } from '../../errors.ts';
import { type MessageKind, maxDepth, messageKind } from '../schema.ts';
import { varintSize, writeVarint } from '../varint.ts';
import { JsonCursor, token } from './json-cursor.ts';
import { type JsonField, type JsonName, jsonNames } from './json-fields.ts';
import { integerRanges, isInRange } from './json-integers.ts';
import { readBase64, readHex, readString, type TextRange } from './json-strings.ts';

/** Bytes of a trace id. */
const longestId = 16;

/** There is no room for the result. */
const noRoom = Symbol('no room');

/**
 * Room that always suffices for the protobuf form of `length` bytes of JSON. It is shorter as a rule, and longer only where
 * an enum is negative (`{"kind":-1},` are 12 bytes, in protobuf 13), besides what stands open while it is written.
 */
export const protobufRoom = (length: number): number => length + (length >> 3) + 1024;

export class Transcoder {
  readonly #cursor: JsonCursor;
  readonly #bytes: Uint8Array;
  /** Where the next byte is written, and where none may be. */
  #at = 0;
  #end = 0;

  /** `bytes` holds what is read and what is written. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#cursor = new JsonCursor(bytes);
  }

  /**
   * Writes the ExportTraceServiceRequest that stands as OTLP JSON at `bytes[start … start + length)` to `bytes[at … at +
   * room)`, which must not overlap. Returns the bytes written, or -1 when there is too little room. Throws a SpanmillError
   * OTLP_JSON that says what is wrong and where.
   */
  run(start: number, length: number, at: number, room: number): number {
    const cursor = this.#cursor;
    cursor.open(start, start + length);
    this.#at = at;
    this.#end = at + room;
    try {
      if (cursor.peek() !== token.openBrace) {
        if (cursor.peek() === -1) throw new SpanmillError('OTLP_JSON', 'not JSON: the body is empty');
        cursor.mismatch('an object');
      }
      this.#message(messageKind.request, 0);
      cursor.close();
    } catch (error) {
      if (error === noRoom) return -1;
      throw error;
    }
    return this.#at - at;
  }

  #message(kind: MessageKind, depth: number): void {
    const cursor = this.#cursor;
    if (depth > maxDepth) {
      throw new SpanmillError('OTLP_JSON', `more than ${maxDepth} messages are nested inside one another`);
    }
    if (cursor.peek() !== token.openBrace) cursor.mismatch('an object');
    cursor.position++;
    if (cursor.peek() === token.closeBrace) {
      cursor.position++;
      return;
    }
    const level = cursor.level++;
    let member = false;
    // Bits of the fields that were written.
    let written = 0;
    let scopesAs: JsonName | null = null;
    do {
      if (cursor.peek() !== token.quote) cursor.syntax('a name in quotes');
      cursor.string();
      const name = this.#name(kind);
      cursor.expect(token.colon);
      if (name === null || this.#isOtherSpelling(name, scopesAs)) {
        cursor.skip();
        continue;
      }
      const { field } = name;
      cursor.names[level] = name.text;
      cursor.indexes[level] = -1;
      if (cursor.isNull()) {
        if ((written & field.bit) !== 0) this.#default(field);
        continue;
      }
      if (field.oneof) {
        if (member) cursor.mismatch('one member of "value"');
        member = true;
      }
      const before = this.#at;
      if (field.repeated) this.#list(field, level, depth);
      else this.#value(field, depth);
      if (this.#at > before) written |= field.bit;
      else if ((written & field.bit) !== 0) this.#default(field);
      if (kind === messageKind.resourceSpans && field.repeated && this.#at > before) scopesAs = name;
    } while (cursor.more(token.closeBrace));
    cursor.level = level;
  }

  /** Of scope spans and what they were once called, those count that come first; a sender that writes both means the same. */
  #isOtherSpelling(name: JsonName, scopesAs: JsonName | null): boolean {
    return scopesAs !== null && name.field === scopesAs.field && name.former !== scopesAs.former;
  }

  /** The field whose name was just read; null where OTLP has none. */
  #name(kind: MessageKind): JsonName | null {
    const { from, to, escaped } = this.#cursor;
    const byLength = jsonNames[kind];
    if (escaped) return this.#escapedName(byLength.flat());
    const names = to - from < byLength.length ? byLength[to - from] : [];
    const bytes = this.#bytes;
    for (let i = 0; i < names.length; i++) {
      const own = names[i].bytes;
      let p = 0;
      while (p < own.length && own[p] === bytes[from + p]) p++;
      if (p === own.length) return names[i];
    }
    return null;
  }

  /** Legal, and nobody does it: `"n\u0061me"`. */
  #escapedName(names: readonly JsonName[]): JsonName | null {
    const text = this.#cursor.text();
    return names.find((name) => name.text === text) ?? null;
  }

  /** Of a field that came before with another value: "the last one wins", also when it is one that is else left out. */
  #default({ tag, type }: JsonField): void {
    this.#tag(tag);
    const bytes = type === 'fixed64' ? 8 : type === 'fixed32' ? 4 : 1;
    this.#room(bytes);
    this.#bytes.fill(0, this.#at, this.#at + bytes);
    this.#at += bytes;
  }

  #list(field: JsonField, level: number, depth: number): void {
    const cursor = this.#cursor;
    if (cursor.peek() !== token.openBracket) cursor.mismatch('an array');
    cursor.position++;
    if (cursor.peek() === token.closeBracket) {
      cursor.position++;
      return;
    }
    let index = 0;
    do {
      cursor.indexes[level] = index++;
      this.#value(field, depth);
    } while (cursor.more(token.closeBracket));
  }

  #value(field: JsonField, depth: number): void {
    switch (field.type) {
      case 'message':
        this.#child(field, depth);
        break;
      case 'string':
        this.#string(field);
        break;
      case 'hex':
        this.#hex(field);
        break;
      case 'base64':
        this.#base64(field);
        break;
      case 'bool':
        this.#bool(field);
        break;
      case 'double':
        this.#double(field);
        break;
      case 'enum':
        if (this.#cursor.peek() === token.quote) this.#enumName(field);
        else this.#integer(field);
        break;
      default:
        this.#integer(field);
    }
  }

  #child(field: JsonField, depth: number): void {
    this.#tag(field.tag);
    const lengthAt = this.#at;
    this.#room(field.lengthBytes);
    this.#at += field.lengthBytes;
    this.#message(field.child as MessageKind, depth + 1);
    this.#closeLength(lengthAt, field.lengthBytes);
  }

  /** What stands behind `reserved` bytes at `lengthAt` is whole: its length goes in front of it. */
  #closeLength(lengthAt: number, reserved: number): void {
    const bytes = this.#bytes;
    const from = lengthAt + reserved;
    const length = this.#at - from;
    const needed = varintSize(length);
    if (needed !== reserved) {
      if (needed > reserved) this.#room(needed - reserved);
      bytes.copyWithin(lengthAt + needed, from, this.#at);
      this.#at += needed - reserved;
    }
    writeVarint(bytes, lengthAt, length);
  }

  #string(field: JsonField): void {
    const cursor = this.#cursor;
    if (cursor.peek() !== token.quote) cursor.mismatch('a string');
    cursor.string();
    const { from, to } = cursor;
    if (from === to && !field.oneof && !field.repeated) return;
    this.#tag(field.tag);
    const most = to - from;
    const reserved = varintSize(most);
    // What escapes stand for is never longer than they are.
    this.#room(reserved + most);
    const lengthAt = this.#at;
    this.#at = readString(cursor, this.#bytes, lengthAt + reserved);
    this.#closeLength(lengthAt, reserved);
  }

  #hex(field: JsonField): void {
    const cursor = this.#cursor;
    const expected = `${2 * field.idLength} hexadecimal digits`;
    if (cursor.peek() !== token.quote) cursor.mismatch(expected);
    const start = cursor.position;
    cursor.string();
    if (cursor.from === cursor.to) return;
    // Whatever its length is, it is looked at once it is there.
    this.#room(2 + longestId);
    const bytes = this.#bytes;
    const at = this.#at;
    const length = readHex(cursor.escaped ? unescaped(cursor) : cursor, bytes, at + 2);
    if (length !== field.idLength) {
      cursor.position = start;
      cursor.mismatch(expected);
    }
    bytes[at] = field.tag;
    bytes[at + 1] = length;
    // An id of zeroes is no id (W3C Trace Context).
    let p = at + 2;
    while (p < at + 2 + length && bytes[p] === 0) p++;
    if (p < at + 2 + length) this.#at = at + 2 + length;
  }

  #base64(field: JsonField): void {
    const cursor = this.#cursor;
    if (cursor.peek() !== token.quote) cursor.mismatch('standard base64');
    const start = cursor.position;
    cursor.string();
    const most = cursor.to - cursor.from;
    const reserved = varintSize(most);
    this.#tag(field.tag);
    this.#room(reserved + most);
    const lengthAt = this.#at;
    const from = lengthAt + reserved;
    // Some encoders write `\/` for a slash, and `\u003d` for the padding.
    const text = cursor.escaped ? { from, to: readString(cursor, this.#bytes, from), bytes: this.#bytes } : cursor;
    const end = readBase64(text, this.#bytes, from);
    if (end < 0) {
      cursor.position = start;
      cursor.mismatch('standard base64');
    }
    this.#at = end;
    this.#closeLength(lengthAt, reserved);
  }

  /** The one bool of OTLP is a value, written whether or not it is false. */
  #bool(field: JsonField): void {
    const value = this.#cursor.bool();
    if (value === null) this.#cursor.mismatch('true or false');
    this.#tag(field.tag);
    this.#byte(value ? 1 : 0);
  }

  /** The one double of OTLP is a value, written whether or not it is 0. */
  #double(field: JsonField): void {
    const cursor = this.#cursor;
    let value = Number.NaN;
    if (cursor.peek() === token.quote) {
      const start = cursor.position;
      cursor.string();
      const text = cursor.text();
      if (/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) || /^-?Infinity$/.test(text)) value = Number(text);
      else if (text !== 'NaN') {
        cursor.position = start;
        cursor.mismatch('a number');
      }
    } else {
      const text = cursor.numberText();
      if (text === null) cursor.mismatch('a number');
      value = Number(text);
    }
    this.#tag(field.tag);
    this.#room(8);
    float[0] = value;
    this.#bytes.set(floatBytes, this.#at);
    this.#at += 8;
  }

  #integer(field: JsonField): void {
    const cursor = this.#cursor;
    cursor.peek();
    const start = cursor.position;
    if (!cursor.integer() || !isInRange(field, cursor)) {
      cursor.position = start;
      cursor.mismatch(integerRanges[field.type] ?? 'an integer');
    }
    let { low, high } = cursor;
    if (low === 0 && high === 0 && !field.oneof) return;
    if (cursor.negative) {
      // Two's complement of 64 bits.
      low = -low >>> 0;
      high = (~high + (low === 0 ? 1 : 0)) >>> 0;
    }
    this.#tag(field.tag);
    this.#room(10);
    const bytes = this.#bytes;
    let p = this.#at;
    if (field.type === 'fixed64' || field.type === 'fixed32') {
      p = writeWord(bytes, p, low);
      if (field.type === 'fixed64') p = writeWord(bytes, p, high);
    } else {
      while (high !== 0 || low > 127) {
        bytes[p++] = (low & 127) | 128;
        low = ((low >>> 7) | (high << 25)) >>> 0;
        high >>>= 7;
      }
      bytes[p++] = low;
    }
    this.#at = p;
  }

  #enumName(field: JsonField): void {
    const cursor = this.#cursor;
    const start = cursor.position;
    cursor.string();
    const name = cursor.text();
    if (!Object.hasOwn(field.values, name)) {
      cursor.position = start;
      cursor.mismatch(`a number or one of ${Object.keys(field.values).join(', ')}`);
    }
    const value = field.values[name];
    if (value === 0) return;
    this.#tag(field.tag);
    this.#byte(value);
  }

  #tag(tag: number): void {
    this.#room(2);
    this.#at = writeVarint(this.#bytes, this.#at, tag);
  }

  #byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#at++] = value;
  }

  #room(bytes: number): void {
    if (this.#at + bytes > this.#end) throw noRoom;
  }
}

/** An id in which digits are escapes. */
function unescaped(cursor: JsonCursor): TextRange {
  const bytes = Buffer.from(cursor.text());
  return { from: 0, to: bytes.length, bytes };
}

const float = new Float64Array(1);
const floatBytes = new Uint8Array(float.buffer);

function writeWord(bytes: Uint8Array, at: number, word: number): number {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
  return at + 4;
}
