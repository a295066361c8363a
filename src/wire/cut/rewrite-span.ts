// Writes a request of one span anew: ranges replaced, marks added to the span, attributes left out. Messages around a change
// get their new length; everything else is copied.
import {
  eventField,
  linkField,
  type MessageKind,
  messageKind,
  messageRules,
  resourceField,
  scopeField,
  spanField,
  wireType,
} from '../schema.ts';
import { varintSize, writeVarint } from '../varint.ts';
import { Fields } from './fields.ts';

/** A field, or several in a row, whose place another takes. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  /** Of a length-delimited field; 0: none takes the place. */
  readonly tag: number;
  /** Its payload. */
  readonly bytes: Uint8Array;
}

/** Attributes that are left out: all whose field is larger than `size`, and of those that are just as large so many. */
export interface DropRule {
  readonly size: number;
  readonly alsoEqual: number;
}

export interface RewriteResult {
  readonly bytes: Buffer;
  /** Of the field of each attribute that could be left out, as it was written; empty with a rule. */
  readonly attributeBytes: readonly number[];
  /** Messages that have attributes. */
  readonly holders: number;
  /** Attributes that were left out, the first few thousand: the message that had it, and where its field lies. */
  readonly dropped: readonly { readonly kind: MessageKind; readonly start: number; readonly end: number }[];
}

/** `edits` ascend and do not overlap. `marks`: fields for the span. */
export function rewriteSpan(
  message: Uint8Array,
  edits: readonly Edit[],
  marks: Uint8Array,
  drop: DropRule | null,
): RewriteResult {
  return new SpanWriter(message, edits, marks, drop).run();
}

/** A dropped count has a tag and up to five bytes: an attribute that is not larger than that is no gain. */
const leastDropBytes = 12;

const mostDroppedNames = 4096;

/** Number of the field that counts dropped attributes, for each kind of message that has attributes; 0: it has none. */
const attributesField = new Uint8Array(messageRules.length);
const droppedField = new Uint8Array(messageRules.length);
for (const [kind, attributes, dropped] of [
  [messageKind.span, spanField.attributes, spanField.droppedAttributesCount],
  [messageKind.event, eventField.attributes, eventField.droppedAttributesCount],
  [messageKind.link, linkField.attributes, linkField.droppedAttributesCount],
  [messageKind.resource, resourceField.attributes, resourceField.droppedAttributesCount],
  [messageKind.scope, scopeField.attributes, scopeField.droppedAttributesCount],
]) {
  attributesField[kind] = attributes;
  droppedField[kind] = dropped;
}

const childOf = (kind: MessageKind, number: number): MessageKind | -1 =>
  messageRules[kind].find(({ field }) => field === number)?.child ?? -1;
const children: readonly (readonly (MessageKind | -1)[])[] = messageRules.map((_, kind) =>
  Array.from({ length: 32 }, (_unused, number) => childOf(kind as MessageKind, number)),
);

/** Kinds that are rewritten even where nothing in them is replaced: the way to the span, and what has attributes. */
const visited = new Set<number>([
  messageKind.request,
  messageKind.resourceSpans,
  messageKind.scopeSpans,
  messageKind.span,
  messageKind.resource,
  messageKind.scope,
  messageKind.event,
  messageKind.link,
]);

class SpanWriter {
  readonly #message: Uint8Array;
  readonly #edits: readonly Edit[];
  readonly #marks: Uint8Array;
  readonly #drop: DropRule | null;
  readonly #out: Buffer;
  readonly #attributeBytes: number[] = [];
  readonly #dropped: { kind: MessageKind; start: number; end: number }[] = [];
  #holders = 0;
  #at = 0;
  #edit = 0;
  #equalLeft: number;

  constructor(message: Uint8Array, edits: readonly Edit[], marks: Uint8Array, drop: DropRule | null) {
    this.#message = message;
    this.#edits = edits;
    this.#marks = marks;
    this.#drop = drop;
    this.#equalLeft = drop?.alsoEqual ?? 0;
    const added = edits.reduce((sum, { start, end, bytes }) => sum + Math.max(0, bytes.length - (end - start)), 0);
    // The lengths of the messages around a change are written in as many bytes as they may need.
    this.#out = Buffer.allocUnsafe(message.length + added + marks.length + 64);
  }

