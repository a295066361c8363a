// A map that an editor changes: all attributes of an item, edited where they are, or one inside of a value, which is
// read, rebuilt and written back when something changed.
import type { AttributeTable } from '../../wire/attribute-table.ts';
import { type Value, valueKind } from '../../wire/value.ts';
import { asAttributeValue, asMap } from '../coerce.ts';
import { fault } from '../error.ts';
import type { OttlMap, OttlValue } from '../values.ts';
import type { CompiledArgument, Target } from './define.ts';

export function targetOf(argument: CompiledArgument): Target {
  if (argument.target === null) throw new Error('the checker let an editor through without its target');
  return argument.target;
}

/** Kinds of values that an edit looks at; the others are not even decoded. */
type Kinds = ReadonlySet<number>;
export const strings: Kinds = new Set<number>([valueKind.string]);
export const notStrings: Kinds = new Set<number>(Object.values(valueKind).filter((kind) => kind !== valueKind.string));

/**
 * Replaces values of these kinds by what `replace` gives for them, which is asked in order. Values whose AnyValue payload
 * has no more than `upTo` bytes may be left out.
 */
export function valueEditor(
  { attributes, get, set }: Target,
  kinds: Kinds,
  upTo = -1,
): (replace: (value: OttlValue) => OttlValue) => void {
  if (attributes !== null) {
    return (replace) => {
      const table = attributes();
      for (let e = 0; e < table.count; e++) {
        if (!table.live(e) || table.valueLength(e) <= upTo || !kinds.has(table.kind(e))) continue;
        const before = table.get(e);
        const after = replace(before);
        if (after !== before) table.setEntry(e, asAttributeValue(after));
      }
    };
  }
  return (replace) => {
    const map = asMap(get());
    let changed: Map<string, OttlValue> | null = null;
    for (const [key, before] of map) {
      if (!kinds.has(kindOf(before))) continue;
      const after = replace(before);
      if (after === before) continue;
      changed ??= new Map(map);
      changed.set(key, after);
    }
    if (changed !== null) set(changed);
  };
}

/** Only as fine as the sets above need it. */
function kindOf(value: OttlValue): number {
  return typeof value === 'string' ? valueKind.string : valueKind.empty;
}

/** Removes the entries whose key `keeps` refuses. It is asked for each key, in order. */
export function keyFilter({ attributes, get, set }: Target): (keeps: (key: string) => boolean) => void {
  if (attributes !== null) {
    return (keeps) => {
      const table = attributes();
      for (let e = 0; e < table.count; e++) {
        if (table.live(e) && !keeps(table.key(e))) table.removeEntry(e);
      }
    };
  }
  return (keeps) => {
    const map = asMap(get());
    const kept = new Map<string, OttlValue>();
    for (const [key, value] of map) if (keeps(key)) kept.set(key, value);
    if (kept.size < map.size) set(kept);
  };
}

/** How many entries the map has, and whether it has a key. */
export interface MapReader {
  size(): number;
  has(key: string): boolean;
}

export function mapReader({ attributes, get }: Target): MapReader {
  if (attributes !== null) {
    return { size: () => attributes().size(), has: (key) => attributes().findKey(key) >= 0 };
  }
  return { size: () => asMap(get()).size, has: (key) => asMap(get()).has(key) };
}

/** Keys from which on all keys of the table are read once, instead of being gone through for each. */
const manyKeys = 16;

/** The entry of a key that the table has now, or -1. */
function finderOf(table: AttributeTable, keys: number): (key: string) => number {
  if (keys < manyKeys) return (key) => table.findKey(key);
  const entries = new Map<string, number>();
  for (let e = 0; e < table.count; e++) {
    const key = table.key(e);
    if (table.live(e) && !entries.has(key)) entries.set(key, e);
  }
  return (key) => entries.get(key) ?? -1;
}

/** Writes the entries that `takes` lets through, told whether their key is there already. */
export function mapMerger({
  attributes,
  get,
  set,
}: Target): (source: OttlMap, takes: (exists: boolean) => boolean) => void {
  if (attributes !== null) {
    return (source, takes) => {
      const table: AttributeTable = attributes();
      const entryOf = finderOf(table, source.size);
      const taken = [...source].filter(([key]) => takes(entryOf(key) >= 0));
      // All are looked at before the first is written: an editor that fails has changed nothing.
      for (const [, value] of taken) asAttributeValue(value);
      if (taken.length > table.room) throw fault(`${taken.length} attributes more are too many for one item`);
      for (const [key, value] of taken) {
        const entry = entryOf(key);
        if (entry < 0) table.append(key, value as Value);
        else table.setEntry(entry, value as Value);
      }
    };
  }
  return (source, takes) => {
    const map = new Map(asMap(get()));
    for (const [key, value] of source) if (takes(map.has(key))) map.set(key, value);
    set(map);
  };
}

/** Gives keys other names, where they stand. Of two entries with the same new key the later one stays. */
export function keyRenamer({ attributes, get, set }: Target): (rename: (key: string) => string) => void {
  if (attributes !== null) {
    return (rename) => {
      const table = attributes();
      const entryOf = new Map<string, number>();
      const renamed: [entry: number, key: string][] = [];
      const lost: number[] = [];
      for (let e = 0; e < table.count; e++) {
        if (!table.live(e)) continue;
        const before = table.key(e);
        const after = rename(before);
        if (after !== before) renamed.push([e, after]);
        const earlier = entryOf.get(after);
        if (earlier !== undefined) lost.push(earlier);
        entryOf.set(after, e);
      }
      if (renamed.length === 0) return;
      for (const entry of lost) table.removeEntry(entry);
      for (const [entry, key] of renamed) if (table.live(entry)) table.renameEntry(entry, key);
    };
  }
  return (rename) => {
    const map = asMap(get());
    const out = new Map<string, OttlValue>();
    let changed = false;
    for (const [key, value] of map) {
      const after = rename(key);
      changed ||= after !== key;
      out.set(after, value);
    }
    if (changed) set(out);
  };
}
