// All values of a topology, read from its tree; also where the rest of the profile is wrong, so that all problems are
// told at once.
import { type ConfigNode, formatPath, type MapEntry, nodeAt, type Path } from '../../src/config/node.ts';
import { type Issue, makeIssue, type Spot } from '../../src/config/source.ts';
import type { Place } from './read-place.ts';
import { readValue } from './read-value.ts';
import {
  type AttributeNames,
  durationRefusal,
  isRefusal,
  memberOf,
  resolveReference,
  type Surroundings,
} from './references.ts';
import { givesText, isKnownLate, keysUsed, type ValueSpec } from './value-spec.ts';

/** Keys are distinct; in the order in which they are drawn. */
export type AttributeSpecs = readonly (readonly [key: string, value: ValueSpec])[];

export interface ResourceValues {
  readonly attributes: AttributeSpecs;
  readonly scopeAttributes: AttributeSpecs;
}

export interface EventValues {
  readonly name: ValueSpec;
  readonly attributes: AttributeSpecs;
}

export interface SpanValues {
  /** null: the span's key. */
  readonly name: ValueSpec | null;
  readonly traceState: ValueSpec | null;
  readonly attributes: AttributeSpecs;
  readonly scopeAttributes: AttributeSpecs;
  readonly events: readonly EventValues[];
  readonly message: ValueSpec | null;
  readonly errorAttributes: AttributeSpecs;
}

/** A let that a span uses. */
export interface LetUse {
  readonly span: string;
  readonly path: readonly string[];
}

export interface Values {
  readonly resources: ReadonlyMap<string, ResourceValues>;
  /** Of each trace, in order. */
  readonly lets: readonly AttributeSpecs[];
  readonly spans: ReadonlyMap<string, SpanValues>;
  readonly letUses: readonly LetUse[];
}

interface Reader {
  readonly root: ConfigNode;
  readonly report: (issue: Issue) => void;
}

const entriesAt = (reader: Reader, path: Path): readonly (readonly [string, MapEntry])[] => {
  const node = nodeAt(reader.root, path);
  return node?.kind === 'map' ? [...node.entries] : [];
};

const itemsAt = (reader: Reader, path: Path): readonly ConfigNode[] => {
  const node = nodeAt(reader.root, path);
  return node?.kind === 'list' ? node.items : [];
};

const placeOf = (reader: Reader, path: Path, key: Spot, around: Surroundings): Place => ({
  name: formatPath(path),
  key,
  around,
  bareMaps: false,
  json: false,
  optional: false,
  report: reader.report,
});

const nothingAround: Surroundings = {
  lets: null,
  attributes: { names: [], find: () => undefined },
  ofSpans: null,
  fresh: false,
  ended: false,
  onLet: () => {},
};

/**
 * A map of attributes, in the order in which they can be drawn: each may refer to the others. (What `<<` merges stands
 * last, so that the order in the file would not do.)
 */
const readAttributes = (reader: Reader, path: Path, around: Surroundings): AttributeSpecs => {
  const entries = new Map(entriesAt(reader, path));
  const read = new Map<string, ValueSpec | null>();
  const begun = new Set<string>();
  const attributes: AttributeNames = {
    names: [...entries.keys(), ...around.attributes.names],
    find: (key) => {
      const entry = entries.get(key);
      if (entry === undefined) return around.attributes.find(key);
      if (!begun.has(key)) readOne(key, entry);
      const value = read.get(key);
      return value === undefined ? 'circle' : value;
    },
  };
  const readOne = (key: string, entry: MapEntry): void => {
    begun.add(key);
    // What asks for its own name means the attribute that stands around: that of the span, in an event.
    const others: AttributeNames = {
      ...attributes,
      find: (other) => (other === key ? (around.attributes.find(key) ?? 'circle') : attributes.find(other)),
    };
    const place = placeOf(reader, [...path, key], entry.key, { ...around, attributes: others });
    read.set(key, readValue({ ...place, optional: true }, entry.node));
  };
  for (const [key, entry] of entries) if (!begun.has(key)) readOne(key, entry);
  return [...read].filter((one): one is [string, ValueSpec] => one[1] !== null);
};

/** A value that has to be a text; null also where there is none. */
const readText = (reader: Reader, path: Path, around: Surroundings): ValueSpec | null => {
  const parent = nodeAt(reader.root, path.slice(0, -1));
  const entry = parent?.kind === 'map' ? parent.entries.get(String(path.at(-1))) : undefined;
  if (entry === undefined) return null;
  const value = readValue(placeOf(reader, path, entry.key, around), entry.node);
  if (value === null || givesText(value)) return value;
  reader.report(makeIssue('error', entry.node.at, 'CONFIG_TYPE', `${formatPath(path)}: expected a text`));
  return null;
};

const readResources = (reader: Reader): Map<string, ResourceValues> =>
  new Map(
    entriesAt(reader, ['resources']).map(([name]) => {
      const path = ['resources', name];
      return [
        name,
        {
          attributes: readAttributes(reader, [...path, 'attributes'], nothingAround),
          scopeAttributes: readAttributes(reader, [...path, 'scope', 'attributes'], nothingAround),
        },
      ];
    }),
  );

