// What a run says: its report, what is wrong, and the exit code.
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import type { GeneratorReport } from './generator/messages.ts';
import type { Latency, LatencyRecord } from './latency.ts';
import { type Limits, leastAchieved, limitsOf, starvation } from './limits.ts';
import { type Climb, highestHeld } from './ramp.ts';
import { type LoadReport, reportVersion } from './report/schema.ts';
import type { RunOptions } from './run.ts';
import type { ServiceAccount } from './service-account.ts';
import type { SinkReport, SpanName } from './sink/messages.ts';
import {
  generatorCores,
  generatorWait,
  type Moment,
  secondsBetween,
  serviceCores,
  sinkCores,
  sinkWait,
  type Watch,
} from './watch.ts';
import { withoutCredentials } from './without-credentials.ts';

/** What was seen of a run. Between `begin` and `end` load was sent; at `rest` nothing was under way any more. */
export interface Evidence {
  readonly begin: Moment;
  readonly end: Moment;
  readonly rest: Moment;
  /** When the load had ended, and before what was still to be sent was: latencies. Of a ramp, the step that is shown. */
  readonly measured: GeneratorReport;
  readonly measuredSink: SinkReport | null;
  /** At the end of all: the account. */
  readonly sent: GeneratorReport;
  /** null without a sink. */
  readonly sink: SinkReport | null;
  readonly ramp: Climb | null;
}

export const exitCodes = { well: 0, wrong: 1, usage: 2, bottleneck: 3 } as const;

export function spanloadVersion(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}

export function machine(): LoadReport['machine'] {
  const cpu = cpus()[0]?.model ?? 'unknown';
  return { cpu, cores: availableParallelism(), kernel: release(), node: process.version };
}

const perSpan = (microseconds: number, spans: number): number => (spans === 0 ? 0 : microseconds / spans);

function generatorFigures({ begin, end }: Evidence, { generator: why }: Limits): LoadReport['generator'] {
  const used = end.generator.cpuMicroseconds - begin.generator.cpuMicroseconds;
  return {
    cpuMicrosecondsPerSpan: perSpan(used, end.generator.spans.generated - begin.generator.spans.generated),
    cores: generatorCores(end, begin),
    cpuWaitShare: generatorWait(end, begin),
    bottleneck: why !== '',
    why,
  };
}

function sinkFigures({ begin, end }: Evidence, { sink: why }: Limits): LoadReport['sink'] {
  if (begin.sink === null || end.sink === null) return null;
  const spans = end.sink.distinct - begin.sink.distinct;
  return {
    cpuMicrosecondsPerSpan: perSpan(end.sink.cpuMicroseconds - begin.sink.cpuMicroseconds, spans),
    cores: sinkCores(end, begin),
    cpuWaitShare: sinkWait(end, begin),
    bottleneck: why !== '',
    why,
  };
}

/** CPU is taken between two moments at which nothing was under way, so that the spans between them caused all of it. */
function serviceFigures({ begin, end, rest }: Evidence, pid: number | null, peakBytes: number): LoadReport['service'] {
  if (pid === null || begin.service === null || rest.service === null) return null;
  const spans = rest.generator.spans.acknowledged - begin.generator.spans.acknowledged;
  return {
    pid,
    cpuMicrosecondsPerSpan: perSpan(rest.service.cpuMicroseconds - begin.service.cpuMicroseconds, spans),
    cores: serviceCores(end, begin) ?? 0,
    peakRssBytes: peakBytes,
    rssBytes: rest.service.residentBytes,
  };
}

