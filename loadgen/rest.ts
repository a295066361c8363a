// Waiting: for a time, and until nothing is under way.
import { setTimeout as delay } from 'node:timers/promises';
import type { GeneratorReport } from './generator/messages.ts';
import type { Rig } from './rig.ts';
import type { SinkReport } from './sink/messages.ts';

const pollMs = 50;
const pollsBetweenAccounts = 10;
/** What a pipeline sends again of a request that was refused for good, in parts for example, comes sooner. */
const secondChanceMs = 1000;

/**
 * Waits, with the generator paused, until all has arrived or nothing more comes. What the sink refused for good may come after
 * all: requests are waited for a little longer where it did. null without a sink.
 */
export async function settled(
  { sink }: Rig,
  sent: GeneratorReport,
  waitMs: number,
  signal?: AbortSignal,
): Promise<SinkReport | null> {
  if (sink === null) return null;
  let tick = await sink.tick();
  let arrivedAt = performance.now();
  let askedAt = arrivedAt;
  for (;;) {
    // The account takes a while where there are many spans: only when it may have become right.
    const report = await sink.settle(sent);
    const { lost, rejectedBySink } = report.account;
    const now = performance.now();
    const mayComeAgain = rejectedBySink > 0 && now - askedAt < Math.min(waitMs, secondChanceMs);
    if ((lost === 0 && !mayComeAgain) || now - arrivedAt > waitMs || signal?.aborted) return report;
    const before = tick;
    for (let polls = 0; polls < pollsBetweenAccounts; polls++) {
      await delay(pollMs);
      tick = await sink.tick();
      if (tick.distinct === before.distinct) break;
    }
    if (tick.distinct !== before.distinct) arrivedAt = performance.now();
    if (tick.requests !== before.requests) askedAt = performance.now();
  }
}

/** Sleeps; less long when the signal comes. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}
