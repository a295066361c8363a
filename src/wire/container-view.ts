// Resource and scope as processors see them: shown once each, before their spans.
import type { AttributeTable } from './attribute-table.ts';
import { MessageView } from './message-view.ts';
import { messageKind, resourceField, scopeField } from './schema.ts';
import { SchemaUrl } from './schema-url.ts';
import type { EntryTables } from './span-view.ts';
import type { StageMemory } from './stage-memory.ts';

const resourceDepth = 2;
const scopeDepth = 3;

export class ResourceView {
  readonly message: MessageView;
  readonly attributes: AttributeTable;
  /** Of the resource spans that hold the resource. */
  readonly schema = new SchemaUrl();
  /** The counter that `drop` was given; -1: the resource goes on. */
  dropped = -1;

  constructor(stage: StageMemory, tables: EntryTables) {
    this.message = new MessageView(
      stage,
      messageKind.resource,
      resourceField.attributes,
      tables.resource,
      tables.capacity,
    );
    this.attributes = this.message.attributes;
  }

  load(start: number, end: number): number {
    this.dropped = -1;
    return this.message.load(start, end, resourceDepth);
  }

  /** The resource and all of its spans end here. */
  drop(counter: number): void {
    this.dropped = counter;
  }

  get schemaUrl(): string {
    return this.schema.text;
  }
  set schemaUrl(value: string) {
    this.schema.edited = value;
  }
  get droppedAttributesCount(): number {
    return Number(BigInt.asUintN(32, this.message.int64(resourceField.droppedAttributesCount)));
  }
  set droppedAttributesCount(value: number) {
    this.message.setVarint(resourceField.droppedAttributesCount, BigInt(value));
  }
}

export class ScopeView {
  readonly message: MessageView;
  readonly attributes: AttributeTable;
  /** Of the scope spans that hold the scope. */
  readonly schema = new SchemaUrl();
  dropped = -1;

  constructor(stage: StageMemory, tables: EntryTables) {
    this.message = new MessageView(stage, messageKind.scope, scopeField.attributes, tables.scope, tables.capacity);
    this.attributes = this.message.attributes;
  }

  load(start: number, end: number): number {
    this.dropped = -1;
    return this.message.load(start, end, scopeDepth);
  }

  /** The scope and all of its spans end here. */
  drop(counter: number): void {
    this.dropped = counter;
  }

  get name(): string {
    return this.message.text(scopeField.name);
  }
  set name(value: string) {
    this.message.setText(scopeField.name, value);
  }
  get version(): string {
    return this.message.text(scopeField.version);
  }
  set version(value: string) {
    this.message.setText(scopeField.version, value);
  }
  get schemaUrl(): string {
    return this.schema.text;
  }
  set schemaUrl(value: string) {
    this.schema.edited = value;
  }
  get droppedAttributesCount(): number {
    return Number(BigInt.asUintN(32, this.message.int64(scopeField.droppedAttributesCount)));
  }
  set droppedAttributesCount(value: number) {
    this.message.setVarint(scopeField.droppedAttributesCount, BigInt(value));
  }
}
