// Whether two encoded AnyValues mean the same.
import { type Field, int32Of, int64Of, lastField, readFields, sameBytes } from './message-reader.ts';

/**
 * Thrown where a message that may stand once stands twice, so that its parts would have to be merged: the comparison then
 * goes on with bytes that the reference codec wrote.
 */
export class UnusualEncoding extends Error {}

// AnyValue: string_value 1, bool_value 2, int_value 3, double_value 4, array_value 5, kvlist_value 6, bytes_value 7,
// string_value_strindex 8 (of profiles; a span that has it does not have the value that was sent).
const typeOfMember = [-1, 2, 0, 0, 1, 2, 2, 2, 0];

/** The member of the oneof that counts, the last one; null: the empty value. */
function memberOf(fields: readonly Field[]): Field | null {
  let member: Field | null = null;
  for (const field of fields) {
    if (field.number >= typeOfMember.length || field.type !== typeOfMember[field.number]) continue;
    if (member?.number === field.number && (field.number === 5 || field.number === 6)) throw new UnusualEncoding();
    member = field;
  }
  return member;
}

/** A field that holds a message and may stand once. */
export function onlyMessage(fields: readonly Field[], number: number): Field | null {
  let found: Field | null = null;
  for (const field of fields) {
    if (field.number !== number || field.type !== 2) continue;
    if (found !== null) throw new UnusualEncoding();
    found = field;
  }
  return found;
}

/** NaNs are the same whatever their bits, and 0 is not -0. Maps may be in any order, lists may not. */
export function sameValue(a: Buffer, aFrom: number, aTo: number, b: Buffer, bFrom: number, bTo: number): boolean {
  if (sameBytes(a, aFrom, aTo, b, bFrom, bTo)) return true;
  const left = memberOf(readFields(a, aFrom, aTo));
  const right = memberOf(readFields(b, bFrom, bTo));
  if (left === null || right === null) return left === right;
  if (left.number !== right.number) return false;
  switch (left.number) {
    case 2:
      return (int64Of(a, left) !== 0n) === (int64Of(b, right) !== 0n);
    case 3:
    case 8:
      return int64Of(a, left) === int64Of(b, right);
    case 4:
      return Object.is(a.readDoubleLE(left.from), b.readDoubleLE(right.from));
    case 5:
      return sameList(a, left, b, right);
    case 6:
      return sameMap(a, left, b, right);
    default:
      return sameBytes(a, left.from, left.to, b, right.from, right.to);
  }
}

function itemsOf(bytes: Buffer, message: Field): Field[] {
  return readFields(bytes, message.from, message.to).filter(({ number, type }) => number === 1 && type === 2);
}

function sameList(a: Buffer, left: Field, b: Buffer, right: Field): boolean {
  const items = itemsOf(a, left);
  const others = itemsOf(b, right);
  return (
    items.length === others.length &&
    items.every((item, i) => sameValue(a, item.from, item.to, b, others[i].from, others[i].to))
  );
}

/** A KeyValue of key 1, value 2, and key_strindex 3: of profiles, and nothing that is sent has it. */
export interface Entry {
  readonly key: string;
  readonly hasKeyIndex: boolean;
  /** null: it has none, which is the empty value. */
  readonly value: Field | null;
}

export function readEntry(bytes: Buffer, from: number, to: number): Entry {
  const fields = readFields(bytes, from, to);
  const key = lastField(fields, 1, 2);
  return {
    key: key === null ? '' : bytes.toString('utf8', key.from, key.to),
    hasKeyIndex: int32Of(bytes, lastField(fields, 3, 0)) !== 0,
    value: onlyMessage(fields, 2),
  };
}

function sameMap(a: Buffer, left: Field, b: Buffer, right: Field): boolean {
  const entries = itemsOf(a, left).map((item) => readEntry(a, item.from, item.to));
  const others = itemsOf(b, right).map((item) => readEntry(b, item.from, item.to));
  if (entries.length !== others.length) return false;
  const byKey = new Map(others.map((entry) => [entry.key, entry.value]));
  return (
    new Set(entries.map(({ key }) => key)).size === byKey.size &&
    entries.every(
      ({ key, hasKeyIndex, value }) => !hasKeyIndex && byKey.has(key) && sameField(a, value, b, byKey.get(key) ?? null),
    )
  );
}

/** As `sameValue`, of fields that may be absent. */
export function sameField(a: Buffer, left: Field | null, b: Buffer, right: Field | null): boolean {
  return sameValue(a, left?.from ?? 0, left?.to ?? 0, b, right?.from ?? 0, right?.to ?? 0);
}
