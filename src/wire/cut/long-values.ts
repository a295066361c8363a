// Finds what can be made smaller in a request of one span: long strings, bytes and lists of numbers in attribute values,
// wherever they are nested, and the status message. Keys, names, ids and times are never among them.

import { wireCode } from '../codes.ts';
import {
  anyValueField,
  arrayValueField,
  eventField,
  keyValueField,
  keyValueListField,
  linkField,
  maxDepth,
  requestField,
  resourceField,
  resourceSpansField,
  scopeField,
  scopeSpansField,
  spanField,
  statusField,
  wireType,
} from '../schema.ts';
import { Fields, malformed } from './fields.ts';
import { keptNumbers } from './json-scan.ts';

/** The attribute, or the one other field, that a value belongs to. */
export interface Owner {
  /** Prefix of its name: '' for the span's own attributes, `events[2].` and the like. */
  readonly prefix: string;
  /** Where the key stands; or the name itself, for what is no attribute. */
  readonly key: { readonly start: number; readonly end: number } | string;
}

/** `numbers`: from behind the first few of a list's items to its end; may be left out. */
export interface LongValue {
  readonly kind: 'text' | 'bytes' | 'numbers';
  /** What a replacement takes the place of: for text and bytes the whole field, for numbers the items. */
  readonly fieldStart: number;
  readonly start: number;
  readonly end: number;
  readonly owner: Owner;
}

export interface SpanContent {
  readonly spans: number;
  readonly values: readonly LongValue[];
  /** Attributes of the span itself with these keys, as fields. */
  readonly marks: readonly { readonly start: number; readonly end: number; readonly key: string }[];
}

/** Throws a SpanmillError OTLP_PROTOBUF. `leastBytes`: shorter values are left out. `markKeys`: keys that are looked for. */
export function longValuesOf(message: Uint8Array, leastBytes: number, markKeys: readonly string[]): SpanContent {
  const finder = new Finder(message, leastBytes, markKeys);
  finder.request();
  return finder;
}

/** Where the key of an attribute stands; null: it has none. */
export function keyOf(message: Uint8Array, from: number, end: number): { start: number; end: number } | null {
  const fields = new Fields(message, from, end);
  let key: { start: number; end: number } | null = null;
  while (fields.next()) {
    const { number, wire, start } = fields;
    if (number === keyValueField.key && wire === wireType.bytes) key = { start, end: fields.end };
  }
  return key;
}

class Finder implements SpanContent {
  spans = 0;
  readonly values: LongValue[] = [];
  readonly marks: { start: number; end: number; key: string }[] = [];
  readonly #message: Uint8Array;
  readonly #leastBytes: number;
  readonly #markKeys: readonly string[];
  readonly #shortestMark: number;
  readonly #longestMark: number;

  constructor(message: Uint8Array, leastBytes: number, markKeys: readonly string[]) {
    this.#message = message;
    this.#leastBytes = leastBytes;
    this.#markKeys = markKeys;
    this.#shortestMark = Math.min(leastBytes, ...markKeys.map((key) => key.length));
    this.#longestMark = Math.max(...markKeys.map((key) => key.length));
  }

