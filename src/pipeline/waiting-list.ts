// Requests that wait for a worker, first come first served, without moving the rest at each job.
import type { StageRequest } from './stage-request.ts';

/** Taken requests are dropped from the list when there are so many of them. */
const mostTaken = 4096;

export class WaitingList {
  #requests: StageRequest[] = [];
  #taken = 0;

  get length(): number {
    return this.#requests.length - this.#taken;
  }
  /** The i-th that waits. */
  at(i: number): StageRequest {
    return this.#requests[this.#taken + i];
  }
  first(count: number): StageRequest[] {
    return this.#requests.slice(this.#taken, this.#taken + count);
  }
  push(request: StageRequest): void {
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
  putBack(requests: readonly StageRequest[]): void {
    this.#requests = [...requests, ...this.#requests.slice(this.#taken)];
    this.#taken = 0;
  }
}
