// A body whose length nobody announced, copied together as it comes: a client that sends it byte by byte makes no more of it
// than its bytes.

const firstBytes = 16 << 10;

export class Gathered {
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Bytes of memory that it holds. */
  get held(): number {
    return this.#bytes.length;
  }

  /** Those that it will hold when `more` bytes come. */
  heldWith(more: number): number {
    const wanted = this.#length + more;
    if (wanted <= this.#bytes.length) return this.#bytes.length;
    return Math.max(wanted, 2 * this.#bytes.length, firstBytes);
  }

  add(chunk: Buffer): void {
    const held = this.heldWith(chunk.length);
    if (held > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(held);
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    chunk.copy(this.#bytes, this.#length);
    this.#length += chunk.length;
  }

  /** All of it; a view. */
  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}
