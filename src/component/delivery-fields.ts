// The configuration blocks that exporters share, with the Collector's names, defaults and checks: timeout, sending_queue
// and retry_on_failure; and the settings that are the Collector's but not built in.
import { z } from 'zod';
import { durationMs, integer, problem } from './fields.ts';
import type { ConfigIssue, DeliveryOptions } from './types.ts';

/** A key that the Collector has and this build has not: any value is refused with `message`, saying what to do instead. */
export const notBuiltIn = (message: string) =>
  z
    .unknown()
    .refine((value) => value === undefined || value === null, problem('CONFIG_UNSUPPORTED', message))
    .optional()
    .meta({ not: {} });

/** As notBuiltIn, for a switch that may stand in the file as long as it is off. */
export const onlyOff = (message: string) =>
  z
    .boolean()
    .refine((value) => !value, problem('CONFIG_UNSUPPORTED', message))
    .prefault(false);

const queueFields = {
  num_consumers: integer().prefault(10).describe('Exports that run at a time.'),
  queue_size: integer()
    .prefault(1000)
    .describe('What the queue holds, in units of `sizer`; what is being exported counts until it is done.'),
  sizer: z
    .enum(['requests', 'items', 'bytes'])
    .prefault('requests')
    .describe('Unit of `queue_size`: batches, spans, or bytes.'),
  block_on_overflow: z
    .boolean()
    .prefault(false)
    .describe('Accepted; a full queue always holds back what comes before it, and never drops what was taken.'),
  wait_for_result: onlyOff('clients cannot wait for the export yet; leave wait_for_result false').describe(
    'Only false: clients are answered when their spans are validated and held.',
  ),
  storage: notBuiltIn('the queue is kept in memory only; remove storage').describe('Not built in.'),
  batch: notBuiltIn('batching in the queue is not built in; use the batch processor').describe('Not built in.'),
};

/** The block `sending_queue`. Optional: a whole block left out is the default. */
export const sendingQueue = (enabledByDefault: boolean) =>
  z
    .strictObject({
      enabled: z.boolean().prefault(enabledByDefault).describe('False: at most `num_consumers` batches, none waiting.'),
      ...queueFields,
    })
    .prefault({})
    .describe('Batches wait here for the exporter, in memory.');

/** The block `retry_on_failure`. */
export const retryOnFailure = () =>
  z
    .strictObject({
      enabled: z.boolean().prefault(true).describe('False: a failed attempt is the last.'),
      initial_interval: durationMs('5s').describe('Wait after the first failure.'),
      randomization_factor: z.number().prefault(0.5).describe('Waits are spread by this part of themselves, 0 to 1.'),
      multiplier: z.number().prefault(1.5).describe('Each wait is this much longer than the last.'),
      max_interval: durationMs('30s').describe('Longest wait, unless the peer asks for more.'),
      max_elapsed_time: durationMs('5m').describe('A batch is given up after this time; 0: never.'),
    })
    .prefault({})
    .describe('Attempts after a failure that may pass.');

export interface DeliveryConfig {
  readonly sending_queue: z.output<ReturnType<typeof sendingQueue>>;
  readonly retry_on_failure: z.output<ReturnType<typeof retryOnFailure>>;
  /** ms; 0: none. */
  readonly timeout: number;
}

/** The Collector's checks of these blocks; a block that is switched off is not checked. */
export function checkDelivery(config: DeliveryConfig): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const value = (path: string[], message: string): void => void issues.push({ path, code: 'CONFIG_VALUE', message });
  const { sending_queue: queue, retry_on_failure: retry } = config;
  if (queue.enabled) {
    if (queue.num_consumers === 0) value(['sending_queue', 'num_consumers'], 'must be at least 1');
    if (queue.queue_size === 0) value(['sending_queue', 'queue_size'], 'must be at least 1');
  }
  if (!retry.enabled) return issues;
  const block = 'retry_on_failure';
  if (retry.randomization_factor < 0 || retry.randomization_factor > 1) {
    value([block, 'randomization_factor'], 'must be between 0 and 1');
  }
  if (retry.multiplier < 0) value([block, 'multiplier'], 'must not be negative');
  for (const other of ['initial_interval', 'max_interval'] as const) {
    if (retry.max_elapsed_time > 0 && retry.max_elapsed_time < retry[other]) {
      const message = `must not be less than ${other} (0 means for ever)`;
      issues.push({ path: [block, 'max_elapsed_time'], code: 'CONFIG_CONFLICT', message });
    }
  }
  return issues;
}

export function toDeliveryOptions(config: DeliveryConfig): DeliveryOptions {
  const { sending_queue: queue, retry_on_failure: retry } = config;
  return {
    queue: {
      enabled: queue.enabled,
      // With the queue off the Collector exports on the caller's thread; here the number of exports at a time stays bounded.
      consumers: Math.max(queue.num_consumers, 1),
      size: queue.queue_size,
      sizer: queue.sizer,
    },
    retry: {
      enabled: retry.enabled,
      initialIntervalMs: retry.initial_interval,
      randomizationFactor: retry.randomization_factor,
      multiplier: retry.multiplier,
      maxIntervalMs: retry.max_interval,
      maxElapsedMs: retry.max_elapsed_time,
    },
    timeoutMs: config.timeout,
  };
}

/** For exporters without these blocks: one batch at a time, no queue; a failure that may pass is tried for five minutes. */
export const directDelivery: DeliveryOptions = toDeliveryOptions({
  sending_queue: { ...sendingQueue(false).parse({}), num_consumers: 1 },
  retry_on_failure: retryOnFailure().parse({}),
  timeout: 0,
});
