// The JSON report of a run: its fields, their meaning and units. docs/load-report.md and docs/load-report.schema.json are
// made from this.
import { z } from 'zod';

export const reportVersion = 1;

const count = (description: string) => z.int().nonnegative().describe(description);
const amount = (description: string) => z.number().nonnegative().describe(description);
const text = (description: string) => z.string().describe(description);
const counted = (description: string) =>
  z.int().nonnegative().nullable().describe(`${description} null without a sink.`);

const latency = z.strictObject({
  count: count('How many values were recorded.'),
  p50: amount('Milliseconds; the median.'),
  p90: amount('Milliseconds.'),
  p95: amount('Milliseconds.'),
  p99: amount('Milliseconds.'),
  p999: amount('Milliseconds; the 99.9th percentile.'),
  max: amount('Milliseconds; the greatest value.'),
});

const spanName = {
  traceId: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .describe('32 hex digits.'),
  spanId: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .describe('16 hex digits.'),
};
const span = z.strictObject(spanName);
const alteredSpan = z.strictObject({
  ...spanName,
  what: text('What is different, for example `attribute http.route: "/a" became "/b"`.'),
});

const machine = z.strictObject({
  cpu: text('Model of the processor.'),
  cores: z.int().positive().describe('Logical processors.'),
  kernel: text('Release of the operating system.'),
  node: text('Version of Node that the generator ran on.'),
});

const spans = z.strictObject({
  generated: count(
    'Spans in requests that were sent: in the warm-up, the measured time, and after it (backlog.flushedSpans). Is acknowledged + rejected + failed.',
  ),
  acknowledged: count('Spans that the service said it took.'),
  rejected: count(
    'Spans that the service said it did not take: requests refused, and what partial successes rejected.',
  ),
  failed: count('Spans of which it is not known whether the service took them: no answer, or the connection failed.'),
  arrived: counted('Acknowledged spans that were to come and came, each counted once.'),
  expected: counted(
    'Acknowledged spans that were to come: acknowledged - dropped - sampledOut. Is arrived + lost + rejectedBySink.',
  ),
  dropped: counted('Acknowledged spans that the chain was to filter out, by the file of --expect.'),
  sampledOut: counted('Acknowledged spans that the chain was to sample out, by the file of --expect.'),
  arrivedUnacknowledged: counted(
    'Spans that came although their request was not acknowledged: allowed, an answer may get lost.',
  ),
  lost: counted('Acknowledged spans that were to come and never came.'),
  rejectedBySink: counted(
    'Acknowledged spans that the sink itself refused for good by --fault (partial, or refuse with a status that OTLP does not retry), and that did not come again in another request: no loss of the service.',
  ),
  unexpected: counted('Spans that came although the chain was to filter or sample them out.'),
  duplicated: counted('Arrivals beyond the first of the same span.'),
  foreign: counted('Spans that came and are not of this run.'),
  malformed: counted('Requests that came and could not be decoded.'),
  altered: counted('Spans that came with fields changed that the chain should not touch.'),
});

const examples = z.strictObject({
  lost: z.array(span).describe('Some of the lost spans.'),
  duplicated: z.array(span).describe('Some of the spans that came more than once.'),
  unexpected: z.array(span).describe('Some of the spans that came although they were to be dropped.'),
  altered: z.array(alteredSpan).describe('Some of the altered spans, with what is different.'),
});

const requests = z.strictObject({
  sent: count('Requests sent.'),
  acknowledged: count('Requests answered with success, partial success included.'),
  byStatus: z
    .record(z.string(), z.int().nonnegative())
    .describe(
      'Requests by answer: `OK`, `PARTIAL`, a gRPC status name, `HTTP 503`, or `TRANSPORT` when the connection failed.',
    ),
  bytes: count('Bytes of the request bodies, before compression.'),
  firstFailure: z.string().nullable().describe('Message of the first request that failed; null when none did.'),
});

const rate = z.strictObject({
  unit: z.literal('spans/s').describe('Unit of target, achieved and held.'),
  target: z
    .union([
      amount('Spans per second.'),
      z.literal('max').describe('As fast as the service answers.'),
      z.strictObject({ from: amount('Spans per second.'), to: amount('Spans per second.') }).describe('A ramp.'),
    ])
    .describe('What was asked for.'),
  achieved: amount('Spans per second that were acknowledged, over the measured time.'),
  requestsPerSecond: amount('Requests per second that were sent, over the measured time.'),
  held: z
    .number()
    .nonnegative()
    .nullable()
    .describe('The highest rate of a ramp that was held; null when there was no ramp, or none held.'),
});

