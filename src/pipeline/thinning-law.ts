// How hard spans are thinned while the memory fills, as a number of halvings: 0 keeps all of them, 1 every second trace, 2
// every fourth. Pure: time and fullness are handed in.
//
// The memory holds what came in and has not gone out, so its level is the integral of what comes too much: it settles where
// the thinning, which grows with the level, lets in just what goes out. Between the level where thinning begins and half of
// what is left above it each step is a band of equal width; the other half is room for what comes before a step has effect. A
// step up is taken at once, but one at a time, so that a burst does not throw away more than it has to. A step down waits until
// the level has called for less for a while: traces that end in that time are whole, and between two rates it does not
// flutter. Where nearly all that was held has gone, the backend could take more, and it waits less.
//
// Halvings, because their samples lie within each other: a trace that is kept at one rate is kept at each higher one, so
// that a trace in whose time the rate changed is whole when the lower of both kept it.
import type { ThinningOptions } from '../component/thinning.ts';

/** How often the level is looked at. */
export const lookMs = 25;
const stepDownMs = 5000;
const drainedStepDownMs = 100;

export class ThinningLaw {
  readonly #options: ThinningOptions;
  #halvings = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Since when the level has called for less. */
  #calmSince = 0;

  constructor(options: ThinningOptions) {
    this.#options = options;
  }

  get halvings(): number {
    return this.#halvings;
  }

  /** Whether the last look is so long ago that another one makes sense. `now`: milliseconds, never going back. */
  isDue(now: number): boolean {
    return now - this.#lookedAt >= lookMs;
  }

  /** `fullness`: 0 to 1, where requests are refused. */
  look(fullness: number, now: number): void {
    this.#lookedAt = now;
    const wanted = this.#wanted(fullness);
    if (wanted >= this.#halvings) {
      if (wanted > this.#halvings) this.#halvings++;
      this.#calmSince = now;
      return;
    }
    const waitMs = fullness < this.#options.from / 2 ? drainedStepDownMs : stepDownMs;
    if (now - this.#calmSince < waitMs) return;
    this.#halvings--;
    this.#calmSince = now;
  }

  #wanted(fullness: number): number {
    const { from, mostHalvings } = this.#options;
    if (fullness < from) return 0;
    const band = (1 - from) / 2 / mostHalvings;
    return Math.min(mostHalvings, 1 + Math.floor((fullness - from) / band));
  }
}
