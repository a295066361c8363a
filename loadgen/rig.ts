// The processes of a run, and what can be asked of them.
import { extname } from 'node:path';
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
  start(pace: Pace): Promise<void>;
  /** Resolves when nothing is under way. `flush`: what was to be sent later is sent first. */
  pause(flush: boolean): Promise<GeneratorReport>;
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
    start: async (pace) => void (await child.ask({ kind: 'start', pace })),
    pause: async (flush) => (await child.ask({ kind: 'pause', flush })) as GeneratorReport,
    tick: async () => (await child.ask({ kind: 'tick' })) as GeneratorTick,
    report: async () => (await child.ask({ kind: 'report' })) as GeneratorReport,
    resetLatency: async () => void (await child.ask({ kind: 'resetLatency' })),
    end: () => child.end(),
  };
}

export interface Sink {
  readonly ready: SinkReady;
  tick(): Promise<SinkTick>;
  /** The account, of what the generator says was sent. */
  settle(generator: GeneratorReport): Promise<SinkReport>;
  resetLatency(): Promise<void>;
  end(): Promise<void>;
}

/** Rejects with SpanmillError when it cannot listen, or the options are wrong. */
export async function openSink(options: SinkOptions): Promise<Sink> {
  const child: Child<SinkRequest> = await startChild(moduleOf('sink/entry'), options);
  return {
    ready: child.ready as SinkReady,
    tick: async () => (await child.ask({ kind: 'tick' })) as SinkTick,
    settle: async ({ end, unsure }) => (await child.ask({ kind: 'settle', end, unsure })) as SinkReport,
    resetLatency: async () => void (await child.ask({ kind: 'resetLatency' })),
    end: () => child.end(),
  };
}

/** What a run consists of. */
export interface Rig {
  readonly generator: Generator;
  readonly sink: Sink | null;
  readonly pid: number | null;
}
