// A span as processors see it: one reusable object, shown each span of a stage in turn. Nothing is decoded before it is
// asked for; every setter is seen by the processors behind and by the writer.

import { int64Size, readInt64, writeInt64 } from './any-value.ts';
import type { AttributeTable } from './attribute-table.ts';
import { EventView, LinkView } from './event-view.ts';
import { ItemList } from './item-list.ts';
import { MessageView } from './message-view.ts';
import { spanField as field, messageKind, statusField } from './schema.ts';
import type { StageMemory } from './stage-memory.ts';
import { varintSize, writeVarint } from './varint.ts';

export interface EntryTables {
  /** Positions of the attribute entry tables, and how many entries each holds. */
  readonly resource: number;
  readonly scope: number;
  readonly span: number;
  readonly item: number;
  readonly capacity: number;
}

/** Depth of the messages inside of a request: resource spans 1, scope spans 2. */
export const spanDepth = 3;

export class SpanView {
  readonly message: MessageView;
  readonly attributes: AttributeTable;
  /** The counter that `drop` was given; -1: the span goes on. */
  dropped = -1;
  readonly #events: ItemList<EventView>;
  readonly #links: ItemList<LinkView>;

  constructor(stage: StageMemory, tables: EntryTables) {
    this.message = new MessageView(stage, messageKind.span, field.attributes, tables.span, tables.capacity);
    this.attributes = this.message.attributes;
    this.#events = new ItemList(this.message, field.events, new EventView(stage, tables));
    this.#links = new ItemList(this.message, field.links, new LinkView(stage, tables));
  }

  /** Shows the span at start … end; returns a wire code. */
  load(start: number, end: number): number {
    this.dropped = -1;
    this.#events.reset();
    this.#links.reset();
    return this.message.load(start, end, spanDepth);
  }

  /** The span ends here; `counter` is one of `StageBuilder.dropCounter`. */
  drop(counter: number): void {
    this.dropped = counter;
  }

  /** Position of the 16 bytes of the trace id in the shared memory, or 0 when it is empty. */
  get traceIdOffset(): number {
    return this.message.has(field.traceId) && this.message.valueLength(field.traceId) === 16
      ? this.message.valueAt(field.traceId)
      : 0;
  }
  get traceId(): Uint8Array {
    return this.message.bytes(field.traceId);
  }
  set traceId(id: Uint8Array) {
    this.message.setBytes(field.traceId, id);
  }
  get spanId(): Uint8Array {
    return this.message.bytes(field.spanId);
  }
  set spanId(id: Uint8Array) {
    this.message.setBytes(field.spanId, id);
  }
  get parentSpanId(): Uint8Array {
    return this.message.bytes(field.parentSpanId);
  }
  set parentSpanId(id: Uint8Array) {
    this.message.setBytes(field.parentSpanId, id);
  }
  /** A parent id that is there and not all zero. */
  get hasParent(): boolean {
    if (!this.message.has(field.parentSpanId)) return false;
    const { bytes } = this.message.stage.shared;
    const at = this.message.valueAt(field.parentSpanId);
    for (let i = 0; i < this.message.valueLength(field.parentSpanId); i++) if (bytes[at + i] !== 0) return true;
    return false;
  }

  get traceState(): string {
    return this.message.text(field.traceState);
  }
  set traceState(value: string) {
    this.message.setText(field.traceState, value);
  }
  get name(): string {
    return this.message.text(field.name);
  }
  set name(value: string) {
    this.message.setText(field.name, value);
  }
  /** Position and length of the name's UTF-8 bytes; length 0 when absent. */
  get nameOffset(): number {
    return this.message.has(field.name) ? this.message.valueAt(field.name) : 0;
  }
  get nameLength(): number {
    return this.message.has(field.name) ? this.message.valueLength(field.name) : 0;
  }

