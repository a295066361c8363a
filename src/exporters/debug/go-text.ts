// Values and times as Go writes them in the Collector's debug output.
import type { AnyValue, KeyValue } from '../../wire/reference/messages.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');

/** '' for an id of zeroes, which is no id. */
export const idText = (id: Uint8Array): string => (id.every((byte) => byte === 0) ? '' : hex(id));

/** Nanoseconds since 1970 as Go's time.Time prints them; like the Collector, as a signed number. */
export function timeText(unixNano: bigint): string {
  const nanos = BigInt.asIntN(64, unixNano);
  const fraction = ((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const seconds = Number((nanos - fraction) / 1_000_000_000n);
  const [date, time] = new Date(seconds * 1000).toISOString().slice(0, 19).split('T');
  const digits = fraction.toString().padStart(9, '0').replace(/0+$/, '');
  return `${date} ${time}${digits === '' ? '' : `.${digits}`} +0000 UTC`;
}

/** As the Collector's AsString: text bare, everything else as JSON; '' for what JSON cannot say. */
export function valueText(value: AnyValue | undefined): string {
  if (value?.stringValue !== undefined) return value.stringValue;
  if (value?.bytesValue !== undefined) return base64(value.bytesValue);
  if (value?.doubleValue !== undefined) return doubleText(value.doubleValue);
  return isEmpty(value) ? '' : (json(value) ?? '');
}

/** `Str(text)`, `Int(5)`, … */
export function typedValueText(value: AnyValue | undefined): string {
  return `${typeName(value)}(${valueText(value)})`;
}

function typeName(value: AnyValue | undefined): string {
  if (value?.stringValue !== undefined) return 'Str';
  if (value?.boolValue !== undefined) return 'Bool';
  if (value?.intValue !== undefined) return 'Int';
  if (value?.doubleValue !== undefined) return 'Double';
  if (value?.arrayValue !== undefined) return 'Slice';
  if (value?.kvlistValue !== undefined) return 'Map';
  return value?.bytesValue !== undefined ? 'Bytes' : 'Empty';
}

const isEmpty = (value: AnyValue | undefined): boolean => typeName(value) === 'Empty';

/** Go and JavaScript agree on when an exponent is used and how it is written. */
const doubleText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

/** null: some number in it is not finite, and JSON has no such numbers. */
function json(value: AnyValue | undefined): string | null {
  if (value === undefined || isEmpty(value)) return 'null';
  if (value.stringValue !== undefined) return jsonText(value.stringValue);
  if (value.boolValue !== undefined) return String(value.boolValue);
  if (value.intValue !== undefined) return String(value.intValue);
  if (value.doubleValue !== undefined) return Number.isFinite(value.doubleValue) ? doubleText(value.doubleValue) : null;
  if (value.bytesValue !== undefined) return `"${base64(value.bytesValue)}"`;
  if (value.arrayValue !== undefined) return joined('[', value.arrayValue.values.map(json), ']');
  return joined('{', members(value.kvlistValue?.values ?? []), '}');
}

/** Keys in order, the last of equal ones. */
function members(attributes: readonly KeyValue[]): (string | null)[] {
  const byKey = new Map(attributes.map(({ key, value }) => [key, value]));
  const sorted = [...byKey].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return sorted.map(([key, value]) => {
    const text = json(value);
    return text === null ? null : `${jsonText(key)}:${text}`;
  });
}

function joined(open: string, parts: readonly (string | null)[], close: string): string | null {
  return parts.includes(null) ? null : open + parts.join(',') + close;
}

/** Go also escapes the two line separators that JavaScript once did not allow in source. */
const jsonText = (text: string): string =>
  JSON.stringify(text).replace(/[\u2028\u2029]/g, (char) => (char === '\u2028' ? '\\u2028' : '\\u2029'));
