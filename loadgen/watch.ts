// Looks at a run once a second, and at its turning points: for the progress line, and for the report's series.
import type { GeneratorTick } from './generator/messages.ts';
import { type ProcessFigures, processFigures } from './process-figures.ts';
import type { ReportSeries } from './report/schema.ts';
import type { Rig } from './rig.ts';
import type { SinkTick } from './sink/messages.ts';

/** Each part at its own time, in milliseconds since 1970. */
export interface Moment {
  readonly generator: GeneratorTick;
  readonly sink: SinkTick | null;
  /** null without --pid, and when the process is gone. */
  readonly service: (ProcessFigures & { readonly atMs: number }) | null;
}

export const secondsBetween = (before: Moment, after: Moment): number =>
  (after.generator.atMs - before.generator.atMs) / 1000;

export const refusedSpans = ({ generator: { spans } }: Moment): number => spans.rejected + spans.failed;

const intervalMs = 1000;

export class Watch {
  readonly #rig: Rig;
  readonly #seen: (moment: Moment, before: Moment) => void;
  readonly #moments: Moment[] = [];
  #timer: NodeJS.Timeout | null = null;
  /** One look at a time: what came lately is told once. */
  #looking: Promise<unknown> = Promise.resolve();
  #measuredFromMs = Number.POSITIVE_INFINITY;

  /** `seen` is called once a second, with the moment and the one before it. */
  constructor(rig: Rig, seen: (moment: Moment, before: Moment) => void) {
    this.#rig = rig;
    this.#seen = seen;
  }

  async start(): Promise<void> {
    let before = await this.look();
    this.#timer = setInterval(() => {
      this.look().then(
        (moment) => {
          this.#seen(moment, before);
          before = moment;
        },
        // A process that is gone ends the run elsewhere.
        () => this.stop(),
      );
    }, intervalMs);
  }

  /** A moment, which is one of the series too. Rejects when a process of the run is gone. */
  look(): Promise<Moment> {
    const moment = this.#looking.then(() => this.#take());
    this.#looking = moment.catch(() => undefined);
    return moment;
  }

  /** As `look`; the warm-up is over. */
  async lookAndMeasure(): Promise<Moment> {
    const moment = await this.look();
    this.#measuredFromMs = moment.generator.atMs;
    return moment;
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  async #take(): Promise<Moment> {
    const { generator, sink, pid } = this.#rig;
    const [generatorTick, sinkTick] = await Promise.all([generator.tick(), sink?.tick() ?? null]);
    const figures = pid === null ? null : processFigures(pid);
    const service = figures === null ? null : { ...figures, atMs: performance.timeOrigin + performance.now() };
    const moment: Moment = { generator: generatorTick, sink: sinkTick, service };
    this.#moments.push(moment);
    return moment;
  }

  /** Highest resident memory of the service that was seen. */
  peakBytes(): number {
    return Math.max(0, ...this.#moments.map(({ service }) => service?.peakBytes ?? 0));
  }

  series(): ReportSeries {
    const { sink, pid } = this.#rig;
    // Two looks at nearly the same time say nothing between them.
    const pairs = this.#moments
      .slice(1)
      .map((after, i) => ({ before: this.#moments[i], after }))
      .filter(({ before, after }) => secondsBetween(before, after) > 0.05);
    const each = <T>(column: (after: Moment, before: Moment) => T): T[] =>
      pairs.map(({ before, after }) => column(after, before));
    const perSecond = (count: (moment: Moment) => number): number[] =>
      each((after, before) => (count(after) - count(before)) / secondsBetween(before, after));
    return {
      second: each((_, { generator }) => Math.round((generator.atMs - this.#measuredFromMs) / 10) / 100),
      seconds: each((after, before) => secondsBetween(before, after)),
      generated: perSecond(({ generator }) => generator.spans.generated),
      acknowledged: perSecond(({ generator }) => generator.spans.acknowledged),
      refused: perSecond(refusedSpans),
      arrived: sink === null ? null : perSecond((moment) => moment.sink?.distinct ?? 0),
      inFlight: each(({ generator }) => generator.requests.inFlight),
      overdue: each(({ generator }) => generator.requests.overdue),
      latenessMaxMs: each(({ generator }) => generator.lateness.max),
      ackP50Ms: each(({ generator }) => orNull(generator.acknowledgement, 'p50')),
      ackP99Ms: each(({ generator }) => orNull(generator.acknowledgement, 'p99')),
      endToEndP50Ms: sink === null ? null : each((after) => orNull(after.sink?.endToEnd, 'p50')),
      endToEndP99Ms: sink === null ? null : each((after) => orNull(after.sink?.endToEnd, 'p99')),
      serviceRssBytes: pid === null ? null : each(({ service }) => service?.residentBytes ?? null),
      serviceCores: pid === null ? null : each(serviceCores),
    };
  }
}

function orNull(latency: { readonly count: number; p50: number; p99: number } | undefined, key: 'p50' | 'p99') {
  return latency === undefined || latency.count === 0 ? null : latency[key];
}

/** Processors that the service kept busy between two moments; null where it was gone, or not looked at. */
export function serviceCores({ service: after }: Moment, { service: before }: Moment): number | null {
  if (after === null || before === null || after.atMs === before.atMs) return null;
  return (after.cpuMicroseconds - before.cpuMicroseconds) / 1000 / (after.atMs - before.atMs);
}

export function generatorCores(after: Moment, before: Moment): number {
  return (after.generator.cpuMicroseconds - before.generator.cpuMicroseconds) / 1e6 / secondsBetween(before, after);
}

/** 0 without a sink. */
export function sinkCores({ sink: after }: Moment, { sink: before }: Moment): number {
  if (after === null || before === null || after.atMs === before.atMs) return 0;
  return (after.cpuMicroseconds - before.cpuMicroseconds) / 1000 / (after.atMs - before.atMs);
}

/** Of the time between two moments, in which a process waited for a processor; null where that is not known. */
function waitShare(after: Process | null, before: Process | null): number | null {
  const [until, from] = [after?.cpuWaitMicroseconds ?? null, before?.cpuWaitMicroseconds ?? null];
  if (after === null || before === null || until === null || from === null || after.atMs === before.atMs) return null;
  return Math.min(1, Math.max(0, (until - from) / 1000 / (after.atMs - before.atMs)));
}

type Process = Pick<GeneratorTick, 'atMs' | 'cpuWaitMicroseconds'>;

export const generatorWait = (after: Moment, before: Moment): number | null =>
  waitShare(after.generator, before.generator);

/** null without a sink too. */
export const sinkWait = (after: Moment, before: Moment): number | null => waitShare(after.sink, before.sink);
