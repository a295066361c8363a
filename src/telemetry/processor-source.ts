// What processors count, by the Collector's names where it has them: batches by cause, and the counters of span processors.
import type { PipelineAccount } from '../delivery/ledger.ts';
import type { Stage } from '../pipeline/stage.ts';
import type { MetricSample, MetricSource } from './source.ts';

export function createProcessorSource(accounts: readonly PipelineAccount[], stages: readonly Stage[]): MetricSource {
  return {
    *collect() {
      const filtered = new Map<string, number>();
      for (const account of accounts) {
        for (const { spec, value } of account.counters()) {
          if (spec.kind === 'metric') {
            yield {
              name: spec.metric,
              help: `Counted by ${spec.component}`,
              kind: 'counter',
              labels: { processor: spec.component, pipeline: account.id, ...spec.labels },
              value,
            };
          } else if (spec.component.split('/')[0] === 'filter') {
            filtered.set(spec.component, (filtered.get(spec.component) ?? 0) + value);
          }
        }
      }
      for (const [filter, value] of filtered) {
        yield {
          name: 'otelcol_processor_filter_spans.filtered',
          help: 'Number of spans dropped by the filter processor',
          kind: 'counter',
          labels: { filter },
          value,
        };
      }
      for (const stage of stages) yield* batchSamples(stage);
    },
  };
}

function* batchSamples({ plan, batches, partitions }: Stage): Iterable<MetricSample> {
  if (plan.batching === null) return;
  const labels = { processor: plan.batching.id };
  const name = (rest: string): string => `otelcol_processor_batch_${rest}`;
  yield {
    name: name('batch_size_trigger_send'),
    help: 'Number of times the batch was sent due to a size trigger',
    kind: 'counter',
    labels,
    value: batches.size,
  };
  yield {
    name: name('timeout_trigger_send'),
    help: 'Number of times the batch was sent due to a timeout trigger',
    kind: 'counter',
    labels,
    value: batches.timeout,
  };
  yield {
    name: name('metadata_cardinality'),
    help: 'Number of distinct metadata value combinations being processed',
    kind: 'gauge',
    labels,
    value: partitions,
  };
}
