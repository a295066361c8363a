// What waits, first come first served, without moving the rest each time that the first is taken.
import type { StageRequest } from './stage-request.ts';

/** Those that were taken are dropped from the list when there are so many of them. */
const mostTaken = 4096;

export class WaitingList<T = StageRequest> {
  #requests: T[] = [];
  #taken = 0;

  get length(): number {
    return this.#requests.length - this.#taken;
  }
  /** The i-th that waits. */
  at(i: number): T {
    return this.#requests[this.#taken + i];
  }
  first(count: number): T[] {
    return this.#requests.slice(this.#taken, this.#taken + count);
  }
  push(request: T): void {
    this.#requests.push(request);
  }
  /** The first `count` wait no more. */
  advance(count: number): void {
    this.#taken += count;
    if (this.#taken === this.#requests.length) {
      this.#requests = [];
      this.#taken = 0;
    } else if (this.#taken > mostTaken) {
      this.#requests = this.#requests.slice(this.#taken);
      this.#taken = 0;
    }
  }
  /** These run again, before all others. */
  putBack(requests: readonly T[]): void {
    this.#requests = [...requests, ...this.#requests.slice(this.#taken)];
    this.#taken = 0;
  }
}
