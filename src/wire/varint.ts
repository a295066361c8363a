// Protobuf varints and tags. Sizes and lengths only (below 2^32); 64-bit values are in any-value.ts.

/** Bytes that `n` (0 … 2^32-1) takes as a varint. */
export function varintSize(n: number): number {
  if (n < 0x80) return 1;
  if (n < 0x4000) return 2;
  if (n < 0x200000) return 3;
  return n < 0x10000000 ? 4 : 5;
}

/** Writes `n` (0 … 2^32-1) at `at`; returns the end. */
export function writeVarint(bytes: Uint8Array, at: number, n: number): number {
  let p = at;
  let rest = n;
  while (rest > 127) {
    bytes[p++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  bytes[p++] = rest;
  return p;
}

/** Writes `n` (below 2^28) in four bytes, so that a length can be filled in after what it measures. */
export function writePaddedLength(bytes: Uint8Array, at: number, n: number): void {
  bytes[at] = (n & 127) | 128;
  bytes[at + 1] = ((n >>> 7) & 127) | 128;
  bytes[at + 2] = ((n >>> 14) & 127) | 128;
  bytes[at + 3] = n >>> 21;
}
export const paddedLengthBytes = 4;
