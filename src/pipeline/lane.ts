// A lane: one shared memory with its byte budget, the workers over it, and the turns that stages take on those. It lives as
// long as the service; pipelines come and go.
import { type SharedMemory, viewsOf } from '../wire/memory.ts';
import { Arena } from '../workers/arena.ts';
import { InputSpace } from '../workers/input-space.ts';
import { WorkerPool } from '../workers/pool.ts';
import { type BudgetShares, type MemoryOptions, reserveMemory, shareBudget } from './budget.ts';
import type { Stage } from './stage.ts';

export interface LaneOptions extends MemoryOptions {
  /** Module that worker threads load (src/workers/entry.ts). */
  readonly workerEntry: URL;
  /** A job that takes longer runs away: its worker is replaced. Default 30 s. */
  readonly jobLimitMs: number | undefined;
  /** Of the pipeline that needs most (`depthOf`). */
  readonly depth: number;
}

export interface Lane {
  readonly shared: SharedMemory;
  readonly arena: Arena;
  readonly space: InputSpace;
  readonly pool: WorkerPool;
  /** Threads. */
  readonly workers: number;
  /** How the budget is shared out now. */
  readonly shares: BudgetShares;
  readonly stages: readonly Stage[];
  add(stages: readonly Stage[]): void;
  remove(stages: readonly Stage[]): void;
  /** There is work, or space, or an idle worker: look again soon. */
  schedule(): void;
  /** Gives back what stages reserved and have not written to. */
  reclaim(): void;
  /** Sends on what all stages have gathered, and the oldest of what they hold. */
  flushAll(): void;
  /** Resolves when none of these stages has work. */
  idle(stages: readonly Stage[]): Promise<void>;
  /** Another budget, or longer pipelines. Returns the budget in bytes, which is less than asked where the memory ends. */
  resize(budgetBytes: number, depth: number): number;
}

interface Waiter {
  readonly stages: readonly Stage[];
  readonly resolve: () => void;
}

export function createLane(options: LaneOptions): Lane {
  const { memory, layout, budgetBytes, mostBytes } = reserveMemory(options);
  const shared = viewsOf(memory);
  const arena = new Arena(layout.arena.at, layout.arena.bytes, budgetBytes);
  let shares = shareBudget(budgetBytes, options.depth);
  const space = new InputSpace(arena, shares.largestInput);
  const pool = new WorkerPool({
    memory,
    contexts: layout.contexts,
    entry: options.workerEntry,
    log: options.log,
    ...(options.jobLimitMs === undefined ? {} : { jobLimitMs: options.jobLimitMs }),
    onIdle: schedule,
  });
  let stages: readonly Stage[] = [];
  let waiters: Waiter[] = [];
  let scheduled = false;
  let turn = 0;

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(pump);
  }

  /** Gives idle workers jobs, a stage after the other, then lets waiting requests in. */
  function pump(): void {
    scheduled = false;
    for (let tried = 0; tried < stages.length && pool.hasIdle; ) {
      const stage = stages[turn++ % stages.length];
      if (stage.startJob()) tried = 0;
      else tried++;
    }
    space.serveWaiters();
    if (waiters.length > 0) tellWaiters();
  }

  function tellWaiters(): void {
    const ready = waiters.filter((waiter) => waiter.stages.every(({ idle }) => idle));
    if (ready.length === 0) return;
    waiters = waiters.filter((waiter) => !ready.includes(waiter));
    for (const { resolve } of ready) resolve();
  }

  function reclaim(): void {
    for (const stage of stages) stage.output.reclaim();
  }

  arena.onFree(schedule);
  space.onScarce(() => {
    reclaim();
    for (const stage of stages) stage.output.traces?.ease();
  });

  return {
    shared,
    arena,
    space,
    pool,
    workers: layout.contexts.length,
    get shares() {
      return shares;
    },
    get stages() {
      return stages;
    },
    add(added) {
      stages = [...stages, ...added];
    },
    remove(removed) {
      stages = stages.filter((stage) => !removed.includes(stage));
    },
    schedule,
    reclaim,
    flushAll() {
      for (const stage of stages) stage.output.flush('size');
    },
    idle: (some) =>
      new Promise((resolve) => {
        waiters.push({ stages: some, resolve });
        schedule();
      }),
    resize(asked, depth) {
      const given = Math.min(asked, mostBytes);
      arena.budgetBytes = given;
      shares = shareBudget(given, depth);
      space.largest = shares.largestInput;
      schedule();
      return given;
    },
  };
}
