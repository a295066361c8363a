// What stands between a call (unary-call.ts) and the HTTP/2 implementation that carries it.
import type { Inflater } from './compression.ts';
import type { ServerCounters, ServerLimits } from './grpc-server.ts';
import type { GrpcStatus } from './grpc-status.ts';
import type { UnaryCall } from './unary-call.ts';

/** How a server implementation does what a call asks for. One a server; calls carry their stream. */
export interface CallPort<S, C> {
  /** No more window for the stream; chunks that arrive all the same are still fed. */
  pause(call: UnaryCall<S, C>): void;
  resume(call: UnaryCall<S, C>): void;
  /** Sends headers, the empty message and `grpc-status: 0`. Nothing when the stream is gone. */
  ok(call: UnaryCall<S, C>): void;
  /** Sends an error without a body, and has the client stop sending. Nothing when the stream is gone. */
  fail(call: UnaryCall<S, C>, status: GrpcStatus, httpStatus: number): void;
  peer(connection: C): string;
}

/** What all calls of a server share. */
export interface CallShared<S, C> {
  readonly port: CallPort<S, C>;
  readonly limits: ServerLimits;
  readonly counters: ServerCounters;
  readonly inflater: Inflater;
  readonly includeMetadata: boolean;
  /** Calls whose message is not whole yet; a sweep ends those that make no progress. */
  readonly unfinished: Set<UnaryCall<S, C>>;
}
