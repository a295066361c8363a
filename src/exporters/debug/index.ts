// The Collector's debug exporter.
import { z } from 'zod';
import { defineExporter } from '../../component/define.ts';
import type { ConfigIssue } from '../../component/definition.ts';
import { checkDelivery, retryOnFailure, sendingQueue, toDeliveryOptions } from '../../component/delivery-fields.ts';
import { integer } from '../../component/fields.ts';
import { createDebugExporter } from './exporter.ts';

const verbosities = ['basic', 'normal', 'detailed'] as const;

const config = z.strictObject({
  verbosity: z
    .preprocess((value) => (typeof value === 'string' ? value.toLowerCase() : value), z.enum(verbosities))
    .prefault('basic')
    .describe('basic: a line a batch. normal: a line a span. detailed: every field.'),
  sampling_initial: integer().prefault(2).describe('The first batches of each second that are shown.'),
  sampling_thereafter: integer().prefault(1).describe('After those, each batch of this number is shown; 0: none.'),
  use_internal_logger: z
    .boolean()
    .prefault(true)
    .describe("True: shown in the service's log, at info. False: written to `output_paths`."),
  output_paths: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('stdout (the default), stderr, or files to append to. Only when use_internal_logger is false.'),
  sending_queue: sendingQueue(false),
});
type Config = z.output<typeof config>;

const retry_on_failure = retryOnFailure().parse({});

function check(c: Config): ConfigIssue[] {
  const issues = checkDelivery({ ...c, retry_on_failure, timeout: 0 });
  if (c.use_internal_logger && c.output_paths !== undefined) {
    const message = 'output_paths has no meaning while use_internal_logger is true; set that to false';
    issues.push({ path: ['output_paths'], code: 'CONFIG_CONFLICT', message });
  }
  return issues;
}

export const debug = defineExporter<Config>({
  kind: 'exporter',
  type: 'debug',
  aliases: [],
  stability: 'beta',
  summary: 'Shows spans in the log or on stdout.',
  config,
  check,
  // One at a time, so that texts come in order and whole.
  delivery: (c) =>
    toDeliveryOptions({
      sending_queue: { ...c.sending_queue, num_consumers: 1 },
      retry_on_failure,
      timeout: 0,
    }),
  create: (c, host) =>
    createDebugExporter({
      verbosity: c.verbosity,
      samplingInitial: c.sampling_initial,
      samplingThereafter: c.sampling_thereafter,
      outputPaths: c.use_internal_logger ? null : (c.output_paths ?? ['stdout']),
      log: host.log,
    }),
  examples: [
    { title: 'A line a batch', yaml: '{}' },
    { title: 'Every span in full, on stdout', yaml: 'verbosity: detailed\nuse_internal_logger: false' },
  ],
  metrics: [],
});
