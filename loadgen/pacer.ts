// The open loop's schedule: requests fall due by the clock, whatever happened to earlier ones.
import type { Clock } from './clock.ts';

/** Timers wake up to a millisecond late; the last stretch is slept in slices between looks at the sockets. */
const timerResolutionNs = 1_500_000;
const sliceMs = 0.1;
const never = new Int32Array(new SharedArrayBuffer(4));

/** Calls `send` with the intended time (Unix nanoseconds) of each request. Gives the function that stops it. */
export function startPacer(requestsPerSecond: number, clock: Clock, send: (due: bigint) => void): () => void {
  const origin = clock.now();
  let count = 0;
  let stopped = false;

  function dueTime(): bigint {
    return origin + BigInt(Math.round((count * 1e9) / requestsPerSecond));
  }

  function tick(): void {
    if (stopped) return;
    let due = dueTime();
    for (const now = clock.now(); due <= now; due = dueTime()) {
      send(due);
      count++;
    }
    const leftNs = Number(due - clock.now());
    if (leftNs > timerResolutionNs) {
      setTimeout(tick, Math.floor((leftNs - timerResolutionNs / 2) / 1e6));
      return;
    }
    // A short sleep rather than a busy loop: the processor belongs to the service that is measured.
    if (leftNs > 0) Atomics.wait(never, 0, 0, Math.min(sliceMs, leftNs / 1e6));
    setImmediate(tick);
  }

  tick();
  return () => {
    stopped = true;
  };
}
