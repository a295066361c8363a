// Starvation: how long this process was ready to go on and waited for a processor. Where it had to wait for long, what it
// measured was the machine.
import { readFileSync } from 'node:fs';

/**
 * Microseconds since the main thread began, in which all that matters here happens; null where the system does not say.
 * Linux, Documentation/scheduler/sched-stats.rst: /proc/<pid>/schedstat has "time spent on the cpu (in nanoseconds)", "time
 * spent waiting on a runqueue (in nanoseconds)" and a count of timeslices, of the thread that <pid> names.
 */
export function cpuWaitMicroseconds(): number | null {
  try {
    return cpuWaitOf(readFileSync('/proc/self/schedstat', 'latin1'));
  } catch {
    // No Linux, or one without scheduler statistics.
    return null;
  }
}

/** Of the text of a schedstat file; null where it is none. */
export function cpuWaitOf(schedstat: string): number | null {
  const [, nanoseconds] = /^\d+ (\d+) \d+\s*$/.exec(schedstat) ?? [];
  return nanoseconds === undefined ? null : Number(nanoseconds) / 1000;
}
