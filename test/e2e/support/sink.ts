// A backend on node:http2 that counts spans by id and answers as it is told.
import { once } from 'node:events';
import * as http2 from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import * as zlib from 'node:zlib';
import { retryInfoStatus } from '../../../src/transport/rpc-status.ts';
import { bytesField, varintField } from './protobuf.ts';
import { idsOf } from './spans.ts';

export type SinkAnswer =
  | { readonly kind: 'ok' }
  /** ok, after so many milliseconds, as a backend that takes only so much at a time. */
  | { readonly kind: 'slow'; readonly afterMs: number }
  /** Not answered until `resume`. */
  | { readonly kind: 'stall' }
  | { readonly kind: 'status'; readonly code: number; readonly message: string; readonly retryDelayMs?: number }
  | { readonly kind: 'partial'; readonly rejected: number; readonly message: string }
  /** The stream is reset with REFUSED_STREAM: nothing was processed. */
  | { readonly kind: 'reset' };

/** One call. Its spans count as arrived once it is answered with ok or partial. */
export interface Export {
  /** Decompressed. */
  readonly message: Buffer;
  readonly ids: readonly string[];
  readonly headers: http2.IncomingHttpHeaders;
}

export interface Sink {
  readonly port: number;
  /** What to answer; may be replaced at any time. */
  answer: (call: Export) => SinkAnswer;
  /** Calls that were answered with ok or partial, in order. */
  readonly exports: readonly Export[];
  /** Span id -> how often it arrived. */
  readonly spans: ReadonlyMap<string, number>;
  /** Calls of any end, and of those the ones without an answer now. */
  calls(): number;
  stalled(): number;
  /** Resolves when `reached` holds, looked at after each call. */
  until(reached: () => boolean): Promise<void>;
  /** Answers ok from now on, to the stalled calls too. */
  resume(): void;
  /** Resets all connections and listens no more, until `listen`. */
  close(): Promise<void>;
  listen(): Promise<void>;
}

const ok: SinkAnswer = { kind: 'ok' };

export async function startSink(t: TestContext): Promise<Sink> {
  const exports: Export[] = [];
  const spans = new Map<string, number>();
  const stalled = new Map<http2.ServerHttp2Stream, Export>();
  const sockets = new Set<Socket>();
  let watchers: { reached(): boolean; resolve(): void }[] = [];
  let server: http2.Http2Server | null = null;
  let port = 0;
  let calls = 0;

  function look(): void {
    const done = watchers.filter(({ reached }) => reached());
    watchers = watchers.filter((watcher) => !done.includes(watcher));
    for (const { resolve } of done) resolve();
  }

  function reply(stream: http2.ServerHttp2Stream, call: Export, answer: SinkAnswer): void {
    if (stream.destroyed) return;
    if (answer.kind === 'stall') {
      stalled.set(stream, call);
      stream.once('close', () => stalled.delete(stream));
    } else if (answer.kind === 'slow') setTimeout(() => [reply(stream, call, ok), look()], answer.afterMs);
    else if (answer.kind === 'reset') stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    else if (answer.kind === 'status') stream.respond({ ...grpcHead, ...refusal(answer) }, { endStream: true });
    else {
      exports.push(call);
      for (const id of call.ids) spans.set(id, (spans.get(id) ?? 0) + 1);
      stream.respond(grpcHead, { waitForTrailers: true });
      stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(responseOf(answer));
    }
  }

  async function take(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): Promise<void> {
    stream.on('error', () => undefined);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const message = decompressed(Buffer.concat(chunks), headers['grpc-encoding']);
    const call = { message, ids: idsOf(message), headers };
    calls++;
    reply(stream, call, sink.answer(call));
    look();
  }

  const sink: Sink = {
    get port() {
      return port;
    },
    answer: () => ok,
    exports,
    spans,
    calls: () => calls,
    stalled: () => stalled.size,
    until: (reached) => (reached() ? Promise.resolve() : new Promise((resolve) => watchers.push({ reached, resolve }))),
    resume() {
      sink.answer = () => ok;
      for (const [stream, call] of [...stalled]) {
        stalled.delete(stream);
        reply(stream, call, ok);
      }
      look();
    },
    async close() {
      for (const socket of sockets) socket.resetAndDestroy();
      if (server === null) return;
      const closed = once(server, 'close');
      server.close();
      server = null;
      await closed;
    },
    async listen() {
      server = http2.createServer({ settings: { initialWindowSize: 8 << 20 } });
      server.on('connection', (socket: Socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
      });
      server.on('session', (session) => {
        session.setLocalWindowSize(32 << 20);
        session.on('error', () => undefined);
      });
      // A call that is cut off in its middle is no call.
      server.on('stream', (stream, headers) => void take(stream, headers).catch(() => undefined));
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      port = (server.address() as AddressInfo).port;
    },
  };
  await sink.listen();
  t.after(() => sink.close());
  return sink;
}

/** The message of a length-prefixed body. */
function decompressed(body: Buffer, encoding: string | string[] | undefined): Buffer {
  const message = body.subarray(5);
  if (body[0] === 0) return message;
  return encoding === 'gzip' ? zlib.gunzipSync(message) : zlib.zstdDecompressSync(message);
}

const grpcHead = { ':status': 200, 'content-type': 'application/grpc' };

function refusal({ code, message, retryDelayMs }: SinkAnswer & { kind: 'status' }): http2.OutgoingHttpHeaders {
  const base = { 'grpc-status': String(code), 'grpc-message': message };
  if (retryDelayMs === undefined) return base;
  const { details } = retryInfoStatus(code, message, retryDelayMs);
  return { ...base, 'grpc-status-details-bin': Buffer.from(details ?? []).toString('base64') };
}

/** ExportTraceServiceResponse: partial_success 1; there rejected_spans 1, error_message 2. */
function responseOf(answer: SinkAnswer): Buffer {
  const body =
    answer.kind === 'partial'
      ? bytesField(1, Buffer.concat([varintField(1, answer.rejected), bytesField(2, answer.message)]))
      : Buffer.alloc(0);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}
