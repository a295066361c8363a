// The worker threads of a lane. Each is a piscina pool of one thread, so that the I/O thread knows whose tables and job
// block a job uses, and whose died.

import type { Logger } from 'pino';
import { Piscina } from 'piscina';
import { SpanmillError } from '../errors.ts';
import type { StagePlan } from '../pipeline/plan.ts';
import type { WorkerContext } from './layout.ts';
import type { PrepareResult, RunResult, WorkerData, WorkerTask } from './protocol.ts';

/** A job that takes longer than this runs away: its worker is replaced. */
const jobLimitMs = 30_000;
const watchMs = 1000;
const youngGenerationMb = 8;
/** Far above what compiled chains need: a rule that fills the heap takes its worker with it, not the machine. */
const oldGenerationMb = 256;

export interface PoolOptions {
  readonly memory: WebAssembly.Memory;
  readonly contexts: readonly WorkerContext[];
  readonly stages: readonly StagePlan[];
  readonly entry: URL;
  readonly log: Logger;
  readonly jobLimitMs?: number;
}

interface Slot {
  readonly data: WorkerData;
  threads: Piscina;
  /** When the job that it runs began; 0: idle. */
  since: number;
  /** Until a thread that was replaced is really gone: it writes where its successor is going to. */
  leaving: Promise<void> | null;
}

export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #slots: Slot[];
  readonly #idle: number[] = [];
  #watch: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    const { memory, stages } = options;
    this.#slots = options.contexts.map((context) => {
      const data: WorkerData = { memory, context, stages };
      return { data, threads: this.#threads(data), since: 0, leaving: null };
    });
  }

  get size(): number {
    return this.#slots.length;
  }
  context(worker: number): WorkerContext {
    return this.#slots[worker].data.context;
  }

  #threads(data: WorkerData): Piscina {
    const threads = new Piscina({
      filename: this.#options.entry.href,
      minThreads: 1,
      maxThreads: 1,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      workerData: data,
      // What a worker makes is short-lived: a small young generation keeps its memory small and costs no time.
      resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb, maxOldGenerationSizeMb: oldGenerationMb },
      // An idle worker blocks until there is a task; waiting on its event loop costs the same (docs/decisions.md).
      atomics: 'sync',
      recordTiming: false,
    });
    // A thread that dies between two jobs; the next job gets a new one. Without a listener this would end the process.
    threads.on('error', (error) => this.#options.log.error({ error: String(error) }, 'an idle worker died'));
    return threads;
  }

  /** Starts all threads and compiles all stages in each; rejects with what compiling threw. */
  async start(): Promise<PrepareResult> {
    const task: WorkerTask = { kind: 'prepare' };
    const results = await Promise.all(
      this.#slots.map(({ threads }) => threads.run(task) as Promise<PrepareResult>),
    ).catch((error: unknown) => {
      throw new SpanmillError('WORKER', `a worker thread did not start: ${(error as Error).message}`, { cause: error });
    });
    for (let i = this.#slots.length - 1; i >= 0; i--) this.#idle.push(i);
    this.#watch = setInterval(() => this.#replaceRunaways(), Math.min(watchMs, this.#options.jobLimitMs ?? watchMs));
    this.#watch.unref();
    return results[0];
  }

  /** An idle worker, which is taken; -1: all are busy. */
  take(): number {
    return this.#stopped ? -1 : (this.#idle.pop() ?? -1);
  }
  /** Gives back a worker that was taken and not run. */
  giveBack(worker: number): void {
    this.#idle.push(worker);
  }
  get hasIdle(): boolean {
    return this.#idle.length > 0 && !this.#stopped;
  }

  /**
   * Runs the job that stands in the worker's job block. Rejects when the worker died of it. Either way the worker is
   * idle again before the promise settles.
   */
  async run(worker: number, metadata: Readonly<Record<string, readonly string[]>> | null): Promise<RunResult> {
    const slot = this.#slots[worker];
    slot.since = performance.now();
    try {
      return (await slot.threads.run({ kind: 'run', metadata } satisfies WorkerTask)) as RunResult;
    } finally {
      await slot.leaving;
      slot.since = 0;
      this.#idle.push(worker);
    }
  }

  #replaceRunaways(): void {
    const limit = this.#options.jobLimitMs ?? jobLimitMs;
    const now = performance.now();
    for (const slot of this.#slots) {
      if (slot.since === 0 || now - slot.since < limit) continue;
      this.#options.log.error(
        { seconds: Math.round((now - slot.since) / 1000) },
        'a job ran too long: its worker is replaced',
      );
      slot.since = 0;
      // The successor compiles into the same context, so it is not made before the old thread is gone.
      slot.leaving = slot.threads.destroy().finally(() => {
        if (!this.#stopped) slot.threads = this.#threads(slot.data);
        slot.leaving = null;
      });
    }
  }

  /** After `stop`: jobs end without having been a worker's fault. */
  get stopped(): boolean {
    return this.#stopped;
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#watch);
    await Promise.all(this.#slots.map(({ threads }) => threads.destroy()));
  }
}
