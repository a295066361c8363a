// A gRPC client for one fixed unary method over one connection, cheap enough not to be the bottleneck of a run: frames on a
// bare socket, request headers encoded once, replies recognised by their bytes.
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { SpanmillError } from '../../src/errors.ts';
import { acceptedEncodings } from '../../src/transport/compression.ts';
import { formatGrpcTimeout } from '../../src/transport/grpc-timeout.ts';
import { ConnectionError } from '../../src/transport/http2/connection-error.ts';
import { type FrameHandler, FrameReader } from '../../src/transport/http2/frame-reader.ts';
import {
  defaultMaxFrame,
  defaultWindow,
  errorCode,
  flag,
  frame,
  frameType,
  goawayFrame,
  largestWindow,
  preface,
  readUint31,
  readUint32,
  setting,
  settingsFrame,
  windowUpdateFrame,
} from '../../src/transport/http2/frames.ts';
import { HeaderBlocks } from '../../src/transport/http2/header-blocks.ts';
import { encodeHeaders } from '../../src/transport/http2/hpack/encoder.ts';
import { Outbox } from '../../src/transport/http2/outbox.ts';
import type { UnaryReply } from './call.ts';
import { Calls } from './calls.ts';
import { type Compression, compress } from './compression.ts';
import {
  createWindowKeeper,
  expectLength,
  largestHeaderBlock,
  requestBlocks,
  takePing,
  takeSettings,
  windowIncrement,
} from './control.ts';
import {
  authorityOf,
  connectError,
  defaultConnectTimeoutMs,
  onceOpen,
  openSocket,
  type SocketTarget,
  type SocketTls,
  socketProblem,
} from './open-socket.ts';

export interface UnaryClientOptions {
  readonly host: string;
  readonly port: number;
  /** Absent or null: plain text. */
  readonly tls?: SocketTls | null;
  /** `/package.Service/Method`. */
  readonly path: string;
  /** More request headers, names in lower case. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly compression?: Compression;
  /** Of each call, from `call` on; absent or 0: none. */
  readonly timeoutMs?: number;
  readonly connectTimeoutMs?: number;
  /**
   * Called once, after `connectUnary` has resolved, when the connection takes no more calls, unless by `close`: it broke, or
   * the server said GOAWAY.
   */
  readonly onUnusable?: (reason: string) => void;
}

export interface UnaryClient {
  /**
   * Starts a call with a message that has no prefix and may be changed as soon as this returns. `done` is called exactly
   * once, never synchronously.
   */
  call(message: Buffer, done: (reply: UnaryReply) => void): void;
  /** Whether new calls can be made. */
  usable(): boolean;
  /** Calls without a reply, those too that wait for the server to allow more streams. */
  inFlight(): number;
  /** How many streams the server allows at a time: Infinity when it has not said. */
  capacity(): number;
  /** Ends the connection; calls under way fail. May be called twice. */
  close(): void;
}

/** Bytes of reply taken before the connection's window is opened again. */
const windowStepBytes = 1 << 24;
const hello = Buffer.concat([
  preface,
  settingsFrame([
    // Then header blocks of replies that are the same bytes say the same.
    [setting.headerTableSize, 0],
    [setting.enablePush, 0],
  ]),
  windowUpdateFrame(0, largestWindow - defaultWindow),
]);

/**
 * Resolves when the server has said that it speaks HTTP/2. Rejects with a SpanmillError CONNECT; its message is one line
 * that names the server.
 */
export function connectUnary(options: UnaryClientOptions): Promise<UnaryClient> {
  return new Promise((resolve, reject) => {
    const connection: Connection = new Connection(options, (problem) => {
      if (problem === null) resolve(connection);
      else reject(problem);
    });
  });
}

