// What a unary gRPC server is here: the interface that node/grpc-server.ts implements on node:http2, and that the
// intake of our own shares. Nothing of HTTP/2 shows: a method gets whole messages in memory that it owns.
import type { GrpcStatus } from './grpc-status.ts';
import type { BoundSockets } from './listening-socket.ts';
import type { RequestAuth } from './request-auth.ts';
import type { ServerTls } from './tls/server-tls.ts';

/** A range of `UnaryMethod.memory`. */
export interface Place {
  readonly offset: number;
  readonly length: number;
}

/** What is known of the client of one call. Valid until the call is answered. */
export interface CallInfo {
  /** host:port of the client; '' for a unix socket. */
  readonly peer: string;
  /** All values of a metadata key (lower case); `host` is :authority. Empty when absent or not included. */
  metadata(key: string): readonly string[];
  /** Of a call over gRPC: the same, included or not. */
  grpcMetadata?(key: string): readonly string[];
  /** What the authenticator knows of the client, by its name there. Empty where it knows nothing, or there is none. */
  credential?(attribute: string): readonly string[];
}

/** A call that is to be answered. */
export interface UnaryExchange extends CallInfo {
  /**
   * Ends the call. null: OK, with an empty response message where none was sent. Does nothing when the client has gone away,
   * or a second time.
   */
  answer(status: GrpcStatus | null): void;
  /** Sends a response message; several make a stream of them. `answer` is to follow, sooner or later. */
  send(message: Uint8Array): void;
  /** Calls the listener when the client goes away before the call is answered. One for each call, from within `handle`. */
  onGone(listener: () => void): void;
}

/** Why the transport itself ended a call; a label of counters. */
export const refusalReasons = [
  'http_method',
  'path',
  'content_type',
  'timeout_header',
  'encoding',
  'framing',
  'decompression',
  'too_large',
  'over_budget',
  'too_slow',
  'deadline',
  'stalled',
  'unauthenticated',
  'auth_busy',
  'shutdown',
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/**
 * Kinds of frames, or of silence, that ended a connection because there was too much of them; a label of counters. The
 * server on node:http2 has bounds of its own for them, which it does not tell of.
 */
export const floodKinds = [
  'reset',
  'late',
  'refused',
  'settings',
  'ping',
  'empty_data',
  'priority',
  'window_update',
  'continuation',
  'headers',
  'unknown',
  'unread',
  'handshake',
  'stalled',
] as const;
export type FloodKind = (typeof floodKinds)[number];

/** One unary method whose request messages are put into memory of its own. All calls on the server's thread. */
export interface UnaryMethod {
  /** All of the memory; a place is `memory[offset … offset + length)`. */
  readonly memory: Buffer;
  /** Called without asking the authenticator: health checks have no credentials. */
  readonly isPublic?: boolean;
  /** Where it takes less than `ServerLimits.maxMessageBytes`. */
  readonly maxMessageBytes?: number;
  /**
   * Space for one message of `length` bytes (0 is possible), or null when there is none now. `isWhole`: all of it is here
   * and will be handled at once; else it comes as fast as its client likes, and one that is slow must not stand in the way.
   */
  reserve(length: number, isWhole: boolean): Place | null;
  /** As reserve, but waits a bounded time; null when none came. Must not reject. */
  reserveLater(length: number, isWhole: boolean): Promise<Place | null>;
  /** The message stands in its place, which belongs to the method from here on. The call is to be answered. */
  handle(place: Place, call: UnaryExchange): void;
  /** A reserved place that will not be handled: the client went away, or its bytes were wrong. */
  abandon(place: Place): void;
  /** The answer when there is no place; called once for each call that is refused so. */
  overBudget(): GrpcStatus;
  /** The transport refused a call of this method by itself. Not called for what `overBudget` answers. */
  rejected(reason: RefusalReason): void;
}

export interface ServerLimits {
  /** Of one message, as sent and as decompressed. */
  readonly maxMessageBytes: number;
  readonly maxConcurrentStreams: number;
  readonly maxHeaderBytes: number;
  /**
   * Bytes held outside of the methods' memory, over all connections: messages that were decompressed and what arrived behind
   * a call, while they wait for a place. Past it calls do not wait but are refused.
   */
  readonly maxHeldBytes: number;
  /** HTTP/2 receive windows. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  /** A message that makes no progress for this long is given up; so is a client that takes no answers. */
  readonly stallTimeoutMs: number;
  /** A connection that has not begun to speak HTTP/2 by then is closed. */
  readonly handshakeTimeoutMs: number;
}

/** As grpc-go's keepalive.ServerParameters; Infinity: never. Milliseconds. */
export interface ServerKeepalive {
  readonly maxConnectionIdleMs: number;
  /** Spread by 10 % either way, so that clients do not all come back at once. */
  readonly maxConnectionAgeMs: number;
  readonly maxConnectionAgeGraceMs: number;
  /** A connection that was silent for this long is pinged … */
  readonly timeMs: number;
  /** … and closed when nothing came back for this long. */
  readonly timeoutMs: number;
}

/** As grpc-go's keepalive.EnforcementPolicy: more than two pings in a row that come too early end the connection. */
export interface PingPolicy {
  readonly minTimeMs: number;
  readonly permitWithoutStream: boolean;
}

export type ListenTarget =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly family: 0 | 4 | 6 }
  | { readonly kind: 'unix'; readonly path: string };

