// Requests whose spans end long after those of the requests before them: they wait until they are due.
import { createQueue } from './queue.ts';

export interface LateRequests {
  /** How many were put and not taken. */
  readonly length: number;
  /** Position of a request in the run, and in how many milliseconds it is due. */
  put(position: number, delayMs: number): void;
  /** The position of one that is due; -1 when there is none. */
  take(): number;
  /** Makes all due that wait. */
  flush(): void;
  /** Of all that were put and not taken. */
  positions(): number[];
}

/** A timer takes 31 bits of milliseconds, and fires at once when given more. What is further away than this is due by `flush`. */
const longestTimerMs = 2 ** 31 - 1;

export function createLateRequests(): LateRequests {
  const waiting = new Map<number, NodeJS.Timeout | null>();
  const due = createQueue<number>();

  function dueIn(position: number, delayMs: number): NodeJS.Timeout | null {
    if (delayMs > longestTimerMs) return null;
    const timer = setTimeout(() => {
      waiting.delete(position);
      due.push(position);
    }, delayMs);
    // What nobody takes any more is nothing to stay for.
    return timer.unref();
  }
  return {
    get length() {
      return due.length + waiting.size;
    },
    put(position, delayMs) {
      if (delayMs <= 0) due.push(position);
      else waiting.set(position, dueIn(position, delayMs));
    },
    take: () => due.shift() ?? -1,
    flush() {
      for (const [position, timer] of waiting) {
        if (timer !== null) clearTimeout(timer);
        due.push(position);
      }
      waiting.clear();
    },
    positions: () => [...due.items(), ...waiting.keys()],
  };
}
