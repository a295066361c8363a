// A server on node:http2, and what a test of a client says through it.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2';

export interface Http2Peer extends AsyncDisposable {
  readonly port: number;
  readonly sessions: ServerHttp2Session[];
}

export type Handle = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

export async function serve(settings: Settings, handle: Handle, tls?: SecureServerOptions): Promise<Http2Peer> {
  const http2: Http2Server = tls === undefined ? createServer({ settings }) : createSecureServer({ settings, ...tls });
  const sessions: ServerHttp2Session[] = [];
  http2.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => session.destroy());
  });
  http2.on('stream', (stream, headers) => {
    stream.on('error', () => stream.destroy());
    handle(stream, headers);
  });
  http2.listen(0, '127.0.0.1');
  await once(http2, 'listening');
  const address = http2.address();
  assert.ok(address !== null && typeof address === 'object');
  return {
    port: address.port,
    sessions,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      http2.close();
      await once(http2, 'close');
    },
  };
}

/** A gRPC message with its prefix. */
export function framed(message: Uint8Array, compressed = false): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = compressed ? 1 : 0;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

const noBytes = Buffer.alloc(0);

/** Answers with a message and trailers. */
export function answer(
  stream: ServerHttp2Stream,
  trailers: Record<string, string>,
  reply: Buffer = framed(noBytes),
  headers: Record<string, string> = {},
): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...headers }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(reply);
}

export const digest = (bytes: Buffer): string => createHash('sha1').update(bytes).digest('hex');

/** Calls back with all that came on the stream. */
export function whole(stream: ServerHttp2Stream, done: (bytes: Buffer) => void): void {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => done(Buffer.concat(chunks)));
}

/** Answers with the hash of what came, prefix and message. */
export function hashing(stream: ServerHttp2Stream): void {
  whole(stream, (bytes) => answer(stream, { 'grpc-status': '0' }, framed(Buffer.from(digest(bytes)))));
}
