// flatten: what is inside of maps and lists moves to the top. All attributes of an item are taken apart where they stand.
import type { AttributeTable } from '../../wire/attribute-table.ts';
import { type Value, valueKind } from '../../wire/value.ts';
import type { CompileTarget } from '../environment.ts';
import { fault } from '../error.ts';
import { type OttlMap, type OttlValue, type } from '../values.ts';
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
import { targetOf } from './editable-map.ts';
import { type FlatKey, FlatKeys } from './flat-keys.ts';

const depth: Parameter<bigint> = {
  ...literalInt('depth'),
  coerce: (value) => {
    const levels = literalInt('depth').coerce(value);
    if (levels < 1n) throw fault('the depth is at least 1');
    return levels;
  },
};

export const flatten: FunctionDefinition = editor({
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
  compile: ([place, prefixOf, depthOf, resolve], env) => {
    const { get, set, attributes } = targetOf(place);
    const prefix = (prefixOf.get() as string | undefined) ?? '';
    const levels = Number((depthOf.get() as bigint | undefined) ?? Number.POSITIVE_INFINITY);
    const resolves = (resolve.get() as boolean | undefined) ?? false;
    const inPlace =
      prefix === '' && !resolves && attributes !== null ? flattenInPlace(attributes, levels, env.target) : null;
    return () => {
      if (inPlace?.() === true) return null;
      const map = get();
      if (!(map instanceof Map)) throw fault('flatten wants a map');
      const isFlat = prefix === '' && ![...map.values()].some(isContainer);
      if (!isFlat) set(flattened(map, prefix, levels, resolves));
      return null;
    };
  },
});

export function isContainer(value: OttlValue): boolean {
  return value instanceof Map || Array.isArray(value);
}

/**
 * Takes apart only what is nested, and moves what stands behind the first of it, so that the order is that of a new map. Gives
 * false, with nothing done, where a key occurs twice or would: then the map is made anew.
 */
function flattenInPlace(attributes: () => AttributeTable, levels: number, compileTarget: CompileTarget): () => boolean {
  const keys = new FlatKeys(compileTarget);
  /** What comes of all nested values, one after another, and for each of these its entry and where its part begins. */
  const partKeys: FlatKey[] = [];
  const partValues: OttlValue[] = [];
  const nested: number[] = [];
  const starts: number[] = [];

  function takeApart(key: FlatKey, value: OttlValue, level: number): boolean {
    if (level >= levels || !isContainer(value)) {
      partKeys.push(key);
      partValues.push(value);
      return keys.take(key);
    }
    if (value instanceof Map) {
      for (const [name, item] of value as OttlMap) {
        if (!takeApart(keys.member(key, name), item, level + 1)) return false;
      }
      return true;
    }
    const list = value as readonly OttlValue[];
    for (let i = 0; i < list.length; i++) if (!takeApart(keys.item(key, i), list[i], level + 1)) return false;
    return true;
  }

  function look(table: AttributeTable): boolean {
    keys.begin();
    for (let e = 0; e < table.count; e++) {
      if (!table.live(e)) continue;
      const key = keys.of(table.key(e));
      if (!keys.isFirst(key)) return false;
      const kind = table.kind(e);
      if (kind !== valueKind.kvlist && kind !== valueKind.array) {
        if (!keys.take(key)) return false;
        continue;
      }
      nested.push(e);
      starts.push(partKeys.length);
      if (!takeApart(key, table.get(e), 0)) return false;
    }
    return true;
  }

  function move(table: AttributeTable): void {
    const { count } = table;
    starts.push(partKeys.length);
    // What comes of one may have the key of another.
    for (const entry of nested) table.removeEntry(entry);
    let next = 0;
    for (let e = nested[0]; e < count; e++) {
      if (e !== nested[next]) {
        if (table.live(e)) table.moveToEnd(e);
        continue;
      }
      for (let i = starts[next]; i < starts[next + 1]; i++) {
        const { id, at, length, text } = partKeys[i];
        const value = partValues[i] as Value;
        if (id >= 0) table.set(id, value);
        else if (at > 0) table.appendAt(at, length, value);
        else table.append(text, value);
      }
      next++;
    }
  }

  return () => {
    const table = attributes();
    const isAlone = look(table);
    const added = nested.length === 0 ? 0 : partKeys.length + table.count - nested[0];
    const fits = added <= table.room;
    if (isAlone && nested.length > 0 && fits) move(table);
    partKeys.length = 0;
    partValues.length = 0;
    nested.length = 0;
    starts.length = 0;
    if (isAlone && !fits) throw fault(`${added} attributes more are too many for one item`);
    return isAlone;
  };
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
