// Functions that take a lambda, and call it for each item of a list or entry of a map, in order: with the index (from 0) or
// the key, and the value.
import { fault } from '../error.ts';
import { anyType, describe, type Getter, type OttlList, type OttlMap, type OttlValue, type } from '../values.ts';
import {
  any,
  type CompiledArgument,
  collection,
  compiledConverter,
  type FunctionDefinition,
  type Lambda,
  lambda,
  map,
  optional,
} from './define.ts';

const entry = [
  { name: 'key', types: type.int | type.string },
  { name: 'value', types: anyType },
] as const;
const predicate = lambda('predicate', entry, type.bool);

/** The lambda of an argument that must be there. */
function lambdaOf({ get }: CompiledArgument): Lambda {
  return get() as Lambda;
}

/** Up to so many attributes are compared with each other to find a key that comes twice; more become a map. */
const fewAttributes = 64;

/** As `some`; of attributes only what the lambda has a name for is decoded, as far as it gets. */
function entriesOf(
  source: CompiledArgument,
  { uses: [usesKey, usesValue] }: Lambda,
): (visit: (key: OttlValue, value: OttlValue) => boolean) => boolean {
  const get = source.get as Getter<OttlList | OttlMap>;
  const { attributes } = source;
  if (attributes === null) return (visit) => some(get(), visit);
  return (visit) => {
    const table = attributes();
    const { count } = table;
    if (count > fewAttributes) return some(get(), visit);
    for (let e = 0; e < count; e++) {
      if (!table.live(e) || !table.isFirstOfKey(e)) continue;
      if (visit(usesKey ? table.key(e) : null, usesValue ? table.get(e) : null)) return true;
    }
    return false;
  };
}

/** As the lambda, which must give a bool. */
function test(argument: CompiledArgument): (key?: OttlValue, value?: OttlValue) => boolean {
  const run = lambdaOf(argument);
  return (key, value) => {
    const found = run(key, value);
    if (typeof found !== 'boolean') throw fault(`the lambda gave ${describe(found)}, not a bool`);
    return found;
  };
}

/** Until `visit` gives true; whether it did. */
function some(source: OttlList | OttlMap, visit: (key: OttlValue, value: OttlValue) => boolean): boolean {
  if (source instanceof Map) {
    for (const [key, value] of source as OttlMap) if (visit(key, value)) return true;
    return false;
  }
  const items = source as OttlList;
  for (let i = 0; i < items.length; i++) if (visit(BigInt(i), items[i])) return true;
  return false;
}

/** The same kind of thing with what `make` gives for each entry; undefined leaves it out. */
function rebuilt(
  source: OttlList | OttlMap,
  make: (key: OttlValue, value: OttlValue) => OttlValue | undefined,
): OttlList | OttlMap {
  const list: OttlValue[] = [];
  const entries = new Map<string, OttlValue>();
  const isMap = source instanceof Map;
  some(source, (key, value) => {
    const made = make(key, value);
    if (made === undefined) return false;
    if (isMap) entries.set(key as string, made);
    else list.push(made);
    return false;
  });
  return isMap ? entries : list;
}

/** Each step of Reduce may double what it is given. */
const maxCharacters = 1 << 24;
const maxValues = 500_000;
const maxDepth = 200;

function checkSize(value: OttlValue): void {
  let values = 0;
  const visit = (part: OttlValue, depth: number): void => {
    if (typeof part === 'string' && part.length > maxCharacters) {
      throw fault(`the value has grown to more than ${maxCharacters} characters`);
    }
    if (!(part instanceof Map) && !Array.isArray(part)) return;
    if (depth >= maxDepth) throw fault(`the value has grown to more than ${maxDepth} levels`);
    for (const inner of part.values() as Iterable<OttlValue>) {
      if (++values > maxValues) throw fault(`the value has grown to more than ${maxValues} values`);
      visit(inner, depth + 1);
    }
  };
  visit(value, 0);
}

