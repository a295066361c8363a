// What client and server do alike: their outboxes, SETTINGS and PING acknowledged, frames of the right length on the right stream.
import { ConnectionError } from '../../src/transport/http2/connection-error.ts';
import {
  errorCode,
  flag,
  frame,
  frameType,
  readUint31,
  settingsAck,
  windowUpdateFrame,
} from '../../src/transport/http2/frames.ts';
import type { Outbox, OutboxBlocks } from '../../src/transport/http2/outbox.ts';
import { readSettings } from '../../src/transport/http2/peer-settings.ts';

/**
 * Of whoever sends requests: bodies of 214 KB cost 41 us of CPU each with them, 52 to 75 with 32 KiB, 78 to 114 with the 16
 * KiB of replies, 48 with 1 MiB. A server that reads slowly is sent 4 MiB more than the kernel takes, then it is waited for.
 */
export const requestBlocks: OutboxBlocks = {
  bytes: 128 << 10,
  spares: [],
  sparesKept: 64,
  maxUnreadBytes: 4 << 20,
  isBulk: true,
};

/** Longest header block that is read. */
export const largestHeaderBlock = 256 << 10;

/** Acknowledges SETTINGS and gives each of them; nothing for an acknowledgement. Throws ConnectionError. */
export function takeSettings(
  outbox: Outbox,
  flags: number,
  bytes: Buffer,
  start: number,
  end: number,
  each: (identifier: number, value: number) => void,
): void {
  if ((flags & flag.ack) !== 0) return;
  readSettings(bytes, start, end, each);
  outbox.put(settingsAck);
}

/** RFC 9113 6.7: a PING without ACK is answered with the same eight bytes. Throws ConnectionError. */
export function takePing(outbox: Outbox, flags: number, bytes: Buffer, start: number, end: number): void {
  expectLength('PING', end - start, 8);
  if ((flags & flag.ack) === 0) outbox.put(frame(frameType.ping, flag.ack, 0, bytes.subarray(start, end)));
}

/** The increment of a WINDOW_UPDATE. Throws ConnectionError. */
export function windowIncrement(bytes: Buffer, start: number, end: number): number {
  expectLength('WINDOW_UPDATE', end - start, 4);
  return readUint31(bytes, start);
}

/** `length`: of a frame's payload. Throws ConnectionError. */
export function expectLength(what: string, length: number, expected: number): void {
  if (length === expected) return;
  throw new ConnectionError(errorCode.frameSizeError, `${what} of ${length} bytes`);
}

/** Gives the connection's receive window back in large steps. */
export function createWindowKeeper(outbox: Outbox, stepBytes: number): (received: number) => void {
  let taken = 0;
  return (received) => {
    taken += received;
    if (taken < stepBytes) return;
    outbox.put(windowUpdateFrame(0, taken));
    taken = 0;
  };
}
