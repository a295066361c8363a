// Ends what no configuration has any more, in the order in which spans pass, with nothing lost on the way.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Inventory } from './inventory.ts';
import type { LivePipeline } from './live-pipeline.ts';
import type { EndingInstance, RunningExporter, RunningExtension, RunningReceiver } from './running.ts';

/** What ends, when a generation has taken the place of another or has failed to. */
export interface Leftovers {
  readonly extensions: readonly RunningExtension[];
  /** Queues, with the instances behind them where those have no other queue. */
  readonly exporters: readonly RunningExporter[];
  readonly pipelines: readonly LivePipeline[];
  /** Whose requests go elsewhere already. */
  readonly replacedReceivers: readonly RunningReceiver[];
  /** Whose requests go on to where they went. */
  readonly stoppedReceivers: readonly RunningReceiver[];
  /** Instances that are still busy when the promise is not resolved. */
  readonly instances: readonly EndingInstance[];
}

export interface RetireHost {
  readonly inventory: Inventory;
  readonly log: Logger;
  readonly leaving: Set<RunningExporter>;
}

/** How long the clients of a receiver that ends may take to finish their requests. */
const receiverDrainMs = 25_000;
/** A queue ends when it is empty: how long its batches are tried is what its retry settings say. */
const forEverMs = 2 ** 31 - 1;
/** How often to look whether an extension is still used. */
const lookMs = 500;

/** Resolves when all of it has ended. Never rejects. */
export async function retire(left: Leftovers, host: RetireHost): Promise<void> {
  const { inventory, log, leaving } = host;
  const guarded = async (what: string, work: Promise<unknown>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      log.error({ error: String(error) }, `${what} did not end as it should`);
    }
  };

  async function endReceiver(running: RunningReceiver): Promise<void> {
    await running.receiver.drain(receiverDrainMs);
    await running.receiver.stop();
    inventory.removeReceiver(running);
  }

  async function endPipeline(pipeline: LivePipeline): Promise<void> {
    await pipeline.empty();
    inventory.removePipeline(pipeline);
    pipeline.close();
  }

  async function endQueue(running: RunningExporter): Promise<void> {
    leaving.add(running);
    await running.outlet.drain(forEverMs);
    // Another configuration uses it again.
    if (!leaving.delete(running)) return;
    if (inventory.removeExporter(running)) await running.exporter.stop();
    await running.outlet.close();
  }

  async function endInstance(ending: EndingInstance): Promise<void> {
    await ending.ended;
    inventory.instanceEnded(ending);
    await ending.exporter.stop();
  }

  /** By a queue that ends, of this configuration or of one before: it has the instance that it began with. */
  const isUsed = (id: string): boolean =>
    [...leaving].some(({ component: { definition, config } }) =>
      definition.references?.(config).some((reference) => reference.id === id),
    );

  async function endExtension(running: RunningExtension): Promise<void> {
    while (isUsed(running.id) && inventory.extensions.has(running)) await sleep(lookMs, undefined, { ref: false });
    if (!inventory.extensions.has(running)) return;
    inventory.removeExtension(running);
    await running.extension.stop();
  }

  async function endStopped(): Promise<void> {
    await Promise.all(left.stoppedReceivers.map((one) => guarded(`receiver ${one.id}`, endReceiver(one))));
    await Promise.all(left.pipelines.map((one) => guarded(`pipeline ${one.plan.id}`, endPipeline(one))));
    await Promise.all(left.exporters.map((one) => guarded(`exporter ${one.id}`, endQueue(one))));
  }

  await Promise.all([
    ...left.replacedReceivers.map((one) => guarded(`receiver ${one.id}`, endReceiver(one))),
    endStopped(),
    ...left.instances.map((one) => guarded(`exporter ${one.id}`, endInstance(one))),
  ]);
  for (const one of left.extensions.toReversed()) await guarded(`extension ${one.id}`, endExtension(one));
}
