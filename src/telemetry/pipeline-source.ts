// What receivers and batch processors show, by the Collector's names.
import type { HistogramValue, MetricSample, MetricSource } from './source.ts';

export interface ReceiverCounts {
  readonly receiver: string;
  /** `grpc` or `http`. */
  readonly transport: string;
  readonly acceptedSpans: number;
  /** Not taken for want of memory or because the pipeline said no. */
  readonly refusedSpans: number;
  /** Not taken because of a fault of the receiver itself. */
  readonly failedSpans: number;
}

export interface BatchCounts {
  /** Id of the batch processor. */
  readonly processor: string;
  readonly sendSize: HistogramValue;
  readonly sizeTriggers: number;
  readonly timeoutTriggers: number;
  /** Combinations of client metadata that are kept apart. */
  readonly metadataCardinality: number;
}

/** Bounds of the Collector's histogram of batch sizes, in spans. */
export const batchSizeBounds: readonly number[] = [
  10, 25, 50, 75, 100, 250, 500, 750, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000, 20_000, 30_000,
  50_000, 100_000,
];

/** `counts` is read at each scrape. */
export function createReceiverSource(counts: () => Iterable<ReceiverCounts>): MetricSource {
  return {
    *collect() {
      for (const { receiver, transport, acceptedSpans, refusedSpans, failedSpans } of counts()) {
        const counter = (name: string, help: string, value: number): MetricSample => ({
          name: `otelcol_receiver_${name}_spans`,
          help,
          kind: 'counter',
          labels: { receiver, transport },
          value,
        });
        yield counter('accepted', 'Number of spans successfully pushed into the pipeline.', acceptedSpans);
        yield counter('refused', 'Number of spans that could not be pushed into the pipeline.', refusedSpans);
        yield counter(
          'failed',
          'The number of spans that failed to be processed by the receiver due to internal errors.',
          failedSpans,
        );
      }
    },
  };
}

/** `counts` is read at each scrape. */
export function createBatchSource(counts: () => Iterable<BatchCounts>): MetricSource {
  return {
    *collect() {
      for (const one of counts()) {
        const labels = { processor: one.processor };
        const name = (rest: string): string => `otelcol_processor_batch_${rest}`;
        yield {
          name: name('batch_send_size'),
          help: 'Number of units in the batch',
          kind: 'histogram',
          labels,
          value: one.sendSize,
        };
        yield {
          name: name('batch_size_trigger_send'),
          help: 'Number of times the batch was sent due to a size trigger',
          kind: 'counter',
          labels,
          value: one.sizeTriggers,
        };
        yield {
          name: name('timeout_trigger_send'),
          help: 'Number of times the batch was sent due to a timeout trigger',
          kind: 'counter',
          labels,
          value: one.timeoutTriggers,
        };
        yield {
          name: name('metadata_cardinality'),
          help: 'Number of distinct metadata value combinations being processed',
          kind: 'gauge',
          labels,
          value: one.metadataCardinality,
        };
      }
    },
  };
}
