// The streams of a connection on the server's side: what HEADERS, DATA, RST_STREAM and WINDOW_UPDATE mean in each state of a
// stream (RFC 9113 5.1), and the windows for what is received (5.2).
import type { GrpcStatus } from '../grpc-status.ts';
import { grpcCode } from '../grpc-status.ts';
import { UnaryCall } from '../unary-call.ts';
import { ClosedStreams } from './closed-streams.ts';
import type { ConnectionHost, ServerConnection } from './connection.ts';
import { ConnectionError } from './connection-error.ts';
import { defaultWindow, errorCode, flag, largestWindow, rstStreamFrame, windowUpdateFrame } from './frames.ts';
import type { HeaderBlock } from './header-blocks.ts';
import type { Outbox } from './outbox.ts';
import type { ReplySender } from './reply-sender.ts';
import type { Opening, RequestHeads } from './request-heads.ts';
import { Http2Stream } from './stream.ts';
import { StreamTable } from './stream-table.ts';

/** DATA of less content, and not the last, brings nothing forward. */
const tinyDataBytes = 64;
/** Beside an announced message: its prefix, and some padding. */
const windowBesideMessage = 1024;

export class ServerStreams {
  /** Open and half-closed ones. */
  readonly open = new StreamTable();
  /** Highest stream that the client has opened. */
  last = 0;
  /** Our SETTINGS were acknowledged: the client knows our windows. */
  isSettled = false;
  /** After the last GOAWAY: no more streams. */
  isFinishing = false;
  readonly #connection: ServerConnection;
  readonly #host: ConnectionHost;
  readonly #outbox: Outbox;
  readonly #sender: ReplySender;
  readonly #heads: RequestHeads;
  readonly #closed = new ClosedStreams();
  /** What the client may send in DATA on all streams, and what of it is to be given back. */
  #receiveWindow: number;
  #consumed = 0;
  /** Of the DATA frame under way; null: its content is ignored. */
  #dataStream: Http2Stream | null = null;
  #dataLast = false;
  #dataBytes = 0;

  constructor(connection: ServerConnection, host: ConnectionHost, outbox: Outbox, sender: ReplySender) {
    this.#connection = connection;
    this.#host = host;
    this.#outbox = outbox;
    this.#sender = sender;
    this.#heads = host.requestHeads();
    this.#receiveWindow = Math.max(defaultWindow, host.limits.connectionWindowBytes);
  }

  /** A whole header block. `now`: of performance.now(), when its last byte came. Throws ConnectionError. */
  headers(block: HeaderBlock, now: number): void {
    const { stream: id } = block;
    // 5.1.1: "Streams initiated by a client MUST use odd-numbered stream identifiers … An endpoint that receives an unexpected
    // stream identifier MUST respond with a connection error of type PROTOCOL_ERROR." 0 is none (6.2).
    if (id % 2 === 0) throw new ConnectionError(errorCode.protocolError, `HEADERS on stream ${id}`);
    if (id > this.last) {
      this.last = id;
      this.#opened(block, this.#heads.open(block), now);
    } else {
      this.#trailers(block, this.#heads.trailers(block));
    }
  }

  #opened(block: HeaderBlock, opening: Opening, now: number): void {
    const { stream: id, endStream } = block;
    // 5.1.2: "An endpoint that receives a HEADERS frame that causes its advertised concurrent stream limit to be exceeded MUST
    // treat this as a stream error of type PROTOCOL_ERROR or REFUSED_STREAM." The latter tells it to try again.
    if (this.isFinishing || this.open.size >= this.#host.limits.maxConcurrentStreams) {
      this.wrong(id, errorCode.refusedStream);
    } else if (opening.kind === 'malformed' || block.dependsOnItself) {
      this.wrong(id, errorCode.protocolError);
    } else {
      const { streamWindowBytes } = this.#host.limits;
      const receiveWindow = this.isSettled ? streamWindowBytes : Math.max(defaultWindow, streamWindowBytes);
      const contentLength = opening.kind === 'request' ? opening.contentLength : -1;
      const stream = new Http2Stream(id, this.#sender.initialWindow, receiveWindow, contentLength, endStream);
      this.open.add(stream);
      this.#connection.life.streamsNow++;
      if (opening.kind === 'too_large') this.#tooLarge(stream);
      else {
        stream.pausedBefore = this.#connection.pausedMs(now);
        const call = new UnaryCall(this.#host.shared, stream, this.#connection, opening.head, now);
        stream.call = call;
        call.begin();
        this.#heads.judged(block, opening);
        if (opening.expectsContinue && !endStream && call.mayContinue()) this.#sender.goOn(stream);
        // Unless it was answered at its headers.
        if (endStream && this.open.get(id) === stream) this.#bodyEnded(stream);
      }
    }
  }

  /** RFC 6585: 431 says that the header fields are too large. The call never was one of a method. */
  #tooLarge(stream: Http2Stream): void {
    const message = `the header fields are larger than ${this.#host.limits.maxHeaderBytes} bytes`;
    this.fail(stream, { code: grpcCode.RESOURCE_EXHAUSTED, message }, 431);
    this.#connection.spend('refused');
  }

