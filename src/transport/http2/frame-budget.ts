// What frames that bring nothing forward may cost a connection. A client may send each of them for good reasons; one that
// sends little else is ended (RFC 9113 10.5: "An endpoint MAY treat activity that is suspicious as a connection error of
// type ENHANCE_YOUR_CALM").
//
// One budget for all kinds: it begins full, time and answered requests fill it, each such frame takes from it.
import type { FloodKind } from '../grpc-server.ts';

const leastFull = 10_000;
/** However many streams a connection may have. */
const mostFull = 100_000;
const refillPerSecond = 2000;
/**
 * What a request that was answered with OK brings: as much as any client sends around one. One that was reset before or
 * refused brings nothing, or a flood of them (rapid reset) would pay for itself.
 */
const refillPerRequest = 20;

/** Beside the bytes: how much work a frame of the kind makes here. */
const costs: Readonly<Record<FloodKind, number>> = {
  reset: 10,
  late: 2,
  refused: 10,
  settings: 20,
  ping: 2,
  empty_data: 1,
  priority: 1,
  window_update: 1,
  continuation: 4,
  unknown: 1,
  headers: 0,
  unread: 0,
  handshake: 0,
  stalled: 0,
};

export class FrameBudget {
  readonly #full: number;
  #left: number;
  #filledAt = performance.now();

  /** `streams`: as many as the client may have at once. When their deadline passes it gives all of them up in one breath. */
  constructor(streams = 0) {
    this.#full = Math.min(mostFull, Math.max(leastFull, streams * costs.reset));
    this.#left = this.#full;
  }

  /** A request was answered with OK. */
  earn(): void {
    if (this.#left < this.#full) this.#left += refillPerRequest;
  }

  /** A frame came. False: it was one too many. */
  spend(kind: FloodKind): boolean {
    this.#left -= costs[kind];
    if (this.#left >= 0) return true;
    const now = performance.now();
    const earned = ((now - this.#filledAt) / 1000) * refillPerSecond;
    this.#filledAt = now;
    this.#left = Math.min(this.#full, this.#left + earned);
    return this.#left >= 0;
  }
}
