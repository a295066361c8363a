// The charts of the page as plain data: what is drawn, how it is named, and what it says in words. The script of the page
// (page/charts.js) draws them.
import { bytes, count, figure, milliseconds } from './figures.ts';
import type { LoadReport, ReportSeries } from './schema.ts';

/** Names of the colours in page/style.css. */
export type Colour = 'blue' | 'green' | 'red' | 'orange' | 'grey';

export interface ChartLine {
  readonly label: string;
  readonly colour: Colour;
  /** `faint`: thinner and paler, for what stands behind another line of the same colour. */
  readonly style: 'solid' | 'filled' | 'dashed' | 'faint';
  readonly values: readonly (number | null)[];
}

export interface Chart {
  readonly id: string;
  readonly title: string;
  /** What is to be seen, in a sentence: the text alternative. */
  readonly description: string;
  /** `percentile`: x are marks (see markOf). `time`: seconds of the run. */
  readonly axis: 'percentile' | 'time';
  readonly unit: 'ms' | 'spans/s' | 'requests' | 'bytes' | 'cores';
  /** Of the y axis. */
  readonly logarithmic: boolean;
  readonly x: readonly number[];
  readonly lines: readonly ChartLine[];
}

type Values = readonly (number | null)[];

const numbersOf = (values: Values): number[] => values.filter((value) => value !== null);
const greatest = (values: Values): number => numbersOf(values).reduce((most, value) => Math.max(most, value), 0);
const mean = (values: Values): number => {
  const numbers = numbersOf(values);
  return numbers.length === 0 ? 0 : numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
};

/** Latencies that lie far apart are told apart on a logarithmic axis only. */
const farApart = 100;

function spreadsWide(lines: readonly Values[]): boolean {
  const above = lines.flatMap(numbersOf).filter((value) => value > 0);
  const least = above.reduce((low, value) => Math.min(low, value), Number.POSITIVE_INFINITY);
  return above.length > 0 && greatest(above) / least > farApart;
}

const line = (label: string, colour: Colour, style: ChartLine['style'], values: Values): ChartLine => ({
  label,
  colour,
  style,
  values,
});

/** Where a percentile stands on the axis: 0 at 0%, 1 at 90%, 2 at 99%, 3 at 99.9%. */
const markOf = (percentile: number): number => -Math.log10(1 - percentile / 100);

type Curve = LoadReport['percentileCurve']['ack'];

/**
 * On the axis of marks. The maximum of n values stands at 1 - 1/n, where it becomes the answer to every percentile, but
 * never left of its neighbour.
 */
function curvePoints(curve: Curve, values: number): [x: number, ms: number][] {
  const points: [number, number][] = [];
  for (const [percentile, ms] of curve) {
    const before = points.at(-1)?.[0] ?? 0;
    points.push([percentile < 100 ? markOf(percentile) : Math.max(before, Math.log10(Math.max(1, values))), ms]);
  }
  return points;
}

/** Of the latencies by percentile; null when nothing was measured. */
export function percentileChart({ percentileCurve, ackLatencyMs, endToEndLatencyMs }: LoadReport): Chart | null {
  const ack = new Map(curvePoints(percentileCurve.ack, ackLatencyMs?.count ?? 0));
  const endToEnd = new Map(curvePoints(percentileCurve.endToEnd, endToEndLatencyMs?.count ?? 0));
  const x = [...new Set([...ack.keys(), ...endToEnd.keys()])].sort((a, b) => a - b);
  if (x.length === 0) return null;
  const values = (points: ReadonlyMap<number, number>): Values => x.map((at) => points.get(at) ?? null);
  const lines = [
    ...(ack.size > 0 ? [line('Acknowledged after', 'blue', 'solid', values(ack))] : []),
    ...(endToEnd.size > 0 ? [line('Arrived after', 'orange', 'dashed', values(endToEnd))] : []),
  ];
  const said = [
    ackLatencyMs === null
      ? ''
      : `99% of requests were acknowledged within ${milliseconds(ackLatencyMs.p99)}, the slowest in ${milliseconds(ackLatencyMs.max)}.`,
    endToEndLatencyMs === null
      ? ''
      : `99% of spans arrived within ${milliseconds(endToEndLatencyMs.p99)}, the slowest in ${milliseconds(endToEndLatencyMs.max)}.`,
  ];
  return {
    id: 'percentiles',
    title: 'Latency by percentile',
    description: said.filter((text) => text !== '').join(' '),
    axis: 'percentile',
    unit: 'ms',
    logarithmic: spreadsWide(lines.map((line) => line.values)),
    x,
    lines,
  };
}

