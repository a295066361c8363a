// What a run says: its report, what is wrong, and the exit code.
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import type { GeneratorReport } from './generator/messages.ts';
import type { Latency, LatencyRecord } from './latency.ts';
import { type Climb, highestHeld } from './ramp.ts';
import { type LoadReport, type ReportSeries, reportVersion } from './report/schema.ts';
import type { RunOptions } from './run.ts';
import type { ServiceAccount } from './service-account.ts';
import type { SinkReport, SpanName } from './sink/messages.ts';
import type { Moment } from './watch.ts';

/** What was seen of a run. Between `begin` and `end` load was sent; at `rest` nothing was under way any more. */
export interface Evidence {
  readonly begin: Moment;
  readonly end: Moment;
  readonly rest: Moment;
  readonly sent: GeneratorReport;
  /** null without a sink. */
  readonly sink: SinkReport | null;
  readonly ramp: Climb | null;
}

export const exitCodes = { well: 0, wrong: 1, usage: 2, bottleneck: 3 } as const;

/** A process that keeps a core this busy cannot do more. */
const fullCore = 0.92;
/** A generator that sends one request in a hundred so late does not keep the schedule. */
const mostLatenessMs = 50;

export function spanloadVersion(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}

export function machine(): LoadReport['machine'] {
  const cpu = cpus()[0]?.model ?? 'unknown';
  return { cpu, cores: availableParallelism(), kernel: release(), node: process.version };
}

const secondsBetween = (a: Moment, b: Moment): number => (b.atMs - a.atMs) / 1000;
const perSpan = (microseconds: number, spans: number): number => (spans === 0 ? 0 : microseconds / spans);

function generatorFigures({ begin, end, sent, ramp }: Evidence, isOpenLoop: boolean): LoadReport['generator'] {
  const used = end.generator.cpuMicroseconds - begin.generator.cpuMicroseconds;
  const cores = used / 1e6 / secondsBetween(begin, end);
  const why: string[] = [];
  if (ramp?.generatorLate || (isOpenLoop && sent.lateness.p99 > mostLatenessMs)) {
    why.push(`one request in a hundred was sent more than ${Math.round(sent.lateness.p99)} ms late`);
  }
  if (cores > fullCore) why.push(`it kept ${cores.toFixed(2)} cores busy, and can use one`);
  return {
    cpuMicrosecondsPerSpan: perSpan(used, end.generator.spans.generated - begin.generator.spans.generated),
    cores,
    bottleneck: why.length > 0,
    why: why.join('; '),
  };
}

function sinkFigures({ begin, end, rest }: Evidence): LoadReport['sink'] {
  if (begin.sink === null || end.sink === null || rest.sink === null) return null;
  const cores = (end.sink.cpuMicroseconds - begin.sink.cpuMicroseconds) / 1e6 / secondsBetween(begin, end);
  const spans = end.sink.distinct - begin.sink.distinct;
  return {
    cpuMicrosecondsPerSpan: perSpan(end.sink.cpuMicroseconds - begin.sink.cpuMicroseconds, spans),
    cores,
    bottleneck: cores > fullCore,
  };
}

/** CPU is taken between two moments at which nothing was under way, so that the spans between them caused all of it. */
function serviceFigures({ begin, end, rest }: Evidence, pid: number | null): LoadReport['service'] {
  if (pid === null || begin.service === null || end.service === null || rest.service === null) return null;
  const spans = rest.generator.spans.acknowledged - begin.generator.spans.acknowledged;
  return {
    pid,
    cpuMicrosecondsPerSpan: perSpan(rest.service.cpuMicroseconds - begin.service.cpuMicroseconds, spans),
    cores: (end.service.cpuMicroseconds - begin.service.cpuMicroseconds) / 1e6 / secondsBetween(begin, end),
    peakRssBytes: rest.service.peakBytes,
    rssBytes: rest.service.residentBytes,
  };
}

/** What is wrong, a line each. Where faults were asked for, what clients sent again is no fault. */
export function problemsOf({ sent, sink }: Pick<Evidence, 'sent' | 'sink'>, faults: readonly string[]): string[] {
  const problems: string[] = [];
  const say = (count: number, what: string) => {
    if (count > 0) problems.push(`${count} ${what}`);
  };
  if (sent.disconnected !== null)
    problems.push(`the server is gone, and cannot be reached again: ${sent.disconnected}`);
  if (sent.spans.acknowledged === 0) {
    const reason = sent.firstFailure === '' ? '' : `; the first request: ${sent.firstFailure}`;
    problems.push(`no span was acknowledged${reason}`);
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
    unexpected: account?.unexpected ?? null,
    duplicated: account?.duplicated ?? null,
    foreign: account?.foreign ?? null,
    malformed: account?.malformed ?? null,
    altered: account?.altered ?? null,
  };
}

