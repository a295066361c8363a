import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** Milliseconds; all 0 when nothing was recorded. */
export interface Latency {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** A point of the curve over percentiles: up to which latency, in milliseconds, so many percent stayed. */
export type CurvePoint = readonly [percentile: number, milliseconds: number];

export interface LatencyRecord extends Latency {
  /** From 0 to 100 percent, denser towards the end; empty when nothing was recorded. */
  readonly curve: readonly CurvePoint[];
}

export interface LatencyRecorder {
  /** Times under a microsecond count as one. */
  record(nanoseconds: number): void;
  reset(): void;
  summary(): Latency;
  withCurve(): LatencyRecord;
  /** Of what was recorded since this was last asked for. */
  lately(): Latency;
}

/** As HDR histograms are drawn: so many points each time that the rest to 100 percent is halved. */
const pointsPerHalving = 5;

const milliseconds = (microseconds: number): number => Math.round(microseconds) / 1000;

function summaryOf(histogram: RecordableHistogram): Latency {
  const at = (percentile: number) => (histogram.count === 0 ? 0 : milliseconds(histogram.percentile(percentile)));
  return {
    count: histogram.count,
    p50: at(50),
    p90: at(90),
    p95: at(95),
    p99: at(99),
    p999: at(99.9),
    max: histogram.count === 0 ? 0 : milliseconds(histogram.max),
  };
}

function curveOf(histogram: RecordableHistogram): CurvePoint[] {
  if (histogram.count === 0) return [];
  const points: CurvePoint[] = [[0, milliseconds(histogram.min)]];
  // As far as one value in all that were recorded.
  for (let i = 1; 2 ** (i / pointsPerHalving) <= histogram.count; i++) {
    const percentile = 100 * (1 - 2 ** (-i / pointsPerHalving));
    points.push([Number(percentile.toFixed(6)), milliseconds(histogram.percentile(percentile))]);
  }
  points.push([100, milliseconds(histogram.max)]);
  return points;
}

/** Records with three digits, in microseconds, as node:perf_hooks' histogram does. */
export function createLatencyRecorder(): LatencyRecorder {
  // Every value is recorded once, in the second; the first has those of which `lately` has told.
  const told = createHistogram();
  const recent = createHistogram();

  function tell(): void {
    if (recent.count > 0) told.add(recent);
    recent.reset();
  }
  const all = () => {
    const sum = createHistogram();
    for (const part of [told, recent]) if (part.count > 0) sum.add(part);
    return sum;
  };
  return {
    record: (nanoseconds) => recent.record(Math.max(1, Math.round(nanoseconds / 1000))),
    reset() {
      told.reset();
      recent.reset();
    },
    summary: () => summaryOf(all()),
    withCurve() {
      const sum = all();
      return { ...summaryOf(sum), curve: curveOf(sum) };
    },
    lately() {
      const summary = summaryOf(recent);
      tell();
      return summary;
    },
  };
}
