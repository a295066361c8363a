// When the children of a span happen: one after another in pieces of the time that the span spends itself.
import type { Random } from './random.ts';

/** What a span has besides its children's time, and where its children begin; nanoseconds. */
export interface Timed {
  /** Whole; of all that the span waits for. */
  durationNs: number;
  /** From the start of its parent. */
  offsetNs: number;
}

export type Step<T extends Timed> =
  | { readonly run: 'one'; readonly gapNs: number; readonly span: T }
  /** Each of these begins where the others do. */
  | { readonly run: 'together'; readonly tracks: readonly (readonly Step<T>[])[] }
  /** The span does not wait for these. */
  | { readonly run: 'aside'; readonly steps: readonly Step<T>[] };

/** A part of a span's own time: `fromNs` of it have passed where it begins, `atNs` after the span's start. */
export interface Piece {
  readonly fromNs: number;
  readonly atNs: number;
}

export interface Layout {
  readonly durationNs: number;
  /** In order; the first at 0. */
  readonly pieces: readonly Piece[];
}

/** Places one step at `at`; returns where what comes after it begins. */
const place = <T extends Timed>(step: Step<T>, at: number): number => {
  switch (step.run) {
    case 'one':
      step.span.offsetNs = at + step.gapNs;
      return at + step.gapNs + step.span.durationNs;
    case 'together':
      return step.tracks.reduce((end, track) => Math.max(end, placeAll(track, at)), at);
    case 'aside':
      placeAll(step.steps, at);
      return at;
  }
};

const placeAll = <T extends Timed>(steps: readonly Step<T>[], at: number): number => {
  let end = at;
  for (const step of steps) end = place(step, end);
  return end;
};

/** Sets the offsets of all spans of `steps` and splits `ownNs` around them, unevenly. */
export const layOut = <T extends Timed>(random: Random, ownNs: number, steps: readonly Step<T>[]): Layout => {
  if (steps.length === 0) return { durationNs: ownNs, pieces: [{ fromNs: 0, atNs: 0 }] };
  const shares = Array.from({ length: steps.length + 1 }, () => 0.5 + random.unit());
  const total = shares.reduce((sum, share) => sum + share, 0);
  const pieces: Piece[] = [];
  let passed = 0;
  let fromNs = 0;
  let atNs = 0;
  for (const [i, share] of shares.entries()) {
    pieces.push({ fromNs, atNs });
    passed += share;
    const step = steps[i];
    const until = step === undefined ? ownNs : Math.floor((ownNs * passed) / total);
    atNs += until - fromNs;
    fromNs = until;
    if (step !== undefined) atNs = place(step, atNs);
  }
  return { durationNs: atNs, pieces };
};

/** Where in the span `ownNs` of its own time have passed. */
export const timeInSpan = ({ pieces }: Layout, ownNs: number): number => {
  const piece = pieces.findLast(({ fromNs }) => fromNs <= ownNs);
  return piece === undefined ? ownNs : piece.atNs + (ownNs - piece.fromNs);
};
