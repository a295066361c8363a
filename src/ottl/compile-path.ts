// Paths -> getters and setters.
import type { AttributeTable } from '../wire/attribute-table.ts';
import type { Value } from '../wire/value.ts';
import { asAttributeValue, asMap, asString } from './coerce.ts';
import { attributesOf, type ContextName, type Environment } from './environment.ts';
import { fault } from './error.ts';
import type { Target } from './functions/define.ts';
import { memberAt, withValueAt } from './nested.ts';
import type { PathDefinition } from './path-entries.ts';
import type { ResolvedPath, ResolvedValue } from './resolved.ts';
import { traceStateMember, withTraceStateMember } from './trace-state.ts';
import type { Getter, OttlMap, OttlValue, Setter } from './values.ts';

/** The text of a key that stands in the rule, or null. */
export function literalKey(key: ResolvedValue): string | null {
  return key.kind === 'constant' && typeof key.value === 'string' ? key.value : null;
}

/** `keys`: the getters of the node's keys, in order. */
export function compilePath({ path, keys: nodes }: ResolvedPath, env: Environment, keys: readonly Getter[]): Getter {
  switch (path.keyed) {
    case 'attributes': {
      if (keys.length === 0) return allAttributes(path.context, env);
      const [first, ...rest] = keys;
      if (rest.length === 0) return attributeGetter(path.context, nodes[0], first, env, null);
      return reach(attributeGetter(path.context, nodes[0], first, env, undefined), rest);
    }
    case 'cache': {
      const map = env.caches[path.context];
      // A copy, so that a cache which is put into itself has an end.
      return keys.length === 0 ? () => new Map(map) : reach(() => map, keys);
    }
    case 'client':
      return clientGetter(path, nodes, keys, env);
    case 'trace_state':
    case 'none': {
      const read = path.get(env);
      if (keys.length === 0) return read;
      const [key] = keys;
      return () => traceStateMember(asString(read()), asString(key()));
    }
  }
}

/** nil when nothing is known. */
function clientGetter(
  path: PathDefinition & { keyed: 'client' },
  nodes: readonly ResolvedValue[],
  keys: readonly Getter[],
  { target }: Environment,
): Getter {
  const name = path.needsKey ? literalKey(nodes[0]) : '';
  if (name === null) throw new Error(`the checker let ${path.name} through without a key`);
  const metadataKey = path.metadataKey(name);
  const read = (): OttlValue => {
    const values = target.metadata(metadataKey);
    return values.length === 0 ? null : path.value(values);
  };
  return keys.length < 2 ? read : reach(() => read() ?? undefined, keys.slice(1));
}

/** What is not there ends the way: nil, whatever keys follow. What is there and empty has no keys. */
function reach(root: () => OttlValue | undefined, keys: readonly Getter[]): Getter {
  return () => {
    let value = root();
    for (const key of keys) {
      if (value === undefined) return null;
      value = memberAt(value, key());
    }
    return value ?? null;
  };
}

function allAttributes(context: ContextName, env: Environment): Getter<OttlMap> {
  const table = attributesOf(env, context);
  return () => {
    const attributes = table();
    const map = new Map<string, OttlValue>();
    for (let e = 0; e < attributes.count; e++) {
      if (!attributes.live(e)) continue;
      const key = attributes.key(e);
      if (!map.has(key)) map.set(key, attributes.get(e));
    }
    return map;
  };
}

/** `absent`: what it gives when there is no such attribute. */
function attributeGetter<T extends null | undefined>(
  context: ContextName,
  node: ResolvedValue,
  key: Getter,
  env: Environment,
  absent: T,
): () => OttlValue | T {
  const find = entryFinder(context, node, key, env);
  const table = attributesOf(env, context);
  return () => {
    const entry = find();
    return entry < 0 ? absent : table().get(entry);
  };
}

/** The entry that a key names, or -1. A key that stands in the rule is interned: then it is an array read. */
export function entryFinder(context: ContextName, node: ResolvedValue, key: Getter, env: Environment): () => number {
  const table = attributesOf(env, context);
  const text = literalKey(node);
  // The kernel does not look up the empty key.
  if (text === null || text === '') return () => table().findKey(asString(key()));
  const id = env.target.intern(text);
  if (context === 'spanevent' || context === 'spanlink') return () => table().find(id);
  const attributes = env.target[context].attributes;
  return () => attributes.find(id);
}

// --- writing ---------------------------------------------------------------------------------------------------------

export function compileTarget(node: ResolvedPath, env: Environment, keys: readonly Getter[]): Target {
  const get = compilePath(node, env, keys);
  return { get, set: compileSetter(node, env, keys), attributes: allAttributesOf(node, env) };
}

/** Of a path that is all attributes of an item; else null. */
export function allAttributesOf(node: ResolvedValue, env: Environment): (() => AttributeTable) | null {
  if (node.kind !== 'path' || node.path.keyed !== 'attributes' || node.keys.length > 0) return null;
  return attributesOf(env, node.path.context);
}

function compileSetter({ path, keys: nodes }: ResolvedPath, env: Environment, keys: readonly Getter[]): Setter {
  switch (path.keyed) {
    case 'attributes':
      return keys.length === 0
        ? allAttributesSetter(path.context, env)
        : attributeSetter(path.context, nodes, keys, env);
    case 'cache':
      return cacheSetter(env.caches[path.context], keys);
    case 'client':
      throw new Error(`the path ${path.name} cannot be written`);
    case 'trace_state':
    case 'none': {
      const { get, set } = path;
      if (set === undefined) throw new Error(`the path ${path.name} cannot be written`);
      const write = set(env);
      if (keys.length === 0) return write;
      const read = get(env);
      const [key] = keys;
      return (value) => write(withTraceStateMember(asString(read()), asString(key()), asString(value)));
    }
  }
}

function attributeSetter(
  context: ContextName,
  nodes: readonly ResolvedValue[],
  keys: readonly Getter[],
  env: Environment,
): Setter {
  const table = attributesOf(env, context);
  const text = literalKey(nodes[0]);
  const [first, ...rest] = keys;
  if (text !== null && text !== '' && rest.length === 0) {
    const id = env.target.intern(text);
    return (value) => table().set(id, asAttributeValue(value));
  }
  return (value) => {
    const attributes = table();
    const key = asString(first());
    const entry = attributes.findKey(key);
    const before = entry < 0 ? null : attributes.get(entry);
    const after = withValueAt(
      before,
      rest.map((get) => get()),
      value,
    );
    attributes.setKey(key, asAttributeValue(after));
  };
}

function allAttributesSetter(context: ContextName, env: Environment): Setter {
  const table = attributesOf(env, context);
  return (value) => {
    const map = asMap(asAttributeValue(value)) as ReadonlyMap<string, Value>;
    const attributes = table();
    if (map.size > attributes.room) throw fault(`${map.size} attributes are too many for one item`);
    for (let e = 0; e < attributes.count; e++) if (attributes.live(e)) attributes.removeEntry(e);
    for (const [key, item] of map) attributes.append(key, item);
  };
}

function cacheSetter(cache: Map<string, OttlValue>, keys: readonly Getter[]): Setter {
  if (keys.length === 0) {
    return (value) => {
      const entries = [...asMap(value)];
      cache.clear();
      for (const [key, item] of entries) cache.set(key, item);
    };
  }
  const [first, ...rest] = keys;
  return (value) => {
    const key = asString(first());
    cache.set(
      key,
      withValueAt(
        cache.get(key) ?? null,
        rest.map((get) => get()),
        value,
      ),
    );
  };
}
