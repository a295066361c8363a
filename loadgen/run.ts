// One run: a generator and, where asked for, a sink, each a process of its own, around whatever is measured.
import type { ClientKind, ClientOptions } from './client/client.ts';
import { unixOffset } from './clock.ts';
import type { CorpusOptions, CorpusRate } from './corpus/corpus.ts';
import type { Pace } from './generator/messages.ts';
import { readProfile } from './profile/load.ts';
import { climb } from './ramp.ts';
import type { LoadReport } from './report/schema.ts';
import { settled, sleep } from './rest.ts';
import { openGenerator, openSink, type Rig, type Sink } from './rig.ts';
import { watchService } from './service-account.ts';
import { type Evidence, reportOf } from './verdict.ts';
import { lookAt, type Moment, Watch } from './watch.ts';

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

/** `waiting`: the load has ended, and what is under way is waited for. */
export type Phase = 'warm-up' | 'running' | 'waiting';

export interface Progress {
  readonly phase: Phase;
  readonly moment: Moment;
  readonly before: Moment;
  /** Since the load began. */
  readonly elapsedMs: number;
  /** Of the load; null for a ramp. */
  readonly remainingMs: number | null;
}

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

async function steady(rig: Rig, options: RunOptions, hooks: RunHooks, watch: Watch): Promise<Evidence> {
  const { rate } = options;
  if (rate.kind === 'ramp') throw new TypeError('a ramp is climbed');
  const pace = paceOf(rate);
  if (options.warmupMs > 0) {
    await rig.generator.start(pace);
    await sleep(options.warmupMs, hooks.signal);
    await settled(rig, await rig.generator.pause(false), options.waitMs, hooks.signal);
    await rig.generator.resetLatency();
    await rig.sink?.resetLatency();
  }
  watch.measured();
  const begin = await lookAt(rig);
  await rig.generator.start(pace);
  await sleep(options.durationMs, hooks.signal);
  const end = await lookAt(rig);
  const sent = await rig.generator.pause(true);
  await hooks.loadEnded?.();
  const sink = await settled(rig, sent, options.waitMs, hooks.signal);
  return { begin, end, rest: await lookAt(rig), sent, sink, ramp: null };
}

async function ramp(rig: Rig, options: RunOptions, hooks: RunHooks, watch: Watch): Promise<Evidence> {
  const { rate } = options;
  if (rate.kind !== 'ramp') throw new TypeError('not a ramp');
  watch.measured();
  const begin = await lookAt(rig);
  const steps = await climb(rig, rate, options, hooks.signal);
  const end = await lookAt(rig);
  const sent = await rig.generator.pause(true);
  await hooks.loadEnded?.();
  const sink = await settled(rig, sent, options.waitMs, hooks.signal);
  return { begin, end, rest: await lookAt(rig), sent, sink, ramp: steps };
}

/** Runs it, and ends what it started. Rejects with SpanmillError for what a user can get wrong. */
export async function runLoad(options: RunOptions, hooks: RunHooks = {}): Promise<LoadReport> {
  const cleanUp: (() => Promise<void>)[] = [];
  try {
    const clockOffset = String(unixOffset());
    const corpus: CorpusOptions = {
      profile: readProfile(options.profile),
      seed: options.seed,
      run: runOf(options.seed),
      batchSize: options.batchSize,
      timeScale: options.timeScale,
      rate: corpusRate(options.rate),
      encoding: options.target.protocol === 'http/json' ? 'json' : 'protobuf',
    };
    let sink: Sink | null = null;
    if (options.sink !== null) {
      const { expect, faults, checkShare } = options;
      sink = await openSink({
        ...options.sink,
        corpus: { ...corpus, encoding: 'protobuf' },
        expect,
        checkShare,
        faults,
        clockOffset,
      });
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
    const rig: Rig = { generator, sink, pid: prepared?.pid ?? options.pid };
    const service = options.metrics === null ? null : await watchService(options.metrics);
    const startedAt = new Date();
    const beganMs = performance.now();
    const totalMs = options.rate.kind === 'ramp' ? null : options.warmupMs + options.durationMs;
    let ended = false;
    const watch = new Watch(rig, (moment, before) => {
      const elapsedMs = moment.atMs - beganMs;
      const phase: Phase = ended ? 'waiting' : elapsedMs < options.warmupMs ? 'warm-up' : 'running';
      const remainingMs = totalMs === null ? null : Math.max(0, totalMs - elapsedMs);
      hooks.seen?.({ phase, moment, before, elapsedMs, remainingMs });
    });
    const whenEnded = async () => {
      ended = true;
      await hooks.loadEnded?.();
    };
    await watch.start();
    const evidence = await (options.rate.kind === 'ramp' ? ramp : steady)(
      rig,
      options,
      { ...hooks, loadEnded: whenEnded },
      watch,
    );
    const serviceAccount = (await service?.rest(Math.min(options.waitMs, mostServiceWaitMs))) ?? null;
    await watch.stop();
    return reportOf(evidence, {
      options: { ...options, target: { ...target, endpoint } },
      run: corpus.run,
      spansPerRequest: generator.ready.spansPerRequest,
      startedAt,
      interrupted: hooks.signal?.aborted === true,
      series: watch.series(),
      pid: rig.pid,
      serviceAccount,
    });
  } finally {
    // The generator before the sink, as it was started after it.
    for (const step of cleanUp.reverse()) await step();
  }
}
