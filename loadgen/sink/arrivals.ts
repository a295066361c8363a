// Which spans arrived, when, and whether they are what was sent: walks the protobuf of each request and marks every span of
// the run by its number (corpus.ts), one bit a span.
import type { Corpus } from '../corpus/corpus.ts';
import { numberRange } from '../corpus/identity.ts';
import { createLatencyRecorder, type LatencyRecorder } from '../latency.ts';
import { type AlteredSpan, type ArrivedSpan, mostListed, type SpanCheck } from './check.ts';
import { eachWithTag, lastField, readFields } from './message-reader.ts';
import { createSpanBitmap, type SpanBitmap } from './span-bitmap.ts';

export interface ArrivalsOptions {
  readonly corpus: Corpus;
  /** The start of the run, Unix time in nanoseconds: no span is intended before. */
  readonly originNs: bigint;
  /** Spans with this number and above are foreign, as are those beyond the last whole round of 48 bits: no run has them. */
  readonly mostSpans: number;
  /** null: spans are only counted. */
  readonly check: SpanCheck | null;
  /** Of the messages, 0 to 1: those whose spans are checked, drawn for each; the others are only counted. */
  readonly checkShare: number;
  /** Gives numbers from 0 to below 1. */
  readonly random: () => number;
}

export interface ArrivalCounts {
  readonly distinct: number;
  /** Arrivals beyond the first of the same span. */
  readonly duplicated: number;
  /** Spans of another run, or with ids that no span of this run has. */
  readonly foreign: number;
  /** Messages that are not protobuf. */
  readonly malformed: number;
  /** Arrivals that are not what the chain is meant to make of the span that was sent. */
  readonly altered: number;
}

/** The first ones of each kind. */
export interface Oddities {
  readonly duplicated: readonly number[];
  /** Span ids in hexadecimal digits. */
  readonly foreign: readonly string[];
  readonly altered: readonly AlteredSpan[];
}

export interface Arrivals {
  /**
   * Takes an ExportTraceServiceRequest, which may be used for something else afterwards. `nowNs`: since the origin. Of
   * its spans the last `rejected` (Infinity: all) are left out, as if they had not come. Gives how many it has; -1 where it
   * is malformed: then nothing of it counts that lies behind the fault.
   */
  take(message: Buffer, nowNs: number, rejected: number): number;
  /** A message came that could not even be made a request to take. */
  countMalformed(): void;
  counts(): ArrivalCounts;
  oddities(): Oddities;
  readonly bitmap: SpanBitmap;
  /** Spans that were left out, as `take` was told; some may have come again later. */
  readonly rejected: SpanBitmap;
  /** From the intended time of a span's request to its arrival. */
  readonly latency: LatencyRecorder;
}

/** Where a span's id and start time lie; -1 for none. */
interface Found {
  idAt: number;
  startAt: number;
}

const word = 2 ** 32;
const spanIdTag = 0x12;
const spanIdBytes = 8;
const startTimeTag = 0x39;
/** Field 2: the ScopeSpans in ResourceSpans and the spans in those. */
const innerTag = 0x12;
const outerTag = 0x0a;

class Walker implements Arrivals {
  readonly bitmap = createSpanBitmap();
  readonly rejected = createSpanBitmap();
  readonly latency = createLatencyRecorder();
  readonly #corpus: Corpus;
  readonly #run: number;
  readonly #mostSpans: number;
  readonly #checkAll: SpanCheck | null;
  readonly #checkShare: number;
  readonly #random: () => number;
  /** For the message at hand. */
  #check: SpanCheck | null = null;
  readonly #originLow: number;
  readonly #originHigh: number;
  readonly #found: Found = { idAt: -1, startAt: -1 };
  readonly #span: ArrivedSpan;
  #bytes: Buffer = Buffer.alloc(0);
  /** Spans of the message that are still to be taken. */
  #left = 0;
  #seen = 0;
  #duplicated = 0;
  #foreign = 0;
  #malformed = 0;
  #altered = 0;
  readonly #duplicates: number[] = [];
  readonly #foreigners: string[] = [];
  readonly #alterations: AlteredSpan[] = [];