function requestHeaders(options: UnaryClientOptions, isSecure: boolean): Buffer {
  const { compression = 'none', timeoutMs = 0 } = options;
  const block = encodeHeaders([
    [':method', 'POST'],
    [':scheme', isSecure ? 'https' : 'http'],
    [':path', options.path],
    [':authority', authorityOf(options)],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ['user-agent', 'spanload'],
    ['grpc-accept-encoding', acceptedEncodings],
    ...(compression === 'none' ? [] : [['grpc-encoding', compression] as const]),
    // Of calls that had to wait it says more than is left: what ends them is this side's own clock.
    ...(timeoutMs > 0 ? [['grpc-timeout', formatGrpcTimeout(timeoutMs)] as const] : []),
    ...(options.headers ?? []),
  ]);
  return frame(frameType.headers, flag.endHeaders, 0, block);
}

class Connection implements UnaryClient, FrameHandler {
  readonly isFull = false;
  readonly #target: SocketTarget;
  readonly #compression: Compression;
  readonly #onUnusable: ((reason: string) => void) | undefined;
  readonly #socket: Socket;
  readonly #outbox: Outbox;
  readonly #calls: Calls;
  readonly #reader = new FrameReader(this, defaultMaxFrame);
  readonly #blocks = new HeaderBlocks(largestHeaderBlock);
  readonly #received: (bytes: number) => void;
  /** Null once it was told. */
  #opened: ((problem: SpanmillError | null) => void) | null;
  readonly #connectTimer: NodeJS.Timeout;
  #ended = false;
  // Of the DATA frame that is read.
  #dataStream = 0;
  #dataIsLast = false;

