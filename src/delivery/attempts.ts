// Attempts at one exporter: each with its time limit, repeated while there is hope, ended by a drain whose time is over.
import type { Batch, DeliveryOptions, Exporter, ExportResult } from '../component/exporter.ts';
import type { RateLimitedLog } from '../lib/rate-limit.ts';
import { Circuit } from './circuit.ts';
import type { Clock } from './clock.ts';
import { createBackoff } from './retry.ts';

/** What an attempt's signal carries as its reason. */
export type AbortReason = 'timeout' | 'shutdown';

/** How a batch ended after all attempts. */
export type Verdict =
  | Exclude<ExportResult, { kind: 'retry' }>
  /** It could pass later; there is no more time for it. */
  | { readonly kind: 'given_up'; readonly reason: string; readonly message: string };

export interface AttemptsStats {
  /** Attempts beyond each batch's first. */
  retries: number;
  consecutiveFailures: number;
  /** Text of the last failure; '' before one. */
  lastError: string;
  /** Of the clock; -Infinity: never. */
  lastSuccessAt: number;
  lastFailureAt: number;
}

/** When a batch was first tried. Its parts share it: `max_elapsed_time` counts for all of them together. */
export interface FirstAttempt {
  /** By the clock; null: not yet. */
  atMs: number | null;
}

/** Of the delay that a peer asks for: a mistake there must not hold an exporter for days. */
const mostPeerDelayMs = 10 * 60_000;
/** After an abort the exporter has this long to give the batch's memory back before the drain goes on without it. */
const abortGraceMs = 1000;

export class Attempts {
  readonly #exporter: Exporter;
  readonly #options: Pick<DeliveryOptions, 'retry' | 'timeoutMs'>;
  readonly #stats: AttemptsStats;
  readonly #log: RateLimitedLog;
  readonly #clock: Clock;
  readonly #circuit: Circuit;
  readonly #sleepers = new Set<() => void>();
  readonly #running = new Set<AbortController>();
  readonly #abandoning = new Set<() => void>();
  /** The deadline of a drain has passed: nothing is tried any more. */
  #expired = false;

  constructor(exporter: Exporter, options: DeliveryOptions, stats: AttemptsStats, log: RateLimitedLog, clock: Clock) {
    this.#exporter = exporter;
    this.#options = options;
    this.#stats = stats;
    this.#log = log;
    this.#clock = clock;
    this.#circuit = new Circuit(options.queue.consumers, clock);
  }

  get expired(): boolean {
    return this.#expired;
  }

  /** What waits for its next attempt is tried at once, later attempts wait as ever. */
  hurry(): void {
    this.#circuit.reset();
    this.#wakeAll();
  }

  /** Ends everything: what runs is aborted, what waits is given up. */
  expire(): void {
    this.#expired = true;
    for (const controller of this.#running) controller.abort('shutdown' satisfies AbortReason);
    // Also those whose signal was aborted before, by their time limit.
    for (const abandon of [...this.#abandoning]) abandon();
    this.#circuit.reset();
    this.#wakeAll();
  }

  /** Until the peer has taken it, or there is a reason to stop. Tried once even when the time of its batch is over. */
  async run(batch: Batch, first: FirstAttempt): Promise<Verdict> {
    const { retry } = this.#options;
    const backoff = createBackoff(retry, this.#clock.random);
    first.atMs ??= this.#clock.now();
    const startMs = first.atMs;
    let last: { readonly reason: string; readonly message: string } = { reason: 'shutdown', message: '' };
    let waitMs = 0;
    for (let tried = 0; !this.#expired; ) {
      const isOver = tried > 0 && retry.maxElapsedMs > 0 && this.#clock.now() - startMs > retry.maxElapsedMs;
      if (isOver) return { kind: 'given_up', reason: 'retries_exhausted', message: last.message };
      const turn = this.#circuit.turn();
      if (turn.kind === 'wait') await turn.result;
      else if (turn.kind === 'sleep') await this.#sleep(turn.ms);
      if (turn.kind !== 'go') continue;
      if (tried++ > 0) this.#stats.retries++;
      const result = await this.#attempt(batch);
      if (result.kind !== 'retry') {
        this.#passed();
        return result;
      }
      last = result;
      const peerDelayMs = Math.min(result.afterMs, mostPeerDelayMs);
      const next = backoff.next(this.#clock.now() - startMs, peerDelayMs);
      this.#failed(result.message, next ?? waitMs, peerDelayMs);
      if (this.#expired) break;
      if (next === null) {
        const reason = retry.enabled ? 'retries_exhausted' : result.reason;
        return { kind: 'given_up', reason, message: result.message };
      }
      waitMs = next;
      const fields = { reason: result.reason, error: result.message, waitMs: Math.round(waitMs) };
      this.#log.warn('retry', fields, 'export failed, will try again');
      await this.#sleep(waitMs);
    }
    const before = last.message === '' ? '' : `; the last attempt before that: ${last.message}`;
    return { kind: 'given_up', reason: 'shutdown', message: `the time to shut down was over${before}` };
  }

  /** The peer answered: what it said of this batch says nothing of the next. */
  #passed(): void {
    this.#circuit.passed();
    this.#stats.consecutiveFailures = 0;
    this.#stats.lastSuccessAt = this.#clock.now();
  }

  #failed(message: string, waitMs: number, peerDelayMs: number): void {
    this.#circuit.failed(waitMs, peerDelayMs);
    this.#stats.consecutiveFailures = this.#circuit.failuresInRow;
    this.#stats.lastError = message;
    this.#stats.lastFailureAt = this.#clock.now();
  }

  async #attempt(batch: Batch): Promise<ExportResult> {
    const { timeoutMs } = this.#options;
    const controller = new AbortController();
    const abort = (reason: AbortReason): void => controller.abort(reason);
    const cancel = timeoutMs > 0 ? this.#clock.after(timeoutMs, () => abort('timeout')) : null;
    this.#running.add(controller);
    try {
      return await this.#orAbandoned(this.#exporter.export(batch, controller.signal));
    } catch (error) {
      // Exporters promise not to reject. One that does is at fault, and would be again with the same bytes.
      return { kind: 'refused', reason: 'exporter_fault', message: String(error) };
    } finally {
      cancel?.();
      this.#running.delete(controller);
    }
  }

  /** The export's own result, but no waiting for ever for one that ignores the shutdown. */
  #orAbandoned(result: Promise<ExportResult>): Promise<ExportResult> {
    return new Promise((resolve, reject) => {
      let cancel = (): void => {};
      const abandon = (): void => {
        cancel = this.#clock.after(abortGraceMs, () =>
          resolve({ kind: 'retry', reason: 'shutdown', message: 'the export did not end when told to', afterMs: 0 }),
        );
      };
      this.#abandoning.add(abandon);
      result.then(resolve, reject).finally(() => {
        this.#abandoning.delete(abandon);
        cancel();
      });
    });
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        this.#sleepers.delete(wake);
        resolve();
      };
      const cancel = this.#clock.after(ms, wake);
      this.#sleepers.add(wake);
    });
  }

  #wakeAll(): void {
    for (const wake of [...this.#sleepers]) wake();
  }
}
