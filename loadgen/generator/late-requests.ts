// Requests whose spans end long after those of the requests before them: they wait until they are due.

export interface LateRequests {
  /** Position of a request in the run, and in how many milliseconds it is due. */
  put(position: number, delayMs: number): void;
  /** The position of one that is due; -1 when there is none. */
  take(): number;
  /** Makes all due that wait. */
  flush(): void;
  /** Of all that were put and not taken. */
  positions(): number[];
}

export function createLateRequests(): LateRequests {
  const waiting = new Map<number, NodeJS.Timeout>();
  const due: number[] = [];

  return {
    put(position, delayMs) {
      const timer = setTimeout(() => {
        waiting.delete(position);
        due.push(position);
      }, delayMs);
      waiting.set(position, timer);
    },
    take: () => due.shift() ?? -1,
    flush() {
      for (const timer of waiting.values()) clearTimeout(timer);
      due.push(...waiting.keys());
      waiting.clear();
    },
    positions: () => [...due, ...waiting.keys()],
  };
}
