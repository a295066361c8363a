// The server's side of one connection: gathers messages, asks what to do with them, answers. It trusts its peer to be fair,
// not to be right: bytes that make no sense end the connection.
import type { Socket } from 'node:net';
import { ConnectionError } from '../../src/transport/http2/connection-error.ts';
import { type FrameHandler, FrameReader } from '../../src/transport/http2/frame-reader.ts';
import {
  defaultMaxFrame,
  defaultWindow,
  errorCode,
  flag,
  frameType,
  goawayFrame,
  largestWindow,
  preface,
  rstStreamFrame,
  setting,
  settingsFrame,
  windowUpdateFrame,
} from '../../src/transport/http2/frames.ts';
import { HeaderBlocks } from '../../src/transport/http2/header-blocks.ts';
import { Outbox } from '../../src/transport/http2/outbox.ts';
import type { Action } from './action.ts';
import {
  type Answer,
  answerOf,
  framesOf,
  usualAnswer,
  usualContentBytes,
  usualReply,
  usualStreamsAt,
} from './answer.ts';
import {
  createWindowKeeper,
  expectLength,
  largestHeaderBlock,
  takePing,
  takeSettings,
  windowIncrement,
} from './control.ts';
import { createMessageBuffers } from './message-buffers.ts';
import { createRequestHeads, type RequestHead, type RequestInfo } from './request-head.ts';

/** What is decided of a request when its headers are there. */
export interface Beginning {
  /** How fast its message is read; what follows on the connection waits. Infinity: as fast as it comes. */
  readonly bytesPerSecond: number;
}

/** Neither throws; a promise does not reject. */
export interface MessageService<B extends Beginning> {
  begin(): B;
  /**
   * Takes one message without its prefix, as it was sent: compressed where `request.encoding` says so. Its bytes are valid
   * during the call only. `begun`: what `begin` gave for it.
   */
  take(message: Buffer, request: RequestInfo, begun: B): Action | Promise<Action>;
}

interface Stream<B> {
  readonly id: number;
  readonly head: RequestHead;
  readonly begun: B;
  /** Prefix and message; null before its first byte, and once it was handled. */
  buffer: Buffer | null;
  used: number;
}

const prefixBytes = 5;
/** Request bytes taken before the connection's window is opened again. */
const windowStepBytes = 1 << 22;
/** A timer takes 31 bits of milliseconds, and fires at once when given more. */
const longestTimerMs = 2 ** 31 - 1;
/** Larger messages are nonsense. */
const largestMessage = 1 << 30;
/** RFC 7541 6.3: the dynamic table has no bytes any more; it never had any. */
const emptyTable = Buffer.of(0x20);
/** Of all connections. */
const buffers = createMessageBuffers();

// Stream windows are as large as can be: a backend that takes a message takes all of it.
const hello = Buffer.concat([
  settingsFrame([[setting.initialWindowSize, largestWindow]]),
  windowUpdateFrame(0, largestWindow - defaultWindow),
]);

export class ServerConnection<B extends Beginning> implements FrameHandler {
  readonly isFull = false;
  readonly #socket: Socket;
  readonly #service: MessageService<B>;
  readonly #outbox: Outbox;
  readonly #reader = new FrameReader(this, defaultMaxFrame);
  readonly #blocks = new HeaderBlocks(largestHeaderBlock);
  readonly #readHead = createRequestHeads();
  readonly #received: (bytes: number) => void;
  /** Those that are not answered, or not whole. */
  readonly #streams = new Map<number, Stream<B>>();
  #lastStream = 0;
  #prefaceSeen = 0;
  #ended = false;
  // Of the DATA frame that is read.
  #data: Stream<B> | null = null;
  #dataIsLast = false;
  #sendWindow = defaultWindow;
  /** Answers that wait for the client's connection window, the oldest first. */
  readonly #blocked: { readonly stream: number; readonly answer: Answer }[] = [];
  /** RFC 9113 4.3.1: a client that made the table smaller must see in the next block that we know. */
  #tableUpdateDue = false;
  #pausedUntil = 0;
  #resume: NodeJS.Timeout | undefined;