export interface GrpcServerOptions {
  readonly listen: ListenTarget;
  /** Path (`/package.Service/Method`) to method. */
  readonly routes: ReadonlyMap<string, UnaryMethod>;
  readonly limits?: Partial<ServerLimits>;
  readonly keepalive?: Partial<ServerKeepalive>;
  readonly pings?: Partial<PingPolicy>;
  /** Whether `CallInfo.metadata` shows the request's headers. */
  readonly includeMetadata?: boolean;
  /** ALPN is set by the server. Absent: plain text (prior knowledge). */
  readonly tls?: ServerTls;
  /** Asked before anything of a body is read, but for methods that are public. Absent: all are let in. */
  readonly auth?: RequestAuth;
  /** Of a server that this one takes the place of, and of one that takes its place. Absent: there is none. */
  readonly sockets?: BoundSockets | undefined;
}

/** Plain numbers that only grow, but for those that say `now`. Read whenever metrics are. */
export interface ServerCounters {
  connectionsNow: number;
  connections: number;
  callsNow: number;
  calls: number;
  /** Answered with OK. */
  ok: number;
  /** Handled by the method and answered with another status. */
  failed: number;
  /** Given up by the client before they were answered. */
  cancelled: number;
  /** Connections that ended in a protocol error: other protocols, random bytes; and those that could not be accepted. */
  connectionErrors: number;
  /** Connections ended because they did not answer a ping, sent too many, or because of their age. */
  keepaliveClosed: number;
  /** Bytes held outside of the methods' memory, see `ServerLimits.maxHeldBytes`. */
  heldBytesNow: number;
  readonly refused: Record<RefusalReason, number>;
  /** Connections that were ended for it. */
  readonly floods: Record<FloodKind, number>;
}

export interface GrpcServer {
  readonly counters: Readonly<ServerCounters>;
  /** Resolves when connections can come. Rejects with a SpanmillError LISTEN. */
  listen(): Promise<void>;
  /**
   * No new connections, GOAWAY on all; resolves when all calls under way are answered and the connections closed, or
   * after `timeoutMs` (from now), when what is left is cut. `idleMs`: how long an HTTP/1.1 client without a call is waited for,
   * so that its next one is answered, and told that it was the last; default 500.
   */
  drain(timeoutMs: number, idleMs?: number): Promise<void>;
  /** Cuts everything. May be called twice and before listen. */
  close(): Promise<void>;
  /** `127.0.0.1:4317`, or the path of the socket; '' when it does not listen. */
  address(): string;
}

export const defaultServerLimits: ServerLimits = {
  // grpc-go's default, and so the Collector's
  maxMessageBytes: 4 << 20,
  maxConcurrentStreams: 1000,
  maxHeaderBytes: 16 << 10,
  maxHeldBytes: 32 << 20,
  // Measured with 214 KB and 3.7 MB messages: 1 MiB costs no more CPU than 8 MiB, and a stream that waits holds less.
  streamWindowBytes: 1 << 20,
  connectionWindowBytes: 8 << 20,
  stallTimeoutMs: 60_000,
  handshakeTimeoutMs: 10_000,
};

/** The limits of a server: what is given, the defaults for the rest, and room for at least two of the largest messages. */
export function serverLimits(given: Partial<ServerLimits> = {}): ServerLimits {
  const limits = { ...defaultServerLimits, ...given };
  return { ...limits, maxHeldBytes: Math.max(limits.maxHeldBytes, given.maxHeldBytes ?? 2 * limits.maxMessageBytes) };
}

export const defaultServerKeepalive: ServerKeepalive = {
  maxConnectionIdleMs: Number.POSITIVE_INFINITY,
  maxConnectionAgeMs: Number.POSITIVE_INFINITY,
  maxConnectionAgeGraceMs: Number.POSITIVE_INFINITY,
  timeMs: 2 * 3_600_000,
  timeoutMs: 20_000,
};

export const defaultPingPolicy: PingPolicy = { minTimeMs: 5 * 60_000, permitWithoutStream: false };

export function newServerCounters(): ServerCounters {
  const refused = Object.fromEntries(refusalReasons.map((reason) => [reason, 0])) as Record<RefusalReason, number>;
  const floods = Object.fromEntries(floodKinds.map((kind) => [kind, 0])) as Record<FloodKind, number>;
  return {
    connectionsNow: 0,
    connections: 0,
    callsNow: 0,
    calls: 0,
    ok: 0,
    failed: 0,
    cancelled: 0,
    connectionErrors: 0,
    keepaliveClosed: 0,
    heldBytesNow: 0,
    refused,
    floods,
  };
}
