// Waiting times between attempts, as the Collector's retry_on_failure computes them.
import type { DeliveryOptions } from '../component/exporter.ts';

export interface Backoff {
  /**
   * The wait before the next attempt in ms: the greater of the random backoff and what the peer asked for. null: the
   * time allowed for this batch would be over before that attempt, so there is none.
   */
  next(elapsedMs: number, peerDelayMs: number): number | null;
}

/** One a batch: the interval grows with every call. `random` gives 0 <= x < 1. */
export function createBackoff(retry: DeliveryOptions['retry'], random: () => number): Backoff {
  let interval = retry.initialIntervalMs;
  return {
    next(elapsedMs, peerDelayMs) {
      if (!retry.enabled) return null;
      const spread = retry.randomizationFactor * interval;
      const wait = Math.max(interval - spread + random() * 2 * spread, peerDelayMs);
      interval = Math.min(interval * retry.multiplier, retry.maxIntervalMs);
      return retry.maxElapsedMs > 0 && elapsedMs + wait > retry.maxElapsedMs ? null : wait;
    },
  };
}
