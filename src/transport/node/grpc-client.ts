// The gRPC client on node:http2.
import type { OutgoingHttpHeaders } from 'node:http2';
import { deflate } from '../compression.ts';
import { authorityOf, type Endpoint, parseEndpoint } from '../endpoint.ts';
import {
  closedReply,
  defaultBackoff,
  defaultConnectTimeoutMs,
  defaultMaxReplyBytes,
  defaultUserAgent,
  failedReply,
  type GrpcClient,
  type GrpcClientOptions,
  type GrpcReply,
} from '../grpc-client.ts';
import { grpcCode } from '../grpc-status.ts';
import { formatGrpcTimeout } from '../grpc-timeout.ts';
import { type Environment, proxyFor } from '../http-client/proxy.ts';
import { type CallLimits, createCallLimits } from './call-limits.ts';
import { type ClientConnection, createClientConnection, type Link } from './client-connection.ts';
import { exchange } from './client-exchange.ts';

export function createNodeGrpcClient(options: GrpcClientOptions): GrpcClient {
  const endpoint = parseEndpoint(options.endpoint);
  if (endpoint === null || endpoint.kind === 'dns') {
    throw new Error(`node:http2 cannot reach "${options.endpoint}"; see grpcClientProblem`);
  }
  const authority = options.authority ?? authorityOf(endpoint);
  const tls = endpoint.secure === false ? null : (options.tls ?? (endpoint.secure === true ? {} : null));
  const connection = createClientConnection({
    endpoint,
    tls,
    authority,
    proxy: proxyOf(endpoint, options.env ?? process.env),
    keepalive: options.keepalive ?? null,
    backoff: { ...defaultBackoff, ...options.backoff },
    connectTimeoutMs: options.connectTimeoutMs ?? defaultConnectTimeoutMs,
  });
  const compression = options.compression ?? 'none';
  const maxReplyBytes = options.maxReplyBytes ?? defaultMaxReplyBytes;
  const waitForReady = options.waitForReady ?? false;
  const protocolHeaders = protocolHeadersOf(options, authority, tls !== null);
  const ownHeaders = withHeaders(protocolHeaders, options.headers ?? {});
  let closed = false;

  const send = async (
    path: string,
    segments: readonly Buffer[],
    headers: OutgoingHttpHeaders,
    limits: CallLimits,
  ): Promise<GrpcReply> => {
    const message = compression === 'none' ? segments : [await deflate(compression, segments)];
    const link = await linkFor(connection, waitForReady, limits);
    if ('code' in link) return closed ? closedReply : link;
    const early = limits.over();
    if (early !== null) return early;
    const prefix = prefixOf(message, compression !== 'none');
    const callHeaders: OutgoingHttpHeaders = { ...headers, ':path': path };
    if (limits.timeoutMs > 0) callHeaders['grpc-timeout'] = formatGrpcTimeout(limits.remainingMs());
    const reply = await exchange(link, callHeaders, [prefix, ...message], maxReplyBytes, limits);
    return closed && reply.code !== grpcCode.OK ? closedReply : reply;
  };

  return {
    async call(path, segments, callOptions = {}) {
      if (closed) return closedReply;
      const limits = createCallLimits(callOptions);
      try {
        const { headers: given } = callOptions;
        const headers = given === undefined ? ownHeaders : withHeaders(protocolHeaders, given);
        return limits.over() ?? (await send(path, segments, headers, limits));
      } catch (error) {
        // Headers that HTTP/2 does not allow, a session that closed in between: nothing was sent.
        const message = error instanceof Error ? error.message : String(error);
        const transient = error instanceof Error && 'code' in error && unsentCodes.has(String(error.code));
        return failedReply(transient ? grpcCode.UNAVAILABLE : grpcCode.INTERNAL, message);
      } finally {
        limits.end();
      }
    },
    close() {
      closed = true;
      connection.close();
    },
  };
}

/** As grpc-go: the environment's proxy for https:// serves all targets, TLS or not. */
function proxyOf(endpoint: Endpoint & { readonly kind: 'tcp' | 'unix' }, env: Environment): string | null {
  if (endpoint.kind === 'unix') return null;
  const { host, port } = endpoint;
  return proxyFor({ protocol: 'https:', host, port, socketPath: null, path: '/', credentials: '' }, '', env);
}

/** Errors of `session.request` for a session that has just ended. */
const unsentCodes = new Set([
  'ERR_HTTP2_INVALID_SESSION',
  'ERR_HTTP2_GOAWAY_SESSION',
  'ERR_HTTP2_SESSION_ERROR',
  'ERR_HTTP2_OUT_OF_STREAMS',
]);

function linkFor(connection: ClientConnection, waitForReady: boolean, limits: CallLimits): Promise<Link | GrpcReply> {
  return new Promise((resolve) => {
    let forget: () => void = () => undefined;
    limits.listen((reply) => {
      forget();
      resolve(reply);
    });
    forget = connection.acquire(waitForReady, (link, problem) => {
      limits.listen(null);
      resolve(link ?? failedReply(grpcCode.UNAVAILABLE, problem));
    });
    const early = limits.over();
    if (early !== null) {
      forget();
      resolve(early);
    }
  });
}

function protocolHeadersOf(options: GrpcClientOptions, authority: string, secure: boolean): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {
    ':method': 'POST',
    ':scheme': secure ? 'https' : 'http',
    ':authority': authority,
    'content-type': 'application/grpc',
    te: 'trailers',
    'user-agent': options.userAgent ?? defaultUserAgent,
  };
  const { compression } = options;
  if (compression !== undefined && compression !== 'none') headers['grpc-encoding'] = compression;
  return headers;
}

/** With those of a user, to whom the protocol's own do not belong. */
function withHeaders(protocol: OutgoingHttpHeaders, users: Readonly<Record<string, string>>): OutgoingHttpHeaders {
  const headers = { ...protocol };
  for (const [name, value] of Object.entries(users)) {
    const key = name.toLowerCase();
    if (!key.startsWith(':') && !key.startsWith('grpc-') && !(key in protocol)) headers[key] = value;
  }
  return headers;
}

/** Length-Prefixed-Message → Compressed-Flag Message-Length Message (PROTOCOL-HTTP2.md). */
function prefixOf(message: readonly Buffer[], compressed: boolean): Buffer {
  let length = 0;
  for (const part of message) length += part.length;
  const prefix = Buffer.allocUnsafe(5);
  prefix[0] = compressed ? 1 : 0;
  prefix.writeUInt32BE(length, 1);
  return prefix;
}
