// What an exporter is, and how delivery wraps it.
import type { Logger } from 'pino';
import type { ExtensionLookup } from './capabilities.ts';
import type { Definition, MetricValue } from './definition.ts';

/** What an exporter is given: the segments one after another are one ExportTraceServiceRequest (TracesData). */
export interface Batch {
  readonly spans: number;
  readonly bytes: number;
  /** Views over shared memory; valid until the promise of `export` settles. Never to be written to. */
  readonly segments: readonly Buffer[];
  /** Of its client, as far as `metadata_keys` of a batch kept it. */
  readonly metadata: Readonly<Record<string, readonly string[]>>;
}

/** Retryable or permanent is decided here, where the answer is understood. `reason` is a label of the ledger. */
export type ExportResult =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'partial'; readonly rejectedSpans: number; readonly message: string }
  | { readonly kind: 'retry'; readonly reason: string; readonly message: string; readonly afterMs: number }
  /** Too much at a time; half of it may pass. `limitBytes`: what the peer said it takes, 0 when it did not say. */
  | { readonly kind: 'too_large'; readonly reason: string; readonly message: string; readonly limitBytes: number }
  /** Something in the batch is wrong; the rest of it may pass without. */
  | { readonly kind: 'invalid'; readonly reason: string; readonly message: string }
  /** Whatever is sent. */
  | { readonly kind: 'refused'; readonly reason: string; readonly message: string };

export interface Exporter {
  start(): Promise<void>;
  /** Sends one batch; never rejects. Up to `DeliveryOptions.consumers` calls at a time. `signal` ends it early. */
  export(batch: Batch, signal: AbortSignal): Promise<ExportResult>;
  /** After the last export. May be called twice and before start. */
  stop(): Promise<void>;
  /** Of the metrics that its definition declares; the label `exporter` is added to each. Called for each scrape. */
  metricValues?(): Iterable<MetricValue>;
}

export interface ExporterHost {
  readonly id: string;
  readonly log: Logger;
  readonly extensions: ExtensionLookup;
}

/** How delivery wraps an exporter: the Collector's sending_queue, retry_on_failure and timeout. Times in ms. */
export interface DeliveryOptions {
  readonly queue: {
    readonly enabled: boolean;
    readonly consumers: number;
    readonly size: number;
    readonly sizer: 'requests' | 'items' | 'bytes';
    /** What one export carries, gathered from the queue; null: what came together goes out together. */
    readonly batch: {
      readonly flushTimeoutMs: number;
      readonly minSize: number;
      /** 0: no limit. */
      readonly maxSize: number;
      readonly sizer: 'items' | 'bytes';
      /** Clients that differ in these metadata keys share no batch. */
      readonly metadataKeys: readonly string[];
    } | null;
    /** False: when this exporter's queue is full and its backend takes nothing, the pipeline's other exporters go on. */
    readonly blockOnOverflow: boolean;
    /** Whether clients are answered when their spans were exported; `unbatched`: in pipelines without a batch processor. */
    readonly waitForResult: 'no' | 'unbatched' | 'yes';
    /** Id of the extension that stores the queue. */
    readonly storage: string | null;
  };
  readonly retry: {
    readonly enabled: boolean;
    readonly initialIntervalMs: number;
    readonly randomizationFactor: number;
    readonly multiplier: number;
    readonly maxIntervalMs: number;
    /** 0: for ever. */
    readonly maxElapsedMs: number;
  };
  /** For each attempt; 0: none. */
  readonly timeoutMs: number;
  /** Of one request, before compression; 0: what the peer takes. */
  readonly maxRequestBytes: number;
  /** A span that is too large for the peer has its longest values cut; else it is set aside. */
  readonly shrinks: boolean;
  /** Id of the extension that keeps what the peer does not take. */
  readonly deadLetter: string | null;
}

export interface ExporterDefinition<C = unknown> extends Definition<C> {
  readonly kind: 'exporter';
  delivery(config: C): DeliveryOptions;
  create(config: C, host: ExporterHost): Exporter;
}
