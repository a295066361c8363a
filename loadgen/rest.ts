// Waiting: for a time, and until nothing is under way.
import { setTimeout as delay } from 'node:timers/promises';
import type { GeneratorReport } from './generator/messages.ts';
import type { Rig } from './rig.ts';
import type { SinkReport } from './sink/messages.ts';

const pollMs = 50;
const pollsBetweenAccounts = 10;

/** Waits, with the generator paused, until all has arrived or nothing more comes. null without a sink. */
export async function settled(
  { sink }: Rig,
  sent: GeneratorReport,
  waitMs: number,
  signal?: AbortSignal,
): Promise<SinkReport | null> {
  if (sink === null) return null;
  let arrived = (await sink.tick()).distinct;
  let quietSince = performance.now();
  for (;;) {
    // The account takes a while where there are many spans: only when it may have become right.
    const report = await sink.settle(sent);
    if (report.account.lost === 0 || performance.now() - quietSince > waitMs || signal?.aborted) return report;
    const before = arrived;
    for (let polls = 0; polls < pollsBetweenAccounts; polls++) {
      await delay(pollMs);
      arrived = (await sink.tick()).distinct;
      if (arrived === before) break;
    }
    if (arrived !== before) quietSince = performance.now();
  }
}

/** Sleeps; less long when the signal comes. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}
