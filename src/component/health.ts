// What the service says of its own health: a state for each pipeline with the reasons for it. pipeline/health.ts judges;
// extensions, receivers and metrics show the result.

export type ServiceState = 'starting' | 'ready' | 'draining' | 'stopped';

/**
 * `degraded`: something is wrong, and requests are taken all the same. `not_ready`: requests are refused, or soon will be:
 * another instance would serve them better.
 */
export type HealthState = 'ok' | 'degraded' | 'not_ready';

/** What is wrong; a label of metrics. */
export type HealthCause =
  | 'queue_age'
  | 'exporter_failures'
  | 'refusals'
  | 'memory'
  | 'queue'
  | 'worker_deaths'
  | 'storage_failures';

export interface HealthReason {
  readonly state: Exclude<HealthState, 'ok'>;
  readonly cause: HealthCause;
  /** `exporter:otlp`, `receiver:otlp`, `workers`, `memory`, `storage`. */
  readonly component: string;
  /** One sentence with the figures; it may be of a moment ago, while the state is held until it is sure to be over. */
  readonly message: string;
  /** How long it has been so, in milliseconds. */
  readonly forMs: number;
}

export interface PipelineHealth {
  readonly id: string;
  /** Ids of its components. */
  readonly receivers: readonly string[];
  readonly exporters: readonly string[];
  readonly state: HealthState;
  /** How long it has been in this state. */
  readonly forMs: number;
  /** The worst first; empty when `ok`. */
  readonly reasons: readonly HealthReason[];
  /** False: it keeps the service from being ready. */
  readonly ready: boolean;
}

export interface HealthReport {
  readonly service: ServiceState;
  /** Whether a load balancer should send requests here. */
  readonly ready: boolean;
  /** The worst of the pipelines; `not_ready` whenever the service itself is not. */
  readonly state: HealthState;
  readonly pipelines: readonly PipelineHealth[];
  /** False: the process does not get on, and only a restart helps. True while it drains, and however bad its backends are. */
  readonly live: boolean;
}

/** From which value on it counts; 0: never. */
export interface HealthThresholds {
  /** Age of the oldest batch that an exporter has not settled. */
  readonly queueAgeMs: number;
  /** Attempts of an exporter in a row that failed. */
  readonly exporterFailures: number;
  /** Part of the requests of a window that were refused for want of room, 0 to 1. */
  readonly refusals: number;
  /** Part of the memory budget, or of an exporter's queue, that was full for all of a window, 0 to 1. */
  readonly fullness: number;
  /** Workers that died in a window. */
  readonly workerDeaths: number;
  /** Spans that could not be stored in a window. */
  readonly storageFailures: number;
}

export interface HealthPolicy {
  /** Whether pipelines decide on readiness; else only whether the service runs. */
  readonly enabled: boolean;
  /** The time over which is counted. */
  readonly windowMs: number;
  /** A state is left for a better one when its cause has been gone for so long. */
  readonly recoveryMs: number;
  readonly degraded: HealthThresholds;
  readonly notReady: HealthThresholds;
  /** How long requests are still taken after the service has said that it is going to drain. */
  readonly drainDelayMs: number;
}

/** Where no extension says otherwise. */
export const defaultHealthPolicy: HealthPolicy = {
  enabled: true,
  windowMs: 10_000,
  recoveryMs: 10_000,
  degraded: {
    queueAgeMs: 30_000,
    exporterFailures: 3,
    refusals: 0.01,
    fullness: 0.8,
    workerDeaths: 1,
    storageFailures: 1,
  },
  // A backend that is gone is gone for every instance: if each took itself out, nobody would take spans. So only what
  // makes this one useless counts: it refuses nearly all requests, or is full and gets nothing out. One that refuses some
  // because there are too many does its share; taken out, it would leave them to the others.
  notReady: { queueAgeMs: 0, exporterFailures: 0, refusals: 0.9, fullness: 0.98, workerDeaths: 0, storageFailures: 0 },
  drainDelayMs: 0,
};

/** Whether requests should come; what a receiver's own health service answers. */
export interface Serving {
  /** Of the pipelines that the receiver feeds, or of the whole service. */
  isServing(scope: 'receiver' | 'service'): boolean;
  /** Calls the listener whenever one of both may have changed; returns what ends that. */
  onChange(listener: () => void): () => void;
}
