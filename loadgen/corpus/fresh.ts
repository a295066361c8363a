// Fresh texts: characters that depend on seed, slot and the number of the span or trace, and on nothing else.
import { mix32, numberKey } from './identity.ts';

const alphanumeric = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const hexDigits = Buffer.from('0123456789abcdef');
/** 6 bits choose a character without a division; so two of them are twice as likely, which no reader can tell. */
const base62 = Buffer.from(`${alphanumeric}Ag`);

/** By their place in freshAlphabets. */
const hexAlphabet = 0;
const digitsAlphabet = 1;

const digit0 = 0x30;
const golden = 0x9e3779b9;
/** traceIdDomain is below it. */
const firstDomain = 16;

/**
 * Key of a fresh text; `scope` is its place in freshScopes, the two parts are of the number of the span or the trace. Those
 * of 2^32 numbers in a row are different, and so are their texts of eight and more hexadecimal digits.
 */
export function freshKey(seed: number, scope: number, slot: number, low: number, high: number): number {
  return numberKey(seed, firstDomain + slot * 2 + scope, low, high);
}

/** Writes `length` characters of the alphabet at this place in freshAlphabets. */
export function writeFreshText(to: Uint8Array, at: number, length: number, alphabet: number, key: number): void {
  if (alphabet === hexAlphabet) writeHex(to, at, at + length, key);
  else if (alphabet === digitsAlphabet) writeDigits(to, at, at + length, key);
  else writeBase62(to, at, at + length, key);
}

/** A character for each 4 bits of word after word. */
function writeHex(to: Uint8Array, at: number, end: number, key: number): void {
  let counter = key;
  for (let next = at; next < end; ) {
    let word = mix32(counter);
    counter = (counter + golden) | 0;
    const stop = next + 8 < end ? next + 8 : end;
    while (next < stop) {
      to[next++] = hexDigits[word >>> 28];
      word <<= 4;
    }
  }
}

/** A character for each 6 bits; the last two of a word are left. */
function writeBase62(to: Uint8Array, at: number, end: number, key: number): void {
  let counter = key;
  for (let next = at; next < end; ) {
    let word = mix32(counter);
    counter = (counter + golden) | 0;
    const stop = next + 5 < end ? next + 5 : end;
    while (next < stop) {
      to[next++] = base62[word >>> 26];
      word <<= 6;
    }
  }
}

/** 28 bits of a word as a fraction, of which seven decimal digits are taken: no digit is much likelier than another. */
function writeDigits(to: Uint8Array, at: number, end: number, key: number): void {
  let counter = key;
  for (let next = at; next < end; ) {
    let fraction = mix32(counter) >>> 4;
    counter = (counter + golden) | 0;
    const stop = next + 7 < end ? next + 7 : end;
    while (next < stop) {
      const product = Math.imul(fraction, 10);
      to[next++] = digit0 + (product >>> 28);
      fraction = product & 0xfff_ffff;
    }
  }
}
