// Where what a walk writes goes: a range, cut into segments, each of them a message of its own.
import type { RunTable } from './run-table.ts';

/** Where it goes on. `segmentEnds[i]` is the end of a segment, `segmentSpans[i]` its spans. */
export interface Output {
  at: number;
  end: number;
  /** Spans in the segment that is open, and the most it may get (Infinity: no limit). */
  openSpans: number;
  maxSpans: number;
  /** Most bytes of a segment (Infinity: no limit); a span that is larger alone gets a segment of its own. */
  maxBytes: number;
  /** Where the open segment began; before `at` by what it holds already, wherever those bytes lie. */
  openFrom: number;
  /** Most segments; a request that would end one more finds the output full. */
  readonly maxSegments: number;
  readonly segmentEnds: number[];
  readonly segmentSpans: number[];
  /** Notes where the spans of each trace stand; then the output has no limits. */
  runs: RunTable | null;
}

/** An output at at … end without limits, whose segment begins there. */
export function newOutput(at: number, end: number, maxSegments: number): Output {
  const none = Number.POSITIVE_INFINITY;
  return {
    at,
    end,
    openSpans: 0,
    maxSpans: none,
    maxBytes: none,
    openFrom: at,
    maxSegments,
    segmentEnds: [],
    segmentSpans: [],
    runs: null,
  };
}

/** Thrown when the output has too little room. */
export const outputFull = new Error('the output is full');

/** Ends the open segment where the output stands. Its containers are closed. */
export function endSegment(out: Output): void {
  if (out.segmentEnds.length >= out.maxSegments) throw outputFull;
  out.segmentEnds.push(out.at);
  out.segmentSpans.push(out.openSpans);
  out.openSpans = 0;
  out.openFrom = out.at;
}
