// The value of one attribute of a span, as conditions look at it.
import { type Field, int64Of, lastField, readFields } from './message-reader.ts';
import { readEntry } from './same-value.ts';

/** null: there, but of a kind that conditions do not compare (a list, a map, bytes, nothing). */
export type SimpleValue = string | boolean | bigint | number | null;

const spanAttributes = 9;

/** undefined: it has no such attribute. `number`: the field of the message that has the KeyValues. */
export function attributeOf(
  bytes: Buffer,
  fields: readonly Field[],
  key: string,
  number = spanAttributes,
): SimpleValue | undefined {
  const member = attributeMember(bytes, fields, key, number);
  return member === undefined || member === null ? member : simpleValue(bytes, member);
}

/** The field of the AnyValue that holds the value; null: the empty value. */
export function attributeMember(
  bytes: Buffer,
  fields: readonly Field[],
  key: string,
  number = spanAttributes,
): Field | null | undefined {
  for (const field of fields) {
    if (field.number !== number || field.type !== 2 || !hasKey(bytes, field, key)) continue;
    const { value } = readEntry(bytes, field.from, field.to);
    return value === null ? null : (readFields(bytes, value.from, value.to)[0] ?? null);
  }
  return undefined;
}

function hasKey(bytes: Buffer, entry: Field, key: string): boolean {
  const field = lastField(readFields(bytes, entry.from, entry.to), 1, 2);
  return field !== null && field.to - field.from >= key.length && bytes.toString('utf8', field.from, field.to) === key;
}

export function simpleValue(bytes: Buffer, member: Field): SimpleValue {
  switch (member.number) {
    case 1:
      return bytes.toString('utf8', member.from, member.to);
    case 2:
      return int64Of(bytes, member) !== 0n;
    case 3:
      return int64Of(bytes, member);
    case 4:
      return bytes.readDoubleLE(member.from);
    default:
      return null;
  }
}
