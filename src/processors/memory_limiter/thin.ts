// The step of the chain that thins spans while the memory fills: consistent probability sampling, as probabilistic_sampler
// has it in its mode equalizing, at the rate of the job. Spans that cannot be decided on are kept, and what forces spans in
// or out elsewhere does not count here, so that every span that stays says how many it stands for.
import { defineStep } from '../../component/define.ts';
import { compileConsistent } from '../../component/sampling/consistent.ts';
import { type Counters, consistentMode, problems } from '../../component/sampling/mode.ts';
import { hexDigits } from '../../component/sampling/threshold.ts';
import type { StageBuilder, StageProcessor } from '../../component/step.ts';
import { thinnedReason } from '../../component/thinning.ts';
import type { Config } from './index.ts';

/** The spans that it has looked at while it thinned. */
const thinnedMetric = 'spanmill_processor_memory_limiter_sampled_spans';

export const mostHalvings = (c: Config): number => Math.floor(Math.log2(100 / c.sample_down_to_percentage));

export const memoryLimiterStep = defineStep<Config>({
  type: 'memory_limiter',
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
    {
      name: 'spanmill_processor_memory_limiter_sampling_probability',
      kind: 'gauge',
      help: 'The part of the spans that overload: sample keeps now.',
      labels: ['processor', 'pipeline'],
    },
    {
      name: thinnedMetric,
      kind: 'counter',
      help: 'Spans that came while overload: sample thinned them, kept (sampled true) or dropped.',
      labels: ['processor', 'pipeline', 'sampled'],
    },
  ],
  compile: compileThinning,
});

function compileThinning(config: Config, stage: StageBuilder): StageProcessor {
  const counters = compileCounters(stage);
  const samplers = Array.from({ length: mostHalvings(config) }, (_, i) => {
    const mode = consistentMode('equalizing', 2 ** -(i + 1), hexDigits);
    return compileConsistent(stage, { mode, counters, failClosed: false, priority: null });
  });
  return {
    span() {
      const halvings = stage.halvings();
      if (halvings > 0) samplers[halvings - 1].span();
    },
  };
}

/** Whatever the decision went by, it counts alike. */
function compileCounters(stage: StageBuilder): Counters {
  const all = <K extends string, V>(keys: readonly K[], value: V): Record<K, V> =>
    Object.fromEntries(keys.map((key) => [key, value])) as Record<K, V>;
  const policies = [
    'trace_id_hash',
    'trace_id_w3c',
    'sampling_randomness',
    'missing_randomness',
    'sampling_priority',
  ] as const;
  const reasons = [...problems, 'not_sampled', 'sampling_priority'] as const;
  return {
    kept: all(policies, stage.counter(thinnedMetric, { sampled: 'true' })),
    left: all(policies, stage.counter(thinnedMetric, { sampled: 'false' })),
    dropped: all(reasons, stage.dropCounter(thinnedReason)),
  };
}
