// One run: a generator and, where asked for, a sink, each a process of its own, around whatever is measured.
import type { ClientKind, ClientOptions } from './client/client.ts';
import { unixOffset } from './clock.ts';
import type { CorpusOptions, CorpusRate } from './corpus/corpus.ts';
import type { GeneratorReport, Pace } from './generator/messages.ts';
import { readProfile } from './profile/load.ts';
import { climb } from './ramp.ts';
import type { LoadReport } from './report/schema.ts';
import { settled, sleep } from './rest.ts';
import { type Generator, openGenerator, openSink, type Rig, type Sink } from './rig.ts';
import { watchService } from './service-account.ts';
import type { SinkReport } from './sink/messages.ts';
import { type Evidence, reportOf } from './verdict.ts';
import { type Moment, Watch } from './watch.ts';

/** How much is sent: spans or requests a second, as fast as answered, or a search for the most spans a second. */
export type Rate =
  | { readonly kind: 'spans'; readonly perSecond: number }
  | { readonly kind: 'requests'; readonly perSecond: number }
  | { readonly kind: 'max'; readonly inFlight: number }
  | { readonly kind: 'ramp'; readonly from: number; readonly to: number };

export interface RunOptions {
  /** For the report. */
  readonly command: readonly string[];
  /** A built-in name, or a file. */
  readonly profile: string;
  readonly rate: Rate;
  /** Of a ramp: of each step. */
  readonly durationMs: number;
  readonly warmupMs: number;
  readonly batchSize: readonly [min: number, max: number] | null;
  /** 32 bits. */
  readonly seed: number;
  readonly timeScale: number;
  /** `sdk`: real spans through the SDK's serializer, sent as the native client does. */
  readonly client: ClientKind | 'sdk';
  readonly connections: number;
  readonly maxInFlight: number;
  readonly target: Omit<ClientOptions, 'onUnusable'>;
  /** Port 0: any free one. */
  readonly sink: { readonly host: string; readonly port: number } | null;
  readonly expect: { readonly name: string; readonly text: string } | null;
  /** Of the requests that arrive, 0 to 1: those whose spans are compared with what was sent. All are counted. */
  readonly checkShare: number;
  readonly faults: readonly string[];
  /** After the end: spans that are missing are given up when none has come for so long. */
  readonly waitMs: number;
  /** The service's process. */
  readonly pid: number | null;
  /** Its Prometheus endpoint, for its own account. */
  readonly metrics: string | null;
}

export interface RunHooks {
  /** Ends the run early, with a complete report. */
  readonly signal?: AbortSignal;
  /** Called with every look at the run, once a second. */
  readonly seen?: (progress: Progress) => void;
  /** Called when the sink listens and before the generator connects: starts what is to be measured. */
  readonly prepare?: (sinkPort: number) => Promise<{ readonly port: number; readonly pid: number }>;
  /** Called when the load has ended, and before what is missing is waited for. */
  readonly loadEnded?: () => Promise<void>;
}

/**
 * `waiting`: the load has ended, and what is under way is waited for. `flushing`: what was to be sent later is sent, of traces
 * that had not ended.
 */
export type Phase = 'warm-up' | 'running' | 'waiting' | 'flushing';

export interface Progress {
  readonly phase: Phase;
  readonly moment: Moment;
  readonly before: Moment;
  /** Since the run began. */
  readonly elapsedMs: number;
  /** Of the phase; null where nobody knows. */
  readonly remainingMs: number | null;
}

/** Without a deadline: how long answers are waited for when the load has ended. */
const answerLimitMs = 60_000;
const patienceMs = 2000;
/** Where a chain drops spans, what is sent never becomes what was accepted. */
const mostServiceWaitMs = 3000;

/** The run that stands in the ids: of the seed, so that the same seed gives the same spans. */
function runOf(seed: number): number {
  return 1 + ((Math.imul(seed ^ (seed >>> 15), 0x9e37_79b1) >>> 0) % 0xffff);
}

function corpusRate(rate: Rate): CorpusRate {
  if (rate.kind === 'spans') return { spansPerSecond: rate.perSecond };
  return rate.kind === 'requests' ? { requestsPerSecond: rate.perSecond } : null;
}

function paceOf(rate: Exclude<Rate, { kind: 'ramp' }>): Pace {
  if (rate.kind === 'max') return { kind: 'closed', inFlight: rate.inFlight };
  return { kind: 'open', unit: rate.kind, perSecond: rate.perSecond };
}

