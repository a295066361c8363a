// Bytes that grow, and marks: places in them that are patched later. Messages whose length stands before them are written
// after a length of the expected size; where the guess was wrong they are moved, and their marks with them.

/** What stands at a mark. */
export const mark = { parentId: 0, startTime: 1, eventTime: 2, linkIds: 3, freshText: 4 } as const;

/** A mark: its kind, its place, and two numbers that depend on the kind. */
export const markStride = 4;

const firstBytes = 1 << 16;
const firstMarks = 1 << 10;
/** Below this many characters a loop is faster than a call into native code. */
const shortText = 40;
const bytesPerUnit = 3;
const mostVarintBytes = 10;

/** Bytes of an unsigned varint; `value` < 2^31. */
export function varintBytes(value: number): number {
  if (value < 1 << 7) return 1;
  if (value < 1 << 14) return 2;
  if (value < 1 << 21) return 3;
  return value < 1 << 28 ? 4 : 5;
}

export class ByteWriter {
  bytes: Buffer = Buffer.allocUnsafeSlow(firstBytes);
  /** Bytes written. */
  at = 0;
  marks: Int32Array = new Int32Array(firstMarks * markStride);
  /** Marks set. */
  markCount = 0;

  clear(): void {
    this.at = 0;
    this.markCount = 0;
  }

  /** Makes room for so many bytes. */
  reserve(bytes: number): void {
    if (this.at + bytes <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.at + bytes, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
  }

  /** The mark is of what is written next. */
  mark(kind: number, first: number, second: number): void {
    const from = this.markCount * markStride;
    if (from === this.marks.length) {
      const larger = new Int32Array(this.marks.length * 2);
      larger.set(this.marks);
      this.marks = larger;
    }
    this.marks[from] = kind;
    this.marks[from + 1] = this.at;
    this.marks[from + 2] = first;
    this.marks[from + 3] = second;
    this.markCount++;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.at++] = value;
  }

  fill(value: number, count: number): void {
    this.reserve(count);
    const end = this.at + count;
    for (let i = this.at; i < end; i++) this.bytes[i] = value;
    this.at = end;
  }

  copy(from: Uint8Array): void {
    this.reserve(from.length);
    this.bytes.set(from, this.at);
    this.at += from.length;
  }

  /** UTF-8 without a length. */
  text(text: string): void {
    this.reserve(text.length * bytesPerUnit);
    if (text.length >= shortText || !this.#ascii(text, this.at)) this.at += this.bytes.write(text, this.at);
  }

  /** UTF-8 after its length. */
  string(text: string): void {
    const { length } = text;
    this.reserve(length * bytesPerUnit + mostVarintBytes);
    if (length < shortText && this.#ascii(text, this.at + 1)) {
      this.bytes[this.at - length - 1] = length;
      return;
    }
    const start = this.open(length);
    this.at += this.bytes.write(text, start);
    this.close(start, length);
  }

  /** A 64-bit varint in two's complement; `value` is a safe integer. */
  varint(value: number): void {
    this.reserve(mostVarintBytes);
    let low = value >>> 0;
    let high = Math.floor(value / 2 ** 32) >>> 0;
    while (high !== 0 || low > 127) {
      this.bytes[this.at++] = (low & 127) | 128;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.bytes[this.at++] = low;
  }

  fixed32(value: number): void {
    this.reserve(4);
    this.at = this.bytes.writeUInt32LE(value, this.at);
  }

  double(value: number): void {
    this.reserve(8);
    this.at = this.bytes.writeDoubleLE(value, this.at);
  }

  /** Leaves room for a length that is expected to be `expected`; gives where the message starts. */
  open(expected: number): number {
    this.reserve(mostVarintBytes);
    this.at += varintBytes(expected);
    return this.at;
  }

  /** Ends the message that `open(expected)` started at `start`: writes its length. */
  close(start: number, expected: number): void {
    const length = this.at - start;
    const room = varintBytes(expected);
    const needed = varintBytes(length);
    if (room !== needed) this.#move(start, needed - room);
    let to = start - room;
    let rest = length;
    for (; rest > 127; rest >>>= 7) this.bytes[to++] = (rest & 127) | 128;
    this.bytes[to] = rest;
  }

  #move(start: number, by: number): void {
    this.reserve(mostVarintBytes);
    this.bytes.copyWithin(start + by, start, this.at);
    this.at += by;
    for (let i = (this.markCount - 1) * markStride + 1; i >= 0 && this.marks[i] >= start; i -= markStride) {
      this.marks[i] += by;
    }
  }

  /** Writes `text` at `to` and moves there, if it is ASCII; else nothing has happened. */
  #ascii(text: string, to: number): boolean {
    const { bytes } = this;
    const { length } = text;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) return false;
      bytes[to + i] = code;
    }
    this.at = to + length;
    return true;
  }
}
