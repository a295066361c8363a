// The Collector's groupbytrace processor: holds spans so that those of a trace go on together.
import { z } from 'zod';
import { defineTraceProcessor } from '../../component/define.ts';
import type { ConfigIssue, MetricSpec } from '../../component/definition.ts';
import { durationMs, integer } from '../../component/fields.ts';

const int32Max = 2 ** 31 - 1;

const config = z.strictObject({
  wait_duration: durationMs('1s').describe(
    'How long a trace is held, from its first span on. Spans that come later are held as a trace of their own, as long again.',
  ),
  num_traces: integer(1, int32Max)
    .prefault(1_000_000)
    .describe('Most traces that are held; with one more the oldest go on before their time.'),
  num_workers: integer(1, int32Max).prefault(1).describe('No effect: all workers of the service take part.'),
  discard_orphans: z.boolean().prefault(false).describe('Not supported, as in the Collector: only false.'),
  store_on_disk: z.boolean().prefault(false).describe('Not supported, as in the Collector: only false.'),
});

type Config = z.output<typeof config>;

function check(config: Config): ConfigIssue[] {
  const unsupported = (['discard_orphans', 'store_on_disk'] as const).filter((field) => config[field]);
  return unsupported.map((field) => ({
    path: [field],
    code: 'CONFIG_CONFLICT',
    message: 'is not supported, neither here nor in the Collector: leave it out, or false',
  }));
}

const processor = ['processor'];
const named = (rest: string): string => `otelcol_processor_groupbytrace_${rest}`;

const metrics: readonly MetricSpec[] = [
  {
    name: named('conf_num_traces'),
    kind: 'gauge',
    help: 'Maximum number of traces to hold in the internal storage',
    labels: processor,
  },
  {
    name: named('num_traces_in_memory'),
    kind: 'gauge',
    help: 'Number of traces currently in the in-memory storage',
    labels: processor,
  },
  {
    name: named('num_events_in_queue'),
    kind: 'gauge',
    help: 'Requests of released traces that wait for a worker, or are with one',
    labels: processor,
  },
  {
    name: named('traces_released'),
    kind: 'counter',
    help: 'Traces released to the next consumer',
    labels: processor,
  },
  { name: named('spans_released'), kind: 'counter', help: 'Spans released to the next consumer', labels: processor },
  {
    name: named('traces_evicted'),
    kind: 'counter',
    help: 'Traces that went on before their time, since num_traces or the memory had no room for them',
    labels: processor,
  },
  {
    name: named('incomplete_releases'),
    kind: 'counter',
    help: 'Traces that went on before their time, for whatever reason: also at the end, or as large as a request may be',
    labels: processor,
  },
  {
    name: named('event_latency'),
    kind: 'histogram',
    help: 'Milliseconds: to take in what a job gave, to release what is due, and until released traces are written',
    labels: ['processor', 'event'],
  },
];

export const groupbytrace = defineTraceProcessor<Config>({
  kind: 'processor',
  role: 'traces',
  type: 'groupbytrace',
  aliases: [],
  stability: 'beta',
  summary: 'Holds spans for a time, so that those of a trace go on together.',
  config,
  check,
  holding: ({ wait_duration, num_traces }) => ({ waitMs: wait_duration, maxTraces: num_traces }),
  examples: [
    { title: 'The defaults', yaml: '{}' },
    { title: 'Traces that take longer', yaml: 'wait_duration: 10s\nnum_traces: 200000' },
  ],
  metrics,
});
