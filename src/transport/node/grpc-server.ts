// The gRPC server on node:http2: sessions over plain net or tls servers, so that accepting and draining stay apart.
import * as dns from 'node:dns/promises';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { SpanmillError } from '../../errors.ts';
import type { CallPort, CallShared } from '../call-port.ts';
import { acceptedEncodings, createInflater } from '../compression.ts';
import {
  defaultPingPolicy,
  defaultServerKeepalive,
  type GrpcServer,
  type GrpcServerOptions,
  type ListenTarget,
  newServerCounters,
  type PingPolicy,
  type ServerKeepalive,
  type ServerLimits,
  serverLimits,
} from '../grpc-server.ts';
import { encodeGrpcMessage, grpcCode } from '../grpc-status.ts';
import { UnaryCall } from '../unary-call.ts';
import { countBodyBytes } from './body-garbage.ts';
import {
  type Connection,
  newConnection,
  onPing,
  sendAway,
  sweepConnection,
  sweepIntervalMs,
} from './server-session.ts';

type Stream = http2.ServerHttp2Stream & { [callOf]?: NodeCall };
type NodeCall = UnaryCall<Stream, Connection>;

/** A stream's call, so that one listener function serves all streams. */
const callOf: unique symbol = Symbol('call');

const { NGHTTP2_NO_ERROR } = http2.constants;
/** Decompressions at a time; libuv's pool has four threads. */
const inflateConcurrency = 4;
/** Megabytes of nghttp2's own state a session may have; beyond it new streams are refused. */
const sessionMemoryMb = 64;
const listenBacklog = 4096;

// Header lists as arrays: Node sends them as they are, without copying an object.
const okHeaders = [':status', '200', 'content-type', 'application/grpc'];
const withTrailers = { waitForTrailers: true, sendDate: false };
const withoutBody = { endStream: true, sendDate: false };
const okTrailers = { 'grpc-status': '0' };
/** An uncompressed message of length 0: an empty Export…Response. */
const emptyMessage = Buffer.alloc(5);

const port: CallPort<Stream, Connection> = {
  pause: (call) => call.stream.pause(),
  resume: (call) => call.stream.resume(),
  ok(call) {
    const { stream } = call;
    if (stream.destroyed || stream.closed) return;
    call.connection.forgivePings = true;
    stream.respond(okHeaders, withTrailers);
    stream.on('wantTrailers', sendOkTrailers);
    stream.end(emptyMessage);
  },
  fail(call, status, httpStatus) {
    const { stream } = call;
    if (stream.destroyed || stream.closed) return;
    call.connection.forgivePings = true;
    const headers = [':status', String(httpStatus), 'content-type', 'application/grpc'];
    headers.push('grpc-status', String(status.code), 'grpc-message', encodeGrpcMessage(status.message));
    if (status.details !== undefined) {
      headers.push('grpc-status-details-bin', Buffer.from(status.details).toString('base64'));
    }
    if (status.code === grpcCode.UNIMPLEMENTED) headers.push('grpc-accept-encoding', acceptedEncodings);
    stream.respond(headers, withoutBody);
    if (call.ended) return;
    // "A server MAY request that the client abort transmission of a request without error by sending a RST_STREAM with an
    // error code of NO_ERROR after sending a complete response" (RFC 9113, 8.1).
    stream.close(NGHTTP2_NO_ERROR);
    stream.resume();
  },
  peer: (connection) => connection.peer,
};

function sendOkTrailers(this: http2.ServerHttp2Stream): void {
  // The stream may have been reset since it asked.
  if (!this.destroyed && !this.closed) this.sendTrailers(okTrailers);
}
function onData(this: Stream, chunk: Buffer): void {
  countBodyBytes(chunk.length);
  this[callOf]?.data(chunk);
}
function onEnd(this: Stream): void {
  // 'end' also follows a reset, after 'aborted'; only a whole body counts.
  if (!this.aborted) this[callOf]?.end();
}
function onClose(this: Stream): void {
  const call = this[callOf];
  if (call === undefined) return;
  call.closed();
  const { connection } = call;
  connection.streamsNow--;
  if (connection.streamsNow === 0) connection.idleSince = performance.now();
}
// A reset stream emits 'error' before 'close', which does what there is to do.
function onStreamError(): void {}

