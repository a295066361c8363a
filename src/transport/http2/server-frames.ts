// What each frame of a client means (RFC 9113 section 6): those about the connection here, those about a stream in
// server-streams.ts.
import type { ConnectionHost, ServerConnection } from './connection.ts';
import { ConnectionError } from './connection-error.ts';
import type { FrameHandler } from './frame-reader.ts';
import { errorCode, flag, frame, frameType, readUint31, setting, settingsAck } from './frames.ts';
import { HeaderBlocks } from './header-blocks.ts';
import type { Outbox } from './outbox.ts';
import { readSettings } from './peer-settings.ts';
import type { ReplySender } from './reply-sender.ts';
import type { ServerStreams } from './server-streams.ts';

const pingBytes = 8;
/** Longest header block that is read at all: lists beyond the limit are refused, but their connection goes on. */
const minMaxBlockBytes = 64 << 10;

export class ServerFrames implements FrameHandler {
  /** SETTINGS came, which follow the client's preface. */
  isGreeted = false;
  /** Frames so far. */
  count = 0;
  readonly #connection: ServerConnection;
  readonly #host: ConnectionHost;
  readonly #streams: ServerStreams;
  readonly #sender: ReplySender;
  readonly #outbox: Outbox;
  readonly #blocks: HeaderBlocks;
  #blockBegan = 0;
  #pingAnswered: (() => void)[] = [];

  constructor(
    connection: ServerConnection,
    host: ConnectionHost,
    streams: ServerStreams,
    sender: ReplySender,
    outbox: Outbox,
  ) {
    this.#connection = connection;
    this.#host = host;
    this.#streams = streams;
    this.#sender = sender;
    this.#outbox = outbox;
    this.#blocks = new HeaderBlocks(Math.max(minMaxBlockBytes, host.limits.maxHeaderBytes * 2));
  }

  get isFull(): boolean {
    return this.#outbox.isFull;
  }

  /** When a header block began that has not ended; 0: there is none. */
  get blockSince(): number {
    return this.#blocks.isOpen ? this.#blockBegan : 0;
  }

  /** Sends a PING; `answered` is called when its ACK came. */
  ping(answered: () => void): void {
    this.#pingAnswered.push(answered);
    this.#outbox.put(frame(frameType.ping, 0, 0, Buffer.alloc(pingBytes)));
  }

