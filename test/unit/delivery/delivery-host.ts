// What a delivery is given, for tests that need nothing special of it.
import { type Logger, pino } from 'pino';
import type { DeliveryOptions } from '../../../src/component/exporter.ts';
import { GatheredBatch, type Metadata } from '../../../src/delivery/batch.ts';
import type { LearnedLimit } from '../../../src/delivery/cut/learned-limit.ts';
import type { DeliveryItem, Settlement } from '../../../src/delivery/item.ts';
import { type DeliveryHost, type DeliveryStats, newDeliveryStats } from '../../../src/delivery/queue.ts';
import type { Cutter } from '../../../src/delivery/shipper.ts';
import { Arena, type Range, Slab } from '../../../src/workers/arena.ts';

export const deliveryOptions: DeliveryOptions = {
  queue: {
    enabled: true,
    consumers: 2,
    size: 3,
    sizer: 'requests',
    batch: null,
    blockOnOverflow: false,
    waitForResult: 'no',
    storage: null,
  },
  retry: {
    enabled: true,
    initialIntervalMs: 100,
    randomizationFactor: 0,
    multiplier: 2,
    maxIntervalMs: 400,
    maxElapsedMs: 0,
  },
  timeoutMs: 1000,
  maxRequestBytes: 0,
  shrinks: true,
  deadLetter: null,
};

/** A request whose bytes nothing can cut. */
export const noCutter: Cutter = {
  split: (part) => Promise.resolve([part]),
  halve: () => Promise.resolve(null),
  shrink: () => Promise.resolve(null),
};
export const noLimit: LearnedLimit = { maxBytes: Number.POSITIVE_INFINITY, passed() {}, refused() {} };

export const deliveryHost = (log: Logger = pino({ level: 'silent' })): DeliveryHost => ({
  log,
  onSpace() {},
  cutter: noCutter,
  limit: noLimit,
  setAside: null,
});

/** An item of that many spans, whose bytes are the name. */
export function itemOf(name: string, spans: number, bytes: number, settle: (s: Settlement) => void): DeliveryItem {
  return { spans, bytes, metadata: {}, stored: false, open: () => [Buffer.from(name)], settle };
}

export const deliveryStats = (change: Partial<DeliveryStats> = {}): DeliveryStats => ({
  ...newDeliveryStats('otlp', { ...deliveryOptions.queue, size: 1000 }),
  ...change,
});

/** Batches of one span in 4096 bytes of an arena, of which 10 are used. */
export function createBatches(): { readonly arena: Arena; next(spans?: number, metadata?: Metadata): GatheredBatch } {
  const arena = new Arena(0, 1 << 20, 1 << 20);
  return {
    arena,
    next(spans = 1, metadata = {}) {
      const slab = new Slab(arena, arena.allocate(4096) as Range);
      const batch = new GatheredBatch(Buffer.alloc(1 << 20), metadata);
      batch.add(slab, slab.range.at, 10, spans);
      slab.release();
      return batch;
    },
  };
}
