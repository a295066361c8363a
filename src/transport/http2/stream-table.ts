// The streams of a connection by their id. Ids ascend and most streams are short: one slot after the other is used, and used
// again. A Map would do, but every few calls it makes itself a new table, to which the old one keeps a reference: once one of
// them is in the old generation all that follow are kept until the next collection of the whole heap (docs/decisions.md).
import type { Http2Stream } from './stream.ts';

const smallest = 4;
/** An empty table with more slots is given up: its connection was busy once. */
const largestKept = 64;

export class StreamTable {
  size = 0;
  /** Open addressing: a stream lies in the first slot behind `slotOf` that was free. The length is a power of 2. */
  #slots: (Http2Stream | null)[] = [];

  get(id: number): Http2Stream | null {
    const slots = this.#slots;
    if (slots.length === 0) return null;
    const mask = slots.length - 1;
    for (let at = slotOf(id, mask); ; at = (at + 1) & mask) {
      const stream = slots[at];
      if (stream === null || stream.id === id) return stream;
    }
  }

  /** The id must not be in the table. */
  add(stream: Http2Stream): void {
    // Never more than half full: then runs of slots are short, and there is always a free one to end a search.
    if (this.size * 2 >= this.#slots.length) this.#grow();
    this.size++;
    put(this.#slots, stream);
  }

  /** Whether it was there. */
  delete(id: number): boolean {
    const slots = this.#slots;
    const mask = slots.length - 1;
    if (mask < 0) return false;
    let at = slotOf(id, mask);
    for (; slots[at]?.id !== id; at = (at + 1) & mask) if (slots[at] === null) return false;
    this.size--;
    // Those behind it in the same run move up where the hole would hide them from a search.
    for (let next = (at + 1) & mask; ; next = (next + 1) & mask) {
      const stream = slots[next];
      if (stream === null) break;
      const wanted = slotOf(stream.id, mask);
      if (((next - wanted) & mask) < ((next - at) & mask)) continue;
      slots[at] = stream;
      at = next;
    }
    slots[at] = null;
    if (this.size === 0 && slots.length > largestKept) this.#slots = [];
    return true;
  }

  /** All of them, as they are now: what is added or deleted meanwhile changes nothing. */
  all(): Http2Stream[] {
    return this.#slots.filter((stream) => stream !== null);
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Array(Math.max(smallest, old.length * 2)).fill(null);
    for (const stream of old) if (stream !== null) put(this.#slots, stream);
  }
}

/** Clients use odd ids only. */
const slotOf = (id: number, mask: number): number => (id >>> 1) & mask;

function put(slots: (Http2Stream | null)[], stream: Http2Stream): void {
  const mask = slots.length - 1;
  let at = slotOf(stream.id, mask);
  while (slots[at] !== null) at = (at + 1) & mask;
  slots[at] = stream;
}