function timeChart(
  series: ReportSeries,
  id: string,
  title: string,
  unit: Chart['unit'],
  description: string,
  lines: readonly (ChartLine | null)[],
): Chart {
  const present = lines.filter((line) => line !== null);
  const logarithmic = unit === 'ms' && id === 'latency' && spreadsWide(present.map((line) => line.values));
  return { id, title, description, axis: 'time', unit, logarithmic, x: series.second, lines: present };
}

function rateChart({ series }: LoadReport): Chart {
  const refused = greatest(series.refused);
  const refusals =
    refused === 0 ? 'Nothing was refused.' : `At worst ${count(refused)} spans were refused in a second.`;
  const description = `On average ${count(mean(series.acknowledged))} spans/s were acknowledged. ${refusals}`;
  return timeChart(series, 'rate', 'Rate', 'spans/s', description, [
    line('Sent', 'grey', 'dashed', series.generated),
    line('Acknowledged', 'blue', 'filled', series.acknowledged),
    series.arrived && line('Arrived', 'orange', 'dashed', series.arrived),
    line('Refused', 'red', 'solid', series.refused),
  ]);
}

function latencyChart({ series }: LoadReport): Chart {
  const worst = `The worst second had an acknowledgement p99 of ${milliseconds(greatest(series.ackP99Ms))}`;
  const endToEnd = series.endToEndP99Ms && `, and an end-to-end p99 of ${milliseconds(greatest(series.endToEndP99Ms))}`;
  return timeChart(series, 'latency', 'Latency over time', 'ms', `${worst}${endToEnd ?? ''}.`, [
    line('Ack p50', 'blue', 'faint', series.ackP50Ms),
    line('Ack p99', 'blue', 'solid', series.ackP99Ms),
    series.endToEndP50Ms && line('End to end p50', 'orange', 'faint', series.endToEndP50Ms),
    series.endToEndP99Ms && line('End to end p99', 'orange', 'dashed', series.endToEndP99Ms),
  ]);
}

function loadCharts({ series, backlog, lateness }: LoadReport): Chart[] {
  return [
    timeChart(
      series,
      'in-flight',
      'Requests in flight',
      'requests',
      `At most ${count(backlog.maxInFlight)} requests were without an answer at one time.`,
      [line('In flight', 'blue', 'filled', series.inFlight)],
    ),
    timeChart(
      series,
      'lateness',
      'Lateness of the generator',
      'ms',
      `99% of requests left within ${milliseconds(lateness.p99)} of their time, the latest after ${milliseconds(lateness.max)}.`,
      [line('Latest request', 'grey', 'filled', series.latenessMaxMs)],
    ),
  ];
}

function serviceCharts({ series, service }: LoadReport): Chart[] {
  if (service === null) return [];
  const cores = `It kept ${figure(service.cores)} processors busy on average, ${figure(service.cpuMicrosecondsPerSpan)} µs for each span.`;
  const memory = `At most ${bytes(service.peakRssBytes)} of memory, ${bytes(service.rssBytes)} at the end.`;
  return [
    ...(series.serviceCores === null
      ? []
      : [
          timeChart(series, 'cores', 'CPU of the service', 'cores', cores, [
            line('Cores busy', 'green', 'filled', series.serviceCores),
          ]),
        ]),
    ...(series.serviceRssBytes === null
      ? []
      : [
          timeChart(series, 'memory', 'Memory of the service', 'bytes', memory, [
            line('RSS', 'green', 'filled', series.serviceRssBytes),
          ]),
        ]),
  ];
}

/** Second by second; empty when the run did not last one. */
export const timeCharts = (report: LoadReport): Chart[] =>
  report.series.second.length === 0
    ? []
    : [rateChart(report), latencyChart(report), ...loadCharts(report), ...serviceCharts(report)];
