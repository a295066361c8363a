// One message of the shared memory with the edits that were made to it: what span, event, link, resource and scope views
// are made of. `load` indexes and validates it; readers see the edits; `write` emits it once, runs of untouched bytes as
// one copy each and the changes spliced in where they belong.

import { int64Size, readFixed64, readInt64, writeInt64, writeUtf8 } from './any-value.ts';
import { AttributeTable } from './attribute-table.ts';
import { CutList, cutKind } from './cut-list.ts';
import { ruleWord } from './kernel/kernel.ts';
import { ReplacedItems } from './replaced-items.ts';
import type { StageMemory } from './stage-memory.ts';
import { varintSize, writeVarint } from './varint.ts';

const fieldsAt = 8; // words of the block's header

export class MessageView {
  readonly stage: StageMemory;
  readonly attributes: AttributeTable;
  start = 0;
  end = 0;
  readonly #kind: number;
  readonly #attributeTag: number;
  readonly #block: number;
  readonly #words: Uint32Array;
  #present = 0;
  #edited = 0;
  /** Replaced or dropped elements of repeated message fields (events, links). */
  readonly #items = new ReplacedItems();
  readonly #cuts = new CutList();

  /** `attributeField`: number of the message's attribute list. `entries`: where the attribute table may lie. */
  constructor(stage: StageMemory, kind: number, attributeField: number, entries: number, capacity: number) {
    this.stage = stage;
    this.#kind = kind;
    this.#attributeTag = (attributeField << 3) | 2;
    this.#block = stage.block(entries, capacity);
    this.#words = stage.shared.words;
    this.attributes = new AttributeTable(stage, this.#block);
  }

  /** Shows the message at start … end. Returns a wire code; the view may be used when it is `ok`. */
  load(start: number, end: number, depth: number): number {
    this.start = start;
    this.end = end;
    this.#edited = 0;
    this.#items.clear();
    const code = this.stage.kernel.index(this.#kind, start, end, this.#block, depth);
    this.#present = this.#words[this.#block >>> 2];
    this.attributes.load();
    return code;
  }

  #record(field: number): number {
    return (this.#block >>> 2) + fieldsAt + (field << 2);
  }

  has(field: number): boolean {
    return (this.#present & (1 << field)) !== 0;
  }
  /** Position of the field's value: behind its tag, and behind the length of a text or message. Only when `has`. */
  valueAt(field: number): number {
    return this.#words[this.#record(field) + 2];
  }
  valueLength(field: number): number {
    return this.#words[this.#record(field) + 3];
  }
  /** Of a repeated field: how many there are. */
  repeats(field: number): number {
    return this.has(field) ? this.#words[this.#record(field) + 2] : 0;
  }
  /** Of a repeated field: where its first element's field begins; the end of the message when there is none. */
  firstStart(field: number): number {
    return this.has(field) ? this.#words[this.#record(field)] : this.end;
  }
  /** Of a repeated field: where its last element ends; the end of the message when there is none. */
  lastEnd(field: number): number {
    return this.has(field) ? this.#words[this.#record(field) + 1] : this.end;
  }
  /** Where a singular field stands, with its tag. Only when it came with the message. */
  fieldStart(field: number): number {
    return this.#words[this.#record(field)];
  }
  fieldEnd(field: number): number {
    return this.#words[this.#record(field) + 1];
  }

  text(field: number): string {
    if (!this.has(field)) return '';
    return this.stage.text(this.valueAt(field), this.valueLength(field));
  }
  /** A copy of a bytes field; empty when absent. */
  bytes(field: number): Uint8Array {
    if (!this.has(field)) return new Uint8Array(0);
    const at = this.valueAt(field);
    return this.stage.shared.bytes.slice(at, at + this.valueLength(field));
  }
  int64(field: number): bigint {
    return this.has(field) ? readInt64(this.stage.shared.bytes, this.valueAt(field)) : 0n;
  }
  fixed64(field: number): bigint {
    return this.has(field) ? readFixed64(this.stage.shared.bytes, this.valueAt(field)) : 0n;
  }
  fixed32(field: number): number {
    if (!this.has(field)) return 0;
    const { bytes } = this.stage.shared;
    const at = this.valueAt(field);
    return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
  }

  /** Gives a singular field the value bytes at `at` (a varint, four or eight bytes, or the content of a text). */
  setRange(field: number, at: number, length: number): void {
    const record = this.#record(field);
    if (!this.has(field) && (this.#edited & (1 << field)) === 0) {
      this.#words[record] = 0; // nothing to cut out
      this.#words[record + 1] = 0;
    }
    this.#present |= 1 << field;
    this.#edited |= 1 << field;
    this.#words[record + 2] = at;
    this.#words[record + 3] = length;
  }
  setBytes(field: number, value: Uint8Array): void {
    const at = this.stage.scratch.take(value.length);
    this.stage.shared.bytes.set(value, at);
    this.setRange(field, at, value.length);
  }
  setText(field: number, value: string): void {
    const n = Buffer.byteLength(value);
    const at = this.stage.scratch.take(n);
    writeUtf8(this.stage.shared, at, value, n);
    this.setRange(field, at, n);
  }
  setVarint(field: number, value: bigint): void {
    const at = this.stage.scratch.take(int64Size(value));
    this.setRange(field, at, writeInt64(this.stage.shared.bytes, at, value) - at);
  }
  /** `width` 4 or 8 bytes, little-endian. */
  setFixed(field: number, value: bigint, width: number): void {
    const at = this.stage.scratch.take(width);
    let rest = BigInt.asUintN(64, value);
    for (let i = 0; i < width; i++) {
      this.stage.shared.bytes[at + i] = Number(rest & 255n);
      rest >>= 8n;
    }
    this.setRange(field, at, width);
  }
  clear(field: number): void {
    if (!this.has(field)) return;
    this.#present &= ~(1 << field);
    this.#edited |= 1 << field;
  }

  /** Replaces the element of a repeated message field that stands at start … end by a payload; length -1 drops it. */
  replaceItem(start: number, end: number, at: number, length: number): void {
    this.#items.set(start, end, at, length);
  }
  /** What `replaceItem` was told for the element at `start`; undefined when untouched. */
  replacedItem(start: number): { readonly at: number; readonly length: number } | undefined {
    const i = this.#items.find(start);
    return i < 0 ? undefined : { at: this.#items.at[i], length: this.#items.length[i] };
  }

  get dirty(): boolean {
    return this.#edited !== 0 || this.attributes.dirty || this.#items.count > 0;
  }

  // --- writing -------------------------------------------------------------------------------------------------------

  #fieldSize(field: number): number {
    if (!this.has(field)) return 0;
    const n = this.valueLength(field);
    const tagSize = field > 15 ? 2 : 1;
    return tagSize + (this.#lengthDelimited(field) ? varintSize(n) : 0) + n;
  }
  #lengthDelimited(field: number): boolean {
    return this.wireTypeOf(field) === 2;
  }
  wireTypeOf(field: number): number {
    return (this.#words[ruleWord(this.#kind, field)] & 7) - 1;
  }

  /** Notes all cuts in the order of the bytes; returns the payload's length after the edits. Call before `write`. */
  measure(): number {
    let size = this.end - this.start;
    const { attributes } = this;
    this.#cuts.clear();
    for (let i = 0; i < attributes.editedCount; i++) {
      const entry = attributes.edited[i];
      if (entry >= attributes.indexed) continue;
      const start = attributes.fieldStart(entry);
      const end = attributes.fieldEnd(entry);
      this.#cuts.add(start, end, cutKind.attribute, entry);
      size += attributes.encodedSize(entry) - (end - start);
    }
    for (let e = attributes.indexed; e < attributes.count; e++) size += attributes.encodedSize(e);
    for (let fields = this.#edited; fields !== 0; fields &= fields - 1) {
      const field = 31 - Math.clz32(fields & -fields);
      const start = this.#words[this.#record(field)];
      const end = this.#words[this.#record(field) + 1];
      if (end > 0) this.#cuts.add(start, end, cutKind.field, field);
      size += this.#fieldSize(field) - (end - start);
    }
    const items = this.#items;
    for (let i = 0; i < items.count; i++) {
      this.#cuts.add(items.start[i], items.end[i], cutKind.item, i);
      size -= items.end[i] - items.start[i];
      if (items.length[i] >= 0) size += 1 + varintSize(items.length[i]) + items.length[i];
    }
    this.#cuts.order();
    return size;
  }

  /** Writes the payload with its edits at `at`; returns the end. After `measure`. */
  write(at: number): number {
    const { kernel } = this.stage;
    let from = this.start;
    let p = at;
    const cuts = this.#cuts;
    for (let i = 0; i < cuts.count; i++) {
      const start = cuts.start[i];
      kernel.copy(p, from, start - from);
      p += start - from;
      from = cuts.end[i];
      const ref = cuts.ref[i];
      if (cuts.kind[i] === cutKind.attribute) p = this.attributes.write(ref, this.#attributeTag, p);
      else if (cuts.kind[i] === cutKind.field) p = this.#writeField(ref, p);
      else p = this.#writeItem(ref, p);
    }
    kernel.copy(p, from, this.end - from);
    p += this.end - from;
    for (let fields = this.#edited; fields !== 0; fields &= fields - 1) {
      const field = 31 - Math.clz32(fields & -fields);
      if (this.#words[this.#record(field) + 1] === 0) p = this.#writeField(field, p);
    }
    for (let e = this.attributes.indexed; e < this.attributes.count; e++) {
      p = this.attributes.write(e, this.#attributeTag, p);
    }
    return p;
  }

  #writeField(field: number, at: number): number {
    if (!this.has(field)) return at;
    const { bytes } = this.stage.shared;
    const wire = this.wireTypeOf(field);
    let p = writeVarint(bytes, at, (field << 3) | wire);
    const n = this.valueLength(field);
    if (wire === 2) p = writeVarint(bytes, p, n);
    this.stage.kernel.copy(p, this.valueAt(field), n);
    return p + n;
  }

  #writeItem(index: number, at: number): number {
    const length = this.#items.length[index];
    if (length < 0) return at;
    const { bytes } = this.stage.shared;
    bytes[at] = bytes[this.#items.start[index]]; // the same field: the tags of events and links are one byte
    const p = writeVarint(bytes, at + 1, length);
    this.stage.kernel.copy(p, this.#items.at[index], length);
    return p + length;
  }
}
