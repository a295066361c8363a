// RFC 7541 5.1: an integer begins in the low bits of a byte and, where those are all ones, goes on in bytes of seven bits
// each, the lowest first, of which all but the last have the top bit set.

/** A place in a header block: what is read comes from `at`, and nothing at or behind `end` is looked at. */
export interface Cursor {
  bytes: Buffer;
  at: number;
  end: number;
}

/**
 * "Integer encodings that exceed implementation limits -- in value or octet length -- MUST be treated as decoding errors"
 * (5.1): these are ours. Five bytes hold any value up to the largest, and leave room for a padded zero.
 */
const largestInteger = 0x7fff_ffff;
const largestShift = 28;

/**
 * Reads the integer whose prefix is the low `prefixBits` of `first`, the byte before the cursor. -1 when the block ends
 * inside it (the cursor then stands at the end), -2 when it exceeds the limits.
 */
export function readInteger(cursor: Cursor, first: number, prefixBits: number): number {
  const mask = (1 << prefixBits) - 1;
  let value = first & mask;
  if (value < mask) return value;
  for (let shift = 0; shift <= largestShift; shift += 7) {
    if (cursor.at >= cursor.end) return -1;
    const next = cursor.bytes[cursor.at++];
    // Not a shift: the fifth byte reaches above 32 bits.
    value += (next & 127) * 2 ** shift;
    if (value > largestInteger) return -2;
    if (next < 128) return value;
  }
  return -2;
}

/** Writes `value` behind the bits of `pattern` in its first byte, and gives the position behind it. */
export function writeInteger(to: Uint8Array, at: number, pattern: number, prefixBits: number, value: number): number {
  const mask = (1 << prefixBits) - 1;
  let next = at;
  if (value < mask) {
    to[next++] = pattern | value;
    return next;
  }
  to[next++] = pattern | mask;
  let rest = value - mask;
  for (; rest >= 128; rest >>>= 7) to[next++] = (rest & 127) | 128;
  to[next++] = rest;
  return next;
}