  get kind(): number {
    if (!this.message.has(field.kind)) return 0;
    const first = this.message.stage.shared.bytes[this.message.valueAt(field.kind)];
    return first < 128 ? first : Number(BigInt.asIntN(32, this.message.int64(field.kind)));
  }
  set kind(value: number) {
    this.message.setVarint(field.kind, BigInt(value));
  }
  get startTimeUnixNano(): bigint {
    return this.message.fixed64(field.startTimeUnixNano);
  }
  set startTimeUnixNano(value: bigint) {
    this.message.setFixed(field.startTimeUnixNano, value, 8);
  }
  get endTimeUnixNano(): bigint {
    return this.message.fixed64(field.endTimeUnixNano);
  }
  set endTimeUnixNano(value: bigint) {
    this.message.setFixed(field.endTimeUnixNano, value, 8);
  }
  get flags(): number {
    return this.message.fixed32(field.flags);
  }
  set flags(value: number) {
    this.message.setFixed(field.flags, BigInt(value), 4);
  }
  get droppedAttributesCount(): number {
    return Number(BigInt.asUintN(32, this.message.int64(field.droppedAttributesCount)));
  }
  set droppedAttributesCount(value: number) {
    this.message.setVarint(field.droppedAttributesCount, BigInt(value));
  }
  get droppedEventsCount(): number {
    return Number(BigInt.asUintN(32, this.message.int64(field.droppedEventsCount)));
  }
  set droppedEventsCount(value: number) {
    this.message.setVarint(field.droppedEventsCount, BigInt(value));
  }
  get droppedLinksCount(): number {
    return Number(BigInt.asUintN(32, this.message.int64(field.droppedLinksCount)));
  }
  set droppedLinksCount(value: number) {
    this.message.setVarint(field.droppedLinksCount, BigInt(value));
  }

  get statusCode(): number {
    const at = this.#statusField((statusField.code << 3) | 0);
    return at < 0 ? 0 : Number(BigInt.asIntN(32, readInt64(this.message.stage.shared.bytes, at)));
  }
  set statusCode(code: number) {
    this.#setStatus(code, this.statusMessage);
  }
  get statusMessage(): string {
    const at = this.#statusField((statusField.message << 3) | 2);
    if (at < 0) return '';
    const { bytes, buffer } = this.message.stage.shared;
    const n = Number(readInt64(bytes, at));
    const from = at + varintBytes(bytes, at);
    return buffer.utf8Slice(from, from + n);
  }
  set statusMessage(message: string) {
    this.#setStatus(this.statusCode, message);
  }

  /** Position behind the tag of a status field, or -1. Fields of status: message (a text), code (a varint), unknown ones. */
  #statusField(tag: number): number {
    if (!this.message.has(field.status)) return -1;
    const { bytes } = this.message.stage.shared;
    let p = this.message.valueAt(field.status);
    const end = p + this.message.valueLength(field.status);
    while (p < end) {
      const t = Number(readInt64(bytes, p));
      p += varintBytes(bytes, p);
      if (t === tag) return p;
      if ((t & 7) === 0) p += varintBytes(bytes, p);
      else if ((t & 7) === 2) p += varintBytes(bytes, p) + Number(readInt64(bytes, p));
      else p += (t & 7) === 1 ? 8 : 4;
    }
    return -1;
  }

  #setStatus(code: number, message: string): void {
    const text = Buffer.from(message);
    const codeBytes = code === 0 ? 0 : 1 + int64Size(BigInt(code));
    const textBytes = text.length === 0 ? 0 : 1 + varintSize(text.length) + text.length;
    const { stage } = this.message;
    const at = stage.scratch.take(codeBytes + textBytes);
    const { bytes } = stage.shared;
    let p = at;
    if (textBytes > 0) {
      bytes[p] = (statusField.message << 3) | 2;
      p = writeVarint(bytes, p + 1, text.length);
      bytes.set(text, p);
      p += text.length;
    }
    if (codeBytes > 0) {
      bytes[p] = statusField.code << 3;
      writeInt64(bytes, p + 1, BigInt(code));
    }
    this.message.setRange(field.status, at, codeBytes + textBytes);
  }

  /** Events that the span came with; a dropped one keeps its number. */
  get eventCount(): number {
    return this.#events.count;
  }
  /** Those that were not dropped. */
  get liveEvents(): number {
    return this.#events.live;
  }
  /** The event of that number, in a view that is valid until the next call of `event`; null when it was dropped. */
  event(index: number): EventView | null {
    return this.#events.show(index);
  }
  get linkCount(): number {
    return this.#links.count;
  }
  get liveLinks(): number {
    return this.#links.live;
  }
  link(index: number): LinkView | null {
    return this.#links.show(index);
  }

  /** Puts the edits of the event and the link that were shown last into the span. The stage calls it before writing. */
  commit(): void {
    this.#events.commit();
    this.#links.commit();
  }
}

function varintBytes(bytes: Uint8Array, at: number): number {
  let p = at;
  while (bytes[p] > 127) p++;
  return p + 1 - at;
}
