// Reads JSON (RFC 8259) token by token out of bytes, without making objects or text of it: a cursor, and what it read last.
import { SpanmillError } from '../../errors.ts';

/** Characters of what was found that an error shows. */
const shownCharacters = 60;
/** Of what is skipped, arrays and objects inside one another. */
const maxSkipped = 500;
/** A number in JSON may be of any length; nobody needs more digits. Names and ids with each character escaped are shorter. */
const longestText = 400;

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;
export const token = { quote, backslash, comma, colon, openBracket, closeBracket, openBrace, closeBrace } as const;

const twoTo32 = 2 ** 32;
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
/** Of those that numbers are made of: digits, `+ - . E e`. */
const isOfNumber = (byte: number): boolean =>
  isDigit(byte) || byte === 0x2b || byte === 0x2d || byte === 0x2e || byte === 0x45 || byte === 0x65;

export class JsonCursor {
  readonly bytes: Uint8Array;
  position = 0;
  /** Of the string read last: its content, with escapes as they stand. */
  from = 0;
  to = 0;
  escaped = false;
  /** Of the integer read last: the lowest 64 bits of its amount, and its sign. */
  low = 0;
  high = 0;
  negative = false;
  /** How many of `names` and `indexes` lead to where the cursor stands. */
  level = 0;
  readonly names: string[] = [];
  /** -1: the member of that name itself, not an item of its array. */
  readonly indexes: number[] = [];
  #start = 0;
  #end = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Stands before the document `bytes[start … end)`. */
  open(start: number, end: number): void {
    this.#start = start;
    this.#end = end;
    this.position = start;
    this.level = 0;
    const { bytes } = this;
    // RFC 8259 8.1: a parser may ignore a byte order mark.
    if (end - start >= 3 && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf) {
      this.position += 3;
    }
  }

  /** The next byte that is no white space; the cursor stands before it. -1: the end. */
  peek(): number {
    const { bytes } = this;
    const end = this.#end;
    let p = this.position;
    while (p < end) {
      const byte = bytes[p];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
      p++;
    }
    this.position = p;
    return p < end ? bytes[p] : -1;
  }

  /** Steps over `byte`, which must come next. */
  expect(byte: number): void {
    if (this.peek() !== byte) this.syntax(`"${String.fromCharCode(byte)}"`);
    this.position++;
  }

  /** After a value: true behind a comma, false behind `close`. */
  more(close: typeof closeBrace | typeof closeBracket): boolean {
    const next = this.peek();
    if (next !== comma && next !== close) this.syntax(`"," or "${String.fromCharCode(close)}"`);
    this.position++;
    return next === comma;
  }

  /** `null`, stepped over; false when something else comes next. */
  isNull(): boolean {
    if (this.peek() !== 0x6e) return false;
    this.#literal('null');
    return true;
  }

  /** `true` or `false`, stepped over; null when something else comes next. */
  bool(): boolean | null {
    const next = this.peek();
    if (next !== 0x74 && next !== 0x66) return null;
    this.#literal(next === 0x74 ? 'true' : 'false');
    return next === 0x74;
  }

  #literal(word: string): void {
    const { bytes, position } = this;
    for (let i = 0; i < word.length; i++) {
      if (position + i >= this.#end || bytes[position + i] !== word.charCodeAt(i)) this.syntax('a value');
    }
    this.position += word.length;
  }

  /** The string that comes next (its quote does); `from`, `to` and `escaped` say what it is. */
  string(): void {
    const { bytes } = this;
    const end = this.#end;
    const from = this.position + 1;
    let escaped = false;
    let p = from;
    while (p < end) {
      const byte = bytes[p];
      if (byte === quote) {
        this.from = from;
        this.to = p;
        this.escaped = escaped;
        this.position = p + 1;
        return;
      }
      if (byte === backslash) {
        escaped = true;
        p++;
      } else if (byte < 0x20) {
        this.position = p;
        this.syntax('no control character in a string');
      }
      p++;
    }
    this.position = end;
    this.syntax('the end of a string');
  }

  /** The content of the string read last: of names, numbers and ids, which are ASCII where they are right. '': too long for one. */
  text(): string {
    if (this.to - this.from > longestText) return '';
    const text = this.#latin1(this.from, this.to);
    if (!this.escaped) return text;
    try {
      return JSON.parse(`"${text}"`);
    } catch {
      return this.syntax('an escape that JSON has');
    }
  }

