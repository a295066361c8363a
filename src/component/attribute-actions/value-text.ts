// An attribute's value as text: what the Collector's data model calls AsString.
import type { Value } from '../../wire/value.ts';

/** Empty is ''. Lists and maps are JSON with sorted keys and base64 bytes, '' when JSON has no word for a double in it. */
export function valueText(value: Value): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return doubleText(value);
  if (value instanceof Uint8Array) return base64(value);
  return json(value) ?? '';
}

// Go writes doubles here as JavaScript does, but for the sign of zero.
const doubleText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

function json(value: Value): string | null {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'string':
      return jsonText(value);
    case 'number':
      return Number.isFinite(value) ? doubleText(value) : null;
    case 'boolean':
    case 'bigint':
      return String(value);
  }
  if (value instanceof Uint8Array) return `"${base64(value)}"`;
  return value instanceof Map ? jsonMap(value) : jsonList(value as readonly Value[]);
}

function jsonList(list: readonly Value[]): string | null {
  const items = list.map(json);
  return items.includes(null) ? null : `[${items.join(',')}]`;
}

function jsonMap(map: ReadonlyMap<string, Value>): string | null {
  // Sorted as UTF-8, which differs from UTF-16 above U+FFFF.
  const entries = [...map].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const fields: string[] = [];
  for (const [key, item] of entries) {
    const text = json(item);
    if (text === null) return null;
    fields.push(`${jsonText(key)}:${text}`);
  }
  return `{${fields.join(',')}}`;
}

/** Go escapes the two line separators, which JSON need not. */
function jsonText(text: string): string {
  return JSON.stringify(text).replace(/[\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`);
}