export function createNodeGrpcServer(options: GrpcServerOptions): GrpcServer {
  const limits = serverLimits(options.limits);
  const keepalive: ServerKeepalive = { ...defaultServerKeepalive, ...options.keepalive };
  const pings: PingPolicy = { ...defaultPingPolicy, ...options.pings };
  const counters = newServerCounters();
  const shared: CallShared<Stream, Connection> = {
    port,
    limits,
    counters,
    inflater: createInflater(limits.maxMessageBytes, inflateConcurrency),
    includeMetadata: options.includeMetadata ?? false,
    unfinished: new Set(),
  };
  const { routes } = options;
  const connections = new Set<Connection>();
  const goneWaiters: (() => void)[] = [];
  const sessionOptions = sessionOptionsOf(limits);

  const accept = (socket: net.Socket): void => {
    // Before the handshake: a socket that is already broken must not throw.
    socket.on('error', onStreamError);
    socket.setNoDelay(true);
    const session = http2.performServerHandshake(socket, sessionOptions);
    const connection = newConnection(session, socket, keepalive);
    connections.add(connection);
    counters.connections++;
    counters.connectionsNow++;
    session.setLocalWindowSize(limits.connectionWindowBytes);
    session.on('stream', (stream: Stream, headers, _flags, rawHeaders) => {
      const call: NodeCall = new UnaryCall(shared, stream, connection, rawHeaders);
      stream[callOf] = call;
      connection.streamsNow++;
      stream.on('error', onStreamError);
      stream.on('close', onClose);
      const encoding = headers['grpc-encoding'] as string | undefined;
      const timeout = headers['grpc-timeout'] as string | undefined;
      call.begin(routes, headers[':method'], headers[':path'], headers['content-type'], encoding, timeout);
      stream.on('data', onData);
      stream.on('end', onEnd);
    });
    session.on('ping', () => onPing(connection, pings, counters));
    session.on('error', () => {
      counters.connectionErrors++;
    });
    session.on('close', () => {
      connections.delete(connection);
      counters.connectionsNow--;
      if (connections.size === 0) for (const resolve of goneWaiters.splice(0)) resolve();
    });
    if (draining) sendAway(connection);
  };

  const server = options.tls === undefined ? net.createServer(accept) : tlsServer(options.tls, accept);
  let draining = false;
  let sweeper: NodeJS.Timeout | undefined;

  const sweep = (): void => {
    const now = performance.now();
    for (const connection of connections) sweepConnection(connection, now, keepalive, counters);
    sweepUnfinished(shared, now);
  };
  const stopAccepting = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  const gone = (): Promise<void> =>
    connections.size === 0 ? Promise.resolve() : new Promise((resolve) => goneWaiters.push(resolve));
  const cut = (): void => {
    for (const connection of connections) connection.session.destroy();
  };

  return {
    counters,
    async listen() {
      await listenOn(server, options.listen);
      // Once it listens, what it reports are failed accepts (no file descriptors): those connections are lost, no more.
      server.on('error', () => {
        counters.connectionErrors++;
      });
      sweeper = setInterval(sweep, sweepIntervalMs(keepalive, limits.stallTimeoutMs));
      sweeper.unref();
    },
    async drain(timeoutMs) {
      draining = true;
      const closed = stopAccepting();
      for (const connection of connections) sendAway(connection);
      await Promise.race([gone(), after(timeoutMs)]);
      cut();
      await Promise.all([closed, gone()]);
    },
    async close() {
      draining = true;
      clearInterval(sweeper);
      const closed = stopAccepting();
      cut();
      await Promise.all([closed, gone()]);
    },
    address: () => addressOf(server),
  };
}

/** Does not keep the process alive. */
const after = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.min(ms, 2 ** 31 - 1)).unref());

function sessionOptionsOf(limits: ServerLimits): http2.ServerOptions {
  return {
    maxSessionMemory: sessionMemoryMb,
    settings: {
      initialWindowSize: limits.streamWindowBytes,
      maxConcurrentStreams: limits.maxConcurrentStreams,
      maxHeaderListSize: limits.maxHeaderBytes,
      enablePush: false,
    },
  };
}

/** Ends calls whose message stands still: they hold a place or chunks for nothing. */
function sweepUnfinished(shared: CallShared<Stream, Connection>, now: number): void {
  for (const call of shared.unfinished) {
    if (call.received !== call.sweptReceived || call.stalledSince === 0) {
      call.sweptReceived = call.received;
      call.stalledSince = now;
    } else if (now - call.stalledSince >= shared.limits.stallTimeoutMs) {
      call.stall();
    }
  }
}

function tlsServer(options: tls.TlsOptions, accept: (socket: net.Socket) => void): net.Server {
  const server = tls.createServer({ ...options, ALPNProtocols: ['h2'] }, (socket) => {
    if (socket.alpnProtocol === 'h2') accept(socket);
    else socket.destroy();
  });
  // A failed handshake is the client's affair.
  server.on('tlsClientError', onStreamError);
  return server;
}

async function listenOn(server: net.Server, target: ListenTarget): Promise<void> {
  const where = target.kind === 'unix' ? target.path : `${target.host}:${target.port}`;
  try {
    const options = target.kind === 'unix' ? { path: target.path } : await tcpOptions(target);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ ...options, backlog: listenBacklog }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SpanmillError('LISTEN', `cannot listen on ${where}: ${reason}`, { cause: error });
  }
}

async function tcpOptions(target: ListenTarget & { kind: 'tcp' }): Promise<net.ListenOptions> {
  const { port: portNumber, family } = target;
  if (target.host === '') return { port: portNumber, ...(family === 4 ? { host: '0.0.0.0' } : {}) };
  // As Go does: of a name's addresses the first IPv4 one.
  const found = await dns.lookup(target.host, { family, order: 'ipv4first' });
  return { port: portNumber, host: found.address };
}

function addressOf(server: net.Server): string {
  const address = server.address();
  if (address === null) return '';
  if (typeof address === 'string') return address;
  return address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
}
