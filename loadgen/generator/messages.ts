// What the generator's process is asked, and the figures that come back. All plain data.
import type { ClientKind, ClientOptions } from '../client/client.ts';
import type { CorpusOptions } from '../corpus/corpus.ts';
import type { Latency, LatencyRecord } from '../latency.ts';

/**
 * `closed`: on each connection so many requests are under way, each answered one followed by the next. `open`: requests go
 * by the clock, whatever the server does.
 */
export type Pace =
  | { readonly kind: 'closed'; readonly inFlight: number }
  | { readonly kind: 'open'; readonly unit: 'spans' | 'requests'; readonly perSecond: number };

/** What is sent: requests of the corpus as they are, or the same spans through the SDK's own serializer. */
export type Encoder = 'corpus' | 'sdk';

export interface GeneratorOptions {
  readonly corpus: CorpusOptions;
  readonly encoder: Encoder;
  readonly client: ClientKind;
  readonly target: Omit<ClientOptions, 'onUnusable'>;
  readonly connections: number;
  /** Open loop: the most requests under way; those that fall due beyond it wait, and their time counts. */
  readonly maxInFlight: number;
  /** Nanoseconds, decimal; see clock.ts. */
  readonly clockOffset: string;
}

/** Said when it is ready. */
export interface GeneratorReady {
  /** Of the corpus: spans a request on average. */
  readonly spansPerRequest: number;
}

/**
 * Spans of consecutive numbers that were not acknowledged, or not all of them: the server rejected `rejected` of them and
 * does not say which; -1: all of them were refused, failed, or were never sent.
 */
export type UnsureRange = readonly [first: number, count: number, rejected: number];

export interface GeneratorCounters {
  readonly requests: {
    readonly sent: number;
    readonly acknowledged: number;
    /** `OK`, `PARTIAL`, a gRPC status name, `HTTP 503`, or `TRANSPORT` when the connection failed. */
    readonly byStatus: Readonly<Record<string, number>>;
    /** Of the bodies, before compression. */
    readonly bytes: number;
    /** Fell due in the open loop and wait for room (see GeneratorOptions.maxInFlight). */
    readonly overdue: number;
    /** Fell due and were never sent: the load was stopped before there was room. */
    readonly unsent: number;
    readonly unsentSpans: number;
    readonly inFlight: number;
    readonly mostInFlight: number;
  };
  readonly spans: {
    readonly generated: number;
    readonly acknowledged: number;
    /** The server said that it did not take them. */
    readonly rejected: number;
    /** Whether the server took them is not known. */
    readonly failed: number;
  };
  /** Whether requests ever had to wait because those under way had too many bytes for this process's memory. */
  readonly limitedByBytes: boolean;
  /** The first failure's message; empty when there was none. */
  readonly firstFailure: string;
  /** To be sent later: of traces whose last parts are not due yet. */
  readonly late: Amount;
  readonly cpuMicroseconds: number;
  /** See cpu-wait.ts. */
  readonly cpuWaitMicroseconds: number | null;
}

export interface Amount {
  readonly requests: number;
  readonly spans: number;
}

export interface GeneratorReport extends GeneratorCounters {
  /** All numbers below it were sent, or are in `unsure`. */
  readonly end: number;
  readonly unsure: readonly UnsureRange[];
  /** Of what was sent: what was to be sent later, and was sent by `flush`. */
  readonly flushed: Amount;
  /** What was to be sent later, and was not when `flush` had ended or the load was abandoned; in `unsure` too. */
  readonly notFlushed: Amount;
  /** Why there is no connection at all, and has not been for a second or cannot be; null when there is one. */
  readonly disconnected: string | null;
  /** From the intended time of a request to its acknowledgement. */
  readonly acknowledgement: LatencyRecord;
  /**
   * Of all requests, from the intended time until the answer of whatever kind, or until they were given up: when they failed;
   * when the load was stopped, of those that were never sent. Not of those that `flush` sent.
   */
  readonly response: LatencyRecord;
  /** How late the generator itself was with requests of the open loop. */
  readonly lateness: LatencyRecord;
}

/** What happened since the last tick. */
export interface GeneratorTick extends GeneratorCounters {
  /** Unix milliseconds, by the clock of all processes of the run. */
  readonly atMs: number;
  readonly acknowledgement: Latency;
  readonly lateness: Latency;
}

export type GeneratorRequest =
  | { readonly kind: 'start'; readonly pace: Pace }
  /**
   * No new requests. Answered with the report when nothing is under way; after `limitMs` what still is counts as failed, and its
   * connections are closed.
   */
  | { readonly kind: 'stop'; readonly limitMs: number }
  /**
   * After `stop`: what was to be sent later is sent, at the pace of the run. Answered with the report when nothing is under way;
   * after `limitMs` in which nothing could be sent, what is under way counts as failed, and the rest stays unsent.
   */
  | { readonly kind: 'flush'; readonly limitMs: number }
  /** Ends a `stop` or a `flush` under way at once, as `limitMs` would. Nothing is sent any more. */
  | { readonly kind: 'abandon' }
  | { readonly kind: 'tick' }
  | { readonly kind: 'report' }
  | { readonly kind: 'resetLatency' };
