// What a receiver is, and its way into the pipelines.
import type { Logger } from 'pino';
import type { ExtensionLookup } from './capabilities.ts';
import type { Definition, MetricValue } from './definition.ts';
import type { Serving } from './health.ts';
import type { ListeningSockets } from './listening-sockets.ts';

/** A range of the shared memory that belongs to one request until it is submitted or released. */
export interface Place {
  readonly offset: number;
  readonly length: number;
}

/** How a submitted request ended. `refused` and `overloaded` say nothing was taken; the client may be told to retry. */
export type RequestOutcome =
  /** `warning`: taken, but not by all who should have it; the client must not send it again. */
  | { readonly kind: 'accepted'; readonly warning?: string }
  | { readonly kind: 'malformed'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'overloaded'; readonly message: string; readonly retryDelayMs: number };

/** What is known of the client of one request, read only when a processor asks for it. */
export interface RequestInfo {
  /** host:port of the client, '' where the transport has none. */
  readonly peer: string;
  /** The body is OTLP JSON. Absent: protobuf. */
  readonly isJson?: boolean;
  /** All values of a metadata key (HTTP header), lower-case name; empty when absent. */
  metadata(key: string): readonly string[];
  /** Of a request over gRPC: the same, whether or not the receiver includes metadata. */
  grpcMetadata?(key: string): readonly string[];
  /** What the authenticator knows of the client (lib/client-keys.ts); empty where it knows nothing of that name. */
  credential?(attribute: string): readonly string[];
}

/**
 * The way from a receiver into the pipelines. One a receiver. All calls on the I/O thread.
 * A place is first reserved, then filled by the receiver in `memory`, then submitted (or released): exactly one of both.
 */
export interface Intake {
  /** All of the shared memory; a place is `memory[offset … offset + length)`. */
  readonly memory: Buffer;
  /** The largest request that the memory budget can ever take; a receiver's own limit is not above it. */
  readonly largestBytes: number;
  /**
   * Space for `length` bytes, or null when the budget has none now. `isWhole`: all of the request is here and will be
   * submitted at once; else `submit` or `release` follows when its client has sent it, or has not.
   */
  reserve(length: number, isWhole: boolean): Place | null;
  /** As reserve, but waits a short bounded time for space; null when none came. */
  reserveLater(length: number, isWhole: boolean): Promise<Place | null>;
  /**
   * The place is filled with one ExportTraceServiceRequest, in OTLP JSON where `info` says so. `done` is called exactly once, never synchronously, with
   * `info` as it was given: one function serves all requests of a receiver.
   */
  submit<I extends RequestInfo>(place: Place, info: I, done: (info: I, outcome: RequestOutcome) => void): void;
  /** The request will not come after all. */
  release(place: Place): void;
  /** The outcome to answer with when `reserveLater` gave null; counts the refusal in the ledger. */
  refuse(): RequestOutcome;
  /** Counts a request that the transport itself turned away; the reason is a label of the ledger (`too_large`, …). */
  rejected(reason: string): void;
  /** The same way in; what comes through it is counted under this transport: `grpc`, `http`. */
  over(transport: string): Intake;
}

export interface ReceiverHost {
  /** Component id as configured, `otlp` or `otlp/name`. */
  readonly id: string;
  readonly intake: Intake;
  readonly log: Logger;
  readonly extensions: ExtensionLookup;
  /** What a health service on the receiver's own port says. */
  readonly serving: Serving;
  /** Absent: nobody takes its place. */
  readonly sockets?: ListeningSockets;
}

export interface Receiver {
  /** Binds; resolves when requests can come. Rejects with a SpanmillError when it cannot. */
  start(): Promise<void>;
  /**
   * No new requests; resolves when those under way are answered, or at the deadline. `idleMs`: for how long one that may have
   * been sent already is waited for, where the protocol cannot say to clients that there must be no more; what suits where absent.
   */
  drain(deadlineMs: number, idleMs?: number): Promise<void>;
  /** Closes everything now. May be called twice and before start. */
  stop(): Promise<void>;
  /** Where it listens, for the start-up line: `grpc 127.0.0.1:4317`. Empty before start. */
  addresses(): readonly string[];
  /** Of the metrics that its definition declares; the label `receiver` is added to each. Called for each scrape. */
  metricValues(): Iterable<MetricValue>;
}

export interface ReceiverDefinition<C = unknown> extends Definition<C> {
  readonly kind: 'receiver';
  /** Whether `metadata` of any of its requests shows headers. Absent: it does. */
  showsHeaders?(config: C): boolean;
  create(config: C, host: ReceiverHost): Receiver;
}
