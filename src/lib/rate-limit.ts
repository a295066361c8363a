// One line a problem: a message that repeats is let through a few times, then only now and then, with the number of
// lines left out.
import type { Logger } from 'pino';

export interface RateLimitOptions {
  /** Counting starts anew after this time. */
  readonly tickMs?: number;
  /** The first lines of a key in a tick that pass. */
  readonly initial?: number;
  /** After those, each line of this number passes; 0: none. */
  readonly thereafter?: number;
}

type Fields = Readonly<Record<string, unknown>>;
type Write = (key: string, fields: Fields, message: string) => void;

/** `key` tells problems apart; keep the set of keys small and free of data. A line after omitted ones has `omitted`. */
export interface RateLimitedLog {
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}

export interface Limiter {
  /** null: leave this line out. Otherwise how many lines were left out before it. */
  pass(key: string): number | null;
}

/** More keys than this are not told apart for long: the limiter's memory is bounded. */
const mostKeys = 4096;

/** `now` in ms, never going backwards. */
export function createLimiter(options: RateLimitOptions, now: () => number = () => performance.now()): Limiter {
  const { tickMs = 10_000, initial = 10, thereafter = 100 } = options;
  const counts = new Map<string, { sinceMs: number; seen: number; omitted: number }>();
  return {
    pass(key) {
      const nowMs = now();
      let count = counts.get(key);
      if (count === undefined) {
        if (counts.size >= mostKeys) counts.clear();
        count = { sinceMs: nowMs, seen: 0, omitted: 0 };
        counts.set(key, count);
      } else if (nowMs - count.sinceMs >= tickMs) {
        count.sinceMs = nowMs;
        count.seen = 0;
      }
      count.seen++;
      const beyond = count.seen - initial;
      if (beyond > 0 && (thereafter === 0 || beyond % thereafter !== 0)) {
        count.omitted++;
        return null;
      }
      const { omitted } = count;
      count.omitted = 0;
      return omitted;
    },
  };
}

/** Defaults: 10 lines a key in 10 s, then each 100th, as the Collector samples its own log. */
export function rateLimited(log: Logger, options: RateLimitOptions = {}, now?: () => number): RateLimitedLog {
  const limiter = createLimiter(options, now);
  const writer =
    (level: 'info' | 'warn' | 'error'): Write =>
    (key, fields, message) => {
      const omitted = limiter.pass(`${level} ${key}`);
      if (omitted === null) return;
      log[level](omitted > 0 ? { ...fields, omitted } : fields, message);
    };
  return { info: writer('info'), warn: writer('warn'), error: writer('error') };
}
