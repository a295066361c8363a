// The one shared WebAssembly memory of a lane, and the views that every thread makes of it. A position is a byte offset
// into it and means the same in all threads. The memory is reserved whole at start, so that the views never go stale;
// pages that nothing touched cost nothing.

/** What Buffer has and its types do not say: text of a range without an intermediate view. */
export interface TextBuffer extends Buffer {
  utf8Slice(start: number, end: number): string;
  utf8Write(text: string, offset: number, length: number): number;
  latin1Write(text: string, offset: number, length: number): number;
}

export interface SharedMemory {
  readonly memory: WebAssembly.Memory;
  readonly bytes: Uint8Array;
  /** The same bytes as a Buffer, for text (`utf8Slice`) and sockets. */
  readonly buffer: TextBuffer;
  /** Positions and counts, by word index (offset / 4). */
  readonly words: Uint32Array;
  /** The same words signed, for what may be -1. */
  readonly ints: Int32Array;
}

const pageBytes = 65_536;
/** Keeps the last page of the 32-bit space free, so that an end offset always fits a u32. */
export const maxMemoryBytes = 65_535 * pageBytes;

export function createMemory(bytes: number): WebAssembly.Memory {
  const pages = Math.ceil(bytes / pageBytes);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

export function viewsOf(memory: WebAssembly.Memory): SharedMemory {
  const { buffer } = memory;
  return {
    memory,
    bytes: new Uint8Array(buffer),
    buffer: Buffer.from(buffer) as unknown as TextBuffer,
    words: new Uint32Array(buffer),
    ints: new Int32Array(buffer),
  };
}
