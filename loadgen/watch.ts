// Looks at a run once a second: for the progress line, and for the report's series.

import type { GeneratorTick } from './generator/messages.ts';
import { type ProcessFigures, processFigures } from './process-figures.ts';
import type { ReportSeries } from './report/schema.ts';
import type { Rig } from './rig.ts';
import type { SinkTick } from './sink/messages.ts';

export interface Moment {
  /** Of performance.now. */
  readonly atMs: number;
  readonly generator: GeneratorTick;
  readonly sink: SinkTick | null;
  readonly service: ProcessFigures | null;
}

export async function lookAt({ generator, sink, pid }: Rig): Promise<Moment> {
  const [generatorTick, sinkTick] = await Promise.all([generator.tick(), sink?.tick() ?? null]);
  const service = pid === null ? null : processFigures(pid);
  return { atMs: performance.now(), generator: generatorTick, sink: sinkTick, service };
}

const intervalMs = 1000;

export class Watch {
  readonly #rig: Rig;
  readonly #seen: (moment: Moment, before: Moment) => void;
  readonly #moments: Moment[] = [];
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> = Promise.resolve();
  #measuredFromMs = Number.POSITIVE_INFINITY;

  /** `seen` is called with every moment and the one before it. */
  constructor(rig: Rig, seen: (moment: Moment, before: Moment) => void) {
    this.#rig = rig;
    this.#seen = seen;
  }

  async start(): Promise<void> {
    this.#moments.push(await lookAt(this.#rig));
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.#look());
    }, intervalMs);
  }

  /** The warm-up is over. */
  measured(): void {
    this.#measuredFromMs = performance.now();
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    await this.#looking;
    await this.#look();
  }

  async #look(): Promise<void> {
    const before = this.#moments.at(-1);
    const moment = await lookAt(this.#rig);
    this.#moments.push(moment);
    if (before !== undefined) this.#seen(moment, before);
  }

  series(): ReportSeries {
    const pairs = this.#moments.slice(1).map((after, i) => ({ before: this.#moments[i], after }));
    const each = <T>(column: (after: Moment, before: Moment) => T): T[] =>
      pairs.map(({ before, after }) => column(after, before));
    const { sink, pid } = this.#rig;
    return {
      second: each((_, before) => Math.round((before.atMs - this.#measuredFromMs) / 100) / 10),
      generated: each(({ generator }, before) => generator.spans.generated - before.generator.spans.generated),
      acknowledged: each((after, before) => after.generator.spans.acknowledged - before.generator.spans.acknowledged),
      refused: each((after, before) => refusedSpans(after) - refusedSpans(before)),
      arrived: sink === null ? null : each((after, before) => distinct(after) - distinct(before)),
      inFlight: each(({ generator }) => generator.requests.inFlight),
      latenessMaxMs: each(({ generator }) => generator.lateness.max),
      ackP50Ms: each(({ generator }) => orNull(generator.acknowledgement, 'p50')),
      ackP99Ms: each(({ generator }) => orNull(generator.acknowledgement, 'p99')),
      endToEndP50Ms: sink === null ? null : each((after) => orNull(after.sink?.endToEnd, 'p50')),
      endToEndP99Ms: sink === null ? null : each((after) => orNull(after.sink?.endToEnd, 'p99')),
      serviceRssBytes: pid === null ? null : each(({ service }) => service?.residentBytes ?? null),
      serviceCores: pid === null ? null : each((after, before) => cores(after, before)),
    };
  }
}

export const refusedSpans = ({ generator: { spans } }: Moment): number => spans.rejected + spans.failed;
const distinct = ({ sink }: Moment): number => sink?.distinct ?? 0;

function orNull(latency: { readonly count: number; p50: number; p99: number } | undefined, key: 'p50' | 'p99') {
  return latency === undefined || latency.count === 0 ? null : latency[key];
}

function cores(after: Moment, before: Moment): number | null {
  if (after.service === null || before.service === null || after.atMs === before.atMs) return null;
  const microseconds = after.service.cpuMicroseconds - before.service.cpuMicroseconds;
  return microseconds / 1000 / (after.atMs - before.atMs);
}
