// The open loop's schedule: requests fall due by the clock, whatever happened to earlier ones.

/** Timers wake up to a millisecond late; the last stretch is slept in slices between looks at the sockets. */
const timerResolutionNs = 1_500_000;
const sliceMs = 0.1;
const never = new Int32Array(new SharedArrayBuffer(4));

/**
 * Calls `send` with the intended time of each request; it gives what the request weighs, and `perSecond` such weights fall due
 * in a second. `now` gives nanoseconds from any origin, and intended times are on the same scale. Gives the function that
 * stops it.
 */
export function startPacer(perSecond: number, now: () => number, send: (due: number) => number): () => void {
  const origin = now();
  const interval = 1e9 / perSecond;
  let weight = 0;
  let stopped = false;

  function tick(): void {
    if (stopped) return;
    let due = origin + weight * interval;
    for (const until = now(); due <= until && !stopped; due = origin + weight * interval) weight += send(due);
    const left = due - now();
    if (left > timerResolutionNs) {
      setTimeout(tick, Math.floor((left - timerResolutionNs / 2) / 1e6));
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
