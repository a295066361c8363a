// What a peer takes at a time, as far as its answers have shown.
import type { Clock } from '../clock.ts';

/** Sizes are bytes of the message before compression. */
export interface LearnedLimit {
  /** The most to send now; Infinity: nothing was refused. A single span that is larger is tried all the same. */
  readonly maxBytes: number;
  /** A message of that size was taken. */
  passed(bytes: number): void;
  /** It was refused as too large. `limitBytes`: what the peer says it takes; 0: it does not say. */
  refused(bytes: number, limitBytes: number): void;
}

/** Without a refusal for so long, the limit is tried anew, a little higher: the peer may have been given more. */
const growAfterMs = 10 * 60_000;
const growth = 1.25;
/**
 * No limit is below this: a peer that refuses even less as too large, or says that it takes less, means something else by it. What it
 * does not take all the same is halved each time.
 */
const leastBytes = 16 << 10;
/** More than any message has. */
const unboundedBytes = 2 ** 40;

/** Unbounded at first. */
export function createLearnedLimit(clock: Pick<Clock, 'now'>): LearnedLimit {
  let maxBytes = Number.POSITIVE_INFINITY;
  /** The largest that passed since something smaller was refused. */
  let largestPassed = 0;
  let sinceMs = clock.now();

  function grow(): void {
    if (maxBytes === Number.POSITIVE_INFINITY || clock.now() - sinceMs < growAfterMs) return;
    sinceMs = clock.now();
    maxBytes = Math.floor(maxBytes * growth);
    if (maxBytes > unboundedBytes) maxBytes = Number.POSITIVE_INFINITY;
  }

  return {
    get maxBytes() {
      grow();
      return maxBytes;
    },
    passed(bytes) {
      largestPassed = Math.max(largestPassed, bytes);
      // A single span may be larger than what was thought to be the limit.
      if (bytes > maxBytes) maxBytes = bytes;
    },
    refused(bytes, limitBytes) {
      sinceMs = clock.now();
      // The peer takes less than it did.
      if (largestPassed >= bytes) largestPassed = 0;
      if (limitBytes > 0 && limitBytes < bytes) {
        maxBytes = Math.max(limitBytes, leastBytes);
        return;
      }
      const guess = Math.max(largestPassed, Math.floor(bytes / 2));
      if (guess >= leastBytes) maxBytes = Math.min(maxBytes, guess);
    },
  };
}
