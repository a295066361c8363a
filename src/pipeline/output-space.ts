// The part of the byte budget that a stage's output gets.
import type { Arena, Range } from '../workers/arena.ts';

export interface OutputSpace {
  readonly arena: Arena;
  /** Bytes of the budget that this stage's output leaves to the stages behind it: what they write frees what it wrote. */
  readonly keepFree: number;
  /** The most that one request's output may need. */
  readonly largestOutput: number;
  /** Gives back what all stages reserved and have not written to. */
  reclaim(): void;
  /** Sends on what all stages have gathered: the budget is full, and waiting for more would keep it so. */
  flushAll(): void;
}

/** Output slabs are at least this large, so that the output of several jobs lies in one. */
const slabBytes = 1 << 20;

/** Headroom of an output over its input, so that a rerun for want of room is rare. */
export const outputRoom = (bytes: number, requests: number): number => bytes + (bytes >> 2) + requests * 128 + 16_384;

/** What the table of runs of so many bytes takes as a rule, where spans are held by trace (wire/run-table.ts). */
export const runsRoom = (bytes: number): number => bytes >> 2;

/**
 * Slabs of spans that are held are larger: the rest of each that the next job does not fit into is a hole among what is held,
 * which something else fills, and as many pages are touched as if it were held. Each worker has one that is not full.
 */
export function heldSlabBytes(budgetBytes: number, workers: number): number {
  return Math.max(slabBytes, Math.min(16 << 20, Math.floor(budgetBytes / (32 * workers))));
}

/**
 * A range for `room` bytes of output, in a slab of `atLeast`; null when there is no space now, though all was done to have some
 * soon.
 */
export function allocateOutput(space: OutputSpace, room: number, atLeast = slabBytes): Range | null {
  return space.arena.allocate(Math.max(room, atLeast), space.keepFree) ?? allocateRange(space, room);
}

/** As allocateOutput, of just so many bytes. */
export function allocateRange({ arena, keepFree, reclaim, flushAll }: OutputSpace, bytes: number): Range | null {
  const range = arena.allocate(bytes, keepFree);
  if (range !== null) return range;
  reclaim();
  const second = arena.allocate(bytes, keepFree);
  if (second === null) flushAll();
  return second;
}