const step = z.strictObject({
  target: amount('Spans per second.'),
  achieved: amount('Spans per second that were acknowledged.'),
  acknowledged: count('Spans.'),
  refused: count('Spans that were rejected or failed.'),
  lost: z
    .int()
    .nonnegative()
    .nullable()
    .describe('Spans acknowledged in this step that never came; null without a sink.'),
  drainMs: z
    .number()
    .nonnegative()
    .nullable()
    .describe('Milliseconds after the step until all that was acknowledged had arrived; null without a sink.'),
  ackP99Ms: z.number().nonnegative().nullable().describe('Milliseconds; null when nothing was acknowledged.'),
  held: z.boolean().describe('Whether the service held this rate.'),
  why: text('Why it was not held; empty when it was.'),
});

const cpuWaitShare = z
  .number()
  .min(0)
  .max(1)
  .nullable()
  .describe(
    'Starvation: of the measured time, the share in which it was ready to go on and waited for a processor. null where the system does not say (not Linux).',
  );

const generator = z.strictObject({
  cpuMicrosecondsPerSpan: amount('Microseconds of CPU per generated span.'),
  cores: amount('Processors kept busy on average: CPU seconds per second.'),
  cpuWaitShare,
  bottleneck: z
    .boolean()
    .describe('Whether the generator, and not the service, set the limit: the run then proves nothing.'),
  why: text('How that was seen; empty when it was not the bottleneck.'),
});

const sink = z.strictObject({
  cpuMicrosecondsPerSpan: amount('Microseconds of CPU per span that came.'),
  cores: amount('Processors kept busy on average: CPU seconds per second.'),
  cpuWaitShare,
  bottleneck: z.boolean().describe('Whether the sink set the limit.'),
  why: text('How that was seen; empty when it was not the bottleneck.'),
});

const service = z.strictObject({
  pid: z.int().positive().describe('Process, as --pid names it.'),
  cpuMicrosecondsPerSpan: amount('Microseconds of CPU per acknowledged span.'),
  cores: amount('Processors kept busy on average: CPU seconds per second.'),
  peakRssBytes: count('Bytes; greatest resident memory seen.'),
  rssBytes: count('Bytes; resident memory at the end.'),
});

const serviceAccount = z.strictObject({
  accepted: count('Spans that its receivers took.'),
  refused: count('Spans that its receivers refused.'),
  sent: count('Spans that its exporters sent; every exporter counts for itself.'),
  failed: count('Spans that its exporters gave up.'),
});

const numbers = z.array(z.number());
/** null where there was nothing to measure. */
const gapped = z.array(z.number().nullable());

const series = z
  .strictObject({
    second: numbers.describe(
      'When the interval began: seconds since the measured time began; negative in the warm-up.',
    ),
    seconds: numbers.describe('How long it was, about 1.'),
    generated: numbers.describe('Spans sent, a second.'),
    acknowledged: numbers.describe('Spans acknowledged, a second.'),
    refused: numbers.describe('Spans rejected or failed, a second.'),
    arrived: numbers.nullable().describe('Spans that came, a second; null without a sink.'),
    inFlight: numbers.describe('Requests without an answer at the end of the interval.'),
    overdue: numbers.describe('Requests that had fallen due and waited for room at the end of the interval.'),
    latenessMaxMs: numbers.describe('Milliseconds; the most by which the generator itself sent a request too late.'),
    ackP50Ms: gapped.describe('Milliseconds, as ackLatencyMs, of requests acknowledged; null where there were none.'),
    ackP99Ms: gapped.describe('Milliseconds, as ackP50Ms.'),
    endToEndP50Ms: gapped
      .nullable()
      .describe(
        'Milliseconds, as endToEndLatencyMs, of spans that came; null where there were none, and without a sink.',
      ),
    endToEndP99Ms: gapped.nullable().describe('Milliseconds, as endToEndP50Ms.'),
    serviceRssBytes: gapped.nullable().describe('Bytes of resident memory of the service; null without --pid.'),
    serviceCores: gapped.nullable().describe('Processors that the service kept busy; null without --pid.'),
  })
  .refine((columns) => Object.values(columns).every((one) => one === null || one.length === columns.second.length), {
    error: 'the lists of series are not equally long',
  });

const curve = z.array(z.tuple([z.number().min(0).max(100), z.number().nonnegative()]));

