// Byte strings of the shared memory as small numbers: the same bytes have the same number. What makes groups of spans.
import type { StageMemory } from './stage-memory.ts';

const fewHeads = 256;
/**
 * Strings that are compared in one look-up. Only who knows the seed can make more of them collide; what is not found then
 * gets a second number.
 */
const mostCompared = 64;
const fnvPrime = 0x01000193;

export class ByteTable {
  count = 0;
  readonly #stage: StageMemory;
  readonly #bytes: Uint8Array;
  readonly #seed = Math.floor(Math.random() * 2 ** 32);
  /** The last number of each hash, and for each number the one before; -1: none. */
  #heads = new Int32Array(fewHeads).fill(-1);
  readonly #before: number[] = [];
  readonly #at: number[] = [];
  readonly #length: number[] = [];
  readonly #hash: number[] = [];
  /** Of the bytes of the last `find`. */
  #lastHash = 0;

  constructor(stage: StageMemory) {
    this.#stage = stage;
    this.#bytes = stage.shared.bytes;
  }

  /** The number of the bytes; -1 when they have none. */
  find(at: number, length: number): number {
    const bytes = this.#bytes;
    let hash = this.#seed;
    for (let i = at; i < at + length; i++) hash = Math.imul(hash ^ bytes[i], fnvPrime);
    hash ^= hash >>> 15;
    this.#lastHash = hash;
    let n = this.#heads[hash & (this.#heads.length - 1)];
    for (let compared = 0; n >= 0 && compared < mostCompared; n = this.#before[n]) {
      if (this.#hash[n] !== hash || this.#length[n] !== length) continue;
      if (this.#stage.kernel.equal(this.#at[n], at, length) !== 0) return n;
      compared++;
    }
    return -1;
  }

  /** Numbers the bytes that `find` did not find, which now stand at `at` and stay there until `clear`. */
  add(at: number, length: number): number {
    if (this.count >= this.#heads.length) this.#grow();
    const n = this.count++;
    this.#at[n] = at;
    this.#length[n] = length;
    this.#hash[n] = this.#lastHash;
    this.#link(n);
    return n;
  }

  clear(): void {
    if (this.count === 0) return;
    this.count = 0;
    if (this.#heads.length > fewHeads) this.#heads = new Int32Array(fewHeads);
    this.#heads.fill(-1);
  }

  #link(n: number): void {
    const head = this.#hash[n] & (this.#heads.length - 1);
    this.#before[n] = this.#heads[head];
    this.#heads[head] = n;
  }

  #grow(): void {
    this.#heads = new Int32Array(this.#heads.length * 4).fill(-1);
    for (let n = 0; n < this.count; n++) this.#link(n);
  }
}
