// A gRPC client for one fixed unary method, cheap enough not to be the bottleneck of a bench: frames on a bare socket,
// request headers encoded once, replies recognised by their bytes.
import { connect as connectSocket, type Socket } from 'node:net';
import {
  defaultMaxFrame,
  defaultWindow,
  errorCode,
  flag,
  frame,
  frameHeaderBytes,
  frameType,
  largestWindow,
  preface,
  rstStreamFrame,
  setting,
  settingsFrame,
  windowUpdateFrame,
  writeFrameHeader,
} from '../../src/transport/http2/frames.ts';
import { HpackDecoder } from '../../src/transport/http2/hpack/decoder.ts';
import { encodeHeaders } from '../../src/transport/http2/hpack/encoder.ts';
import { createHeaderCollector, takePing, takeSettings } from './control.ts';
import { createFrameReader, type FrameHandler } from './frame-reader.ts';
import { createOutbox, type Outbox } from './outbox.ts';

export interface UnaryClientOptions {
  readonly host: string;
  readonly port: number;
  /** `/package.Service/Method`. */
  readonly path: string;
  /** More request headers, names in lower case. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Called once when the connection takes no more calls: it closed, or the server said GOAWAY. */
  readonly onUnusable?: (reason: string) => void;
}

/** `status`: the gRPC status; -1 when the transport failed and whether the server took the call is not known. */
export interface UnaryReply {
  readonly status: number;
  readonly message: string;
  /** The reply message without its length prefix; empty when there was none. */
  readonly body: Buffer;
}

export interface UnaryClient {
  /**
   * Starts a call. `body` is one length-prefixed gRPC message and must not change until `done`, which is called exactly
   * once, never synchronously.
   */
  call(body: Buffer, done: (reply: UnaryReply) => void): void;
  /** Whether new calls can be made. */
  usable(): boolean;
  inFlight(): number;
  /** Ends the connection; calls under way fail. */
  close(): void;
}

interface Call {
  readonly stream: number;
  readonly body: Buffer;
  readonly done: (reply: UnaryReply) => void;
  sent: number;
  /** What the server's stream window still allows; may be negative after SETTINGS made it smaller. */
  window: number;
  replyBytes: number;
  replyParts: Buffer[] | null;
  ended: boolean;
}

const noBody = Buffer.alloc(0);
const accepted: UnaryReply = { status: 0, message: '', body: noBody };
const messagePrefixBytes = 5;
/** Trailers above this end the connection. */
const largestTrailers = 256 * 1024;
/** Where the stream id stands in a frame header. */
const streamAt = 5;
/** Bytes of reply taken before the connection's window is opened again. */
const windowStep = 1 << 24;
const hello = Buffer.concat([
  preface,
  settingsFrame([
    [setting.headerTableSize, 0],
    [setting.enablePush, 0],
  ]),
  windowUpdateFrame(0, largestWindow - defaultWindow),
]);

/** Resolves when the socket is connected and the preface is on its way. Rejects with the socket's error. */
export function connectUnary(options: UnaryClientOptions): Promise<UnaryClient> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ host: options.host, port: options.port, noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(new Connection(socket, options));
    });
  });
}

function requestHeaders(options: UnaryClientOptions): Buffer {
  const block = encodeHeaders([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', options.path],
    [':authority', `${options.host}:${options.port}`],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ['user-agent', 'spanload'],
    ...(options.headers ?? []),
  ]);
  return frame(frameType.headers, flag.endHeaders, 0, block);
}

class Connection implements UnaryClient, FrameHandler {
  readonly #socket: Socket;
  readonly #outbox: Outbox;
  readonly #headers: Buffer;
  readonly #onUnusable: ((reason: string) => void) | undefined;
  readonly #collectHeaders = createHeaderCollector();
  readonly #calls = new Map<number, Call>();
  /** Calls of which not everything is sent, the oldest first. */
  #sending: Call[] = [];
  #nextStream = 1;
  /** Why no new call is taken; empty while they are. */
  #unusable = '';
  #sendWindow = defaultWindow;
  #initialWindow = defaultWindow;
  #maxFrame = defaultMaxFrame;
  /** Reply bytes not yet given back to the connection's window. */
  #received = 0;
  /** Without a dynamic table, so that header blocks need not be decoded to keep it right, and equal blocks say the same. */
  readonly #decoder = new HpackDecoder(0, largestTrailers);
  /** The last trailers that said OK: the next ones are most likely the same bytes. */
  #okTrailers = noBody;