function rateOf({ rate }: RunOptions, { begin, end, ramp }: Evidence, spansPerRequest: number): LoadReport['rate'] {
  const seconds = secondsBetween(begin, end);
  const targets = {
    spans: () => (rate.kind === 'spans' ? rate.perSecond : 0),
    requests: () => (rate.kind === 'requests' ? rate.perSecond * spansPerRequest : 0),
    max: () => 'max' as const,
    ramp: () => (rate.kind === 'ramp' ? { from: rate.from, to: rate.to } : 0),
  };
  return {
    unit: 'spans/s',
    target: targets[rate.kind](),
    achieved: (end.generator.spans.acknowledged - begin.generator.spans.acknowledged) / seconds,
    requestsPerSecond: (end.generator.requests.sent - begin.generator.requests.sent) / seconds,
    held: ramp === null ? null : highestHeld(ramp.steps),
  };
}

export interface ReportContext {
  readonly options: RunOptions;
  readonly run: number;
  readonly spansPerRequest: number;
  readonly startedAt: Date;
  readonly interrupted: boolean;
  readonly series: ReportSeries;
  readonly pid: number | null;
  readonly serviceAccount: ServiceAccount | null;
}

export function reportOf(evidence: Evidence, context: ReportContext): LoadReport {
  const { options } = context;
  const { sent, sink, begin, end } = evidence;
  const generator = generatorFigures(evidence, options.rate.kind === 'spans' || options.rate.kind === 'requests');
  const sinkUse = sinkFigures(evidence);
  const service = serviceFigures(evidence, context.pid);
  const problems = problemsOf(evidence, options.faults);
  const isBottleneck = generator.bottleneck || sinkUse?.bottleneck === true;
  const exitCode = problems.length > 0 ? exitCodes.wrong : isBottleneck ? exitCodes.bottleneck : exitCodes.well;
  const { host, port, tls, path } = options.target.endpoint;
  return {
    version: reportVersion,
    spanload: spanloadVersion(),
    command: [...options.command],
    startedAt: context.startedAt.toISOString(),
    machine: machine(),
    profile: options.profile,
    seed: options.seed,
    run: context.run,
    endpoint: `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}${path}`,
    protocol: options.target.protocol,
    client: options.client,
    compression: options.target.compression,
    connections: options.connections,
    durationSeconds: secondsBetween(begin, end),
    warmupSeconds: options.warmupMs / 1000,
    outcome: context.interrupted ? 'interrupted' : 'complete',
    verdict: { ok: exitCode === exitCodes.well, exitCode, problems },
    spans: accountOf(evidence),
    examples: examplesOf(sink),
    requests: {
      sent: sent.requests.sent,
      acknowledged: sent.requests.acknowledged,
      byStatus: { ...sent.requests.byStatus },
      bytes: sent.requests.bytes,
      firstFailure: sent.firstFailure === '' ? null : sent.firstFailure,
    },
    ackLatencyMs: latencyOf(sent.acknowledgement),
    endToEndLatencyMs: latencyOf(sink?.endToEnd),
    rate: rateOf(options, evidence, context.spansPerRequest),
    ramp: evidence.ramp === null ? null : [...evidence.ramp.steps],
    lateness: latencyOf(sent.lateness) ?? { count: 0, p50: 0, p90: 0, p95: 0, p99: 0, p999: 0, max: 0 },
    backlog: { maxInFlight: sent.requests.mostInFlight, unsent: sent.requests.unsent },
    generator,
    sink: sinkUse,
    service,
    serviceAccount: context.serviceAccount,
    cpuMicrosecondsPerSpan: {
      generator: generator.cpuMicrosecondsPerSpan,
      service: service?.cpuMicrosecondsPerSpan ?? null,
    },
    faults: [...options.faults],
    series: context.series,
    percentileCurve: {
      ack: sent.acknowledgement.curve.map(([percentile, ms]) => [percentile, ms]),
      endToEnd: (sink?.endToEnd.curve ?? []).map(([percentile, ms]) => [percentile, ms]),
    },
  };
}
