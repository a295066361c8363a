// What a unary gRPC client is here: the interface that node/grpc-client.ts (node:http2) and grpc-js/grpc-client.ts
// (@grpc/grpc-js) share. pick-grpc-client.ts chooses.
import { grpcCode } from './grpc-status.ts';
import type { Environment } from './http-client/proxy.ts';
import { retryDelayOf } from './rpc-status.ts';
import type { ClientTls } from './tls/client-tls.ts';

export interface ClientKeepalive {
  /** Nothing was received for this long: ping. */
  readonly timeMs: number;
  /** No answer to the ping for this long: the connection is closed. */
  readonly timeoutMs: number;
  /** Whether to ping while no call is under way. */
  readonly permitWithoutStream: boolean;
}

/** grpc/grpc doc/connection-backoff.md. */
export interface Backoff {
  readonly baseMs: number;
  readonly multiplier: number;
  /** Part of the delay that is random, either way. */
  readonly jitter: number;
  readonly maxMs: number;
}

export interface GrpcClientOptions {
  /** As the Collector takes it: host:port, http:// or https:// before it, unix:///path, dns:///name:port. */
  readonly endpoint: string;
  /** null or absent: plain text, unless the endpoint begins with https://. An http:// endpoint is always plain text. */
  readonly tls?: ClientTls | null;
  readonly compression?: 'none' | 'gzip' | 'zstd';
  readonly headers?: Readonly<Record<string, string>>;
  /** :authority; by default the endpoint's host:port. */
  readonly authority?: string;
  readonly userAgent?: string;
  readonly keepalive?: ClientKeepalive | null;
  /** Calls wait for a connection until their deadline instead of failing while there is none. */
  readonly waitForReady?: boolean;
  /** A load balancing policy of @grpc/grpc-js; '' and `round_robin`, the Collector's default, need none. */
  readonly balancerName?: string;
  readonly maxReplyBytes?: number;
  readonly backoff?: Partial<Backoff>;
  readonly connectTimeoutMs?: number;
  /** HTTPS_PROXY and NO_PROXY say whether a proxy stands before the endpoint. Default: that of the process. */
  readonly env?: Environment;
}

export interface CallOptions {
  /** Of the whole call, connecting included; 0 or absent: none. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Instead of `GrpcClientOptions.headers`. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface GrpcReply {
  readonly code: number;
  readonly message: string;
  /** From RetryInfo in grpc-status-details-bin. */
  readonly retryDelayMs: number | undefined;
  /**
   * There only where the call reached somebody and ended without grpc-status, or its reply was not read to the end: the HTTP
   * status that came instead, such as a proxy's 413; 200 where only the trailers were missing, 0 where nothing came. `code` is
   * derived from it.
   */
  readonly bareHttpStatus?: number;
  /** The response message; null unless the code is OK. */
  readonly body: Buffer | null;
}

export interface GrpcClient {
  /**
   * One unary call; `segments` one after another are the request message. Never rejects: a connection that cannot be
   * had is UNAVAILABLE, the deadline DEADLINE_EXCEEDED, `signal` CANCELLED. The segments are not read once it has settled.
   */
  call(path: string, segments: readonly Buffer[], options?: CallOptions): Promise<GrpcReply>;
  /** Ends the connections; calls under way are CANCELLED. May be called twice. */
  close(): void;
}

export const defaultMaxReplyBytes = 4 << 20;
export const defaultConnectTimeoutMs = 20_000;
export const defaultBackoff: Backoff = { baseMs: 1000, multiplier: 1.6, jitter: 0.2, maxMs: 120_000 };
export const defaultUserAgent = 'spanmill';

/** A reply that is an error. */
export function failedReply(code: number, message: string, details?: Uint8Array): GrpcReply {
  return { code, message, retryDelayMs: details === undefined ? undefined : retryDelayOf(details), body: null };
}

export const cancelledReply: GrpcReply = failedReply(grpcCode.CANCELLED, 'the call was cancelled');
export const deadlineReply: GrpcReply = failedReply(grpcCode.DEADLINE_EXCEEDED, 'the deadline passed');
export const closedReply: GrpcReply = failedReply(grpcCode.CANCELLED, 'the client is closed');
