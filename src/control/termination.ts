// How the process is told to end, and how long it goes on after that for those who have not heard of it.
import { setTimeout as after } from 'node:timers/promises';
import type { Logger } from 'pino';

/** setTimeout takes a signed 32-bit number; more than that would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/** From here on SIGTERM and SIGINT end nothing by themselves. Returns what waits for the next of either. */
export function terminations(): () => Promise<NodeJS.Signals> {
  const waiting: ((signal: NodeJS.Signals) => void)[] = [];
  const tell = (signal: NodeJS.Signals): void => {
    for (const resolve of waiting.splice(0)) resolve(signal);
  };
  process.on('SIGTERM', tell).on('SIGINT', tell);
  return () => new Promise((resolve) => waiting.push(resolve));
}

/**
 * From here on the service is not ready, and takes requests until load balancers have had time to move away, or the next
 * signal comes. Resolves with how many milliseconds it waited.
 */
export async function announceDrain(
  runtime: { announceDrain(): number },
  log: Logger,
  nextSignal: () => Promise<NodeJS.Signals>,
): Promise<number> {
  const delayMs = runtime.announceDrain();
  if (delayMs === 0) return 0;
  log.info({ delayMs }, 'going to drain: not ready any more, requests are still taken');
  const began = performance.now();
  const early = new AbortController();
  const over = after(Math.min(delayMs, longestTimerMs), undefined, { signal: early.signal }).catch(() => undefined);
  await Promise.race([over, nextSignal()]);
  early.abort();
  return performance.now() - began;
}
