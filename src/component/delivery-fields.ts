// The configuration blocks that exporters share, with the Collector's names, defaults and checks: timeout, sending_queue
// and retry_on_failure; and the settings that are the Collector's but not built in.
import { z } from 'zod';
import type { ExtensionReference } from './capabilities.ts';
import type { ConfigIssue } from './definition.ts';
import type { DeliveryOptions } from './exporter.ts';
import { distinctStringList, durationMs, integer, optionalBlock, problem } from './fields.ts';

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

const middlewares = (message: string) =>
  z
    .array(z.unknown())
    .refine((list) => list.length === 0, problem('CONFIG_UNSUPPORTED', message))
    .optional()
    .describe('Not built in: only an empty list.');

/** `middlewares` of a server. */
export const serverMiddlewares = () =>
  middlewares(
    'middlewares are not built in; remove them. The processor memory_limiter refuses before a body is read, as memory_limiter does as a middleware',
  );

/** `middlewares` of an exporter. */
export const clientMiddlewares = () => middlewares('middlewares are not built in; remove them');

const partition = z
  .strictObject({
    metadata_keys: distinctStringList().describe('Clients that differ in these metadata keys share no batch.'),
  })
  .prefault({})
  .describe('What is kept apart.');

const queueBatch = optionalBlock({
  flush_timeout: durationMs('200ms', { positive: true }).describe(
    'A batch goes out after this time, whatever its size.',
  ),
  min_size: integer().prefault(8192).describe('A batch of this size goes out at once.'),
  max_size: integer().prefault(0).describe('Larger ones are cut between spans; 0: no limit.'),
  sizer: z
    .enum(['items', 'bytes'])
    .optional()
    .describe("Unit of both sizes: spans or bytes. Default: the queue's sizer where that is one of them, else items."),
  partition,
})
  .optional()
  .describe('Gathers batches behind the queue, so that what waits is stored before it is gathered. Absent: off.');

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
    .describe(
      'False: of several exporters the others go on when this one is full and its backend takes nothing, and what it misses is counted as failed; clients of a stored queue that is full are told to come again. True: all wait until it has room, and once the memory is full of what waits, clients are told to come again.',
    ),
  wait_for_result: z
    .boolean()
    .prefault(false)
    .describe(
      'True: clients are answered when their spans were exported, with what the backend said. Not with storage.',
    ),
  storage: z
    .string()
    .min(1)
    .optional()
    .describe('Id of an extension such as file_storage: clients are answered when their spans are on disk.'),
  batch: queueBatch,
};

/** The block `sending_queue`. Optional: a whole block left out is the default. */
export const sendingQueue = (enabledByDefault: boolean) =>
  z
    .strictObject({
      enabled: z.boolean().prefault(enabledByDefault).describe('False: at most `num_consumers` batches, none waiting.'),
      ...queueFields,
    })
    .prefault({})
    .describe('Batches wait here for the exporter: in memory, or with `storage` on disk.');

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

/** The block `oversize` (an addition of spanmill). */
const oversize = () =>
  z
    .strictObject({
      max_request_bytes: integer()
        .prefault(0)
        .describe(
          'Requests are cut between spans to this many bytes, before compression; 0: what the backend takes, which is learned.',
        ),
      spans: z
        .enum(['shrink', 'set_aside'])
        .prefault('shrink')
        .describe(
          'A span that is too large alone: `shrink` cuts its longest values, and marks what was cut; `set_aside` gives it to `dead_letter`.',
        ),
    })
    .prefault({})
    .describe('What becomes of requests and spans that are too large for the backend.');

/** The field `dead_letter` (an addition of spanmill). */
const deadLetter = () =>
  z
    .string()
    .min(1)
    .optional()
    .describe(
      'Id of an extension such as dead_letter: keeps the spans that the backend does not take, and what is in memory when the time to shut down is over. Absent: they are lost.',
    );

