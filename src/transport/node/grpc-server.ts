// The gRPC server on node:http2: sessions over plain net or tls servers, so that accepting and draining stay apart.
import * as http2 from 'node:http2';
import type * as net from 'node:net';
import type { CallPort } from '../call-port.ts';
import { countChunk } from '../chunk-garbage.ts';
import { type ConnectionControl, ConnectionLife } from '../connection-life.ts';
import type { GrpcServer, GrpcServerOptions, ServerLimits } from '../grpc-server.ts';
import { statusFields } from '../grpc-status.ts';
import type { HeaderField } from '../http2/hpack/static-table.ts';
import { peerOf } from '../listener.ts';
import { requestHead } from '../request-head.ts';
import { createServerCore, type ServerCore } from '../server-core.ts';
import { UnaryCall } from '../unary-call.ts';

interface Connection {
  readonly socket: net.Socket;
  /** host:port, kept because a closed socket no longer knows it. */
  readonly peer: string;
  readonly life: ConnectionLife;
}
type Stream = http2.ServerHttp2Stream & {
  [callOf]?: NodeCall;
  [keptOf]?: Kept | undefined;
  [pausedOf]?: number;
  [trailersOf]?: http2.OutgoingHttpHeaders;
};
type NodeCall = UnaryCall<Stream, Connection>;
/** What a call that waits for a place did not take. */
interface Kept {
  chunk: Buffer;
  /** What the client may still send before it sees that the window does not grow, with what is here. */
  readonly comingBytes: number;
  /** Of performance.now(). */
  readonly since: number;
}

/** A stream's call, so that one listener function serves all streams. */
const callOf: unique symbol = Symbol('call');
const keptOf: unique symbol = Symbol('kept');
/** For how long it was paused before. Milliseconds. */
const pausedOf: unique symbol = Symbol('paused');
/** Where they are not `okTrailers`. */
const trailersOf: unique symbol = Symbol('trailers');

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = http2.constants;
/** Of response messages that a client does not read. */
const mostUnreadBytes = 4096;
/** What a field counts beside its name and value (RFC 9113 6.5.2). */
const fieldBytes = 32;
/** Megabytes of nghttp2's own state a session may have; beyond it new streams are refused. */
const sessionMemoryMb = 64;

// Header lists as arrays: Node sends them as they are, without copying an object.
const okHeaders = [':status', '200', 'content-type', 'application/grpc'];
const withTrailers = { waitForTrailers: true, sendDate: false };
const withoutBody = { endStream: true, sendDate: false };
const okTrailers = { 'grpc-status': '0' };
/** An uncompressed message of length 0: an empty Export…Response. */
const emptyMessage = Buffer.alloc(5);
const noChunk = Buffer.alloc(0);
const noFields: readonly HeaderField[] = [];

export function createNodeGrpcServer(options: GrpcServerOptions): GrpcServer {
  const core: ServerCore<Connection> = createServerCore(options);
  const { limits, counters, pings } = core;
  const calls = new Set<NodeCall>();
  const shared = core.callShared(createPort(limits, counters), () => calls);
  const sessionOptions = sessionOptionsOf(limits);

  const onStream = (connection: Connection, stream: Stream, headers: Headers, rawHeaders: string[]): void => {
    const isGuarded = options.auth !== undefined;
    const fields = fieldsOf(rawHeaders);
    const head = requestHead(
      options.routes,
      {
        httpMethod: headers[':method'],
        path: headers[':path'],
        contentType: headers['content-type'],
        encoding: headers['grpc-encoding'] as string | undefined,
        timeout: headers['grpc-timeout'] as string | undefined,
      },
      fields,
      options.includeMetadata === true,
      isGuarded ? fields : noFields,
    );
    const call: NodeCall = new UnaryCall(shared, stream, connection, head, performance.now());
    stream[callOf] = call;
    calls.add(call);
    connection.life.streamsNow++;
    stream.on('error', onStreamError);
    stream.on('close', () => {
      release(stream, counters);
      calls.delete(call);
      call.closed();
      connection.life.streamsNow--;
      if (connection.life.streamsNow === 0) connection.life.idle();
    });
    call.begin();
    if (headers.expect?.toLowerCase() === '100-continue' && !stream.endAfterHeaders && call.mayContinue()) {
      stream.additionalHeaders({ ':status': 100 });
    }
    stream.on('data', onData);
    stream.on('end', onEnd);
  };

  const accept = (socket: net.Socket): void => {
    const session = http2.performServerHandshake(socket, sessionOptions);
    const control = controlOf(session, socket);
    const life = new ConnectionLife(control, core.keepalive.maxConnectionAgeMs);
    const connection: Connection = { socket, peer: peerOf(socket), life };
    core.opened(connection);
    session.setLocalWindowSize(limits.connectionWindowBytes);
    session.on('stream', (stream, headers, _flags, rawHeaders) => onStream(connection, stream, headers, rawHeaders));
    session.on('ping', () => life.onPing(pings, counters));
    session.on('error', () => {
      counters.connectionErrors++;
    });
    session.on('close', () => core.closed(connection));
  };

  return core.server({ shared, accept, cut: (connection) => connection.socket.destroy() });
}

type Headers = http2.IncomingHttpHeaders;

