// Between the batcher and one exporter: a bounded queue, a few exports at a time, and attempts until the batch is
// delivered or there is a reason to give it up. Nothing that was taken is dropped for want of space: a full queue
// refuses the offer, the one who offered keeps the batch and is told when to come again.
import type { Logger } from 'pino';
import type { DeliveryOptions, Exporter } from '../component/exporter.ts';
import { type RateLimitedLog, rateLimited } from '../lib/rate-limit.ts';
import { Attempts, type AttemptsStats } from './attempts.ts';
import { type Clock, systemClock } from './clock.ts';
import type { LearnedLimit } from './cut/learned-limit.ts';
import { type DeliveryItem, exportedWhole, type Failure, type Settlement } from './item.ts';
import { Leftovers } from './leftovers.ts';
import { createShipments, type Shipment, type Shipments } from './shipments.ts';
import { type Cutter, type Fate, type Part, type Shipped, Shipper } from './shipper.ts';

/** Plain numbers, for the metrics. */
export interface DeliveryStats extends AttemptsStats {
  readonly exporter: string;
  readonly queueEnabled: boolean;
  /** In units of the queue's sizer; what is being exported counts until it is settled, as in the Collector. */
  queueSize: number;
  readonly queueCapacity: number;
  /** Shipments that a consumer holds, those waiting for their next attempt included. */
  inFlight: number;
  sentSpans: number;
  /** reason -> spans. */
  readonly failedSpans: Map<string, number>;
  /** Spans that never came into the queue, because it was full. */
  enqueueFailedSpans: number;
  /** Of `failedSpans`, what an extension keeps. */
  setAsideSpans: number;
  /** When the oldest of what is held came, by the clock; Infinity: nothing is held. */
  oldestSince: number;
}

export interface Delivery {
  readonly stats: DeliveryStats;
  /** Makes room for an item that `put` brings, or `unclaim` does not; false: there is none, and `onSpace` will be called. */
  claim(item: Pick<DeliveryItem, 'spans' | 'bytes'>): boolean;
  unclaim(item: Pick<DeliveryItem, 'spans' | 'bytes'>): void;
  /** Whether it could be claimed now; false: `onSpace` will be called. */
  hasRoomFor(item: Pick<DeliveryItem, 'spans' | 'bytes'>): boolean;
  /** Takes an item that was claimed. */
  put(item: DeliveryItem): void;
  /**
   * claim and put. False: then the item is still the caller's, and `onSpace` is called once there is space. An item larger
   * than the whole queue is taken when the queue is empty.
   */
  offer(item: DeliveryItem): boolean;
  /** All that is held is due, and so is what comes, until `gather`: what waits for its next attempt is tried at once. */
  flush(): void;
  /** It goes on after all: shipments are as large as configured again. */
  gather(): void;
  /**
   * Flushes, and tries everything that is held: what waits for its next attempt is tried at once, later attempts wait as ever.
   * Resolves when nothing is held. `deadlineMs` from now what is left is failed with the reason `shutdown` (what is stored is
   * kept), and so is whatever is offered later. May be called again: the earliest deadline counts.
   */
  drain(deadlineMs: number): Promise<void>;
}

export interface DeliveryHost {
  readonly log: Logger;
  /** There is space again after an offer was refused. */
  onSpace(): void;
  readonly cutter: Cutter;
  readonly limit: LearnedLimit;
  /** Keeps spans that the peer does not take; null: nobody does. */
  readonly setAside: ((part: Part, reason: string, message: string) => Promise<boolean>) | null;
}

export const newDeliveryStats = (exporter: string, queue: DeliveryOptions['queue']): DeliveryStats => ({
  exporter,
  queueEnabled: queue.enabled,
  queueSize: 0,
  // Without a queue there is no waiting room: what is held is being exported.
  queueCapacity: queue.enabled ? queue.size : queue.consumers,
  inFlight: 0,
  sentSpans: 0,
  failedSpans: new Map(),
  enqueueFailedSpans: 0,
  setAsideSpans: 0,
  oldestSince: Number.POSITIVE_INFINITY,
  retries: 0,
  consecutiveFailures: 0,
  lastError: '',
  lastSuccessAt: Number.NEGATIVE_INFINITY,
  lastFailureAt: Number.NEGATIVE_INFINITY,
});

export function createDelivery(
  exporterId: string,
  exporter: Exporter,
  options: DeliveryOptions,
  host: DeliveryHost,
  clock: Clock = systemClock,
): Delivery {
  return new DeliveryQueue(exporterId, exporter, options, host, clock);
}

