// What the sink's process is asked, and the figures that come back. All plain data.
import type { CorpusOptions } from '../corpus/corpus.ts';
import type { UnsureRange } from '../generator/messages.ts';
import type { Latency, LatencyRecord } from '../latency.ts';
import type { ArrivalCounts } from './arrivals.ts';

export interface SinkOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** What is sent: encoding protobuf, whatever the generator sends. */
  readonly corpus: CorpusOptions;
  /** The file of --expect. */
  readonly expect: { readonly name: string; readonly text: string } | null;
  /** Of the requests, 0 to 1: those whose spans are compared with what was sent. */
  readonly checkShare: number;
  /** As --fault has them. */
  readonly faults: readonly string[];
  /** Nanoseconds, decimal; see clock.ts. */
  readonly clockOffset: string;
}

/** Said when it is ready. */
export interface SinkReady {
  readonly port: number;
}

export interface SinkCounters extends ArrivalCounts {
  readonly requests: number;
  /** Of the bodies as they came. */
  readonly bytes: number;
  readonly cpuMicroseconds: number;
  /** See cpu-wait.ts. */
  readonly cpuWaitMicroseconds: number | null;
}

export interface SinkTick extends SinkCounters {
  /** Milliseconds since 1970, of the clock that all processes of the run share. */
  readonly atMs: number;
  /** Of what arrived since the last tick. */
  readonly endToEnd: Latency;
}

export interface SpanName {
  /** Hexadecimal. */
  readonly traceId: string;
  readonly spanId: string;
}

/** The account of a run; all counts are of spans. */
export interface Account {
  readonly acknowledged: number;
  /** Of the acknowledged: those that were to come, and those that were not. */
  readonly expected: number;
  readonly dropped: number;
  readonly sampledOut: number;
  /** Of the expected: those that came, those that did not, and those that the sink refused for good by --fault. */
  readonly arrived: number;
  readonly lost: number;
  readonly rejectedBySink: number;
  /** Came although their request was not acknowledged: allowed, an answer may get lost. */
  readonly arrivedUnacknowledged: number;
  /** Came although they were to be dropped or sampled out. */
  readonly unexpected: number;
  readonly duplicated: number;
  readonly foreign: number;
  /** Requests. */
  readonly malformed: number;
  readonly altered: number;
}

export interface SinkReport extends SinkCounters {
  readonly account: Account;
  /** The first thousand of each. */
  readonly examples: {
    readonly lost: readonly SpanName[];
    readonly unexpected: readonly SpanName[];
    readonly duplicated: readonly SpanName[];
    readonly altered: readonly (SpanName & { readonly what: string })[];
  };
  readonly endToEnd: LatencyRecord;
}

export type SinkRequest =
  | { readonly kind: 'tick' }
  /** `end`: all numbers below it were sent, or are in `unsure`. */
  | { readonly kind: 'settle'; readonly end: number; readonly unsure: readonly UnsureRange[] }
  | { readonly kind: 'resetLatency' }
  /** Answered when all answers that --fault delays were given: whoever waits for them shall have them. */
  | { readonly kind: 'finish' };
