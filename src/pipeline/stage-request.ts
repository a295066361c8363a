// What a stage is given to work on, and how it says what became of it.

import type { Metadata, Refusal } from '../delivery/batch.ts';

export type { Metadata, Refusal };

/**
 * How a request left the stage. `written`: its bytes are no longer needed, what stays of it is held by the stage. `pending`:
 * as written, but its client waits until that is secured: `secured` follows.
 */
export type TakenOutcome = 'written' | 'pending' | 'malformed' | 'failed' | 'killed' | 'overloaded';

/** The way from one pipeline into another. */
export interface RequestLink {
  /** So many spans of the requests of a job are for no pipeline; told before those are taken. */
  lost(spans: number): void;
}

/** What a stage works on: one ExportTraceServiceRequest in the shared memory, or traces that the stage before held. */
export interface StageRequest {
  readonly at: number;
  readonly length: number;
  /**
   * It is so many held traces: `at` is the newest run of the first (wire/run-table.ts), `length` what they take as a request at
   * most. Absent: a request.
   */
  readonly traces?: number;
  /** The same as a request for each trace, where there are several; then it is itself no longer one. */
  apart?(): readonly StageRequest[];
  /** A copy as one request. Absent: the bytes at `at`. */
  copy?(): Buffer;
  /** It is a part of what the stage before passed on as one: those that are parts of the same have the same here. */
  readonly payload?: object;
  /** It is OTLP JSON. Absent: protobuf. */
  readonly isJson?: boolean;
  /** How many spans it has, where that is known: of what an earlier stage of the pipeline counted; else 0. */
  readonly spans: number;
  readonly metadata: Metadata;
  /** Requests with the same text have the same metadata. '' where the stage reads none. */
  readonly metadataKey: string;
  /** Where another pipeline sent it: nobody is there to come again with it, so it waits as long as it has to. */
  readonly link?: RequestLink;
  /** Called once, when the stage is done with the bytes. `spans`: how many it had; 0 when malformed. */
  taken(outcome: TakenOutcome, message: string, spans: number): void;
  /** Called once after `pending`. null: what it became is held as safely as the exporters promise. */
  secured(refusal: Refusal | null): void;
}
