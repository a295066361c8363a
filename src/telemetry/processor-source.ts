// What processors count, by the Collector's names where it has them: the counters of span processors.
import type { MetricSpec } from '../component/types.ts';
import type { PipelineAccount } from '../delivery/ledger.ts';
import type { MetricSource } from './source.ts';

/** `accounts` is read at each scrape. */
export function createProcessorSource(accounts: () => Iterable<PipelineAccount>): MetricSource {
  return {
    *collect() {
      const dropped = new Map<string, { readonly component: string; readonly metric: MetricSpec; spans: number }>();
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
          } else if (spec.metric !== undefined) {
            const { component, metric } = spec;
            const known = dropped.get(component);
            if (known === undefined) dropped.set(component, { component, metric, spans: value });
            else known.spans += value;
          }
        }
      }
      for (const { component, metric, spans } of dropped.values()) {
        const { name, help, labels } = metric;
        yield { name, help, kind: 'counter', labels: { [labels[0]]: component }, value: spans };
      }
    },
  };
}
