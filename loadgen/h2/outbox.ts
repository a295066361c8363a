// Gathers what is to be written to a socket, so that many frames go out in one write. Bytes are copied in: the caller's
// buffer is free again at once.
import type { Socket } from 'node:net';

const blockBytes = 256 * 1024;
const sparesKept = 16;

export interface Outbox {
  /** The block that `reserve` speaks of. */
  readonly block: Buffer;
  /** Appends `bytes[start … end)`. */
  put(bytes: Buffer, start: number, end: number): void;
  /** Appends `length` bytes (at most a block) that the caller must fill at once, in `block` at the position returned. */
  reserve(length: number): number;
  /** Hands everything to the socket. Happens by itself at the end of the turn in which something was appended. */
  flush(): void;
}

export function createOutbox(socket: Socket): Outbox {
  const spare: Buffer[] = [];
  let block: Buffer = Buffer.allocUnsafeSlow(blockBytes);
  let used = 0;
  let scheduled = false;

  function flush(): void {
    scheduled = false;
    if (used === 0) return;
    const full = block;
    const bytes = full.subarray(0, used);
    block = spare.pop() ?? Buffer.allocUnsafeSlow(blockBytes);
    used = 0;
    if (!socket.writable) return;
    socket.write(bytes, () => {
      if (spare.length < sparesKept) spare.push(full);
    });
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    process.nextTick(flush);
  }

  return {
    get block() {
      return block;
    },
    put(bytes, start, end) {
      let at = start;
      while (at < end) {
        if (used === blockBytes) flush();
        const n = Math.min(end - at, blockBytes - used);
        bytes.copy(block, used, at, at + n);
        used += n;
        at += n;
      }
      schedule();
    },
    reserve(length) {
      if (used + length > blockBytes) flush();
      const at = used;
      used += length;
      schedule();
      return at;
    },
    flush,
  };
}
