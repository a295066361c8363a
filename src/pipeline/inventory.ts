// Everything that exists: what the present configuration has, and what earlier ones had and that has not ended. Who starts a
// part puts it in, who has ended it takes it out; metrics, drain and stop go by it.
import type { MetricSpec, MetricValue } from '../component/definition.ts';
import type { DeliveryStats } from '../delivery/queue.ts';
import type { LivePipeline } from './live-pipeline.ts';
import { type ComponentKind, type ComponentMetrics, PastMetrics } from './past-metrics.ts';
import { type BatchStats, batchStatsOf, PastStats, type TraceStats } from './past-stats.ts';
import type { EndingInstance, RunningExporter, RunningExtension, RunningReceiver } from './running.ts';

export class Inventory {
  /** In the order of their start. */
  readonly extensions = new Set<RunningExtension>();
  readonly exporters = new Set<RunningExporter>();
  readonly pipelines = new Set<LivePipeline>();
  readonly receivers = new Set<RunningReceiver>();
  /** Queues that no configuration has any more, until they are empty. One that is taken out again is used again. */
  readonly leaving = new Set<RunningExporter>();
  /** Extensions that no configuration has any more, until no queue uses them; taken out again likewise. */
  readonly leavingExtensions = new Set<RunningExtension>();
  readonly #waiting = new Set<() => void>();
  readonly #metrics = new PastMetrics();
  readonly #stats = new PastStats();

  /** Resolves when that is so; asked now and after each change. */
  until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!isSo()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
  /** Something has ended, or goes on in another place. */
  changed(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** A queue has ended. True: its exporter has no other one, and is to end too. */
  removeExporter(exporter: RunningExporter): boolean {
    this.leaving.delete(exporter);
    const isGone = this.exporters.delete(exporter);
    this.changed();
    if (!isGone) return false;
    this.#stats.addDelivery(exporter.outlet.delivery.stats);
    if ([...this.exporters].some((other) => other.exporter === exporter.exporter)) return false;
    this.#metrics.add(metricsOf('exporter', exporter, exporter.exporter.metricValues()));
    return true;
  }
  removePipeline(pipeline: LivePipeline): void {
    if (!this.pipelines.delete(pipeline)) return;
    this.changed();
    for (const stage of pipeline.stages) this.#stats.addStage(stage);
  }
  removeReceiver(receiver: RunningReceiver): void {
    if (!this.receivers.delete(receiver)) return;
    this.changed();
    this.#metrics.add(metricsOf('receiver', receiver, receiver.receiver.metricValues()));
  }
  removeExtension(extension: RunningExtension): void {
    this.leavingExtensions.delete(extension);
    if (!this.extensions.delete(extension)) return;
    this.changed();
    this.#metrics.add(metricsOf('extension', extension, extension.extension.metricValues?.() ?? []));
  }
  /** An exporter has ended, while its queue goes on with another. */
  instanceEnded(ended: EndingInstance): void {
    this.#metrics.add(metricsOf('exporter', ended, ended.exporter.metricValues?.() ?? []));
  }

  *componentMetrics(): Iterable<ComponentMetrics> {
    for (const one of this.receivers) yield metricsOf('receiver', one, one.receiver.metricValues());
    // Several queues may lead to one exporter.
    const exporters = new Map([...this.exporters].map((one) => [one.exporter, one]));
    for (const one of exporters.values()) yield metricsOf('exporter', one, one.exporter.metricValues());
    for (const one of this.extensions) yield metricsOf('extension', one, one.extension.metricValues?.() ?? []);
    yield* this.#metrics.all();
  }

  *deliveryStats(): Iterable<DeliveryStats> {
    for (const { outlet } of this.exporters) yield outlet.delivery.stats;
    yield* this.#stats.deliveries;
  }

  *batchStats(): Iterable<BatchStats> {
    for (const { stages } of this.pipelines) {
      for (const stage of stages) {
        const stats = batchStatsOf(stage);
        if (stats !== null) yield stats;
      }
    }
    yield* this.#stats.batches;
  }

  *traceStats(): Iterable<TraceStats> {
    for (const { stages } of this.pipelines) {
      for (const { output } of stages) if (output.traces !== null) yield output.traces;
    }
    for (const stats of this.#stats.holding) yield { stats, traces: 0, requests: 0 };
  }
}

function metricsOf(
  kind: ComponentKind,
  { id, metrics }: { readonly id: string; readonly metrics: readonly MetricSpec[] },
  values: Iterable<MetricValue>,
): ComponentMetrics {
  return { kind, id, metrics, values: [...values] };
}
