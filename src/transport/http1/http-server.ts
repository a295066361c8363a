// The HTTP/1.1 server of OTLP: the sibling of the gRPC servers, with the same methods, calls, limits and counters. What reads
// the connections is a front end: one of our own (native/), or Node's (node-front.ts).
import type * as net from 'node:net';
import type { CallPort } from '../call-port.ts';
import type { GrpcServer, ListenTarget, ServerCounters } from '../grpc-server.ts';
import type { BoundSockets } from '../listening-socket.ts';
import { messagePrefixBytes } from '../message-prefix.ts';
import type { RequestAuth } from '../request-auth.ts';
import { createServerCore } from '../server-core.ts';
import type { ServerTls } from '../tls/server-tls.ts';
import { type Cors, type CorsPolicy, createCors } from './cors.ts';
import { okHeaders } from './http-answer.ts';
import { type ConnectionTimes, HttpConnection } from './http-connection.ts';
import type { Exchange, ExchangeHost, HttpCall } from './http-exchange.ts';
import {
  contentEncodings,
  type Form,
  fieldsOf,
  type HttpHead,
  type HttpRoute,
  type JudgedRequest,
  judgeRequest,
  noFields,
  queryFields,
  valuesOf,
} from './http-request.ts';

export interface HttpLimits {
  /** Of a body, as sent and as decompressed. */
  readonly maxBodyBytes: number;
  /** Of a request's head. */
  readonly maxHeaderBytes: number;
  /** As of the gRPC servers: bytes held outside of the methods' memory, over all connections. */
  readonly maxHeldBytes: number;
  readonly times: ConnectionTimes;
  /** A body that makes no progress for this long is given up. Milliseconds, as the next. */
  readonly stallTimeoutMs: number;
  /** A connection without requests is closed after this time. */
  readonly idleTimeoutMs: number;
}

export interface HttpServerOptions {
  readonly listen: ListenTarget;
  /** By path. */
  readonly routes: ReadonlyMap<string, HttpRoute>;
  /** Path -> what to say of it, for paths that clients try although nothing is there. */
  readonly elsewhere?: ReadonlyMap<string, string>;
  readonly limits?: Partial<HttpLimits>;
  /** Values of Content-Encoding that are taken, of `contentEncodings`; '' is none. Absent: all of them. */
  readonly encodings?: Iterable<string>;
  /** Whether `CallInfo.metadata` shows the request's headers. */
  readonly includeMetadata?: boolean;
  /** Headers of every answer. */
  readonly responseHeaders?: Readonly<Record<string, string>>;
  /** Absent: pages of other origins may not read what they are answered. */
  readonly cors?: CorsPolicy;
  /** False: every answer is the last on its connection. */
  readonly keepAlives?: boolean;
  /** ALPN is set by the server. Absent: plain text. */
  readonly tls?: ServerTls;
  /** Asked before anything of a body is read. Absent: all are let in. */
  readonly auth?: RequestAuth;
  /** Query parameters that it sees as if they were headers of that name, before the headers. */
  readonly credentialParams?: readonly string[];
  /** As of the gRPC servers. */
  readonly sockets?: BoundSockets | undefined;
}

export const defaultHttpLimits: HttpLimits = {
  // The Collector's.
  maxBodyBytes: 20 << 20,
  maxHeaderBytes: 16 << 10,
  maxHeldBytes: 64 << 20,
  times: { headerMs: 10_000, requestMs: Number.POSITIVE_INFINITY, writeMs: 60_000 },
  stallTimeoutMs: 60_000,
  // Above what clients keep idle connections for (Go's 90 s), so that it is they who close.
  idleTimeoutMs: 180_000,
};

/** What a front end works with. */
export interface FrontHost {
  readonly exchanges: ExchangeHost;
  readonly maxHeaderBytes: number;
  readonly counters: ServerCounters;
  /** To be called once for each socket that it begins to read. */
  opened(socket: net.Socket, peer: string): HttpConnection;
  judge(method: string, target: string, rawHeaders: readonly string[], head: HttpHead): JudgedRequest;
  /** The headers of the answer to what a browser asks before its request (204); null: it is a request like any other. */
  preflight(method: string, rawHeaders: readonly string[], head: HttpHead): readonly string[] | null;
}

/** Reads the connections that it is given. */
export interface FrontEnd {
  /** Whether `accept` gets sockets from which nothing was read. */
  readonly pauseOnConnect: boolean;
  accept(socket: net.Socket): void;
}

