// The health of the pipelines as metrics.
import type { HealthReport, HealthState } from '../component/health.ts';
import type { MetricSource } from './source.ts';

const states: readonly HealthState[] = ['ok', 'degraded', 'not_ready'];

/** `report` is read at each scrape. */
export function createHealthSource(report: () => HealthReport): MetricSource {
  return {
    *collect() {
      const { ready, pipelines } = report();
      yield {
        name: 'spanmill_ready',
        help: 'Whether requests should come here: 1, or 0.',
        kind: 'gauge',
        labels: {},
        value: ready ? 1 : 0,
      };
      for (const { id: pipeline, state: present, reasons } of pipelines) {
        for (const state of states) {
          yield {
            name: 'spanmill_pipeline_health',
            help: 'The state of a pipeline: 1 for the one that it is in, 0 for the others.',
            kind: 'gauge',
            labels: { pipeline, state },
            value: state === present ? 1 : 0,
          };
        }
        for (const { state, cause, component } of reasons) {
          yield {
            name: 'spanmill_pipeline_health_reason',
            help: 'What is wrong with a pipeline, as long as it is.',
            kind: 'gauge',
            labels: { pipeline, state, cause, component },
            value: 1,
          };
        }
      }
    },
  };
}
