// The `service:` section. References are checked in resolve.ts; here is the shape.
import { z } from 'zod';
import { caseless, durationMs, listenAddress, problem } from '../component/fields.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

const sampling = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Whether repeated lines are sampled.'),
    tick: durationMs('10s', { positive: true }).describe(
      'The time over which lines with the same message are counted.',
    ),
    initial: z.int().min(0).default(10).describe('How many lines of a message pass in a tick before sampling begins.'),
    thereafter: z.int().min(0).default(100).describe('After that each n-th passes; 0: none.'),
  })
  .prefault({});

const logs = z
  .strictObject({
    level: caseless(LEVELS).prefault('info').describe('The least level that is written.'),
    encoding: z.enum(['console', 'json']).default('console').describe('Lines for people or for machines.'),
    output_paths: z.array(z.string().min(1)).default(['stderr']).describe('`stdout`, `stderr` or file names.'),
    show_values: z
      .boolean()
      .default(false)
      .describe('Whether lines about a span may hold the values of its attributes (an addition of spanmill).'),
    initial_fields: z.record(z.string(), z.unknown()).prefault({}).describe('Fields that every line carries.'),
    sampling: sampling.describe('Keeps repeated lines from flooding the log.'),
    error_output_paths: z
      .array(z.string())
      .optional()
      .describe('Accepted and not used: errors of the log go to stderr.'),
    development: z.boolean().optional().describe('Accepted and not used.'),
    disable_caller: z.boolean().optional().describe('Accepted and not used.'),
    disable_stacktrace: z.boolean().optional().describe('Accepted and not used.'),
    disable_zap_resource: z.boolean().optional().describe('Accepted and not used.'),
    processors: z.array(z.unknown()).optional().describe('Accepted and not used: logs are not exported over OTLP.'),
  })
  .prefault({});

const prometheus = z
  .strictObject({
    host: z.string().default('localhost').describe('Where to listen.'),
    port: z.int().min(0).max(65_535).default(8888).describe('Where to listen; 0: any free port.'),
    without_scope_info: z.boolean().optional().describe('Accepted: scope information is never written.'),
    without_units: z.boolean().optional().describe('Accepted: unit suffixes are never written.'),
    without_type_suffix: z.boolean().optional().describe('Accepted and not used.'),
    without_target_info: z.boolean().optional().describe('Accepted and not used.'),
    with_resource_constant_labels: z.unknown().optional().describe('Accepted and not used.'),
    translation_strategy: z.string().optional().describe('Accepted and not used.'),
  })
  .prefault({});

const reader = z.strictObject({
  pull: z
    .strictObject({
      exporter: z
        .strictObject({ prometheus: prometheus.optional().describe('Serves Prometheus text.') })
        .prefault({})
        .describe('How they are read.'),
    })
    .optional()
    .describe('Metrics that are fetched.'),
  periodic: z.unknown().optional().describe('Accepted and not used: metrics are not pushed.'),
});

const metrics = z
  .strictObject({
    level: caseless(['none', 'basic', 'normal', 'detailed'])
      .prefault('normal')
      .describe('How much is measured; none: no endpoint.'),
    address: listenAddress()
      .optional()
      .describe('Short form of one Prometheus reader: host:port. Default 127.0.0.1:8888.'),
    readers: z
      .array(reader)
      .optional()
      .describe("The Collector's form. The first Prometheus pull reader is used; an empty list: no endpoint."),
    views: z.unknown().optional().describe('Accepted and not used.'),
  })
  .superRefine((value, context) => {
    if (value.address === undefined || value.readers === undefined) return;
    context.addIssue({
      code: 'custom',
      path: ['address'],
      ...problem('CONFIG_CONFLICT', 'address and readers cannot stand together; keep one'),
    });
  })
  .prefault({});

export const telemetrySchema = z
  .strictObject({
    logs: logs.describe("The service's own log."),
    metrics: metrics.describe("The service's own metrics."),
    traces: z.unknown().optional().describe('Accepted and not used: the service does not trace itself.'),
    resource: z.unknown().optional().describe('Accepted and not used.'),
  })
  .prefault({});

const pipeline = z.strictObject({
  receivers: z.array(z.string()).min(1).describe('Component ids; at least one.'),
  processors: z.array(z.string()).prefault([]).describe('Component ids, in the order in which spans pass them.'),
  exporters: z.array(z.string()).min(1).describe('Component ids; at least one. Each gets all spans.'),
});

const admin = z.strictObject({
  endpoint: listenAddress().describe('Where POST /reload is answered; without credentials, so use the loopback.'),
});

export const serviceSchema = z.strictObject({
  extensions: z.array(z.string()).prefault([]).describe('Ids of the extensions to start, in this order.'),
  pipelines: z.record(z.string(), pipeline).describe('The pipelines, by id: traces or traces/name.'),
  telemetry: telemetrySchema.describe("The service's own log and metrics."),
  workers: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe('Worker threads for the processors (an addition of spanmill). Default: cores - 1, at least 1.'),
  admin: admin
    .optional()
    .describe('An address to reload the configuration by (an addition of spanmill). Default: none.'),
});

export type ServiceConfig = z.output<typeof serviceSchema>;
export type TelemetrySection = ServiceConfig['telemetry'];
