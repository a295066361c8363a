// What the processes of a run say to each other, and the figures that come back. All plain data.

/** Consecutive spans of one stream: `[stream, first sequence, count]`. */
export type SpanRange = readonly [stream: number, first: number, count: number];

/** Milliseconds. */
export interface Latency {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** `closed`: each slot sends again when it is answered. `open`: requests go by the clock, whatever the server does. */
export type Pace = { readonly kind: 'closed' } | { readonly kind: 'open'; readonly requestsPerSecond: number };

export interface GeneratorOptions {
  readonly host: string;
  readonly port: number;
  readonly connections: number;
  /** Closed loop: calls in flight on each connection. Open loop: the most on each connection. */
  readonly inFlight: number;
  readonly spansPerRequest: number;
  readonly spansPerTrace: number;
  readonly pace: Pace;
  /** 1 to 65535. */
  readonly run: number;
  readonly seed: number;
  readonly samplingPercentage: number | null;
  /** After a refused or failed call a slot waits this long before its next, as a client that backs off. */
  readonly pauseAfterFailureMs: number;
  /** Nanoseconds, decimal; see clock.ts. */
  readonly clockOffset: string;
}

export interface GeneratorCounters {
  readonly requests: {
    readonly sent: number;
    readonly acknowledged: number;
    readonly failed: number;
    /** By gRPC status name, `PARTIAL`, or `TRANSPORT` when the connection failed. */
    readonly byStatus: Readonly<Record<string, number>>;
  };
  readonly spans: {
    readonly generated: number;
    readonly acknowledged: number;
    /** Of the acknowledged ones: to be dropped by the sampler, and too close to its threshold to tell. */
    readonly toDrop: number;
    readonly unsure: number;
  };
  readonly unacknowledged: readonly SpanRange[];
  /** The first failure's message, empty when none. */
  readonly firstFailure: string;
  readonly acknowledgement: Latency;
  /** How late requests of the open loop were sent. */
  readonly lateness: Latency;
  readonly cpuMicroseconds: number;
}

export type GeneratorRequest = 'start' | 'pause' | 'counters' | 'resetLatency' | 'close';

export interface SinkOptions {
  readonly host: string;
  readonly port: number;
  /** Spans of other runs are counted as foreign. */
  readonly run: number;
  readonly stalled: boolean;
  /** Records the time from each span's start to its arrival. */
  readonly latency: boolean;
  /** Texts that every span must or must not contain; looked for in the first span of each message. */
  readonly present: readonly string[];
  readonly absent: readonly string[];
  readonly clockOffset: string;
}

export interface SinkReport {
  readonly requests: number;
  /** Requests that came while stalled; they were not answered, and their spans did not arrive. */
  readonly unanswered: number;
  readonly distinct: number;
  readonly duplicated: number;
  readonly foreign: number;
  readonly malformed: number;
  readonly altered: number;
  readonly bytes: number;
  /** Distinct spans within the ranges that the question named. */
  readonly inRanges: number;
  readonly endToEnd: Latency;
  readonly cpuMicroseconds: number;
}

export type SinkRequest =
  | { readonly kind: 'report'; readonly ranges: readonly SpanRange[] }
  | { readonly kind: 'stall'; readonly on: boolean }
  | { readonly kind: 'resetLatency' }
  | { readonly kind: 'close' };
