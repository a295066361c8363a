// The worker threads of a lane. Each is a piscina pool of one thread, so that the I/O thread knows whose tables and job
// block a job uses, and whose died.

import type { Logger } from 'pino';
import { Piscina } from 'piscina';
import { SpanmillError } from '../errors.ts';
import type { CounterSpec, StagePlan } from '../pipeline/plan.ts';
import { job, lastTurn, leaveTurn, type WorkerContext } from './layout.ts';
import type { CompileResult, NumberedStage, RunResult, WorkerData, WorkerTask } from './protocol.ts';

/** A job that takes longer than this runs away: its worker is replaced. */
const jobLimitMs = 30_000;
const watchMs = 1000;
const youngGenerationMb = 8;
/** Far above what compiled chains need: a rule that fills the heap takes its worker with it, not the machine. */
const oldGenerationMb = 256;

export interface PoolOptions {
  readonly memory: WebAssembly.Memory;
  readonly contexts: readonly WorkerContext[];
  readonly entry: URL;
  readonly log: Logger;
  readonly jobLimitMs?: number;
  /** A worker is idle again that was busy with something else than a job. */
  onIdle(): void;
}

/** A stage that all workers have. */
export interface CompiledStage {
  /** What jobs call it. */
  readonly number: number;
  readonly counters: readonly CounterSpec[];
}

interface RunningJob {
  readonly turn: number;
  /** Its worker has it. Before that it may still have to leave what it serves. */
  isHanded: boolean;
  readonly resolve: (result: RunResult) => void;
  readonly reject: (error: unknown) => void;
}

interface Slot {
  readonly worker: number;
  /** What a thread is given when it starts; also the one that takes the place of one that died. */
  readonly data: WorkerData & { stages: readonly NumberedStage[] };
  threads: Piscina;
  /** The task in which the worker runs job after job, until it has left it; never rejects. null: it is with its pool. */
  serving: Promise<void> | null;
  /** The one that it runs now. */
  job: RunningJob | null;
  /** Of the last job. */
  turn: number;
  /** Those who want the worker for something else than a job; they come before the next one. */
  readonly wanted: (() => void)[];
  /** When the task that it runs began; 0: idle. */
  since: number;
  /** When the task began whose thread is being replaced; 0: none is. */
  runawaySince: number;
  /** Until a thread that was replaced is really gone: it writes where its successor is going to. */
  leaving: Promise<void> | null;
}