/** What is wrong, a line each. Where faults were asked for, what clients sent again is no fault. */
function problemsOf({ sent, sink, rest, ramp }: Evidence, { faults }: RunOptions, pid: number | null): string[] {
  const problems: string[] = [];
  const say = (count: number, what: string) => {
    if (count > 0) problems.push(`${count} ${what}`);
  };
  if (pid !== null && rest.service === null) problems.push(`the process ${pid} (--pid) ended during the run`);
  if (sent.disconnected !== null)
    problems.push(`the server is gone, and cannot be reached again: ${sent.disconnected}`);
  if (sent.spans.acknowledged === 0) {
    const reason = sent.firstFailure === '' ? '' : `; the first request: ${sent.firstFailure}`;
    problems.push(`no span was acknowledged${reason}`);
  }
  if (ramp !== null && ramp.steps.length > 0 && highestHeld(ramp.steps) === null) {
    problems.push('no rate of the ramp was held');
  }
  if (sink === null) return problems;
  const { account } = sink;
  say(account.lost, 'acknowledged spans never arrived');
  say(account.unexpected, 'spans arrived that the pipeline was to drop');
  if (faults.length === 0) say(account.duplicated, 'spans arrived more than once');
  say(account.altered, 'spans arrived with fields changed that the pipeline should not touch');
  say(account.foreign, 'spans arrived that are not of this run');
  say(account.malformed, 'requests arrived that are no spans');
  return problems;
}

/** What makes figures say less than they seem to: no fault of the pipeline's, and not to be overlooked. */
function remarksOf({ sent, ramp, begin, end }: Evidence, rate: LoadReport['rate'], interrupted: boolean): string[] {
  const starved = starvation(begin, end);
  if (ramp !== null) return starved;
  const remarks: string[] = [];
  const whole = (value: number) => Math.round(value).toLocaleString('en-US');
  if (typeof rate.target === 'number' && rate.achieved < rate.target * leastAchieved) {
    remarks.push(`the rate was not met: ${whole(rate.achieved)} of ${whole(rate.target)} spans/s were acknowledged`);
  }
  const say = (count: number, what: string) => {
    if (count > 0) remarks.push(`${whole(count)} ${what}`);
  };
  say(sent.spans.rejected, 'spans were refused');
  say(sent.spans.failed, 'spans got no clear answer');
  say(sent.requests.unsentSpans, 'spans fell due and were never sent: as much as allowed was under way');
  say(
    sent.notFlushed.spans,
    interrupted
      ? 'spans of traces that had not ended yet were not sent any more: the run was interrupted'
      : 'spans were still to be sent when the run ended, and nobody took them',
  );
  return [...remarks, ...starved];
}

const latencyOf = (latency: Latency | LatencyRecord | undefined): Latency | null => {
  if (latency === undefined || latency.count === 0) return null;
  const { count, p50, p90, p95, p99, p999, max } = latency;
  return { count, p50, p90, p95, p99, p999, max };
};

function examplesOf(sink: SinkReport | null): LoadReport['examples'] {
  if (sink === null) return { lost: [], duplicated: [], unexpected: [], altered: [] };
  const { lost, duplicated, unexpected, altered } = sink.examples;
  const name = ({ traceId, spanId }: SpanName) => ({ traceId, spanId });
  return {
    lost: lost.map(name),
    duplicated: duplicated.map(name),
    unexpected: unexpected.map(name),
    altered: altered.map((one) => ({ ...name(one), what: one.what })),
  };
}

function accountOf({ sent, sink }: Evidence): LoadReport['spans'] {
  const { generated, acknowledged, rejected, failed } = sent.spans;
  const account = sink?.account;
  return {
    generated,
    acknowledged,
    rejected,
    failed,
    arrived: account?.arrived ?? null,
    expected: account?.expected ?? null,
    dropped: account?.dropped ?? null,
    sampledOut: account?.sampledOut ?? null,
    arrivedUnacknowledged: account?.arrivedUnacknowledged ?? null,
    lost: account?.lost ?? null,
    rejectedBySink: account?.rejectedBySink ?? null,
    unexpected: account?.unexpected ?? null,
    duplicated: account?.duplicated ?? null,
    foreign: account?.foreign ?? null,
    malformed: account?.malformed ?? null,
    altered: account?.altered ?? null,
  };
}

function targetOf({ rate }: RunOptions, spansPerRequest: number): LoadReport['rate']['target'] {
  switch (rate.kind) {
    case 'spans':
      return rate.perSecond;
    case 'requests':
      return rate.perSecond * spansPerRequest;
    case 'max':
      return 'max';
    case 'ramp':
      return { from: rate.from, to: rate.to };
  }
}

