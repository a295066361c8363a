// Protects a backend that is down from all of an exporter's consumers knocking at once: after failures in a row, none of them
// followed by a success, one attempt at a time finds out whether it is back, and the others wait for what that one says.
import type { Clock } from './clock.ts';

/** So many failures in a row, at least, open the circuit; a backend that refuses half of its requests does not. */
const fewestFailures = 5;

/** What an attempt may do now. */
export type Turn =
  | { readonly kind: 'go' }
  /** Another one finds out. Ask again when the promise has resolved, or after `ms`. */
  | { readonly kind: 'wait'; readonly result: Promise<void> }
  | { readonly kind: 'sleep'; readonly ms: number };

export class Circuit {
  readonly #threshold: number;
  readonly #clock: Clock;
  #failures = 0;
  #nextProbeAt = 0;
  /** The peer asked everybody to stay away until then. */
  #peerBusyUntil = 0;
  #probing = false;
  #waiting: (() => void)[] = [];

  constructor(consumers: number, clock: Clock) {
    this.#threshold = Math.max(fewestFailures, consumers);
    this.#clock = clock;
  }

  get failuresInRow(): number {
    return this.#failures;
  }
  get isOpen(): boolean {
    return this.#failures >= this.#threshold;
  }

  /** To be asked before each attempt; after `go`, `passed` or `failed` must follow. */
  turn(): Turn {
    const now = this.#clock.now();
    if (now < this.#peerBusyUntil) return { kind: 'sleep', ms: this.#peerBusyUntil - now };
    if (!this.isOpen) return { kind: 'go' };
    if (this.#probing) return { kind: 'wait', result: new Promise((resolve) => this.#waiting.push(resolve)) };
    if (now < this.#nextProbeAt) return { kind: 'sleep', ms: this.#nextProbeAt - now };
    this.#probing = true;
    return { kind: 'go' };
  }

  passed(): void {
    this.#failures = 0;
    this.#tell();
  }

  /** `waitMs`: until the one that failed tries again. `peerDelayMs`: what the peer asked for; 0: nothing. */
  failed(waitMs: number, peerDelayMs: number): void {
    const now = this.#clock.now();
    this.#failures++;
    this.#nextProbeAt = now + waitMs;
    if (peerDelayMs > 0) this.#peerBusyUntil = Math.max(this.#peerBusyUntil, now + peerDelayMs);
    this.#tell();
  }

  /** Everybody may try once more at once: a drain has begun. */
  reset(): void {
    this.#failures = 0;
    this.#peerBusyUntil = 0;
    this.#tell();
  }

  #tell(): void {
    this.#probing = false;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