/** What a run is made of while it goes on. */
export interface Course {
  readonly rig: Rig;
  readonly options: RunOptions;
  readonly watch: Watch;
  readonly signal: AbortSignal;
  /** How long requests that are under way are waited for. */
  readonly limitMs: number;
  /** Says where the run is, for the progress line, and how long this part lasts; null: nobody knows. */
  enter(phase: Phase, lastsMs: number | null): void;
  loadEnded(): Promise<void>;
}

/** Sends for a while, and waits until nothing is under way. */
async function warmUp(course: Course, pace: Pace): Promise<void> {
  const { rig, options, signal, limitMs } = course;
  if (options.warmupMs === 0) return;
  course.enter('warm-up', options.warmupMs);
  await rig.generator.start(pace);
  await sleep(options.warmupMs, signal);
  await settled(rig, await rig.generator.stop(limitMs), options.waitMs, signal);
  await rig.generator.resetLatency();
  await rig.sink?.resetLatency();
}

/** How long the rest takes at the pace of the run; null where nobody knows. */
function flushMs({ late }: GeneratorReport, pace: Pace | null): number | null {
  if (pace?.kind !== 'open') return null;
  return (late[pace.unit] / pace.perSecond) * 1000;
}

/**
 * What is still to be sent, and the account of all. Where there was nothing the account is known: `settledSink`, once
 * `measured` had been sent.
 */
async function finish(
  course: Course,
  pace: Pace | null,
  measured: GeneratorReport,
  settledSink: SinkReport | null,
): Promise<Pick<Evidence, 'sent' | 'sink'>> {
  const { rig, options, signal, limitMs } = course;
  if (measured.late.requests > 0 && !signal.aborted) course.enter('flushing', flushMs(measured, pace));
  const sent = await rig.generator.flush(limitMs);
  course.enter('waiting', null);
  const sink = sent.flushed.spans === 0 ? settledSink : await settled(rig, sent, options.waitMs, signal);
  return { sent, sink };
}

async function steady(course: Course, pace: Pace): Promise<Evidence> {
  const { rig, options, watch, signal, limitMs } = course;
  await warmUp(course, pace);
  const begin = await watch.lookAndMeasure();
  course.enter('running', options.durationMs);
  await rig.generator.start(pace);
  await sleep(options.durationMs, signal);
  const end = await watch.look();
  course.enter('waiting', null);
  const measured = await rig.generator.stop(limitMs);
  await course.loadEnded();
  const measuredSink = await settled(rig, measured, options.waitMs, signal);
  const rest = await watch.look();
  const account = await finish(course, pace, measured, measuredSink);
  return { begin, end, rest, measured, measuredSink, ramp: null, ...account };
}

async function ramp(course: Course, from: number, to: number): Promise<Evidence> {
  const { rig, options, watch, signal } = course;
  await warmUp(course, { kind: 'open', unit: 'spans', perSecond: from });
  const begin = await watch.lookAndMeasure();
  course.enter('running', null);
  const climbed = await climb(course, from, to);
  const end = await watch.look();
  course.enter('waiting', null);
  await course.loadEnded();
  const rest = await watch.look();
  const { measured, measuredSink } = climbed;
  const sent = await rig.generator.report();
  const account = await finish(course, null, sent, await settled(rig, sent, options.waitMs, signal));
  return { begin, end, rest, measured, measuredSink, ramp: climbed, ...account };
}

/** With deadlines, answers come in that time, or never. */
function limitOf({ target }: RunOptions): number {
  return target.timeoutMs > 0 ? target.timeoutMs + 1000 : answerLimitMs;
}

