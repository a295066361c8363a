// The closing account of a run as text for a terminal.
import { type Paint, painter } from './colours.ts';
import { bytes, count, figure, milliseconds, oneLine, share } from './figures.ts';
import type { LoadReport, ReportLatency } from './schema.ts';
import {
  type AccountLine,
  answerLines,
  arrivalLines,
  faultLines,
  serviceLines,
  type Tone,
  targetText,
  timeText,
  toneName,
  verdictOf,
  waitText,
} from './words.ts';

type Align = 'left' | 'right';

/** Columns as wide as their widest cell. Cells are painted after they were measured. */
function aligned(
  rows: readonly (readonly string[])[],
  align: readonly Align[],
  paint: (row: number, text: string) => string,
): string[] {
  const widths = align.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row, i) => {
    const cells = row.map((cell, column) =>
      align[column] === 'left' ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
    );
    return paint(i, `  ${cells.join('  ')}`.trimEnd());
  });
}

function accountRows(report: LoadReport): { readonly line: AccountLine; readonly part: string }[] {
  const { spans } = report;
  const of = (total: number) => (line: AccountLine) => ({
    line,
    part: line.kind === 'total' || line.kind === 'aside' || total === 0 ? '' : share(line.value, total),
  });
  // The total of the arrivals is the line Acknowledged above it.
  const [, ...arrivals] = arrivalLines(report);
  return [
    ...answerLines(report).map(of(spans.generated)),
    ...arrivals.map(of(spans.acknowledged)),
    ...faultLines(report).map(of(0)),
  ];
}

function accountPart(report: LoadReport, paint: Paint): string[] {
  const rows = accountRows(report);
  const cells = rows.map(({ line, part }) => [line.label.toLowerCase(), count(line.value), part, line.meaning]);
  const text = aligned(cells, ['left', 'right', 'right', 'left'], (row, said) => {
    const { kind, value } = rows[row].line;
    return kind === 'fault' && value > 0 ? paint(['red', 'bold'], said) : said;
  });
  const unknown = report.spans.arrived === null ? ['  without --sink, what arrived was not counted'] : [];
  return ['Spans', ...text, ...unknown];
}

function servicePart(report: LoadReport): string[] {
  const rows = serviceLines(report).map(({ label, value, meaning }) => [label.toLowerCase(), count(value), meaning]);
  if (rows.length === 0) return [];
  return ['', 'Spans, as the service counts them', ...aligned(rows, ['left', 'right', 'left'], (_, text) => text)];
}

function latencyPart(report: LoadReport, paint: Paint): string[] {
  const { ackLatencyMs, responseLatencyMs, endToEndLatencyMs, lateness } = report;
  // Where all were acknowledged it is the same.
  const others = responseLatencyMs?.count === ackLatencyMs?.count ? null : responseLatencyMs;
  const row = (name: string, of: ReportLatency | null): string[][] =>
    of === null ? [] : [[name, ...[of.p50, of.p90, of.p95, of.p99, of.p999, of.max].map(milliseconds)]];
  const rows = [
    ['', 'p50', 'p90', 'p95', 'p99', 'p99.9', 'max'],
    ...row('acknowledged after', ackLatencyMs),
    ...row('answered or given up', others),
    ...row('arrived after', endToEndLatencyMs),
    ...row('sent too late by', lateness),
  ];
  const align: Align[] = ['left', 'right', 'right', 'right', 'right', 'right', 'right'];
  return ['Latency', ...aligned(rows, align, (i, text) => (i === 0 ? paint('dim', text) : text))];
}

function rampPart({ ramp }: LoadReport, paint: Paint): string[] {
  if (ramp === null) return [];
  const rows = ramp.map((step) => [
    count(step.target),
    count(step.achieved),
    step.ackP99Ms === null ? '' : milliseconds(step.ackP99Ms),
    step.held ? 'held' : `not held: ${oneLine(step.why)}`,
  ]);
  const head = ['target', 'achieved', 'ack p99', ''];
  const text = aligned([head, ...rows], ['right', 'right', 'right', 'left'], (i, said) =>
    i === 0 ? paint('dim', said) : said,
  );
  return ['', 'Ramp (spans/s)', ...text];
}

function costRows({ generator, sink, service }: LoadReport): string[][] {
  const row = (name: string, of: { cpuMicrosecondsPerSpan: number; cores: number }, more: string) => [
    name,
    `${figure(of.cpuMicrosecondsPerSpan)} µs a span`,
    `${figure(of.cores)} cores`,
    more,
  ];
  return [
    ...(service === null ? [] : [row('service', service, `${bytes(service.peakRssBytes)} at most`)]),
    row('generator', generator, waitText(generator)),
    ...(sink === null ? [] : [row('sink', sink, waitText(sink))]),
  ];
}

function requestsPart({ requests, rate, backlog }: LoadReport): string[] {
  const statuses = Object.entries(requests.byStatus).sort(([, a], [, b]) => b - a);
  const unsent = backlog.unsent > 0 ? `; ${count(backlog.unsent)} fell due and could not be sent` : '';
  return [
    'Requests',
    `  ${count(requests.sent)} sent in all, ${figure(rate.requestsPerSecond)} a second while it was measured; at most ${count(backlog.maxInFlight)} in flight${unsent}`,
    ...aligned(
      statuses.map(([status, number]) => [oneLine(status), count(number), share(number, requests.sent)]),
      ['left', 'right', 'right'],
      (_, text) => text,
    ),
    ...(requests.firstFailure === null ? [] : [`  first failure: ${oneLine(requests.firstFailure)}`]),
  ];
}

const toneStyle: Readonly<Record<Tone, 'green' | 'yellow' | 'red'>> = { good: 'green', unsure: 'yellow', bad: 'red' };

function verdictPart(report: LoadReport, paint: Paint): string[] {
  const { tone, headline, problems } = verdictOf(report);
  return [
    ...problems.map((problem) => `${paint(toneStyle[tone], '-')} ${oneLine(problem)}`),
    paint([toneStyle[tone], 'bold'], `${toneName[tone]}: ${oneLine(headline)}`),
  ];
}

/** Lines with line ends; the verdict is the last one, what is wrong stands above it. */
export function renderSummary(report: LoadReport, paint: Paint = painter(false)): string {
  const { profile, protocol, endpoint, rate, seed } = report;
  return [
    oneLine(`${profile} over ${protocol} to ${endpoint}, ${timeText(report)}, seed ${seed}`),
    `${count(rate.achieved)} spans/s acknowledged; asked for: ${targetText(report)}`,
    '',
    ...accountPart(report, paint),
    ...servicePart(report),
    '',
    ...requestsPart(report),
    '',
    ...latencyPart(report, paint),
    ...rampPart(report, paint),
    '',
    'Cost',
    ...aligned(costRows(report), ['left', 'right', 'right', 'left'], (_, text) => text),
    '',
    ...verdictPart(report, paint),
    '',
  ].join('\n');
}
