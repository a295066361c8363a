// What stands between a call (unary-call.ts) and the HTTP/2 implementation that carries it.
import type { Inflater } from './compression.ts';
import type { RefusalReason, ServerCounters, ServerLimits } from './grpc-server.ts';
import type { GrpcStatus } from './grpc-status.ts';
import type { RequestAuth } from './request-auth.ts';
import type { UnaryCall } from './unary-call.ts';

/** How a server implementation does what a call asks for. One a server; calls carry their stream. */
export interface CallPort<S, C> {
  /** The place for `announced` bytes is there: the client may send all of them. */
  admitted(call: UnaryCall<S, C>, announced: number): void;
  /**
   * The call is to wait for a place: no more window for it, and what came and was not taken is to be kept. False: it may not
   * wait, because too much waits already.
   */
  pause(call: UnaryCall<S, C>): boolean;
  /** It waits no longer, whether or not it got a place: what was kept is to be fed, and reading goes on. */
  resume(call: UnaryCall<S, C>): void;
  /** Sends headers, the empty message and `grpc-status: 0`. Nothing when the stream is gone. */
  ok(call: UnaryCall<S, C>): void;
  /**
   * Sends an error, and has the client stop sending. Nothing when the stream is gone. `reason`: why the transport refused the
   * call; null: its method answered.
   */
  fail(call: UnaryCall<S, C>, status: GrpcStatus, httpStatus: number, reason: RefusalReason | null): void;
  /** Sends a message, with its prefix, of a response that goes on; the first behind headers. Nothing when the stream is gone. */
  message(call: UnaryCall<S, C>, framed: Buffer): void;
  /** Ends such a response; null: OK. */
  end(call: UnaryCall<S, C>, status: GrpcStatus | null): void;
  peer(connection: C): string;
  /** For how long since the call began nothing of it was read because it, or another before it, waited. Milliseconds. */
  pausedMs(call: UnaryCall<S, C>, now: number): number;
}

/** What all calls of a server share. */
export interface CallShared<S, C> {
  readonly port: CallPort<S, C>;
  readonly limits: ServerLimits;
  readonly counters: ServerCounters;
  readonly inflater: Inflater;
  /** null: all are let in. */
  readonly auth: RequestAuth | null;
  /** When slow calls were last looked for (slow-calls.ts). Milliseconds of performance.now(). */
  lookedForRoomAt: number;
  /** Calls that have not ended, in any order. */
  live(): Iterable<UnaryCall<S, C>>;
}