  frame(type: number, flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    if (this.#connection.ended) return;
    this.count++;
    // 3.4: the client's preface "MUST be followed by a SETTINGS frame".
    if (!this.isGreeted && type !== frameType.settings) this.#notGreeted();
    this.#blocks.check(type, stream);
    switch (type) {
      case frameType.headers:
      case frameType.continuation: {
        const isFirst = type === frameType.headers;
        if (isFirst) this.#blockBegan = this.#connection.now;
        else this.#connection.spend('continuation');
        const block = isFirst
          ? this.#blocks.headers(flags, stream, bytes, start, end)
          : this.#blocks.continuation(flags, bytes, start, end);
        if (block !== null) this.#streams.headers(block, this.#connection.now);
        return;
      }
      case frameType.windowUpdate:
        this.#windowUpdate(stream, bytes, start, end);
        return;
      case frameType.rstStream:
        // 6.4
        this.#expectStream('RST_STREAM', stream, end - start, 4);
        this.#streams.wasReset(stream);
        return;
      case frameType.settings:
        this.#settings(flags, stream, bytes, start, end);
        return;
      case frameType.ping:
        this.#ping(flags, stream, bytes, start, end);
        return;
      case frameType.goaway:
        // 6.8: the client opens no more streams, and takes none from us; those under way go on.
        this.#expectConnection('GOAWAY', stream);
        if (end - start < 8) this.#badLength('GOAWAY', end - start);
        this.#connection.spend('unknown');
        return;
      case frameType.priority:
        this.#priority(stream, bytes, start, end);
        return;
      case frameType.pushPromise:
        // 8.4: "A client cannot push. Thus, servers MUST treat the receipt of a PUSH_PROMISE frame as a connection error of type
        // PROTOCOL_ERROR."
        throw new ConnectionError(errorCode.protocolError, 'PUSH_PROMISE from a client');
      default:
        // 4.1: "Implementations MUST ignore and discard frames of unknown types."
        this.#connection.spend('unknown');
    }
  }

  dataBegins(stream: number, flags: number, length: number): void {
    if (this.#connection.ended) return;
    this.count++;
    if (!this.isGreeted) this.#notGreeted();
    this.#blocks.check(frameType.data, stream);
    this.#streams.dataBegins(stream, flags, length);
  }

  data(bytes: Buffer, start: number, end: number): number {
    return this.#streams.data(bytes, start, end);
  }

  dataEnds(): void {
    this.#streams.dataEnds();
  }

  #settings(flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    // 6.5: "If an endpoint receives a SETTINGS frame whose Stream Identifier field is anything other than 0x00, the endpoint
    // MUST respond with a connection error of type PROTOCOL_ERROR."
    this.#expectConnection('SETTINGS', stream);
    if (this.isGreeted) this.#connection.spend('settings');
    if ((flags & flag.ack) !== 0) {
      // "Receipt of a SETTINGS frame with the ACK flag set and a length field value other than 0 MUST be treated as a connection
      // error of type FRAME_SIZE_ERROR."
      if (end > start) this.#badLength('SETTINGS with ACK', end - start);
      if (!this.isGreeted) this.#notGreeted();
      this.#streams.isSettled = true;
      return;
    }
    this.isGreeted = true;
    let window = -1;
    readSettings(bytes, start, end, (identifier, value) => {
      if (identifier === setting.initialWindowSize) {
        // Of several the last alone matters: a frame may have 2,730 of them, for each of 1,000 streams.
        window = value;
      } else if (identifier === setting.maxFrameSize) {
        this.#sender.setMaxFrame(value);
      } else if (identifier === setting.headerTableSize) {
        this.#sender.updateTable();
      }
      // The others are about what we do not use: pushes, streams of ours, large replies.
    });
    if (window >= 0) this.#sender.setInitialWindow(window, this.#streams.open.all());
    // "Once all values have been processed, the recipient MUST immediately emit a SETTINGS frame with the ACK flag set."
    this.#outbox.put(settingsAck);
    this.#sender.sendBlocked();
  }

  #ping(flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    // 6.7
    this.#expectConnection('PING', stream);
    if (end - start !== pingBytes) this.#badLength('PING', end - start);
    this.#connection.spend('ping');
    if ((flags & flag.ack) !== 0) {
      for (const answered of this.#pingAnswered.splice(0)) answered();
      return;
    }
    this.#outbox.put(frame(frameType.ping, flag.ack, 0, bytes.subarray(start, end)));
    this.#connection.life.onPing(this.#host.pings, this.#host.counters);
  }

  #windowUpdate(stream: number, bytes: Buffer, start: number, end: number): void {
    // 6.9: "A WINDOW_UPDATE frame with a length other than 4 octets MUST be treated as a connection error of type
    // FRAME_SIZE_ERROR."
    if (end - start !== 4) this.#badLength('WINDOW_UPDATE', end - start);
    this.#connection.spend('window_update');
    const increment = readUint31(bytes, start);
    if (stream !== 0) this.#streams.windowUpdate(stream, increment);
    // "errors on the connection flow-control window MUST be treated as a connection error"
    else if (increment === 0) throw new ConnectionError(errorCode.protocolError, 'WINDOW_UPDATE by 0');
    else this.#sender.extend(increment);
  }

  /** 5.3.2: deprecated, "an endpoint MUST … be prepared to receive" it; what it says is ignored. */
  #priority(stream: number, bytes: Buffer, start: number, end: number): void {
    this.#connection.spend('priority');
    // 6.3
    if (stream === 0) throw new ConnectionError(errorCode.protocolError, 'PRIORITY on stream 0');
    const isWrong = end - start !== 5;
    // RFC 7540 5.3.1: "A stream cannot depend on itself. An endpoint MUST treat this as a stream error of type PROTOCOL_ERROR."
    if (!isWrong && readUint31(bytes, start) !== stream) return;
    const code = isWrong ? errorCode.frameSizeError : errorCode.protocolError;
    // 6.4: "RST_STREAM frames MUST NOT be sent for a stream in the "idle" state."
    if (stream % 2 === 0 || stream > this.#streams.last)
      throw new ConnectionError(code, `PRIORITY on stream ${stream}`);
    this.#streams.wrong(stream, code);
  }

  #notGreeted(): never {
    throw new ConnectionError(errorCode.protocolError, 'the first frame is not SETTINGS');
  }

  #expectConnection(what: string, stream: number): void {
    if (stream !== 0) throw new ConnectionError(errorCode.protocolError, `${what} on stream ${stream}`);
  }

  #expectStream(what: string, stream: number, length: number, expected: number): void {
    if (stream === 0) throw new ConnectionError(errorCode.protocolError, `${what} on stream 0`);
    if (length !== expected) this.#badLength(what, length);
  }

  #badLength(what: string, length: number): never {
    throw new ConnectionError(errorCode.frameSizeError, `${what} of ${length} bytes`);
  }
}
