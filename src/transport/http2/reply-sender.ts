// What a server sends on its streams, within the windows that the client gives (RFC 9113 5.2, 6.9): the usual answer from a
// template, all others from header blocks.

import { type GrpcStatus, statusFields } from '../grpc-status.ts';
import { ConnectionError } from './connection-error.ts';
import {
  defaultMaxFrame,
  defaultWindow,
  errorCode,
  flag,
  frame,
  frameHeaderBytes,
  frameType,
  largestWindow,
  writeFrameHeader,
} from './frames.ts';
import { encodeHeaders } from './hpack/encoder.ts';
import type { Outbox } from './outbox.ts';
import type { Http2Stream } from './stream.ts';

/** An uncompressed message of length 0: an empty Export…Response. */
const emptyMessage = Buffer.alloc(5);
const continueHead = encodeHeaders([[':status', '100']]);
const okHead = encodeHeaders([
  [':status', '200'],
  ['content-type', 'application/grpc'],
]);
const okTrailers = encodeHeaders([['grpc-status', '0']]);
const okReply = Buffer.concat([
  frame(frameType.headers, flag.endHeaders, 0, okHead),
  frame(frameType.data, 0, 0, emptyMessage),
  frame(frameType.headers, flag.endHeaders | flag.endStream, 0, okTrailers),
]);
/** RFC 7541 6.3: the dynamic table has no bytes any more. It never had any: replies are encoded without one. */
const emptyTable = Buffer.of(0x20);
/** Where the stream stands in a frame header. */
const streamAt = 5;
const okStreamsAt = [
  streamAt,
  frameHeaderBytes + okHead.length + streamAt,
  2 * frameHeaderBytes + okHead.length + emptyMessage.length + streamAt,
] as const;

export class ReplySender {
  readonly #outbox: Outbox;
  readonly #sent: (stream: Http2Stream) => void;
  /** Of the connection. */
  #window = defaultWindow;
  /** Of a new stream. */
  initialWindow = defaultWindow;
  #maxFrame = defaultMaxFrame;
  /**
   * RFC 9113 4.3.1: a client that made the table smaller must see in the next header block that we know. One block is
   * enough, since that says 0.
   */
  #tableUpdateDue = false;
  /** Streams with content that waits for a window, the oldest first. */
  readonly #blocked = new Set<Http2Stream>();

  /** `sent`: called with each stream whose reply is complete. */
  constructor(outbox: Outbox, sent: (stream: Http2Stream) => void) {
    this.#outbox = outbox;
    this.#sent = sent;
  }

  /** The client may send its content. */
  goOn(stream: Http2Stream): void {
    this.#headers(stream.id, continueHead, false);
  }

  /** OK, with an empty message. */
  ok(stream: Http2Stream): void {
    if (this.#tableUpdateDue || this.#window < emptyMessage.length || stream.sendWindow < emptyMessage.length) {
      this.#headers(stream.id, okHead, false);
      this.#content(stream, emptyMessage, okTrailers);
      return;
    }
    this.#window -= emptyMessage.length;
    const at = this.#outbox.reserve(okReply.length);
    const { block } = this.#outbox;
    block.set(okReply, at);
    const { id } = stream;
    for (let i = 0; i < okStreamsAt.length; i++) {
      const to = at + okStreamsAt[i];
      block[to] = id >>> 24;
      block[to + 1] = id >>> 16;
      block[to + 2] = id >>> 8;
      block[to + 3] = id;
    }
    this.#sent(stream);
  }

  /** A message, with its prefix, of a response that goes on until `end`. */
  message(stream: Http2Stream, framed: Buffer): void {
    if (!stream.goesOn) this.#headers(stream.id, okHead, false);
    stream.goesOn = true;
    if (stream.unsent === null) this.#content(stream, framed, null);
    else stream.unsent = Buffer.concat([stream.unsent, framed]);
  }

  /** Ends such a response; null: OK. */
  end(stream: Http2Stream, status: GrpcStatus | null): void {
    stream.goesOn = false;
    stream.trailers = status === null ? okTrailers : encodeHeaders(statusFields(status));
    if (stream.unsent === null) this.#complete(stream);
  }

  /** An error: in the headers alone, but for a word in plain text to whoever came with something else than gRPC. */
  fail(stream: Http2Stream, status: GrpcStatus, httpStatus: number): void {
    const isGrpc = httpStatus === 200;
    const head = encodeHeaders([
      [':status', String(httpStatus)],
      ['content-type', isGrpc ? 'application/grpc' : 'text/plain; charset=utf-8'],
      ...statusFields(status),
    ]);
    this.#headers(stream.id, head, isGrpc);
    if (isGrpc) this.#sent(stream);
    else this.#content(stream, Buffer.from(`${status.message}\n`), null);
  }

