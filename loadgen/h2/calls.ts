// The client's calls on one connection: begun in the order they were made, as many at a time as the server allows, sent within
// its windows, ended by their reply, their deadline, or the connection.
import { grpcCode } from '../../src/transport/grpc-status.ts';
import { ConnectionError } from '../../src/transport/http2/connection-error.ts';
import {
  defaultMaxFrame,
  defaultWindow,
  errorCode,
  flag,
  frameHeaderBytes,
  frameType,
  largestWindow,
  rstStreamFrame,
  setting,
  writeFrameHeader,
} from '../../src/transport/http2/frames.ts';
import type { HeaderBlock } from '../../src/transport/http2/header-blocks.ts';
import type { Outbox } from '../../src/transport/http2/outbox.ts';
import {
  addReplyBytes,
  type Call,
  failure,
  noBytes,
  prefixBytes,
  replyOf,
  transportFailure,
  type UnaryReply,
} from './call.ts';
import { createMessageBuffers } from './message-buffers.ts';
import { createReplyHeads } from './reply-head.ts';

export interface CallsOptions {
  /** The HEADERS frame of every request, for stream 0. */
  readonly headers: Buffer;
  /** Whether messages are compressed, and so are buffers of their own. */
  readonly isCompressed: boolean;
  /** From `start` on; 0: none. */
  readonly timeoutMs: number;
  /** No more calls can be made, though nothing broke. */
  readonly usedUp: (reason: string) => void;
  /** No call is left, and none will come. */
  readonly finished: () => void;
}

/** Where the stream stands in a frame header. */
const streamAt = 5;
/** Of all connections: what could not be sent yet. */
const copies = createMessageBuffers();

export class Calls {
  /** Why no new call is taken; empty while they are. */
  refusal = '';
  readonly #outbox: Outbox;
  readonly #options: CallsOptions;
  readonly #readHead = createReplyHeads();
  /** By stream; the oldest first. */
  readonly #open = new Map<number, Call>();
  /** Those for which the server allows no stream now. */
  #waiting: Call[] = [];
  /** Open ones of which not everything is sent, the oldest first. */
  #sending: Call[] = [];
  #nextStream = 1;
  #maxConcurrent = Number.POSITIVE_INFINITY;
  #sendWindow = defaultWindow;
  #initialWindow = defaultWindow;
  #maxFrame = defaultMaxFrame;
  #deadline: NodeJS.Timeout | undefined;

  constructor(outbox: Outbox, options: CallsOptions) {
    this.#outbox = outbox;
    this.#options = options;
  }

  count(): number {
    return this.#open.size + this.#waiting.length;
  }

  /** How many the server allows at a time. */
  limit(): number {
    return this.#maxConcurrent;
  }

  start(message: Buffer, done: (reply: UnaryReply) => void): void {
    if (this.refusal !== '') {
      process.nextTick(done, failure(transportFailure.notSent, this.refusal));
      return;
    }
    const { timeoutMs } = this.#options;
    const call: Call = {
      done,
      startedAt: timeoutMs > 0 ? performance.now() : 0,
      total: prefixBytes + message.length,
      sent: 0,
      rest: message,
      restFrom: 0,
      isCopy: false,
      stream: 0,
      window: 0,
      head: null,
      replyBytes: 0,
      replyParts: null,
      ended: false,
    };
    if (timeoutMs > 0 && this.#deadline === undefined) this.#armDeadline(timeoutMs);
    if (this.#waiting.length === 0 && this.#open.size < this.#maxConcurrent) this.#begin(call);
    else this.#waiting.push(call);
    if (call.sent < call.total) this.#keepRest(call);
  }

  /** Sends what the windows allow, and begins calls that wait. */
  pump(): void {
    if (this.#sending.length > 0 && this.#sendWindow > 0 && !this.#outbox.isFull) {
      let kept = 0;
      for (const call of this.#sending) {
        if (call.ended) continue;
        this.#sendSome(call);
        if (call.sent < call.total) this.#sending[kept++] = call;
        else this.#dropRest(call);
      }
      this.#sending.length = kept;
    }
    while (this.#waiting.length > 0 && this.#open.size < this.#maxConcurrent) {
      const call = this.#waiting.shift();
      if (call === undefined || call.ended) continue;
      this.#begin(call);
      if (call.sent === call.total) this.#dropRest(call);
    }
  }

  #begin(call: Call): void {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    if (this.#nextStream > largestWindow) this.#options.usedUp('the stream ids of the connection are used up');
    call.stream = stream;
    call.window = this.#initialWindow;
    this.#open.set(stream, call);
    const { headers } = this.#options;
    const at = this.#outbox.reserve(headers.length);
    const { block } = this.#outbox;
    block.set(headers, at);
    block.writeUInt32BE(stream, at + streamAt);
    this.#sendSome(call);
    if (call.sent < call.total) this.#sending.push(call);
  }

  #sendSome(call: Call): void {
    const outbox = this.#outbox;
    const { total, stream } = call;
    while (call.sent < total && !outbox.isFull) {
      const { sent } = call;
      const length = Math.min(total - sent, this.#maxFrame, this.#sendWindow, call.window);
      if (length <= 0) return;
      const prefixLength = sent < prefixBytes ? Math.min(prefixBytes - sent, length) : 0;
      const at = outbox.reserve(frameHeaderBytes + prefixLength);
      const flags = sent + length === total ? flag.endStream : 0;
      writeFrameHeader(outbox.block, at, length, frameType.data, flags, stream);
      if (prefixLength > 0) this.#writePrefix(outbox.block, at + frameHeaderBytes, call, prefixLength);
      const from = sent + prefixLength - prefixBytes - call.restFrom;
      if (length > prefixLength) outbox.put(call.rest, from, from + length - prefixLength);
      call.sent = sent + length;
      call.window -= length;
      this.#sendWindow -= length;
    }
  }

  /** The next bytes of the prefix: a window may end inside it. */
  #writePrefix(to: Buffer, at: number, { sent, total }: Call, length: number): void {
    for (let i = 0; i < length; i++) {
      const byte = sent + i;
      const isFlag = byte === 0;
      to[at + i] = isFlag ? Number(this.#options.isCompressed) : (total - prefixBytes) >>> (8 * (4 - byte));
    }
  }

  /** The caller's message is the caller's again. */
  #keepRest(call: Call): void {
    if (this.#options.isCompressed) return;
    const from = Math.max(0, call.sent - prefixBytes);
    const copy = copies.take(call.rest.length - from);
    call.rest.copy(copy, 0, from);
    call.rest = copy;
    call.restFrom = from;
    call.isCopy = true;
  }

  #dropRest(call: Call): void {
    if (call.isCopy) copies.give(call.rest);
    call.isCopy = false;
    call.rest = noBytes;
  }

