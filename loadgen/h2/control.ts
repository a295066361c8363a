// What client and server answer alike: SETTINGS and PING acknowledged, header blocks put together.
import { flag, frame, frameType, settingsAck } from '../../src/transport/http2/frames.ts';
import type { Outbox } from './outbox.ts';

/** Calls `each` for every entry of a SETTINGS payload and acknowledges it; nothing for an acknowledgement. */
export function takeSettings(
  bytes: Buffer,
  start: number,
  end: number,
  flags: number,
  outbox: Outbox,
  each: (id: number, value: number) => void,
): void {
  if (flags & flag.ack) return;
  for (let at = start; at + 6 <= end; at += 6) each(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2));
  outbox.put(settingsAck, 0, settingsAck.length);
}

/** RFC 9113 6.7: a PING without ACK is answered with the same eight bytes. */
export function takePing(bytes: Buffer, start: number, end: number, flags: number, outbox: Outbox): void {
  if (flags & flag.ack) return;
  const answer = frame(frameType.ping, flag.ack, 0, bytes.subarray(start, end));
  outbox.put(answer, 0, answer.length);
}

export interface HeaderBlock {
  readonly stream: number;
  readonly endStream: boolean;
  /** Valid during the call only. */
  readonly bytes: Buffer;
}

/** Puts HEADERS and its CONTINUATION frames together; gives the block with the frame that completes it, else null. */
export function createHeaderCollector(): (
  type: number,
  flags: number,
  stream: number,
  bytes: Buffer,
  start: number,
  end: number,
) => HeaderBlock | null {
  let parts: Buffer[] = [];
  let endStream = false;

  return (type, flags, stream, bytes, start, end) => {
    let from = start;
    let to = end;
    if (type === frameType.headers) {
      parts = [];
      endStream = (flags & flag.endStream) !== 0;
      if (flags & flag.padded) to -= bytes[from++];
      if (flags & flag.priority) from += 5;
      if (from > to) throw new RangeError('padding longer than its HEADERS frame');
    }
    const piece = bytes.subarray(from, to);
    if (flags & flag.endHeaders) {
      return { stream, endStream, bytes: parts.length === 0 ? piece : Buffer.concat([...parts, piece]) };
    }
    parts.push(Buffer.from(piece));
    return null;
  };
}
