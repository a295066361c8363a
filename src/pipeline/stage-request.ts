// What a stage is given to work on, and how it says what became of it.

export type Metadata = Readonly<Record<string, readonly string[]>>;

/** How a request left the stage. `written`: its bytes are no longer needed, what stays of it is held by the stage. */
export type TakenOutcome = 'written' | 'malformed' | 'failed' | 'killed' | 'overloaded';

/** What a stage works on: one ExportTraceServiceRequest in the shared memory. */
export interface StageRequest {
  readonly at: number;
  readonly length: number;
  /** How many spans it has, where that is known: of what an earlier stage counted. 0 for a client's request. */
  readonly spans: number;
  readonly metadata: Metadata;
  /** Requests with the same text have the same metadata. '' where the stage reads none. */
  readonly metadataKey: string;
  /** Called once, when the stage is done with the bytes. `spans`: how many it had; 0 when malformed. */
  taken(outcome: TakenOutcome, message: string, spans: number): void;
}
