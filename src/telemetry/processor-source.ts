// What processors count, by the Collector's names where it has them: the counters of span processors.
import type { PipelineAccount } from '../delivery/ledger.ts';
import type { MetricSource } from './source.ts';

/** `accounts` is read at each scrape. */
export function createProcessorSource(accounts: () => Iterable<PipelineAccount>): MetricSource {
  return {
    *collect() {
      const filtered = new Map<string, number>();
      for (const account of accounts()) {
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
    },
  };
}
