// How long a refused client is told to wait: the more of the recent requests were refused, the longer.

const leastMs = 1000;
const mostMs = 30_000;
/** Counts of the time before are halved each so often … */
const halfLifeMs = 2000;
/** … so that what a steady stream counts is what comes in this time. */
const windowMs = halfLifeMs / Math.LN2;
/** Spread, so that clients that were refused together do not come back together. */
const jitter = 0.1;

export class RefusalDelay {
  readonly #now: () => number;
  readonly #random: () => number;
  #accepted = 0;
  /** Since the counts were aged last. */
  #newlyAccepted = 0;
  #refused = 0;
  #agedAt: number;

  constructor(now: () => number = () => performance.now(), random: () => number = Math.random) {
    this.#now = now;
    this.#random = random;
    this.#agedAt = now();
  }

  accepted(): void {
    this.#newlyAccepted++;
  }

  /** Counts a refusal; milliseconds that its client is told: half refused, twice the least; all refused, the most. */
  refused(): number {
    this.#age();
    this.#refused++;
    const accepted = this.#accepted + this.#newlyAccepted;
    const delayMs = Math.min(mostMs, (leastMs * (accepted + this.#refused)) / Math.max(accepted, 1e-9));
    return Math.round(delayMs * (1 - jitter + 2 * jitter * this.#random()));
  }

  #age(): void {
    const now = this.#now();
    const elapsedMs = now - this.#agedAt;
    if (elapsedMs < halfLifeMs / 8) return;
    const kept = 0.5 ** (elapsedMs / halfLifeMs);
    this.#accepted = this.#accepted * kept + this.#newlyAccepted * Math.min(1, windowMs / elapsedMs);
    this.#newlyAccepted = 0;
    this.#refused *= kept;
    this.#agedAt = now;
  }
}
