// Requests of a stage that need something out of the ordinary before they can run again. Nearly always none.
import type { Arena, Range } from '../workers/arena.ts';
import type { StageRequest } from './stage-request.ts';

export interface Trouble {
  /** A range for the normalised bytes. */
  normaliseTo: Range | null;
  /** Output bytes to offer next time; 0: the usual. */
  room: number;
  /** Workers that died while they ran a job with this request in it. */
  deaths: number;
}

export class Troubles {
  readonly #arena: Arena;
  readonly #of = new Map<StageRequest, Trouble>();

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  get(request: StageRequest): Trouble | undefined {
    return this.#of.size === 0 ? undefined : this.#of.get(request);
  }

  /** It needs more output than the others, or a worker died of it. */
  runsAlone(request: StageRequest): boolean {
    const trouble = this.get(request);
    return trouble !== undefined && (trouble.room > 0 || trouble.deaths > 0);
  }

  /** The request's trouble, from now on if it had none. */
  begin(request: StageRequest): Trouble {
    const known = this.#of.get(request);
    if (known !== undefined) return known;
    const trouble: Trouble = { normaliseTo: null, room: 0, deaths: 0 };
    this.#of.set(request, trouble);
    return trouble;
  }

  /** The request is done with. */
  end(request: StageRequest): void {
    const trouble = this.get(request);
    if (trouble === undefined) return;
    this.#of.delete(request);
    if (trouble.normaliseTo !== null) this.#arena.free(trouble.normaliseTo);
  }
}
