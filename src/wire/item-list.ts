// The elements of a repeated message field of a span (events, links): positions found on first use, one view for all.
import type { AttributeTable } from './attribute-table.ts';
import { describeWireCode, wireCode } from './codes.ts';
import type { MessageView } from './message-view.ts';

/** Of an event or link, from the request down. */
const itemDepth = 4;

/** What an event and a link have in common. */
export interface ItemView {
  readonly message: MessageView;
  readonly attributes: AttributeTable;
  isDropped: boolean;
  /** Removes the item; the span stays. */
  drop(): void;
}

export class ItemList<V extends ItemView> {
  readonly #owner: MessageView;
  readonly #field: number;
  readonly #view: V;
  /** Field start, payload start, end of each element. */
  #at: number[] = [];
  #count = -1;
  #shown = -1;
  /** Those that the owner was told of. */
  #dropped = 0;

  constructor(owner: MessageView, field: number, view: V) {
    this.#owner = owner;
    this.#field = field;
    this.#view = view;
  }

  reset(): void {
    this.#count = -1;
    this.#shown = -1;
    this.#dropped = 0;
  }

  /** How many the span came with; a dropped one keeps its number. */
  get count(): number {
    return this.#owner.repeats(this.#field);
  }
  /** How many are still there. */
  get live(): number {
    const isShownDropped = this.#shown >= 0 && this.#view.isDropped;
    return this.count - this.#dropped - (isShownDropped ? 1 : 0);
  }

  show(index: number): V | null {
    if (this.#count < 0) this.#find();
    if (index < 0 || index >= this.#count) return null;
    if (index === this.#shown) return this.#view.isDropped ? null : this.#view;
    this.commit();
    const start = this.#at[index * 3];
    const replaced = this.#owner.replacedItem(start);
    if (replaced !== undefined && replaced.length < 0) return null;
    const from = replaced?.at ?? this.#at[index * 3 + 1];
    const end = replaced === undefined ? this.#at[index * 3 + 2] : replaced.at + replaced.length;
    const code = this.#view.message.load(from, end, itemDepth);
    // It was validated with its span; what is left is a table that is too small for it.
    if (code !== wireCode.ok) throw new Error(describeWireCode(code, -1));
    this.#view.isDropped = false;
    this.#shown = index;
    return this.#view;
  }

  /** Takes the edits of the element that is shown into the owner. */
  commit(): void {
    if (this.#shown < 0) return;
    const start = this.#at[this.#shown * 3];
    const end = this.#at[this.#shown * 3 + 2];
    const { message } = this.#view;
    if (this.#view.isDropped) {
      this.#owner.replaceItem(start, end, 0, -1);
      this.#dropped++;
    } else if (message.dirty) {
      const length = message.measure();
      const at = message.stage.scratch.take(length);
      message.write(at);
      this.#owner.replaceItem(start, end, at, length);
    }
    this.#shown = -1;
  }

  #find(): void {
    const { bytes } = this.#owner.stage.shared;
    const wanted = this.#owner.repeats(this.#field);
    const tag = (this.#field << 3) | 2;
    let n = 0;
    let p = wanted > 0 ? this.#owner.firstStart(this.#field) : this.#owner.end;
    while (n < wanted) {
      const start = p;
      let fieldTag = bytes[p++];
      if (fieldTag > 127) {
        // No field that is wanted has a longer tag: only the wire type matters.
        fieldTag &= 7;
        while (bytes[p++] > 127);
      }
      switch (fieldTag & 7) {
        case 0:
          while (bytes[p++] > 127);
          break;
        case 1:
          p += 8;
          break;
        case 5:
          p += 4;
          break;
        default: {
          let length = 0;
          let unit = 1;
          let b = 0;
          do {
            b = bytes[p++];
            length += (b & 127) * unit;
            unit *= 128;
          } while (b > 127);
          if (fieldTag === tag) {
            this.#at[n * 3] = start;
            this.#at[n * 3 + 1] = p;
            this.#at[n * 3 + 2] = p + length;
            n++;
          }
          p += length;
        }
      }
    }
    this.#count = n;
  }
}
