import { createHistogram } from 'node:perf_hooks';
import type { Latency } from './messages.ts';

export interface LatencyRecorder {
  /** Times under a microsecond count as one. */
  record(nanoseconds: number): void;
  reset(): void;
  summary(): Latency;
}

/** Records with three digits, in microseconds, as node:perf_hooks' histogram does. */
export function createLatencyRecorder(): LatencyRecorder {
  const histogram = createHistogram();
  const milliseconds = (microseconds: number) => Math.round(microseconds) / 1000;
  return {
    record: (nanoseconds) => histogram.record(Math.max(1, Math.round(nanoseconds / 1000))),
    reset: () => histogram.reset(),
    summary() {
      const at = (percentile: number) => (histogram.count === 0 ? 0 : milliseconds(histogram.percentile(percentile)));
      return {
        count: histogram.count,
        p50: at(50),
        p90: at(90),
        p95: at(95),
        p99: at(99),
        p999: at(99.9),
        max: at(100),
      };
    },
  };
}