  run(): RewriteResult {
    this.#fields(messageKind.request, 0, this.#message.length);
    const bytes = this.#out.subarray(0, this.#at);
    return { bytes, attributeBytes: this.#attributeBytes, holders: this.#holders, dropped: this.#dropped };
  }

  #fields(kind: MessageKind, from: number, end: number): void {
    const fields = new Fields(this.#message, from, end);
    const byNumber = children[kind];
    const countField = this.#drop === null ? 0 : droppedField[kind];
    let marked = kind !== messageKind.span;
    let attributes = 0;
    let dropped = 0;
    let counted = 0;
    let copied = from;
    while (fields.next()) {
      const { fieldStart, number } = fields;
      if (!marked && number > spanField.attributes) {
        this.#copy(copied, fieldStart);
        copied = fieldStart;
        this.#put(this.#marks);
        marked = true;
      }
      const edit = this.#editAt(fieldStart);
      if (edit !== null) {
        this.#copy(copied, fieldStart);
        this.#replace(edit);
        fields.jump(edit.end);
        copied = edit.end;
        continue;
      }
      if (number === countField && countField !== 0 && fields.wire === wireType.varint) {
        this.#copy(copied, fieldStart);
        copied = fields.end;
        counted = this.#smallVarint(fields.start, fields.end);
        continue;
      }
      const isAttribute = number === attributesField[kind] && number !== 0;
      const child = number < 32 && fields.wire === wireType.bytes ? byNumber[number] : -1;
      if (child === -1 || !this.#goesInto(child, isAttribute, fields)) continue;
      this.#copy(copied, fieldStart);
      copied = fields.end;
      const at = this.#at;
      this.#nested(child, fields);
      if (!isAttribute) continue;
      attributes++;
      if (!this.#leavesOut(this.#at - at)) continue;
      this.#at = at;
      dropped++;
      if (this.#dropped.length < mostDroppedNames) this.#dropped.push({ kind, start: fieldStart, end: fields.end });
    }
    if (attributes > 0) this.#holders++;
    this.#copy(copied, end);
    if (!marked) this.#put(this.#marks);
    if (counted + dropped > 0) this.#count(countField, counted + dropped);
  }

  /** Whether the content of a field is looked at; otherwise it is copied. */
  #goesInto(child: MessageKind, isAttribute: boolean, { start, end }: Fields): boolean {
    if (isAttribute || visited.has(child)) return true;
    const edit = this.#edits[this.#edit];
    return edit !== undefined && edit.start < end && edit.start >= start;
  }

  #editAt(position: number): Edit | null {
    const edit = this.#edits[this.#edit];
    if (edit === undefined || edit.start !== position) return null;
    this.#edit++;
    return edit;
  }

  #nested(kind: MessageKind, { fieldStart, start, end }: Fields): void {
    const edit = this.#edits[this.#edit];
    if (!visited.has(kind) && (edit === undefined || edit.start >= end)) {
      this.#copy(fieldStart, end);
      return;
    }
    let tagEnd = fieldStart;
    while (this.#message[tagEnd] > 127) tagEnd++;
    this.#copy(fieldStart, tagEnd + 1);
    this.#lengthAndFields(kind, start, end);
  }

  #lengthAndFields(kind: MessageKind, start: number, end: number): void {
    const lengthAt = this.#at;
    const room = varintSize(end - start + this.#marks.length);
    this.#at += room;
    const from = this.#at;
    this.#fields(kind, start, end);
    const length = this.#at - from;
    const size = varintSize(length);
    if (size < room) {
      this.#out.copyWithin(lengthAt + size, from, this.#at);
      this.#at -= room - size;
    }
    writeVarint(this.#out, lengthAt, length);
  }

  #leavesOut(bytes: number): boolean {
    if (this.#drop === null) {
      if (bytes >= leastDropBytes) this.#attributeBytes.push(bytes);
      return false;
    }
    if (bytes !== this.#drop.size) return bytes > this.#drop.size;
    return this.#equalLeft-- > 0;
  }

  #count(field: number, n: number): void {
    const count = Math.min(n, 0xffffffff);
    this.#out[this.#at] = field << 3;
    this.#at = writeVarint(this.#out, this.#at + 1, count);
  }

  /** A uint32: its lowest 32 bits. */
  #smallVarint(start: number, end: number): number {
    let value = 0;
    for (let p = start, scale = 1; p < end && p < start + 5; p++, scale *= 128) {
      value += (this.#message[p] & 127) * scale;
    }
    return value % 2 ** 32;
  }

  #copy(from: number, end: number): void {
    if (end <= from) return;
    this.#out.set(this.#message.subarray(from, end), this.#at);
    this.#at += end - from;
  }

  #replace({ tag, bytes }: Edit): void {
    if (tag === 0) return;
    this.#out[this.#at] = tag;
    this.#at = writeVarint(this.#out, this.#at + 1, bytes.length);
    this.#put(bytes);
  }

  #put(bytes: Uint8Array): void {
    this.#out.set(bytes, this.#at);
    this.#at += bytes.length;
  }
}