function createPort(limits: ServerLimits, counters: { heldBytesNow: number }): CallPort<Stream, Connection> {
  return {
    // The window grows as the stream is read.
    admitted() {},
    pause(call) {
      const { stream } = call;
      const comingBytes = limits.streamWindowBytes;
      if (counters.heldBytesNow + comingBytes > limits.maxHeldBytes) return false;
      stream.pause();
      counters.heldBytesNow += comingBytes;
      stream[keptOf] = { chunk: noChunk, comingBytes, since: performance.now() };
      return true;
    },
    resume(call) {
      const { stream } = call;
      const chunk = stream[keptOf]?.chunk ?? noChunk;
      release(stream, counters);
      call.data(chunk, 0, chunk.length);
      stream.resume();
    },
    ok(call) {
      const { stream } = call;
      if (stream.destroyed || stream.closed) return;
      call.connection.life.forgivePings = true;
      stream.respond(okHeaders, withTrailers);
      stream.on('wantTrailers', sendTrailers);
      stream.end(emptyMessage);
    },
    message(call, framed) {
      const { stream } = call;
      if (stream.destroyed || stream.closed) return;
      call.connection.life.forgivePings = true;
      if (!stream.headersSent) {
        stream.respond(okHeaders, withTrailers);
        stream.on('wantTrailers', sendTrailers);
      }
      if (stream.writableLength > mostUnreadBytes) stream.close(NGHTTP2_CANCEL);
      else stream.write(framed);
    },
    end(call, status) {
      const { stream } = call;
      if (stream.destroyed || stream.closed) return;
      call.connection.life.forgivePings = true;
      if (status !== null) stream[trailersOf] = Object.fromEntries(statusFields(status));
      stream.end();
    },
    fail(call, status, httpStatus) {
      const { stream } = call;
      if (stream.destroyed || stream.closed) return;
      call.connection.life.forgivePings = true;
      const headers = [
        ':status',
        String(httpStatus),
        'content-type',
        'application/grpc',
        ...statusFields(status).flat(),
      ];
      stream.respond(headers, withoutBody);
      if (call.ended) return;
      // "A server MAY request that the client abort transmission of a request without error by sending a RST_STREAM with an
      // error code of NO_ERROR after sending a complete response" (RFC 9113, 8.1).
      stream.close(NGHTTP2_NO_ERROR);
      stream.resume();
    },
    peer: (connection) => connection.peer,
    pausedMs({ stream }, now) {
      const kept = stream[keptOf];
      return (stream[pausedOf] ?? 0) + (kept === undefined ? 0 : now - kept.since);
    },
  };
}

function release(stream: Stream, counters: { heldBytesNow: number }): void {
  const kept = stream[keptOf];
  if (kept === undefined) return;
  counters.heldBytesNow -= kept.comingBytes;
  stream[pausedOf] = (stream[pausedOf] ?? 0) + performance.now() - kept.since;
  stream[keptOf] = undefined;
}

function sendTrailers(this: Stream): void {
  // The stream may have been reset since it asked.
  if (!this.destroyed && !this.closed) this.sendTrailers(this[trailersOf] ?? okTrailers);
}
function onData(this: Stream, chunk: Buffer): void {
  countChunk(chunk.length);
  const taken = this[callOf]?.data(chunk, 0, chunk.length) ?? chunk.length;
  const kept = this[keptOf];
  if (kept !== undefined) kept.chunk = chunk.subarray(taken);
}
function onEnd(this: Stream): void {
  // 'end' also follows a reset, after 'aborted'; only a whole body counts.
  if (!this.aborted) this[callOf]?.end();
}
// A reset stream emits 'error' before 'close', which does what there is to do.
function onStreamError(): void {}

function controlOf(session: http2.ServerHttp2Session, socket: net.Socket): ConnectionControl {
  return {
    get ended() {
      return session.destroyed;
    },
    // Once it has sent a GOAWAY and there is no stream, nghttp2 is done with the session, and node:http2 reads no more of it:
    // not the answer to a ping, and not a stream that was under way.
    readsBehindGoaway: false,
    bytesRead: () => socket.bytesRead,
    ping(answered) {
      if (!session.ping(answered)) answered();
    },
    goaway: (code, lastStream, text) => session.goaway(code, lastStream, Buffer.from(text)),
    finish() {
      if (!session.closed) session.close();
    },
    // The socket and not the session, which would reset all streams with NO_ERROR: grpc-go takes that for an answer, and the
    // Collector drops what it sent. After frames that are on their way.
    destroy: () => void setImmediate(() => socket.destroy()),
  };
}

function fieldsOf(rawHeaders: readonly string[]): HeaderField[] {
  const fields: HeaderField[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) fields.push({ name: rawHeaders[i], value: rawHeaders[i + 1] });
  return fields;
}

function sessionOptionsOf(limits: ServerLimits): http2.ServerOptions {
  return {
    maxSessionMemory: sessionMemoryMb,
    // Of the smallest fields that fit: it is bytes that are limited.
    maxHeaderListPairs: Math.ceil(limits.maxHeaderBytes / fieldBytes),
    settings: {
      initialWindowSize: limits.streamWindowBytes,
      maxConcurrentStreams: limits.maxConcurrentStreams,
      maxHeaderListSize: limits.maxHeaderBytes,
      enablePush: false,
    },
  };
}