const readLets = (reader: Reader, index: number): AttributeSpecs => {
  const path = ['traces', index, 'let'];
  const lets = new Map<string, (ValueSpec | null)[]>();
  const specs: [string, ValueSpec][] = [];
  for (const [name, entry] of entriesAt(reader, path)) {
    const place = placeOf(reader, [...path, name], entry.key, { ...nothingAround, lets, fresh: true });
    if (name.includes('.')) {
      const message = `${place.name}: the name of a let has no dots: they lead to the members of a map`;
      reader.report(makeIssue('error', entry.key, 'CONFIG_VALUE', message));
    }
    const value = readValue({ ...place, bareMaps: true }, entry.node);
    lets.set(name, [value]);
    if (value !== null) specs.push([name, value]);
  }
  return specs;
};

/** `specs`: what could be read of the attributes at `path`. */
const withAttributes = (reader: Reader, path: Path, around: Surroundings, specs: AttributeSpecs): Surroundings => {
  const read = new Map(specs);
  const byKey = new Map(entriesAt(reader, path).map(([key]) => [key, read.get(key) ?? null]));
  return {
    ...around,
    attributes: {
      names: [...byKey.keys(), ...around.attributes.names],
      find: (key) => (byKey.has(key) ? byKey.get(key) : around.attributes.find(key)),
    },
  };
};

/** Refuses an `at: { ms_of: key }` of an attribute that is not there; the rest the schema tells. */
const readEventTime = (reader: Reader, path: Path, around: Surroundings): void => {
  const node = nodeAt(reader.root, [...path, 'ms_of']);
  if (node?.kind !== 'scalar' || typeof node.value !== 'string') return;
  const found = resolveReference('attr', node.value, around);
  if (isRefusal(found)) reader.report(makeIssue('error', node.at, found.code, `${formatPath(path)}: ${found.message}`));
};

/** What depends on a span's duration is not there yet when its children are drawn. */
const checkParents = (reader: Reader, spans: ReadonlyMap<string, SpanValues>): void => {
  const late = new Set<string>();
  for (const { attributes } of spans.values()) {
    for (const [key, value] of attributes) if (isKnownLate(value)) late.add(key);
  }
  for (const [name, span] of spans) {
    for (const [key, value] of [...span.attributes, ...span.errorAttributes]) {
      const used = keysUsed(value, 'parent').find((one) => late.has(one));
      const node = nodeAt(reader.root, ['spans', name, 'attributes', key]);
      if (used === undefined || node === undefined) continue;
      const { code, message } = durationRefusal(`the attribute "${used}" of a parent`);
      reader.report(makeIssue('error', node.at, code, `spans.${name}.attributes.${key}: ${message}`));
    }
  }
};

const readSpan = (reader: Reader, name: string, around: Surroundings): SpanValues => {
  const path = ['spans', name];
  const atEnd = { ...around, ended: true };
  const attributes = readAttributes(reader, [...path, 'attributes'], atEnd);
  const after = withAttributes(reader, [...path, 'attributes'], atEnd, attributes);
  const before = { ...after, ended: false };
  const constant = { ...after, fresh: false };
  const events = itemsAt(reader, [...path, 'events']).map((node, i): EventValues => {
    const at = [...path, 'events', i];
    if (node.kind === 'map' && !node.entries.has('name')) {
      reader.report(makeIssue('error', node.at, 'CONFIG_MISSING', `${formatPath(at)}.name: is required: a text`));
    }
    const own = readAttributes(reader, [...at, 'attributes'], after);
    readEventTime(reader, [...at, 'at'], withAttributes(reader, [...at, 'attributes'], after, own));
    return { name: readText(reader, [...at, 'name'], constant) ?? { form: 'constant', value: '' }, attributes: own };
  });
  const errorPath = [...path, 'error', 'attributes'];
  const errorAttributes = readAttributes(reader, errorPath, after);
  return {
    name: readText(reader, [...path, 'name'], before),
    traceState: readText(reader, [...path, 'trace_state'], { ...constant, ended: false }),
    attributes,
    scopeAttributes: readAttributes(reader, [...path, 'scope', 'attributes'], nothingAround),
    events,
    message: readText(
      reader,
      [...path, 'error', 'message'],
      withAttributes(reader, errorPath, constant, errorAttributes),
    ),
    errorAttributes,
  };
};

export const readValues = (root: ConfigNode, report: (issue: Issue) => void): Values => {
  const reader: Reader = { root, report };
  const lets = itemsAt(reader, ['traces']).map((_, i) => readLets(reader, i));
  const byName = new Map<string, (ValueSpec | null)[]>();
  for (const [i, specs] of lets.entries()) {
    const read = new Map(specs);
    for (const [name] of entriesAt(reader, ['traces', i, 'let'])) {
      byName.set(name, [...(byName.get(name) ?? []), read.get(name) ?? null]);
    }
  }
  const names = entriesAt(reader, ['spans']).map(([name]) => name);
  const keys = names.flatMap((name) => entriesAt(reader, ['spans', name, 'attributes']).map(([key]) => key));
  const letUses: LetUse[] = [];
  const spans = new Map<string, SpanValues>();
  for (const span of names) {
    const onLet = (path: readonly string[]) => letUses.push({ span, path });
    const around = { ...nothingAround, lets: byName, ofSpans: new Set(keys), fresh: true, onLet };
    spans.set(span, readSpan(reader, span, around));
  }
  checkParents(reader, spans);
  return { resources: readResources(reader), lets, spans, letUses };
};

/** Whether a trace with these lets has what stands at `path`. */
export const hasLet = (lets: AttributeSpecs, path: readonly string[]): boolean => {
  const [name, ...keys] = path;
  const spec = lets.find(([key]) => key === name)?.[1];
  if (spec === undefined || keys.length === 0) return spec !== undefined;
  const found = memberOf(spec, keys.join('.'));
  return found !== null && found.path.join('\0') === keys.join('\0');
};
