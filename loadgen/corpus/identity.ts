// Who a span is stands in its ids (corpus.ts): run, 48-bit number, and in a trace id 64 bits that are random. Here is what
// writes and reads them, in bytes and in hexadecimal digits.

/** Spans and traces of a run are fewer. */
export const numberRange = 2 ** 48;

const word = 2 ** 32;

/** The finaliser of MurmurHash3: a bijection of 32 bits in which every bit depends on every other. */
export function mix32(bits: number): number {
  let x = bits;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

/**
 * 32 bits for a 48-bit number in two parts. For one `seed`, `domain` and upper part a bijection of the lower one, so that
 * 2^32 numbers in a row have different keys.
 */
export function numberKey(seed: number, domain: number, low: number, high: number): number {
  return mix32(low ^ mix32(seed + Math.imul(domain, 0x9e3779b1) + Math.imul(high, 0x7feb352d)));
}

/** Tells the random half of a trace id from other uses of numberKey. */
export const traceIdDomain = 1;

/** The random half of the id of the trace with this key. */
export const randomHigh = (key: number): number => mix32(key + 0x3c6ef372);
export const randomLow = (key: number): number => mix32(key ^ 0x5851f42d);

/** The lower and the upper part of a number: 32 and 16 bits. */
export const lowPart = (number: number): number => number >>> 0;
export const highPart = (number: number): number => Math.floor(number / word);

/**
 * The 56 bits that ratio samplers decide by (W3C Trace Context level 2), the last three of them cleared: a double has 53.
 * So comparing with a threshold whose last three bits are zero is exact; those of samplers have more zeros than that.
 */
export function traceRandomness(seed: number, traceNumber: number): number {
  const key = numberKey(seed, traceIdDomain, lowPart(traceNumber), highPart(traceNumber));
  return (randomHigh(key) & 0xff_ffff) * word + ((randomLow(key) & ~7) >>> 0);
}

const hex = (bits: number): string => (bits >>> 0).toString(16).padStart(8, '0');

const upperWord = (run: number, number: number): number => ((run << 16) | highPart(number)) >>> 0;

export function spanIdHex(run: number, spanNumber: number): string {
  return hex(upperWord(run, spanNumber)) + hex(lowPart(spanNumber));
}

export function traceIdHex(run: number, seed: number, traceNumber: number): string {
  const key = numberKey(seed, traceIdDomain, lowPart(traceNumber), highPart(traceNumber));
  return spanIdHex(run, traceNumber) + hex(randomHigh(key)) + hex(randomLow(key));
}

/** Run of the span or trace id that starts at `at`. */
export function runAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

/** Number of the span or trace whose id starts at `at`. */
export function numberAt(bytes: Uint8Array, at: number): number {
  const high = (bytes[at + 2] << 8) | bytes[at + 3];
  const low = (bytes[at + 4] << 24) | (bytes[at + 5] << 16) | (bytes[at + 6] << 8) | bytes[at + 7];
  return high * word + (low >>> 0);
}

/** Of an id in hexadecimal digits. NaN where they are none. */
export const runOfHex = (id: string): number => Number(`0x${id.slice(0, 4)}`);
export const numberOfHex = (id: string): number => Number(`0x${id.slice(4, 16)}`);
