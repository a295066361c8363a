// The account of every span (received + recovered = exported + dropped + rejected + failed + held + absent) as one metric.
import type { MetricSource } from './source.ts';

export type LedgerStage = 'received' | 'recovered' | 'dropped' | 'rejected' | 'exported' | 'failed' | 'held' | 'absent';

export interface LedgerRow {
  readonly pipeline: string;
  readonly stage: LedgerStage;
  /** Id of the processor or exporter; '' where the stage names none. */
  readonly component: string;
  /** '' where the stage has none. */
  readonly reason: string;
  readonly spans: number;
}

/** `rows` is read at each scrape. A gauge, since `held` goes down; the other stages only grow. */
export function createLedgerSource(rows: () => Iterable<LedgerRow>): MetricSource {
  return {
    *collect() {
      for (const { pipeline, stage, component, reason, spans } of rows()) {
        yield {
          name: 'spanmill_ledger_spans',
          help: 'The account of spans: received + recovered = exported + dropped + rejected + failed + held + absent, for each exporter of each pipeline',
          kind: 'gauge',
          labels: { pipeline, stage, component, reason },
          value: spans,
        };
      }
    },
  };
}
