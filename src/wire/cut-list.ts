// Ranges of a message that are left out or replaced when it is written, in the order of its bytes.

export const cutKind = { attribute: 0, field: 1, item: 2 } as const;

/** Up to so many cuts that do not come in order are put in place one by one; more are sorted: a sender must not be able to
 * make the work grow with their square. */
const fewCuts = 16;

export class CutList {
  count = 0;
  readonly start: number[] = [];
  readonly end: number[] = [];
  readonly kind: number[] = [];
  /** Number of the attribute entry, of the field or of the replaced item. */
  readonly ref: number[] = [];
  #ordered = true;

  clear(): void {
    this.count = 0;
    this.#ordered = true;
  }

  add(start: number, end: number, kind: number, ref: number): void {
    const i = this.count++;
    if (i > 0 && this.start[i - 1] > start) this.#ordered = false;
    this.#set(i, start, end, kind, ref);
  }

  /** After the last `add`. */
  order(): void {
    if (this.#ordered) return;
    if (this.count <= fewCuts) this.#insert();
    else this.#sort();
    this.#ordered = true;
  }

  #set(i: number, start: number, end: number, kind: number, ref: number): void {
    this.start[i] = start;
    this.end[i] = end;
    this.kind[i] = kind;
    this.ref[i] = ref;
  }

  #insert(): void {
    for (let i = 1; i < this.count; i++) {
      const start = this.start[i];
      const end = this.end[i];
      const kind = this.kind[i];
      const ref = this.ref[i];
      let at = i;
      for (; at > 0 && this.start[at - 1] > start; at--) {
        this.#set(at, this.start[at - 1], this.end[at - 1], this.kind[at - 1], this.ref[at - 1]);
      }
      this.#set(at, start, end, kind, ref);
    }
  }

  #sort(): void {
    const rows = Array.from({ length: this.count }, (_, i) => [this.start[i], this.end[i], this.kind[i], this.ref[i]]);
    rows.sort(([a], [b]) => a - b);
    for (let i = 0; i < rows.length; i++) this.#set(i, rows[i][0], rows[i][1], rows[i][2], rows[i][3]);
  }
}
