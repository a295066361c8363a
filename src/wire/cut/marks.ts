// What a shrunk span says of itself: the attributes `spanmill.truncated`, names of what was cut, and
// `spanmill.original_bytes`. A span that is shrunk again keeps the names, and the size that it had at first.
import { anyValueField, arrayValueField, keyValueField, spanField, wireType } from '../schema.ts';
import { varintSize, writeVarint } from '../varint.ts';
import { Fields } from './fields.ts';
import type { Owner, SpanContent } from './long-values.ts';

export const truncatedKey = 'spanmill.truncated';
export const originalBytesKey = 'spanmill.original_bytes';
export const markKeys = [truncatedKey, originalBytesKey] as const;

/** Most names; what comes after them is counted in one last entry. */
const mostNames = 32;
const mostNameBytes = 128;
/** A span that is cut to little has little room for names. */
const mostMarkBytes = 4096;
const leastMarkBytes = 160;

/** Bytes that the marks of a request cut to `maxBytes` may take, unless that is less than one name needs. */
export const mostMarksBytes = (maxBytes: number): number =>
  Math.min(Math.max(Math.floor(maxBytes / 8), leastMarkBytes), mostMarkBytes);

/** The same, where only these attributes can be cut. */
export function marksBytes(
  message: Uint8Array,
  owners: readonly Owner[],
  earlier: EarlierMarks,
  maxBytes: number,
): number {
  const most = mostMarksBytes(maxBytes);
  if (owners.length + earlier.names.length > mostNames) return most;
  const names = new Set([...earlier.names, ...owners.map((owner) => nameOf(message, owner))]);
  return Math.min(most, marksOf(names, 0xffffffff, mostMarkBytes).length + spareBytes());
}

/** What earlier marks say. */
export interface EarlierMarks {
  readonly names: readonly string[];
  /** 0: nothing. */
  readonly originalBytes: number;
}

export function earlierMarks(message: Uint8Array, marks: SpanContent['marks']): EarlierMarks {
  const names: string[] = [];
  let originalBytes = 0;
  for (const { start, end, key } of marks) {
    for (const value of valuesOf(message, start, end)) {
      if (key === originalBytesKey && typeof value === 'number') originalBytes = value;
      if (key === truncatedKey && typeof value === 'string') names.push(value);
    }
  }
  return { names, originalBytes };
}

/** `conversation[0].content`, `events[3].exception.stacktrace`, `resource.process.command_line`. */
export function nameOf(message: Uint8Array, { prefix, key }: Owner): string {
  if (typeof key === 'string') return prefix + key;
  const bytes = message.subarray(key.start, Math.min(key.end, key.start + mostNameBytes));
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  if (key.end - key.start <= mostNameBytes) return prefix + text;
  // The end may have cut a character in two.
  return `${prefix}${text.replace(/\uFFFD$/, '')}…`;
}

/** The attributes as fields of the span, in at most `room` bytes. */
export function marksOf(names: Iterable<string>, originalBytes: number, room: number): Buffer {
  const original = attribute(originalBytesKey, intValue(originalBytes));
  const items: Buffer[] = [];
  let left = room - original.length - attribute(truncatedKey, listValue([])).length - spareBytes();
  let omitted = 0;
  for (const name of names) {
    const bytes = item(name);
    if (omitted > 0 || items.length === mostNames || bytes.length > left) {
      omitted++;
      continue;
    }
    items.push(bytes);
    left -= bytes.length;
  }
  if (omitted > 0) items.push(item(`… ${omitted} more`));
  return Buffer.concat([attribute(truncatedKey, listValue(items)), original]);
}

/** For the lengths around the list, and the entry for what does not fit. */
const spareBytes = (): number => 12 + item('… 4294967295 more').length;

function field(number: number, wire: number, ...payload: readonly Uint8Array[]): Buffer {
  const length = payload.reduce((sum, one) => sum + one.length, 0);
  const head = Buffer.alloc(wire === wireType.bytes ? 1 + varintSize(length) : 1);
  head[0] = (number << 3) | wire;
  if (wire === wireType.bytes) writeVarint(head, 1, length);
  return Buffer.concat([head, ...payload]);
}

const attribute = (key: string, value: Buffer): Buffer =>
  field(
    spanField.attributes,
    wireType.bytes,
    field(keyValueField.key, wireType.bytes, Buffer.from(key)),
    field(keyValueField.value, wireType.bytes, value),
  );

const item = (text: string): Buffer =>
  field(arrayValueField.values, wireType.bytes, field(anyValueField.stringValue, wireType.bytes, Buffer.from(text)));

const listValue = (items: readonly Buffer[]): Buffer => field(anyValueField.arrayValue, wireType.bytes, ...items);

/** Of a number below 2^32. */
function intValue(n: number): Buffer {
  const bytes = Buffer.alloc(varintSize(n));
  writeVarint(bytes, 0, n);
  return field(anyValueField.intValue, wireType.varint, bytes);
}

/** Strings and small integers in the value of an attribute's field, those of a list one after another. */
function valuesOf(message: Uint8Array, from: number, end: number): (string | number)[] {
  const found: (string | number)[] = [];
  const attributes = new Fields(message, from, end);
  while (attributes.next()) {
    const keyValue = new Fields(message, attributes.start, attributes.end);
    while (keyValue.next()) {
      if (keyValue.number === keyValueField.value && keyValue.wire === wireType.bytes) {
        anyValues(message, keyValue.start, keyValue.end, found, 0);
      }
    }
  }
  return found;
}

/** Lists in lists are not ours. */
function anyValues(message: Uint8Array, from: number, end: number, found: (string | number)[], depth: number): void {
  const fields = new Fields(message, from, end);
  while (fields.next()) {
    const { number, wire, start, end: to } = fields;
    if (number === anyValueField.stringValue && wire === wireType.bytes && to - start <= 2 * mostNameBytes) {
      found.push(Buffer.from(message.subarray(start, to)).toString('utf8'));
    } else if (number === anyValueField.intValue && wire === wireType.varint && to - start <= 5) {
      let value = 0;
      for (let p = to - 1; p >= start; p--) value = value * 128 + (message[p] & 127);
      if (value < 2 ** 32) found.push(value);
    } else if (number === anyValueField.arrayValue && wire === wireType.bytes && depth === 0) {
      const items = new Fields(message, start, to);
      while (items.next() && found.length < mostNames) {
        if (items.number === arrayValueField.values && items.wire === wireType.bytes) {
          anyValues(message, items.start, items.end, found, 1);
        }
      }
    }
  }
}