  constructor(socket: Socket, options: UnaryClientOptions) {
    this.#socket = socket;
    this.#outbox = createOutbox(socket);
    this.#headers = requestHeaders(options);
    this.#onUnusable = options.onUnusable;
    const reader = createFrameReader(this, defaultMaxFrame);
    socket.on('data', (chunk) => {
      try {
        reader.push(chunk);
        if (this.#sending.length > 0) this.#pump();
        this.#outbox.flush();
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on('error', (error) => this.#failAll(error.message));
    socket.on('close', () => this.#failAll('connection closed'));
    this.#outbox.put(hello, 0, hello.length);
    this.#outbox.flush();
  }

  call(body: Buffer, done: (reply: UnaryReply) => void): void {
    if (this.#unusable !== '') {
      process.nextTick(done, { status: 14, message: this.#unusable, body: noBody });
      return;
    }
    const stream = this.#nextStream;
    this.#nextStream += 2;
    if (this.#nextStream > largestWindow) this.#becomeUnusable('stream ids used up');
    const call: Call = {
      stream,
      body,
      done,
      sent: 0,
      window: this.#initialWindow,
      replyBytes: 0,
      replyParts: null,
      ended: false,
    };
    this.#calls.set(stream, call);
    const at = this.#outbox.reserve(this.#headers.length);
    this.#headers.copy(this.#outbox.block, at);
    this.#outbox.block.writeUInt32BE(stream, at + streamAt);
    if (this.#sending.length === 0) this.#sendSome(call);
    if (call.sent < body.length) this.#sending.push(call);
  }

  usable(): boolean {
    return this.#unusable === '';
  }

  inFlight(): number {
    return this.#calls.size;
  }

  close(): void {
    this.#becomeUnusable('closed');
    this.#socket.destroy();
  }

  #becomeUnusable(reason: string): void {
    if (this.#unusable !== '') return;
    this.#unusable = reason;
    this.#onUnusable?.(reason);
  }

  #finish(call: Call, status: number, message: string, body: Buffer): void {
    if (call.ended) return;
    call.ended = true;
    this.#calls.delete(call.stream);
    if (call.sent < call.body.length && this.#socket.writable) {
      // RFC 9113 8.1: a server may answer before it has the whole request; the rest is not sent.
      const reset = rstStreamFrame(call.stream, errorCode.cancel);
      this.#outbox.put(reset, 0, reset.length);
    }
    call.done(status === 0 && body.length === 0 ? accepted : { status, message, body });
    if (this.#unusable !== '' && this.#calls.size === 0) this.#socket.destroySoon();
  }

  #failAll(message: string): void {
    this.#becomeUnusable(message);
    for (const call of [...this.#calls.values()]) this.#finish(call, -1, message, noBody);
    this.#sending = [];
  }

  #sendSome(call: Call): void {
    const { body, stream } = call;
    while (call.sent < body.length) {
      const n = Math.min(body.length - call.sent, this.#maxFrame, this.#sendWindow, call.window);
      if (n <= 0) return;
      const end = call.sent + n;
      const at = this.#outbox.reserve(frameHeaderBytes);
      writeFrameHeader(this.#outbox.block, at, n, frameType.data, end === body.length ? flag.endStream : 0, stream);
      this.#outbox.put(body, call.sent, end);
      call.sent = end;
      call.window -= n;
      this.#sendWindow -= n;
    }
  }

  /** Sends what the windows allow. */
  #pump(): void {
    let kept = 0;
    for (const call of this.#sending) {
      if (call.ended) continue;
      this.#sendSome(call);
      if (call.sent < call.body.length) this.#sending[kept++] = call;
    }
    this.#sending.length = kept;
  }

  frame(type: number, flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    switch (type) {
      case frameType.headers:
      case frameType.continuation: {
        const block = this.#collectHeaders(type, flags, stream, bytes, start, end);
        const call = block?.endStream ? this.#calls.get(stream) : undefined;
        // Headers that do not end the stream are the response's first; only its trailers decide.
        if (block !== null && call !== undefined) this.#takeTrailers(call, block.bytes);
        return;
      }
      case frameType.windowUpdate:
        this.#takeWindowUpdate(stream, bytes.readUInt32BE(start) & largestWindow);
        return;
      case frameType.settings:
        takeSettings(bytes, start, end, flags, this.#outbox, (id, value) => this.#takeSetting(id, value));
        return;
      case frameType.ping:
        takePing(bytes, start, end, flags, this.#outbox);
        return;
      case frameType.goaway:
        this.#takeGoaway(bytes, start, end);
        return;
      case frameType.rstStream:
        this.#takeReset(stream, bytes.readUInt32BE(start));
        return;
      // PRIORITY and unknown types mean nothing to us (RFC 9113 4.1); PUSH_PROMISE we have forbidden.
    }
  }

  data(stream: number, bytes: Buffer, start: number, end: number, flowBytes: number, last: boolean): void {
    this.#received += flowBytes;
    if (this.#received >= windowStep) {
      const update = windowUpdateFrame(0, this.#received);
      this.#outbox.put(update, 0, update.length);
      this.#received = 0;
    }
    const call = this.#calls.get(stream);
    if (call === undefined) return;
    // The usual reply is an empty message in one piece: of that nothing need be kept.
    const wholeAndEmpty =
      call.replyBytes === 0 && end - start === messagePrefixBytes && bytes.readUInt32BE(start + 1) === 0;
    if (!wholeAndEmpty) {
      call.replyParts ??= [];
      call.replyParts.push(Buffer.from(bytes.subarray(start, end)));
    }
    call.replyBytes += end - start;
    if (last) this.#finish(call, -1, 'stream ended without trailers', noBody);
  }

  #takeTrailers(call: Call, block: Buffer): void {
    const body = call.replyParts === null ? noBody : Buffer.concat(call.replyParts).subarray(messagePrefixBytes);
    if (call.replyBytes >= messagePrefixBytes && block.equals(this.#okTrailers)) {
      this.#finish(call, 0, '', body);
      return;
    }
    const decoded = this.#decoder.decode(block, 0, block.length);
    if (decoded === null) throw new RangeError(`trailers above ${largestTrailers} bytes`);
    const fields = new Map(decoded.map(({ name, value }) => [name, value]));
    const text = fields.get('grpc-status');
    if (text === undefined) {
      this.#finish(call, -1, `no grpc-status; HTTP status ${fields.get(':status') ?? 'unknown'}`, body);
      return;
    }
    const status = Number(text);
    if (status === 0 && call.replyBytes < messagePrefixBytes) {
      this.#finish(call, 13, 'status OK without a reply message', body);
      return;
    }
    if (status === 0) this.#okTrailers = Buffer.from(block);
    this.#finish(call, status, fields.get('grpc-message') ?? '', body);
  }

  #takeSetting(id: number, value: number): void {
    if (id === setting.maxFrameSize) this.#maxFrame = value;
    if (id !== setting.initialWindowSize) return;
    // RFC 9113 6.9.2: the difference applies to all open streams.
    for (const call of this.#calls.values()) call.window += value - this.#initialWindow;
    this.#initialWindow = value;
  }

  #takeWindowUpdate(stream: number, increment: number): void {
    if (stream === 0) {
      this.#sendWindow += increment;
      return;
    }
    const call = this.#calls.get(stream);
    if (call !== undefined) call.window += increment;
  }

  #takeGoaway(bytes: Buffer, start: number, end: number): void {
    const last = bytes.readUInt32BE(start) & largestWindow;
    const code = bytes.readUInt32BE(start + 4);
    const reason = `GOAWAY with code ${code} ${bytes.toString('latin1', start + 8, end)}`.trim();
    this.#becomeUnusable(reason);
    for (const call of [...this.#calls.values()]) {
      // RFC 9113 6.8: streams above the last one were not and will not be processed.
      if (call.stream > last) this.#finish(call, 14, reason, noBody);
    }
    if (this.#calls.size === 0) this.#socket.destroySoon();
  }

  #takeReset(stream: number, code: number): void {
    const call = this.#calls.get(stream);
    if (call === undefined) return;
    // RFC 9113 8.7: REFUSED_STREAM says that nothing was done with the request.
    const status = code === errorCode.refusedStream ? 14 : -1;
    this.#finish(call, status, `stream reset with code ${code}`, noBody);
  }
}
