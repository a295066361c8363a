// Tables of what was measured: of several runs the median and the range, and the peer's figure over ours.
import type { LoadReport, ReportLatency } from '../loadgen/report/schema.ts';
import type { Group } from './cases.ts';
import type { Measurement } from './measure.ts';

interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** Of at least one value. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
  return { min: sorted[0], median, max: sorted[sorted.length - 1] };
}

const mebi = 1024 * 1024;

export function number(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

export function spreadText(values: readonly number[]): string {
  const { min, median, max } = spread(values);
  return values.length === 1 ? number(median) : `${number(median)} (${number(min)} to ${number(max)})`;
}

/** A figure of one run; null where the run has none. `base`: its base, in the same round. */
interface Column {
  readonly title: string;
  value(measurement: Measurement, base: Measurement | null): number | null;
  /** `less` or `more` of it is better; null: it is not compared. */
  readonly better: 'less' | 'more' | null;
}

const latency = (title: string, of: (m: Measurement) => ReportLatency | null, key: keyof ReportLatency): Column => ({
  title,
  value: (m) => of(m)?.[key] ?? null,
  better: null,
});
const compared = (column: Column): Column => ({ ...column, better: 'less' });
const ack = (m: Measurement) => m.report.ackLatencyMs;
const endToEnd = (m: Measurement) => m.report.endToEndLatencyMs;

const cpu: Column = { title: 'CPU us/span', value: (m) => m.report.cpuMicrosecondsPerSpan.service, better: 'less' };
const achieved: Column = { title: 'spans/s', value: (m) => m.report.rate.achieved, better: null };
const cores: Column = { title: 'cores', value: (m) => m.report.service?.cores ?? null, better: null };
const peak: Column = {
  title: 'RSS peak MiB',
  value: (m) => (m.report.service === null ? null : m.report.service.peakRssBytes / mebi),
  better: 'less',
};
const added: Column = {
  title: 'added us/span',
  value: (m, base) => {
    const [with_, without] = [m, base].map((one) => one?.report.cpuMicrosecondsPerSpan.service ?? null);
    return with_ === null || without === null ? null : with_ - without;
  },
  // A small difference of two figures may be 0, or less: no ratio says anything of it.
  better: null,
};
const ofHeld: Column = {
  title: 'of what was held',
  value: (m, base) =>
    base === null || base.report.rate.held === null ? null : m.report.rate.achieved / base.report.rate.held,
  better: null,
};
const idle: Column = { title: 'RSS idle MiB', value: (m) => m.rssIdleBytes / mebi, better: null };
const held: Column = { title: 'held spans/s', value: (m) => m.report.rate.held, better: 'more' };
const lost: Column = { title: 'lost', value: (m) => m.report.spans.lost, better: null };
const duplicated: Column = { title: 'twice', value: (m) => m.report.spans.duplicated, better: null };
const acknowledged: Column = { title: 'acknowledged', value: (m) => m.report.spans.acknowledged, better: null };
const refused: Column = {
  title: 'refused',
  value: ({ report: { spans } }) => spans.rejected + spans.failed,
  better: null,
};
const latencies: readonly Column[] = [
  latency('ack p50 ms', ack, 'p50'),
  latency('ack p95 ms', ack, 'p95'),
  latency('ack p99 ms', ack, 'p99'),
  latency('end to end p50 ms', endToEnd, 'p50'),
  compared(latency('end to end p99 ms', endToEnd, 'p99')),
];
const loader: readonly Column[] = [
  { title: 'generator cores', value: (m) => m.report.generator.cores, better: null },
  { title: 'sink cores', value: (m) => m.report.sink?.cores ?? null, better: null },
];

/** `second`: of the measured time; null where the run did not last so long. */
export function residentAt({ series }: Pick<LoadReport, 'series'>, second: number): number | null {
  const until = series.second.map((from, i) => from + series.seconds[i]);
  const at = until.findIndex((end) => Math.abs(end - second) <= 0.5);
  return at < 0 ? null : (series.serviceRssBytes?.[at] ?? null);
}

const resident = (title: string, second: (report: LoadReport) => number): Column => ({
  title,
  value: ({ report }) => {
    // A ramp has no one load, of which to look at memory.
    const bytes = report.ramp === null ? residentAt(report, second(report)) : null;
    return bytes === null ? null : bytes / mebi;
  },
  better: null,
});

export type LoadGroup = Exclude<Group, 'idle'>;

/** Of a load that goes as fast as it is answered. */
const closed: readonly Column[] = [
  cpu,
  achieved,
  idle,
  peak,
  latency('ack p50 ms', ack, 'p50'),
  latency('ack p99 ms', ack, 'p99'),
  ...loader,
];

const columnsOf: Readonly<Record<LoadGroup, readonly Column[]>> = {
  sizes: closed,
  chains: closed,
  http: closed,
  profiles: [cpu, achieved, peak, ...latencies],
  held: [held, lost],
  overload: [
    held,
    achieved,
    ofHeld,
    resident('RSS at 10 s MiB', () => 10),
    resident('RSS at the end MiB', ({ durationSeconds }) => durationSeconds),
    peak,
    lost,
    refused,
    latency('ack p99 ms', ack, 'p99'),
  ],
  compression: [cpu, achieved, peak, ...loader],
  latency: [...latencies, cpu, cores, achieved, lost, latency('late p99 ms', (m) => m.report.lateness, 'p99')],
  delivery: [cpu, added, achieved, peak, ...loader],
  stall: [peak, idle, acknowledged, lost, duplicated],
};

export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [line(rows[0]), rule, ...rows.slice(1).map(line)].join('\n');
}

