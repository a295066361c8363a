// A small registry for the tests of the configuration: definitions with the shapes that real components have, so that
// these tests do not depend on which components are built in.
import { z } from 'zod';
import {
  defineAdmissionProcessor,
  defineBatchProcessor,
  defineConnector,
  defineExporter,
  defineExtension,
  defineReceiver,
  defineSpanProcessor,
} from '../../src/component/define.ts';
import type { ConfigIssue } from '../../src/component/definition.ts';
import type { DeliveryOptions } from '../../src/component/exporter.ts';
import * as fields from '../../src/component/fields.ts';
import type { Registry } from '../../src/component/registry.ts';

const nothing = async (): Promise<void> => {};
const about = { stability: 'beta', examples: [], metrics: [] } as const;

const grpc = z.strictObject({
  endpoint: fields.listenAddress().prefault('localhost:4317').describe('Where to listen.'),
  max_recv_msg_size_mib: fields.sizeMib().prefault(4).describe('The largest request, in MiB.'),
  keepalive: z
    .strictObject({ time: fields.durationMs('2h').describe('Idle time before a ping.') })
    .prefault({})
    .describe('HTTP/2 pings.'),
});

const otlpReceiver = defineReceiver({
  ...about,
  kind: 'receiver',
  type: 'otlp',
  aliases: [],
  summary: 'Takes spans over OTLP.',
  config: z.strictObject({
    protocols: z
      .strictObject({ grpc: grpc.optional().describe('OTLP/gRPC.') })
      .refine(
        (value) => value.grpc !== undefined,
        fields.problem('CONFIG_MISSING', 'at least one protocol is required: grpc'),
      )
      .describe('The protocols to serve.'),
  }),
  create: () => ({ start: nothing, drain: nothing, stop: nothing, addresses: () => [], metricValues: () => [] }),
});

const batch = defineBatchProcessor({
  ...about,
  kind: 'processor',
  role: 'batch',
  type: 'batch',
  aliases: [],
  summary: 'Gathers spans.',
  config: z
    .strictObject({
      send_batch_size: fields
        .integer(0, 2 ** 32 - 1)
        .default(8192)
        .describe('Spans that make a batch go.'),
      send_batch_max_size: fields
        .integer(0, 2 ** 32 - 1)
        .default(0)
        .describe('Most spans in a batch; 0: no limit.'),
      timeout: fields.durationMs('200ms').describe('Time after which a batch goes.'),
      metadata_keys: fields.distinctStringList().describe('Client metadata that keeps batches apart.'),
    })
    .superRefine((value, context) => {
      if (value.send_batch_max_size === 0 || value.send_batch_max_size >= value.send_batch_size) return;
      const message = 'must not be below send_batch_size';
      context.addIssue({
        code: 'custom',
        path: ['send_batch_max_size'],
        ...fields.problem('CONFIG_CONFLICT', message),
      });
    }),
  batching: () => ({
    minSpans: 0,
    maxSpans: 0,
    timeoutMs: 0,
    metadataKeys: [],
    metadataCardinalityLimit: 0,
  }),
});

/** Stands for OTTL: every condition that holds `!!` is wrong at that character. */
const checkConditions = (conditions: readonly string[], path: readonly (string | number)[]): ConfigIssue[] =>
  conditions.flatMap((condition, index) => {
    const offset = condition.indexOf('!!');
    return offset < 0 ? [] : [{ path: [...path, index], code: 'CONFIG_OTTL', message: 'unexpected !!', offset }];
  });

const filter = defineSpanProcessor({
  ...about,
  kind: 'processor',
  role: 'spans',
  type: 'filter',
  aliases: [],
  summary: 'Drops spans.',
  traits: { mutates: false, drops: true },
  config: z.strictObject({
    error_mode: z
      .enum(['ignore', 'silent', 'propagate'])
      .default('propagate')
      .describe('What a failing condition does.'),
    traces: z
      .strictObject({ span: fields.stringList().describe('Conditions on spans.') })
      .prefault({})
      .describe('Conditions.'),
  }),
  check: (config) => checkConditions(config.traces.span, ['traces', 'span']),
  compile: () => ({}),
});

const action = z.discriminatedUnion('action', [
  z.strictObject({
    action: z.literal('insert').describe('Adds.'),
    key: z.string().min(1).describe('The attribute.'),
    value: fields.anyValue().describe('Its value.'),
  }),
  z.strictObject({
    action: z.literal('delete').describe('Removes.'),
    key: z.string().min(1).describe('The attribute.'),
  }),
]);

const attributes = defineSpanProcessor({
  ...about,
  kind: 'processor',
  role: 'spans',
  type: 'attributes',
  aliases: [],
  summary: 'Changes attributes.',
  traits: { mutates: true, drops: false },
  config: z.strictObject({ actions: z.array(action).min(1).describe('What to do, in order.') }),
  compile: () => ({}),
});

