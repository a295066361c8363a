// The Collector's probabilistic_sampler for traces: keeps a share of all traces, the same ones wherever it runs.
import { z } from 'zod';
import { defineSpanProcessor } from '../../component/define.ts';
import { integer, problem } from '../../component/fields.ts';
import { hexDigits, minProbability } from '../../component/sampling/threshold.ts';
import { priorityKey } from './priority.ts';
import { samplerStep } from './sampler.ts';

/** As the Collector holds it: a 32-bit float. */
const percentage = z
  .number()
  .min(0)
  .transform(Math.fround)
  .refine((n) => Number.isFinite(n) && (n === 0 || n / 100 >= minProbability), {
    ...problem('CONFIG_VALUE', 'must be 0, or large enough that one of 2^56 spans is kept (about 1.4e-15)'),
  });

const config = z.strictObject({
  sampling_percentage: percentage
    .prefault(0)
    .describe('How many percent of the traces are kept; from 100 on all, and 0 none.'),
  mode: z
    .enum(['', 'hash_seed', 'proportional', 'equalizing'])
    .prefault('')
    .describe(
      'hash_seed (default): by a hash of the trace id. proportional: keeps this share of what arrives. equalizing: ' +
        'keeps less only of what has not been sampled as much before. The last two follow the tracestate.',
    ),
  hash_seed: integer(0, 2 ** 32 - 1)
    .prefault(0)
    .describe('Mode hash_seed only: samplers with the same seed and percentage keep the same traces.'),
  fail_closed: z
    .boolean()
    .prefault(true)
    .describe('Drops spans that cannot be decided on (malformed tracestate, no trace id); false keeps them.'),
  sampling_precision: integer(1, hexDigits)
    .prefault(4)
    .describe('Significant hex digits of the threshold that is written to the tracestate.'),
  attribute_source: z.enum(['', 'traceID', 'record']).prefault('traceID').describe('For logs; no effect on spans.'),
  from_attribute: z.string().prefault('').describe('For logs; no effect on spans.'),
  sampling_priority: z
    .string()
    .prefault('')
    .describe('For logs; spans are forced in or out by their attribute sampling.priority (above 0, or 0).'),
});
export type Config = z.output<typeof config>;

export const probabilisticSampler = defineSpanProcessor<Config>({
  ...samplerStep,
  kind: 'processor',
  role: 'spans',
  aliases: [],
  stability: 'beta',
  summary: 'Keeps a share of all traces, decided by the trace id or the randomness in the tracestate.',
  config,
  traits: { mutates: true, drops: true },
  decidesBy: () => [priorityKey],
  examples: [
    { title: 'One trace in ten', yaml: 'sampling_percentage: 10' },
    {
      title: 'A quarter of what the SDKs sampled, with the total share in the tracestate',
      yaml: 'mode: proportional\nsampling_percentage: 25',
    },
    {
      title: 'Everything down to one percent, whatever was sampled before',
      yaml: 'mode: equalizing\nsampling_percentage: 1\nfail_closed: false',
    },
  ],
});
