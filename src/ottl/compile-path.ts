// Paths -> getters and setters.
import type { Value } from '../wire/value.ts';
import { asMap, asString } from './coerce.ts';
import { attributesOf, type ContextName, type Environment } from './environment.ts';
import { fault } from './error.ts';
import type { Target } from './functions/define.ts';
import { valueAt, withValueAt } from './nested.ts';
import type { ResolvedPath, ResolvedValue } from './resolved.ts';
import { traceStateMember, withTraceStateMember } from './trace-state.ts';
import { describe, type Getter, isAttributeValue, type OttlMap, type OttlValue, type Setter } from './values.ts';

/** The text of a key that stands in the rule, or null. */
export function literalKey(key: ResolvedValue): string | null {
  return key.kind === 'constant' && typeof key.value === 'string' ? key.value : null;
}

/** `keys`: the getters of the node's keys, in order. */
export function compilePath({ path, keys: nodes }: ResolvedPath, env: Environment, keys: readonly Getter[]): Getter {
  switch (path.keyed) {
    case 'attributes': {
      if (keys.length === 0) return allAttributes(path.context, env);
      const first = attributeGetter(path.context, nodes[0], keys[0], env);
      return keys.length === 1 ? first : reach(first, keys.slice(1));
    }
    case 'cache': {
      const map = env.caches[path.context];
      return reach(() => map, keys);
    }
    case 'trace_state':
    case 'none': {
      const { get } = path;
      if (get === undefined) throw new Error(`the path ${path.name} has no getter`);
      const read = get(env);
      if (keys.length === 0) return read;
      const [key] = keys;
      return () => traceStateMember(asString(read()), asString(key()));
    }
  }
}

/** Missing maps end the way: nil, whatever keys follow. */
function reach(root: Getter, keys: readonly Getter[]): Getter {
  return () => {
    let value = root();
    for (const key of keys) {
      if (value === null) return null;
      value = valueAt(value, key());
    }
    return value;
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

function attributeGetter(context: ContextName, node: ResolvedValue, key: Getter, env: Environment): Getter {
  const find = entryFinder(context, node, key, env);
  const table = attributesOf(env, context);
  return () => {
    const entry = find();
    return entry < 0 ? null : table().get(entry);
  };
}

/** The entry that a key names, or -1. A key that stands in the rule is interned: then it is an array read. */
export function entryFinder(context: ContextName, node: ResolvedValue, key: Getter, env: Environment): () => number {
  const table = attributesOf(env, context);
  const text = literalKey(node);
  // The kernel does not look up the empty key.
  if (text === null || text === '') return () => table().findKey(asString(key()));
  const id = env.target.intern(text);
  if (context === 'spanevent') return () => table().find(id);
  const attributes = env.target[context].attributes;
  return () => attributes.find(id);
}

// --- writing ---------------------------------------------------------------------------------------------------------

export function compileTarget(node: ResolvedPath, env: Environment, keys: readonly Getter[]): Target {
  const get = compilePath(node, env, keys);
  const { path } = node;
  const whole = path.keyed === 'attributes' && keys.length === 0 ? attributesOf(env, path.context) : null;
  return { get, set: compileSetter(node, env, keys), attributes: whole };
}

function compileSetter({ path, keys: nodes }: ResolvedPath, env: Environment, keys: readonly Getter[]): Setter {
  switch (path.keyed) {
    case 'attributes':
      return keys.length === 0
        ? allAttributesSetter(path.context, env)
        : attributeSetter(path.context, nodes, keys, env);
    case 'cache':
      return cacheSetter(env.caches[path.context], keys);
    case 'trace_state':
    case 'none': {
      const { get, set } = path;
      if (get === undefined || set === undefined) throw new Error(`the path ${path.name} cannot be written`);
      const write = set(env);
      if (keys.length === 0) return write;
      const read = get(env);
      const [key] = keys;
      return (value) => write(withTraceStateMember(asString(read()), asString(key()), asString(value)));
    }
  }
}

function attributeValue(value: OttlValue): Value {
  if (isAttributeValue(value)) return value;
  throw fault(`an attribute cannot hold ${describe(value)}`);
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
    return (value) => table().set(id, attributeValue(value));
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
    attributes.setKey(key, attributeValue(after));
  };
}

function allAttributesSetter(context: ContextName, env: Environment): Setter {
  const table = attributesOf(env, context);
  return (value) => {
    const map = asMap(attributeValue(value)) as ReadonlyMap<string, Value>;
    const attributes = table();
    for (let e = 0; e < attributes.count; e++) if (attributes.live(e)) attributes.removeEntry(e);
    for (const [key, item] of map) attributes.setKey(key, item);
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
