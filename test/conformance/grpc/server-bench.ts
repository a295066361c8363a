// What the parts of the server suite share: a server with a test method, clients for it, and the check that nothing is left.
import assert from 'node:assert/strict';
import * as http2 from 'node:http2';
import type { TestContext } from 'node:test';
import type { TlsOptions } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import type { GrpcServer, GrpcServerOptions } from '../../../src/transport/grpc-server.ts';
import { fixedServerTls, type ServerTls } from '../../../src/transport/tls/server-tls.ts';
import { createTestMethod, exportPath, type TestMethod } from './test-method.ts';

export type StartServer = (options: GrpcServerOptions) => GrpcServer;

export interface Bench {
  readonly server: GrpcServer;
  readonly method: TestMethod;
  readonly address: string;
  readonly port: number;
  /** PEM, of a server whose certificate is fixed; absent: plain text, or what only the test knows. */
  readonly cert?: string;
}

export interface BenchOptions extends Partial<Omit<GrpcServerOptions, 'listen' | 'routes' | 'tls'>> {
  readonly tls?: TlsOptions | ServerTls;
  /** Where the server before it listened. */
  readonly port?: number;
  /** Of the test method. */
  readonly memoryBytes?: number;
}

/** A listening server; after the test it is closed, and nothing may be left of any call. */
export async function startBench(t: TestContext, start: StartServer, options: BenchOptions = {}): Promise<Bench> {
  const { port = 0, memoryBytes, tls, ...serverOptions } = options;
  const method = createTestMethod(memoryBytes);
  const listen = { kind: 'tcp', host: '127.0.0.1', port, family: 0 } as const;
  const secure = tls === undefined ? {} : { tls: 'start' in tls ? tls : fixedServerTls(tls) };
  const server = start({ ...serverOptions, ...secure, listen, routes: new Map([[exportPath, method]]) });
  await server.listen();
  t.after(async () => {
    await server.close();
    assert.equal(method.outstanding(), 0, 'places that were not given back');
    const { heldBytesNow, callsNow, calls, ok, failed, cancelled, refused } = server.counters;
    assert.equal(heldBytesNow, 0, 'bytes that are still counted as held');
    assert.equal(callsNow, 0, 'calls that never ended');
    const refusedInAll = Object.values(refused).reduce((sum, count) => sum + count, 0);
    assert.equal(calls, ok + failed + cancelled + refusedInAll, 'calls that ended in no way or in two');
  });
  const address = server.address();
  const cert = tls !== undefined && 'cert' in tls && typeof tls.cert === 'string' ? { cert: tls.cert } : {};
  return { server, method, address, port: Number(address.slice(address.lastIndexOf(':') + 1)), ...cert };
}

const same = (bytes: Buffer): Buffer => bytes;

export interface JsReply {
  readonly code: number;
  readonly message: string;
  readonly details: Buffer | undefined;
  readonly body: Buffer | undefined;
}

export interface JsClient {
  readonly client: grpc.Client;
  call(message: Buffer, extra?: { metadata?: grpc.Metadata; deadline?: number; path?: string }): Promise<JsReply>;
}

/** A real @grpc/grpc-js client. */
export function jsClient(
  t: TestContext,
  bench: Pick<Bench, 'address' | 'cert'>,
  options: grpc.ChannelOptions = {},
): JsClient {
  const limits = { 'grpc.max_send_message_length': -1, 'grpc.use_local_subchannel_pool': 1 };
  const credentials =
    bench.cert === undefined ? grpc.credentials.createInsecure() : grpc.credentials.createSsl(Buffer.from(bench.cert));
  const client = new grpc.Client(bench.address, credentials, { ...limits, ...options });
  t.after(() => client.close());
  return {
    client,
    call: (message, extra = {}) =>
      new Promise((resolve) => {
        const metadata = extra.metadata ?? new grpc.Metadata();
        const deadline = extra.deadline === undefined ? {} : { deadline: extra.deadline };
        const path = extra.path ?? exportPath;
        client.makeUnaryRequest(path, same, same, message, metadata, deadline, (error, body) => {
          const details = error?.metadata?.get('grpc-status-details-bin')[0];
          resolve({
            code: error?.code ?? 0,
            message: error?.details ?? '',
            details: Buffer.isBuffer(details) ? details : undefined,
            body,
          });
        });
      }),
  };
}

/** An HTTP/2 connection of the test's own, for requests that no gRPC client would send. */
export function connect(t: TestContext, bench: Bench): http2.ClientHttp2Session {
  const session = http2.connect(`http://${bench.address}`);
  session.on('error', () => undefined);
  t.after(() => session.destroy());
  return session;
}

export const grpcHeaders: http2.OutgoingHttpHeaders = {
  ':method': 'POST',
  ':path': exportPath,
  'content-type': 'application/grpc',
  te: 'trailers',
};

export interface RawReply {
  readonly httpStatus: number | undefined;
  readonly code: string | undefined;
  readonly message: string;
  readonly headers: http2.IncomingHttpHeaders;
  readonly trailers: http2.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly rstCode: number | undefined;
}

/** Resolves when the stream is closed. Of the status, the trailers' or the headers'. */
export function replyOf(stream: http2.ClientHttp2Stream): Promise<RawReply> {
  return new Promise((resolve) => {
    let headers: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {};
    let trailers: http2.IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    stream.on('response', (received) => {
      headers = received;
    });
    stream.on('trailers', (received) => {
      trailers = received;
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', () => undefined);
    stream.on('close', () => {
      const last = { ...headers, ...trailers };
      const message = last['grpc-message'];
      resolve({
        httpStatus: headers[':status'],
        code: last['grpc-status'] as string | undefined,
        message: typeof message === 'string' ? decodeURIComponent(message) : '',
        headers,
        trailers,
        body: Buffer.concat(chunks),
        rstCode: stream.rstCode,
      });
    });
  });
}

/** Sends headers and a body of the test's own making. */
export function rawCall(
  session: http2.ClientHttp2Session,
  body: Buffer,
  headers: http2.OutgoingHttpHeaders = {},
): Promise<RawReply> {
  const stream = session.request({ ...grpcHeaders, ...headers });
  const reply = replyOf(stream);
  stream.end(body);
  return reply;
}

/** Length-prefixed message; `length` may lie. */
export function framed(message: Buffer, flag = 0, length = message.length): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

/** Bytes that differ everywhere, so that a chunk in the wrong place shows. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = length + 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    bytes[i] = state >>> 16;
  }
  return bytes;
}

/** The server still serves: one more request arrives byte by byte as sent, and is answered OK. */
export async function expectGood(bench: Bench, client: JsClient): Promise<void> {
  const message = pattern(300);
  const before = bench.method.handled.length;
  const reply = await client.call(message);
  assert.equal(reply.code, 0, reply.message);
  assert.ok(
    bench.method.handled.slice(before).some((handled) => handled.message.equals(message)),
    'the message did not arrive as it was sent',
  );
}
