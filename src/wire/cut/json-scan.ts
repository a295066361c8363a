// Reads JSON (RFC 8259) as bytes without making anything of it: whether it is valid, where its string values lie, and where
// long lists of numbers do. What is found can be replaced in place; all else stays as the sender wrote it.
import type { JsonString } from './middle.ts';

export interface JsonContent {
  /** Values, not keys, of at least the wanted length, in order. */
  readonly strings: readonly JsonString[];
  /** Of each long list of numbers, from behind its first `keptNumbers` to its end: may be left out. In order. */
  readonly numbers: readonly { readonly start: number; readonly end: number }[];
}

/** What stays of a list of numbers, so that it still looks like one. */
export const keptNumbers = 8;
/** Shorter lists stay whole. */
const leastNumbersBytes = 256;
/** Deeper texts are taken for no JSON. */
const mostDepth = 256;

/** null: not JSON, or neither an object nor a list. */
export function scanJson(bytes: Uint8Array, leastString: number): JsonContent | null {
  const scanner = new Scanner(bytes, leastString);
  return scanner.run() ? { strings: scanner.strings, numbers: scanner.numbers } : null;
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const minus = 0x2d;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const letterU = 0x75;
const zero = 0x30;

const plainEscapes = new Set(Buffer.from('"\\/bfnrt'));
const isDigit = (byte: number): boolean => byte >= zero && byte <= 0x39;
const isHex = (byte: number): boolean => isDigit(byte) || ((byte | 32) >= 0x61 && (byte | 32) <= 0x66);

class Scanner {
  readonly strings: JsonString[] = [];
  readonly numbers: { start: number; end: number }[] = [];
  readonly #bytes: Uint8Array;
  readonly #leastString: number;
  #at = 0;

  constructor(bytes: Uint8Array, leastString: number) {
    this.#bytes = bytes;
    this.#leastString = leastString;
  }

  run(): boolean {
    this.#space();
    const first = this.#bytes[this.#at];
    if (first !== openBrace && first !== openBracket) return false;
    if (!this.#value(0)) return false;
    this.#space();
    return this.#at === this.#bytes.length;
  }

  #space(): void {
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.#at++;
    }
  }

  /** Stands at the value; afterwards behind it. */
  #value(depth: number): boolean {
    switch (this.#bytes[this.#at]) {
      case openBrace:
        return depth < mostDepth && this.#object(depth);
      case openBracket:
        return depth < mostDepth && this.#list(depth);
      case quote:
        return this.#string(true);
      case 0x74:
        return this.#word('true');
      case 0x66:
        return this.#word('false');
      case 0x6e:
        return this.#word('null');
      default:
        return this.#number();
    }
  }

  #object(depth: number): boolean {
    this.#at++;
    this.#space();
    if (this.#bytes[this.#at] === closeBrace) return this.#skip();
    for (;;) {
      if (this.#bytes[this.#at] !== quote || !this.#string(false)) return false;
      this.#space();
      if (this.#bytes[this.#at++] !== colon) return false;
      this.#space();
      if (!this.#value(depth + 1)) return false;
      this.#space();
      const byte = this.#bytes[this.#at++];
      if (byte === closeBrace) return true;
      if (byte !== comma) return false;
      this.#space();
    }
  }

  #list(depth: number): boolean {
    const from = this.#at++;
    this.#space();
    if (this.#bytes[this.#at] === closeBracket) return this.#skip();
    let onlyNumbers = true;
    let keptEnd = 0;
    for (let count = 1; ; count++) {
      const first = this.#bytes[this.#at];
      if (first !== minus && !isDigit(first)) onlyNumbers = false;
      if (!this.#value(depth + 1)) return false;
      if (count === keptNumbers) keptEnd = this.#at;
      this.#space();
      const byte = this.#bytes[this.#at++];
      if (byte === closeBracket) break;
      if (byte !== comma) return false;
      this.#space();
    }
    const end = this.#at - 1;
    if (onlyNumbers && keptEnd > 0 && end > keptEnd && end - from >= leastNumbersBytes) {
      this.numbers.push({ start: keptEnd, end });
    }
    return true;
  }

  #string(isValue: boolean): boolean {
    const bytes = this.#bytes;
    const start = this.#at + 1;
    let hasEscapes = false;
    for (let p = start; p < bytes.length; p++) {
      const byte = bytes[p];
      if (byte === quote) {
        this.#at = p + 1;
        if (isValue && p - start >= this.#leastString) this.strings.push({ start, end: p, hasEscapes });
        return true;
      }
      if (byte < 0x20) return false;
      if (byte !== backslash) continue;
      hasEscapes = true;
      p++;
      if (bytes[p] === letterU) {
        for (let i = 1; i <= 4; i++) if (!isHex(bytes[p + i])) return false;
        p += 4;
      } else if (!plainEscapes.has(bytes[p])) return false;
    }
    return false;
  }

  #word(word: string): boolean {
    for (let i = 0; i < word.length; i++) if (this.#bytes[this.#at + i] !== word.charCodeAt(i)) return false;
    this.#at += word.length;
    return true;
  }

  #number(): boolean {
    if (this.#bytes[this.#at] === minus) this.#at++;
    if (this.#bytes[this.#at] === zero) this.#at++;
    else if (!this.#digits()) return false;
    if (this.#bytes[this.#at] === 0x2e) {
      this.#at++;
      if (!this.#digits()) return false;
    }
    if ((this.#bytes[this.#at] | 32) === 0x65) {
      this.#at++;
      const sign = this.#bytes[this.#at];
      if (sign === minus || sign === 0x2b) this.#at++;
      if (!this.#digits()) return false;
    }
    return true;
  }

  #digits(): boolean {
    const from = this.#at;
    while (isDigit(this.#bytes[this.#at])) this.#at++;
    return this.#at > from;
  }

  #skip(): boolean {
    this.#at++;
    return true;
  }
}
