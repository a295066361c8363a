// The open loop's schedule: requests fall due by the clock, whatever happened to earlier ones.

/** Timers wake up to a millisecond late; the last stretch is slept in slices between looks at the sockets. */
const timerResolutionNs = 1_500_000;
const sliceMs = 0.1;
/** Of sending at a stretch where the schedule cannot be kept: replies and the parent's questions have their turn between. */
const stretchNs = 5_000_000;
/** A timer takes no more than 31 bits of milliseconds; it is looked again then. */
const longestTimerMs = 2 ** 31 - 1;
const never = new Int32Array(new SharedArrayBuffer(4));

/**
 * Calls `send` with the intended time of each request; it gives what the request weighs, and `perSecond` such weights fall due
 * in a second; null: there was none, and there will be no more. `now` gives nanoseconds from any origin, and intended times are on the same scale. Gives the function that
 * stops it.
 */
export function startPacer(perSecond: number, now: () => number, send: (due: number) => number | null): () => void {
  const origin = now();
  const interval = 1e9 / perSecond;
  let weight = 0;
  let stopped = false;

  function tick(): void {
    if (stopped) return;
    let due = origin + weight * interval;
    for (const until = now(); due <= until && !stopped; due = origin + weight * interval) {
      const weighs = send(due);
      if (weighs === null) return;
      weight += weighs;
      if (now() - until > stretchNs) break;
    }
    const left = origin + weight * interval - now();
    if (left > timerResolutionNs) {
      setTimeout(tick, Math.min(longestTimerMs, Math.floor((left - timerResolutionNs / 2) / 1e6)));
      return;
    }
    // A short sleep rather than a busy loop: the processor belongs to the service that is measured.
    if (left > 0) Atomics.wait(never, 0, 0, Math.min(sliceMs, left / 1e6));
    setImmediate(tick);
  }

  tick();
  return () => {
    stopped = true;
  };
}
