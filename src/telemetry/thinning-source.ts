// How hard spans are thinned where the memory fills: `overload: sample` of memory_limiter.
import type { MetricSource } from './source.ts';

export interface ThinningRate {
  /** Id of the processor. */
  readonly processor: string;
  readonly pipeline: string;
  /** The part of the spans that is kept now. */
  readonly probability: number;
}

/** `rates` is read at each scrape. */
export function createThinningSource(rates: () => Iterable<ThinningRate>): MetricSource {
  return {
    *collect() {
      for (const { processor, pipeline, probability } of rates()) {
        yield {
          name: 'spanmill_processor_memory_limiter_sampling_probability',
          help: 'The part of the spans that overload: sample keeps now.',
          kind: 'gauge',
          labels: { processor, pipeline },
          value: probability,
        };
      }
    },
  };
}
