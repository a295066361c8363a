// Reaching into maps and lists by keys.
import { fault } from './error.ts';
import { describe, type OttlList, type OttlMap, type OttlValue } from './values.ts';

/** The value behind one key of a path: nil when a map lacks it, a fault when a list does or nothing can be asked. */
export function valueAt(value: OttlValue, key: OttlValue): OttlValue {
  return memberAt(value, key) ?? null;
}

/** As valueAt, but undefined when a map lacks the key. */
export function memberAt(value: OttlValue, key: OttlValue): OttlValue | undefined {
  if (value instanceof Map) {
    if (typeof key !== 'string') throw fault(`a map is asked by a string, got ${describe(key)}`);
    return (value as OttlMap).get(key);
  }
  if (Array.isArray(value)) return itemAt(value, key);
  throw fault(`${describe(value)} has no keys`);
}

/** As valueAt, for the result of a function: there a key that a map lacks is a fault too. */
export function resultAt(value: OttlValue, key: OttlValue): OttlValue {
  if (value instanceof Map && typeof key === 'string' && !value.has(key)) throw fault('the map lacks the key');
  return valueAt(value, key);
}

function itemAt(list: OttlList, key: OttlValue): OttlValue {
  if (typeof key !== 'bigint') throw fault(`a list is asked by an int, got ${describe(key)}`);
  if (key < 0n || key >= BigInt(list.length)) throw fault(`index ${key} is outside of a list of ${list.length}`);
  return list[Number(key)];
}

/** The most items that a write makes up to reach its index: a span must not grow by a mistyped number. */
const maxFilled = 10_000n;

/** `value` with what stands behind the keys replaced; maps and lists on the way are made when nothing is there. */
export function withValueAt(value: OttlValue, keys: readonly OttlValue[], replacement: OttlValue): OttlValue {
  if (keys.length === 0) return replacement;
  const [key, ...rest] = keys;
  if (value instanceof Map) {
    const inner = valueAt(value, key);
    return new Map(value as OttlMap).set(key as string, withValueAt(inner, rest, replacement));
  }
  if (Array.isArray(value)) {
    const inner = itemAt(value, key);
    return value.with(Number(key), withValueAt(inner, rest, replacement));
  }
  if (value !== null) throw fault(`${describe(value)} has no keys`);
  if (typeof key === 'string') return new Map([[key, withValueAt(null, rest, replacement)]]);
  if (typeof key !== 'bigint') throw fault(`a key is a string or an int, got ${describe(key)}`);
  if (key < 0n || key > maxFilled) throw fault(`index ${key} is outside of 0 to ${maxFilled}`);
  const filled = new Array<OttlValue>(Number(key)).fill(null);
  return [...filled, withValueAt(null, rest, replacement)];
}
