// Which steps of a stage go over its spans together. A walk runs all hooks of a resource, then all of a scope, then all of
// each span: steps share one as long as each still sees what it would see if they ran one after another.
import type { Touch } from '../component/types.ts';

/** One pass of a processor: plain data, for it crosses threads. */
export interface Step {
  readonly id: string;
  readonly type: string;
  readonly config: unknown;
  /** Index among the passes of its definition. */
  readonly pass: number;
}

/** Once over all spans of a request. */
export interface Walk {
  readonly steps: readonly Step[];
  /** Spans change what holds them, so that resource and scope are only known behind their last span. */
  readonly lateHeaders: boolean;
}

/** In the hook of a lower item: again and again, between the hooks of other steps. */
const fromBelow = (touch: Touch): boolean => touch.from !== touch.what;

/** Whether the one behind would see, or undo, something of the other at the wrong time. */
function interferes(earlier: Touch, behind: Touch): boolean {
  return fromBelow(earlier) && earlier.what === behind.what && (earlier.writes || behind.writes);
}

/** Collects the steps of a stage in their order. */
export class WalkList {
  readonly #walks: { steps: Step[]; lateHeaders: boolean }[] = [{ steps: [], lateHeaders: false }];
  #touches: Touch[] = [];

  get isEmpty(): boolean {
    return this.#walks[0].steps.length === 0;
  }

  add(step: Step, touches: readonly Touch[]): void {
    if (this.#touches.some((earlier) => touches.some((touch) => interferes(earlier, touch)))) this.#next();
    const walk = this.#walks[this.#walks.length - 1];
    walk.steps.push(step);
    walk.lateHeaders ||= touches.some((touch) => touch.writes && fromBelow(touch));
    this.#touches.push(...touches);
  }

  /** At least one. The last has its headers in front of the spans, for its output ends where a batch is full. */
  end(): readonly Walk[] {
    if (this.#walks[this.#walks.length - 1].lateHeaders) this.#next();
    return this.#walks;
  }

  #next(): void {
    this.#walks.push({ steps: [], lateHeaders: false });
    this.#touches = [];
  }
}

/** Rooms of one size in which a request is worked on: its output, and what each walk leaves to the next, by turns. */
export const roomsOf = (walks: readonly Walk[]): number => Math.min(walks.length, 3);
