// The slabs' part of the shared memory under one byte budget. Ranges are handed out lowest address first, so that what is
// touched (and so resident) stays close to what was ever held at once.

/** Ranges begin and end at multiples of this. */
const granule = 4096;

export interface Range {
  readonly at: number;
  /** A multiple of the granule: what counts against the budget. */
  bytes: number;
}

export class Arena {
  /** May change at any time: what is held above it is not taken away. */
  budgetBytes: number;
  /** Bytes held now, and the most that ever were. */
  used = 0;
  peak = 0;
  /** Free ranges by address; never two that touch. */
  readonly #start: number[] = [];
  readonly #size: number[] = [];
  #onFree: () => void = () => {};

  /** `bytes` may exceed the budget: the rest is room against fragmentation. */
  constructor(at: number, bytes: number, budgetBytes: number) {
    this.#start.push(at);
    this.#size.push(bytes);
    this.budgetBytes = budgetBytes;
  }

  /** Called after each release of bytes, in the middle of an allocation too: the one listener must not allocate at once. */
  onFree(listener: () => void): void {
    this.#onFree = listener;
  }

  /**
   * A range of at least `bytes`, or null when the budget or the address space has none now. `keepFree` bytes of the
   * budget stay free for others.
   */
  allocate(bytes: number, keepFree = 0): Range | null {
    const wanted = Math.max(granule, Math.ceil(bytes / granule) * granule);
    if (this.used + wanted + keepFree > this.budgetBytes) return null;
    for (let i = 0; i < this.#start.length; i++) {
      if (this.#size[i] < wanted) continue;
      const at = this.#start[i];
      if (this.#size[i] === wanted) {
        this.#start.splice(i, 1);
        this.#size.splice(i, 1);
      } else {
        this.#start[i] += wanted;
        this.#size[i] -= wanted;
      }
      this.used += wanted;
      if (this.used > this.peak) this.peak = this.used;
      return { at, bytes: wanted };
    }
    return null;
  }

  /** Of one range, whatever the budget says. */
  get largestFree(): number {
    return Math.max(0, ...this.#size);
  }

  free(range: Range): void {
    this.#give(range.at, range.bytes);
    range.bytes = 0;
    this.#onFree();
  }

  /** Gives back what lies behind the first `bytes` of the range. */
  shrink(range: Range, bytes: number): void {
    const kept = Math.max(granule, Math.ceil(bytes / granule) * granule);
    if (kept >= range.bytes) return;
    this.#give(range.at + kept, range.bytes - kept);
    range.bytes = kept;
    this.#onFree();
  }

  #give(at: number, bytes: number): void {
    this.used -= bytes;
    const starts = this.#start;
    const sizes = this.#size;
    let i = starts.length;
    while (i > 0 && starts[i - 1] > at) i--;
    const joinsLeft = i > 0 && starts[i - 1] + sizes[i - 1] === at;
    const joinsRight = i < starts.length && at + bytes === starts[i];
    if (joinsLeft && joinsRight) {
      sizes[i - 1] += bytes + sizes[i];
      starts.splice(i, 1);
      sizes.splice(i, 1);
    } else if (joinsLeft) sizes[i - 1] += bytes;
    else if (joinsRight) {
      starts[i] = at;
      sizes[i] += bytes;
    } else {
      starts.splice(i, 0, at);
      sizes.splice(i, 0, bytes);
    }
  }
}

/** A range that several holders share; it is freed when the last lets go. */
export class Slab {
  readonly range: Range;
  readonly #arena: Arena;
  #holders = 1;

  constructor(arena: Arena, range: Range) {
    this.#arena = arena;
    this.range = range;
  }

  hold(): void {
    this.#holders++;
  }
  release(): void {
    if (--this.#holders === 0) this.#arena.free(this.range);
  }
}