export const lambdaFunctions: readonly FunctionDefinition[] = [
  compiledConverter({
    name: 'All',
    summary: 'Whether the lambda gives true for every item of the list or entry of the map; true when there is none.',
    examples: [
      { text: 'All(attributes["tags"], (_, v) => Len(v) > 2)', gives: 'true' },
      { text: 'All(attributes, (k, _) => HasPrefix(k, "http."))', gives: 'false' },
    ],
    parameters: [collection('source'), predicate],
    returns: type.bool,
    compile: ([source, argument]) => {
      const someOf = entriesOf(source, lambdaOf(argument));
      const holds = test(argument);
      const fails = (key: OttlValue, value: OttlValue): boolean => !holds(key, value);
      return () => !someOf(fails);
    },
  }),
  compiledConverter({
    name: 'Any',
    summary: 'Whether the lambda gives true for an item of the list or entry of the map; false when there is none.',
    examples: [
      { text: 'Any(attributes["tags"], (_, tag) => tag == "green")', gives: 'true' },
      { text: 'Any(attributes, (k, v) => k == "http.method" and v == "POST")', gives: 'false' },
      { text: 'Any(name, (_, v) => v == "x")', fails: 'expected a list or a map, got a string' },
    ],
    parameters: [collection('source'), predicate],
    returns: type.bool,
    compile: ([source, argument]) => {
      const someOf = entriesOf(source, lambdaOf(argument));
      const holds = test(argument);
      return () => someOf(holds);
    },
  }),
  compiledConverter({
    name: 'Filter',
    summary: 'A list or map of those for which the lambda gives true.',
    examples: [
      { text: 'Filter(attributes["tags"], (_, tag) => tag != "red")', gives: '["green", "blue"]' },
      { text: 'Filter(attributes["tags"], (i, _) => i < 1)', gives: '["red"]' },
      { text: 'Filter(attributes["request"], (k, _) => k == "size")', gives: '{"size": 120}' },
    ],
    parameters: [collection('source'), predicate],
    returns: type.list | type.map,
    compile: ([source, argument]) => {
      const get = source.get as Getter<OttlList | OttlMap>;
      const holds = test(argument);
      return () => rebuilt(get(), (key, value) => (holds(key, value) ? value : undefined));
    },
  }),
  compiledConverter({
    name: 'Find',
    summary: 'The first value for which the lambda gives true, or what the mapper makes of it; nil when there is none.',
    examples: [
      { text: 'Find(attributes["tags"], (_, tag) => HasPrefix(tag, "b"))', gives: '"blue"' },
      { text: 'Find(attributes, (_, v) => v == "GET", (k, _) => k)', gives: '"http.method"' },
      { text: 'Find(attributes["tags"], (_, tag) => tag == "black")', gives: 'nil' },
    ],
    parameters: [collection('source'), predicate, optional(lambda('mapper', entry, anyType))],
    returns: anyType,
    compile: ([source, argument, mapper]) => {
      const get = source.get as Getter<OttlList | OttlMap>;
      const holds = test(argument);
      const made = mapper.get() as Lambda | undefined;
      return () => {
        let found: OttlValue = null;
        some(get(), (key, value) => {
          if (!holds(key, value)) return false;
          found = made === undefined ? value : made(key, value);
          return true;
        });
        return found;
      };
    },
  }),
  compiledConverter({
    name: 'MapEach',
    summary: 'The list or map with what the lambda gives in the place of each value.',
    examples: [
      { text: 'MapEach(attributes["tags"], (_, tag) => ToUpperCase(tag))', gives: '["RED", "GREEN", "BLUE"]' },
      { text: 'MapEach(attributes["request"], (k, _) => k)', gives: '{"size": "size", "langs": "langs"}' },
    ],
    parameters: [collection('source'), lambda('mapper', entry, anyType)],
    returns: type.list | type.map,
    compile: ([source, argument]) => {
      const get = source.get as Getter<OttlList | OttlMap>;
      const made = lambdaOf(argument);
      return () => rebuilt(get(), made);
    },
  }),
  compiledConverter({
    name: 'MapKeys',
    summary:
      'The map with what the lambda gives in the place of each key. Of two that become the same the later value stays, in the ' +
      'place of the first.',
    examples: [
      {
        text: 'MapKeys(attributes["request"], (k, _) => Concat(["request", k], "."))',
        gives: '{"request.size": 120, "request.langs": ["en", "de"]}',
      },
      { text: 'MapKeys({"a": 1, "b": 2}, (_, v) => v)', fails: 'the lambda gave an int, not a string' },
    ],
    parameters: [map('source'), lambda('key_mapper', entry, type.string)],
    returns: type.map,
    compile: ([source, argument]) => {
      const get = source.get as Getter<OttlMap>;
      const made = lambdaOf(argument);
      return () => {
        const renamed = new Map<string, OttlValue>();
        for (const [before, value] of get()) {
          const key = made(before, value);
          if (typeof key !== 'string') throw fault(`the lambda gave ${describe(key)}, not a string`);
          renamed.set(key, value);
        }
        return renamed;
      };
    },
  }),
  compiledConverter({
    name: 'Reduce',
    summary: 'What the lambda gives for the last value: each time it is given what it gave before, and first the seed.',
    examples: [
      { text: 'Reduce([1, 2, 3], 0, (sum, _, v) => sum + v)', gives: '6' },
      { text: 'Reduce(attributes["tags"], "", (all, _, tag) => Concat([all, tag], "/"))', gives: '"/red/green/blue"' },
    ],
    parameters: [
      collection('source'),
      any('seed'),
      lambda('accumulator', [{ name: 'before', types: anyType }, ...entry], anyType),
    ],
    returns: anyType,
    compile: ([source, seed, argument]) => {
      const get = source.get as Getter<OttlList | OttlMap>;
      const first = seed.get as Getter;
      const step = lambdaOf(argument);
      return () => {
        const items = get();
        let value = first();
        some(items, (key, item) => {
          const next = step(value, key, item);
          if (next !== value) checkSize(next);
          value = next;
          return false;
        });
        return value;
      };
    },
  }),
  compiledConverter({
    name: 'When',
    summary: 'One value when the lambda gives true, the other when it gives false; only that one is computed.',
    examples: [
      { text: 'When(() => attributes["http.status_code"] < 400, "fine", "failed")', gives: '"fine"' },
      { text: 'When(() => attributes["none"] == nil, name, attributes["none"])', gives: '"GET /api/v2/users"' },
    ],
    parameters: [lambda('condition', [], type.bool), any('true_value'), any('false_value')],
    returns: anyType,
    compile: ([argument, yes, no]) => {
      const holds = test(argument);
      const [ifTrue, ifFalse] = [yes.get as Getter, no.get as Getter];
      return () => (holds() ? ifTrue() : ifFalse());
    },
  }),
];
