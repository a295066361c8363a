// How much memory a lane reserves, and how its byte budget is shared out.
import type { Logger } from 'pino';
import { createMemory, maxMemoryBytes } from '../wire/memory.ts';
import { inputShare } from '../workers/input-space.ts';
import { type Layout, layOut } from '../workers/layout.ts';
import { outputRoom } from './output-space.ts';

/** For the edits of one span, in each worker. */
const scratchBytes = 16 << 20;
/** Well below what the length of a container in the output can say (2^28). */
const mostRequestBytes = 128 << 20;
/** The part of one memory that the contexts of the workers may take. */
const mostContextBytes = 2 ** 31;

export interface MemoryOptions {
  readonly log: Logger;
  readonly workers: number;
  readonly budgetBytes: number;
}

export interface ReservedMemory {
  readonly memory: WebAssembly.Memory;
  readonly layout: Layout;
  /** What was asked for, or as much of it as one memory can hold. */
  readonly budgetBytes: number;
  /** The largest budget that this memory has room for. */
  readonly mostBytes: number;
}

/** Room against fragmentation on top of the budget. */
const roomFor = (budgetBytes: number): number => Math.ceil(budgetBytes * 1.25) + (8 << 20);

export function reserveMemory({ log, workers: asked, budgetBytes: askedBytes }: MemoryOptions): ReservedMemory {
  const mostWorkers = Math.floor(mostContextBytes / layOut(1, scratchBytes, 0).totalBytes);
  const workers = Math.min(asked, mostWorkers);
  if (workers < asked) {
    log.info({ asked, given: workers }, 'one shared memory has room for fewer workers than asked');
  }
  const contextBytes = layOut(workers, scratchBytes, 0).totalBytes;
  const most = Math.floor((maxMemoryBytes - contextBytes - (16 << 20)) / 1.25);
  const budgetBytes = Math.min(askedBytes, most);
  if (budgetBytes < askedBytes) {
    const message = 'one shared memory ends at 4 GiB: the byte budget is smaller than asked';
    log.info({ askedBytes, givenBytes: budgetBytes }, message);
  }
  const layout = layOut(workers, scratchBytes, roomFor(budgetBytes));
  return { memory: createMemory(layout.totalBytes), layout, budgetBytes, mostBytes: budgetBytes };
}

export interface BudgetShares {
  /** What each stage leaves to each room of the stages behind it, and the most that the output of a job may need. */
  readonly stage: number;
  /** The largest request. */
  readonly largestInput: number;
  /** The most that one request may become in a stage that another follows. */
  readonly passedOn: number;
}

/**
 * Inputs hold half of the budget at most. Of the other half each stage of the longest pipeline leaves a share to each
 * stage behind it, so that the last can always write what the exporters then free; and no request is so large that its
 * output (which a later stage writes again) does not fit into a share. `depth`: rooms that all stages of one pipeline work
 * in, at most (`depthOf`).
 */
export function shareBudget(budgetBytes: number, depth: number): BudgetShares {
  const stage = Math.floor((budgetBytes * (1 - inputShare)) / depth);
  let largestInput = Math.min(stage, mostRequestBytes);
  while (largestInput > 0 && outputRoom(depth === 1 ? largestInput : outputRoom(largestInput, 1), 1) > stage) {
    largestInput = Math.floor(largestInput * 0.95);
  }
  return { stage, largestInput, passedOn: outputRoom(largestInput, 1) };
}
