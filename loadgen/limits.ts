// Whether the load generator, and not the service, was at its limit.
import type { GeneratorReport } from './generator/messages.ts';
import { generatorCores, type Moment, sinkCores } from './watch.ts';

export interface Limits {
  /** Why the generator was; empty when it was not. */
  readonly generator: string;
  readonly sink: boolean;
}

/** A process that keeps a core this busy cannot do more. */
const fullCore = 0.92;
/** A generator that sends one request in a hundred so late does not keep the schedule. */
const mostLatenessMs = 50;
/** Less than this share of a rate acknowledged in time is a rate that was not met. */
export const leastAchieved = 0.98;

/** Between two moments; `lateness` stays empty in the closed loop. */
export function limitsOf(begin: Moment, end: Moment, { lateness }: Pick<GeneratorReport, 'lateness'>): Limits {
  const cores = generatorCores(end, begin);
  const reasons: string[] = [];
  if (lateness.p99 > mostLatenessMs) {
    reasons.push(`one request in a hundred was sent more than ${Math.round(lateness.p99)} ms late`);
  }
  if (cores > fullCore) reasons.push(`it kept ${cores.toFixed(2)} cores busy, and can use one`);
  return { generator: reasons.join('; '), sink: sinkCores(end, begin) > fullCore };
}
