// Gathers what is to be written to a connection, so that many frames go out in one write at the end of the turn.
import type { Socket } from 'node:net';

/** Where outboxes get their blocks from. All of a thread that send alike share them: one has none while it has nothing to say. */
export interface OutboxBlocks {
  /** Of a block, and so of a write. */
  readonly bytes: number;
  /** Blocks that no connection uses. */
  readonly spares: Buffer[];
  readonly sparesKept: number;
  /** Bytes that a peer has not read, from which on the outbox is full. */
  readonly maxUnreadBytes: number;
  /** Whether blocks that the kernel did not take at once are used again when it has: for who sends more than it takes. */
  readonly isBulk: boolean;
}

/** Of a server that answers: small ones, most of which the kernel takes at once. */
const replyBlocks: OutboxBlocks = {
  bytes: 16 << 10,
  spares: [],
  sparesKept: 64,
  maxUnreadBytes: 64 << 10,
  isBulk: false,
};
const none = Buffer.alloc(0);

/** A block that the socket may still refer to. */
interface LentBlock {
  readonly block: Buffer;
  /** It is free when the socket has taken so many bytes in all. */
  readonly until: number;
}

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
  readonly #blocks: OutboxBlocks;
  #used = 0;
  #isDue = false;
  // Of bulk: what the socket was given in all, and the blocks of it that it may not have taken yet, the oldest first.
  #given = 0;
  readonly #lent: LentBlock[] = [];

  constructor(socket: Socket, blocks: OutboxBlocks = replyBlocks) {
    this.#socket = socket;
    this.#blocks = blocks;
  }

  /** Appends `length` bytes, at most a block, which the caller must write at once to `block`, from the position returned. */
  reserve(length: number): number {
    if (this.#used + length > this.block.length) {
      this.flush();
      this.block = this.#blocks.spares.pop() ?? Buffer.allocUnsafeSlow(this.#blocks.bytes);
    }
    if (!this.#isDue) {
      this.#isDue = true;
      if (due.push(this) === 1) queueMicrotask(flushDue);
    }
    const at = this.#used;
    this.#used += length;
    return at;
  }

  /** Appends a copy of `bytes[start … end)`. */
  put(bytes: Buffer, start = 0, end = bytes.length): void {
    const blockBytes = this.#blocks.bytes;
    for (let from = start; from < end; from += blockBytes) {
      const to = Math.min(end, from + blockBytes);
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
    socket.write(used === block.length ? block : block.subarray(0, used));
    // Usually the kernel has taken all of it by now; else the socket refers to the block.
    const unread = socket.writableLength;
    if (unread > this.#blocks.maxUnreadBytes) this.isFull = true;
    if (this.#blocks.isBulk) this.#lend(block, used, unread);
    else if (unread === 0) this.#spare(block);
  }

  #lend(block: Buffer, used: number, unread: number): void {
    const lent = this.#lent;
    this.#given += used;
    const taken = this.#given - unread;
    while (lent.length > 0 && lent[0].until <= taken) this.#spare(lent.shift()?.block ?? none);
    if (unread === 0) this.#spare(block);
    else lent.push({ block, until: this.#given });
  }

  #spare(block: Buffer): void {
    const { spares, sparesKept } = this.#blocks;
    if (spares.length < sparesKept) spares.push(block);
  }
}
