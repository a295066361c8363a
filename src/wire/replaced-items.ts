// Elements of a message's repeated fields (events and links of a span) that were replaced or dropped.

export class ReplacedItems {
  count = 0;
  /** Field range of each element, new payload and its length, which is -1 for a dropped one. In the order of the edits. */
  readonly start: number[] = [];
  readonly end: number[] = [];
  readonly at: number[] = [];
  readonly length: number[] = [];
  /** By where the field begins: senders decide how many elements there are, so look-ups must not walk them. */
  readonly #numbers = new Map<number, number>();

  clear(): void {
    if (this.count === 0) return;
    this.count = 0;
    this.#numbers.clear();
  }

  /** The number of the element whose field begins at `start`; -1 when it is untouched. */
  find(start: number): number {
    return this.count === 0 ? -1 : (this.#numbers.get(start) ?? -1);
  }

  set(start: number, end: number, at: number, length: number): void {
    let i = this.find(start);
    if (i < 0) {
      i = this.count++;
      this.#numbers.set(start, i);
    }
    this.start[i] = start;
    this.end[i] = end;
    this.at[i] = at;
    this.length[i] = length;
  }
}
