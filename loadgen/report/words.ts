// What a report says in plain words: the same in the page and on the terminal.
import { count, counted, duration, share } from './figures.ts';
import type { LoadReport } from './schema.ts';

/** `bad`: something was lost or went wrong. `unsure`: nothing went wrong that could be seen, but it proves little. */
export type Tone = 'good' | 'unsure' | 'bad';

export interface Verdict {
  readonly tone: Tone;
  readonly headline: string;
  /** A sentence or two. */
  readonly summary: string;
  /** What is wrong besides what the headline says, a line each. */
  readonly problems: readonly string[];
}

/** Of the findings that speak against a service, the gravest first. */
function finding({ spans }: LoadReport): string | null {
  const { lost, altered, unexpected, duplicated, foreign, malformed } = spans;
  if (lost) return `${counted(lost, 'acknowledged span was', 'acknowledged spans were')} lost`;
  if (altered) return `${counted(altered, 'span arrived', 'spans arrived')} altered`;
  if (unexpected) return `${counted(unexpected, 'span', 'spans')} arrived that should have been dropped`;
  if (malformed) return `${counted(malformed, 'request', 'requests')} arrived that cannot be read`;
  if (foreign) return `${counted(foreign, 'span', 'spans')} arrived that nobody sent`;
  if (duplicated) return `${counted(duplicated, 'span', 'spans')} arrived more than once`;
  return null;
}

/** Whether the service's own counters say that it took and sent just what was acknowledged. */
function isConfirmed({ spans, serviceAccount }: LoadReport): boolean {
  const { acknowledged } = spans;
  return serviceAccount?.accepted === acknowledged && serviceAccount.sent === acknowledged;
}

/** What there is to add where --fault made the sink refuse for good. */
function refusedBySink({ spans: { rejectedBySink } }: LoadReport): string {
  return rejectedBySink ? `; the sink itself refused ${count(rejectedBySink)} for good, as --fault asked` : '';
}

function goodHeadline(report: LoadReport): string {
  const { spans, rate, ramp } = report;
  if (ramp !== null && rate.held === null) return 'No rate of the ramp was held';
  if (rate.held !== null) {
    return `${count(rate.held)} spans/s held${spans.lost === null ? '' : ', and nothing acknowledged was lost'}`;
  }
  if (spans.lost !== null) return `Nothing that was acknowledged was lost${refusedBySink(report)}`;
  const refused = spans.rejected + spans.failed;
  // How many were not is a remark of the verdict.
  if (refused > 0) return 'Not every span was acknowledged';
  return isConfirmed(report)
    ? 'Every span was acknowledged, and the service says that it sent them all'
    : 'Every span was acknowledged';
}

function headline(report: LoadReport): string {
  const { verdict, spans, generator, sink } = report;
  if (verdict.ok) {
    const [remark] = verdict.remarks;
    return remark === undefined ? goodHeadline(report) : `${goodHeadline(report)}, but ${remark}`;
  }
  if (spans.acknowledged === 0) return 'No span was acknowledged';
  // A duplicate may be right: where the sink had requests sent again.
  if (spans.lost || spans.altered || spans.unexpected || spans.malformed || spans.foreign) return finding(report) ?? '';
  if (spans.duplicated && verdict.problems.length > 0) return finding(report) ?? '';
  if (generator.bottleneck) return 'The load generator was the limit, not the service';
  if (sink?.bottleneck) return 'The sink was the limit, not the service';
  return finding(report) ?? verdict.problems[0] ?? 'Something went wrong';
}

const verb = (value: number): string => (Math.round(value) === 1 ? 'was' : 'were');

/** What became of the spans that were sent. */
function fate(report: LoadReport): string {
  const { generated, acknowledged, rejected, failed, expected, arrived, altered } = report.spans;
  const most =
    acknowledged === generated
      ? `All ${counted(generated, 'span')}`
      : `${count(acknowledged)} of ${counted(generated, 'span')}`;
  const answers = [`${most} ${verb(acknowledged)} acknowledged`];
  if (rejected > 0) answers.push(`${count(rejected)} ${verb(rejected)} refused`);
  if (failed > 0) answers.push(`${count(failed)} got no clear answer`);
  const list = answers.length === 1 ? answers[0] : `${answers.slice(0, -1).join(', ')} and ${answers.at(-1)}`;
  if (expected === null || arrived === null) return `${list}. There was no sink: whether they arrived was not checked.`;
  const refusal = refusedBySink(report);
  if (expected !== acknowledged) {
    const came = arrived === expected ? 'all of those did' : `${count(arrived)} did`;
    return `${list}. ${count(expected)} of them ${verb(expected)} meant to arrive, and ${came}${refusal}.`;
  }
  if (arrived !== expected) return `${list}, and ${count(arrived)} of those arrived${refusal}.`;
  return `${list}, and all of those arrived${altered === 0 ? ', unaltered' : ''}.`;
}

function tone(report: LoadReport): Tone {
  const { verdict, spans, generator, sink, outcome, ramp, rate } = report;
  const wrong = spans.lost || spans.altered || spans.unexpected || spans.malformed || spans.foreign;
  const isLimited = generator.bottleneck || sink?.bottleneck === true;
  if (!verdict.ok) return isLimited && !wrong && verdict.problems.length === 0 ? 'unsure' : 'bad';
  const found = ramp === null || rate.held !== null;
  const isProven = verdict.remarks.length === 0 && (spans.lost !== null || isConfirmed(report));
  return !isProven || outcome === 'interrupted' || !found ? 'unsure' : 'good';
}

