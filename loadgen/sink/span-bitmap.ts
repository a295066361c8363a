// Which numbers were seen: one bit each, in pages that come into being when a number in them is seen.

/** Numbers a page holds. 8 KiB: an id that was altered into any number costs no more. */
export const pageNumbers = 1 << 16;
/** 1 GiB, 8.6 billion spans. */
const mostPages = 1 << 17;

export interface SpanBitmap {
  /** 'new', 'again', or 'full' where there is no room for a page of so strange a number. */
  mark(number: number): 'new' | 'again' | 'full';
  has(number: number): boolean;
  /** Bit `number mod 8` of byte `number mod pageNumbers div 8`; undefined where none of its numbers was seen. */
  page(index: number): Uint8Array | undefined;
  /** How many distinct numbers were marked. */
  count(): number;
}

export function createSpanBitmap(): SpanBitmap {
  const pages = new Map<number, Uint8Array>();
  let lastIndex = -1;
  let last: Uint8Array = new Uint8Array(0);
  let count = 0;
  return {
    mark(number) {
      const index = Math.floor(number / pageNumbers);
      if (index !== lastIndex) {
        let page = pages.get(index);
        if (page === undefined) {
          if (pages.size >= mostPages) return 'full';
          page = new Uint8Array(pageNumbers / 8);
          pages.set(index, page);
        }
        last = page;
        lastIndex = index;
      }
      const byte = (number & (pageNumbers - 1)) >> 3;
      const bit = 1 << (number & 7);
      if ((last[byte] & bit) !== 0) return 'again';
      last[byte] |= bit;
      count++;
      return 'new';
    },
    has(number) {
      const page = pages.get(Math.floor(number / pageNumbers));
      return page !== undefined && (page[(number & (pageNumbers - 1)) >> 3] & (1 << (number & 7))) !== 0;
    },
    page: (index) => pages.get(index),
    count: () => count,
  };
}
