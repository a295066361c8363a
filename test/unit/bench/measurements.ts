// Measurements as the bench makes them, with the figures that a test is about.
import { allCases, type LoadCase } from '../../../bench/cases.ts';
import { type Measurement, withRate } from '../../../bench/measure.ts';
import type { LoadReport } from '../../../loadgen/report/schema.ts';
import { sampleReport } from '../loadgen/report/sample-report.ts';

interface Figures {
  readonly round?: number;
  /** CPU microseconds a span. */
  readonly cpu?: number;
  /** Spans a second. */
  readonly achieved?: number;
  readonly held?: number | null;
  readonly peakMiB?: number;
}

export function caseOf(label: string): LoadCase {
  const found = allCases.find((one) => one.label === label);
  if (found === undefined || found.group === 'idle') throw new TypeError(`no such load: ${label}`);
  return found;
}

export function measurement(
  label: string,
  subject: string,
  { round = 0, cpu = 1, achieved = 1000, held = null, peakMiB = 100 }: Figures = {},
  changes: Partial<LoadReport> = {},
): Measurement {
  const load = withRate(caseOf(label), 1000);
  if (load === null) throw new TypeError(`${label} has no rate`);
  const { rate, service } = sampleReport();
  if (service === null) throw new TypeError('the sample has no service');
  const report = sampleReport({
    rate: { ...rate, achieved, held },
    service: { ...service, cpuMicrosecondsPerSpan: cpu, peakRssBytes: peakMiB * 1024 * 1024 },
    cpuMicrosecondsPerSpan: { generator: 1, service: cpu },
    ...changes,
  });
  return { subject, case: load, round, rssIdleBytes: 50 * 1024 * 1024, report };
}

/** The cells of a table's lines, without the rule below its head. */
export function cellsOf(table: string): string[][] {
  const lines = table.split('\n').filter((line) => !line.startsWith('|--'));
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
