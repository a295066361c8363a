// What a split gives: parts as ranges of the message and of a few bytes that are new (lengths, repeated headers). Numbers
// only, so that a thread can hand it over and the parts are views of the memory in which the message lies.
import { varintSize, writeVarint } from '../varint.ts';
import type { Part } from './part.ts';

/** Where a piece lies. */
const source = { message: 0, literals: 1 } as const;
const pieceWords = 3;
const partWords = 3;

export interface SplitPlan {
  readonly literals: Uint8Array;
  /** Triples: source, start, end. */
  readonly pieces: Float64Array;
  /** Triples: number of the piece behind the part's last, spans, bytes. */
  readonly parts: Float64Array;
}

/** Fields of a container that are not its children, in their order: resource or scope, schema_url, unknown ones. */
export interface Header {
  readonly size: number;
  readonly isLiteral: boolean;
  readonly start: number;
}

/** Shorter headers are copied beside the lengths around them: fewer pieces to send. */
const copiedHeader = 1024;

export class PlanWriter {
  readonly #message: Uint8Array;
  #literals = Buffer.allocUnsafe(4096);
  #used = 0;
  readonly #pieces: number[] = [];
  readonly #parts: number[] = [];

  constructor(message: Uint8Array) {
    this.#message = message;
  }

  get count(): number {
    return this.#parts.length / partWords;
  }

  /** Where bytes begin that `keep` adds next, which several parts may name as one header. */
  get keptFrom(): number {
    return this.#used;
  }
  keep(start: number, end: number): void {
    this.#reserve(end - start);
    this.#literals.set(this.#message.subarray(start, end), this.#used);
    this.#used += end - start;
  }

  range(start: number, end: number): void {
    this.#piece(source.message, start, end);
  }

  /** The tag and the length of a length-delimited field. */
  open(tag: number, length: number): void {
    const size = 1 + varintSize(length);
    this.#reserve(size);
    this.#literals[this.#used] = tag;
    writeVarint(this.#literals, this.#used + 1, length);
    this.#piece(source.literals, this.#used, this.#used + size);
    this.#used += size;
  }

  header({ size, isLiteral, start }: Header): void {
    if (size === 0) return;
    if (size > copiedHeader) {
      this.#piece(isLiteral ? source.literals : source.message, start, start + size);
      return;
    }
    this.#reserve(size);
    const from = isLiteral ? this.#literals : this.#message;
    this.#literals.set(from.subarray(start, start + size), this.#used);
    this.#piece(source.literals, this.#used, this.#used + size);
    this.#used += size;
  }

  /** Ends a part. */
  part(spans: number, bytes: number): void {
    this.#parts.push(this.#pieces.length / pieceWords, spans, bytes);
  }

  end(): SplitPlan {
    return {
      literals: Uint8Array.from(this.#literals.subarray(0, this.#used)),
      pieces: Float64Array.from(this.#pieces),
      parts: Float64Array.from(this.#parts),
    };
  }

  #piece(from: number, start: number, end: number): void {
    const pieces = this.#pieces;
    const last = pieces.length - pieceWords;
    const partFrom = this.#parts.at(-partWords) ?? 0;
    if (last >= partFrom * pieceWords && pieces[last] === from && pieces[last + 2] === start) pieces[last + 2] = end;
    else pieces.push(from, start, end);
  }

  #reserve(size: number): void {
    if (this.#used + size <= this.#literals.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#literals.length * 2, this.#used + size));
    larger.set(this.#literals.subarray(0, this.#used));
    this.#literals = larger;
  }
}

/** The parts of the message that `segments` are: views of them and of the plan's literals. */
export function partsOf(segments: readonly Buffer[], plan: SplitPlan): Part[] {
  const literals = Buffer.from(plan.literals.buffer, plan.literals.byteOffset, plan.literals.length);
  const message = new SegmentedMessage(segments);
  const parts: Part[] = [];
  let piece = 0;
  for (let i = 0; i < plan.parts.length; i += partWords) {
    const views: Buffer[] = [];
    for (; piece < plan.parts[i]; piece++) {
      const at = piece * pieceWords;
      const [start, end] = [plan.pieces[at + 1], plan.pieces[at + 2]];
      if (plan.pieces[at] === source.literals) views.push(literals.subarray(start, end));
      else message.view(start, end, views);
    }
    parts.push({ segments: views, spans: plan.parts[i + 1], bytes: plan.parts[i + 2] });
  }
  return parts;
}

/** Finds ranges of a message in the segments that it lies in. */
class SegmentedMessage {
  readonly #segments: readonly Buffer[];
  /** Where each segment begins in the message. */
  readonly #starts: Float64Array;

  constructor(segments: readonly Buffer[]) {
    this.#segments = segments;
    this.#starts = new Float64Array(segments.length);
    let at = 0;
    segments.forEach((segment, index) => {
      this.#starts[index] = at;
      at += segment.length;
    });
  }

  view(start: number, end: number, into: Buffer[]): void {
    for (let index = this.#find(start), at = start; at < end; index++) {
      const from = at - this.#starts[index];
      const segment = this.#segments[index];
      const to = Math.min(segment.length, end - this.#starts[index]);
      if (to > from) into.push(segment.subarray(from, to));
      at += to - from;
    }
  }

  /** The last segment that begins at or before `position`. */
  #find(position: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#starts[middle] <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
