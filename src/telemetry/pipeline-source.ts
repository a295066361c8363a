// What receivers and batch processors show, by the Collector's names.
import type { ComponentMetrics } from '../pipeline/past-metrics.ts';
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
  /** reason -> requests that were turned away; of most of them nobody knows how many spans they had. */
  readonly refusedRequests: ReadonlyMap<string, number>;
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

/** `counts` is read at each scrape. */
export function createReceiverSource(counts: () => Iterable<ReceiverCounts>): MetricSource {
  return {
    *collect() {
      for (const { receiver, transport, acceptedSpans, refusedSpans, failedSpans, refusedRequests } of counts()) {
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
        for (const [reason, requests] of refusedRequests) {
          yield {
            name: 'spanmill_receiver_refused_requests',
            help: 'Requests that were turned away, by reason.',
            kind: 'counter',
            labels: { receiver, transport, reason },
            value: requests,
          };
        }
      }
    },
  };
}

/** Metrics that components declare themselves; `components` is read at each scrape. */
export function createComponentSource(components: () => Iterable<ComponentMetrics>): MetricSource {
  return {
    *collect() {
      for (const { kind, id, metrics, values } of components()) {
        const specs = new Map(metrics.map((spec) => [spec.name, spec]));
        for (const { name, labels, value } of values) {
          const spec = specs.get(name);
          if (spec === undefined || spec.kind === 'histogram') throw new Error(`${id} shows ${name}, undeclared`);
          yield { name, help: spec.help, kind: spec.kind, labels: { [kind]: id, ...labels }, value };
        }
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
