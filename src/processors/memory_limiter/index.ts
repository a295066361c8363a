// The Collector's memory_limiter. There it polls the heap and refuses above the soft limit; here the soft limit is a
// budget that is asked before a request is taken, so that it cannot be overshot between two polls.
import { z } from 'zod';
import { defineAdmissionProcessor } from '../../component/define.ts';
import { durationMs, integer, percentage, requiredDurationMs } from '../../component/fields.ts';
import type { ConfigIssue } from '../../component/types.ts';

const uint32Max = 2 ** 32 - 1;
const mib = 1024 * 1024;

const config = z.strictObject({
  check_interval: requiredDurationMs({ positive: true }).describe(
    'Required, as in the Collector, and without effect: the budget is checked for every request.',
  ),
  limit_mib: integer(0, uint32Max)
    .prefault(0)
    .describe('Hard limit in MiB. This or limit_percentage is required; this one wins.'),
  limit_percentage: percentage().prefault(0).describe('Hard limit in percent of the memory of the machine or cgroup.'),
  spike_limit_mib: integer(0, uint32Max)
    .prefault(0)
    .describe('The budget is limit_mib minus this. 0: a fifth of the limit.'),
  spike_limit_percentage: percentage()
    .prefault(0)
    .describe('The budget is limit_percentage minus this. 0: a fifth of the limit.'),
  min_gc_interval_when_soft_limited: durationMs('10s').describe('Accepted, without effect: spans are not on the heap.'),
  min_gc_interval_when_hard_limited: durationMs('0s').describe('Accepted, without effect: spans are not on the heap.'),
});
type Config = z.output<typeof config>;

function check(c: Config): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  if (c.limit_mib === 0 && c.limit_percentage === 0) {
    issues.push({ path: [], code: 'CONFIG_MISSING', message: 'limit_mib or limit_percentage must be greater than 0' });
  }
  for (const [spike, limit] of [
    ['spike_limit_mib', 'limit_mib'],
    ['spike_limit_percentage', 'limit_percentage'],
  ] as const) {
    if (c[limit] > 0 && c[spike] >= c[limit]) {
      issues.push({ path: [spike], code: 'CONFIG_CONFLICT', message: `must be smaller than ${limit} (${c[limit]})` });
    }
  }
  if (c.min_gc_interval_when_soft_limited < c.min_gc_interval_when_hard_limited) {
    issues.push({
      path: ['min_gc_interval_when_soft_limited'],
      code: 'CONFIG_CONFLICT',
      message: 'must not be less than min_gc_interval_when_hard_limited',
    });
  }
  return issues;
}

/** Limit minus spike, the spike being a fifth of the limit unless it is given. */
const soft = (limit: number, spike: number): number => limit - (spike > 0 ? spike : Math.floor(limit / 5));

export const memoryLimiter = defineAdmissionProcessor<Config>({
  kind: 'processor',
  role: 'admission',
  type: 'memory_limiter',
  aliases: [],
  stability: 'beta',
  summary: 'Bounds the bytes of all spans that the service holds; above it clients are asked to try again.',
  config,
  check,
  /** The Collector's soft limit in bytes: where it begins to refuse, and so what may be held here. */
  budgetBytes: (c, totalMemoryBytes) =>
    c.limit_mib > 0
      ? soft(c.limit_mib * mib, c.spike_limit_mib * mib)
      : soft(
          Math.floor((totalMemoryBytes * c.limit_percentage) / 100),
          Math.floor((totalMemoryBytes * c.spike_limit_percentage) / 100),
        ),
  examples: [
    { title: 'A fixed budget', yaml: 'check_interval: 1s\nlimit_mib: 512\nspike_limit_mib: 128' },
    { title: 'A part of the container', yaml: 'check_interval: 1s\nlimit_percentage: 50' },
  ],
  metrics: [
    {
      name: 'otelcol_processor_memory_limiter_accepted_spans',
      kind: 'counter',
      help: 'Number of spans successfully pushed into the next component in the pipeline.',
      labels: ['processor'],
    },
    {
      name: 'otelcol_processor_memory_limiter_refused_spans',
      kind: 'counter',
      help: 'Number of spans that were rejected by the next component in the pipeline.',
      labels: ['processor'],
    },
  ],
});