function rateOf(options: RunOptions, { begin, end, ramp }: Evidence, spansPerRequest: number): LoadReport['rate'] {
  const seconds = secondsBetween(begin, end);
  const held = ramp === null ? null : highestHeld(ramp.steps);
  const acknowledged = end.generator.spans.acknowledged - begin.generator.spans.acknowledged;
  return {
    unit: 'spans/s',
    target: targetOf(options, spansPerRequest),
    achieved: ramp === null ? acknowledged / seconds : (held?.achieved ?? 0),
    requestsPerSecond: (end.generator.requests.sent - begin.generator.requests.sent) / seconds,
    held: held?.target ?? null,
  };
}

export interface ReportContext {
  readonly options: RunOptions;
  readonly run: number;
  readonly spansPerRequest: number;
  readonly startedAt: Date;
  readonly interrupted: boolean;
  readonly watch: Watch;
  readonly pid: number | null;
  readonly serviceAccount: ServiceAccount | null;
}

export function reportOf(evidence: Evidence, context: ReportContext): LoadReport {
  const { options, pid, watch } = context;
  const { sent, sink, measured, measuredSink, begin, end, ramp } = evidence;
  const limits = ramp === null ? limitsOf(begin, end, measured) : ramp.limited;
  const generator = generatorFigures(evidence, limits);
  const sinkUse = sinkFigures(evidence, limits);
  const service = serviceFigures(evidence, pid, watch.peakBytes());
  const problems = problemsOf(evidence, options, pid);
  const isBottleneck = generator.bottleneck || sinkUse?.bottleneck === true;
  const exitCode = problems.length > 0 ? exitCodes.wrong : isBottleneck ? exitCodes.bottleneck : exitCodes.well;
  const rate = rateOf(options, evidence, context.spansPerRequest);
  const { host, port, tls, path } = options.target.endpoint;
  const { requests } = sent;
  return {
    version: reportVersion,
    spanload: spanloadVersion(),
    command: [...options.command],
    startedAt: context.startedAt.toISOString(),
    machine: machine(),
    profile: options.profile,
    seed: options.seed,
    run: context.run,
    endpoint: withoutCredentials(
      `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}${path}`,
    ),
    protocol: options.target.protocol,
    client: options.client,
    compression: options.target.compression,
    connections: options.connections,
    durationSeconds: secondsBetween(begin, end),
    warmupSeconds: options.warmupMs / 1000,
    outcome: context.interrupted ? 'interrupted' : 'complete',
    verdict: {
      ok: exitCode === exitCodes.well,
      exitCode,
      problems,
      remarks: remarksOf(evidence, rate, context.interrupted),
    },
    spans: accountOf(evidence),
    examples: examplesOf(sink),
    requests: {
      sent: requests.sent,
      acknowledged: requests.acknowledged,
      byStatus: { ...requests.byStatus },
      bytes: requests.bytes,
      firstFailure: sent.firstFailure === '' ? null : sent.firstFailure,
    },
    ackLatencyMs: latencyOf(measured.acknowledgement),
    responseLatencyMs: latencyOf(measured.response),
    endToEndLatencyMs: latencyOf(measuredSink?.endToEnd),
    rate,
    ramp: ramp === null ? null : [...ramp.steps],
    lateness: latencyOf(measured.lateness) ?? { count: 0, p50: 0, p90: 0, p95: 0, p99: 0, p999: 0, max: 0 },
    backlog: {
      maxInFlight: requests.mostInFlight,
      unsent: requests.unsent,
      unsentSpans: requests.unsentSpans,
      limitedByBytes: sent.limitedByBytes,
      flushedSpans: sent.flushed.spans,
      notFlushedSpans: sent.notFlushed.spans,
    },
    generator,
    sink: sinkUse,
    service,
    serviceAccount: context.serviceAccount,
    cpuMicrosecondsPerSpan: {
      generator: generator.cpuMicrosecondsPerSpan,
      service: service?.cpuMicrosecondsPerSpan ?? null,
    },
    faults: [...options.faults],
    series: watch.series(),
    percentileCurve: {
      ack: measured.acknowledgement.curve.map(([percentile, ms]) => [percentile, ms]),
      endToEnd: (measuredSink?.endToEnd.curve ?? []).map(([percentile, ms]) => [percentile, ms]),
    },
  };
}
