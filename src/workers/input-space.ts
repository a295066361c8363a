// Where the bodies of requests go: small ones side by side in shared slabs, each larger one in a range of its own, and so
// each that is not whole yet, because a slow client would keep a whole slab. Inputs never take more than a part of the
// budget, so that there is always room for the output that frees them; unfinished ones never more than half of that part.
//
// Receivers have equal shares of it. One may hold more while others do not need theirs, but for half of each: so a flood over
// one receiver always leaves room for messages of another. Where there is none left, the receiver that holds least is served
// first, and within a receiver who came first: so each comes to its share as what others hold above theirs is done.
import type { Place } from '../component/receiver.ts';
import { WaitingList } from '../pipeline/waiting-list.ts';
import { type Arena, Slab } from './arena.ts';

/** A slab of small bodies, or a quarter of a receiver's share where that is less, but room for one. */
const slabBytes = 256 << 10;
/** Larger bodies get a range of their own. */
const smallBytes = 64 << 10;
/** Inputs may hold this part of the budget. */
export const inputShare = 0.5;
/** Of the inputs' part, what messages may hold that are not whole. */
const unfinishedShare = 0.5;
/** Of a receiver's share, the part that the others leave free when it does not use it. */
const keptShare = 0.5;
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
  /** All of its messages came over one receiver. */
  readonly share: InputShare;
  /** Its one message is not whole yet. */
  unfinished: boolean;
  readonly at: number;
  readonly bytes: number;
  next: number;
  places: number;
}

interface Waiter {
  readonly length: number;
  readonly since: number;
  readonly resolve: (place: Place | null) => void;
  /** undefined: it has given up. */
  timer: NodeJS.Timeout | undefined;
}

/** Those of one receiver that wait, all with whole messages or all without. */
interface Queue {
  readonly share: InputShare;
  readonly isWhole: boolean;
  readonly waiters: WaitingList<Waiter>;
}

/** What one receiver has of the space. */
export class InputShare {
  /** Messages, and the bytes of the slabs and ranges that they lie in. */
  messages = 0;
  held = 0;
  /** Bytes of messages that are not whole. */
  unfinished = 0;
  /** For small messages. */
  open: InputSlab | null = null;
  readonly whole: Queue = { share: this, isWhole: true, waiters: new WaitingList() };
  readonly parts: Queue = { share: this, isWhole: false, waiters: new WaitingList() };
}

export class InputSpace {
  readonly #arena: Arena;
  /** Of all receivers together. */
  readonly #all = { held: 0, unfinished: 0 };
  #sharers: readonly InputShare[] = [];
  /** Those that are not empty. */
  readonly #queues: Queue[] = [];
  #waited = 0;
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
  /** 0 to 1; 1: there is room for nothing more. */
  get fullness(): number {
    return Math.min(1, this.#all.held / this.#limit);
  }

  /** Called when the budget is full, to give back what is reserved and not used. */
  onScarce(reclaim: () => void): void {
    this.#reclaim = reclaim;
  }

  /** From now on these are sure of a share; any other gets what they leave. */
  shareAmong(sharers: readonly InputShare[]): void {
    const left = this.#sharers.filter((share) => !sharers.includes(share));
    this.#sharers = sharers;
    for (const share of left) this.#closeIdle(share);
    this.serveWaiters();
  }

  /** `isWhole`: all of the message is here; else `finish` or `release` follows, sooner or later. */
  reserve(share: InputShare, length: number, isWhole: boolean): Place | null {
    if (this.#queues.length > 0 && this.#mustQueue(share, isWhole)) return null;
    return this.#isBarred(share, length, isWhole) ? null : this.#take(share, length, isWhole);
  }

  /** Somebody waits who would be served first. */
  #mustQueue(share: InputShare, isWhole: boolean): boolean {
    return this.#queues.some(
      (queue) =>
        (queue.share === share && queue.isWhole === isWhole) ||
        (queue.share.held <= share.held && !this.#isFirstBarred(queue)),
    );
  }

  reserveLater(share: InputShare, length: number, isWhole: boolean): Promise<Place | null> {
    return new Promise((resolve) => {
      const queue = isWhole ? share.whole : share.parts;
      const waiter: Waiter = { length, since: this.#waited++, resolve, timer: undefined };
      waiter.timer = setTimeout(() => this.#giveUp(queue, waiter), waitMs);
      if (queue.waiters.length === 0) this.#queues.push(queue);
      queue.waiters.push(waiter);
    });
  }

  #giveUp(queue: Queue, waiter: Waiter): void {
    waiter.timer = undefined;
    waiter.resolve(null);
    // As a rule, since all wait equally long.
    if (queue.waiters.at(0) === waiter) this.#advance(queue);
    this.serveWaiters();
  }

  /** Past the first, and those behind it that have given up. */
  #advance(queue: Queue): void {
    const { waiters } = queue;
    do waiters.advance(1);
    while (waiters.length > 0 && waiters.at(0).timer === undefined);
    if (waiters.length === 0) this.#queues.splice(this.#queues.indexOf(queue), 1);
  }

  /** To be called when space has been freed. */
  serveWaiters(): void {
    while (this.#queues.length > 0) {
      const queue = this.#nextQueue();
      if (queue === null) return;
      const { length, resolve, timer } = queue.waiters.at(0);
      const place = this.#take(queue.share, length, queue.isWhole);
      // Nobody overtakes it, so that a large one gets its turn.
      if (place === null) return;
      clearTimeout(timer);
      this.#advance(queue);
      resolve(place);
    }
  }

  /** Of those whose first may be served: where the receiver holds least, or else who came first. */
  #nextQueue(): Queue | null {
    let next: Queue | null = null;
    for (const queue of this.#queues) {
      if (next !== null && !isBefore(queue, next)) continue;
      if (!this.#isFirstBarred(queue)) next = queue;
    }
    return next;
  }

  #isFirstBarred({ share, isWhole, waiters }: Queue): boolean {
    return this.#isBarred(share, waiters.at(0).length, isWhole);
  }

