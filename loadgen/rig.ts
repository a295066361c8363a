// The processes of a run, and what can be asked of them.
import { extname } from 'node:path';
import type { SpanmillError } from '../src/errors.ts';
import { type Child, startChild } from './child.ts';
import type {
  GeneratorOptions,
  GeneratorReady,
  GeneratorReport,
  GeneratorRequest,
  GeneratorTick,
  Pace,
} from './generator/messages.ts';
import type { SinkOptions, SinkReady, SinkReport, SinkRequest, SinkTick } from './sink/messages.ts';

/** In dist/ the modules end as this one does. */
const moduleOf = (name: string): URL => new URL(`./${name}${extname(import.meta.filename)}`, import.meta.url);

export interface Generator {
  readonly ready: GeneratorReady;
  /** Resolves when its process has ended by itself. */
  readonly lost: Promise<SpanmillError>;
  start(pace: Pace): Promise<void>;
  /** No new requests; resolves when nothing is under way, at the latest after `limitMs`. */
  stop(limitMs: number): Promise<GeneratorReport>;
  /**
   * After `stop`: sends what was to be sent later, at the pace of the run; resolves when nothing is under way, or when nothing
   * could be sent for `limitMs`.
   */
  flush(limitMs: number): Promise<GeneratorReport>;
  /** Ends a `stop` or a `flush` under way at once. Nothing is sent any more. */
  abandon(): Promise<void>;
  tick(): Promise<GeneratorTick>;
  report(): Promise<GeneratorReport>;
  resetLatency(): Promise<void>;
  end(): Promise<void>;
}

/** Rejects with SpanmillError when the endpoint cannot be reached. */
export async function openGenerator(options: GeneratorOptions): Promise<Generator> {
  const child: Child<GeneratorRequest> = await startChild(moduleOf('generator/entry'), options);
  return {
    ready: child.ready as GeneratorReady,
    lost: child.lost,
    start: async (pace) => void (await child.ask({ kind: 'start', pace })),
    stop: async (limitMs) => (await child.ask({ kind: 'stop', limitMs })) as GeneratorReport,
    flush: async (limitMs) => (await child.ask({ kind: 'flush', limitMs })) as GeneratorReport,
    abandon: async () => void (await child.ask({ kind: 'abandon' })),
    tick: async () => (await child.ask({ kind: 'tick' })) as GeneratorTick,
    report: async () => (await child.ask({ kind: 'report' })) as GeneratorReport,
    resetLatency: async () => void (await child.ask({ kind: 'resetLatency' })),
    end: () => child.end(),
  };
}

export interface Sink {
  readonly ready: SinkReady;
  /** Resolves when its process has ended by itself. */
  readonly lost: Promise<SpanmillError>;
  tick(): Promise<SinkTick>;
  /** The account, of what the generator says was sent. */
  settle(generator: GeneratorReport): Promise<SinkReport>;
  resetLatency(): Promise<void>;
  /** Resolves when nobody waits for an answer that is only late. */
  finish(): Promise<void>;
  end(): Promise<void>;
}

/** Rejects with SpanmillError when it cannot listen, or the options are wrong. */
export async function openSink(options: SinkOptions): Promise<Sink> {
  const child: Child<SinkRequest> = await startChild(moduleOf('sink/entry'), options);
  return {
    ready: child.ready as SinkReady,
    lost: child.lost,
    tick: async () => (await child.ask({ kind: 'tick' })) as SinkTick,
    settle: async ({ end, unsure }) => (await child.ask({ kind: 'settle', end, unsure })) as SinkReport,
    resetLatency: async () => void (await child.ask({ kind: 'resetLatency' })),
    finish: async () => void (await child.ask({ kind: 'finish' })),
    end: () => child.end(),
  };
}

/** What a run consists of. */
export interface Rig {
  readonly generator: Generator;
  readonly sink: Sink | null;
  readonly pid: number | null;
}
