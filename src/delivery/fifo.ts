// First in, first out, without moving the rest at each take.
export class Fifo<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }
  put(value: T): void {
    this.#items.push(value);
  }
  get first(): T | undefined {
    return this.#items[this.#head];
  }
  /** Of one that is not empty. */
  drop(): void {
    this.#head++;
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }
}
