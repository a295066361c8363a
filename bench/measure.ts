// One measurement: a subject between a generator and a sink, each a process of its own.
import { setTimeout as delay } from 'node:timers/promises';
import { type Account, complaints, settle } from '../loadgen/account.ts';
import { type Child, startChild } from '../loadgen/child.ts';
import { unixOffset } from '../loadgen/clock.ts';
import type {
  GeneratorCounters,
  GeneratorOptions,
  GeneratorRequest,
  Latency,
  Pace,
  SinkOptions,
  SinkReport,
  SinkRequest,
} from '../loadgen/messages.ts';
import { SpanmillError } from '../src/errors.ts';
import type { LoadShape } from './options.ts';
import { type ProcessFigures, processFigures } from './process-figures.ts';
import { type RunningSubject, type Subject, startSubject } from './subject.ts';

export interface MeasureOptions {
  readonly shape: LoadShape;
  readonly pace: Pace;
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** The backend is silent while the load runs, and answers afterwards. */
  readonly stall: boolean;
  readonly latency: boolean;
}

export interface Measurement {
  readonly subject: string;
  readonly shape: LoadShape;
  readonly seconds: number;
  readonly cpuMicrosecondsPerSpan: number;
  readonly spansPerSecond: number;
  readonly rssIdleBytes: number;
  readonly rssPeakBytes: number;
  /** From sending a request (open loop: from when it was due) to its answer. */
  readonly acknowledgement: Latency;
  /** From a span's start to its arrival at the backend; nothing recorded unless asked for. */
  readonly endToEnd: Latency;
  /** How late the generator was in the open loop. */
  readonly lateness: Latency;
  /** Cores that the others used: near 1, the subject was not the bottleneck. */
  readonly generatorCores: number;
  readonly sinkCores: number;
  readonly requestsByStatus: Readonly<Record<string, number>>;
  readonly firstFailure: string;
  readonly account: Account;
  readonly complaints: readonly string[];
}

/** What the chain of pipelines/bench.yaml does to every span, and how many it keeps. */
const chainEffect = { present: ['deployment.environment'], absent: ['user.email'] };
const samplingPercentage = 99.999;
const settleMs = 1000;
const pollMs = 50;
const answerLimitMs = 60_000;
/** The sink makes no progress for so long: what is missing will not come. */
const quietMs = 3000;
/** After a stall exporters wait before they try again: the Collector up to 30 s. */
const quietAfterStallMs = 45_000;

interface Rig {
  readonly subject: RunningSubject;
  readonly sink: Child<SinkRequest>;
  readonly generator: Child<GeneratorRequest>;
  readonly idle: ProcessFigures;
}

interface Snapshot {
  readonly at: number;
  readonly figures: ProcessFigures;
  readonly generator: GeneratorCounters;
  readonly sink: SinkReport;
}

async function startRig(subject: Subject, options: MeasureOptions, cleanUp: (() => Promise<void>)[]): Promise<Rig> {
  const run = 1 + Math.floor(Math.random() * 0xfffe);
  const clockOffset = String(unixOffset());
  const sinkOptions: SinkOptions = {
    host: '127.0.0.1',
    port: 0,
    run,
    stalled: options.stall,
    latency: options.latency,
    present: subject.chain ? chainEffect.present : [],
    absent: subject.chain ? chainEffect.absent : [],
    clockOffset,
  };
  const sink = await startChild<SinkRequest>(new URL('../loadgen/sink.ts', import.meta.url), sinkOptions);
  cleanUp.push(() => sink.end());
  const running = await startSubject(subject, (sink.ready as { port: number }).port);
  cleanUp.push(() => running.end());
  await delay(settleMs);
  const idle = processFigures(running.pid);
  const generatorOptions: GeneratorOptions = {
    host: '127.0.0.1',
    port: running.port,
    connections: options.shape.connections,
    inFlight: options.shape.inFlight,
    spansPerRequest: options.shape.spansPerRequest,
    spansPerTrace: 8,
    pace: options.pace,
    run,
    seed: run,
    samplingPercentage: subject.chain ? samplingPercentage : null,
    pauseAfterFailureMs: 50,
    clockOffset,
  };
  const generator = await startChild<GeneratorRequest>(
    new URL('../loadgen/generator.ts', import.meta.url),
    generatorOptions,
  );
  cleanUp.push(() => generator.end());
  return { subject: running, sink, generator, idle };
}

