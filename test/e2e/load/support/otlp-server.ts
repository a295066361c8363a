// Backends of the tests: OTLP/gRPC on node:http2 and OTLP/HTTP on node:http, plain or over TLS. They keep nothing: a handler
// is called with each request and says how it is answered.
import { once } from 'node:events';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as https from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import * as zlib from 'node:zlib';
import { bytesField, varintField } from '../../support/protobuf.ts';

export type Answer =
  | { readonly kind: 'ok' }
  /** OK, but so many spans were not taken. */
  | { readonly kind: 'partial'; readonly rejected: number }
  /** `code`: of gRPC, or the HTTP status. */
  | { readonly kind: 'status'; readonly code: number; readonly message: string }
  /** Never. */
  | { readonly kind: 'none' }
  /** The connection is cut. */
  | { readonly kind: 'cut' };

export const ok: Answer = { kind: 'ok' };

export interface Received {
  /** An ExportTraceServiceRequest, decompressed; JSON where its content type says so. */
  readonly message: Buffer;
  /** Bytes of the body as they came, without gRPC's prefix. */
  readonly wireBytes: number;
  readonly headers: http.IncomingHttpHeaders;
}

export type Handler = (received: Received) => Answer | Promise<Answer>;

export interface OtlpServer {
  readonly port: number;
  /** Called when one is opened. */
  onConnection(listener: () => void): void;
  /** Listens no more, and cuts all connections. */
  close(): void;
}

export interface Tls {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

function decompressed(body: Buffer, encoding: unknown): Buffer {
  if (encoding === 'gzip') return zlib.gunzipSync(body);
  if (encoding === 'zstd') return zlib.zstdDecompressSync(body);
  return body;
}

async function listening(t: TestContext, server: Server, port: number): Promise<OtlpServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.resetAndDestroy();
  };
  t.after(close);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    onConnection: (listener) => server.on('connection', listener),
    close,
  };
}

/** ExportTraceServiceResponse: partial_success 1; there rejected_spans 1. */
const replyBody = (answer: Answer): Buffer =>
  answer.kind === 'partial' ? bytesField(1, varintField(1, answer.rejected)) : Buffer.alloc(0);

export const grpcPath = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const prefixBytes = 5;

export function withPrefix(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function answerCall(stream: http2.ServerHttp2Stream, answer: Answer): void {
  if (stream.destroyed || answer.kind === 'none') return;
  const head = { ':status': 200, 'content-type': 'application/grpc' };
  if (answer.kind === 'cut') stream.session?.destroy();
  else if (answer.kind === 'status') {
    stream.respond(
      { ...head, 'grpc-status': String(answer.code), 'grpc-message': answer.message },
      { endStream: true },
    );
  } else {
    stream.respond(head, { waitForTrailers: true });
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(withPrefix(replyBody(answer)));
  }
}

/** Port 0: any free one. */
export async function startGrpcServer(t: TestContext, handle: Handler, tls?: Tls, port = 0): Promise<OtlpServer> {
  const settings = { initialWindowSize: 8 << 20, maxConcurrentStreams: 10_000 };
  const server = tls === undefined ? http2.createServer({ settings }) : http2.createSecureServer({ settings, ...tls });
  server.on('session', (session) => session.on('error', () => undefined));
  const take = async (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): Promise<void> => {
    stream.on('error', () => undefined);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const content = body.subarray(prefixBytes);
    const message = body[0] === 0 ? content : decompressed(content, headers['grpc-encoding']);
    answerCall(stream, await handle({ message, wireBytes: content.length, headers }));
  };
  // A call that is cut off in its middle is no call.
  server.on('stream', (stream, headers) => void take(stream, headers).catch(() => undefined));
  return listening(t, server, port);
}

function answerRequest(response: http.ServerResponse, answer: Answer): void {
  if (answer.kind === 'none') return;
  if (answer.kind === 'cut') response.socket?.destroy();
  else if (answer.kind === 'status') response.writeHead(answer.code).end();
  else response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(replyBody(answer));
}

export async function startHttpServer(t: TestContext, handle: Handler, tls?: Tls): Promise<OtlpServer> {
  const take = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const headers = { ...request.headers, ':path': request.url };
    const message = decompressed(body, headers['content-encoding']);
    answerRequest(response, await handle({ message, wireBytes: body.length, headers }));
  };
  const listener: http.RequestListener = (request, response) => void take(request, response).catch(() => undefined);
  return listening(t, tls === undefined ? http.createServer(listener) : https.createServer(tls, listener), 0);
}
