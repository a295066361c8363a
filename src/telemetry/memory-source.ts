// The byte budget for all spans that are held, as metrics: what refusals for want of room, and thinning, come from.
import type { MetricSource } from './source.ts';

/** Read at each scrape. */
export interface BudgetNumbers {
  readonly used: number;
  readonly budgetBytes: number;
}

export function createMemorySource(budget: BudgetNumbers): MetricSource {
  return {
    *collect() {
      yield {
        name: 'spanmill_memory_budget',
        help: 'Bytes that all spans that are held may take: memory_limiter, or the default.',
        kind: 'gauge',
        unit: 'bytes',
        labels: {},
        value: budget.budgetBytes,
      };
      yield {
        name: 'spanmill_memory_held',
        help: 'Bytes of the budget that are taken now. Near it, requests wait a little, and are then refused or thinned.',
        kind: 'gauge',
        unit: 'bytes',
        labels: {},
        value: budget.used,
      };
    },
  };
}