async function sinkReport(rig: Rig, generator: GeneratorCounters): Promise<SinkReport> {
  return (await rig.sink.ask({ kind: 'report', ranges: generator.unacknowledged })) as SinkReport;
}

/** Waits, with the generator paused, until all has arrived or nothing more comes. */
async function drained(rig: Rig, generator: GeneratorCounters, quiet: number): Promise<SinkReport> {
  let report = await sinkReport(rig, generator);
  let progressAt = performance.now();
  while (settle(generator.spans, report).lost > 0 && performance.now() - progressAt < quiet) {
    await delay(pollMs);
    const next = await sinkReport(rig, generator);
    if (next.distinct > report.distinct) progressAt = performance.now();
    report = next;
  }
  return report;
}

/** Stops the load; throws when calls are left without an answer. */
async function paused(rig: Rig): Promise<GeneratorCounters> {
  const unanswered = delay(answerLimitMs, undefined, { ref: false }).then(() => {
    throw new SpanmillError('USAGE', `calls without an answer ${answerLimitMs / 1000} s after the load ended`);
  });
  return (await Promise.race([rig.generator.ask('pause'), unanswered])) as GeneratorCounters;
}

/** Runs the load for a while, then waits for rest. */
async function load(rig: Rig, seconds: number, quiet: number, release: boolean): Promise<Snapshot & { peak: number }> {
  await rig.generator.ask('start');
  await delay(seconds * 1000);
  const { peakBytes } = processFigures(rig.subject.pid);
  if (release) await rig.sink.ask({ kind: 'stall', on: false });
  const generator = await paused(rig);
  const at = performance.now();
  const sink = await drained(rig, generator, quiet);
  rig.subject.check();
  const figures = processFigures(rig.subject.pid);
  return { at, figures, generator, sink, peak: release ? peakBytes : figures.peakBytes };
}

async function snapshot(rig: Rig): Promise<Snapshot> {
  const generator = (await rig.generator.ask('counters')) as GeneratorCounters;
  const sink = await sinkReport(rig, generator);
  return { at: performance.now(), figures: processFigures(rig.subject.pid), generator, sink };
}

/**
 * CPU is taken between two moments at which nothing is under way, after a warm-up, so that exactly the spans acknowledged
 * between them caused it.
 */
async function run(rig: Rig, subject: Subject, options: MeasureOptions): Promise<Measurement> {
  if (!options.stall) {
    await load(rig, options.warmupSeconds, quietMs, false);
    await rig.generator.ask('resetLatency');
    await rig.sink.ask({ kind: 'resetLatency' });
  }
  const before = await snapshot(rig);
  const after = await load(rig, options.seconds, options.stall ? quietAfterStallMs : quietMs, options.stall);
  const spans = after.generator.spans.acknowledged - before.generator.spans.acknowledged;
  const seconds = (after.at - before.at) / 1000;
  const cores = (start: number, end: number) => (end - start) / 1e6 / seconds;
  const account = settle(after.generator.spans, after.sink);
  return {
    subject: subject.name,
    shape: options.shape,
    seconds,
    cpuMicrosecondsPerSpan: (after.figures.cpuMicroseconds - before.figures.cpuMicroseconds) / spans,
    spansPerSecond: spans / seconds,
    rssIdleBytes: rig.idle.residentBytes,
    rssPeakBytes: after.peak,
    acknowledgement: after.generator.acknowledgement,
    endToEnd: after.sink.endToEnd,
    lateness: after.generator.lateness,
    generatorCores: cores(before.generator.cpuMicroseconds, after.generator.cpuMicroseconds),
    sinkCores: cores(before.sink.cpuMicroseconds, after.sink.cpuMicroseconds),
    requestsByStatus: after.generator.requests.byStatus,
    firstFailure: after.generator.firstFailure,
    account,
    complaints: complaints(account, options.stall),
  };
}

/** Starts everything, measures, ends everything. */
export async function measure(subject: Subject, options: MeasureOptions): Promise<Measurement> {
  const cleanUp: (() => Promise<void>)[] = [];
  try {
    const rig = await startRig(subject, options, cleanUp);
    return await run(rig, subject, options);
  } finally {
    // The subject before the sink, as it was started after it: it may still have something to send.
    for (const step of cleanUp.reverse()) await step();
  }
}
