// Between the batcher and one exporter: a bounded queue, a few exports at a time, and attempts until the batch is
// delivered or there is a reason to give it up. Nothing that was taken is dropped for want of space: a full queue
// refuses the offer, the one who offered keeps the batch and is told when to come again.
import type { Logger } from 'pino';
import type { Batch, DeliveryOptions, Exporter, ExportResult } from '../component/types.ts';
import { type RateLimitedLog, rateLimited } from '../lib/rate-limit.ts';
import { type Clock, systemClock } from './clock.ts';
import { createBackoff } from './retry.ts';

/** How a batch ended at one exporter: `exported + failed` are its spans. `reason` is a label of the ledger, '' if none failed. */
export interface Settlement {
  readonly exported: number;
  readonly failed: number;
  readonly reason: string;
}

export interface DeliveryItem {
  readonly batch: Batch;
  /** Called exactly once, never from within `offer`; the batch's memory is not read after it. Must not throw. */
  settle(settlement: Settlement): void;
}

/** Plain numbers, for the metrics. */
export interface DeliveryStats {
  readonly exporter: string;
  readonly queueEnabled: boolean;
  /** In units of the queue's sizer; what is being exported counts until it is settled, as in the Collector. */
  queueSize: number;
  readonly queueCapacity: number;
  /** Batches that a consumer holds, those waiting for their next attempt included. */
  inFlight: number;
  sentSpans: number;
  /** reason -> spans. */
  readonly failedSpans: Map<string, number>;
  /** Attempts beyond each batch's first. */
  retries: number;
}

export interface Delivery {
  readonly stats: DeliveryStats;
  /**
   * Takes the batch, or returns false when there is no space: then the item is still the caller's, and `onSpace` is
   * called once there is. A batch larger than the whole queue is taken when the queue is empty.
   */
  offer(item: DeliveryItem): boolean;
  /**
   * Tries everything that is held: what waits for its next attempt is tried at once, later attempts wait as ever.
   * Resolves when nothing is held. `deadlineMs` from now what is left is failed with the reason `shutdown`, and so is
   * whatever is offered later. May be called again with another deadline.
   */
  drain(deadlineMs: number): Promise<void>;
}

export interface DeliveryHost {
  readonly log: Logger;
  /** There is space again after an offer was refused. */
  onSpace(): void;
}

/** What an attempt's signal carries as its reason. */
export type AbortReason = 'timeout' | 'shutdown';

/** After an abort the exporter has this long to give the batch's memory back before the drain goes on without it. */
const abortGraceMs = 1000;

export function createDelivery(
  exporterId: string,
  exporter: Exporter,
  options: DeliveryOptions,
  host: DeliveryHost,
  clock: Clock = systemClock,
): Delivery {
  return new DeliveryQueue(exporterId, exporter, options, host, clock);
}

/** Spans that failed, and why. */
type Failed = readonly [spans: number, reason: string];

class DeliveryQueue implements Delivery {
  readonly stats: DeliveryStats;
  private readonly exporter: Exporter;
  private readonly options: DeliveryOptions;
  private readonly host: DeliveryHost;
  private readonly clock: Clock;
  private readonly log: RateLimitedLog;
  private readonly waiting = createFifo<DeliveryItem>();
  private readonly sleepers = new Set<() => void>();
  private readonly attempts = new Set<AbortController>();
  private idle: (() => void)[] = [];
  private refusedOffer = false;
  /** The deadline of a drain has passed: nothing is tried any more. */
  private expired = false;
  private cancelDeadline = (): void => {};

  constructor(exporterId: string, exporter: Exporter, options: DeliveryOptions, host: DeliveryHost, clock: Clock) {
    const { queue } = options;
    this.stats = {
      exporter: exporterId,
      queueEnabled: queue.enabled,
      queueSize: 0,
      // Without a queue there is no waiting room: what is held is being exported.
      queueCapacity: queue.enabled ? queue.size : queue.consumers,
      inFlight: 0,
      sentSpans: 0,
      failedSpans: new Map(),
      retries: 0,
    };
    this.exporter = exporter;
    this.options = options;
    this.host = host;
    this.clock = clock;
    this.log = rateLimited(host.log, {}, () => clock.now());
  }

  offer(item: DeliveryItem): boolean {
    const { stats } = this;
    const size = this.sizeOf(item.batch);
    if (stats.queueSize > 0 && stats.queueSize + size > stats.queueCapacity) {
      this.refusedOffer = true;
      return false;
    }
    stats.queueSize += size;
    this.waiting.put(item);
    this.pump();
    return true;
  }

  drain(deadlineMs: number): Promise<void> {
    if (this.isIdle()) return Promise.resolve();
    this.cancelDeadline();
    this.cancelDeadline = this.clock.after(deadlineMs, () => this.expire());
    this.wakeAll();
    return new Promise((resolve) => this.idle.push(resolve));
  }

  private isIdle(): boolean {
    return this.stats.inFlight === 0 && this.waiting.length() === 0;
  }

  private sizeOf(batch: Batch): number {
    const { enabled, sizer } = this.options.queue;
    if (!enabled || sizer === 'requests') return 1;
    return sizer === 'items' ? batch.spans : batch.bytes;
  }

