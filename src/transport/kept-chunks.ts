// Chunks of a body that have no place yet, and the count of what they keep alive.
import type { ServerCounters } from './grpc-server.ts';

/** Chunks below this are copied, so that a few bytes do not pin a whole buffer of the socket (64 KiB). */
const pinThresholdBytes = 4096;
/** What a kept chunk costs beside its bytes: a body may come one byte a frame. */
const chunkOverheadBytes = 256;

const noChunks: Buffer[] = [];

export class KeptChunks {
  private readonly counters: ServerCounters;
  /** The first chunk with the bytes of it to skip (the prefix), and those after it. */
  private first: Buffer | null = null;
  private firstSkip = 0;
  private rest: Buffer[] = noChunks;
  /** This call's part of `counters.heldBytesNow`. */
  private heldBytes = 0;

  constructor(counters: ServerCounters) {
    this.counters = counters;
  }

  /** `skip`: bytes of it that do not count, only ever above 0 in the first. `brief`: it will be used in this tick. */
  add(chunk: Buffer, skip: number, brief: boolean): void {
    const copied = !brief && chunk.length < pinThresholdBytes;
    const kept = copied ? copyOf(chunk) : chunk;
    this.count((copied ? kept.length : kept.buffer.byteLength) + chunkOverheadBytes);
    if (this.first === null) {
      this.first = kept;
      this.firstSkip = skip;
    } else if (this.rest === noChunks) {
      this.rest = [kept];
    } else {
      this.rest.push(kept);
    }
  }

  /** Counts bytes that are not here yet, until `clear`. */
  count(bytes: number): void {
    this.heldBytes += bytes;
    this.counters.heldBytesNow += bytes;
  }

  copyTo(memory: Buffer, offset: number): void {
    let at = offset;
    if (this.first !== null) at += this.first.copy(memory, at, this.firstSkip);
    for (const chunk of this.rest) at += chunk.copy(memory, at);
  }

  /** As one buffer; a view where there is only one chunk. */
  joined(): Buffer {
    const head = this.first === null ? noChunks : [this.first.subarray(this.firstSkip)];
    const parts = head.concat(this.rest);
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }

  clear(): void {
    this.count(-this.heldBytes);
    this.first = null;
    this.rest = noChunks;
  }
}

function copyOf(chunk: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(chunk.length);
  chunk.copy(copy, 0);
  return copy;
}
