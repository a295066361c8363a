// Ends what no configuration has any more, with nothing lost on the way: each part when nobody sends to it, or uses it, any more.
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
  readonly receivers: readonly RunningReceiver[];
  /** Instances that are still busy when the promise is not resolved. */
  readonly instances: readonly EndingInstance[];
}

export interface RetireHost {
  readonly inventory: Inventory;
  readonly log: Logger;
}

/** How long the clients of a receiver that ends may take to finish their requests. */
const receiverDrainMs = 25_000;
/** Nobody waits for it to end: SDKs send every five seconds, and are told at their next request that it was the last here. */
const idleClientsMs = 10_000;
/** A queue ends when it is empty: how long its batches are tried is what its retry settings say. */
const forEverMs = Number.POSITIVE_INFINITY;

/** Resolves when all of it has ended. Never rejects. What of it may be used again is found in the inventory at once. */
export async function retire(left: Leftovers, { inventory, log }: RetireHost): Promise<void> {
  const { leaving, leavingExtensions } = inventory;
  for (const one of left.exporters) leaving.add(one);
  for (const one of left.extensions) if (inventory.extensions.has(one)) leavingExtensions.add(one);
  // Clients of the receivers that end may wait for what is gathered.
  for (const one of left.pipelines) one.hurry();
  for (const { outlet } of left.exporters) outlet.flush();

  const guarded = async (what: string, work: Promise<unknown>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      log.error({ error: String(error) }, `${what} did not end as it should`);
    }
  };

  async function endReceiver(running: RunningReceiver): Promise<void> {
    await running.receiver.drain(receiverDrainMs, idleClientsMs);
    await running.receiver.stop();
    inventory.removeReceiver(running);
  }

  async function endPipeline(pipeline: LivePipeline): Promise<void> {
    const [first] = pipeline.stages;
    const { receivers, pipelines } = inventory;
    await inventory.until(
      () =>
        ![...receivers].some(({ entries }) => entries.stages.includes(first)) &&
        ![...pipelines].some((one) => one.sendsTo(pipeline)),
    );
    // What one that goes on stores at present comes through the connectors of before.
    await Promise.all([...pipelines].map((one) => one.stored()));
    await pipeline.empty();
    pipeline.close();
    inventory.removePipeline(pipeline);
  }

  async function endQueue(running: RunningExporter): Promise<void> {
    const { outlet, exporter } = running;
    const isSentTo = (): boolean => [...inventory.pipelines].some((pipeline) => pipeline.leadsTo(outlet));
    await inventory.until(() => !leaving.has(running) || !isSentTo());
    // Each time: another configuration may use it again, and a third one may leave it to end.
    if (!leaving.has(running)) return;
    await outlet.drain(forEverMs);
    if (!leaving.has(running) || isSentTo()) return;
    const isLast = inventory.removeExporter(running);
    // In this turn of the event loop, so that a queue of the same storage that opens next finds it closing.
    await Promise.all([outlet.close(), isLast ? exporter.stop() : null]);
  }

  async function endInstance(ending: EndingInstance): Promise<void> {
    await ending.ended;
    inventory.instanceEnded(ending);
    await ending.exporter.stop();
  }

  /** By a queue that there still is: it has the instance of the last configuration that had it. */
  const isUsed = (running: RunningExtension): boolean =>
    [...inventory.exporters].some(({ component: { definition, config }, lookup }) => {
      if (lookup.now.get(running.id) !== running) return false;
      return definition.references?.(config).some(({ id }) => id === running.id) ?? false;
    });

  async function endExtension(running: RunningExtension): Promise<void> {
    await inventory.until(() => !isUsed(running) || !leavingExtensions.has(running));
    if (!leavingExtensions.has(running)) return;
    inventory.removeExtension(running);
    await running.extension.stop();
  }

  await Promise.all([
    ...left.receivers.map((one) => guarded(`receiver ${one.id}`, endReceiver(one))),
    ...left.pipelines.map((one) => guarded(`pipeline ${one.plan.id}`, endPipeline(one))),
    ...left.exporters.map((one) => guarded(`exporter ${one.id}`, endQueue(one))),
    ...left.instances.map((one) => guarded(`exporter ${one.id}`, endInstance(one))),
  ]);
  for (const one of left.extensions.toReversed()) await guarded(`extension ${one.id}`, endExtension(one));
}