const sampler = defineSpanProcessor({
  ...about,
  kind: 'processor',
  role: 'spans',
  type: 'probabilistic_sampler',
  aliases: [],
  summary: 'Keeps a share.',
  traits: { mutates: true, drops: true },
  config: z.strictObject({
    sampling_percentage: fields.percentage().default(0).describe('The share, in percent.'),
    fail_closed: z.boolean().default(true).describe('Drop what cannot be decided.'),
  }),
  compile: () => ({}),
});

const limiter = defineAdmissionProcessor({
  ...about,
  kind: 'processor',
  role: 'admission',
  type: 'memory_limiter',
  aliases: [],
  summary: 'Bounds what is held.',
  config: z.strictObject({ thins: z.boolean().default(false).describe('Thins spans rather than refuse them.') }),
  budgetBytes: () => 1 << 20,
  thinning: ({ thins }) => (thins ? { from: 0.5, mostHalvings: 1 } : null),
  compile: () => ({}),
});

const delivery: DeliveryOptions = {
  queue: {
    enabled: true,
    consumers: 1,
    size: 1,
    sizer: 'requests',
    batch: null,
    blockOnOverflow: false,
    waitForResult: 'no',
    storage: null,
  },
  retry: {
    enabled: true,
    initialIntervalMs: 1,
    randomizationFactor: 0,
    multiplier: 1,
    maxIntervalMs: 1,
    maxElapsedMs: 0,
  },
  timeoutMs: 1,
  maxRequestBytes: 0,
  shrinks: true,
  deadLetter: null,
};
const exporting = {
  delivery: () => delivery,
  create: () => ({ start: nothing, stop: nothing, export: async () => ({ kind: 'accepted' }) as const }),
};

const otlpExporter = defineExporter({
  ...about,
  ...exporting,
  kind: 'exporter',
  type: 'otlp',
  aliases: ['otlp_grpc'],
  summary: 'Sends spans over OTLP/gRPC.',
  config: z.strictObject({
    endpoint: z.string().min(1).describe('The peer.'),
    headers: fields.stringMap().describe('Sent with each call.'),
    timeout: fields.durationMs('5s').describe('For each attempt.'),
    compression: z
      .union([z.enum(['none', 'gzip', 'zstd']), z.literal('')])
      .default('gzip')
      .describe('Of requests.'),
    tls: z
      .union([z.boolean(), z.strictObject({ insecure: z.boolean().default(false).describe('Plain text.') })])
      .optional()
      .describe('TLS.'),
  }),
});

const debug = defineExporter({
  ...about,
  ...exporting,
  kind: 'exporter',
  type: 'debug',
  aliases: [],
  summary: 'Prints spans.',
  config: z.strictObject({
    verbosity: z.enum(['basic', 'normal', 'detailed']).default('basic').describe('How much is printed.'),
    sampling_initial: fields.integer().default(2).describe('Lines a second that are printed whole.'),
    storage: z.string().optional().describe('Where what is printed is kept.'),
  }),
  references: ({ storage }) =>
    storage === undefined ? [] : [{ path: ['storage'], id: storage, capability: 'storage' }],
});

const healthCheck = defineExtension({
  ...about,
  kind: 'extension',
  type: 'health_check',
  aliases: [],
  summary: 'Answers health probes.',
  config: z.strictObject({ endpoint: fields.listenAddress().prefault('localhost:13133').describe('Where to listen.') }),
  create: () => ({ start: nothing, stop: nothing, addresses: () => [] }),
});

const store = defineExtension({
  ...about,
  kind: 'extension',
  type: 'store',
  aliases: [],
  summary: 'Keeps things.',
  config: z.strictObject({}),
  offers: () => ['storage'],
  create: () => ({ start: nothing, stop: nothing, addresses: () => [] }),
});

const join = defineConnector({
  ...about,
  kind: 'connector',
  type: 'forward',
  aliases: [],
  summary: 'Joins pipelines.',
  config: z.strictObject({}),
});

const switchboard = defineConnector({
  ...about,
  kind: 'connector',
  type: 'routing',
  aliases: [],
  summary: 'Sends spans to the pipelines that it names.',
  config: z.strictObject({ pipelines: fields.stringList().describe('Ids of pipelines.') }),
  targets: ({ pipelines }) => pipelines.map((pipeline, i) => ({ path: ['pipelines', i], pipeline })),
});

export const testRegistry: Registry = {
  receivers: [otlpReceiver],
  processors: [batch, filter, attributes, sampler, limiter],
  exporters: [otlpExporter, debug],
  connectors: [join, switchboard],
  extensions: [healthCheck, store],
};