  request(): void {
    const request = new Fields(this.#message, 0, this.#message.length);
    while (request.next()) {
      if (request.number !== requestField.resourceSpans) continue;
      request.expectBytes();
      this.#resourceSpans(request.start, request.end);
    }
  }

  #resourceSpans(from: number, end: number): void {
    const fields = new Fields(this.#message, from, end);
    while (fields.next()) {
      if (fields.wire !== wireType.bytes) continue;
      if (fields.number === resourceSpansField.resource) {
        this.#attributesOf(fields.start, fields.end, resourceField.attributes, 'resource.');
      } else if (fields.number === resourceSpansField.scopeSpans) this.#scopeSpans(fields.start, fields.end);
    }
  }

  #scopeSpans(from: number, end: number): void {
    const fields = new Fields(this.#message, from, end);
    while (fields.next()) {
      if (fields.wire !== wireType.bytes) continue;
      if (fields.number === scopeSpansField.scope) {
        this.#attributesOf(fields.start, fields.end, scopeField.attributes, 'scope.');
      } else if (fields.number === scopeSpansField.spans) {
        this.spans++;
        this.#span(fields.start, fields.end);
      }
    }
  }

  #span(from: number, end: number): void {
    const fields = new Fields(this.#message, from, end);
    let events = 0;
    let links = 0;
    while (fields.next()) {
      if (fields.wire !== wireType.bytes) continue;
      const { number, start, end: to } = fields;
      if (number === spanField.attributes) this.#spanAttribute(fields);
      else if (number === spanField.events) {
        this.#attributesOf(start, to, eventField.attributes, `events[${events++}].`);
      } else if (number === spanField.links) {
        this.#attributesOf(start, to, linkField.attributes, `links[${links++}].`);
      } else if (number === spanField.status) this.#status(start, to);
    }
  }

  #spanAttribute({ fieldStart, start, end }: Fields): void {
    // Most are too short for a mark, and for a long value.
    if (end - start < this.#shortestMark) return;
    const key = keyOf(this.#message, start, end);
    if (key !== null && key.end - key.start <= this.#longestMark) {
      const bytes = this.#message.subarray(key.start, key.end);
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
      if (this.#markKeys.includes(text)) {
        this.marks.push({ start: fieldStart, end, key: text });
        return;
      }
    }
    this.#keyValue(start, end, { prefix: '', key: key ?? '' }, 0);
  }

  #status(from: number, end: number): void {
    const fields = new Fields(this.#message, from, end);
    while (fields.next()) {
      if (fields.number !== statusField.message || fields.wire !== wireType.bytes) continue;
      this.#long('text', fields, { prefix: 'status.', key: 'message' });
    }
  }

  #attributesOf(from: number, end: number, attributes: number, prefix: string): void {
    const fields = new Fields(this.#message, from, end);
    while (fields.next()) {
      if (fields.number !== attributes || fields.wire !== wireType.bytes) continue;
      // Most are too short to hold anything long.
      if (fields.end - fields.start < this.#leastBytes) continue;
      this.#keyValue(
        fields.start,
        fields.end,
        { prefix, key: keyOf(this.#message, fields.start, fields.end) ?? '' },
        0,
      );
    }
  }

  #keyValue(from: number, end: number, owner: Owner, depth: number): void {
    if (end - from < this.#leastBytes) return;
    const fields = new Fields(this.#message, from, end);
    while (fields.next()) {
      if (fields.number !== keyValueField.value || fields.wire !== wireType.bytes) continue;
      this.#anyValue(fields.start, fields.end, owner, depth + 1);
    }
  }

  #anyValue(from: number, end: number, owner: Owner, depth: number): void {
    if (depth > maxDepth) throw malformed(wireCode.tooDeep, from);
    if (end - from < this.#leastBytes) return;
    const fields = new Fields(this.#message, from, end);
    while (fields.next()) {
      if (fields.wire !== wireType.bytes) continue;
      switch (fields.number) {
        case anyValueField.stringValue:
          this.#long('text', fields, owner);
          break;
        case anyValueField.bytesValue:
          this.#long('bytes', fields, owner);
          break;
        case anyValueField.arrayValue:
          this.#array(fields.start, fields.end, owner, depth + 1);
          break;
        case anyValueField.kvlistValue:
          this.#list(fields.start, fields.end, owner, depth + 1);
          break;
        default:
      }
    }
  }

  #array(from: number, end: number, owner: Owner, depth: number): void {
    const fields = new Fields(this.#message, from, end);
    let count = 0;
    let restStart = 0;
    let onlyNumbers = true;
    while (fields.next()) {
      const { start, end: to } = fields;
      const isItem = fields.number === arrayValueField.values && fields.wire === wireType.bytes;
      if (!isItem || !this.#isNumber(start, to)) onlyNumbers = false;
      if (isItem) this.#anyValue(start, to, owner, depth + 1);
      if (++count === keptNumbers) restStart = to;
    }
    if (onlyNumbers && restStart > 0 && end - restStart >= this.#leastBytes) {
      this.values.push({ kind: 'numbers', fieldStart: restStart, start: restStart, end, owner });
    }
  }

  #isNumber(start: number, end: number): boolean {
    const tag = this.#message[start];
    const isNumeric = tag === ((anyValueField.doubleValue << 3) | 1) || tag === anyValueField.intValue << 3;
    return isNumeric && end - start <= 11;
  }

  #list(from: number, end: number, owner: Owner, depth: number): void {
    const fields = new Fields(this.#message, from, end);
    while (fields.next()) {
      if (fields.number !== keyValueListField.values || fields.wire !== wireType.bytes) continue;
      this.#keyValue(fields.start, fields.end, owner, depth + 1);
    }
  }

  #long(kind: LongValue['kind'], { fieldStart, start, end }: Fields, owner: Owner): void {
    if (end - start >= this.#leastBytes) this.values.push({ kind, fieldStart, start, end, owner });
  }
}
