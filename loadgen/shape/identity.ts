// Who a span is stands in its ids, so that no attribute is spent on it:
//
//   span id  = run(16) stream(16) sequence(32)
//   trace id = run(16) stream(16) trace number(32) random(64)
//
// all big-endian. A run is one start of the generator; a stream is one of its connections; sequence and trace number count
// from 0 in their stream. The last 56 bits of a trace id are random as W3C Trace Context level 2 asks, which is what
// ratio samplers decide by.
import { endTimeAfter, parentIdAfter, type RequestTemplate, spanIdAfter } from './span-template.ts';

export interface StreamOptions {
  readonly run: number;
  readonly stream: number;
  readonly seed: number;
  /** Consecutive spans of a request that share a trace; the first is the parent of the others. */
  readonly spansPerTrace: number;
  /** What a proportional sampler in the chain keeps, in percent; null when there is none. */
  readonly samplingPercentage: number | null;
}

export interface Stamp {
  /** Sequence of the first span. */
  readonly first: number;
  /** Spans of the request that the sampler is to drop. */
  readonly toDrop: number;
  /** Spans so close to the sampler's threshold that its rounding decides. */
  readonly unsure: number;
}

export interface SpanStream {
  /**
   * Writes fresh ids and times into `message`, which has the shape of `template`. The start time is given as two halves
   * of the nanoseconds; the end is a millisecond later at most.
   */
  stamp(message: Buffer, template: RequestTemplate, startLow: number, startHigh: number): Stamp;
}

const mostSpans = 2 ** 32;
const randomnessRange = 2 ** 56;
/** Samplers round their threshold to some hexadecimal digits, and the percentage to a float. */
const thresholdError = 1e-3;
const durationNs = 1_000_000;

/** sfc32 by Chris Doty-Humphrey: 32 random bits a call. */
function createRandom(seed: number): () => number {
  let a = seed | 0;
  let b = 0x9e3779b9 | 0;
  let c = 0x243f6a88 | 0;
  let counter = 1;
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

function write32(to: Uint8Array, at: number, value: number): void {
  to[at] = value >>> 24;
  to[at + 1] = value >>> 16;
  to[at + 2] = value >>> 8;
  to[at + 3] = value;
}

function write32le(to: Uint8Array, at: number, value: number): void {
  to[at] = value;
  to[at + 1] = value >>> 8;
  to[at + 2] = value >>> 16;
  to[at + 3] = value >>> 24;
}

/** Where a proportional sampler's threshold lies: trace ids whose 56 random bits are below it are dropped. */
export function samplerThreshold(percentage: number): number {
  // The Collector reads the percentage as a 32-bit float.
  return (1 - Math.fround(percentage) / 100) * randomnessRange;
}

export function createSpanStream(options: StreamOptions): SpanStream {
  const { spansPerTrace } = options;
  const origin = ((options.run << 16) | options.stream) >>> 0;
  const random = createRandom(Math.imul(options.seed + 1, 0x85ebca6b) ^ options.stream);
  const threshold = options.samplingPercentage === null ? 0 : samplerThreshold(options.samplingPercentage);
  const margin = threshold * thresholdError;
  let sequence = 0;
  let trace = 0;

  return {
    stamp(message, template, startLow, startHigh) {
      const { places, spans } = template;
      const first = sequence;
      if (first + spans > mostSpans) throw new RangeError('a stream has no more than 2^32 spans');
      const endLow = startLow + durationNs;
      const endHigh = endLow >= mostSpans ? startHigh + 1 : startHigh;
      let toDrop = 0;
      let unsure = 0;
      let high = 0;
      let low = 0;
      for (let i = 0; i < spans; i++) {
        const root = i % spansPerTrace === 0;
        if (root) {
          high = random();
          low = random();
          trace++;
          const size = Math.min(spansPerTrace, spans - i);
          const randomness = (high & 0xff_ffff) * 2 ** 32 + low;
          if (randomness < threshold) toDrop += size;
          if (threshold > 0 && Math.abs(randomness - threshold) < margin) unsure += size;
        }
        const id = places[i * 2];
        write32(message, id, origin);
        write32(message, id + 4, trace);
        write32(message, id + 8, high);
        write32(message, id + 12, low);
        write32(message, id + spanIdAfter, origin);
        write32(message, id + spanIdAfter + 4, sequence);
        // The root's parent is a span of its caller, which is not of this stream.
        write32(message, id + parentIdAfter, root ? high : origin);
        write32(message, id + parentIdAfter + 4, root ? low : first + i - (i % spansPerTrace));
        const start = places[i * 2 + 1];
        write32le(message, start, startLow);
        write32le(message, start + 4, startHigh);
        write32le(message, start + endTimeAfter, endLow);
        write32le(message, start + endTimeAfter + 4, endHigh);
        sequence++;
      }
      return { first, toDrop, unsure };
    },
  };
}
