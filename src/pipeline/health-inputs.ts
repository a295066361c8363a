// The numbers that health is judged by, from what the runtime holds.
import type { ExporterInput, HealthInputs, ReceiverInput } from './health.ts';

/** Of a delivery's stats. Times of performance.now(). */
export interface DeliveryNumbers {
  readonly exporter: string;
  readonly queueEnabled: boolean;
  readonly queueSize: number;
  readonly queueCapacity: number;
  /** When the oldest of what is held came; Infinity: nothing is held. */
  readonly oldestSince: number;
  readonly consecutiveFailures: number;
  readonly lastError: string;
  /** -Infinity: never. */
  readonly lastSuccessAt: number;
}

/** Of a receiver's stats. */
export interface ReceiverNumbers {
  readonly receiver: string;
  readonly acceptedRequests: number;
  /** reason -> requests. */
  readonly refusedRequests: ReadonlyMap<string, number>;
}

export interface HealthSources {
  readonly pipelines: HealthInputs['pipelines'];
  readonly receivers: Iterable<ReceiverNumbers>;
  readonly deliveries: Iterable<DeliveryNumbers>;
  /** Of the arenas together. */
  readonly memory: { readonly used: number; readonly budgetBytes: number };
  readonly workers: { readonly deaths: number; busyMs(now: number): number };
  /** Spans that could not be stored, in all. */
  readonly storageFailures: number;
}

/** What an input takes of the budget at a time; of a small budget that is a good part. */
const slabBytes = 256 << 10;
/** The label of requests that were refused for want of room. */
const overloaded = 'overloaded';

/** `now`: of performance.now(). */
export function healthInputs(sources: HealthSources, now: number): HealthInputs {
  const { memory, workers } = sources;
  const usable = Math.max(memory.budgetBytes - slabBytes, memory.budgetBytes / 2);
  return {
    pipelines: sources.pipelines,
    receivers: [...sources.receivers].map(receiverInput),
    exporters: [...sources.deliveries].map((delivery) => exporterInput(delivery, now)),
    memoryFullness: Math.min(1, memory.used / usable),
    workerDeaths: workers.deaths,
    storageFailures: sources.storageFailures,
    workersBusyMs: workers.busyMs(now),
  };
}

function receiverInput({ receiver, acceptedRequests, refusedRequests }: ReceiverNumbers): ReceiverInput {
  return { id: receiver, acceptedRequests, refusedRequests: refusedRequests.get(overloaded) ?? 0 };
}

function exporterInput(delivery: DeliveryNumbers, now: number): ExporterInput {
  return {
    id: delivery.exporter,
    queueAgeMs: Math.max(0, now - delivery.oldestSince),
    // Without a queue what is held is being exported: that it is full says nothing.
    queueFullness: delivery.queueEnabled ? delivery.queueSize / delivery.queueCapacity : 0,
    consecutiveFailures: delivery.consecutiveFailures,
    lastError: delivery.lastError,
    sinceSuccessMs: now - delivery.lastSuccessAt,
  };
}
