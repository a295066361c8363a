// The Collector's batch processor: gathers spans into larger requests.
import { z } from 'zod';
import { defineBatchProcessor } from '../../component/define.ts';
import { distinctStringList, durationMs, integer } from '../../component/fields.ts';

const uint32Max = 2 ** 32 - 1;

const config = z.strictObject({
  send_batch_size: integer(0, uint32Max).prefault(8192).describe('A batch of this many spans goes at once; 0: any.'),
  send_batch_max_size: integer(0, uint32Max)
    .prefault(0)
    .describe('Most spans in a batch, larger ones are split; 0: no limit. Not less than send_batch_size.'),
  timeout: durationMs('200ms').describe('A smaller batch goes after this time; 0: nothing waits.'),
  metadata_keys: distinctStringList().describe(
    'Batches are kept apart by the values of these client metadata keys (case does not matter).',
  ),
  metadata_cardinality_limit: integer(0, uint32Max)
    .prefault(1000)
    .describe('Most combinations of those values; a request with one more is refused. 0: no limit.'),
});

export const batch = defineBatchProcessor<z.output<typeof config>>({
  kind: 'processor',
  role: 'batch',
  type: 'batch',
  aliases: [],
  stability: 'beta',
  summary: 'Gathers spans into batches by number and time.',
  config,
  check: ({ send_batch_size, send_batch_max_size }) =>
    send_batch_max_size > 0 && send_batch_max_size < send_batch_size
      ? [
          {
            path: ['send_batch_max_size'],
            code: 'CONFIG_CONFLICT',
            message: `must not be less than send_batch_size (${send_batch_size}), or 0 for no limit`,
          },
        ]
      : [],
  batching: (c) => ({
    // Without a time to wait there is nothing to gather.
    minSpans: c.timeout === 0 ? 0 : c.send_batch_size,
    maxSpans: c.send_batch_max_size,
    timeoutMs: c.timeout,
    metadataKeys: c.metadata_keys.map((key) => key.toLowerCase()),
    metadataCardinalityLimit: c.metadata_cardinality_limit,
  }),
  examples: [
    { title: 'The defaults', yaml: '{}' },
    {
      title: 'Large batches, cut for a backend that limits them',
      yaml: 'send_batch_size: 8192\nsend_batch_max_size: 10000\ntimeout: 1s',
    },
    { title: 'Apart by tenant', yaml: 'metadata_keys: [x-tenant-id]\nmetadata_cardinality_limit: 100' },
  ],
  metrics: [
    {
      name: 'otelcol_processor_batch_batch_send_size',
      kind: 'histogram',
      help: 'Number of units in the batch',
      labels: ['processor'],
    },
    {
      name: 'otelcol_processor_batch_batch_size_trigger_send',
      kind: 'counter',
      help: 'Number of times the batch was sent due to a size trigger',
      labels: ['processor'],
    },
    {
      name: 'otelcol_processor_batch_timeout_trigger_send',
      kind: 'counter',
      help: 'Number of times the batch was sent due to a timeout trigger',
      labels: ['processor'],
    },
    {
      name: 'otelcol_processor_batch_metadata_cardinality',
      kind: 'gauge',
      help: 'Number of distinct metadata value combinations being processed',
      labels: ['processor'],
    },
  ],
});
