// The block `readiness`: from which values on a pipeline is degraded, and from which not ready.
import { z } from 'zod';
import { durationMs, integer } from '../../component/fields.ts';
import { defaultHealthPolicy, type HealthPolicy, type HealthThresholds } from '../../component/health.ts';
import { formatDurationMs } from '../../lib/duration.ts';

const part = (fallback: number) => z.number().min(0).max(1).prefault(fallback);
const duration = (ms: number) => durationMs(formatDurationMs(ms));

const thresholds = (defaults: HealthThresholds) =>
  z
    .strictObject({
      queue_age: duration(defaults.queueAgeMs).describe(
        'The oldest batch that an exporter holds has waited this long; 0: never.',
      ),
      exporter_failures: integer()
        .prefault(defaults.exporterFailures)
        .describe('So many attempts of an exporter in a row have failed; 0: never.'),
      refusals: part(defaults.refusals).describe(
        'This part of a receiver’s requests was refused for want of room, 0 to 1, of five or more refused ones; 0: never.',
      ),
      fullness: part(defaults.fullness).describe(
        'The memory budget or an exporter’s queue was full to this part for a whole window, 0 to 1. For not_ready also: no request was taken, or no exporter of the pipeline got anything out; 0: never.',
      ),
      worker_deaths: integer().prefault(defaults.workerDeaths).describe('So many workers have died; 0: never.'),
      storage_failures: integer()
        .prefault(defaults.storageFailures)
        .describe('So many spans could not be stored; 0: never.'),
    })
    .prefault({});

export const readinessField = () =>
  z
    .strictObject({
      enabled: z
        .boolean()
        .prefault(true)
        .describe('False: ready is whoever has started and does not drain, as in the Collector.'),
      window: durationMs('10s', { positive: true }).describe('The time over which refusals and failures are counted.'),
      recovery: durationMs('10s').describe(
        'A state is left for a better one when its cause has been gone for this long.',
      ),
      degraded: thresholds(defaultHealthPolicy.degraded).describe(
        'Something is wrong, and requests are taken all the same: still 200.',
      ),
      not_ready: thresholds(defaultHealthPolicy.notReady).describe(
        '503, so that a load balancer moves away. By default only what makes this instance useless: a backend that is gone is gone for all instances, and if each took itself out nobody would take spans.',
      ),
    })
    .prefault({})
    .describe(
      'An addition of spanmill: what the pipelines must be like to be ready. One judgement for the whole service, which the gRPC health service of the receivers and the metrics share; of several health_check extensions the first one’s counts. Not for a Kubernetes livenessProbe, which belongs on `liveness_path`: restarting an instance that waits for its backend loses what it holds in memory.',
    );

type ReadinessConfig = z.output<ReturnType<typeof readinessField>>;

export function toHealthPolicy(config: ReadinessConfig, drainDelayMs: number): HealthPolicy {
  return {
    enabled: config.enabled,
    windowMs: config.window,
    recoveryMs: config.recovery,
    degraded: toThresholds(config.degraded),
    notReady: toThresholds(config.not_ready),
    drainDelayMs,
  };
}

const toThresholds = (config: ReadinessConfig['degraded']): HealthThresholds => ({
  queueAgeMs: config.queue_age,
  exporterFailures: config.exporter_failures,
  refusals: config.refusals,
  fullness: config.fullness,
  workerDeaths: config.worker_deaths,
  storageFailures: config.storage_failures,
});