  /**
   * Whether the message has to wait for others of its kind or of its receiver to go, though there may be room. Who is barred
   * stands in nobody's way. One message may always come, however large, where its receiver has none.
   */
  #isBarred(share: InputShare, length: number, isWhole: boolean): boolean {
    if (share.messages === 0 && this.#all.unfinished === 0) return false;
    const bytes = this.#bytesFor(share, length, isWhole);
    if (share.messages > 0 && this.#deprivesOthers(share, 'held', bytes, this.#limit)) return true;
    if (isWhole || this.#all.unfinished === 0) return false;
    const limit = this.#limit * unfinishedShare;
    if (this.#all.unfinished + bytes > limit) return true;
    return share.unfinished > 0 && this.#deprivesOthers(share, 'unfinished', bytes, limit);
  }

  /** Whether so much more for this receiver would leave the others less than is kept for them. */
  #deprivesOthers(share: InputShare, what: 'held' | 'unfinished', bytes: number, limit: number): boolean {
    const sharers = this.#sharers;
    const keptForEach = (limit / sharers.length) * keptShare;
    if (share[what] + bytes <= keptForEach && sharers.includes(share)) return false;
    let kept = 0;
    for (const other of sharers) if (other !== share) kept += Math.max(0, keptForEach - other[what]);
    return kept > 0 && this.#all[what] + bytes + kept > limit;
  }

  /** What the message takes of the budget. */
  #bytesFor({ open }: InputShare, length: number, isWhole: boolean): number {
    if (!isWhole || length > smallBytes) return length;
    return open !== null && open.next + length <= open.at + open.bytes ? 0 : this.#slabBytes;
  }

  get #slabBytes(): number {
    const quarter = this.#limit / Math.max(1, this.#sharers.length) / 4;
    return Math.min(slabBytes, Math.max(smallBytes, quarter));
  }

  /** The message in the place is whole. */
  finish(place: Place): void {
    const { slab } = place as InputPlace;
    if (!slab.unfinished) return;
    slab.unfinished = false;
    slab.share.unfinished -= slab.bytes;
    this.#all.unfinished -= slab.bytes;
    if (this.#queues.length > 0) this.serveWaiters();
  }

  /** The place is no longer needed; its slab is freed, or used again, with its last one. */
  release(place: Place): void {
    this.finish(place);
    const { slab } = place as InputPlace;
    const { share } = slab;
    share.messages--;
    if (--slab.places > 0) return;
    if (slab !== share.open) {
      this.#free(slab);
      return;
    }
    slab.next = slab.at; // nothing lives in it: use the same, already resident pages again
    if (!this.#sharers.includes(share)) this.#closeIdle(share);
    else if (this.#queues.length > 0) this.serveWaiters();
  }

  #free(slab: InputSlab): void {
    slab.share.held -= slab.bytes;
    this.#all.held -= slab.bytes;
    slab.slab.release();
  }

  /** Gives back an open slab that nothing lives in. */
  #closeIdle(share: InputShare): void {
    const { open } = share;
    if (open === null || open.places > 0) return;
    share.open = null;
    this.#free(open);
  }

  #take(share: InputShare, length: number, isWhole: boolean): Place | null {
    if (!isWhole || length > smallBytes) {
      const slab = this.#allocate(share, length);
      if (slab === null) return null;
      slab.places = 1;
      share.messages++;
      if (!isWhole) {
        slab.unfinished = true;
        share.unfinished += slab.bytes;
        this.#all.unfinished += slab.bytes;
      }
      return new InputPlace(slab.at, length, slab);
    }
    if (share.open === null || share.open.next + length > share.open.at + share.open.bytes) {
      const slab = this.#allocate(share, this.#slabBytes);
      if (slab === null) return null;
      const full = share.open;
      share.open = slab;
      if (full !== null && full.places === 0) this.#free(full);
    }
    const slab = share.open;
    const place = new InputPlace(slab.next, length, slab);
    slab.next += length;
    slab.places++;
    share.messages++;
    return place;
  }

  #allocate(share: InputShare, length: number): InputSlab | null {
    const range = this.#range(length) ?? this.#rangeOfScarce(length);
    if (range === null) return null;
    share.held += range.bytes;
    this.#all.held += range.bytes;
    const slab = new Slab(this.#arena, range);
    return { slab, share, unfinished: false, at: range.at, bytes: range.bytes, next: range.at, places: 0 };
  }

  #range(length: number): ReturnType<Arena['allocate']> {
    return this.#all.held + length > this.#limit ? null : this.#arena.allocate(length);
  }

  #rangeOfScarce(length: number): ReturnType<Arena['allocate']> {
    for (const share of this.#sharers) this.#closeIdle(share);
    if (this.#all.held + length > this.#limit) return null;
    this.#reclaim();
    return this.#arena.allocate(length);
  }
}

function isBefore(a: Queue, b: Queue): boolean {
  if (a.share.held !== b.share.held) return a.share.held < b.share.held;
  return a.waiters.at(0).since < b.waiters.at(0).since;
}
