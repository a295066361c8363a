// A line of things: in at either end, out at the front, each at the cost of one.

export interface Queue<T> {
  readonly length: number;
  push(item: T): void;
  /** To the front. */
  putBack(item: T): void;
  shift(): T | undefined;
  /** A copy, from the front on. */
  items(): T[];
}

/** The space of items that are gone is kept until they are so many, and no fewer than those that are left. */
const leastGone = 1024;

export function createQueue<T>(): Queue<T> {
  let entries: T[] = [];
  let head = 0;

  return {
    get length() {
      return entries.length - head;
    },
    push(item) {
      entries.push(item);
    },
    putBack(item) {
      if (head > 0) entries[--head] = item;
      else entries.unshift(item);
    },
    shift() {
      if (head === entries.length) return undefined;
      const item = entries[head++];
      if (head === entries.length) {
        entries.length = 0;
        head = 0;
      } else if (head >= leastGone && head * 2 >= entries.length) {
        entries = entries.slice(head);
        head = 0;
      }
      return item;
    },
    items: () => entries.slice(head),
  };
}
