// The different resources of a request, or its different scopes: each has a number and the bytes that its containers begin
// with. Two are the same when all of it is: attributes in any order, counts, schema URL and what this build does not know.
import { ByteTable } from './byte-table.ts';
import { mostCanonicalBytes, writeCanonicalAttributes } from './canonical.ts';
import type { ResourceView, ScopeView } from './container-view.ts';
import { MessageView } from './message-view.ts';
import { schemaUrlField } from './schema-url.ts';
import type { StageMemory } from './stage-memory.ts';
import { varintSize, writeVarint } from './varint.ts';

export interface ContainerKind {
  /** Of the header message, which is the resource or the scope. */
  readonly kind: number;
  readonly attributeField: number;
  readonly depth: number;
  /** Shows the header message and the schema URL as they are now; and the container that they came in. */
  readonly view: ResourceView | ScopeView;
  readonly holder: MessageView;
  /** Fields of the container: the header message, and the repeated one. */
  readonly headerField: number;
  readonly itemsField: number;
}

export class ContainerGroups {
  readonly #stage: StageMemory;
  readonly #of: ContainerKind;
  /** What a container of the output has for its header message. */
  readonly #draft: MessageView;
  readonly #numbers: ByteTable;
  readonly #headerAt: number[] = [];
  readonly #headerLength: number[] = [];
  /** Of the header message that is shown, and of what else its container holds; -1: not asked for yet. */
  #headerBytes = -1;
  #otherBytes = 0;

  /** `entries`: an attribute table that nobody else needs while a span is kept. */
  constructor(stage: StageMemory, of: ContainerKind, entries: number, capacity: number) {
    this.#stage = stage;
    this.#of = of;
    this.#draft = new MessageView(stage, of.kind, of.attributeField, entries, capacity);
    this.#numbers = new ByteTable(stage);
  }

  get count(): number {
    return this.#numbers.count;
  }
  headerAt(number: number): number {
    return this.#headerAt[number];
  }
  headerLength(number: number): number {
    return this.#headerLength[number];
  }

  /** Forgets all numbers. */
  clear(): void {
    this.#numbers.clear();
    this.leave();
  }
  /** Another header message is shown from now on. */
  leave(): void {
    this.#headerBytes = -1;
  }

  /** Most bytes that `number` keeps, when `added` bytes of attributes are added to the draft. */
  mostKept(added: number): number {
    this.#measure();
    const size = this.#headerBytes + added;
    return mostCanonicalBytes(size) + size + 2 * this.#otherBytes + 48;
  }
  /** Most scratch that `draft` and `number` take besides. */
  mostTaken(added: number): number {
    this.#measure();
    const size = this.#headerBytes + added;
    return this.#headerBytes + mostCanonicalBytes(size) + size + this.#otherBytes + 16;
  }
  #measure(): void {
    if (this.#headerBytes >= 0) return;
    const header = this.#of.view.message;
    this.#headerBytes = header.dirty ? header.measure() : header.end - header.start;
    this.#otherBytes = this.#restBytes();
  }

  /** The header message that is shown, to be changed. Valid until the next draft, of whatever kind. */
  draft(): MessageView {
    const { view, depth } = this.#of;
    const header = view.message;
    let { start, end } = header;
    if (header.dirty) {
      const length = header.measure();
      start = this.#stage.scratch.take(length);
      end = header.write(start);
    }
    const code = this.#draft.load(start, end, depth);
    // It was valid before its edits; what is left is a table that is too small for it.
    if (code !== 0) throw new RangeError('a resource or scope has more attributes than spanmill takes');
    return this.#draft;
  }

  /** The number of the draft. */
  number(): number {
    const { scratch, kernel } = this.#stage;
    const draft = this.#draft;
    const size = draft.dirty ? draft.measure() : draft.end - draft.start;
    const form = scratch.take(mostCanonicalBytes(size) + size + this.#restBytes() + 16);
    const length = this.#writeForm(form) - form;
    const known = this.#numbers.find(form, length);
    if (known >= 0) return known;
    const kept = scratch.keep(length);
    kernel.copy(kept, form, length);
    const number = this.#numbers.add(kept, length);
    this.#headerAt[number] = scratch.keep(this.#restBytes() + 1 + varintSize(size) + size);
    this.#headerLength[number] = this.#writeHeader(this.#headerAt[number], size) - this.#headerAt[number];
    return number;
  }

  #writeForm(at: number): number {
    const draft = this.#draft;
    const { attributes } = draft;
    const { bytes } = this.#stage.shared;
    let p = writeCanonicalAttributes(this.#stage, attributes, at);
    const lengthAt = p;
    p += 5;
    let from = draft.start;
    for (let entry = 0; entry < attributes.indexed; entry++) {
      p = this.#copy(p, from, attributes.fieldStart(entry));
      from = attributes.fieldEnd(entry);
    }
    p = this.#copy(p, from, draft.end);
    // In five bytes, whatever they are: it keeps what stands before and behind it apart.
    bytes.fill(0, lengthAt, lengthAt + 5);
    writeVarint(bytes, lengthAt, p - lengthAt);
    return this.#copyRest(p);
  }

  #writeHeader(at: number, size: number): number {
    const { bytes } = this.#stage.shared;
    const { headerField } = this.#of;
    const draft = this.#draft;
    let p = at;
    if (size > 0) {
      bytes[p] = (headerField << 3) | 2;
      p = writeVarint(bytes, p + 1, size);
      p = draft.dirty ? draft.write(p) : this.#copy(p, draft.start, draft.end);
    }
    return this.#copyRest(p);
  }

  /** Most bytes of the container besides header message and items. */
  #restBytes(): number {
    const { holder, view, headerField, itemsField } = this.#of;
    const { edited } = view.schema;
    const url = edited === null ? 0 : 6 + Buffer.byteLength(edited);
    const header = holder.has(headerField) ? holder.fieldEnd(headerField) - holder.fieldStart(headerField) : 0;
    return holder.end - holder.start - header - (holder.lastEnd(itemsField) - holder.firstStart(itemsField)) + url;
  }

  #copyRest(at: number): number {
    const { holder, view, headerField, itemsField } = this.#of;
    const { edited } = view.schema;
    const cuts = [[holder.firstStart(itemsField), holder.lastEnd(itemsField)]];
    for (const field of edited === null ? [headerField] : [headerField, schemaUrlField]) {
      if (holder.has(field)) cuts.push([holder.fieldStart(field), holder.fieldEnd(field)]);
    }
    // They may stand in any order.
    cuts.sort(([a], [b]) => a - b);
    let p = at;
    let from = holder.start;
    for (const [start, end] of cuts) {
      p = this.#copy(p, from, start);
      from = end;
    }
    p = this.#copy(p, from, holder.end);
    if (edited === null || edited === '') return p;
    const { bytes } = this.#stage.shared;
    const url = Buffer.from(edited);
    bytes[p] = (schemaUrlField << 3) | 2;
    p = writeVarint(bytes, p + 1, url.length);
    bytes.set(url, p);
    return p + url.length;
  }

  #copy(to: number, from: number, end: number): number {
    if (end <= from) return to;
    this.#stage.kernel.copy(to, from, end - from);
    return to + end - from;
  }
}