  #finish(call: Call, reply: UnaryReply): void {
    if (call.ended) return;
    call.ended = true;
    this.#open.delete(call.stream);
    this.#dropRest(call);
    call.done(reply);
    if (this.refusal !== '' && this.count() === 0) this.#options.finished();
  }

  /** Of a stream that is not over for the server. */
  #cancel(call: Call): void {
    if (call.stream !== 0) this.#outbox.put(rstStreamFrame(call.stream, errorCode.cancel));
  }

  /** No new calls; those that wait will not be begun. */
  refuse(reason: string): void {
    if (this.refusal !== '') return;
    this.refusal = reason;
    for (const call of this.#waiting.splice(0)) this.#finish(call, failure(transportFailure.notSent, reason));
  }

  /** The connection is gone; whether the server took the calls is not known. */
  fail(reason: string): void {
    this.refuse(reason);
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
    for (const call of [...this.#open.values()]) this.#finish(call, failure(transportFailure.unknown, reason));
    this.#sending = [];
  }

  #armDeadline(ms: number): void {
    this.#deadline = setTimeout(() => this.#sweep(), Math.max(1, Math.ceil(ms)));
  }

  /** Ends the calls whose time is over. All have the same time, so that the oldest are the first. */
  #sweep(): void {
    const { timeoutMs } = this.#options;
    const now = performance.now();
    const over = failure(grpcCode.DEADLINE_EXCEEDED, `no reply within ${timeoutMs} ms`);
    for (const call of [...this.#open.values(), ...this.#waiting]) {
      if (call.startedAt + timeoutMs > now) break;
      this.#cancel(call);
      this.#finish(call, over);
    }
    this.#waiting = this.#waiting.filter((call) => !call.ended);
    this.pump();
    const [oldest = this.#waiting[0]] = this.#open.values();
    // Not before here: calls that were made meanwhile are not to set it to their own.
    this.#deadline = undefined;
    if (oldest !== undefined) this.#armDeadline(oldest.startedAt + timeoutMs - now);
  }

  setting(identifier: number, value: number): void {
    if (identifier === setting.maxFrameSize) this.#maxFrame = value;
    else if (identifier === setting.maxConcurrentStreams) this.#maxConcurrent = value;
    else if (identifier === setting.initialWindowSize) {
      // RFC 9113 6.9.2: the difference applies to all open streams.
      for (const call of this.#open.values()) call.window += value - this.#initialWindow;
      this.#initialWindow = value;
    }
  }

  windowUpdate(stream: number, increment: number): void {
    if (stream === 0) {
      this.#sendWindow += increment;
      return;
    }
    const call = this.#open.get(stream);
    if (call !== undefined) call.window += increment;
  }

  /** Throws ConnectionError. */
  headers(block: HeaderBlock): void {
    const call = this.#open.get(block.stream);
    if (block.stream >= this.#nextStream || block.stream % 2 === 0) {
      throw new ConnectionError(errorCode.protocolError, `HEADERS on stream ${block.stream}`);
    }
    if (call === undefined) return;
    const head = this.#readHead(block);
    if (block.endStream) this.#ended(call, replyOf(call, head));
    // An interim response says nothing (RFC 9110 15.2).
    else if (!(head.httpStatus < 200)) call.head ??= head;
  }

  data(stream: number, bytes: Buffer, start: number, end: number): void {
    const call = this.#open.get(stream);
    if (call !== undefined) addReplyBytes(call, bytes, start, end);
  }

  dataEnded(stream: number): void {
    const call = this.#open.get(stream);
    if (call !== undefined) this.#ended(call, replyOf(call, null));
  }

  #ended(call: Call, reply: UnaryReply): void {
    // RFC 9113 8.1: a server may answer before it has the whole request; the rest is not sent.
    if (call.sent < call.total) this.#cancel(call);
    this.#finish(call, reply);
  }

  wasReset(stream: number, code: number): void {
    const call = this.#open.get(stream);
    if (call === undefined) return;
    // RFC 9113 8.7: REFUSED_STREAM says that nothing was done with the request.
    const status = code === errorCode.refusedStream ? grpcCode.UNAVAILABLE : transportFailure.unknown;
    this.#finish(call, failure(status, `the server reset the stream with code ${code}`));
  }

  /** RFC 9113 6.8: streams above `last` were not and will not be processed. */
  goaway(last: number, reason: string): void {
    this.refuse(reason);
    for (const call of [...this.#open.values()]) {
      if (call.stream > last) this.#finish(call, failure(grpcCode.UNAVAILABLE, reason));
    }
    if (this.count() === 0) this.#options.finished();
  }
}