  #trailers({ stream: id, endStream }: HeaderBlock, malformed: string): void {
    const stream = this.open.get(id);
    if (stream === null) {
      const closing = this.#closed.find(id);
      if (closing === 'by_us') {
        this.#connection.spend('late');
        return;
      }
      // 5.1.1: "The identifier of a newly established stream MUST be numerically greater than all streams that the initiating
      // endpoint has opened"; 5.1: of a closed one, "a connection error of type STREAM_CLOSED".
      const code = closing === 'by_client' ? errorCode.streamClosed : errorCode.protocolError;
      throw new ConnectionError(code, `HEADERS on stream ${id}, which is not open`);
    }
    // 5.1, half-closed (remote): "it MUST respond with a stream error of type STREAM_CLOSED".
    if (stream.remoteEnded) this.wrong(id, errorCode.streamClosed);
    // 8.1: trailers end the stream.
    else if (!endStream || malformed !== '') this.wrong(id, errorCode.protocolError);
    else this.#bodyEnded(stream);
  }

  dataBegins(id: number, flags: number, length: number): void {
    // 6.1: "If a DATA frame is received whose Stream Identifier field is 0x00, the recipient MUST respond with a connection
    // error of type PROTOCOL_ERROR"; 5.1: so for an idle stream.
    if (id % 2 === 0 || id > this.last) throw new ConnectionError(errorCode.protocolError, `DATA on stream ${id}`);
    // 5.2.1, 6.9: all DATA counts, whatever became of its stream.
    this.#receiveWindow -= length;
    if (this.#receiveWindow < 0) {
      throw new ConnectionError(errorCode.flowControlError, 'DATA beyond the window of the connection');
    }
    this.#dataBytes = length;
    this.#dataLast = (flags & flag.endStream) !== 0;
    if (length < tinyDataBytes && !this.#dataLast) this.#connection.spend('empty_data');
    const stream = this.open.get(id);
    this.#dataStream = null;
    if (stream === null) {
      if (this.#closed.find(id) !== 'by_us') this.wrong(id, errorCode.streamClosed);
      return;
    }
    stream.receiveWindow -= length;
    // 5.1, half-closed (remote).
    if (stream.remoteEnded) this.wrong(id, errorCode.streamClosed);
    // 6.9.1: "… MUST respond with a stream error or connection error of type FLOW_CONTROL_ERROR".
    else if (stream.receiveWindow < 0) this.wrong(id, errorCode.flowControlError);
    else this.#dataStream = stream;
  }

  data(bytes: Buffer, start: number, end: number): number {
    const stream = this.#dataStream;
    if (stream === null || stream.call === null) return end;
    const taken = stream.call.data(bytes, start, end);
    stream.bodyBytes += taken - start;
    return taken;
  }

  dataEnds(): void {
    this.#consume(this.#dataBytes);
    const stream = this.#dataStream;
    this.#dataStream = null;
    // It may have been closed by what its data were.
    if (stream === null || this.open.get(stream.id) !== stream) return;
    if (this.#dataLast) this.#bodyEnded(stream);
    else if (stream.receiveWindow < this.#host.limits.streamWindowBytes / 2) {
      this.#extend(stream, this.#host.limits.streamWindowBytes);
    }
  }

  /** The window of the connection is given back half by half. */
  #consume(bytes: number): void {
    this.#consumed += bytes;
    if (this.#consumed < this.#host.limits.connectionWindowBytes / 2) return;
    this.#outbox.put(windowUpdateFrame(0, this.#consumed));
    this.#receiveWindow += this.#consumed;
    this.#consumed = 0;
  }

  #extend(stream: Http2Stream, window: number): void {
    const increment = Math.min(window, largestWindow) - stream.receiveWindow;
    if (increment <= 0 || stream.remoteEnded) return;
    this.#outbox.put(windowUpdateFrame(stream.id, increment));
    stream.receiveWindow += increment;
  }

  /** There is a place for all of the message: the client may send it without waiting for us. */
  admitted(stream: Http2Stream, announced: number): void {
    this.#extend(stream, announced + windowBesideMessage);
  }

  #bodyEnded(stream: Http2Stream): void {
    stream.remoteEnded = true;
    // 8.1.1: "A request or response is also malformed if the value of a content-length header field does not equal the sum of
    // the DATA frame payload lengths that form the content."
    if (stream.contentLength !== -1 && stream.contentLength !== stream.bodyBytes) {
      this.wrong(stream.id, errorCode.protocolError);
    } else {
      stream.call?.end();
    }
  }

  /** Sends the answer of a call that was refused or failed. */
  fail(stream: Http2Stream, status: GrpcStatus, httpStatus: number): void {
    this.#connection.life.forgivePings = true;
    if (stream.waits) this.#connection.losePatience();
    this.#sender.fail(stream, status, httpStatus);
  }

  ok(stream: Http2Stream): void {
    this.#connection.life.forgivePings = true;
    this.#connection.earn();
    this.#sender.ok(stream);
  }

  /** A message of a response that `end` ends. */
  message(stream: Http2Stream, framed: Buffer): void {
    this.#connection.life.forgivePings = true;
    this.#sender.message(stream, framed);
  }

  end(stream: Http2Stream, status: GrpcStatus | null): void {
    this.#connection.life.forgivePings = true;
    if (status === null) this.#connection.earn();
    this.#sender.end(stream, status);
  }

  /** All of the reply was sent. */
  replied(stream: Http2Stream): void {
    if (!stream.remoteEnded) {
      // 8.1: "the server MAY request that the client abort transmission of a request without error by sending a RST_STREAM
      // with an error code of NO_ERROR after sending a complete response".
      this.#outbox.put(rstStreamFrame(stream.id, errorCode.noError));
    }
    this.#close(stream, !stream.remoteEnded);
  }

  /** RST_STREAM from the client. Throws ConnectionError. */
  wasReset(id: number): void {
    const stream = this.open.get(id);
    if (stream !== null) {
      this.#close(stream, false);
      this.#connection.spend('reset');
      return;
    }
    // 6.4: of a stream that is idle, "a connection error of type PROTOCOL_ERROR".
    this.#checkNotIdle(id, 'RST_STREAM');
    // grpc-go resets each stream that we ended before it had sent all of its request.
    this.#connection.spend(this.#closed.find(id) === 'by_us' ? 'late' : 'reset');
  }

  /** WINDOW_UPDATE for a stream. Throws ConnectionError. */
  windowUpdate(id: number, increment: number): void {
    const stream = this.open.get(id);
    // 5.1, closed: "WINDOW_UPDATE or RST_STREAM frames can be received in this state for a short period" and are ignored.
    if (stream === null) this.#checkNotIdle(id, 'WINDOW_UPDATE');
    // 6.9: "A receiver MUST treat the receipt of a WINDOW_UPDATE frame with a flow-control window increment of 0 as a stream
    // error of type PROTOCOL_ERROR".
    else if (increment === 0) this.wrong(id, errorCode.protocolError);
    else if (!this.#sender.extendStream(stream, increment)) this.wrong(id, errorCode.flowControlError);
  }

  #checkNotIdle(id: number, what: string): void {
    if (id % 2 === 0 || id > this.last) throw new ConnectionError(errorCode.protocolError, `${what} on stream ${id}`);
  }

  /** 5.4.2: a stream error, of a stream that may be idle or closed. Throws ConnectionError when there were too many. */
  wrong(id: number, code: number): void {
    const stream = this.open.get(id);
    if (stream !== null) this.reset(stream, code);
    else {
      this.#outbox.put(rstStreamFrame(id, code));
      this.#closed.add(id, true);
    }
    this.#connection.spend('refused');
  }

  /** Gives the stream up. */
  reset(stream: Http2Stream, code: number): void {
    this.#outbox.put(rstStreamFrame(stream.id, code));
    this.#close(stream, true);
  }

  #close(stream: Http2Stream, byUs: boolean): void {
    if (!this.open.delete(stream.id)) return;
    this.#closed.add(stream.id, byUs);
    this.#sender.forget(stream);
    stream.call?.closed();
    this.#connection.streamClosed(stream);
  }

  /** The connection is gone. */
  closeAll(): void {
    for (const stream of this.open.all()) this.#close(stream, false);
  }
}
