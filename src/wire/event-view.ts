// Events and links of a span, shown one at a time.
import type { AttributeTable } from './attribute-table.ts';
import type { ItemView } from './item-list.ts';
import { MessageView } from './message-view.ts';
import { eventField, linkField, messageKind } from './schema.ts';
import type { EntryTables } from './span-view.ts';
import type { StageMemory } from './stage-memory.ts';

export class EventView implements ItemView {
  readonly message: MessageView;
  readonly attributes: AttributeTable;
  isDropped = false;

  constructor(stage: StageMemory, tables: EntryTables) {
    this.message = new MessageView(stage, messageKind.event, eventField.attributes, tables.item, tables.capacity / 2);
    this.attributes = this.message.attributes;
  }

  get name(): string {
    return this.message.text(eventField.name);
  }
  set name(value: string) {
    this.message.setText(eventField.name, value);
  }
  get timeUnixNano(): bigint {
    return this.message.fixed64(eventField.timeUnixNano);
  }
  set timeUnixNano(value: bigint) {
    this.message.setFixed(eventField.timeUnixNano, value, 8);
  }
  get droppedAttributesCount(): number {
    return Number(BigInt.asUintN(32, this.message.int64(eventField.droppedAttributesCount)));
  }
  set droppedAttributesCount(value: number) {
    this.message.setVarint(eventField.droppedAttributesCount, BigInt(value));
  }
  drop(): void {
    this.isDropped = true;
  }
}

export class LinkView implements ItemView {
  readonly message: MessageView;
  readonly attributes: AttributeTable;
  isDropped = false;

  constructor(stage: StageMemory, tables: EntryTables) {
    // Events and links share the entry table: the list of each commits its edits before another element is shown, but
    // both may be shown at once, so links have the second half.
    const half = tables.capacity / 2;
    this.message = new MessageView(stage, messageKind.link, linkField.attributes, tables.item + half * 32, half);
    this.attributes = this.message.attributes;
  }

  get traceId(): Uint8Array {
    return this.message.bytes(linkField.traceId);
  }
  set traceId(id: Uint8Array) {
    this.message.setBytes(linkField.traceId, id);
  }
  get spanId(): Uint8Array {
    return this.message.bytes(linkField.spanId);
  }
  set spanId(id: Uint8Array) {
    this.message.setBytes(linkField.spanId, id);
  }
  get traceState(): string {
    return this.message.text(linkField.traceState);
  }
  set traceState(value: string) {
    this.message.setText(linkField.traceState, value);
  }
  get droppedAttributesCount(): number {
    return Number(BigInt.asUintN(32, this.message.int64(linkField.droppedAttributesCount)));
  }
  set droppedAttributesCount(value: number) {
    this.message.setVarint(linkField.droppedAttributesCount, BigInt(value));
  }
  get flags(): number {
    return this.message.fixed32(linkField.flags);
  }
  set flags(value: number) {
    this.message.setFixed(linkField.flags, BigInt(value), 4);
  }
  drop(): void {
    this.isDropped = true;
  }
}
