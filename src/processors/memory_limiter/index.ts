// The Collector's memory_limiter. There it polls the heap and refuses above the soft limit; here the soft limit is a
// budget that is asked before a request is taken, so that it cannot be overshot between two polls. An addition: before it
// comes to refusing, it may thin the spans.
import { z } from 'zod';
import { defineAdmissionProcessor } from '../../component/define.ts';
import type { ConfigIssue } from '../../component/definition.ts';
import { durationMs, integer, percentage, requiredDurationMs } from '../../component/fields.ts';
import { memoryLimiterStep, mostHalvings } from './thin.ts';

const uint32Max = 2 ** 32 - 1;
const mib = 1024 * 1024;
const defaultFrom = 60;
const defaultDownTo = 1;

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
  overload: z
    .enum(['refuse', 'sample'])
    .prefault('refuse')
    .describe(
      'An addition. refuse: where the budget is used, clients are told to try again. sample: before that, the spans of this ' +
        'pipeline are thinned by trace id, the more the fuller it gets, with the rate in their tracestate (ot=th).',
    ),
  sample_above_percentage: z
    .number()
    .min(1)
    .max(95)
    .prefault(defaultFrom)
    .describe(
      'For overload: sample. It begins when this part of the budget is used; the lowest rate is reached halfway to full.',
    ),
  sample_down_to_percentage: z
    .number()
    .min(0.01)
    .max(50)
    .prefault(defaultDownTo)
    .describe(
      'For overload: sample. The lowest rate: of all traces at least this part is kept. Rates are halves of halves: 50, 25, 12.5 …',
    ),
});
export type Config = z.output<typeof config>;

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

function advise(c: Config): ConfigIssue[] {
  if (c.overload === 'sample') return [];
  const changed = { sample_above_percentage: defaultFrom, sample_down_to_percentage: defaultDownTo } as const;
  return Object.entries(changed).flatMap(([key, usual]) =>
    c[key as keyof typeof changed] === usual
      ? []
      : [{ path: [key], code: 'CONFIG_CONFLICT', message: 'has no effect without overload: sample' }],
  );
}

/** Limit minus spike, the spike being a fifth of the limit unless it is given. */
const soft = (limit: number, spike: number): number => limit - (spike > 0 ? spike : Math.floor(limit / 5));

export const memoryLimiter = defineAdmissionProcessor<Config>({
  ...memoryLimiterStep,
  kind: 'processor',
  role: 'admission',
  aliases: [],
  stability: 'beta',
  summary: 'Bounds the bytes of all spans that the service holds; above it clients are asked to try again.',
  config,
  check,
  advise,
  /** The Collector's soft limit in bytes: where it begins to refuse, and so what may be held here. */
  budgetBytes: (c, totalMemoryBytes) =>
    c.limit_mib > 0
      ? soft(c.limit_mib * mib, c.spike_limit_mib * mib)
      : soft(
          Math.floor((totalMemoryBytes * c.limit_percentage) / 100),
          Math.floor((totalMemoryBytes * c.spike_limit_percentage) / 100),
        ),
  thinning: (c) =>
    c.overload === 'sample' ? { from: c.sample_above_percentage / 100, mostHalvings: mostHalvings(c) } : null,
  examples: [
    { title: 'A fixed budget', yaml: 'check_interval: 1s\nlimit_mib: 512\nspike_limit_mib: 128' },
    { title: 'A part of the container', yaml: 'check_interval: 1s\nlimit_percentage: 50' },
    {
      title: 'Fewer traces rather than refused requests, down to one in twenty',
      yaml: 'check_interval: 1s\nlimit_mib: 512\noverload: sample\nsample_down_to_percentage: 5',
    },
  ],
});
