// What a step gets when its stage is compiled (component/step.ts): keys and constants of the stage, and counters and warnings
// under the name of the step.
import type { MetricSpec } from '../component/definition.ts';
import type { StageBuilder, Step } from '../component/step.ts';
import { SpanmillError } from '../errors.ts';
import type { StageMemory } from '../wire/stage-memory.ts';
import type { CounterSpec } from './plan.ts';
import type { WarningList } from './warnings.ts';

/** What is counted in a stage, by number. */
export class StageCounters {
  readonly specs: CounterSpec[] = [];
  readonly counts: Float64Array;
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
    this.counts = new Float64Array(most);
  }

  add(spec: CounterSpec): number {
    if (this.specs.length >= this.#most)
      throw new SpanmillError('INTERNAL', `more than ${this.#most} counters in a stage`);
    return this.specs.push(spec) - 1;
  }

  /** Those that there are. Only what was counted in is ever written out, but a rollback copies all of it. */
  used(): Float64Array {
    return this.counts.subarray(0, this.specs.length);
  }
}

export interface BuilderParts {
  readonly stage: StageMemory;
  readonly views: Pick<StageBuilder, 'span' | 'resource' | 'scope'>;
  readonly counters: StageCounters;
  readonly warnings: WarningList;
  readonly showValues: boolean;
  /** What is known of the job that runs now. */
  present(): { readonly metadata: Readonly<Record<string, readonly string[]>>; readonly halvings: number };
}

const noValues: readonly string[] = [];

const helpOf = (metrics: readonly MetricSpec[], wanted: string): string =>
  metrics.find(({ name }) => name === wanted)?.help ?? '';

/** `id`: of the processor, as configured. */
export function builderFor(id: string, { dropMetric, metrics }: Step, parts: BuilderParts): StageBuilder {
  const { stage, views, counters, warnings, showValues, present } = parts;
  const { counts } = counters;
  return {
    id,
    ...views,
    showValues,
    intern: (key) => stage.intern(key),
    constant: (bytes) => stage.constant(bytes),
    attribute: (key, value) => stage.attribute(key, value),
    dropCounter: (reason) => {
      const shown = dropMetric === undefined ? {} : { metric: dropMetric };
      return counters.add({ kind: 'dropped', component: id, reason, ...shown });
    },
    histogram(metric, bounds) {
      const help = helpOf(metrics, metric);
      const part = (one: number | 'sum'): number =>
        counters.add({ kind: 'metric', component: id, metric, help, labels: {}, part: one });
      const buckets = [...bounds, Number.POSITIVE_INFINITY].map(part);
      const sum = part('sum');
      return (value) => {
        counts[buckets[bounds.findIndex((bound) => value <= bound)] ?? sum - 1]++;
        counts[sum] += value;
      };
    },
    routeCounter: (where) => counters.add({ kind: 'routed', component: id, where }),
    counter: (metric, labels) =>
      counters.add({ kind: 'metric', component: id, metric, help: helpOf(metrics, metric), labels }),
    add: (counter, n) => {
      counts[counter] += n;
    },
    metadata: (key) => present().metadata[key] ?? noValues,
    halvings: () => present().halvings,
    warn: (code, message, sample) => warnings.add(id, code, message, sample),
  };
}