  constructor(socket: Socket, service: MessageService<B>) {
    this.#socket = socket;
    this.#service = service;
    this.#outbox = new Outbox(socket);
    this.#received = createWindowKeeper(this.#outbox, windowStepBytes);
    // What a broken socket says is told by its close too.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#close());
    this.#outbox.put(hello);
  }

  /** Nothing more is read for so long, after what was asked for before. */
  #rest(ms: number): void {
    const now = performance.now();
    this.#pausedUntil = Math.max(now, this.#pausedUntil) + ms;
    this.#socket.pause();
    clearTimeout(this.#resume);
    this.#resume = setTimeout(() => this.#socket.resume(), Math.min(longestTimerMs, this.#pausedUntil - now));
  }

  /** The next bytes of the connection, `bytes[0 … length)`, which are not kept. */
  read(bytes: Buffer, length: number): void {
    if (this.#ended) return;
    try {
      const at = this.#prefaceSeen < preface.length ? this.#readPreface(bytes, length) : 0;
      this.#reader.push(bytes, at, length);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#outbox.put(goawayFrame(this.#lastStream, error.code, error.message));
      this.#outbox.flush();
      this.#close();
      this.#socket.destroySoon();
    }
  }

  /** Cuts it at once. */
  cut(): void {
    this.#close();
    this.#socket.destroy();
  }

  #close(): void {
    this.#ended = true;
    clearTimeout(this.#resume);
    for (const stream of [...this.#streams.values()]) this.#forget(stream);
  }

  #readPreface(bytes: Buffer, length: number): number {
    let at = 0;
    while (this.#prefaceSeen < preface.length && at < length) {
      if (bytes[at++] !== preface[this.#prefaceSeen++]) {
        throw new ConnectionError(errorCode.protocolError, 'this is not the preface of HTTP/2');
      }
    }
    return at;
  }

  frame(type: number, flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    if (this.#ended) return;
    this.#blocks.check(type, stream);
    switch (type) {
      case frameType.headers:
      case frameType.continuation: {
        const isFirst = type === frameType.headers;
        const block = isFirst
          ? this.#blocks.headers(flags, stream, bytes, start, end)
          : this.#blocks.continuation(flags, bytes, start, end);
        if (block !== null) this.#headers(block.stream, block.endStream, this.#readHead(block));
        return;
      }
      case frameType.settings:
        takeSettings(this.#outbox, flags, bytes, start, end, (id) => {
          if (id === setting.headerTableSize) this.#tableUpdateDue = true;
        });
        return;
      case frameType.ping:
        takePing(this.#outbox, flags, bytes, start, end);
        return;
      case frameType.rstStream: {
        expectLength('RST_STREAM', end - start, 4);
        const open = this.#streams.get(stream);
        if (open !== undefined) this.#forget(open);
        return;
      }
      case frameType.windowUpdate:
        this.#windowUpdate(stream, windowIncrement(bytes, start, end));
        return;
      // GOAWAY: no more streams come. PRIORITY and unknown types mean nothing (RFC 9113 4.1).
    }
  }

  #headers(id: number, endStream: boolean, head: RequestHead): void {
    if (id % 2 === 0) throw new ConnectionError(errorCode.protocolError, `HEADERS on stream ${id}`);
    let stream = this.#streams.get(id);
    if (id > this.#lastStream) {
      this.#lastStream = id;
      stream = { id, head, begun: this.#service.begin(), buffer: null, used: 0 };
      this.#streams.set(id, stream);
    }
    // Else trailers of the request.
    if (endStream && stream !== undefined) this.#complete(stream);
  }

  dataBegins(stream: number, flags: number, length: number): void {
    if (this.#ended) return;
    this.#blocks.check(frameType.data, stream);
    this.#received(length);
    if (stream > this.#lastStream) throw new ConnectionError(errorCode.protocolError, `DATA on idle stream ${stream}`);
    // One that was answered before all of it came is none of ours any more.
    this.#data = this.#streams.get(stream) ?? null;
    this.#dataIsLast = (flags & flag.endStream) !== 0;
  }

  data(bytes: Buffer, start: number, end: number): number {
    const stream = this.#data;
    if (stream === null) return end;
    const used = stream.used + end - start;
    let { buffer } = stream;
    if (buffer === null || used > buffer.length) {
      buffer = largerBuffer(stream, used, bytes, start, end);
      stream.buffer = buffer;
    }
    bytes.copy(buffer, stream.used, start, end);
    stream.used = used;
    const { bytesPerSecond } = stream.begun;
    if (bytesPerSecond !== Number.POSITIVE_INFINITY) this.#rest(((end - start) / bytesPerSecond) * 1000);
    return end;
  }

  dataEnds(): void {
    if (this.#dataIsLast && this.#data !== null) this.#complete(this.#data);
    this.#data = null;
  }

  #forget(stream: Stream<B>): void {
    this.#streams.delete(stream.id);
    if (this.#data === stream) this.#data = null;
    if (stream.buffer !== null) buffers.give(stream.buffer);
    stream.buffer = null;
  }

  #complete(stream: Stream<B>): void {
    const { buffer, used, head, begun } = stream;
    if (buffer === null || used < prefixBytes || buffer.readUInt32BE(1) !== used - prefixBytes) {
      const message = `a message of ${used} bytes does not have the length that its prefix says`;
      throw new ConnectionError(errorCode.protocolError, message);
    }
    const request = buffer[0] === 0 ? head.plain : head.compressed;
    if (request === null) throw new ConnectionError(errorCode.protocolError, 'compressed, without grpc-encoding');
    const action = this.#service.take(buffer.subarray(prefixBytes, used), request, begun);
    if (stream.buffer === null) return;
    buffers.give(buffer);
    stream.buffer = null;
    if (action instanceof Promise) void action.then((later) => this.#act(stream, later));
    else this.#act(stream, action);
  }

  #act(stream: Stream<B>, action: Action): void {
    // Meanwhile the client may have reset it, or gone.
    if (this.#ended || this.#streams.get(stream.id) !== stream || action.kind === 'silent') return;
    this.#streams.delete(stream.id);
    switch (action.kind) {
      case 'ok':
        if (!this.#tableUpdateDue && this.#sendWindow >= usualContentBytes) this.#usual(stream.id);
        else this.#answer(stream.id, usualAnswer);
        return;
      case 'partial':
      case 'status':
        this.#answer(stream.id, answerOf(action));
        return;
      case 'reset':
        // Not a code after which clients try again by themselves.
        this.#outbox.put(rstStreamFrame(stream.id, errorCode.internalError));
        return;
      case 'disconnect':
        this.#close();
        this.#socket.resetAndDestroy();
        return;
    }
  }

  #usual(stream: number): void {
    this.#sendWindow -= usualContentBytes;
    const at = this.#outbox.reserve(usualReply.length);
    const { block } = this.#outbox;
    block.set(usualReply, at);
    for (let i = 0; i < usualStreamsAt.length; i++) block.writeUInt32BE(stream, at + usualStreamsAt[i]);
  }

  #answer(stream: number, answer: Answer): void {
    const contentBytes = answer.content?.length ?? 0;
    if (contentBytes > this.#sendWindow || (contentBytes > 0 && this.#blocked.length > 0)) {
      this.#blocked.push({ stream, answer });
      return;
    }
    this.#sendWindow -= contentBytes;
    const head = this.#tableUpdateDue ? Buffer.concat([emptyTable, answer.head]) : answer.head;
    this.#tableUpdateDue = false;
    for (const each of framesOf(stream, { ...answer, head })) this.#outbox.put(each);
  }

  #windowUpdate(stream: number, increment: number): void {
    if (stream !== 0) return;
    this.#sendWindow += increment;
    for (const { stream: waiting, answer } of this.#blocked.splice(0)) this.#answer(waiting, answer);
  }
}

/** Most often the first piece holds the prefix, which tells how much comes. */
function largerBuffer(stream: Stream<unknown>, used: number, bytes: Buffer, start: number, end: number): Buffer {
  const hasPrefix = stream.used === 0 && end - start >= prefixBytes;
  const announced = hasPrefix ? bytes.readUInt32BE(start + 1) + prefixBytes : 0;
  const wanted = Math.max(announced, stream.buffer === null ? used : 2 * used);
  if (wanted > largestMessage) {
    throw new ConnectionError(errorCode.protocolError, `a message of ${wanted} bytes`);
  }
  const larger = buffers.take(wanted);
  if (stream.buffer !== null) {
    stream.buffer.copy(larger, 0, 0, stream.used);
    buffers.give(stream.buffer);
  }
  return larger;
}
