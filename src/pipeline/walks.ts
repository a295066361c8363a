// Which steps of a stage go over its spans together. A walk runs all hooks of a resource, then all of a scope, then all of
// each span: steps share one as long as each still sees what it would see if they ran one after another.
import type { Touch } from '../component/processor.ts';

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
  /** Its last step regroups the spans, which are written when all have been seen. */
  readonly regroups?: true;
}

/** In the hook of a lower item: again and again, between the hooks of other steps. */
const fromBelow = (touch: Touch): boolean => touch.from !== touch.what;

/** Whether the one behind would see, or undo, something of the other at the wrong time. */
function interferes(earlier: Touch, behind: Touch): boolean {
  return fromBelow(earlier) && earlier.what === behind.what && (earlier.writes || behind.writes);
}

/**
 * A resource or scope is gone for the steps behind the one that drops its last span; in a walk with that, its hook still runs,
 * and must not do what is seen elsewhere: change the resource of a scope, or refuse the request.
 */
const outlivesSpans = ({ what, from, writes, mayRefuse }: Touch): boolean =>
  mayRefuse === true || (what === 'resource' && from === 'scope' && writes);

type OpenWalk = { -readonly [K in keyof Walk]: Walk[K] } & { steps: Step[] };

/** Collects the steps of a stage in their order. */
export class WalkList {
  readonly #walks: OpenWalk[] = [];
  #touches: Touch[] = [];
  #drops = false;

  constructor() {
    this.#next();
  }

  get isEmpty(): boolean {
    return this.#walks[0].steps.length === 0;
  }

  get #last(): OpenWalk {
    return this.#walks[this.#walks.length - 1];
  }

  add(step: Step, touches: readonly Touch[], { drops, regroups }: { drops: boolean; regroups: boolean }): void {
    const interfering = this.#touches.some((earlier) => touches.some((touch) => interferes(earlier, touch)));
    if (this.#last.regroups === true || interfering || (this.#drops && touches.some(outlivesSpans))) this.#next();
    const walk = this.#last;
    walk.steps.push(step);
    if (regroups) walk.regroups = true;
    this.#drops ||= drops;
    walk.lateHeaders ||= touches.some((touch) => touch.writes && fromBelow(touch));
    this.#touches.push(...touches);
  }

  /**
   * At least one. The last has its headers in front of the spans, for its output ends where a batch is full. `holds`: it also
   * notes where the spans of each trace stand, which no walk does that regroups.
   */
  end(holds: boolean): readonly Walk[] {
    if (this.#last.lateHeaders || (holds && this.#last.regroups === true)) this.#next();
    return this.#walks;
  }

  #next(): void {
    this.#walks.push({ steps: [], lateHeaders: false });
    this.#touches = [];
    this.#drops = false;
  }
}

/** Rooms of one size in which a request is worked on: its output, and what each walk leaves to the next, by turns. */
export const roomsOf = (walks: readonly Walk[]): number => Math.min(walks.length, 3);