  private pump(): void {
    const { stats } = this;
    while (stats.inFlight < this.options.queue.consumers) {
      const item = this.waiting.take();
      if (item === undefined) return;
      stats.inFlight++;
      void this.deliver(item.batch).then((failed) => {
        stats.inFlight--;
        this.finish(item, failed);
        this.pump();
      });
    }
  }

  private finish(item: DeliveryItem, [failed, reason]: Failed): void {
    const { stats } = this;
    const { batch } = item;
    stats.queueSize -= this.sizeOf(batch);
    stats.sentSpans += batch.spans - failed;
    if (failed > 0) stats.failedSpans.set(reason, (stats.failedSpans.get(reason) ?? 0) + failed);
    item.settle({ exported: batch.spans - failed, failed, reason: failed > 0 ? reason : '' });
    if (this.refusedOffer) {
      this.refusedOffer = false;
      this.host.onSpace();
    }
    if (!this.isIdle()) return;
    this.cancelDeadline();
    for (const resolve of this.idle) resolve();
    this.idle = [];
  }

  private async deliver(batch: Batch): Promise<Failed> {
    const { clock, log } = this;
    const backoff = createBackoff(this.options.retry, clock.random);
    const startMs = clock.now();
    // A drain that begins while this batch waits lets it try at once; one that ends while it waits ends the waiting.
    while (!this.expired) {
      const result = await this.attempt(batch);
      if (result.kind === 'accepted') return [0, ''];
      if (result.kind === 'partial') {
        const rejected = Math.min(Math.max(result.rejectedSpans, 0), batch.spans);
        log.warn('partial', { rejectedSpans: rejected, peer: result.message }, 'the peer rejected some of the spans');
        return [rejected, 'partial_rejected'];
      }
      if (result.kind !== 'retry') return this.giveUp(batch, result.reason, result.message);
      if (this.expired) break;
      const waitMs = backoff.next(clock.now() - startMs, result.afterMs);
      if (waitMs === null) {
        return this.giveUp(batch, this.options.retry.enabled ? 'retries_exhausted' : result.reason, result.message);
      }
      const fields = { reason: result.reason, error: result.message, waitMs: Math.round(waitMs) };
      log.warn('retry', fields, 'export failed, will try again');
      this.stats.retries++;
      await this.sleep(waitMs);
    }
    return this.giveUp(batch, 'shutdown', 'the time to shut down was over');
  }

  private giveUp(batch: Batch, reason: string, message: string): Failed {
    const fields = { reason, error: message, spans: batch.spans };
    this.log.error(`failed ${reason}`, fields, 'export failed, spans are lost');
    return [batch.spans, reason];
  }

  private async attempt(batch: Batch): Promise<ExportResult> {
    const { timeoutMs } = this.options;
    const controller = new AbortController();
    const abort = (reason: AbortReason): void => controller.abort(reason);
    const cancel = timeoutMs > 0 ? this.clock.after(timeoutMs, () => abort('timeout')) : null;
    this.attempts.add(controller);
    try {
      return await this.orAbandoned(this.exporter.export(batch, controller.signal), controller.signal);
    } catch (error) {
      // Exporters promise not to reject. One that does is at fault, and would be again with the same bytes.
      return { kind: 'refused', reason: 'exporter_fault', message: String(error) };
    } finally {
      cancel?.();
      this.attempts.delete(controller);
    }
  }

  /** The export's own result, but no waiting for ever for one that ignores the shutdown. */
  private orAbandoned(result: Promise<ExportResult>, signal: AbortSignal): Promise<ExportResult> {
    return new Promise((resolve, reject) => {
      let cancel = (): void => {};
      const onAbort = (): void => {
        if (signal.reason !== 'shutdown') return;
        cancel = this.clock.after(abortGraceMs, () =>
          resolve({ kind: 'retry', reason: 'shutdown', message: 'the export did not end when told to', afterMs: 0 }),
        );
      };
      signal.addEventListener('abort', onAbort, { once: true });
      result.then(resolve, reject).finally(() => cancel());
    });
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        this.sleepers.delete(wake);
        resolve();
      };
      const cancel = this.clock.after(ms, wake);
      this.sleepers.add(wake);
    });
  }

  private wakeAll(): void {
    for (const wake of [...this.sleepers]) wake();
  }

  private expire(): void {
    this.expired = true;
    for (const controller of this.attempts) controller.abort('shutdown' satisfies AbortReason);
    this.wakeAll();
    for (let item = this.waiting.take(); item !== undefined; item = this.waiting.take()) {
      this.finish(item, this.giveUp(item.batch, 'shutdown', 'not tried before the time to shut down was over'));
    }
  }
}

interface Fifo<T> {
  length(): number;
  put(value: T): void;
  take(): T | undefined;
}

/** First in, first out, without moving the rest at each take. */
function createFifo<T>(): Fifo<T> {
  let items: T[] = [];
  let head = 0;
  return {
    length: () => items.length - head,
    put: (value) => void items.push(value),
    take() {
      if (head === items.length) return undefined;
      const value = items[head++];
      if (head > 64 && head * 2 > items.length) {
        items = items.slice(head);
        head = 0;
      }
      return value;
    },
  };
}