/** What is wrong, and what is to be known besides. */
function problems({ verdict, generator, sink }: LoadReport): string[] {
  const limits = [
    ...(generator.bottleneck ? [`the generator was the bottleneck: ${generator.why}`] : []),
    ...(sink?.bottleneck ? [`the sink was the bottleneck: ${sink.why}`] : []),
  ];
  return [...verdict.problems, ...limits, ...verdict.remarks];
}

export function verdictOf(report: LoadReport): Verdict {
  const said = headline(report);
  return {
    tone: tone(report),
    headline: said,
    summary: fate(report),
    problems: problems(report).filter((problem) => problem !== said && !said.endsWith(`, but ${problem}`)),
  };
}

/** Names of the tones, for those who do not see colours. */
export const toneName: Readonly<Record<Tone, string>> = { good: 'Passed', unsure: 'Not proven', bad: 'Failed' };

export function targetText({ rate }: LoadReport): string {
  if (rate.target === 'max') return 'as fast as it was answered';
  if (typeof rate.target === 'number') return `${count(rate.target)} spans/s`;
  return `${count(rate.target.from)} to ${count(rate.target.to)} spans/s`;
}

export function timeText({ durationSeconds, warmupSeconds, outcome }: LoadReport): string {
  const measured = duration(durationSeconds);
  const ended = outcome === 'interrupted' ? ', ended early' : '';
  return warmupSeconds === 0
    ? `${measured}${ended}`
    : `${measured} after ${duration(warmupSeconds)} of warm-up${ended}`;
}

/** How long a process waited for a processor, where that is worth a word; else empty. */
export function waitText({ cpuWaitShare }: { readonly cpuWaitShare: number | null }): string {
  return cpuWaitShare === null || cpuWaitShare < 0.01
    ? ''
    : `waited for a processor ${share(cpuWaitShare, 1)} of the time`;
}

/** A line of the account. */
export interface AccountLine {
  readonly label: string;
  readonly value: number;
  readonly meaning: string;
  /** `total`: what the lines since the last total add up to. `fault`: should be zero. `info`: may be anything.
   * `aside`: not of the total. */
  readonly kind: 'total' | 'part' | 'fault' | 'info' | 'aside';
}

const line = (kind: AccountLine['kind'], label: string, value: number, meaning: string): AccountLine => ({
  kind,
  label,
  value,
  meaning,
});

/** How the spans that were sent were answered; the total first. */
export function answerLines({ spans, backlog }: LoadReport): AccountLine[] {
  const after = backlog.flushedSpans > 0 ? `, ${count(backlog.flushedSpans)} of them after the load had ended` : '';
  return [
    line('total', 'Generated', spans.generated, `spans in requests that were sent${after}`),
    line('part', 'Acknowledged', spans.acknowledged, 'the service said that it took them'),
    line('info', 'Rejected', spans.rejected, 'the service said that it did not take them'),
    line('info', 'Failed', spans.failed, 'no clear answer: a timeout, or the connection failed'),
  ];
}

/** What became of those acknowledged; the total first. Empty without a sink. */
export function arrivalLines({ spans }: LoadReport): AccountLine[] {
  const { dropped, sampledOut, arrived, lost, acknowledged, arrivedUnacknowledged } = spans;
  if (dropped === null || sampledOut === null || arrived === null || lost === null) return [];
  return [
    line('total', 'Acknowledged', acknowledged, 'the service answers for these'),
    ...(dropped > 0 ? [line('part', 'Filtered out', dropped, 'as the chain is meant to')] : []),
    ...(sampledOut > 0 ? [line('part', 'Sampled out', sampledOut, 'as the chain is meant to')] : []),
    line('part', 'Arrived', arrived, 'each counted once'),
    line('fault', 'Lost', lost, 'were to arrive, and never did'),
    ...(spans.rejectedBySink
      ? [
          line(
            'part',
            'Rejected by the sink',
            spans.rejectedBySink,
            'refused for good by --fault: no loss of the service',
          ),
        ]
      : []),
    ...(arrivedUnacknowledged
      ? [line('aside', 'Not acknowledged', arrivedUnacknowledged, 'arrived all the same, which is allowed')]
      : []),
  ];
}

/** What the service says of itself. Empty without its metrics. */
export function serviceLines({ serviceAccount, spans }: LoadReport): AccountLine[] {
  if (serviceAccount === null) return [];
  const { accepted, refused, sent, failed } = serviceAccount;
  const isLoss = failed > (spans.rejectedBySink ?? 0);
  return [
    line('info', 'Accepted', accepted, 'its receivers took them'),
    line('info', 'Refused', refused, 'its receivers did not take them'),
    line('info', 'Sent', sent, 'its exporters sent them'),
    line(isLoss ? 'fault' : 'info', 'Given up', failed, 'its exporters could not send them'),
  ];
}

/** What should not be there. Empty without a sink. */
export function faultLines({ spans, verdict }: LoadReport): AccountLine[] {
  const lines: readonly (readonly [AccountLine['kind'], string, number | null, string])[] = [
    ['fault', 'Altered', spans.altered, 'changed where the chain should not'],
    // Right where the sink's faults had requests sent again: the verdict knows.
    [
      verdict.ok && spans.duplicated ? 'info' : 'fault',
      'Duplicated',
      spans.duplicated,
      'arrivals beyond the first of a span',
    ],
    ['fault', 'Unexpected', spans.unexpected, 'arrived, and should have been dropped'],
    ['fault', 'Foreign', spans.foreign, 'arrived, and are not of this run'],
    ['fault', 'Malformed', spans.malformed, 'requests that arrived and cannot be read'],
  ];
  return lines.flatMap(([kind, label, value, meaning]) => (value === null ? [] : [line(kind, label, value, meaning)]));
}
