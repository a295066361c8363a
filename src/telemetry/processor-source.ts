// What processors count, by the Collector's names where it has them: the counters of span processors.
import type { MetricSpec } from '../component/definition.ts';
import type { PipelineAccount } from '../delivery/ledger.ts';
import type { CounterSpec } from '../pipeline/plan.ts';
import type { HistogramValue, MetricSource } from './source.ts';

interface Histogram extends HistogramValue {
  readonly of: Extract<CounterSpec, { kind: 'metric' }>;
  readonly bounds: number[];
  readonly counts: number[];
  sum: number;
}

/** Of one histogram they come with ascending bounds, and may come from several stages of a pipeline. */
function addPart(histogram: Histogram, part: number | 'sum', value: number): void {
  if (part === 'sum') {
    histogram.sum += value;
    return;
  }
  const known = part === Number.POSITIVE_INFINITY ? histogram.bounds.length : histogram.bounds.indexOf(part);
  if (known >= 0 && known < histogram.counts.length) histogram.counts[known] += value;
  else {
    if (part !== Number.POSITIVE_INFINITY) histogram.bounds.push(part);
    histogram.counts.push(value);
  }
}

/** The gate of a connector says itself whose it is. */
const componentOf = ({
  component,
  labels,
}: Extract<CounterSpec, { kind: 'metric' }>): { readonly processor?: string } =>
  labels.connector === undefined ? { processor: component } : {};

/** `accounts` is read at each scrape. */
export function createProcessorSource(accounts: () => Iterable<PipelineAccount>): MetricSource {
  return {
    *collect() {
      const dropped = new Map<string, { readonly component: string; readonly metric: MetricSpec; spans: number }>();
      for (const account of accounts()) {
        const histograms = new Map<string, Histogram>();
        for (const { spec, value } of account.counters()) {
          if (spec.kind === 'metric' && spec.part !== undefined) {
            const name = `${spec.component} ${spec.metric}`;
            const known = histograms.get(name) ?? { of: spec, bounds: [], counts: [], sum: 0 };
            addPart(known, spec.part, value);
            histograms.set(name, known);
          } else if (spec.kind === 'metric') {
            yield {
              name: spec.metric,
              help: spec.help,
              kind: 'counter',
              labels: { ...componentOf(spec), pipeline: account.id, ...spec.labels },
              value,
            };
          } else if (spec.kind === 'dropped' && spec.metric !== undefined) {
            const { component, metric } = spec;
            const known = dropped.get(component);
            if (known === undefined) dropped.set(component, { component, metric, spans: value });
            else known.spans += value;
          }
        }
        for (const { of, ...value } of histograms.values()) {
          const labels = { processor: of.component, pipeline: account.id, ...of.labels };
          yield { name: of.metric, help: of.help, kind: 'histogram', labels, value };
        }
      }
      for (const { component, metric, spans } of dropped.values()) {
        const { name, help, labels } = metric;
        yield { name, help, kind: 'counter', labels: { [labels[0]]: component }, value: spans };
      }
    },
  };
}