const port: CallPort<Exchange, HttpConnection> = {
  // The body is read on.
  admitted() {},
  pause: ({ stream }) => stream.pause(),
  resume: ({ stream }) => stream.resume(),
  ok: ({ stream }) => stream.ok(),
  fail: ({ stream }, status, httpStatus, reason) => stream.fail(status, httpStatus, reason),
  // One message is the whole body, and has no prefix.
  message: ({ stream }, framed) => stream.message(framed.subarray(messagePrefixBytes)),
  end: ({ stream }, status) => stream.endMessage(status),
  peer: (connection) => connection.peer,
  pausedMs: ({ stream }, now) => stream.pausedMs(now),
};

/** What it counts is what the gRPC servers count. */
export function createHttpServerOn(createFront: (host: FrontHost) => FrontEnd, options: HttpServerOptions): GrpcServer {
  const limits: HttpLimits = { ...defaultHttpLimits, ...options.limits };
  const { times } = limits;
  const core = createServerCore<HttpConnection>({
    listen: options.listen,
    routes: new Map(),
    limits: {
      maxMessageBytes: limits.maxBodyBytes,
      maxHeldBytes: Math.max(limits.maxHeldBytes, 2 * limits.maxBodyBytes),
      stallTimeoutMs: limits.stallTimeoutMs,
      handshakeTimeoutMs: times.headerMs,
    },
    keepalive: { maxConnectionIdleMs: limits.idleTimeoutMs },
    sockets: options.sockets,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    ...(options.auth === undefined ? {} : { auth: options.auth }),
  });
  const calls = new Set<HttpCall>();
  const shared = core.callShared(port, () => calls);
  const cors = options.cors === undefined ? null : createCors(options.cors);
  const more = Object.entries(options.responseHeaders ?? {}).flat();
  const front = createFront({
    exchanges: {
      shared,
      gathering: { lookedForRoomAt: Number.NEGATIVE_INFINITY, live: () => exchangesOf(calls) },
      calls,
      keepAlives: options.keepAlives ?? true,
      ...answerHeaders(cors, more),
    },
    maxHeaderBytes: limits.maxHeaderBytes,
    counters: core.counters,
    opened(socket, peer) {
      const connection = new HttpConnection(socket, peer, times);
      core.opened(connection);
      socket.on('close', () => {
        for (const exchange of [...connection.exchanges]) exchange.gone();
        core.closed(connection);
      });
      return connection;
    },
    judge: createJudge(options, limits.maxBodyBytes),
    preflight(method, rawHeaders, { origin }) {
      if (cors === null || method !== 'OPTIONS') return null;
      const [asked] = valuesOf(rawHeaders, 'access-control-request-method');
      if (asked === undefined) return null;
      const [headers] = valuesOf(rawHeaders, 'access-control-request-headers');
      return [...more, ...cors.preflight(origin, asked, headers)];
    },
  });
  return core.server({
    shared,
    protocol: 'http/1.1',
    pauseOnConnect: front.pauseOnConnect,
    sweepFor: [times.requestMs, times.writeMs],
    accept: (socket) => front.accept(socket),
    cut: (connection) => connection.socket.destroy(),
  });
}

function* exchangesOf(calls: Iterable<HttpCall>): Iterable<Exchange> {
  for (const { stream } of calls) yield stream;
}

/** The headers of answers; without CORS those of 200 are the same arrays for all requests. */
function answerHeaders(cors: Cors | null, more: readonly string[]): Pick<ExchangeHost, 'okHeaders' | 'moreHeaders'> {
  const moreHeaders = (origin: string | undefined): readonly string[] =>
    cors === null ? more : [...more, ...cors.headers(origin)];
  const ofForms = (headers: readonly string[]): Readonly<Record<Form, readonly string[]>> => ({
    protobuf: okHeaders('protobuf', headers),
    json: okHeaders('json', headers),
    text: okHeaders('text', headers),
  });
  const plain = ofForms(more);
  const last = ofForms([...more, 'Connection', 'close']);
  return {
    moreHeaders,
    okHeaders(form, origin, isLast) {
      if (cors === null) return isLast ? last[form] : plain[form];
      return okHeaders(form, isLast ? [...moreHeaders(origin), 'Connection', 'close'] : moreHeaders(origin));
    },
  };
}

function createJudge(options: HttpServerOptions, maxBodyBytes: number): FrontHost['judge'] {
  const rules = {
    routes: options.routes,
    elsewhere: options.elsewhere ?? new Map<string, string>(),
    encodings: new Set(options.encodings ?? contentEncodings),
    maxBodyBytes,
  };
  const isSeen = options.includeMetadata === true;
  const isGuarded = options.auth !== undefined;
  const params = options.credentialParams ?? [];
  return (method, target, rawHeaders, head) => {
    const fields = isSeen || isGuarded ? fieldsOf(rawHeaders) : noFields;
    const credentials = isGuarded ? [...queryFields(target, params), ...fields] : noFields;
    return judgeRequest(method, target, head, rules, isSeen ? fields : noFields, credentials);
  };
}
