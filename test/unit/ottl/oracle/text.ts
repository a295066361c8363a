// Values as text, as stringify_all writes them.
import type { OttlMap, OttlValue } from '../../../../src/ottl/values.ts';

const base64 = (value: Uint8Array): string => Buffer.from(value).toString('base64');

/** A list or map that holds a number which JSON lacks is the empty text. */
export function asText(value: OttlValue): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return base64(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  try {
    return json(value);
  } catch (error) {
    if (error === notInJson) return '';
    throw error;
  }
}

const notInJson = new Error('NaN or an infinity');

function json(value: OttlValue): string {
  switch (typeof value) {
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'string':
      return quoted(value);
    case 'number':
      if (!Number.isFinite(value)) throw notInJson;
      return Object.is(value, -0) ? '-0' : String(value);
  }
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return quoted(base64(value));
  if (Array.isArray(value)) return `[${value.map(json).join(',')}]`;
  if (!(value instanceof Map)) throw new Error('not a value of an attribute');
  const entries = [...(value as OttlMap)].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${entries.map(([key, item]) => `${quoted(key)}:${json(item)}`).join(',')}}`;
}

function quoted(text: string): string {
  return JSON.stringify(text).replace(/[\u2028\u2029]/g, (end) => `\\u${end.charCodeAt(0).toString(16)}`);
}
