// The figures as tables for people.
import { cpus, release } from 'node:os';
import type { Measurement } from './measure.ts';
import type { Mode } from './options.ts';

interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** Of at least one value. */
function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
  return { min: sorted[0], median, max: sorted[sorted.length - 1] };
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  readonly node: string;
}

export function machine(): Machine {
  const all = cpus();
  return { cpu: all[0]?.model ?? 'unknown', cores: all.length, kernel: release(), node: process.version };
}

const mebi = 1024 * 1024;

function number(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

function spreadText(values: readonly number[]): string {
  const { min, median, max } = spread(values);
  return values.length === 1 ? number(median) : `${number(median)} (${number(min)} to ${number(max)})`;
}

/** Those in which a load runs, and its figures are compared. */
export type LoadMode = Exclude<Mode, 'gate' | 'idle'>;

interface Column {
  readonly title: string;
  value(measurement: Measurement): number;
}

const cpuColumn: Column = { title: 'CPU us/span', value: (m) => m.cpuMicrosecondsPerSpan };
const peakColumn: Column = { title: 'RSS peak MiB', value: (m) => m.rssPeakBytes / mebi };
const columnsByMode: Readonly<Record<LoadMode, readonly Column[]>> = {
  throughput: [
    cpuColumn,
    { title: 'spans/s', value: (m) => m.spansPerSecond },
    { title: 'RSS idle MiB', value: (m) => m.rssIdleBytes / mebi },
    peakColumn,
    { title: 'ack p50 ms', value: (m) => m.acknowledgement.p50 },
    { title: 'ack p99 ms', value: (m) => m.acknowledgement.p99 },
    { title: 'generator cores', value: (m) => m.generatorCores },
    { title: 'sink cores', value: (m) => m.sinkCores },
  ],
  stall: [
    peakColumn,
    { title: 'RSS idle MiB', value: (m) => m.rssIdleBytes / mebi },
    { title: 'acknowledged', value: (m) => m.account.acknowledged },
    { title: 'lost', value: (m) => m.account.lost },
    { title: 'duplicated', value: (m) => m.account.duplicated },
  ],
  latency: [
    { title: 'p50 ms', value: (m) => m.endToEnd.p50 },
    { title: 'p99 ms', value: (m) => m.endToEnd.p99 },
    { title: 'p99.9 ms', value: (m) => m.endToEnd.p999 },
    { title: 'max ms', value: (m) => m.endToEnd.max },
    { title: 'ack p50 ms', value: (m) => m.acknowledgement.p50 },
    { title: 'ack p99 ms', value: (m) => m.acknowledgement.p99 },
    { title: 'late p99 ms', value: (m) => m.lateness.p99 },
    cpuColumn,
    { title: 'spans/s', value: (m) => m.spansPerSecond },
  ],
};

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [line(rows[0]), rule, ...rows.slice(1).map(line)].join('\n');
}

function groups(measurements: readonly Measurement[]): { readonly label: string; readonly subjects: string[] }[] {
  const labels = [...new Set(measurements.map((m) => m.shape.label))];
  return labels.map((label) => ({
    label,
    subjects: [...new Set(measurements.filter((m) => m.shape.label === label).map((m) => m.subject))],
  }));
}

/** A line a size and subject; of several runs the median and the range. */
export function resultTable(measurements: readonly Measurement[], mode: LoadMode): string {
  const columns = columnsByMode[mode];
  const rows = [['spans/request', 'service', ...columns.map((column) => column.title)]];
  for (const { label, subjects } of groups(measurements)) {
    for (const subject of subjects) {
      const of = measurements.filter((m) => m.shape.label === label && m.subject === subject);
      rows.push([label, subject, ...columns.map((column) => spreadText(of.map((m) => column.value(m))))]);
    }
  }
  return table(rows);
}

/** How many times the first subject's figure the second's is, round by round: above 1 the first is better. */
export interface Ratio {
  readonly label: string;
  readonly figure: string;
  readonly ratio: Spread;
}

const comparedByMode: Readonly<Record<LoadMode, readonly Column[]>> = {
  throughput: [cpuColumn, peakColumn],
  stall: [peakColumn],
  latency: [{ title: 'p50', value: (m) => m.endToEnd.p50 }, { title: 'p99', value: (m) => m.endToEnd.p99 }, cpuColumn],
};

/** Of two subjects measured in turn, the same number of times. */
export function ratios(measurements: readonly Measurement[], mode: LoadMode): Ratio[] {
  const result: Ratio[] = [];
  for (const { label, subjects } of groups(measurements)) {
    const [ours, peers] = subjects.map((subject) =>
      measurements.filter((m) => m.shape.label === label && m.subject === subject),
    );
    if (peers === undefined) continue;
    for (const { title, value } of comparedByMode[mode]) {
      const values = ours.map((our, i) => value(peers[i]) / value(our));
      result.push({ label, figure: title, ratio: spread(values) });
    }
  }
  return result;
}

export function ratioTable(rows: readonly Ratio[]): string {
  return table([
    ['spans/request', 'peer / service', 'min', 'median', 'max'],
    ...rows.map(({ label, figure, ratio }) => [
      label,
      figure,
      number(ratio.min),
      number(ratio.median),
      number(ratio.max),
    ]),
  ]);
}

/** One line while the bench runs. */
export function progressLine(m: Measurement): string {
  const { account } = m;
  const figures = `${number(m.cpuMicrosecondsPerSpan)} us/span, ${number(m.spansPerSecond)} spans/s, peak ${number(m.rssPeakBytes / mebi)} MiB`;
  const books = `acknowledged ${account.acknowledged}, sampled out ${account.toDrop}, arrived ${account.arrived}, lost ${account.lost}, extra ${account.extra}`;
  const refused = Object.entries(m.requestsByStatus)
    .filter(([status]) => status !== 'OK')
    .map(([status, count]) => `, ${count} x ${status}`)
    .join('');
  return `${m.shape.label} spans/request, ${m.subject}: ${figures}; ${books}${refused}`;
}
