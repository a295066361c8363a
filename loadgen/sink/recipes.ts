// How the bytes of a span that arrived are made of the bytes that were sent: noted once for each ordinal, when the
// comparison by meaning has found it right. A chain does the same to the same span of the next round, whose ids, times and
// fresh texts differ but whose lengths are the same, so that from then on a few native comparisons tell.
import type { Corpus } from '../corpus/corpus.ts';
import type { SpanNotes } from './compare-span.ts';
import { type Field, isSame, readFields } from './message-reader.ts';
import { sameOtherMembers } from './trace-state.ts';

export interface Recipes extends SpanNotes {
  /** Forgets what was noted; the span to be noted arrived in these bytes. */
  begin(bytes: Buffer, from: number, to: number, ordinal: number): void;
  /** Keeps what was noted since, where it covers all bytes of the span. */
  keep(): void;
  /** Whether a span is made as its ordinal's recipe says, from the bytes that now stand in the corpus. */
  matches(bytes: Buffer, from: number, to: number, ordinal: number): boolean;
}

/** Numbers of one segment: kind, where it arrived and its length, what it is compared with and that one's length. */
const stride = 5;
const kind = { sent: 0, constant: 1, free: 2, traceState: 3 } as const;
/** 64 MiB. */
const mostNumbers = 1 << 24;
const mostConstants = 1 << 20;
const traceStateTag = 0x1a;

/** Bytes that are the same in all spans, each once. */
function createConstants() {
  const places = new Map<string, number>();
  let bytes = Buffer.alloc(1 << 12);
  let used = 0;
  return {
    bytes: () => bytes,
    /** Where they stand; -1 when there is no room. */
    place(from: Buffer, start: number, end: number): number {
      const text = from.toString('latin1', start, end);
      const known = places.get(text);
      if (known !== undefined) return known;
      const at = used;
      if (at + end - start > mostConstants) return -1;
      if (at + end - start > bytes.length) {
        const larger = Buffer.alloc(Math.min(mostConstants, 2 * (at + end - start)));
        bytes.copy(larger, 0, 0, used);
        bytes = larger;
      }
      from.copy(bytes, at, start, end);
      used += end - start;
      places.set(text, at);
      return at;
    },
  };
}

interface Segment {
  readonly kind: number;
  readonly at: number;
  readonly length: number;
  readonly ref: number;
  readonly refLength: number;
}

class RecipeBook implements Recipes {
  readonly #corpus: Corpus;
  readonly #constants = createConstants();
  /** By ordinal: where its recipe begins in `#numbers`: the span's length, the number of segments, and those. 0: none. */
  readonly #at: Int32Array;
  #numbers = new Int32Array(1 << 16);
  #used = 1;
  #bytes: Buffer = Buffer.alloc(0);
  #from = 0;
  #to = 0;
  #ordinal = 0;
  #sentFrom = 0;
  #usable = false;
  #segments: Segment[] = [];

  constructor(corpus: Corpus) {
    this.#corpus = corpus;
    this.#at = new Int32Array(corpus.spans);
  }

  begin(bytes: Buffer, from: number, to: number, ordinal: number): void {
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
    this.#ordinal = ordinal;
    this.#sentFrom = this.#corpus.spanStart[ordinal];
    this.#usable = true;
    this.#segments = [];
  }

  same(arrived: Field, sent: Field): void {
    this.#note(kind.sent, arrived.at, arrived.to, sent.at - this.#sentFrom, sent.to - sent.at);
  }

  constant(arrived: Field): void {
    this.#noteConstant(arrived.at, arrived.to);
  }

  /** The key stays, in its place before a value that may be anything of the same length. */
  free(arrived: Field): void {
    const [key, value, ...others] = readFields(this.#bytes, arrived.from, arrived.to);
    if (key?.number !== 1 || value?.number !== 2 || value.type !== 2 || others.length > 0) this.#usable = false;
    else {
      this.#noteConstant(arrived.at, value.from);
      if (value.to > value.from) this.#note(kind.free, value.from, value.to, 0, 0);
    }
  }

  traceState(arrived: Field, sent: Field | null): void {
    // One byte of tag and one of length, so that both are easily looked at.
    if (arrived.from - arrived.at !== 2) this.#usable = false;
    const ref = sent === null ? 0 : sent.from - this.#sentFrom;
    this.#note(kind.traceState, arrived.at, arrived.to, ref, sent === null ? 0 : sent.to - sent.from);
  }

  equal(): void {
    this.#usable = false;
  }

  #note(what: number, at: number, to: number, ref: number, refLength: number): void {
    this.#segments.push({ kind: what, at: at - this.#from, length: to - at, ref, refLength });
  }

