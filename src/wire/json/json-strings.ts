// What the strings of OTLP JSON hold, written as bytes: text with its escapes, hexadecimal digits, base64. Each reads the
// string that the cursor read last, and writes no more bytes than that has.
import { type JsonCursor, token } from './json-cursor.ts';

const replacement = 0xfffd;

const escapes = new Map<number, number>([
  [token.quote, token.quote],
  [token.backslash, token.backslash],
  [0x2f, 0x2f],
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
]);
const letterU = 0x75;

/** Text from `from` to `to` of some bytes. */
export type TextRange = Pick<JsonCursor, 'from' | 'to' | 'bytes'>;

/** The value of a hexadecimal digit; -1: it is none. */
const hexDigits = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) {
  hexDigits[i.toString(16).charCodeAt(0)] = i;
  hexDigits[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}

/** Writes the text as UTF-8; returns the end. Bytes that are not UTF-8 stay as they are, as in a protobuf request. */
export function readString(cursor: JsonCursor, bytes: Uint8Array, at: number): number {
  const { from, to } = cursor;
  if (!cursor.escaped) {
    bytes.copyWithin(at, from, to);
    return at + to - from;
  }
  let end = at;
  let p = from;
  while (p < to) {
    const byte = bytes[p];
    if (byte !== token.backslash) {
      bytes[end++] = byte;
      p++;
      continue;
    }
    const kind = bytes[p + 1];
    if (kind === letterU) {
      const code = codeUnit(cursor, p + 2, to);
      p += 6;
      // A pair of surrogates is one character; half a pair is none, and has no form in UTF-8.
      const isHigh = code >= 0xd800 && code < 0xdc00;
      const follows = isHigh && p + 1 < to && bytes[p] === token.backslash && bytes[p + 1] === letterU;
      const second = follows ? codeUnit(cursor, p + 2, to) : 0;
      if (second >= 0xdc00 && second < 0xe000) {
        p += 6;
        end = writeUtf8(bytes, end, 0x10000 + ((code - 0xd800) << 10) + (second - 0xdc00));
      } else end = writeUtf8(bytes, end, code >= 0xd800 && code < 0xe000 ? replacement : code);
      continue;
    }
    const meant = escapes.get(kind);
    if (meant === undefined) {
      cursor.position = p;
      cursor.syntax('an escape that JSON has');
    }
    bytes[end++] = meant;
    p += 2;
  }
  return end;
}

function codeUnit(cursor: JsonCursor, at: number, to: number): number {
  const { bytes } = cursor;
  let code = 0;
  for (let p = at; p < at + 4; p++) {
    const digit = p < to ? hexDigits[bytes[p]] : -1;
    if (digit < 0) {
      cursor.position = at - 2;
      cursor.syntax('four hexadecimal digits behind \\u');
    }
    code = code * 16 + digit;
  }
  return code;
}

function writeUtf8(bytes: Uint8Array, at: number, code: number): number {
  let p = at;
  if (code < 0x80) bytes[p++] = code;
  else if (code < 0x800) bytes[p++] = 0xc0 | (code >> 6);
  else if (code < 0x10000) {
    bytes[p++] = 0xe0 | (code >> 12);
    bytes[p++] = 0x80 | ((code >> 6) & 63);
  } else {
    bytes[p++] = 0xf0 | (code >> 18);
    bytes[p++] = 0x80 | ((code >> 12) & 63);
    bytes[p++] = 0x80 | ((code >> 6) & 63);
  }
  if (code >= 0x80) bytes[p++] = 0x80 | (code & 63);
  return p;
}

/** Writes the bytes that the digits stand for, at most 16; returns how many, -1 when they are not pairs of digits. */
export function readHex({ from, to, bytes: source }: TextRange, bytes: Uint8Array, at: number): number {
  if ((to - from) % 2 !== 0 || to - from > 32) return -1;
  for (let p = from; p < to; p += 2) {
    const high = hexDigits[source[p]];
    const low = hexDigits[source[p + 1]];
    if (high < 0 || low < 0) return -1;
    bytes[at + (p - from) / 2] = high * 16 + low;
  }
  return (to - from) / 2;
}

const base64Alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const base64Digits = new Int8Array(256).fill(-1);
for (let i = 0; i < 64; i++) base64Digits[base64Alphabet.charCodeAt(i)] = i;
const padding = 0x3d;

/**
 * Writes the bytes; returns the end, -1 when it is not standard base64. Padding may be absent. The text may stand where they are
 * written: it is read before.
 */
export function readBase64({ from, to, bytes: source }: TextRange, bytes: Uint8Array, at: number): number {
  let last = to;
  while (last > from && to - last < 2 && source[last - 1] === padding) last--;
  const length = last - from;
  if (length % 4 === 1 || (last < to && (to - from) % 4 !== 0)) return -1;
  let end = at;
  let bits = 0;
  let held = 0;
  for (let p = from; p < last; p++) {
    const digit = base64Digits[source[p]];
    if (digit < 0) return -1;
    bits = ((bits << 6) | digit) & 0xffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes[end++] = (bits >> held) & 255;
    }
  }
  return end;
}
