// What waits for the store's thread to be free. Entries are copied into buffers that go over to the thread and come back.
import { type EntryKey, encodeKey, valueHeaderBytes } from './keys.ts';
import type { Batch, Put } from './protocol.ts';

/** Buffers have a multiple of it. Larger entries get one of their own. */
const bufferBytes = 2 ** 20;
/** Of buffers that are kept for later: fresh pages cost several times what the copy into them does. */
const mostSpareBytes = 16 * bufferBytes;

export interface Waiter<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}
export interface PendingPut extends Waiter<void> {
  readonly entry: EntryKey;
}
export interface PendingRemove extends Waiter<void> {
  readonly entries: readonly EntryKey[];
}
export interface PendingRead extends Waiter<Buffer> {
  readonly entry: EntryKey;
}

const aligned = (at: number): number => (at + 7) & ~7;

/** Makes one batch. */
export class Pending {
  readonly puts: PendingPut[] = [];
  readonly removes: PendingRemove[] = [];
  readonly reads: PendingRead[] = [];
  readonly #spares: ArrayBuffer[];
  readonly #buffers: ArrayBuffer[] = [];
  readonly #placed: Put[] = [];
  /** Of the last buffer. */
  #used = 0;

  constructor(spares: ArrayBuffer[]) {
    this.#spares = spares;
  }

  get isEmpty(): boolean {
    return this.puts.length === 0 && this.removes.length === 0 && this.reads.length === 0;
  }

  /** Copies the segments, which have `entry.bytes` bytes. */
  put(entry: EntryKey, segments: readonly Buffer[], waiter: Waiter<void>): void {
    const key = encodeKey(entry);
    const valueLength = valueHeaderBytes + entry.bytes;
    const keyAt = this.#room(aligned(key.length) + valueLength);
    const valueAt = keyAt + aligned(key.length);
    const buffer = this.#buffers.length - 1;
    const memory = new Uint8Array(this.#buffers[buffer]);
    memory.set(key, keyAt);
    let at = valueAt + valueHeaderBytes;
    for (const segment of segments) {
      memory.set(segment, at);
      at += segment.length;
    }
    this.#used = aligned(at);
    this.#placed.push({ buffer, keyAt, keyLength: key.length, valueAt, valueLength });
    this.puts.push({ ...waiter, entry });
  }

  /** Where so many bytes have room in the last buffer. */
  #room(bytes: number): number {
    const last = this.#buffers.at(-1);
    if (last !== undefined && this.#used + bytes <= last.byteLength) return this.#used;
    const fits = this.#spares.findIndex(({ byteLength }) => byteLength >= bytes);
    const [spare] = fits < 0 ? [] : this.#spares.splice(fits, 1);
    this.#buffers.push(spare ?? new ArrayBuffer(Math.ceil(bytes / bufferBytes) * bufferBytes));
    return 0;
  }

  /** The buffers are to be transferred with it. */
  batch(): Batch & { readonly buffers: ArrayBuffer[] } {
    return {
      kind: 'batch',
      buffers: this.#buffers,
      puts: this.#placed,
      removes: this.removes.flatMap(({ entries }) => entries.map(encodeKey)),
      reads: this.reads.map(({ entry }) => encodeKey(entry)),
    };
  }

  rejectAll(error: Error): void {
    for (const { reject } of [...this.puts, ...this.removes, ...this.reads]) reject(error);
  }
}

/** Takes buffers back. */
export function keepSpares(spares: ArrayBuffer[], buffers: readonly ArrayBuffer[]): void {
  let kept = spares.reduce((sum, { byteLength }) => sum + byteLength, 0);
  for (const buffer of buffers) {
    if (kept + buffer.byteLength > mostSpareBytes) continue;
    spares.push(buffer);
    kept += buffer.byteLength;
  }
}
