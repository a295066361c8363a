// Gathers what is to be written to a connection, so that many frames go out in one write at the end of the turn.
import type { Socket } from 'node:net';

const blockBytes = 16 << 10;
const sparesKept = 64;
/** Bytes that a client has not read, from which on nothing more is read from it. */
const maxUnreadBytes = 64 << 10;
/** Blocks that no connection uses. All of a thread share them: one has none while it has nothing to say. */
const spares: Buffer[] = [];
const none = Buffer.alloc(0);

/** Those that have something to be flushed. */
let due: Outbox[] = [];

function flushDue(): void {
  const outboxes = due;
  due = [];
  for (const outbox of outboxes) outbox.flush();
}

export class Outbox {
  /** The client reads more slowly than it makes us write: nothing more should be read from it until the socket drains. */
  isFull = false;
  /** What `reserve` gives positions in; until the next call. */
  block: Buffer = none;
  readonly #socket: Socket;
  #used = 0;
  #isDue = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Appends `length` bytes, at most a block, which the caller must write at once to `block`, from the position returned. */
  reserve(length: number): number {
    if (this.#used + length > this.block.length) {
      this.flush();
      this.block = spares.pop() ?? Buffer.allocUnsafeSlow(blockBytes);
    }
    if (!this.#isDue) {
      this.#isDue = true;
      if (due.push(this) === 1) queueMicrotask(flushDue);
    }
    const at = this.#used;
    this.#used += length;
    return at;
  }

  /** Appends a copy of the bytes. */
  put(bytes: Buffer): void {
    for (let from = 0; from < bytes.length; from += blockBytes) {
      const to = Math.min(bytes.length, from + blockBytes);
      const at = this.reserve(to - from);
      bytes.copy(this.block, at, from, to);
    }
  }

  /** Hands all to the socket. Happens by itself at the end of the turn. */
  flush(): void {
    this.#isDue = false;
    const { block } = this;
    const used = this.#used;
    if (used === 0) return;
    this.block = none;
    this.#used = 0;
    const socket = this.#socket;
    if (!socket.writable) return;
    socket.write(used === blockBytes ? block : block.subarray(0, used));
    // Usually the kernel has taken all of it by now; else the socket refers to the block.
    const unread = socket.writableLength;
    if (unread === 0 && spares.length < sparesKept) spares.push(block);
    else if (unread > maxUnreadBytes) this.isFull = true;
  }
}
