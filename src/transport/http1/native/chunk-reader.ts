// A chunked body, RFC 9112 7.1, byte by byte but for what the chunks hold. Extensions and trailers are read and forgotten, within a
// bound.
//   chunked-body = *chunk last-chunk trailer-section CRLF
//   chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
import { BadRequest } from './request-head.ts';

/** Of all that is neither size nor content. */
const mostExtraBytes = 16 << 10;
/** A size of more digits is larger than any body that is taken. */
const mostDigits = 8;

const cr = 0x0d;
const lf = 0x0a;
const semicolon = 0x3b;

// States, by what comes next.
const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILER = 6; // the begin of a line
const TRAILER_REST = 7;
const TRAILER_LF = 8;
const LAST_LF = 9;
const OVER = 10;

export class ChunkReader {
  #state: number = SIZE;
  #digits = 0;
  #left = 0;
  #extra = 0;

  get isOver(): boolean {
    return this.#state === OVER;
  }

  /** Gives what the chunks hold to `data`; returns where it stopped, before `end` only when the body is over. Throws a BadRequest. */
  read(bytes: Buffer, at: number, end: number, data: (bytes: Buffer, start: number, end: number) => void): number {
    let p = at;
    while (p < end && this.#state !== OVER) {
      if (this.#state === DATA) {
        const to = Math.min(end, p + this.#left);
        this.#left -= to - p;
        if (this.#left === 0) this.#state = DATA_CR;
        data(bytes, p, to);
        p = to;
      } else this.#step(bytes[p++]);
    }
    return p;
  }

  #step(byte: number): void {
    switch (this.#state) {
      case SIZE:
        this.#size(byte);
        break;
      case EXTENSION:
        if (byte === cr) this.#state = SIZE_LF;
        else this.#forget(byte);
        break;
      case SIZE_LF:
        this.#expect(byte, lf, this.#left === 0 ? TRAILER : DATA);
        break;
      case DATA_CR:
        this.#expect(byte, cr, DATA_LF);
        break;
      case DATA_LF:
        this.#expect(byte, lf, SIZE);
        this.#digits = 0;
        break;
      case TRAILER:
        if (byte === cr) this.#state = LAST_LF;
        else {
          this.#state = TRAILER_REST;
          this.#forget(byte);
        }
        break;
      case TRAILER_REST:
        if (byte === cr) this.#state = TRAILER_LF;
        else this.#forget(byte);
        break;
      case TRAILER_LF:
        this.#expect(byte, lf, TRAILER);
        break;
      default:
        this.#expect(byte, lf, OVER);
    }
  }

  #size(byte: number): void {
    const digit = digitOf(byte);
    if (digit >= 0) {
      if (++this.#digits > mostDigits) throw new BadRequest('a chunk is too large');
      this.#left = this.#left * 16 + digit;
    } else if (this.#digits === 0) throw new BadRequest('a chunk begins without its size');
    else if (byte === cr) this.#state = SIZE_LF;
    else if (byte === semicolon) this.#state = EXTENSION;
    else throw new BadRequest('the size of a chunk is not hexadecimal');
  }

  #expect(byte: number, expected: number, next: number): void {
    if (byte !== expected) throw new BadRequest('a line of the chunked body does not end with CRLF');
    this.#state = next;
  }

  #forget(byte: number): void {
    if (byte === lf) throw new BadRequest('a line of the chunked body does not end with CRLF');
    if (++this.#extra > mostExtraBytes)
      throw new BadRequest('the extensions or trailers of the chunked body are too large');
  }
}

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
