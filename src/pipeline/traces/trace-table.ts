// The traces that are held, in the order in which they began: a ring of entries, and hash chains over them by trace id. Grown
// beyond its first size it lies in the arena, so that it counts against the byte budget.
import { randomBytes } from 'node:crypto';
import type { Arena, Range } from '../../workers/arena.ts';

/** Words of an entry. */
const entry = {
  /** Four words: the trace id. */
  id: 0,
  /** Position of its newest run; 0: it is held no more. */
  newest: 4,
  spans: 5,
  bytes: 6,
  /** Slot of the next entry in its chain, + 1; 0: none. */
  chain: 7,
} as const;
const entryWords = 8;
const firstCapacity = 1024;

/** Numbers of entries count on through 2^32 to 0: whether a came before b. */
export const isBefore = (a: number, b: number): boolean => ((a - b) | 0) < 0;
const following = (number: number): number => (number + 1) >>> 0;

export class TraceTable {
  /** Traces that are held. */
  size = 0;
  /** Number of the oldest entry, and of the next one that begins. Entries between them may be held no more. */
  first = 0;
  end = 0;
  readonly #arena: Arena;
  readonly #shared: Uint32Array;
  readonly #own = new Uint32Array(firstCapacity * (entryWords + 1));
  readonly #seed = randomBytes(4).readUInt32LE();
  /** Where the entries stand, and behind them the heads of the chains: slot + 1 each. */
  #words: Uint32Array = this.#own;
  #at = 0;
  #heads = firstCapacity * entryWords;
  #capacity = firstCapacity;
  #range: Range | null = null;

  /** `shared`: the words of the memory that the arena hands out. */
  constructor(arena: Arena, shared: Uint32Array) {
    this.#arena = arena;
    this.#shared = shared;
  }

  /** The number of the trace with the id at `words[at…]`; -1: it is not held. */
  find(words: Uint32Array, at: number): number {
    const a = words[at];
    const b = words[at + 1];
    const c = words[at + 2];
    const d = words[at + 3];
    const own = this.#words;
    let slot = own[this.#heads + (hash(a, b, c, d, this.#seed) & (this.#capacity - 1))];
    while (slot !== 0) {
      const e = this.#at + (slot - 1) * entryWords;
      if (own[e] === a && own[e + 1] === b && own[e + 2] === c && own[e + 3] === d) return this.#number(slot - 1);
      slot = own[e + entry.chain];
    }
    return -1;
  }

  /** A new trace with the id at `words[at…]`; -1: there is no room before the oldest goes. `keepFree`: as of the arena. */
  begin(words: Uint32Array, at: number, keepFree: number): number {
    if (this.#count === this.#capacity && !this.#resize(this.#capacity * 2, keepFree)) return -1;
    const number = this.end;
    const slot = number & (this.#capacity - 1);
    const own = this.#words;
    const e = this.#at + slot * entryWords;
    own[e] = words[at];
    own[e + 1] = words[at + 1];
    own[e + 2] = words[at + 2];
    own[e + 3] = words[at + 3];
    own[e + entry.newest] = 0;
    own[e + entry.spans] = 0;
    own[e + entry.bytes] = 0;
    this.#link(slot);
    this.end = following(number);
    this.size++;
    return number;
  }

  /** The run at `position` is the newest of the trace. */
  append(number: number, position: number, spans: number, bytes: number): void {
    const e = this.#entry(number);
    const own = this.#words;
    own[e + entry.newest] = position;
    own[e + entry.spans] += spans;
    own[e + entry.bytes] += bytes;
  }

  /** Position of the newest run; 0: the trace is held no more. */
  newest(number: number): number {
    return this.#words[this.#entry(number) + entry.newest];
  }
  spans(number: number): number {
    return this.#words[this.#entry(number) + entry.spans];
  }
  bytes(number: number): number {
    return this.#words[this.#entry(number) + entry.bytes];
  }

  /** The trace is held no more; its entry stays until it is the oldest. */
  remove(number: number): void {
    this.#unlink(number & (this.#capacity - 1));
    this.#words[this.#entry(number) + entry.newest] = 0;
    this.size--;
  }

  /** Past the oldest entry, which is held no more. */
  advance(): void {
    this.first = following(this.first);
  }

  /** Gives back what a few traces do not need. */
  shrink(): void {
    let capacity = this.#capacity;
    while (capacity > firstCapacity && this.#count * 8 < capacity) capacity /= 2;
    if (capacity < this.#capacity) this.#resize(capacity, 0);
  }

  get #count(): number {
    return (this.end - this.first) >>> 0;
  }
  #entry(number: number): number {
    return this.#at + (number & (this.#capacity - 1)) * entryWords;
  }
  #number(slot: number): number {
    return (this.first + ((slot - this.first) & (this.#capacity - 1))) >>> 0;
  }

  #head(e: number): number {
    const own = this.#words;
    return this.#heads + (hash(own[e], own[e + 1], own[e + 2], own[e + 3], this.#seed) & (this.#capacity - 1));
  }
  #link(slot: number): void {
    const e = this.#at + slot * entryWords;
    const head = this.#head(e);
    this.#words[e + entry.chain] = this.#words[head];
    this.#words[head] = slot + 1;
  }
  #unlink(slot: number): void {
    const own = this.#words;
    const e = this.#at + slot * entryWords;
    let at = this.#head(e);
    while (own[at] !== slot + 1) at = this.#at + (own[at] - 1) * entryWords + entry.chain;
    own[at] = own[e + entry.chain];
  }

  /** False: there is no room for it now. */
  #resize(capacity: number, keepFree: number): boolean {
    const range = capacity > firstCapacity ? this.#arena.allocate(capacity * (entryWords + 1) * 4, keepFree) : null;
    if (range === null && capacity > firstCapacity) return false;
    const from = this.#words;
    const fromAt = this.#at;
    const fromCapacity = this.#capacity;
    const left = this.#range;
    this.#range = range;
    this.#words = range === null ? this.#own : this.#shared;
    this.#at = range === null ? 0 : range.at / 4;
    this.#heads = this.#at + capacity * entryWords;
    this.#capacity = capacity;
    this.#words.fill(0, this.#heads, this.#heads + capacity);
    for (let number = this.first; number !== this.end; number = following(number)) {
      const e = fromAt + (number & (fromCapacity - 1)) * entryWords;
      const to = this.#entry(number);
      for (let i = 0; i < entryWords; i++) this.#words[to + i] = from[e + i];
      if (this.#words[to + entry.newest] !== 0) this.#link(number & (capacity - 1));
    }
    if (left !== null) this.#arena.free(left);
    return true;
  }

  /** Nothing is held: gives back what it has of the arena. */
  close(): void {
    if (this.#range !== null) this.#arena.free(this.#range);
    this.#range = null;
  }
}

/** Ids are random as a rule, but whoever sends them must not be able to make them meet: hence the seed. */
function hash(a: number, b: number, c: number, d: number, seed: number): number {
  let h = Math.imul(a ^ seed, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15) ^ b, 0x85ebca77);
  h = Math.imul(h ^ (h >>> 13) ^ c, 0xc2b2ae3d);
  h = Math.imul(h ^ (h >>> 16) ^ d, 0x27d4eb2f);
  return h ^ (h >>> 15);
}
