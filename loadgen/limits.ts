// Whether the load generator, and not the service, was at its limit, and whether it or the sink starved.
import type { GeneratorReport } from './generator/messages.ts';
import { generatorCores, generatorWait, type Moment, sinkCores, sinkWait } from './watch.ts';

export interface Limits {
  /** Why the generator was, and why the sink was; empty when it was not. */
  readonly generator: string;
  readonly sink: string;
}

/** A process that keeps a core this busy cannot do more. */
const fullCore = 0.92;
/** A generator that sends one request in a hundred so late does not keep the schedule. */
const mostLatenessMs = 50;
/** Less than this share of a rate acknowledged in time is a rate that was not met. */
export const leastAchieved = 0.98;
/**
 * Of the time. Two loops beside a run at full speed on two processors had its sink wait for 42 % of the time: the rate fell by a
 * third, the 99th percentile rose sevenfold; four had it wait for 52 %: the rate fell to a sixth. A tenth may cost about as much.
 */
const mostWait = 0.1;

const percent = (share: number): string => `${Math.round(share * 100)} %`;

const saturation = (cores: number): string =>
  cores > fullCore ? `it kept ${cores.toFixed(2)} cores busy, and can use one` : '';

/** Between two moments; `lateness` stays empty in the closed loop. */
export function limitsOf(begin: Moment, end: Moment, { lateness }: Pick<GeneratorReport, 'lateness'>): Limits {
  const late =
    lateness.p99 > mostLatenessMs
      ? `one request in a hundred was sent more than ${Math.round(lateness.p99)} ms late`
      : '';
  const reasons = [late, saturation(generatorCores(end, begin))];
  return {
    generator: reasons.filter((reason) => reason !== '').join('; '),
    sink: saturation(sinkCores(end, begin)),
  };
}

/** What starved, a line each: processes that waited for a processor so long that the figures are partly the machine's. */
export function starvation(begin: Moment, end: Moment): string[] {
  const uses = [
    ['generator', generatorWait(end, begin), generatorCores(end, begin)],
    ['sink', sinkWait(end, begin), sinkCores(end, begin)],
  ] as const;
  return uses.flatMap(([name, wait, cores]) => {
    if (wait === null || wait <= mostWait) return [];
    const what =
      cores + wait > fullCore
        ? ', and was never idle: the machine was the limit'
        : ': latencies are longer, and rates lower, than those of the service';
    return [`the ${name} waited for a processor for ${percent(wait)} of the time${what}`];
  });
}
