// Which spans arrived: walks the protobuf of each message and marks every span of the run in a bitmap by stream and sequence
// (see shape/identity.ts), one bit a span.
import { createLatencyRecorder } from './latency.ts';
import type { Latency, SpanRange } from './messages.ts';

export interface ArrivalsOptions {
  readonly run: number;
  readonly latency: boolean;
  readonly present: readonly string[];
  readonly absent: readonly string[];
}

interface ArrivalCounts {
  readonly distinct: number;
  readonly duplicated: number;
  readonly foreign: number;
  readonly malformed: number;
  readonly altered: number;
}

export interface Arrivals {
  /** Takes one ExportTraceServiceRequest. `nowNs`: Unix time in nanoseconds. */
  take(message: Buffer, nowNs: number): void;
  counts(): ArrivalCounts;
  /** How many distinct spans within the ranges arrived. */
  within(ranges: readonly SpanRange[]): number;
  latency(): Latency;
  resetLatency(): void;
}

const smallestBitmapBytes = 1 << 16;

interface Found {
  /** Position of the id's bytes, -1 when it has none of 8 bytes. */
  spanIdAt: number;
  startTimeAt: number;
}

class Walker implements Arrivals {
  readonly #options: ArrivalsOptions;
  readonly #bitmaps: Uint8Array[] = [];
  readonly #latency = createLatencyRecorder();
  readonly #found: Found = { spanIdAt: -1, startTimeAt: -1 };
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #now = 0;
  #checkNext = false;
  #distinct = 0;
  #duplicated = 0;
  #foreign = 0;
  #malformed = 0;
  #altered = 0;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  take(message: Buffer, nowNs: number): void {
    this.#bytes = message;
    this.#at = 0;
    this.#now = nowNs;
    this.#checkNext = this.#options.present.length > 0 || this.#options.absent.length > 0;
    try {
      this.#fields(message.length, 0);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#malformed++;
    }
  }

  counts(): ArrivalCounts {
    return {
      distinct: this.#distinct,
      duplicated: this.#duplicated,
      foreign: this.#foreign,
      malformed: this.#malformed,
      altered: this.#altered,
    };
  }

  within(ranges: readonly SpanRange[]): number {
    let count = 0;
    for (const [stream, first, length] of ranges) {
      const bitmap = this.#bitmaps[stream];
      if (bitmap === undefined) continue;
      const end = Math.min(first + length, bitmap.length * 8);
      for (let sequence = first; sequence < end; sequence++) {
        if (bitmap[Math.floor(sequence / 8)] & (1 << (sequence & 7))) count++;
      }
    }
    return count;
  }

  latency(): Latency {
    return this.#latency.summary();
  }

  resetLatency(): void {
    this.#latency.reset();
  }

  #varint(end: number): number {
    const bytes = this.#bytes;
    let value = 0;
    let factor = 1;
    for (;;) {
      if (this.#at >= end) throw new RangeError('varint past its end');
      const byte = bytes[this.#at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
  }

  /** Reads a length; gives where its content ends. */
  #contentEnd(end: number): number {
    const length = this.#varint(end);
    const contentEnd = this.#at + length;
    if (contentEnd > end) throw new RangeError('length past its end');
    return contentEnd;
  }

  #skip(wireType: number, end: number): void {
    if (wireType === 0) this.#varint(end);
    else if (wireType === 1) this.#at += 8;
    else if (wireType === 2) this.#at = this.#contentEnd(end);
    else if (wireType === 5) this.#at += 4;
    else throw new RangeError(`wire type ${wireType}`);
    if (this.#at > end) throw new RangeError('field past its end');
  }

  /**
   * Level 0: the request, whose resource_spans (1) are entered; level 1: ResourceSpans, whose scope_spans (2) are; level 2:
   * ScopeSpans, whose spans (2) are counted.
   */
  #fields(end: number, level: number): void {
    const entered = level === 0 ? 10 : 18;
    while (this.#at < end) {
      const tag = this.#varint(end);
      if (tag !== entered) {
        this.#skip(tag & 7, end);
        continue;
      }
      const contentEnd = this.#contentEnd(end);
      if (level < 2) this.#fields(contentEnd, level + 1);
      else this.#span(contentEnd);
    }
  }

  #span(end: number): void {
    const start = this.#at;
    const found = this.#found;
    found.spanIdAt = -1;
    found.startTimeAt = -1;
    while (this.#at < end && (found.spanIdAt < 0 || found.startTimeAt < 0)) {
      const tag = this.#varint(end);
      // span_id is field 2, start_time_unix_nano field 7.
      if (tag === 18 && this.#bytes[this.#at] === 8) found.spanIdAt = this.#at + 1;
      else if (tag === 57) found.startTimeAt = this.#at;
      this.#skip(tag & 7, end);
    }
    this.#at = end;
    if (found.spanIdAt < 0) throw new RangeError('span without an id of 8 bytes');
    this.#mark(found.spanIdAt);
    if (this.#options.latency && found.startTimeAt >= 0) this.#recordLatency(found.startTimeAt);
    if (this.#checkNext) this.#check(start, end);
  }

  #mark(at: number): void {
    const bytes = this.#bytes;
    if (((bytes[at] << 8) | bytes[at + 1]) !== this.#options.run) {
      this.#foreign++;
      return;
    }
    const stream = (bytes[at + 2] << 8) | bytes[at + 3];
    const sequence = bytes.readUInt32BE(at + 4);
    const byte = Math.floor(sequence / 8);
    const bitmap = this.#bitmapFor(stream, byte);
    const bit = 1 << (sequence & 7);
    if (bitmap[byte] & bit) this.#duplicated++;
    else {
      bitmap[byte] |= bit;
      this.#distinct++;
    }
  }

  #bitmapFor(stream: number, byte: number): Uint8Array {
    const bitmap = this.#bitmaps[stream];
    if (bitmap !== undefined && byte < bitmap.length) return bitmap;
    const grown = new Uint8Array(Math.max(smallestBitmapBytes, 2 ** Math.ceil(Math.log2(byte + 1))));
    if (bitmap !== undefined) grown.set(bitmap);
    this.#bitmaps[stream] = grown;
    return grown;
  }

  #recordLatency(at: number): void {
    const low = this.#bytes.readUInt32LE(at);
    const high = this.#bytes.readUInt32LE(at + 4);
    this.#latency.record(this.#now - (high * 2 ** 32 + low));
  }

  #check(start: number, end: number): void {
    this.#checkNext = false;
    const span = this.#bytes.subarray(start, end);
    const asExpected =
      this.#options.present.every((text) => span.includes(text)) &&
      !this.#options.absent.some((text) => span.includes(text));
    if (!asExpected) this.#altered++;
  }
}

export function createArrivals(options: ArrivalsOptions): Arrivals {
  return new Walker(options);
}
