// Cuts the bytes of a connection into frames. DATA is passed on in the pieces in which it came, without a copy; all other
// frames are small and are put together first.
import { ConnectionError } from './connection-error.ts';
import { errorCode, flag, frameHeaderBytes, frameType, readUint31 } from './frames.ts';

/** What it throws ends the connection; then nothing more may be pushed. */
export interface FrameHandler {
  /** No frame is to be begun now: `push` returns before the next one. */
  readonly isFull: boolean;
  /** A whole frame other than DATA; its payload is `bytes[start … end)`, valid during the call only. */
  frame(type: number, flags: number, stream: number, bytes: Buffer, start: number, end: number): void;
  /** A DATA frame begins; `length` is what it counts for flow control (content and padding). */
  dataBegins(stream: number, flags: number, length: number): void;
  /**
   * Content of the DATA frame that began last. Returns where it stopped taking: before `end` when it takes no more now; then
   * `push` returns too.
   */
  data(bytes: Buffer, start: number, end: number): number;
  /** The frame that began last is over, its padding too. */
  dataEnds(): void;
}

/** A frame that is long and comes slowly gets memory as its bytes come. */
const firstPayloadBytes = 512;
const noBytes = Buffer.alloc(0);

export class FrameReader {
  readonly #handler: FrameHandler;
  readonly #maxFrameBytes: number;
  // Of a frame that is put together.
  #head = noBytes;
  #headSeen = 0;
  #payload: Buffer | null = null;
  #payloadSeen = 0;
  #length = 0;
  #type = 0;
  #flags = 0;
  #stream = 0;
  // Of the DATA frame that is passed on.
  #inData = false;
  #padLengthComes = false;
  #contentLeft = 0;
  #padLeft = 0;

  /** `maxFrameBytes`: the SETTINGS_MAX_FRAME_SIZE that we have announced. */
  constructor(handler: FrameHandler, maxFrameBytes: number) {
    this.#handler = handler;
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Whether a part of a frame other than DATA has come. */
  get isMidFrame(): boolean {
    return this.#headSeen > 0 || this.#payload !== null;
  }

  /**
   * Takes the next bytes of the connection, `bytes[start … end)`. Returns where it stopped: before `end` only when `data`
   * took no more, or the handler is full; the rest is then to be pushed again. Throws ConnectionError.
   */
  push(bytes: Buffer, start: number, end: number): number {
    let at = start;
    for (;;) {
      if (this.#inData) {
        at = this.#passData(bytes, at, end);
        if (this.#inData) return at;
      } else if (this.#payload !== null) {
        at = this.#gather(bytes, at, end);
        if (this.#payload !== null) return at;
      } else if (at === end || this.#handler.isFull) {
        return at;
      } else if (this.#headSeen === 0 && end - at >= frameHeaderBytes) {
        at = this.#begin(bytes, at, at + frameHeaderBytes, end);
      } else {
        at = this.#gatherHead(bytes, at, end);
      }
    }
  }

  #gatherHead(bytes: Buffer, start: number, end: number): number {
    if (this.#headSeen === 0) this.#head = Buffer.allocUnsafe(frameHeaderBytes);
    const at = Math.min(end, start + frameHeaderBytes - this.#headSeen);
    bytes.copy(this.#head, this.#headSeen, start, at);
    this.#headSeen += at - start;
    if (this.#headSeen < frameHeaderBytes) return at;
    this.#headSeen = 0;
    return this.#begin(this.#head, 0, at, end, bytes);
  }

  /** A frame header at `head[headAt]`; its payload begins at `bytes[at]`. Returns where what was used of it ends. */
  #begin(head: Buffer, headAt: number, at: number, end: number, bytes: Buffer = head): number {
    const length = (head[headAt] << 16) | (head[headAt + 1] << 8) | head[headAt + 2];
    const type = head[headAt + 3];
    const flags = head[headAt + 4];
    const stream = readUint31(head, headAt + 5);
    // 4.2: "An endpoint MUST send an error code of FRAME_SIZE_ERROR if a frame exceeds the size defined in
    // SETTINGS_MAX_FRAME_SIZE". For the whole connection: what lies behind such a frame is not worth looking for.
    if (length > this.#maxFrameBytes) {
      const message = `frame of ${length} bytes, allowed are ${this.#maxFrameBytes}`;
      throw new ConnectionError(errorCode.frameSizeError, message);
    }
    if (type === frameType.data) {
      this.#handler.dataBegins(stream, flags, length);
      this.#inData = true;
      this.#contentLeft = length;
      this.#padLeft = 0;
      this.#padLengthComes = (flags & flag.padded) !== 0;
      if (this.#padLengthComes && length === 0) this.#badPadding();
      return at;
    }
    if (end - at >= length) {
      this.#handler.frame(type, flags, stream, bytes, at, at + length);
      return at + length;
    }
    this.#type = type;
    this.#flags = flags;
    this.#stream = stream;
    this.#length = length;
    this.#payloadSeen = 0;
    this.#payload = Buffer.allocUnsafe(Math.min(length, firstPayloadBytes));
    return at;
  }

  #gather(bytes: Buffer, start: number, end: number): number {
    let payload = this.#payload ?? noBytes;
    const seen = this.#payloadSeen;
    const at = Math.min(end, start + this.#length - seen);
    const now = seen + at - start;
    if (now > payload.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#length, Math.max(now, payload.length * 2)));
      payload.copy(larger, 0, 0, seen);
      payload = larger;
      this.#payload = larger;
    }
    bytes.copy(payload, seen, start, at);
    this.#payloadSeen = now;
    if (now < this.#length) return at;
    this.#payload = null;
    this.#handler.frame(this.#type, this.#flags, this.#stream, payload, 0, this.#length);
    return at;
  }

  #passData(bytes: Buffer, start: number, end: number): number {
    let at = start;
    if (this.#padLengthComes) {
      if (at === end) return at;
      this.#padLeft = bytes[at++];
      this.#padLengthComes = false;
      this.#contentLeft -= 1 + this.#padLeft;
      if (this.#contentLeft < 0) this.#badPadding();
    }
    if (this.#contentLeft > 0) {
      const contentEnd = Math.min(end, at + this.#contentLeft);
      if (contentEnd > at) {
        const taken = this.#handler.data(bytes, at, contentEnd);
        this.#contentLeft -= taken - at;
        at = taken;
      }
      if (this.#contentLeft > 0) return at;
    }
    const padEnd = Math.min(end, at + this.#padLeft);
    this.#padLeft -= padEnd - at;
    if (this.#padLeft === 0) {
      this.#inData = false;
      this.#handler.dataEnds();
    }
    return padEnd;
  }

  #badPadding(): never {
    // 6.1: "If the length of the padding is the length of the frame payload or greater, the recipient MUST treat this as a
    // connection error of type PROTOCOL_ERROR."
    throw new ConnectionError(errorCode.protocolError, 'padding longer than its DATA frame');
  }
}
