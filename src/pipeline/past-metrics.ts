// What components counted that are gone, so that a counter never goes back when a successor of the same id begins at 0.
import type { MetricSpec, MetricValue } from '../component/definition.ts';

export type ComponentKind = 'receiver' | 'exporter' | 'extension';

/** Values of one component; its specs say what they are. */
export interface ComponentMetrics {
  readonly kind: ComponentKind;
  readonly id: string;
  readonly metrics: readonly MetricSpec[];
  readonly values: readonly MetricValue[];
}

interface Past {
  readonly kind: ComponentKind;
  readonly id: string;
  readonly metrics: readonly MetricSpec[];
  /** By name and labels. */
  readonly values: Map<string, { name: string; labels: Readonly<Record<string, string>>; value: number }>;
}

export class PastMetrics {
  readonly #past = new Map<string, Past>();

  /** The last values of a component that has ended. */
  add({ kind, id, metrics, values }: ComponentMetrics): void {
    const counters = new Set(metrics.filter((spec) => spec.kind === 'counter').map(({ name }) => name));
    const key = `${kind} ${id}`;
    const past: Past = this.#past.get(key) ?? { kind, id, metrics, values: new Map() };
    for (const { name, labels, value } of values) {
      if (!counters.has(name)) continue;
      const key = JSON.stringify([name, labels]);
      const known = past.values.get(key);
      if (known === undefined) past.values.set(key, { name, labels, value });
      else known.value += value;
    }
    if (past.values.size > 0) this.#past.set(key, past);
  }

  *all(): Iterable<ComponentMetrics> {
    for (const { kind, id, metrics, values } of this.#past.values()) {
      yield { kind, id, metrics, values: [...values.values()] };
    }
  }
}
