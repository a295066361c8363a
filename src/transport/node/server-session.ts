// The life of the server's connections: idle and age limits, keepalive pings, ping policy, GOAWAY. One sweep over all
// connections instead of timers for each.
import type { ServerHttp2Session } from 'node:http2';
import { constants } from 'node:http2';
import type { Socket } from 'node:net';
import type { PingPolicy, ServerCounters, ServerKeepalive } from '../grpc-server.ts';

export interface Connection {
  readonly session: ServerHttp2Session;
  readonly socket: Socket;
  /** host:port, kept because a closed socket no longer knows it. */
  readonly peer: string;
  readonly bornAt: number;
  readonly maxAgeMs: number;
  streamsNow: number;
  idleSince: number;
  bytesRead: number;
  readAt: number;
  /** When a keepalive ping was sent that nothing came back for; 0: none. */
  pingedAt: number;
  /** When GOAWAY was sent; 0: not yet. */
  leavingAt: number;
  /** Why it was sent away; decides how long calls under way may take. */
  leavingForAge: boolean;
  pingStrikes: number;
  lastPingAt: number;
  /** Set with every answer: grpc-go's server forgives all earlier pings when it sends something. */
  forgivePings: boolean;
}

// "last_stream_id of 2^31-1 … a server that is attempting to gracefully shut down a connection SHOULD send an initial
// GOAWAY frame with the last stream identifier set to 2^31-1 and a NO_ERROR code" (RFC 9113, 6.8).
const allStreams = 2 ** 31 - 1;
/** How long to wait for the answer to the ping that follows the first GOAWAY. */
const goawayRoundTripMs = 1000;
const maxPingStrikes = 2;
/** grpc-go: without streams a client may ping every two hours, unless permitted otherwise. */
const idlePingTimeMs = 2 * 3_600_000;

export function newConnection(session: ServerHttp2Session, socket: Socket, keepalive: ServerKeepalive): Connection {
  const now = performance.now();
  return {
    session,
    socket,
    peer: socket.remoteAddress === undefined ? '' : hostPort(socket.remoteAddress, socket.remotePort ?? 0),
    bornAt: now,
    maxAgeMs: keepalive.maxConnectionAgeMs * (0.9 + Math.random() * 0.2),
    streamsNow: 0,
    idleSince: now,
    bytesRead: 0,
    readAt: now,
    pingedAt: 0,
    leavingAt: 0,
    leavingForAge: false,
    pingStrikes: 0,
    lastPingAt: Number.NEGATIVE_INFINITY,
    forgivePings: false,
  };
}

const hostPort = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

/**
 * Sends the connection away without losing a call: first a GOAWAY that still takes every stream, and when the ping behind
 * it is answered (no stream of before can still be under way to us) the final one. The session closes after its last stream.
 */
export function sendAway(connection: Connection): void {
  const { session } = connection;
  if (connection.leavingAt !== 0 || session.destroyed || session.closed) return;
  connection.leavingAt = performance.now();
  const close = (): void => {
    clearTimeout(timer);
    if (!session.destroyed && !session.closed) session.close();
  };
  const timer = setTimeout(close, goawayRoundTripMs);
  session.goaway(constants.NGHTTP2_NO_ERROR, allStreams);
  if (!session.ping(close)) close();
}

/** A ping came. */
export function onPing(connection: Connection, policy: PingPolicy, counters: ServerCounters): void {
  const now = performance.now();
  const sinceLastMs = now - connection.lastPingAt;
  connection.lastPingAt = now;
  if (connection.forgivePings) {
    connection.forgivePings = false;
    connection.pingStrikes = 0;
    return;
  }
  const minTimeMs = connection.streamsNow > 0 || policy.permitWithoutStream ? policy.minTimeMs : idlePingTimeMs;
  if (sinceLastMs >= minTimeMs) return;
  connection.pingStrikes++;
  if (connection.pingStrikes <= maxPingStrikes || connection.session.destroyed) return;
  counters.keepaliveClosed++;
  connection.session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from('too_many_pings'));
  // After the frame is written: destroy drops what is not.
  setImmediate(() => connection.session.destroy());
}

/** How often to sweep so that the shortest of the limits is met within a quarter of its length; 10 ms to 5 s. */
export function sweepIntervalMs(keepalive: ServerKeepalive, stallTimeoutMs: number): number {
  const limits = [
    keepalive.maxConnectionIdleMs,
    keepalive.maxConnectionAgeMs,
    keepalive.maxConnectionAgeGraceMs,
    keepalive.timeMs,
    keepalive.timeoutMs,
    stallTimeoutMs,
  ];
  return Math.min(5000, Math.max(10, Math.min(...limits) / 4));
}

/** Looks once at one connection. */
export function sweepConnection(
  connection: Connection,
  now: number,
  keepalive: ServerKeepalive,
  counters: ServerCounters,
): void {
  const { session, socket } = connection;
  if (session.destroyed) return;
  if (connection.leavingAt !== 0) {
    if (connection.leavingForAge && now - connection.leavingAt >= keepalive.maxConnectionAgeGraceMs) session.destroy();
  } else if (now - connection.bornAt >= connection.maxAgeMs) {
    counters.keepaliveClosed++;
    connection.leavingForAge = true;
    sendAway(connection);
  } else if (connection.streamsNow === 0 && now - connection.idleSince >= keepalive.maxConnectionIdleMs) {
    sendAway(connection);
  }
  if (socket.bytesRead !== connection.bytesRead) {
    connection.bytesRead = socket.bytesRead;
    connection.readAt = now;
    connection.pingedAt = 0;
  } else if (connection.pingedAt !== 0) {
    if (now - connection.pingedAt >= keepalive.timeoutMs) {
      counters.keepaliveClosed++;
      session.destroy();
    }
  } else if (now - connection.readAt >= keepalive.timeMs) {
    connection.pingedAt = now;
    session.ping(() => undefined);
  }
}
