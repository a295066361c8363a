// What the sampler counts: the Collector's metric, by what the decision went by, and the ledger's drops, by reason.
import { type Counters, type Mode, problems } from '../../component/sampling/mode.ts';
import type { StageBuilder } from '../../component/step.ts';

export const metricName = 'otelcol_processor_probabilistic_sampler_count_traces_sampled';

export function compileCounters(stage: StageBuilder, mode: Mode): Counters {
  const metric = (sampled: 'true' | 'false') =>
    Object.fromEntries(
      mode.policies.map((policy) => [policy, stage.counter(metricName, { policy, sampled })]),
    ) as Counters['kept'];
  const reasons = [...problems, 'not_sampled', 'sampling_priority'] as const;
  return {
    kept: metric('true'),
    left: metric('false'),
    dropped: Object.fromEntries(reasons.map((reason) => [reason, stage.dropCounter(reason)])) as Counters['dropped'],
  };
}