type Size = Pick<DeliveryItem, 'spans' | 'bytes'>;

/** What exports that run at a time have read from a storage, beside the memory that all share. One may have more. */
const mostReadBytes = 64 << 20;

class DeliveryQueue implements Delivery {
  readonly stats: DeliveryStats;
  readonly #options: DeliveryOptions;
  readonly #host: DeliveryHost;
  readonly #clock: Clock;
  readonly #log: RateLimitedLog;
  readonly #shipments: Shipments;
  readonly #attempts: Attempts;
  readonly #shipper: Shipper;
  readonly #leftovers: Leftovers;
  /** When each item that is held came; in that order. */
  readonly #since = new Map<DeliveryItem, number>();
  #idle: (() => void)[] = [];
  #refusedOffer = false;
  /** Of what is being exported now. */
  #readBytes = 0;
  #cancelDeadline = (): void => {};
  /** Of the drain under way; of several the earliest. */
  #deadlineAt = Number.POSITIVE_INFINITY;

  constructor(exporterId: string, exporter: Exporter, options: DeliveryOptions, host: DeliveryHost, clock: Clock) {
    const { queue } = options;
    this.stats = newDeliveryStats(exporterId, queue);
    this.#options = options;
    this.#host = host;
    this.#clock = clock;
    const log = rateLimited(host.log, {}, () => clock.now());
    this.#log = log;
    this.#attempts = new Attempts(exporter, options, this.stats, log, clock);
    this.#shipper = new Shipper({
      attempts: this.#attempts,
      cutter: host.cutter,
      limit: host.limit,
      maxSpans: mostOf(queue, 'items'),
      maxBytes: Math.min(mostOf(queue, 'bytes'), options.maxRequestBytes || Number.POSITIVE_INFINITY),
      shrinks: options.shrinks,
      leave: (...args) => this.#leave(...args),
      log,
    });
    this.#leftovers = new Leftovers({
      log,
      setAside: host.setAside === null ? null : (...args) => this.#setAside(...args),
      settle: (item, settlement) => this.#settle(item, settlement),
      settled: () => this.#tellWhenIdle(),
    });
    this.#shipments = createShipments(queue.enabled ? queue.batch : null, clock, () => this.#pump());
  }

  hasRoomFor(size: Size): boolean {
    const { queueSize, queueCapacity } = this.stats;
    if (queueSize === 0 || queueSize + this.#unitsOf(size) <= queueCapacity) return true;
    this.#refusedOffer = true;
    return false;
  }

  claim(size: Size): boolean {
    if (!this.hasRoomFor(size)) return false;
    this.stats.queueSize += this.#unitsOf(size);
    return true;
  }

  unclaim(size: Size): void {
    this.stats.queueSize -= this.#unitsOf(size);
    this.#tellOfSpace();
    this.#tellWhenIdle();
  }

  put(item: DeliveryItem): void {
    if (this.#attempts.expired) {
      this.#leftovers.add(item);
      return;
    }
    this.#since.set(item, this.#clock.now());
    this.#noteOldest();
    this.#shipments.put(item);
    this.#pump();
  }

  offer(item: DeliveryItem): boolean {
    if (!this.claim(item)) return false;
    this.put(item);
    return true;
  }

  drain(deadlineMs: number): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    const deadlineAt = this.#clock.now() + deadlineMs;
    if (deadlineAt < this.#deadlineAt) {
      this.#deadlineAt = deadlineAt;
      this.#cancelDeadline();
      this.#cancelDeadline = this.#clock.after(deadlineMs, () => this.#expire());
    }
    this.flush();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  flush(): void {
    this.#shipments.flush();
    this.#attempts.hurry();
    this.#pump();
  }

  gather(): void {
    this.#shipments.gather();
  }

  #isIdle(): boolean {
    // What is claimed counts too: it is about to be put.
    return this.stats.inFlight === 0 && this.stats.queueSize === 0;
  }

  #unitsOf({ spans, bytes }: Size): number {
    const { enabled, sizer } = this.#options.queue;
    if (!enabled || sizer === 'requests') return 1;
    return sizer === 'items' ? spans : bytes;
  }

  #pump(): void {
    const { stats } = this;
    while (stats.inFlight < this.#options.queue.consumers) {
      const shipment = this.#shipments.take(
        this.#readBytes === 0 ? Number.POSITIVE_INFINITY : mostReadBytes - this.#readBytes,
      );
      if (shipment === undefined) return;
      stats.inFlight++;
      this.#readBytes += shipment.storedBytes;
      void this.#deliver(shipment).then(() => {
        stats.inFlight--;
        this.#readBytes -= shipment.storedBytes;
        this.#pump();
        this.#tellWhenIdle();
      });
    }
  }

  async #deliver({ items, metadata }: Shipment): Promise<void> {
    const opened: DeliveryItem[] = [];
    const segments: Buffer[] = [];
    let spans = 0;
    let bytes = 0;
    for (const item of items) {
      try {
        const own = item.open();
        // What is in memory is there at once: no turn of the event loop for it.
        segments.push(...(own instanceof Promise ? await own : own));
      } catch (error) {
        // It is still stored: the store looks at it when it is opened next, and says what is lost.
        const fields = { error: String(error), spans: item.spans };
        this.#log.error('unreadable', fields, 'what was stored cannot be read now; it is kept');
        this.#settle(item, { ...exportedWhole(0), kept: true });
        continue;
      }
      opened.push(item);
      spans += item.spans;
      bytes += item.bytes;
    }
    if (opened.length === 0) return;
    const shipped = await this.#shipper.ship({ segments, spans, bytes }, metadata);
    this.#settleAll(opened, shipped);
  }

  /**
   * Of several items it is not known whose spans failed: the account takes the first ones' for them. What is stored is kept as
   * a whole when some of the shipment was left there: the time was over, or no thread could cut it.
   */
  #settleAll(items: readonly DeliveryItem[], { failures, message, retryable, staysStored }: Shipped): void {
    const left = failures.map((failure) => ({ ...failure }));
    const isDoubtful = items.length > 1 && failures.length > 0;
    for (const item of items) {
      if (staysStored && item.stored) {
        this.#settle(item, { ...exportedWhole(0), kept: true });
        continue;
      }
      const own: Failure[] = [];
      let room = item.spans;
      for (const failure of left) {
        const spans = Math.min(room, failure.spans);
        if (spans === 0) continue;
        failure.spans -= spans;
        room -= spans;
        own.push({ reason: failure.reason, spans });
      }
      this.#settle(item, { exported: room, failures: own, message, retryable, isDoubtful, kept: false });
    }
  }

  #settle(item: DeliveryItem, settlement: Settlement): void {
    const { stats } = this;
    stats.queueSize -= this.#unitsOf(item);
    stats.sentSpans += settlement.exported;
    for (const { reason, spans } of settlement.failures) {
      stats.failedSpans.set(reason, (stats.failedSpans.get(reason) ?? 0) + spans);
    }
    this.#since.delete(item);
    this.#noteOldest();
    item.settle(settlement);
    this.#tellOfSpace();
  }

  #tellOfSpace(): void {
    if (!this.#refusedOffer) return;
    this.#refusedOffer = false;
    this.#host.onSpace();
  }

  #tellWhenIdle(): void {
    if (!this.#isIdle()) return;
    this.#cancelDeadline();
    this.#deadlineAt = Number.POSITIVE_INFINITY;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #noteOldest(): void {
    const first = this.#since.values().next();
    this.stats.oldestSince = first.done === true ? Number.POSITIVE_INFINITY : first.value;
  }

  async #leave(part: Part, reason: string, message: string): Promise<Fate> {
    const stores = this.#options.queue.storage !== null;
    if (reason === 'shutdown' && stores) return 'stored';
    if (await this.#setAside(part, reason, message)) return 'set_aside';
    return reason === 'cut_failed' && stores ? 'stored' : 'lost';
  }

  async #setAside(part: Part, reason: string, message: string): Promise<boolean> {
    const kept = (await this.#host.setAside?.(part, reason, message)) ?? false;
    if (kept) this.stats.setAsideSpans += part.spans;
    return kept;
  }

  #expire(): void {
    this.#attempts.expire();
    for (let next = this.#shipments.take(); next !== undefined; next = this.#shipments.take()) {
      this.#leftovers.add(...next.items);
    }
    this.#tellWhenIdle();
  }
}

/** What `sending_queue.batch.max_size` allows of that unit; Infinity: no limit. */
function mostOf({ batch }: DeliveryOptions['queue'], unit: 'items' | 'bytes'): number {
  return batch !== null && batch.sizer === unit && batch.maxSize > 0 ? batch.maxSize : Number.POSITIVE_INFINITY;
}
