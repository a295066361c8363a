// A pipeline that thins its spans where it would otherwise refuse requests: the rate of each of its jobs, and the words for
// when that begins and ends. As long as nothing is thinned it is looked at when a job starts, and at no other time.
import type { Logger } from 'pino';
import type { ThinningOptions } from '../component/thinning.ts';
import { lookMs, ThinningLaw } from './thinning-law.ts';

export interface ThinningHost {
  /** Id of the processor that asks for it, and of its pipeline. */
  readonly processor: string;
  readonly pipeline: string;
  readonly log: Logger;
  /** How near the pipeline is to refusing requests: 0 to 1. */
  fullness(): number;
  /** In all. */
  droppedSpans(): number;
  /** Of performance.now(). */
  now?(): number;
}

/** It is said to be over after so long without: what flutters is one time of thinning. */
const overAfterMs = 10_000;

/** From the first span that is dropped until all have been kept for a while. */
interface Episode {
  readonly since: number;
  readonly droppedBefore: number;
  mostHalvings: number;
  lastAt: number;
}

export class Thinning {
  readonly processor: string;
  readonly pipeline: string;
  readonly #host: ThinningHost;
  readonly #now: () => number;
  readonly #law: ThinningLaw;
  #episode: Episode | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ThinningOptions, host: ThinningHost) {
    this.processor = host.processor;
    this.pipeline = host.pipeline;
    this.#host = host;
    this.#now = host.now ?? (() => performance.now());
    this.#law = new ThinningLaw(options);
  }

  /** The part of all spans that is kept now. */
  get probability(): number {
    return 2 ** -this.#law.halvings;
  }

  /** For a job that starts now. */
  halvings(): number {
    const now = this.#now();
    if (this.#law.isDue(now)) this.#look(now);
    return this.#law.halvings;
  }

  #look(now: number): void {
    this.#law.look(this.#host.fullness(), now);
    const { halvings } = this.#law;
    if (halvings > 0) {
      this.#episode ??= this.#begin(now);
      this.#episode.mostHalvings = Math.max(this.#episode.mostHalvings, halvings);
      this.#episode.lastAt = now;
    } else if (this.#episode !== null && now - this.#episode.lastAt >= overAfterMs) this.#end(this.#episode);
  }

  #begin(now: number): Episode {
    const { processor, pipeline, log, droppedSpans } = this.#host;
    log.warn(
      { processor, pipeline, keeps: this.probability },
      'overload: spans are thinned by trace id instead of refused',
    );
    // Jobs may no longer come, and then nobody else would look.
    this.#timer = setInterval(() => this.#look(this.#now()), lookMs * 4);
    this.#timer.unref();
    return { since: now, droppedBefore: droppedSpans(), mostHalvings: 0, lastAt: now };
  }

  #end({ since, droppedBefore, mostHalvings, lastAt }: Episode): void {
    const { processor, pipeline, log, droppedSpans } = this.#host;
    const seconds = Math.ceil((lastAt - since) / 1000);
    const dropped = droppedSpans() - droppedBefore;
    log.warn(
      { processor, pipeline, dropped, keptAtLeast: 2 ** -mostHalvings, seconds },
      'the overload is over: all spans are kept again',
    );
    clearInterval(this.#timer);
    this.#episode = null;
  }

  /** The pipeline has ended: there is nothing to look at any more. */
  close(): void {
    clearInterval(this.#timer);
    if (this.#episode !== null) this.#end(this.#episode);
  }
}
