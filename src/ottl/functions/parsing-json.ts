// JSON text -> values, as ParseJSON gives them. Bounded, because what is made of a text is much larger than the text.
import { fault } from '../error.ts';
import type { OttlList, OttlMap, OttlValue } from '../values.ts';

/** Objects and arrays inside of each other. */
const maxDepth = 200;
/** Items of objects and arrays, all together. */
const maxValues = 500_000;
const maxLength = 16 * 1024 * 1024;

/** Of an object or array. All numbers are doubles; of a key that comes twice the last counts. Throws OttlFault. */
export function parseJson(text: string): OttlMap | OttlList {
  if (text.length > maxLength) throw fault(`the text is longer than ${maxLength} characters`);
  const parsed = read(text);
  if (typeof parsed !== 'object' || parsed === null) throw fault('the JSON is not an object or array');
  let left = maxValues;
  // Bytes that were UTF-8 hold no half of a pair: only an escape can.
  const wellFormed = text.includes('\\u') ? (part: string) => part.toWellFormed() : (part: string) => part;

  function convert(value: unknown, depth: number): OttlValue {
    switch (typeof value) {
      case 'string':
        return wellFormed(value);
      case 'number':
        if (!Number.isFinite(value)) throw fault('a number of the JSON is too large for a double');
        return value;
      case 'boolean':
        return value;
    }
    if (value === null) return null;
    return container(value as object, depth + 1);
  }

  function count(values: number): void {
    left -= values;
    if (left < 0) throw fault(`the JSON has more than ${maxValues} values`);
  }

  function container(value: object, depth: number): OttlMap | OttlList {
    if (depth > maxDepth) throw fault(`the JSON is nested deeper than ${maxDepth}`);
    if (Array.isArray(value)) {
      count(value.length);
      return value.map((item) => convert(item, depth));
    }
    const map = new Map<string, OttlValue>();
    for (const key in value) map.set(wellFormed(key), convert((value as Record<string, unknown>)[key], depth));
    count(map.size);
    return map;
  }

  return container(parsed, 1);
}

/** The message of the engine is not handed on: it shows a part of the text. */
function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw fault(text === '' ? 'the text is empty, not JSON' : 'the text is not JSON');
  }
}