export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #slots: Slot[];
  readonly #ints: Int32Array;
  readonly #idle: number[] = [];
  #watch: NodeJS.Timeout | undefined;
  #stopped = false;
  #stages = 0;
  #deaths = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
    const { memory } = options;
    this.#ints = new Int32Array(memory.buffer);
    this.#slots = options.contexts.map((context, worker) => {
      const data = { memory, context, stages: [] };
      return {
        worker,
        data,
        threads: this.#threads(data),
        serving: null,
        job: null,
        turn: 0,
        wanted: [],
        since: 0,
        runawaySince: 0,
        leaving: null,
      };
    });
  }

  get size(): number {
    return this.#slots.length;
  }
  /** Jobs that their worker did not survive. */
  get deaths(): number {
    return this.#deaths;
  }
  /** How long all workers have been at their present tasks; 0: one is idle. `now`: of performance.now(). */
  busyMs(now: number): number {
    const busy = this.#slots.map(({ since, runawaySince }) => since || runawaySince);
    return busy.includes(0) ? 0 : now - Math.max(...busy);
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

  /** Resolves when all threads have started. Rejects with a SpanmillError WORKER. */
  async start(): Promise<void> {
    const task: WorkerTask = { kind: 'compile', stages: [] };
    await Promise.all(this.#slots.map(({ threads }) => threads.run(task))).catch((error: unknown) => {
      throw new SpanmillError('WORKER', `a worker thread did not start: ${(error as Error).message}`, { cause: error });
    });
    for (let i = this.#slots.length - 1; i >= 0; i--) this.#idle.push(i);
    this.#watch = setInterval(() => this.#replaceRunaways(), Math.min(watchMs, this.#options.jobLimitMs ?? watchMs));
    this.#watch.unref();
  }

  /**
   * Compiles stages in all workers, between their jobs. Rejects with a SpanmillError WORKER when one cannot be compiled;
   * then none of them is anywhere.
   */
  async compile(plans: readonly StagePlan[]): Promise<readonly CompiledStage[]> {
    if (plans.length === 0) return [];
    const stages = plans.map((plan): NumberedStage => ({ number: this.#stages++, plan }));
    const results = await Promise.allSettled(this.#slots.map((_, worker) => this.#compileIn(worker, stages)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed === undefined) {
      const [first] = results as PromiseFulfilledResult<CompiledStage[]>[];
      return first.value;
    }
    this.forget(stages.map(({ number }) => number));
    throw failed.reason;
  }

  async #compileIn(worker: number, stages: readonly NumberedStage[]): Promise<CompiledStage[]> {
    const { data } = this.#slots[worker];
    const task: WorkerTask = { kind: 'compile', stages };
    const result = await this.#between(worker, task, () => {
      // From now on its successor has them from the start.
      data.stages = [...data.stages, ...stages];
    });
    return stages.map(({ number }, i) => ({ number, counters: result.counters[i] }));
  }

  /** Runs a task that compiles, when the worker is free for it. It may be alone in dying of a job before, so it has two tries. */
  async #between(
    worker: number,
    task: WorkerTask,
    compiled: () => void,
  ): Promise<CompileResult & { readonly kind: 'compiled' }> {
    await this.#want(worker);
    const slot = this.#slots[worker];
    try {
      for (let attempt = 1; ; attempt++) {
        if (this.#stopped) throw new SpanmillError('WORKER', 'the service is stopping');
        slot.since = performance.now();
        try {
          await this.#recall(slot);
          const result = (await slot.threads.run(task)) as CompileResult;
          if (result.kind === 'failed')
            throw new SpanmillError('WORKER', `compiling the processors: ${result.message}`);
          compiled();
          return result;
        } catch (error) {
          await slot.leaving;
          if (error instanceof SpanmillError) throw error;
          const message = `a worker died while it compiled the processors: ${(error as Error).message}`;
          if (attempt === 2) throw new SpanmillError('WORKER', message, { cause: error });
        }
      }
    } finally {
      this.#release(worker);
      this.#options.onIdle();
    }
  }

  /** No job names these stages any more: their part of each worker's memory is free for others. */
  forget(numbers: readonly number[]): void {
    for (const [worker, slot] of this.#slots.entries()) {
      slot.data.stages = slot.data.stages.filter(({ number }) => !numbers.includes(number));
      void this.#forgetIn(worker, { kind: 'forget', stages: numbers });
    }
  }

  async #forgetIn(worker: number, task: WorkerTask): Promise<void> {
    await this.#want(worker);
    const slot = this.#slots[worker];
    slot.since = performance.now();
    await this.#recall(slot);
    // One that dies here has a successor that never heard of them.
    if (!this.#stopped) await slot.threads.run(task).catch(() => undefined);
    await slot.leaving;
    this.#release(worker);
    this.#options.onIdle();
  }

  /** Resolves when the worker is idle; then it is taken. */
  #want(worker: number): Promise<void> {
    const at = this.#idle.indexOf(worker);
    if (at < 0) return new Promise((resolve) => this.#slots[worker].wanted.push(resolve));
    this.#idle.splice(at, 1);
    return Promise.resolve();
  }

  #release(worker: number): void {
    const slot = this.#slots[worker];
    slot.since = 0;
    slot.runawaySince = 0;
    const next = slot.wanted.shift();
    if (next === undefined) this.#idle.push(worker);
    else next();
  }

  /** An idle worker, which is taken; -1: all are busy. */
  take(): number {
    return this.#stopped ? -1 : (this.#idle.pop() ?? -1);
  }
  /** Gives back a worker that was taken and not run. */
  giveBack(worker: number): void {
    this.#release(worker);
  }
  get hasIdle(): boolean {
    return this.#idle.length > 0 && !this.#stopped;
  }

  /**
   * Runs the job that stands in the worker's job block. Rejects when the worker died of it. Either way the worker is
   * idle again before the promise settles.
   */
  run(worker: number, metadata: Readonly<Record<string, readonly string[]>> | null): Promise<RunResult> {
    const slot = this.#slots[worker];
    slot.since = performance.now();
    slot.turn = slot.turn === lastTurn ? 1 : slot.turn + 1;
    return new Promise((resolve, reject) => {
      slot.job = { turn: slot.turn, isHanded: false, resolve, reject };
      if (metadata === null && slot.serving !== null) this.#handOver(slot);
      else void this.#begin(slot, metadata);
    });
  }

  /** To a worker that waits for the next turn. */
  #handOver(slot: Slot): void {
    const turnWord = slot.data.context.job.header + job.turn;
    if (slot.job !== null) slot.job.isHanded = true;
    this.#expectDone(slot);
    Atomics.store(this.#ints, turnWord, slot.turn);
    Atomics.notify(this.#ints, turnWord);
  }

  /** By a task of its pool, from which it hears of others afterwards unless the job has metadata. */
  async #begin(slot: Slot, metadata: Readonly<Record<string, readonly string[]>> | null): Promise<void> {
    await this.#recall(slot);
    if (slot.job !== null) slot.job.isHanded = true;
    Atomics.store(this.#ints, slot.data.context.job.header + job.turn, slot.turn);
    if (metadata === null) this.#expectDone(slot);
    const task: WorkerTask = { kind: 'run', metadata };
    const ended = slot.threads.run(task).then(
      (result: RunResult) => this.#left(slot, result),
      (error: unknown) => this.#died(slot, error),
    );
    if (metadata === null) slot.serving = ended;
  }

  /** To be called before the job is handed over. */
  #expectDone(slot: Slot): void {
    const { turn } = slot;
    const doneWord = slot.data.context.job.header + job.turnDone;
    const { async: isLater, value } = Atomics.waitAsync(this.#ints, doneWord, Atomics.load(this.#ints, doneWord));
    // A wake-up that is not for this job was for one whose worker died.
    if (isLater) void value.then(() => this.#settle(slot, turn, (running) => running.resolve(null)));
  }

  #settle(slot: Slot, turn: number, tell: (running: RunningJob) => void): void {
    const running = slot.job;
    if (running?.turn !== turn) return;
    slot.job = null;
    this.#release(slot.worker);
    tell(running);
  }

  /** The worker is with its pool again: its last job has more to say, or it was told to leave. */
  #left(slot: Slot, result: RunResult): void {
    slot.serving = null;
    if (slot.job?.isHanded) this.#settle(slot, slot.turn, (running) => running.resolve(result));
  }

  async #died(slot: Slot, error: unknown): Promise<void> {
    slot.serving = null;
    if (slot.job === null || !slot.job.isHanded) {
      if (!this.#stopped) this.#options.log.error({ error: String(error) }, 'an idle worker died');
      return;
    }
    if (!this.#stopped) this.#deaths++;
    await slot.leaving;
    this.#settle(slot, slot.turn, (running) => running.reject(error));
  }

  /** Resolves when the worker, which is idle, is with its pool and hears of tasks. */
  async #recall(slot: Slot): Promise<void> {
    if (slot.serving === null) return;
    const turnWord = slot.data.context.job.header + job.turn;
    Atomics.store(this.#ints, turnWord, leaveTurn);
    Atomics.notify(this.#ints, turnWord);
    await slot.serving;
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
      slot.runawaySince = slot.since;
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
    for (const { wanted } of this.#slots) for (const resolve of wanted.splice(0)) resolve();
    await Promise.all(this.#slots.map(({ threads }) => threads.destroy()));
  }
}
