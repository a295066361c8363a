// Where the bodies of requests go: small ones side by side in shared slabs, each larger one in a range of its own, and so
// each that is not whole yet, because a slow client would keep a whole slab. Inputs never take more than a share of the
// budget, so that there is always room for the output that frees them; unfinished ones never more than half of that share.
import type { Place } from '../component/types.ts';
import { type Arena, Slab } from './arena.ts';

const slabBytes = 256 << 10;
/** Larger bodies get a range of their own. */
const smallBytes = 64 << 10;
/** Inputs may hold this part of the budget. */
export const inputShare = 0.5;
/** Of the inputs' share, what messages may hold that are not whole. */
const unfinishedShare = 0.5;
/** How long a request waits for space before it is refused. */
const waitMs = 250;

class InputPlace implements Place {
  readonly offset: number;
  readonly length: number;
  readonly slab: InputSlab;
  constructor(offset: number, length: number, slab: InputSlab) {
    this.offset = offset;
    this.length = length;
    this.slab = slab;
  }
}

interface InputSlab {
  readonly slab: Slab;
  /** Its one message is not whole yet. */
  unfinished: boolean;
  readonly at: number;
  readonly bytes: number;
  next: number;
  places: number;
}

interface Waiter {
  readonly length: number;
  readonly isWhole: boolean;
  readonly resolve: (place: Place | null) => void;
  readonly timer: NodeJS.Timeout;
}

export class InputSpace {
  readonly #arena: Arena;
  #held = 0;
  /** Of messages that are not whole. */
  #unfinished = 0;
  #open: InputSlab | null = null;
  #waiters: Waiter[] = [];
  #reclaim: () => void = () => {};
  /** The largest body that can ever be taken; changes with the budget and the pipelines. */
  largest: number;

  constructor(arena: Arena, largest: number = arena.budgetBytes * inputShare) {
    this.#arena = arena;
    this.largest = largest;
  }

  get #limit(): number {
    return this.#arena.budgetBytes * inputShare;
  }

  /** Called when the budget is full, to give back what is reserved and not used. */
  onScarce(reclaim: () => void): void {
    this.#reclaim = reclaim;
  }

  /** `isWhole`: all of the message is here; else `finish` or `release` follows, sooner or later. */
  reserve(length: number, isWhole: boolean): Place | null {
    return this.#mustQueue(isWhole) ? null : this.#take(length, isWhole);
  }

  /** Whole messages do not stand behind unfinished ones where those wait for nothing but their share. */
  #mustQueue(isWhole: boolean): boolean {
    if (this.#waiters.length === 0) return false;
    const [first] = this.#waiters;
    return !isWhole || !this.#waitsForShare(first) || this.#waiters.some((waiter) => waiter.isWhole);
  }

  #waitsForShare({ length, isWhole }: Waiter): boolean {
    return !isWhole && this.#isShareFull(length);
  }

  /** One message may always come, however large. */
  #isShareFull(length: number): boolean {
    return this.#unfinished > 0 && this.#unfinished + length > this.#limit * unfinishedShare;
  }

  reserveLater(length: number, isWhole: boolean): Promise<Place | null> {
    return new Promise((resolve) => {
      const waiter: Waiter = {
        length,
        isWhole,
        resolve,
        timer: setTimeout(() => {
          // The oldest as a rule, since all wait equally long: found at once, however many there are.
          this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
          resolve(null);
          this.serveWaiters();
        }, waitMs),
      };
      this.#waiters.push(waiter);
    });
  }

  /** First come, first served, of whole and of unfinished messages; to be called when space has been freed. */
  serveWaiters(): void {
    let isShareFull = false;
    for (let i = 0; i < this.#waiters.length; ) {
      const waiter = this.#waiters[i];
      isShareFull ||= this.#waitsForShare(waiter);
      if (isShareFull && !waiter.isWhole) {
        i++;
        continue;
      }
      const place = this.#take(waiter.length, waiter.isWhole);
      if (place === null) return;
      this.#waiters.splice(i, 1);
      clearTimeout(waiter.timer);
      waiter.resolve(place);
    }
  }

  /** The message in the place is whole. */
  finish(place: Place): void {
    const { slab } = place as InputPlace;
    if (!slab.unfinished) return;
    slab.unfinished = false;
    this.#unfinished -= slab.bytes;
    if (this.#waiters.length > 0) this.serveWaiters();
  }

  /** The place is no longer needed; its slab is freed, or used again, with its last one. */
  release(place: Place): void {
    this.finish(place);
    const { slab } = place as InputPlace;
    if (--slab.places > 0) return;
    if (slab === this.#open) {
      slab.next = slab.at; // nothing lives in it: use the same, already resident pages again
      if (this.#waiters.length > 0) this.serveWaiters();
      return;
    }
    this.#held -= slab.bytes;
    slab.slab.release();
  }

  #take(length: number, isWhole: boolean): Place | null {
    if (!isWhole || length > smallBytes) {
      if (!isWhole && this.#isShareFull(length)) return null;
      const slab = this.#allocate(length);
      if (slab === null) return null;
      slab.places = 1;
      if (!isWhole) {
        slab.unfinished = true;
        this.#unfinished += slab.bytes;
      }
      return new InputPlace(slab.at, length, slab);
    }
    if (this.#open === null || this.#open.next + length > this.#open.at + this.#open.bytes) {
      const slab = this.#allocate(slabBytes);
      if (slab === null) return null;
      const full = this.#open;
      this.#open = slab;
      if (full !== null && full.places === 0) {
        this.#held -= full.bytes;
        full.slab.release();
      }
    }
    const slab = this.#open;
    const place = new InputPlace(slab.next, length, slab);
    slab.next += length;
    slab.places++;
    return place;
  }

  #allocate(length: number): InputSlab | null {
    if (this.#held + length > this.#limit) return null;
    let range = this.#arena.allocate(length);
    if (range === null) {
      this.#reclaim();
      range = this.#arena.allocate(length);
    }
    if (range === null) return null;
    this.#held += range.bytes;
    const slab = new Slab(this.#arena, range);
    return { slab, unfinished: false, at: range.at, bytes: range.bytes, next: range.at, places: 0 };
  }
}
