// Functions of lists and maps, and those that take a list or a text.
import { valueText } from '../coerce.ts';
import { compareValues } from '../compare.ts';
import { fault } from '../error.ts';
import { anyType, describe, type OttlList, type OttlMap, type OttlValue, OttlWhole, type, typeOf } from '../values.ts';
import {
  any,
  compiledConverter,
  converter,
  type FunctionDefinition,
  list,
  literalString,
  literalStrings,
  map,
  optional,
} from './define.ts';

export const collectionFunctions: readonly FunctionDefinition[] = [
  compiledConverter({
    name: 'Coalesce',
    examples: [{ text: 'Coalesce([attributes["none"], name, "x"])', gives: '"GET /api/v2/users"' }],
    summary: 'The first of the values that is not nil; those behind it are not computed.',
    parameters: [list('values')],
    returns: anyType,
    mistakeIn: (values) =>
      values?.length === 0 ? { message: 'Coalesce wants a value at least', parameter: 'values' } : null,
    compile: ([values]) => {
      const { items } = values;
      if (items === null) {
        const get = values.get as () => ReturnType<ReturnType<typeof list>['coerce']>;
        return () => get().find((value) => value !== null) ?? null;
      }
      return () => {
        for (const item of items) {
          const value = item();
          if (value !== null) return value;
        }
        return null;
      };
    },
  }),
  converter({
    name: 'ContainsValue',
    examples: [{ text: 'ContainsValue(attributes["tags"], "green")', gives: 'true' }],
    summary: 'Whether an item of the list equals the value (an int and a double may).',
    parameters: [list('target'), any('item')],
    returns: type.bool,
    run: (items, wanted) => items.some((item) => compareValues(item, wanted, '==')),
  }),
  converter({
    name: 'Index',
    examples: [
      { text: 'Index(attributes["tags"], "green")', gives: '1' },
      { text: 'Index("abc", "x")', gives: '-1' },
    ],
    summary: 'Where the value is in the text (in bytes) or list, from 0; -1 when it is not there.',
    parameters: [any('target'), any('value')],
    returns: type.int,
    run: (target, value) => {
      if (typeof target === 'string') {
        if (typeof value !== 'string') throw fault(`expected a string to look for in a string, got ${describe(value)}`);
        const at = target.indexOf(value);
        return at < 0 ? -1n : BigInt(Buffer.byteLength(target.slice(0, at)));
      }
      if (Array.isArray(target)) return BigInt(target.findIndex((item) => compareValues(item, value, '==')));
      throw fault(`expected a string or a list, got ${describe(target)}`);
    },
  }),
  converter({
    name: 'Keys',
    examples: [{ text: 'Keys(attributes["request"])', gives: '["size", "langs"]' }],
    summary: 'The keys of the map.',
    parameters: [map('target')],
    returns: type.list,
    run: (target) => [...target.keys()],
  }),
  converter({
    name: 'Values',
    examples: [{ text: 'Values(attributes["request"])', gives: '[120, ["en", "de"]]' }],
    summary: 'The values of the map.',
    parameters: [map('target')],
    returns: type.list,
    run: (target) => [...target.values()],
  }),
  converter({
    name: 'Len',
    examples: [
      { text: 'Len(attributes["tags"])', gives: '3' },
      { text: 'Len("héllo")', gives: '6' },
    ],
    summary: 'How many bytes a text has, or how many items a list, map, bytes, events or links.',
    parameters: [any('target')],
    returns: type.int,
    run: (target) => {
      if (typeof target === 'string') return BigInt(Buffer.byteLength(target));
      if (target instanceof Uint8Array || Array.isArray(target)) return BigInt(target.length);
      if (target instanceof Map) return BigInt(target.size);
      if (target instanceof OttlWhole && target.kind !== 'status') return BigInt(target.number);
      throw fault(`expected a string, list or map, got ${describe(target)}`);
    },
  }),
  converter({
    name: 'Sort',
    summary:
      'The items of the list in order (asc or desc): numbers by their value, all others by their text, as are mixes of both. ' +
      'A list that holds lists, maps or bytes stays as it is.',
    examples: [
      { text: 'Sort([3, 1, 2])', gives: '[1, 2, 3]' },
      { text: 'Sort(attributes["tags"], "desc")', gives: '["red", "green", "blue"]' },
      { text: 'Sort([10, "9", 1.5])', gives: '[1.5, 10, "9"]' },
      { text: 'Sort("ba")', fails: 'the argument target of Sort: expected a list' },
    ],
    parameters: [list('target'), optional(literalString('order', ['asc', 'desc']))],
    returns: type.list,
    run: (items, order = 'asc') => sorted(items, order === 'desc'),
  }),
  converter({
    name: 'SliceToMap',
    summary:
      'A map of the items of the list: by the text at the key path in each (else by its index), with the value at the value path ' +
      '(else the item). With a path the items are maps that have it.',
    examples: [
      { text: 'SliceToMap(attributes["tags"])', gives: '{"0": "red", "1": "green", "2": "blue"}' },
      {
        text: 'SliceToMap([{"k": "a", "v": 1}, {"k": "b", "v": 2}], ["k"], ["v"])',
        gives: '{"a": 1, "b": 2}',
      },
      { text: 'SliceToMap([{"k": "a"}, {"v": 2}], ["k"])', fails: 'item 1 of the list has nothing at the path' },
    ],
    parameters: [list('target'), optional(literalStrings('key_path')), optional(literalStrings('value_path'))],
    returns: type.map,
    run: (items, keys, values) => {
      const made = new Map<string, OttlValue>();
      for (const [i, item] of items.entries()) {
        const key = keys === undefined ? String(i) : at(items, i, keys);
        if (typeof key !== 'string') throw fault(`item ${i} of the list has ${describe(key)} for a key`);
        made.set(key, values === undefined ? item : at(items, i, values));
      }
      return made;
    },
  }),
];

/** What stands at the path in an item, which is a map. Throws OttlFault. */
function at(items: OttlList, i: number, path: readonly string[]): OttlValue {
  if (path.length === 0) throw fault('a path has a key at least');
  let value: OttlValue | undefined = items[i];
  for (const key of path) {
    value = value instanceof Map ? (value as OttlMap).get(key) : undefined;
    if (value === undefined) throw fault(`item ${i} of the list has nothing at the path`);
  }
  return value;
}

const sortable = type.nil | type.bool | type.int | type.double | type.string;

/** Equal items stay in their order; each is as it was. */
function sorted(items: OttlList, isDescending: boolean): OttlList {
  let found = 0;
  for (const item of items) found |= typeOf(item);
  if ((found & ~sortable) !== 0) return items;
  if (found === type.int) return inOrder(items, (item) => item as bigint, compare, isDescending);
  if ((found & ~(type.int | type.double)) === 0) return inOrder(items, Number, compareDoubles, isDescending);
  return inOrder(items, valueText, compareTexts, isDescending);
}

function inOrder<T>(
  items: OttlList,
  keyOf: (item: OttlValue) => T,
  order: (a: T, b: T) => number,
  isDescending: boolean,
): OttlList {
  const direction = isDescending ? -1 : 1;
  return items
    .map((item) => ({ item, key: keyOf(item) }))
    .sort((a, b) => direction * order(a.key, b.key))
    .map(({ item }) => item);
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareTexts(a: string, b: string): number {
  return compareValues(a, b, '<') ? -1 : compareValues(a, b, '>') ? 1 : 0;
}

/** NaN comes first, as in Go. */
function compareDoubles(a: number, b: number): number {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : -1;
  return Number.isNaN(b) || a > b ? 1 : a < b ? -1 : 0;
}