  /** 6.9: the client gives window to the connection. Throws ConnectionError. */
  extend(increment: number): void {
    this.#window += increment;
    // 6.9.1: "A sender MUST NOT allow a flow-control window to exceed 2^31-1 octets."
    if (this.#window > largestWindow) {
      throw new ConnectionError(errorCode.flowControlError, 'the connection window exceeds 2^31-1');
    }
    this.sendBlocked();
  }

  /** … or to a stream. False when its window got too large. */
  extendStream(stream: Http2Stream, increment: number): boolean {
    stream.sendWindow += increment;
    if (stream.sendWindow > largestWindow) return false;
    if (stream.unsent !== null) this.sendBlocked();
    return true;
  }

  /**
   * 6.9.2: "When the value of SETTINGS_INITIAL_WINDOW_SIZE changes, a receiver MUST adjust the size of all stream flow-control
   * windows that it maintains by the difference between the new value and the old value." `sendBlocked` is to follow. Throws ConnectionError.
   */
  setInitialWindow(value: number, streams: Iterable<Http2Stream>): void {
    const difference = value - this.initialWindow;
    this.initialWindow = value;
    for (const stream of streams) {
      stream.sendWindow += difference;
      if (stream.sendWindow > largestWindow) {
        throw new ConnectionError(errorCode.flowControlError, `the window of stream ${stream.id} exceeds 2^31-1`);
      }
    }
  }

  updateTable(): void {
    this.#tableUpdateDue = true;
  }

  setMaxFrame(value: number): void {
    this.#maxFrame = value;
  }

  /** The stream is gone. */
  forget(stream: Http2Stream): void {
    if (stream.unsent !== null) this.#blocked.delete(stream);
  }

  /** The stream that has waited longest for a window, and not less than `ms`; null: none. */
  waitingFor(ms: number, now: number): Http2Stream | null {
    for (const stream of this.#blocked) return now - stream.unsentSince >= ms ? stream : null;
    return null;
  }

  /** Sends what windows that have grown allow. */
  sendBlocked(): void {
    for (const stream of this.#blocked) {
      if (this.#window <= 0) return;
      if (stream.sendWindow > 0 && this.#send(stream)) this.#blocked.delete(stream);
    }
  }

  #headers(id: number, fields: Buffer, endStream: boolean): void {
    const block = this.#tableUpdateDue ? Buffer.concat([emptyTable, fields]) : fields;
    this.#tableUpdateDue = false;
    const end = endStream ? flag.endStream : 0;
    for (let from = 0; from === 0 || from < block.length; from += this.#maxFrame) {
      const piece = block.subarray(from, from + this.#maxFrame);
      const last = from + this.#maxFrame >= block.length ? flag.endHeaders : 0;
      this.#outbox.put(
        from === 0 ? frame(frameType.headers, end | last, id, piece) : frame(frameType.continuation, last, id, piece),
      );
    }
  }

  /** Content, and then trailers; null: the content ends the stream. */
  #content(stream: Http2Stream, content: Buffer, trailers: Buffer | null): void {
    stream.unsent = content;
    stream.trailers = trailers;
    if (this.#send(stream)) return;
    stream.unsentSince = performance.now();
    this.#blocked.add(stream);
  }

  /** Sends what the windows allow; true when that was all. */
  #send(stream: Http2Stream): boolean {
    let unsent = stream.unsent ?? emptyMessage;
    while (unsent.length > 0) {
      const length = Math.min(unsent.length, this.#window, stream.sendWindow, this.#maxFrame);
      if (length <= 0) break;
      const isLast = length === unsent.length && stream.trailers === null && !stream.goesOn;
      const head = Buffer.alloc(frameHeaderBytes);
      writeFrameHeader(head, 0, length, frameType.data, isLast ? flag.endStream : 0, stream.id);
      this.#outbox.put(head);
      this.#outbox.put(unsent.subarray(0, length));
      unsent = unsent.subarray(length);
      this.#window -= length;
      stream.sendWindow -= length;
    }
    stream.unsent = unsent;
    if (unsent.length > 0) return false;
    stream.unsent = null;
    if (!stream.goesOn) this.#complete(stream);
    return true;
  }

  #complete(stream: Http2Stream): void {
    if (stream.trailers !== null) this.#headers(stream.id, stream.trailers, true);
    this.#sent(stream);
  }
}