  #latin1(from: number, to: number): string {
    let text = '';
    for (let p = from; p < to; p++) text += String.fromCharCode(this.bytes[p]);
    return text;
  }

  /** A number that comes next and is not in quotes, as it stands; null when none comes. */
  numberText(): string | null {
    const { bytes } = this;
    const next = this.peek();
    if (next !== 0x2d && !isDigit(next)) return null;
    const from = this.position;
    let p = from;
    while (p < this.#end && isOfNumber(bytes[p])) p++;
    const text = p - from > longestText ? '' : this.#latin1(from, p);
    if (!jsonNumber.test(text)) this.syntax('a number');
    this.position = p;
    return text;
  }

  /**
   * An integer as a number or in quotes, exact: `low`, `high` and `negative` are set. False when none comes next, or one of
   * more than 64 bits; the cursor then stands where it stood.
   */
  integer(): boolean {
    const { bytes } = this;
    const first = this.peek();
    const quoted = first === quote;
    const start = this.position;
    let p = quoted ? start + 1 : start;
    this.negative = bytes[p] === 0x2d && p < this.#end;
    if (this.negative) p++;
    const digits = p;
    let low = 0;
    let high = 0;
    for (; p < this.#end && isDigit(bytes[p]); p++) {
      low = low * 10 + bytes[p] - 0x30;
      const carry = Math.floor(low / twoTo32);
      low -= carry * twoTo32;
      high = high * 10 + carry;
      if (high >= twoTo32) return false;
    }
    this.low = low;
    this.high = high;
    if (quoted && p < this.#end && bytes[p] === backslash) return this.#escapedInteger(start);
    if (p === digits) return false;
    if (quoted) {
      if (p >= this.#end || bytes[p] !== quote) return false;
      this.position = p + 1;
      return true;
    }
    if (p < this.#end && isOfNumber(bytes[p])) return this.#wholeNumber(start);
    // 007 is no number in JSON.
    if (bytes[digits] === 0x30 && p > digits + 1) this.syntax('a number');
    this.position = p;
    return true;
  }

  /** `"\u0031"`: legal, and nobody does it. */
  #escapedInteger(start: number): boolean {
    this.string();
    const text = this.text();
    const amount = /^-?\d+$/.test(text) ? BigInt(text.replace('-', '')) : -1n;
    if (amount < 0n || amount >= 2n ** 64n) {
      this.position = start;
      return false;
    }
    this.negative = text.startsWith('-');
    this.high = Number(amount >> 32n);
    this.low = Number(amount & 0xffff_ffffn);
    return true;
  }

  /** A number with a fraction or an exponent, where its value is an integer. */
  #wholeNumber(start: number): boolean {
    const value = Number(this.numberText());
    const amount = Math.abs(value);
    if (!Number.isInteger(value) || amount >= 2 ** 64) {
      this.position = start;
      return false;
    }
    this.high = Math.floor(amount / twoTo32);
    this.low = amount - this.high * twoTo32;
    return true;
  }

  /** Steps over the value that comes next, whatever it is. */
  skip(depth = 0): void {
    const next = this.peek();
    if (next === quote) this.string();
    else if (next === openBrace || next === openBracket) this.#skipList(next, depth);
    else if (!this.isNull() && this.bool() === null && this.numberText() === null) this.syntax('a value');
  }

  #skipList(open: typeof openBrace | typeof openBracket, depth: number): void {
    if (depth >= maxSkipped) throw new SpanmillError('OTLP_JSON', `more than ${maxSkipped} values inside one another`);
    const close = open === openBrace ? closeBrace : closeBracket;
    this.position++;
    if (this.peek() === close) {
      this.position++;
      return;
    }
    do {
      if (open === openBrace) {
        if (this.peek() !== quote) this.syntax('a name in quotes');
        this.string();
        this.expect(colon);
      }
      this.skip(depth + 1);
    } while (this.more(close));
  }

  /** Nothing but white space may follow. */
  close(): void {
    if (this.peek() !== -1) this.syntax('the end');
  }

  /** What stands here is not JSON. */
  syntax(expected: string): never {
    const at = this.position - this.#start;
    throw new SpanmillError('OTLP_JSON', `not JSON: expected ${expected}, found ${this.#found()} (at byte ${at})`);
  }

  /** What comes next is JSON, but not what OTLP has here. The cursor stands before it. */
  mismatch(expected: string): never {
    this.peek();
    const at = this.position - this.#start;
    const message = `${this.path()}: expected ${expected}, found ${this.#found()} (at byte ${at})`;
    throw new SpanmillError('OTLP_JSON', message);
  }

  /** `resourceSpans[0].scopeSpans[1]`. */
  path(): string {
    let path = '';
    for (let i = 0; i < this.level; i++) {
      const index = this.indexes[i];
      path += `${path === '' ? '' : '.'}${this.names[i]}${index < 0 ? '' : `[${index}]`}`;
    }
    return path === '' ? 'the body' : path;
  }

  #found(): string {
    const { bytes, position } = this;
    if (position >= this.#end) return 'the end of the body';
    const first = bytes[position];
    if (first === openBrace) return 'an object';
    if (first === openBracket) return 'an array';
    let p = position + 1;
    const most = Math.min(this.#end, position + shownCharacters);
    if (first === quote) {
      while (p < most && bytes[p] !== quote) p += bytes[p] === backslash ? 2 : 1;
      p++;
    } else while (p < most && /[\w.+-]/.test(String.fromCharCode(bytes[p]))) p++;
    const text = Buffer.from(bytes.slice(position, Math.min(p, most))).toString('utf8');
    return JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"') + (p > most ? '…' : '');
  }
}