export const loadReportSchema = z.strictObject({
  version: z
    .literal(reportVersion)
    .describe('Version of this format. Grows when a field changes its meaning or goes away.'),
  spanload: text('Version of spanload.'),
  command: z.array(z.string()).min(1).describe('The command line, an argument an item.'),
  startedAt: z.iso.datetime().describe('When the first request was sent: ISO 8601, UTC.'),
  machine: machine.describe('Where the generator ran.'),
  profile: text('Name or file of the profile.'),
  seed: count('Same seed and profile: same spans.'),
  run: count('Number of the run, which stands in the ids of its spans.'),
  endpoint: text('Where the spans went.'),
  protocol: z.enum(['grpc', 'http/protobuf', 'http/json']).describe('Protocol of the requests.'),
  client: z.enum(['native', 'grpc-js', 'sdk']).describe('Who made and sent them.'),
  compression: z.enum(['none', 'gzip', 'zstd']).describe('Compression of the requests.'),
  connections: z.int().positive().describe('Connections to the endpoint.'),
  durationSeconds: amount('Seconds of measured time; less than asked for when the run was interrupted.'),
  warmupSeconds: amount(
    'Seconds before it. The account holds spans and requests of both, and of what was sent after the load had ended; rates, latencies and CPU are of the measured time.',
  ),
  outcome: z.enum(['complete', 'interrupted']).describe('Whether the run lasted as long as it was to.'),
  verdict: z
    .strictObject({
      ok: z.boolean().describe('Whether all is well: nothing lost, and nothing else wrong.'),
      exitCode: count('0 all well; 3 the generator was the bottleneck; others: something was lost or went wrong.'),
      problems: z.array(z.string()).describe('What is wrong, a line each.'),
      remarks: z
        .array(z.string())
        .describe(
          'What makes the figures say less than they seem to: a rate that was not met, spans refused or never sent, a machine too busy to measure on.',
        ),
    })
    .describe('What the run says.'),
  spans: spans.describe('The account: what became of every span.'),
  examples: examples.describe('Spans to look for; not all there are.'),
  requests: requests.describe('What became of the requests.'),
  ackLatencyMs: latency
    .nullable()
    .describe('From the intended time of a request to its acknowledgement; null when nothing was acknowledged.'),
  responseLatencyMs: latency
    .nullable()
    .describe(
      'From the intended time of a request to its answer of whatever kind, or until it was given up: refused, failed and unsent ones too.',
    ),
  endToEndLatencyMs: latency
    .nullable()
    .describe('From the intended time of a request to the arrival of its spans at the sink; null when none came.'),
  rate: rate.describe('How much was asked for, and how much there was.'),
  ramp: z.array(step).nullable().describe('The steps of a ramp, in order; null without one.'),
  lateness: latency.describe('How much later than intended the generator itself sent its requests, in milliseconds.'),
  backlog: z
    .strictObject({
      maxInFlight: count('The most requests that were without an answer at one time.'),
      unsent: count('Requests that fell due and were never sent, because as many as allowed were without an answer.'),
      unsentSpans: count('Their spans. They are not among those generated.'),
      limitedByBytes: z.boolean().describe('Whether 256 MiB of bodies under way were the reason at some time.'),
      flushedSpans: count(
        'Spans sent after the load had ended: of traces whose last parts were not due yet. They are among those generated.',
      ),
      notFlushedSpans: count(
        'Such spans that were not sent any more: nobody took them, or the run was interrupted. They are not among those generated.',
      ),
    })
    .describe('How much piled up.'),
  generator: generator.describe('What the generator itself needed.'),
  sink: sink.nullable().describe('What the sink needed; null without --sink.'),
  service: service.nullable().describe('What the service needed; null without --pid.'),
  serviceAccount: serviceAccount
    .nullable()
    .describe('What the service says of itself in its metrics, of the time of the run; null without --metrics.'),
  cpuMicrosecondsPerSpan: z
    .strictObject({
      generator: amount('Microseconds.'),
      service: z.number().nonnegative().nullable().describe('Microseconds; null without --pid.'),
    })
    .describe('CPU time, as in generator and service.'),
  faults: z.array(z.string()).describe('The --fault of the sink, as they were given.'),
  series: series.describe(
    'The run second by second: lists of equal length, one item for each interval of about a second.',
  ),
  percentileCurve: z
    .strictObject({
      ack: curve.describe('Of ackLatencyMs; empty when there is none.'),
      endToEnd: curve.describe('Of endToEndLatencyMs; empty when there is none.'),
    })
    .describe('The latencies as curves: pairs of percentile (0 to 100, rising) and milliseconds.'),
});

export type LoadReport = z.infer<typeof loadReportSchema>;
export type ReportLatency = z.infer<typeof latency>;
export type ReportSeries = z.infer<typeof series>;
export type RampStep = z.infer<typeof step>;