  constructor(options: ArrivalsOptions) {
    if (!(options.checkShare >= 0 && options.checkShare <= 1)) {
      throw new RangeError(`a share of ${options.checkShare}: expected 0 to 1`);
    }
    this.#corpus = options.corpus;
    this.#run = options.corpus.options.run;
    const { spans } = options.corpus;
    // In whole rounds: a generator stops before one for which it has not enough numbers, and none can be stamped.
    this.#mostSpans = Math.min(options.mostSpans, Math.floor(numberRange / spans) * spans);
    this.#checkAll = options.check;
    this.#checkShare = options.checkShare;
    this.#random = options.random;
    this.#originLow = Number(options.originNs & 0xffff_ffffn);
    this.#originHigh = Number(options.originNs >> 32n);
    this.#span = {
      bytes: this.#bytes,
      from: 0,
      to: 0,
      ordinal: 0,
      round: 0,
      startLow: 0,
      startHigh: 0,
      intendedNs: 0,
      nowNs: 0,
    };
  }

  take(message: Buffer, nowNs: number, rejected: number): number {
    this.#bytes = message;
    this.#span.bytes = message;
    this.#span.nowNs = nowNs;
    this.#check = this.#random() < this.#checkShare ? this.#checkAll : null;
    try {
      const spans = rejected > 0 ? countSpans(message) : 0;
      this.#left = rejected > 0 ? Math.max(0, spans - rejected) : Number.POSITIVE_INFINITY;
      const seen = this.#request(message);
      return Math.max(spans, seen);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#malformed++;
      return -1;
    }
  }

  countMalformed(): void {
    this.#malformed++;
  }

  counts(): ArrivalCounts {
    return {
      distinct: this.bitmap.count(),
      duplicated: this.#duplicated,
      foreign: this.#foreign,
      malformed: this.#malformed,
      altered: this.#altered + (this.#checkAll?.late.count() ?? 0),
    };
  }

  oddities(): Oddities {
    const altered = [...this.#alterations, ...(this.#checkAll?.late.list() ?? [])].slice(0, mostListed);
    return { duplicated: this.#duplicates, foreign: this.#foreigners, altered };
  }

  /** ExportTraceServiceRequest: resource_spans 1; ResourceSpans: scope_spans 2; ScopeSpans: spans 2. */
  #request(message: Buffer): number {
    this.#seen = 0;
    for (const resource of readFields(message, 0, message.length)) {
      if (resource.number !== 1 || resource.type !== 2) continue;
      const inResource = readFields(message, resource.from, resource.to);
      this.#check?.groups.enterResource(message, inResource);
      for (const scope of inResource) {
        if (scope.number === 2 && scope.type === 2) this.#scopeSpans(scope.from, scope.to);
      }
    }
    return this.#seen;
  }

  #scopeSpans(from: number, to: number): void {
    const message = this.#bytes;
    this.#check?.groups.enterScope(message, readFields(message, from, to, innerTag));
    eachWithTag(message, from, to, innerTag, this.#takeSpan);
  }

  /** Of the message: from `from` to `to` is a span. */
  readonly #takeSpan = (from: number, to: number): void => {
    this.#seen++;
    if (this.#left-- > 0) this.#take(from, to);
    else this.#leaveOut(from, to);
  };

  #leaveOut(from: number, to: number): void {
    const span = this.#span;
    span.from = from;
    span.to = to;
    this.#findLast();
    if (this.#isOurs()) this.rejected.mark(this.#spanNumber());
  }

  #spanNumber(): number {
    return this.#span.round * this.#corpus.spans + this.#span.ordinal;
  }

  #take(from: number, to: number): void {
    const span = this.#span;
    span.from = from;
    span.to = to;
    const check = this.#check;
    let what = '';
    this.#findFirst();
    if (!this.#isOurs() || (check !== null && !check.passes(span))) {
      // An id or a time may stand twice, and then the last one counts.
      this.#findLast();
      if (!this.#identify()) return;
      if (check !== null) what = check.examine(span);
    }
    this.#mark(what);
  }

  /** The first id and start time, which are the only ones in every span that passes as it is. */
  #findFirst(): void {
    const bytes = this.#bytes;
    const { from, to } = this.#span;
    const found = this.#found;
    found.idAt = -1;
    found.startAt = -1;
    let at = from;
    while (at < to && (found.idAt < 0 || found.startAt < 0)) {
      const tag = bytes[at++];
      const type = tag & 7;
      if (type === 2) {
        let length = bytes[at++];
        for (let factor = 128; length >= factor; factor *= 128) length += (bytes[at++] - 1) * factor;
        if (tag === spanIdTag && length === spanIdBytes) found.idAt = at;
        at += length;
      } else if (type === 1) {
        if (tag === startTimeTag) found.startAt = at;
        at += 8;
      } else if (type === 0) while (at < to && bytes[at++] > 127);
      // Fields above 15 come after the start time, where encoders write them in their order.
      else at = to + 1;
    }
    if (at > to) this.#findLast();
  }

  /** Throws a RangeError where the span is not protobuf. */
  #findLast(): void {
    const fields = readFields(this.#bytes, this.#span.from, this.#span.to);
    const id = lastField(fields, 2, 2);
    this.#found.idAt = id !== null && id.to - id.from === spanIdBytes ? id.from : -1;
    this.#found.startAt = lastField(fields, 7, 1)?.from ?? -1;
  }

  /** As `isOurs`, and counts a span that is not. */
  #identify(): boolean {
    if (this.#isOurs()) return true;
    this.#countForeign();
    return false;
  }

  /** Fills in who the span is; false when it is none of this run. */
  #isOurs(): boolean {
    const { idAt, startAt } = this.#found;
    const bytes = this.#bytes;
    if (idAt < 0 || ((bytes[idAt] << 8) | bytes[idAt + 1]) !== this.#run) return false;
    const number = this.#number();
    if (number >= this.#mostSpans) return false;
    const span = this.#span;
    const { spans, startOffsetNs } = this.#corpus;
    span.round = Math.floor(number / spans);
    span.ordinal = number - span.round * spans;
    span.startLow = startAt < 0 ? 0 : word32(bytes, startAt);
    span.startHigh = startAt < 0 ? 0 : word32(bytes, startAt + 4);
    const sinceOrigin = (span.startHigh - this.#originHigh) * word + (span.startLow - this.#originLow);
    span.intendedNs = sinceOrigin - startOffsetNs[span.ordinal];
    return true;
  }

  #number(): number {
    const at = this.#found.idAt;
    const bytes = this.#bytes;
    const low = (bytes[at + 4] << 24) | (bytes[at + 5] << 16) | (bytes[at + 6] << 8) | bytes[at + 7];
    return ((bytes[at + 2] << 8) | bytes[at + 3]) * word + (low >>> 0);
  }

  #mark(what: string): void {
    const span = this.#span;
    const number = this.#spanNumber();
    const marked = this.bitmap.mark(number);
    if (marked === 'full') {
      this.#countForeign();
      return;
    }
    if (marked === 'again') {
      this.#duplicated++;
      if (this.#duplicates.length < mostListed) this.#duplicates.push(number);
    }
    if (what !== '') {
      this.#altered++;
      if (this.#alterations.length < mostListed) this.#alterations.push({ number, what });
    }
    // A start time that was altered says nothing about how long the span took.
    if (span.intendedNs >= 0 && what !== 'start time') this.latency.record(span.nowNs - span.intendedNs);
  }

  #countForeign(): void {
    this.#foreign++;
    if (this.#foreigners.length >= mostListed) return;
    const at = this.#found.idAt;
    this.#foreigners.push(at < 0 ? '' : this.#bytes.toString('hex', at, at + spanIdBytes));
  }
}

function word32(bytes: Buffer, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

/** Spans of an ExportTraceServiceRequest. Throws a RangeError where it is not protobuf. */
export function countSpans(message: Buffer): number {
  let spans = 0;
  eachWithTag(message, 0, message.length, outerTag, (from, to) => {
    eachWithTag(message, from, to, innerTag, (scopeFrom, scopeTo) => {
      eachWithTag(message, scopeFrom, scopeTo, innerTag, () => {
        spans++;
      });
    });
  });
  return spans;
}

export function createArrivals(options: ArrivalsOptions): Arrivals {
  return new Walker(options);
}
