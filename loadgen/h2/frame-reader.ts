// Cuts the bytes of a socket into frames. DATA is passed on in the pieces in which it came, without a copy; all other
// frames are small and are put together first.
import { flag, frameHeaderBytes, frameType } from '../../src/transport/http2/frames.ts';

export interface FrameHandler {
  /** A whole frame other than DATA; its payload is `bytes[start … end)`, valid during the call only. */
  frame(type: number, flags: number, stream: number, bytes: Buffer, start: number, end: number): void;
  /**
   * A piece of a DATA frame's content. `flowBytes`: what it counts for flow control (content and padding).
   * `last`: the END_STREAM flag was set and this was the last piece. A frame without content gives one empty piece.
   */
  data(stream: number, bytes: Buffer, start: number, end: number, flowBytes: number, last: boolean): void;
}

export interface FrameReader {
  /** Takes the next bytes of the connection. Throws RangeError when a frame exceeds the limit. */
  push(chunk: Buffer): void;
}

const empty = Buffer.alloc(0);

export function createFrameReader(handler: FrameHandler, maxFrameBytes: number): FrameReader {
  let pending: Buffer = empty;
  // An unpadded DATA frame being passed on: bytes still to come.
  let dataLeft = 0;
  let dataStream = 0;
  let dataLast = false;

  function passData(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + dataLeft);
    dataLeft -= end - at;
    handler.data(dataStream, bytes, at, end, end - at, dataLast && dataLeft === 0);
    return end;
  }

  function paddedData(bytes: Buffer, start: number, end: number, stream: number, flags: number): void {
    const contentEnd = end - bytes[start];
    if (contentEnd < start + 1) throw new RangeError('padding longer than its DATA frame');
    handler.data(stream, bytes, start + 1, contentEnd, end - start, (flags & flag.endStream) !== 0);
  }

  /** Reads one frame at `at`; returns where the next begins, or -1 when more bytes are needed. */
  function next(bytes: Buffer, at: number): number {
    if (bytes.length - at < frameHeaderBytes) return -1;
    const length = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
    if (length > maxFrameBytes) throw new RangeError(`frame of ${length} bytes, allowed are ${maxFrameBytes}`);
    const type = bytes[at + 3];
    const flags = bytes[at + 4];
    const stream = bytes.readUInt32BE(at + 5) & 0x7fff_ffff;
    const start = at + frameHeaderBytes;
    if (type === frameType.data && (flags & flag.padded) === 0) {
      dataLeft = length;
      dataStream = stream;
      dataLast = (flags & flag.endStream) !== 0;
      return passData(bytes, start);
    }
    const end = start + length;
    if (bytes.length < end) return -1;
    if (type === frameType.data) paddedData(bytes, start, end, stream, flags);
    else handler.frame(type, flags, stream, bytes, start, end);
    return end;
  }

  return {
    push(chunk) {
      const bytes = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      let at = 0;
      if (dataLeft > 0) at = passData(bytes, 0);
      while (dataLeft === 0 && at < bytes.length) {
        const after = next(bytes, at);
        if (after < 0) break;
        at = after;
      }
      pending = at < bytes.length ? bytes.subarray(at) : empty;
    },
  };
}