/** What every exporter to a peer has of delivery, besides its `timeout`. */
export const deliveryFields = () => ({
  sending_queue: sendingQueue(true),
  retry_on_failure: retryOnFailure(),
  oversize: oversize(),
  dead_letter: deadLetter(),
});

export interface DeliveryConfig {
  /** Absent: what is too large is shrunk. */
  readonly oversize?: z.output<ReturnType<typeof oversize>>;
  readonly dead_letter?: string | undefined;
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
    issues.push(...checkQueueBatch(queue));
    if (queue.wait_for_result && queue.storage !== undefined) {
      const message =
        'clients are answered when their spans are on disk; with storage there is no waiting for the result';
      issues.push({ path: ['sending_queue', 'wait_for_result'], code: 'CONFIG_CONFLICT', message });
    }
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

function checkQueueBatch({ batch, queue_size, sizer }: DeliveryConfig['sending_queue']): ConfigIssue[] {
  if (batch === undefined) return [];
  const unit = batchSizer(batch, sizer);
  if (batch.max_size > 0 && batch.max_size < batch.min_size) {
    const message = 'must be 0 or at least min_size';
    return [{ path: ['sending_queue', 'batch', 'max_size'], code: 'CONFIG_CONFLICT', message }];
  }
  if (unit === sizer && batch.min_size > queue_size) {
    const message = 'must not be greater than queue_size: the queue would be full before a batch is';
    return [{ path: ['sending_queue', 'batch', 'min_size'], code: 'CONFIG_CONFLICT', message }];
  }
  return [];
}

type QueueBatch = NonNullable<DeliveryConfig['sending_queue']['batch']>;
const batchSizer = ({ sizer }: QueueBatch, queueSizer: 'requests' | 'items' | 'bytes'): 'items' | 'bytes' =>
  sizer ?? (queueSizer === 'requests' ? 'items' : queueSizer);

/** The extensions that these blocks name; for `references` of a definition. */
export function deliveryReferences({ sending_queue: queue, dead_letter }: DeliveryConfig): ExtensionReference[] {
  const references: ExtensionReference[] = [];
  if (queue.enabled && queue.storage !== undefined) {
    references.push({ path: ['sending_queue', 'storage'], id: queue.storage, capability: 'storage' });
  }
  if (dead_letter !== undefined) references.push({ path: ['dead_letter'], id: dead_letter, capability: 'deadLetter' });
  return references;
}

function waitsFor(queue: DeliveryConfig['sending_queue']): DeliveryOptions['queue']['waitForResult'] {
  if (!queue.enabled) return 'unbatched';
  return queue.wait_for_result ? 'yes' : 'no';
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
      batch:
        queue.batch === undefined
          ? null
          : {
              flushTimeoutMs: queue.batch.flush_timeout,
              minSize: queue.batch.min_size,
              maxSize: queue.batch.max_size,
              sizer: batchSizer(queue.batch, queue.sizer),
              metadataKeys: queue.batch.partition.metadata_keys.map((key) => key.toLowerCase()),
            },
      blockOnOverflow: queue.block_on_overflow,
      // Without a queue the Collector exports while the client waits, unless a batch processor stands between.
      waitForResult: waitsFor(queue),
      storage: queue.enabled ? (queue.storage ?? null) : null,
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
    maxRequestBytes: config.oversize?.max_request_bytes ?? 0,
    shrinks: config.oversize?.spans !== 'set_aside',
    deadLetter: config.dead_letter ?? null,
  };
}

/** For exporters without these blocks: one batch at a time, no queue; a failure that may pass is tried for five minutes. */
const direct = toDeliveryOptions({
  sending_queue: { ...sendingQueue(false).parse({}), num_consumers: 1 },
  retry_on_failure: retryOnFailure().parse({}),
  timeout: 0,
});
export const directDelivery: DeliveryOptions = { ...direct, queue: { ...direct.queue, waitForResult: 'no' } };
