// Where the spans of each trace stand in an output: a table of rows of eight words that a writer makes beside the message,
// for a stage that holds spans by trace. A row is a run (spans of one trace that follow one another in one scope) or a holder
// (the headers of resource and scope, which stand in the output once and are shared by the runs behind them).

export const rowWords = 8;
export const rowBytes = rowWords * 4;

/** Words of a run. All positions are those of the shared memory. */
export const runRow = {
  /** Four words: the id's bytes, little-endian. No id is the one of zeros. */
  traceId: 0,
  at: 4,
  length: 5,
  /** 0: the row is a holder. */
  spans: 6,
  /** Its holder, by the number of the row; a position once the run is held. */
  holder: 7,
} as const;

/** Words of a run that is held, in the place of the id. */
export const heldRow = {
  /** Position of the run of the same trace that came before it; 0: none. */
  before: 0,
  /** Of the newest run of a trace that is released: position of the newest run of the next one; 0: none. */
  nextTrace: 1,
} as const;

/** Words of a holder: where ResourceSpans and ScopeSpans stand without what they hold, neither with tag and length. */
export const holderRow = { resourceAt: 0, resourceEnd: 1, scopeAt: 2, scopeEnd: 3 } as const;

/** A table that has grown beyond this is not kept for the next job. */
const keptRows = 1 << 16;

export class RunTable {
  rows = 0;
  #words = new Uint32Array(1024 * rowWords);
  /** Where the last run ends: a span that begins there has the same holder, since headers stand in front of another one's. */
  #runEnd = 0;
  #holder = 0;

  /** Bytes in the shared memory, with those that may be lost to alignment. */
  get bytes(): number {
    return this.rows * rowBytes + 3;
  }

  clear(): void {
    if (this.rows > keptRows) this.#words = new Uint32Array(1024 * rowWords);
    this.backTo(0);
  }

  /** Rows from that number on never were. */
  backTo(rows: number): void {
    this.rows = rows;
    this.#runEnd = 0;
  }

  /** The spans that follow stand in this resource and this scope. */
  holder(resourceAt: number, resourceEnd: number, scopeAt: number, scopeEnd: number): void {
    this.#holder = this.rows;
    const at = this.#next();
    const words = this.#words;
    words[at + holderRow.resourceAt] = resourceAt;
    words[at + holderRow.resourceEnd] = resourceEnd;
    words[at + holderRow.scopeAt] = scopeAt;
    words[at + holderRow.scopeEnd] = scopeEnd;
    words[at + runRow.spans] = 0;
  }

  /** A span, with its tag, at `at` of the output. `id`: position of its trace id in `bytes`; 0: it has none. */
  span(bytes: Uint8Array, id: number, at: number, length: number): void {
    const a = id === 0 ? 0 : word(bytes, id);
    const b = id === 0 ? 0 : word(bytes, id + 4);
    const c = id === 0 ? 0 : word(bytes, id + 8);
    const d = id === 0 ? 0 : word(bytes, id + 12);
    if (this.#runEnd === at) {
      const words = this.#words;
      const last = (this.rows - 1) * rowWords;
      if (words[last] === a && words[last + 1] === b && words[last + 2] === c && words[last + 3] === d) {
        words[last + runRow.length] += length;
        words[last + runRow.spans]++;
        this.#runEnd = at + length;
        return;
      }
    }
    const row = this.#next();
    const words = this.#words;
    words[row] = a;
    words[row + 1] = b;
    words[row + 2] = c;
    words[row + 3] = d;
    words[row + runRow.at] = at;
    words[row + runRow.length] = length;
    words[row + runRow.spans] = 1;
    words[row + runRow.holder] = this.#holder;
    this.#runEnd = at + length;
  }

  /** Word index of a new row. */
  #next(): number {
    const at = this.rows * rowWords;
    if (at === this.#words.length) {
      const larger = new Uint32Array(at * 2);
      larger.set(this.#words);
      this.#words = larger;
    }
    this.rows++;
    return at;
  }

  /** Puts all rows where `words` begin at the index `at`. */
  writeTo(words: Uint32Array, at: number): void {
    words.set(this.#words.subarray(0, this.rows * rowWords), at);
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}
