// Buffers for whole messages, used again by later ones: a new one of some hundred KiB costs more than what is copied into it.

const smallest = 16 << 10;
const keptBytes = 32 << 20;

export interface MessageBuffers {
  /** A buffer of at least so many bytes. */
  take(bytes: number): Buffer;
  /** Nobody refers to it any more. */
  give(buffer: Buffer): void;
}

/** Lengths are powers of two, each with its own free list. */
export function createMessageBuffers(): MessageBuffers {
  const free: Buffer[][] = [];
  let freeBytes = 0;
  const rank = (bytes: number): number => 32 - Math.clz32(Math.max(smallest, bytes) - 1);
  return {
    take(bytes) {
      const found = free[rank(bytes)]?.pop();
      if (found === undefined) return Buffer.allocUnsafeSlow(2 ** rank(bytes));
      freeBytes -= found.length;
      return found;
    },
    give(buffer) {
      if (freeBytes + buffer.length > keptBytes) return;
      freeBytes += buffer.length;
      const at = rank(buffer.length);
      free[at] ??= [];
      free[at].push(buffer);
    },
  };
}