  #noteConstant(at: number, to: number): void {
    const place = this.#constants.place(this.#bytes, at, to);
    if (place < 0) this.#usable = false;
    else this.#note(kind.constant, at, to, place, to - at);
  }

  keep(): void {
    if (!this.#usable) return;
    const segments = joined(this.#segments);
    const last = segments[segments.length - 1];
    const length = this.#to - this.#from;
    if (last === undefined || last.at + last.length !== length || !isGapless(segments)) return;
    const place = this.#placeFor(segments.length);
    if (place < 0) return;
    this.#at[this.#ordinal] = place;
    this.#numbers[place] = length;
    this.#numbers[place + 1] = segments.length;
    for (const [i, each] of segments.entries()) {
      this.#numbers.set([each.kind, each.at, each.length, each.ref, each.refLength], place + 2 + i * stride);
    }
  }

  /** Where a recipe of so many segments goes; -1 when there is no room. */
  #placeFor(segments: number): number {
    const old = this.#at[this.#ordinal];
    if (old > 0 && this.#numbers[old + 1] >= segments) return old;
    const place = this.#used;
    const end = place + 2 + segments * stride;
    if (end > mostNumbers) return -1;
    if (end > this.#numbers.length) {
      const larger = new Int32Array(2 * end);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#used = end;
    return place;
  }

  matches(bytes: Buffer, from: number, to: number, ordinal: number): boolean {
    const place = this.#at[ordinal];
    const numbers = this.#numbers;
    if (place === 0 || numbers[place] !== to - from) return false;
    const sent = this.#corpus.bytes;
    const sentFrom = this.#corpus.spanStart[ordinal];
    const end = place + 2 + numbers[place + 1] * stride;
    for (let i = place + 2; i < end; i += stride) {
      const at = from + numbers[i + 1];
      const length = numbers[i + 2];
      const ref = numbers[i + 3];
      switch (numbers[i]) {
        case kind.sent:
          if (!isSame(bytes, at, sent, sentFrom + ref, length)) return false;
          break;
        case kind.constant:
          if (!isSame(bytes, at, this.#constants.bytes(), ref, length)) return false;
          break;
        case kind.traceState:
          if (!sameTraceState(bytes, at, length, sent, sentFrom + ref, numbers[i + 4])) return false;
          break;
      }
    }
    return true;
  }
}

function sameTraceState(
  bytes: Buffer,
  at: number,
  length: number,
  sent: Buffer,
  sentAt: number,
  sentLength: number,
): boolean {
  return (
    bytes[at] === traceStateTag &&
    bytes[at + 1] === length - 2 &&
    sameOtherMembers(bytes, at + 2, at + length, sent, sentAt, sentAt + sentLength)
  );
}

/** In the order of arrival; runs of bytes that were sent in one piece become one segment. */
function joined(segments: readonly Segment[]): Segment[] {
  const result: Segment[] = [];
  for (const each of segments.toSorted((a, b) => a.at - b.at)) {
    const before = result[result.length - 1];
    const follows =
      before?.kind === each.kind &&
      (each.kind === kind.sent || each.kind === kind.constant) &&
      before.at + before.length === each.at &&
      before.ref + before.length === each.ref;
    if (!follows) result.push(each);
    else {
      const length = before.length + each.length;
      result[result.length - 1] = { ...before, length, refLength: length };
    }
  }
  return result;
}

function isGapless(segments: readonly Segment[]): boolean {
  let at = 0;
  for (const each of segments) {
    if (each.at !== at) return false;
    at += each.length;
  }
  return true;
}

export function createRecipes(corpus: Corpus): Recipes {
  return new RecipeBook(corpus);
}