async function openRig(options: RunOptions, hooks: RunHooks, cleanUp: (() => Promise<void>)[]): Promise<Opened> {
  const clockOffset = String(unixOffset());
  const corpus: CorpusOptions = {
    profile: readProfile(options.profile),
    seed: options.seed,
    run: runOf(options.seed),
    batchSize: options.batchSize,
    timeScale: options.timeScale,
    rate: corpusRate(options.rate),
    encoding: options.target.protocol === 'http/json' ? 'json' : 'protobuf',
    // The SDK writes a double that is whole as an int.
    wholeDoubles: options.client === 'sdk' ? 'int' : 'double',
  };
  let sink: Sink | null = null;
  if (options.sink !== null) {
    const { expect, faults, checkShare } = options;
    const sinkCorpus: CorpusOptions = { ...corpus, encoding: 'protobuf' };
    sink = await openSink({ ...options.sink, corpus: sinkCorpus, expect, checkShare, faults, clockOffset });
    cleanUp.push(sink.end);
  }
  const prepared = await hooks.prepare?.(sink?.ready.port ?? 0);
  const { target } = options;
  const endpoint = prepared === undefined ? target.endpoint : { ...target.endpoint, port: prepared.port };
  const generator = await openGenerator({
    corpus,
    encoder: options.client === 'sdk' ? 'sdk' : 'corpus',
    client: options.client === 'sdk' ? 'native' : options.client,
    target: { ...target, endpoint },
    connections: options.connections,
    maxInFlight: options.maxInFlight,
    clockOffset,
  });
  cleanUp.push(generator.end);
  return { rig: { generator, sink, pid: prepared?.pid ?? options.pid }, run: corpus.run, endpoint };
}

interface Opened {
  readonly rig: Rig;
  readonly run: number;
  readonly endpoint: RunOptions['target']['endpoint'];
}

function createWatch(rig: Rig, hooks: RunHooks): Pick<Course, 'watch' | 'enter'> {
  const began = performance.now();
  let phase: Phase = 'warm-up';
  let phaseEnds: number | null = null;
  const watch = new Watch(rig, (moment, before) => {
    const now = performance.now();
    const remainingMs = phaseEnds === null ? null : Math.max(0, phaseEnds - now);
    hooks.seen?.({ phase, moment, before, elapsedMs: now - began, remainingMs });
  });
  return {
    watch,
    enter(entered, lastsMs) {
      phase = entered;
      phaseEnds = lastsMs === null ? null : performance.now() + lastsMs;
    },
  };
}

/** After Ctrl-C answers are waited for a little; then what is under way is given up. */
function abandonSoon(signal: AbortSignal, generator: Generator): void {
  const abandon = () => {
    setTimeout(() => {
      // Where it is over already there is nobody to ask.
      generator.abandon().catch(() => undefined);
    }, patienceMs).unref();
  };
  if (signal.aborted) abandon();
  else signal.addEventListener('abort', abandon, { once: true });
}

async function go({ rig, run, endpoint }: Opened, options: RunOptions, hooks: RunHooks): Promise<LoadReport> {
  const service = options.metrics === null ? null : await watchService(options.metrics);
  const lost = new AbortController();
  const asked = hooks.signal ?? new AbortController().signal;
  const signal = AbortSignal.any([asked, lost.signal]);
  const { watch, enter } = createWatch(rig, hooks);
  abandonSoon(asked, rig.generator);
  const course: Course = {
    rig,
    options,
    watch,
    enter,
    signal,
    limitMs: limitOf(options),
    loadEnded: async () => hooks.loadEnded?.(),
  };
  const { rate } = options;
  const follow = async (): Promise<LoadReport> => {
    const startedAt = new Date();
    await watch.start();
    const evidence = await (rate.kind === 'ramp' ? ramp(course, rate.from, rate.to) : steady(course, paceOf(rate)));
    const serviceAccount = (await service?.rest(Math.min(options.waitMs, mostServiceWaitMs))) ?? null;
    await watch.look();
    if (rig.sink !== null) await Promise.race([rig.sink.finish(), sleep(patienceMs, signal)]);
    return reportOf(evidence, {
      options: { ...options, target: { ...options.target, endpoint } },
      run,
      spansPerRequest: rig.generator.ready.spansPerRequest,
      startedAt,
      interrupted: asked.aborted,
      watch,
      pid: rig.pid,
      serviceAccount,
    });
  };
  const following = follow();
  try {
    const ended = [rig.generator.lost, ...(rig.sink === null ? [] : [rig.sink.lost])];
    return await Promise.race([following, Promise.race(ended).then((error) => Promise.reject(error))]);
  } finally {
    watch.stop();
    lost.abort();
    // Where a process is gone, what still waits for it fails, and that has been said.
    following.catch(() => undefined);
  }
}

/** Runs it, and ends what it started. Rejects with SpanmillError for what a user can get wrong. */
export async function runLoad(options: RunOptions, hooks: RunHooks = {}): Promise<LoadReport> {
  const cleanUp: (() => Promise<void>)[] = [];
  try {
    return await go(await openRig(options, hooks, cleanUp), options, hooks);
  } finally {
    // The generator before the sink, as it was started after it.
    for (const step of cleanUp.reverse()) await step();
  }
}
