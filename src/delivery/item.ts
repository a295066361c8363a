// What is delivered: spans of one pipeline on their way to one exporter, and how they ended.
import type { Metadata } from './batch.ts';

export interface Failure {
  /** A label of the ledger. */
  readonly reason: string;
  readonly spans: number;
}

/** How an item ended at one exporter: `exported` and what failed are its spans, unless it was kept. */
export interface Settlement {
  readonly exported: number;
  readonly failures: readonly Failure[];
  /** Of the last failure; '' if nothing failed. */
  readonly message: string;
  /** Whether what failed could pass if it came again. */
  readonly retryable: boolean;
  /** It went out together with others, and it is not known whose spans failed: they may be its own. */
  readonly isDoubtful: boolean;
  /** The time to shut down was over, and it is still stored: the next process goes on with it. */
  readonly kept: boolean;
}

export interface DeliveryItem {
  readonly spans: number;
  readonly bytes: number;
  readonly metadata: Metadata;
  /** It outlives the process. */
  readonly stored: boolean;
  /** The bytes: one ExportTraceServiceRequest. Rejects with a SpanmillError STORAGE when they cannot be read. */
  open(): readonly Buffer[] | Promise<readonly Buffer[]>;
  /** Called exactly once, never from within `offer`; the bytes are not read after it. Must not throw. */
  settle(settlement: Settlement): void;
}

export const exportedWhole = (spans: number): Settlement => ({
  exported: spans,
  failures: [],
  message: '',
  retryable: false,
  isDoubtful: false,
  kept: false,
});
