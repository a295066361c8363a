// What a part of the service shows as metrics. Parts keep plain numbers; they are read when somebody asks, so that
// nothing on the way of a span knows about metrics.

/** Counts of values <= each bound and above the one before; `counts` has one more entry, for what is above all bounds. */
export interface HistogramValue {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}

interface Sample {
  /** As a default Collector shows it: without suffix for type or unit. */
  readonly name: string;
  readonly help: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Becomes a suffix where the configuration asks for units in names. */
  readonly unit?: 'seconds' | 'milliseconds' | 'bytes';
}
export type MetricSample =
  | (Sample & { readonly kind: 'counter' | 'gauge'; readonly value: number })
  | (Sample & { readonly kind: 'histogram'; readonly value: HistogramValue });

/** `collect` is called for each scrape, on the main thread, and must be quick. Same name: same kind, help and unit. */
export interface MetricSource {
  collect(): Iterable<MetricSample>;
}
