// What a stage that holds traces counts, for the metrics of its processor.
import type { HoldingOptions } from '../../component/processor.ts';
import { Histogram } from '../../lib/histogram.ts';

/** Milliseconds: those of the Collector's histograms by default. */
const latencyBounds: readonly number[] = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000];

export class HoldingStats {
  readonly processor: string;
  readonly maxTraces: number;
  /** Released. */
  traces = 0;
  spans = 0;
  /** Released before their wait was over, and of those the ones that had to go for want of room. */
  early = 0;
  evicted = 0;
  /** Times in ms: to take in what a job gave, to release what is due, and until the next stage has written a request of it. */
  readonly received = new Histogram(latencyBounds);
  readonly expired = new Histogram(latencyBounds);
  readonly released = new Histogram(latencyBounds);

  constructor({ id, maxTraces }: HoldingOptions & { readonly id: string }) {
    this.processor = id;
    this.maxTraces = maxTraces;
  }

  /** Goes on with what another one counted. */
  add(other: HoldingStats): void {
    this.traces += other.traces;
    this.spans += other.spans;
    this.early += other.early;
    this.evicted += other.evicted;
    this.received.addAll(other.received);
    this.expired.addAll(other.expired);
    this.released.addAll(other.released);
  }
}
