// Header blocks that were seen before on a connection. A client that calls the same method again most often sends the same
// bytes: the fields are in the dynamic table, the block is their indexes. As long as the table does not change, the same
// bytes mean the same.

interface Known<T> {
  readonly bytes: Buffer;
  readonly version: number;
  readonly meaning: T;
}

/** A longer one has most of its fields written out, which will not come again. */
const longestKnown = 512;
/** More bytes are compared faster by Buffer.compare. */
const mostInLoop = 128;
/** A connection carries calls of few kinds. */
const kept = 4;

export class KnownHeads<T> {
  /** The one that was used last comes first; the others in no order. */
  readonly #known: Known<T>[] = [];
  readonly #maxBlockBytes: number;

  /** Longer blocks are not kept. */
  constructor(maxBlockBytes = longestKnown) {
    this.#maxBlockBytes = maxBlockBytes;
  }

  /** `version`: of the decoder's table, now. */
  find(bytes: Buffer, start: number, end: number, version: number): T | null {
    const known = this.#known;
    for (let i = 0; i < known.length; i++) {
      const one = known[i];
      if (one.version !== version || !isSame(one.bytes, bytes, start, end)) continue;
      if (i > 0) {
        known[i] = known[0];
        known[0] = one;
      }
      return one.meaning;
    }
    return null;
  }

  /** The block was decoded, and the table was at `version` before and after. */
  add(bytes: Buffer, start: number, end: number, version: number, meaning: T): void {
    if (end - start > this.#maxBlockBytes) return;
    const known = this.#known;
    if (known.length === kept) known.pop();
    known.unshift({ bytes: Buffer.from(bytes.subarray(start, end)), version, meaning });
  }
}

function isSame(known: Buffer, bytes: Buffer, start: number, end: number): boolean {
  const { length } = known;
  if (end - start !== length) return false;
  if (length > mostInLoop) return bytes.compare(known, 0, length, start, end) === 0;
  for (let i = 0; i < length; i++) if (known[i] !== bytes[start + i]) return false;
  return true;
}
