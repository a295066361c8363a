// The counters of queues and batchers that are gone: their successors begin at 0, the metrics go on.
import type { DeliveryStats } from '../delivery/queue.ts';
import { Histogram } from '../lib/histogram.ts';
import type { Stage } from './stage.ts';
import { batchSizeBounds } from './stage-output.ts';
import type { HoldingStats } from './traces/holding-stats.ts';

export interface BatchStats {
  /** Id of the batch processor. */
  readonly processor: string;
  readonly sizes: Histogram;
  readonly bySize: number;
  readonly byTimeout: number;
  readonly metadataCardinality: number;
}

/** null: the stage has no batch processor. */
export function batchStatsOf({ plan, output }: Stage): BatchStats | null {
  if (plan.batching === null) return null;
  const { sizes, size, timeout } = output.batches;
  return {
    processor: plan.batching.id,
    sizes,
    bySize: size,
    byTimeout: timeout,
    metadataCardinality: output.partitions,
  };
}

/** What a processor that holds traces shows: `traces`, `requests`: now. */
export interface TraceStats {
  readonly stats: HoldingStats;
  readonly traces: number;
  readonly requests: number;
}

export class PastStats {
  readonly #deliveries = new Map<string, DeliveryStats>();
  readonly #batches = new Map<string, BatchStats>();
  readonly #holding = new Map<string, HoldingStats>();

  /** A queue that has ended. */
  addDelivery(stats: DeliveryStats): void {
    const before = this.#deliveries.get(stats.exporter);
    const failedSpans = new Map(before?.failedSpans);
    for (const [reason, spans] of stats.failedSpans) failedSpans.set(reason, (failedSpans.get(reason) ?? 0) + spans);
    this.#deliveries.set(stats.exporter, {
      ...stats,
      queueEnabled: false,
      queueSize: 0,
      queueCapacity: 0,
      inFlight: 0,
      oldestSince: Number.POSITIVE_INFINITY,
      consecutiveFailures: 0,
      failedSpans,
      sentSpans: stats.sentSpans + (before?.sentSpans ?? 0),
      retries: stats.retries + (before?.retries ?? 0),
      enqueueFailedSpans: stats.enqueueFailedSpans + (before?.enqueueFailedSpans ?? 0),
      setAsideSpans: stats.setAsideSpans + (before?.setAsideSpans ?? 0),
    });
  }

  /** A stage that has ended. */
  addStage(stage: Stage): void {
    const { traces } = stage.output;
    if (traces !== null) this.#addHolding(traces.stats);
    const stats = batchStatsOf(stage);
    if (stats === null) return;
    const before = this.#batches.get(stats.processor);
    const sizes = new Histogram(batchSizeBounds);
    sizes.addAll(stats.sizes);
    if (before !== undefined) sizes.addAll(before.sizes);
    this.#batches.set(stats.processor, {
      processor: stats.processor,
      sizes,
      bySize: stats.bySize + (before?.bySize ?? 0),
      byTimeout: stats.byTimeout + (before?.byTimeout ?? 0),
      metadataCardinality: 0,
    });
  }

  #addHolding(stats: HoldingStats): void {
    const known = this.#holding.get(stats.processor);
    if (known !== undefined) known.add(stats);
    else this.#holding.set(stats.processor, stats);
  }

  get deliveries(): Iterable<DeliveryStats> {
    return this.#deliveries.values();
  }
  get batches(): Iterable<BatchStats> {
    return this.#batches.values();
  }
  get holding(): Iterable<HoldingStats> {
    return this.#holding.values();
  }
}
