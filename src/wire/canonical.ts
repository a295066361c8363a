// A form of attributes that is equal where they mean the same: a list of them, and the maps inside of their values, in the
// order of the keys. Only to be compared: lengths before contents keep different lists different.
//
//   attributes: count, then for each   key length, key, value, rest length, rest   (rest: fields besides key and value)
//   value:      0, length, the AnyValue payload   |   5, count, values   |   6, count, for each   key length, key, value
import { kindAt } from './any-value.ts';
import { type AttributeTable, entryState } from './attribute-table.ts';
import type { Kernel } from './kernel/kernel.ts';
import type { StageMemory } from './stage-memory.ts';
import { valueKind } from './value.ts';
import { writeVarint } from './varint.ts';

/** Most bytes that the form of attributes takes of which all fields together have `length`. */
export const mostCanonicalBytes = (length: number): number => 2 * length + 16;

interface Work {
  readonly bytes: Uint8Array;
  readonly kernel: Kernel;
}

/** Positions and lengths of the keys and values of one list. Of a key that occurs twice the order stays. */
interface Entry {
  readonly key: number;
  readonly keyLength: number;
  readonly value: number;
  readonly valueLength: number;
}

/** Writes the canonical form of the attributes at `at`, where there is room; returns the end. */
export function writeCanonicalAttributes({ shared, kernel }: StageMemory, table: AttributeTable, at: number): number {
  const work: Work = { bytes: shared.bytes, kernel };
  const live: (Entry & { readonly entry: number })[] = [];
  for (let entry = 0; entry < table.count; entry++) {
    if (!table.live(entry)) continue;
    live.push({
      entry,
      key: table.keyOffset(entry),
      keyLength: table.keyLength(entry),
      value: table.valueOffset(entry),
      valueLength: table.valueLength(entry),
    });
  }
  let p = writeVarint(shared.bytes, at, live.length);
  for (const one of sorted(work, live)) {
    p = writeRange(work, p, one.key, one.keyLength);
    p = writeValue(work, p, one.value, one.valueLength);
    const rest = restOf(work, table, one.entry, one);
    p = writeRange(work, p, rest, rest === 0 ? 0 : table.fieldEnd(one.entry) - rest);
  }
  return p;
}

/** Where the fields of an attribute besides its key and value begin; 0: it has none. */
function restOf(
  { bytes }: Work,
  table: AttributeTable,
  entry: number,
  { key, keyLength, value, ...of }: Entry,
): number {
  if (table.state(entry) === entryState.edited) return 0;
  const end = table.fieldEnd(entry);
  const from = of.valueLength > 0 ? value + of.valueLength : key + keyLength;
  const isEmptyValue = end - from === 2 && bytes[from] === 0x12 && bytes[from + 1] === 0;
  return from === end || isEmptyValue ? 0 : from;
}

function writeRange({ bytes, kernel }: Work, at: number, from: number, length: number): number {
  const p = writeVarint(bytes, at, length);
  kernel.copy(p, from, length);
  return p + length;
}

function sorted<E extends Entry>({ bytes }: Work, entries: E[]): E[] {
  return entries.sort((a, b) => {
    const shared = Math.min(a.keyLength, b.keyLength);
    for (let i = 0; i < shared; i++) {
      const order = bytes[a.key + i] - bytes[b.key + i];
      if (order !== 0) return order;
    }
    return a.keyLength - b.keyLength;
  });
}

function writeValue(work: Work, at: number, value: number, length: number): number {
  const { bytes } = work;
  const kind = kindAt(bytes, value, length);
  if (kind === valueKind.array || kind === valueKind.kvlist) {
    const inner = readLength(bytes, value + 1);
    const from = behindLength;
    // Anything behind the list is no part of OTLP, and is compared as it came.
    if (from + inner === value + length) {
      const end = kind === valueKind.array ? writeList(work, at, from, inner) : writeMap(work, at, from, inner);
      if (end > 0) return end;
    }
  }
  bytes[at] = 0;
  return writeRange(work, at + 1, value, length);
}

/** 0: it holds fields that OTLP does not define. */
function writeList(work: Work, at: number, from: number, length: number): number {
  const { bytes } = work;
  const items: [at: number, length: number][] = [];
  for (let p = from; p < from + length; ) {
    if (bytes[p] !== 0x0a) return 0;
    const n = readLength(bytes, p + 1);
    items.push([behindLength, n]);
    p = behindLength + n;
  }
  bytes[at] = valueKind.array;
  let end = writeVarint(bytes, at + 1, items.length);
  for (const [item, n] of items) end = writeValue(work, end, item, n);
  return end;
}

/** 0: it holds fields that OTLP does not define. */
function writeMap(work: Work, at: number, from: number, length: number): number {
  const { bytes } = work;
  const entries: Entry[] = [];
  for (let p = from; p < from + length; ) {
    if (bytes[p] !== 0x0a) return 0;
    const n = readLength(bytes, p + 1);
    const end = behindLength + n;
    const entry = readEntry(bytes, behindLength, end);
    if (entry === null) return 0;
    entries.push(entry);
    p = end;
  }
  bytes[at] = valueKind.kvlist;
  let end = writeVarint(bytes, at + 1, entries.length);
  for (const { key, keyLength, value, valueLength } of sorted(work, entries)) {
    end = writeValue(work, writeRange(work, end, key, keyLength), value, valueLength);
  }
  return end;
}

/** A KeyValue of key and value, either of which may be missing; null: it has more. */
function readEntry(bytes: Uint8Array, from: number, end: number): Entry | null {
  let p = from;
  const field = (tag: number): [number, number] => {
    if (p >= end || bytes[p] !== tag) return [p, 0];
    const n = readLength(bytes, p + 1);
    const at = behindLength;
    p = at + n;
    return [at, n];
  };
  const [key, keyLength] = field(0x0a);
  const [value, valueLength] = field(0x12);
  return p === end ? { key, keyLength, value, valueLength } : null;
}

let behindLength = 0;
/** A length that the kernel has validated. */
function readLength(bytes: Uint8Array, at: number): number {
  let p = at;
  let n = 0;
  let unit = 1;
  let b = 0;
  do {
    b = bytes[p++];
    n += (b & 127) * unit;
    unit *= 128;
  } while (b > 127);
  behindLength = p;
  return n;
}
