// Editors of maps that look at values.

import type { AttributeTable } from '../../wire/attribute-table.ts';
import { type Value, valueKind } from '../../wire/value.ts';
import { valueText } from '../coerce.ts';
import { fault } from '../error.ts';
import { formatFloat } from '../go-text.ts';
import { type Getter, type OttlMap, type OttlValue, type } from '../values.ts';
import {
  editor,
  type FunctionDefinition,
  literalBool,
  literalInt,
  literalString,
  optional,
  type Parameter,
  target,
} from './define.ts';
import { notStrings, strings, targetOf, valueEditor } from './editable-map.ts';

const depth: Parameter<bigint> = {
  ...literalInt('depth'),
  coerce: (value) => {
    const levels = literalInt('depth').coerce(value);
    if (levels < 1n) throw fault('the depth is at least 1');
    return levels;
  },
};

export const valueEditors: readonly FunctionDefinition[] = [
  editor({
    name: 'flatten',
    summary:
      'Moves what is inside of maps and lists to the top, under joined keys: a.b, list.0. With resolve_conflicts the items of a list have its key, and a key that is taken gets .0, .1 and so on.',
    examples: [
      {
        text: 'flatten(attributes)',
        given: { attributes: '{"a": {"b": 1, "c": ["x", {"d": 2}]}}' },
        gives: { attributes: '{"a.b": 1, "a.c.0": "x", "a.c.1.d": 2}' },
      },
      {
        text: 'flatten(attributes["request"], "req", depth=1)',
        gives: { 'attributes["request"]': '{"req.size": 120, "req.langs.0": "en", "req.langs.1": "de"}' },
      },
      {
        text: 'flatten(attributes, resolve_conflicts=true)',
        given: { attributes: '{"tags": ["x", "y"], "a": {"b": 1}, "a.b": 2}' },
        gives: { attributes: '{"tags": "x", "tags.0": "y", "a.b": 1, "a.b.0": 2}' },
      },
    ],
    parameters: [
      target('target', type.map),
      optional(literalString('prefix')),
      optional(depth),
      optional(literalBool('resolve_conflicts')),
    ],
    compile: ([place, prefixOf, depthOf, resolve]) => {
      const { get, set, attributes } = targetOf(place);
      const prefix = (prefixOf.get() as string | undefined) ?? '';
      const levels = Number((depthOf.get() as bigint | undefined) ?? Number.POSITIVE_INFINITY);
      const resolves = (resolve.get() as boolean | undefined) ?? false;
      const inPlace = prefix === '' && !resolves ? attributes : null;
      return () => {
        if (inPlace !== null && flattenInPlace(inPlace(), levels)) return null;
        const map = get();
        if (!(map instanceof Map)) throw fault('flatten wants a map');
        const isFlat = prefix === '' && ![...map.values()].some(isContainer);
        if (!isFlat) set(flattened(map, prefix, levels, resolves));
        return null;
      };
    },
  }),
  editor({
    name: 'stringify_all',
    summary: 'Turns every value of the map into text: bytes as base64, lists and maps as JSON, empty ones as "".',
    examples: [
      {
        text: 'stringify_all(attributes)',
        given: { attributes: '{"a": 1, "b": 2.0, "c": [1, {"d": true}], "e": 0x00ff}' },
        gives: { attributes: '{"a": "1", "b": "2", "c": "[1,{\\"d\\":true}]", "e": "AP8="}' },
      },
    ],
    parameters: [target('target', type.map)],
    compile: ([place]) => {
      const edit = valueEditor(targetOf(place), notStrings);
      return () => {
        edit(goText);
        return null;
      };
    },
  }),
  editor({
    name: 'truncate_all',
    summary: 'Cuts every string of the map to so many bytes at most, never inside of a character.',
    examples: [
      {
        text: 'truncate_all(attributes, 4)',
        given: { attributes: '{"a": "abcdef", "b": "h\u00e9\u00e9l", "c": 123456}' },
        gives: { attributes: '{"a": "abcd", "b": "h\u00e9", "c": 123456}' },
        note: 'The fourth byte of b is the first half of a character.',
      },
    ],
    parameters: [target('target', type.map), literalInt('limit'), optional(literalBool('utf8_safe'))],
    // utf8_safe = false lets the Collector cut through characters; here it never does.
    compile: ([place, limitOf]) => {
      const limit = Number((limitOf.get as Getter<bigint>)());
      // A string of n bytes is encoded in n + 2 bytes or more.
      const edit = valueEditor(targetOf(place), strings, limit + 2);
      return () => {
        edit((value) => cut(value as string, limit));
        return null;
      };
    },
  }),
];

