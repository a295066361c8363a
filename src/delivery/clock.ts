// Time and chance, handed in so that tests move both by hand.

export interface Clock {
  /** Milliseconds that never go backwards. */
  now(): number;
  /** Calls `callback` once after `ms`, unless the returned function was called before. */
  after(ms: number, callback: () => void): () => void;
  /** 0 <= x < 1. */
  random(): number;
}

/** setTimeout takes a signed 32-bit number; more than that would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, Math.min(ms, longestTimerMs));
    return () => clearTimeout(timer);
  },
  random: Math.random,
};