const distinct = (values: readonly string[]): string[] => [...new Set(values)];
const named = (measurements: readonly Measurement[], label: string | null, subject: string): Measurement[] =>
  measurements.filter((m) => m.case.label === label && m.subject === subject);

/** What the column says of `one`, which was measured with the others. */
function figureOf(column: Column, one: Measurement, all: readonly Measurement[]): number | null {
  const base = named(all, one.case.base, one.subject).find(({ round }) => round === one.round);
  return column.value(one, base ?? null);
}

/** A line a case and subject. */
export function resultTable(measurements: readonly Measurement[], group: LoadGroup): string {
  const columns = columnsOf[group];
  const rows = [['', '', ...columns.map((column) => column.title)]];
  const ofGroup = measurements.filter((m) => m.case.group === group);
  for (const label of distinct(ofGroup.map((m) => m.case.label))) {
    for (const subject of distinct(ofGroup.map((m) => m.subject))) {
      const of = named(ofGroup, label, subject);
      const cells = columns.map((column) => {
        const values = of.map((m) => figureOf(column, m, ofGroup)).filter((value) => value !== null);
        return values.length === 0 ? '' : spreadText(values);
      });
      rows.push([label, subject, ...cells]);
    }
  }
  return table(rows);
}

/** How many times better the first subject is than the second, round by round. */
export interface Ratio {
  readonly label: string;
  readonly figure: string;
  readonly ratio: Spread;
}

/** Of two subjects measured in turn. */
export function ratios(measurements: readonly Measurement[], group: LoadGroup): Ratio[] {
  const ofGroup = measurements.filter((m) => m.case.group === group);
  const [ours, peer] = distinct(ofGroup.map((m) => m.subject));
  if (peer === undefined) return [];
  return distinct(ofGroup.map((m) => m.case.label)).flatMap((label) =>
    columnsOf[group].flatMap((column): Ratio[] => {
      const { title, better } = column;
      if (better === null) return [];
      const peers = named(ofGroup, label, peer);
      const values = named(ofGroup, label, ours).map((our) => {
        const theirs = peers.find(({ round }) => round === our.round);
        if (theirs === undefined) return null;
        const [a, b] = [figureOf(column, our, ofGroup), figureOf(column, theirs, ofGroup)];
        if (a === null || b === null) return null;
        return better === 'less' ? b / a : a / b;
      });
      const known = values.filter((one) => one !== null);
      return known.length === 0 ? [] : [{ label, figure: title, ratio: spread(known) }];
    }),
  );
}

export function ratioTable(rows: readonly Ratio[]): string {
  return table([
    ['', 'times better', 'min', 'median', 'max'],
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
export function progressLine({ subject, case: { label }, report }: Measurement): string {
  const { spans, rate, service, requests } = report;
  const cost = service === null ? '' : `${number(service.cpuMicrosecondsPerSpan)} us/span, `;
  const heldText = report.ramp === null ? '' : `held ${number(rate.held ?? 0)} spans/s, `;
  const figures = `${heldText}${cost}${number(rate.achieved)} spans/s, peak ${number((service?.peakRssBytes ?? 0) / mebi)} MiB`;
  const books = `acknowledged ${spans.acknowledged}, expected ${spans.expected}, arrived ${spans.arrived}, lost ${spans.lost}`;
  const refused = Object.entries(requests.byStatus)
    .filter(([status]) => status !== 'OK')
    .map(([status, count]) => `, ${count} x ${status}`)
    .join('');
  return `${label}, ${subject}: ${figures}; ${books}${refused}`;
}
