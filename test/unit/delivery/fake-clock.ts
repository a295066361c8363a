// A clock that stands still until told to move; promises that became ready run between two timers.
import type { Clock } from '../../../src/delivery/clock.ts';

export interface FakeClock extends Clock {
  /** Moves on, firing what becomes due in order. */
  advance(ms: number): Promise<void>;
  /** Lets everything run that waits for no time. */
  settle(): Promise<void>;
  /** When the pending timers are due, in ms from now. */
  pending(): number[];
}

export function createFakeClock(): FakeClock {
  let nowMs = 0;
  let timers: { at: number; fire: () => void }[] = [];
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    now: () => nowMs,
    after(ms, callback) {
      const timer = { at: nowMs + ms, fire: callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    random: () => 0.5,
    settle,
    pending: () => timers.map((timer) => timer.at - nowMs).sort((a, b) => a - b),
    async advance(ms) {
      const end = nowMs + ms;
      for (;;) {
        await settle();
        const due = timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        nowMs = Math.max(nowMs, due.at);
        timers = timers.filter((timer) => timer !== due);
        due.fire();
      }
      nowMs = end;
      await settle();
    },
  };
}
