// What a function accepts for a parameter. Strict kinds refuse all but their type; the `like` kinds convert
// (reference 2.3, getter coercions). nil is null throughout.
import type { Value } from '../wire/value.ts';
import { fault } from './error.ts';
import { formatFloat, parseBool, parseDecimalInt, parseFloat64, toJson } from './go-text.ts';
import {
  attributeFlaw,
  describe,
  OttlDuration,
  type OttlList,
  type OttlMap,
  OttlTime,
  type OttlValue,
} from './values.ts';

function refuse(expected: string, value: OttlValue): Error {
  return fault(`expected ${expected}, got ${describe(value)}`);
}

export function asString(value: OttlValue): string {
  if (typeof value === 'string') return value;
  throw refuse('a string', value);
}
export function asInt(value: OttlValue): bigint {
  if (typeof value === 'bigint') return value;
  throw refuse('an int', value);
}
export function asBool(value: OttlValue): boolean {
  if (typeof value === 'boolean') return value;
  throw refuse('a bool', value);
}
export function asMap(value: OttlValue): OttlMap {
  if (value instanceof Map) return value;
  throw refuse('a map', value);
}
export function asList(value: OttlValue): OttlList {
  if (Array.isArray(value)) return value;
  throw refuse('a list', value);
}
export function asCollection(value: OttlValue): OttlList | OttlMap {
  if (Array.isArray(value) || value instanceof Map) return value;
  throw refuse('a list or a map', value);
}
export function asAttributeValue(value: OttlValue): Value {
  const flaw = attributeFlaw(value);
  if (flaw === null) return value as Value;
  throw fault(`an attribute cannot hold ${flaw}`);
}
export function asTime(value: OttlValue): OttlTime {
  if (value instanceof OttlTime) return value;
  throw refuse('a time', value);
}
export function asDuration(value: OttlValue): OttlDuration {
  if (value instanceof OttlDuration) return value;
  throw refuse('a duration', value);
}

/** nil stays nil; bytes become hex, lists and maps JSON. */
export function likeString(value: OttlValue): string | null {
  if (typeof value === 'string' || value === null) return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString('hex');
  const text = toJson(value);
  if (text === null) throw fault(`${describe(value)} cannot be made a string`);
  return text;
}

/** Text that is no number gives nil; a double is cut, and one out of range gives the lowest int as in Go on amd64. */
export function likeInt(value: OttlValue): bigint | null {
  switch (typeof value) {
    case 'bigint':
      return value;
    case 'string':
      return parseDecimalInt(value);
    case 'boolean':
      return value ? 1n : 0n;
    case 'number':
      return Math.abs(value) < 2 ** 63 ? BigInt(Math.trunc(value)) : -(2n ** 63n);
  }
  if (value === null) return null;
  throw fault(`${describe(value)} cannot be made an int`);
}

/** Text that is no number is an error. */
export function likeDouble(value: OttlValue): number | null {
  switch (typeof value) {
    case 'number':
      return value;
    case 'bigint':
      return Number(value);
    case 'boolean':
      return value ? 1 : 0;
    case 'string': {
      const parsed = parseFloat64(value);
      if (parsed === null) throw fault('the string is not a number');
      return parsed;
    }
  }
  if (value === null) return null;
  throw fault(`${describe(value)} cannot be made a double`);
}

export function likeBool(value: OttlValue): boolean | null {
  switch (typeof value) {
    case 'boolean':
      return value;
    case 'bigint':
      return value !== 0n;
    case 'number':
      return value !== 0;
    case 'string': {
      const parsed = parseBool(value);
      if (parsed === null) throw fault('the string is not a bool');
      return parsed;
    }
  }
  if (value === null) return null;
  throw fault(`${describe(value)} cannot be made a bool`);
}

/** Numbers become 8 bytes, big-endian. */
export function likeBytes(value: OttlValue): Uint8Array | null {
  switch (typeof value) {
    case 'string':
      return Buffer.from(value);
    case 'boolean':
      return Uint8Array.of(value ? 1 : 0);
    case 'bigint': {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64BE(value);
      return bytes;
    }
    case 'number': {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleBE(value);
      return bytes;
    }
  }
  if (value === null || value instanceof Uint8Array) return value;
  throw fault(`${describe(value)} cannot be made bytes`);
}

/**
 * Go's pcommon.Value.AsString. nil is empty; bytes are base64; lists and maps are as encoding/json writes them with the keys in
 * order, but for HTML characters, which stay; '' when JSON has no word for a double in them.
 */
export function valueText(value: OttlValue): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return formatFloat(value) ?? String(value);
  if (value instanceof Uint8Array) return base64(value);
  return valueJson(value) ?? '';
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');

function valueJson(value: OttlValue): string | null {
  if (typeof value === 'string') return valueJsonText(value);
  if (typeof value === 'number') return formatFloat(value);
  if (value instanceof Uint8Array) return `"${base64(value)}"`;
  if (Array.isArray(value)) {
    const items = value.map(valueJson);
    return items.includes(null) ? null : `[${items.join(',')}]`;
  }
  if (!(value instanceof Map)) return toJson(value);
  const keys = [...(value as OttlMap).keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const items = keys.map((key) => valueJson((value as OttlMap).get(key) ?? null));
  return items.includes(null) ? null : `{${keys.map((key, i) => `${valueJsonText(key)}:${items[i]}`).join(',')}}`;
}

function valueJsonText(text: string): string {
  return JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