  constructor(options: UnaryClientOptions, opened: (problem: SpanmillError | null) => void) {
    const { host, port, tls = null, connectTimeoutMs = defaultConnectTimeoutMs } = options;
    this.#target = { host, port, tls };
    this.#compression = options.compression ?? 'none';
    this.#onUnusable = options.onUnusable;
    this.#opened = opened;
    // First of all: it throws for headers that cannot be sent.
    const headers = requestHeaders(options, tls !== null);
    const socket = openSocket(this.#target, 'h2', (bytes, length) => this.#read(bytes, length));
    this.#socket = socket;
    this.#outbox = new Outbox(socket, requestBlocks);
    this.#received = createWindowKeeper(this.#outbox, windowStepBytes);
    this.#calls = new Calls(this.#outbox, {
      headers,
      isCompressed: this.#compression !== 'none',
      timeoutMs: options.timeoutMs ?? 0,
      usedUp: (reason) => {
        this.#calls.refuse(reason);
        this.#tellUnusable(reason);
      },
      finished: () => this.#socket.destroySoon(),
    });
    this.#connectTimer = setTimeout(
      () => this.#end(`it did not begin to speak HTTP/2 within ${connectTimeoutMs} ms`),
      connectTimeoutMs,
    );
    onceOpen(socket, () => this.#greet());
    socket.on('drain', () => {
      this.#outbox.isFull = false;
      this.#calls.pump();
    });
    socket.on('error', (error) => this.#end(socketProblem(error), error));
    socket.on('close', () => this.#end('the server closed the connection'));
  }

  #greet(): void {
    if (this.#socket instanceof TLSSocket && this.#socket.alpnProtocol !== 'h2') {
      this.#end('the server does not speak HTTP/2 over TLS (no h2 by ALPN)');
      return;
    }
    this.#outbox.put(hello);
  }

  call(message: Buffer, done: (reply: UnaryReply) => void): void {
    this.#calls.start(compress(this.#compression, message), done);
  }

  usable(): boolean {
    return this.#calls.refusal === '';
  }

  inFlight(): number {
    return this.#calls.count();
  }

  capacity(): number {
    return this.#calls.limit();
  }

  close(): void {
    this.#calls.refuse('the client is closed');
    // Their calls are told from the close event.
    this.#socket.destroy();
  }

  /** The connection is of no use any more. */
  #end(reason: string, cause?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#connectTimer);
    const wasUsable = this.usable();
    const opened = this.#opened;
    this.#opened = null;
    this.#socket.destroy();
    this.#calls.fail(reason);
    if (opened !== null) opened(connectError(this.#target, reason, cause));
    else if (wasUsable) this.#tellUnusable(reason);
  }

  /** Not here: who waits for the connection must have it first. */
  #tellUnusable(reason: string): void {
    setImmediate(() => this.#onUnusable?.(reason));
  }

  #read(bytes: Buffer, length: number): void {
    if (this.#ended) return;
    if (this.#opened !== null) {
      const other = otherProtocol(bytes, length);
      if (other !== '') {
        this.#end(other);
        return;
      }
    }
    try {
      this.#reader.push(bytes, 0, length);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#outbox.put(goawayFrame(0, error.code, error.message));
      this.#outbox.flush();
      this.#end(`the server does not keep to HTTP/2: ${error.message}`, error);
      return;
    }
    this.#calls.pump();
  }

  frame(type: number, flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    if (this.#ended) return;
    this.#blocks.check(type, stream);
    if (this.#opened !== null && type !== frameType.settings) {
      throw new ConnectionError(errorCode.protocolError, 'the first frame is not SETTINGS');
    }
    switch (type) {
      case frameType.headers:
      case frameType.continuation: {
        const isFirst = type === frameType.headers;
        const block = isFirst
          ? this.#blocks.headers(flags, stream, bytes, start, end)
          : this.#blocks.continuation(flags, bytes, start, end);
        if (block !== null) this.#calls.headers(block);
        return;
      }
      case frameType.windowUpdate:
        this.#calls.windowUpdate(stream, windowIncrement(bytes, start, end));
        return;
      case frameType.settings:
        this.#settings(flags, bytes, start, end);
        return;
      case frameType.ping:
        takePing(this.#outbox, flags, bytes, start, end);
        return;
      case frameType.goaway:
        this.#goaway(bytes, start, end);
        return;
      case frameType.rstStream:
        expectLength('RST_STREAM', end - start, 4);
        this.#calls.wasReset(stream, readUint32(bytes, start));
        return;
      // PRIORITY and unknown types mean nothing to us (RFC 9113 4.1); PUSH_PROMISE we have forbidden.
    }
  }

  dataBegins(stream: number, flags: number, length: number): void {
    this.#blocks.check(frameType.data, stream);
    this.#received(length);
    this.#dataStream = stream;
    this.#dataIsLast = (flags & flag.endStream) !== 0;
  }

  data(bytes: Buffer, start: number, end: number): number {
    this.#calls.data(this.#dataStream, bytes, start, end);
    return end;
  }

  dataEnds(): void {
    if (this.#dataIsLast) this.#calls.dataEnded(this.#dataStream);
  }

  #settings(flags: number, bytes: Buffer, start: number, end: number): void {
    takeSettings(this.#outbox, flags, bytes, start, end, (id, value) => this.#calls.setting(id, value));
    const opened = this.#opened;
    this.#opened = null;
    clearTimeout(this.#connectTimer);
    opened?.(null);
  }

  #goaway(bytes: Buffer, start: number, end: number): void {
    if (end - start < 8) expectLength('GOAWAY', end - start, 8);
    const code = readUint32(bytes, start + 4);
    const text = bytes.toString('latin1', start + 8, end);
    const reason = `GOAWAY with code ${code} ${text}`.trim();
    const wasUsable = this.usable();
    this.#calls.goaway(readUint31(bytes, start), reason);
    if (wasUsable) this.#tellUnusable(reason);
  }
}

/** What a server speaks whose first bytes these are; '' when it may be HTTP/2. */
function otherProtocol(bytes: Buffer, length: number): string {
  const begin = bytes.toString('latin1', 0, Math.min(length, 5));
  if (begin === 'HTTP/') return 'the server speaks HTTP/1.1, and gRPC needs HTTP/2';
  // A TLS record (RFC 8446 5.1): an alert about what we said.
  if (begin.startsWith('\x15\x03')) return 'the server speaks TLS, and the endpoint says plain text';
  return '';
}
