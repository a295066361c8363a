// What a stage is given to work on, and how it says what became of it.

import type { Metadata, Refusal } from '../delivery/batch.ts';

export type { Metadata, Refusal };

/**
 * How a request left the stage. `written`: its bytes are no longer needed, what stays of it is held by the stage. `pending`:
 * as written, but its client waits until that is secured: `secured` follows.
 */
export type TakenOutcome = 'written' | 'pending' | 'malformed' | 'failed' | 'killed' | 'overloaded';

/** What a stage works on: one ExportTraceServiceRequest in the shared memory. */
export interface StageRequest {
  readonly at: number;
  readonly length: number;
  /** It is OTLP JSON. Absent: protobuf. */
  readonly isJson?: boolean;
  /** How many spans it has, where that is known: of what an earlier stage counted. 0 for a client's request. */
  readonly spans: number;
  readonly metadata: Metadata;
  /** Requests with the same text have the same metadata. '' where the stage reads none. */
  readonly metadataKey: string;
  /** Called once, when the stage is done with the bytes. `spans`: how many it had; 0 when malformed. */
  taken(outcome: TakenOutcome, message: string, spans: number): void;
  /** Called once after `pending`. null: what it became is held as safely as the exporters promise. */
  secured(refusal: Refusal | null): void;
}
