// The gRPC server on HTTP/2 of our own: frames are read on the socket and bodies go straight to their place.
import type { CallPort } from '../call-port.ts';
import type { GrpcServer, GrpcServerOptions, ServerLimits } from '../grpc-server.ts';
import { peerOf } from '../listener.ts';
import { createServerCore } from '../server-core.ts';
import { type ConnectionHost, ServerConnection } from './connection.ts';
import { defaultWindow, setting, settingsFrame, windowUpdateFrame } from './frames.ts';
import { RequestHeads } from './request-heads.ts';
import { readShared } from './socket-reader.ts';
import type { Http2Stream, StreamCall } from './stream.ts';

/** Of the dynamic table for header fields of a client: what both sides begin with. */
const headerTableBytes = 4096;

const port: CallPort<Http2Stream, ServerConnection> = {
  admitted: ({ connection, stream }, announced) => connection.streams.admitted(stream, announced),
  pause: ({ connection, stream }) => connection.hold(stream),
  resume: ({ connection, stream }) => connection.goOn(stream),
  ok: ({ connection, stream }) => connection.streams.ok(stream),
  fail: ({ connection, stream }, status, httpStatus) => connection.streams.fail(stream, status, httpStatus),
  message: ({ connection, stream }, framed) => connection.streams.message(stream, framed),
  end: ({ connection, stream }, status) => connection.streams.end(stream, status),
  peer: (connection) => connection.peer,
  pausedMs: ({ connection, stream }, now) => connection.pausedMs(now) - stream.pausedBefore,
};

export function createHttp2GrpcServer(options: GrpcServerOptions): GrpcServer {
  const core = createServerCore<ServerConnection>(options);
  const { limits, counters, pings } = core;
  const shared = core.callShared(port, () => liveCalls(core.connections));
  const heads = {
    routes: options.routes,
    includeMetadata: options.includeMetadata ?? false,
    isGuarded: options.auth !== undefined,
    tableBytes: headerTableBytes,
    maxHeaderBytes: limits.maxHeaderBytes,
  };
  const host: ConnectionHost = {
    shared,
    limits,
    counters,
    pings,
    maxConnectionAgeMs: core.keepalive.maxConnectionAgeMs,
    hello: helloOf(limits),
    requestHeads: () => new RequestHeads(heads),
    closed: (connection) => core.closed(connection),
  };
  return core.server({
    shared,
    pauseOnConnect: true,
    accept(accepted) {
      const peer = peerOf(accepted);
      const socket = readShared(accepted, (bytes, length) => connection.read(bytes, length));
      const connection = new ServerConnection(socket, peer, host);
      core.opened(connection);
    },
    cut: (connection) => connection.cut(),
    sweep: (connection, now) => connection.sweep(now),
  });
}

function* liveCalls(connections: ReadonlySet<ServerConnection>): Iterable<StreamCall> {
  for (const connection of connections) {
    for (const { call } of connection.streams.open.all()) if (call !== null) yield call;
  }
}

function helloOf(limits: ServerLimits): Buffer {
  const settings = settingsFrame([
    [setting.maxConcurrentStreams, limits.maxConcurrentStreams],
    [setting.initialWindowSize, limits.streamWindowBytes],
    [setting.maxHeaderListSize, limits.maxHeaderBytes],
  ]);
  const increment = limits.connectionWindowBytes - defaultWindow;
  return increment > 0 ? Buffer.concat([settings, windowUpdateFrame(0, increment)]) : settings;
}