const encoder = new TextEncoder();

/** As many whole characters as fit. */
function cut(text: string, limit: number): string {
  if (text.length * 3 <= limit || Buffer.byteLength(text) <= limit) return text;
  return text.slice(0, encoder.encodeInto(text, new Uint8Array(limit)).read);
}

function isContainer(value: OttlValue): boolean {
  return value instanceof Map || Array.isArray(value);
}

/** Takes apart only what is nested. False, and nothing done, where one of the new keys is taken: then their order decides. */
function flattenInPlace(table: AttributeTable, levels: number): boolean {
  const nested: number[] = [];
  for (let e = 0; e < table.count; e++) {
    if (!table.live(e)) continue;
    const kind = table.kind(e);
    if (kind === valueKind.kvlist || kind === valueKind.array) nested.push(e);
  }
  if (nested.length === 0) return true;
  const source = new Map(nested.map((e) => [table.key(e), table.get(e)]));
  if (source.size < nested.length) return false;
  const parts = flattened(source, '', levels, false);
  for (let e = 0; e < table.count; e++) if (table.live(e) && parts.has(table.key(e))) return false;
  for (const e of nested) table.removeEntry(e);
  for (const [key, value] of parts) table.append(key, value as Value);
  return true;
}

function flattened(source: OttlMap, prefix: string, maxDepth: number, resolves: boolean): OttlMap {
  const out = new Map<string, OttlValue>();
  const counts = new Map<string, number>();
  const put = (key: string, value: OttlValue): void => {
    let free = key;
    if (resolves) {
      let n = counts.get(key) ?? 0;
      while (out.has(free)) free = `${key}.${n++}`;
      counts.set(key, n);
    }
    out.set(free, value);
  };
  const put1 = (key: string, value: OttlValue, level: number, listKey: string | null): void => {
    if (level >= maxDepth || !isContainer(value)) put(resolves && listKey !== null ? listKey : key, value);
    else if (value instanceof Map) {
      for (const [name, item] of value as OttlMap) put1(`${key}.${name}`, item, level + 1, null);
    } else {
      // A list in a list has no key of its own that its items could share.
      const shared = listKey === null ? key : null;
      for (const [i, item] of (value as readonly OttlValue[]).entries()) {
        put1(`${key}.${i}`, item, level + 1, shared ?? `${key}.${i}`);
      }
    }
  };
  const start = prefix === '' ? '' : `${prefix}.`;
  for (const [name, item] of source) put1(start + name, item, 0, null);
  return out;
}

/** pcommon.Value.AsString. Lists and maps are as encoding/json writes them, but for HTML characters, which stay. */
function goText(value: OttlValue): string {
  return isContainer(value) ? (goJson(value) ?? '') : valueText(value);
}

/** null: NaN and infinities have no JSON. */
function goJson(value: OttlValue): string | null {
  if (typeof value === 'string') return jsonString(value);
  if (typeof value === 'number') return formatFloat(value);
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`;
  if (Array.isArray(value)) {
    const items = value.map(goJson);
    return items.includes(null) ? null : `[${items.join(',')}]`;
  }
  if (!(value instanceof Map)) return valueText(value);
  const keys = [...(value as OttlMap).keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const items = keys.map((key) => goJson((value as OttlMap).get(key) ?? null));
  return items.includes(null) ? null : `{${keys.map((key, i) => `${jsonString(key)}:${items[i]}`).join(',')}}`;
}

function jsonString(text: string): string {
  return JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
