// RFC 9113 4.3: a header block is one HEADERS frame and the CONTINUATION frames that follow it, put together here.
import { ConnectionError } from './connection-error.ts';
import { errorCode, flag, frameType, readUint31 } from './frames.ts';

/** A whole block, where it lies; valid until the next frame. */
export interface HeaderBlock {
  stream: number;
  endStream: boolean;
  /** RFC 7540 5.3.1: a stream cannot depend on itself. */
  dependsOnItself: boolean;
  bytes: Buffer;
  start: number;
  end: number;
}

const noBytes = Buffer.alloc(0);

export class HeaderBlocks {
  readonly #maxBytes: number;
  readonly #block: HeaderBlock = {
    stream: 0,
    endStream: false,
    dependsOnItself: false,
    bytes: noBytes,
    start: 0,
    end: 0,
  };
  /** Of a block in pieces: one buffer, since pieces may be of one byte each, or of none. */
  #gathered = noBytes;
  #gatheredBytes = 0;
  #isOpen = false;

  /** `maxBytes`: of one block, as it is sent. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** A HEADERS frame came without END_HEADERS, and not yet its last CONTINUATION. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * 6.10: "If the END_HEADERS flag is not set, this frame MUST be followed by another CONTINUATION frame. A receiver MUST
   * treat the receipt of any other type of frame or a frame on a different stream as a connection error of type
   * PROTOCOL_ERROR." To be asked before any frame is looked at.
   */
  check(type: number, stream: number): void {
    if (this.#isOpen) {
      if (type === frameType.continuation && stream === this.#block.stream) return;
      throw new ConnectionError(errorCode.protocolError, 'a header block is not finished');
    }
    if (type === frameType.continuation) {
      throw new ConnectionError(errorCode.protocolError, 'CONTINUATION without HEADERS');
    }
  }

  /** Takes a HEADERS frame; gives the block when it is whole. */
  headers(flags: number, stream: number, bytes: Buffer, start: number, end: number): HeaderBlock | null {
    const block = this.#block;
    let from = start;
    let padding = 0;
    // HEADERS = [pad length(8)] [exclusive(1) dependency(31) weight(8)] block padding     (6.2)
    if ((flags & flag.padded) !== 0) {
      if (from === end) this.#badLength();
      padding = bytes[from++];
    }
    block.dependsOnItself = false;
    if ((flags & flag.priority) !== 0) {
      if (end - from < 5) this.#badLength();
      block.dependsOnItself = readUint31(bytes, from) === stream;
      from += 5;
    }
    const to = end - padding;
    // "Padding that exceeds the size remaining for the field block fragment MUST be treated as a PROTOCOL_ERROR."
    if (from > to) throw new ConnectionError(errorCode.protocolError, 'padding longer than its HEADERS frame');
    block.stream = stream;
    block.endStream = (flags & flag.endStream) !== 0;
    return this.#add((flags & flag.endHeaders) !== 0, bytes, from, to);
  }

  /** Takes a CONTINUATION frame of the open block. */
  continuation(flags: number, bytes: Buffer, start: number, end: number): HeaderBlock | null {
    return this.#add((flags & flag.endHeaders) !== 0, bytes, start, end);
  }

  #add(isLast: boolean, bytes: Buffer, start: number, end: number): HeaderBlock | null {
    const block = this.#block;
    if (isLast && !this.#isOpen) {
      block.bytes = bytes;
      block.start = start;
      block.end = end;
      return block;
    }
    this.#isOpen = !isLast;
    const seen = this.#gatheredBytes;
    const now = seen + end - start;
    // CONTINUATION without end: nothing of a block can be thrown away, because the next ones build on its table.
    if (now > this.#maxBytes) {
      throw new ConnectionError(
        errorCode.enhanceYourCalm,
        `header block of more than ${this.#maxBytes} bytes`,
        'headers',
      );
    }
    if (now > this.#gathered.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#maxBytes, Math.max(now, this.#gathered.length * 2)));
      this.#gathered.copy(larger, 0, 0, seen);
      this.#gathered = larger;
    }
    bytes.copy(this.#gathered, seen, start, end);
    this.#gatheredBytes = now;
    if (!isLast) return null;
    block.bytes = this.#gathered;
    block.start = 0;
    block.end = now;
    this.#gathered = noBytes;
    this.#gatheredBytes = 0;
    return block;
  }

  #badLength(): never {
    throw new ConnectionError(errorCode.frameSizeError, 'HEADERS frame too short for its flags');
  }
}
