// Editors of maps that look at keys.
import type { Matcher } from '../../lib/regexp/regexp.ts';
import { asString } from '../coerce.ts';
import type { Environment } from '../environment.ts';
import { fault, OttlFault } from '../error.ts';
import { type Getter, type OttlMap, type } from '../values.ts';
import {
  type CompiledArgument,
  editor,
  type FunctionDefinition,
  listOf,
  literalInt,
  literalString,
  literalStrings,
  map,
  pattern,
  string,
  target,
} from './define.ts';
import { keyFilter, mapMerger, mapReader, targetOf } from './editable-map.ts';

/** Whether each strategy writes an entry whose key the target has, and one whose key it lacks. */
const strategies = {
  insert: (exists: boolean): boolean => !exists,
  update: (exists: boolean): boolean => exists,
  upsert: (): boolean => true,
} as const;
const strategyNames = Object.keys(strategies) as (keyof typeof strategies)[];

function matchingKeys(
  name: string,
  summary: string,
  keeps: boolean,
  examples: FunctionDefinition['examples'],
): FunctionDefinition {
  return editor({
    name,
    summary,
    examples,
    parameters: [target('target', type.map), pattern('pattern')],
    compile: ([place, matcherOf]) => {
      const filter = keyFilter(targetOf(place));
      const get = matcherOf.get as Getter<Matcher>;
      return () => {
        const matcher = get();
        filter((key) => matcher.test(key) === keeps);
        return null;
      };
    },
  });
}

export const mapEditors: readonly FunctionDefinition[] = [
  editor({
    name: 'delete_key',
    summary: 'Removes the key from the map.',
    examples: [
      {
        text: 'delete_key(attributes, "b")',
        given: { attributes: '{"a": 1, "b": 2}' },
        gives: { attributes: '{"a": 1}' },
      },
      { text: 'delete_key(attributes["request"], "langs")', gives: { 'attributes["request"]': '{"size": 120}' } },
    ],
    parameters: [target('target', type.map), string('key')],
    compile: ([place, name], env) => {
      const where = targetOf(place);
      const { attributes } = where;
      const key = name.get as Getter<string>;
      if (attributes === null) {
        const filter = keyFilter(where);
        return () => {
          const removed = key();
          filter((found) => found !== removed);
          return null;
        };
      }
      const literal = name.isConstant ? textOf(key) : '';
      // The kernel does not look up the empty key.
      if (literal !== '') {
        const id = env.target.intern(literal);
        return () => {
          attributes().remove(id);
          return null;
        };
      }
      return () => {
        attributes().removeKey(key());
        return null;
      };
    },
  }),
  matchingKeys('delete_matching_keys', 'Removes the keys in which the regular expression (RE2) is found.', false, [
    {
      text: 'delete_matching_keys(attributes, "^http")',
      given: { attributes: '{"http.method": "GET", "http.url": "/", "cached": true}' },
      gives: { attributes: '{"cached": true}' },
    },
  ]),
  matchingKeys('keep_matching_keys', 'Removes the keys in which the regular expression (RE2) is not found.', true, [
    {
      text: 'keep_matching_keys(attributes, "^http")',
      given: { attributes: '{"http.method": "GET", "cached": true}' },
      gives: { attributes: '{"http.method": "GET"}' },
    },
  ]),
  editor({
    name: 'keep_keys',
    summary: 'Removes all keys but those in the list.',
    examples: [
      {
        text: 'keep_keys(attributes, ["http.method", "cached", "absent"])',
        gives: { attributes: '{"http.method": "GET", "cached": true}' },
      },
    ],
    parameters: [target('target', type.map), listOf('keys', asString)],
    compile: ([place, keys], env) => {
      const where = targetOf(place);
      const filter = keyFilter(where);
      const get = keySet(keys);
      const ids = keys.isConstant ? internAll(get, env) : null;
      const { attributes } = where;
      return () => {
        if (ids !== null && attributes !== null && !attributes().hasDuplicateKeys) {
          attributes().removeOthers(ids);
          return null;
        }
        const kept = get();
        filter((key) => kept.has(key));
        return null;
      };
    },
  }),
  editor({
    name: 'limit',
    summary: 'Keeps so many keys at most: those of the priority keys that are there, then the first of the others.',
    examples: [
      {
        text: 'limit(attributes, 2, ["c"])',
        given: { attributes: '{"a": 1, "b": 2, "c": 3}' },
        gives: { attributes: '{"a": 1, "c": 3}' },
      },
      { text: 'limit(attributes, 1, ["a", "b"])', fails: 'the limit is 1, below the 2 priority keys' },
    ],
    parameters: [target('target', type.map), literalInt('limit'), literalStrings('priority_keys')],
    refuse: (_target, limit, keys) => {
      if (limit < BigInt(keys.length)) throw fault(`the limit is ${limit}, below the ${keys.length} priority keys`);
    },
    compile: ([place, limitOf, keys]) => {
      const where = targetOf(place);
      const filter = keyFilter(where);
      const { size, has } = mapReader(where);
      const limit = Number((limitOf.get as Getter<bigint>)());
      const get = keySet(keys);
      return () => {
        if (size() <= limit) return null;
        const priority = get();
        if (priority.size > limit) throw fault(`the limit is ${limit}, below the ${priority.size} priority keys`);
        let room = limit;
        for (const key of priority) if (has(key)) room--;
        filter((key) => priority.has(key) || room-- > 0);
        return null;
      };
    },
  }),
  editor({
    name: 'merge_maps',
    summary: 'Writes the entries of another map: insert only new keys, update only keys that are there, upsert all.',
    examples: [
      {
        text: 'merge_maps(attributes["request"], {"size": 1, "via": "proxy"}, "insert")',
        gives: { 'attributes["request"]': '{"size": 120, "langs": ["en", "de"], "via": "proxy"}' },
      },
      {
        text: 'merge_maps(attributes["request"], {"size": 1, "via": "proxy"}, "update")',
        gives: { 'attributes["request"]': '{"size": 1, "langs": ["en", "de"]}' },
      },
    ],
    parameters: [target('target', type.map), map('source'), literalString('strategy', strategyNames)],
    compile: ([place, source, strategy]) => {
      const merge = mapMerger(targetOf(place));
      const get = source.get as Getter<OttlMap>;
      const takes = strategies[strategy.get() as keyof typeof strategies];
      return () => {
        merge(get(), takes);
        return null;
      };
    },
  }),
];

/** null where the kernel cannot look up one of the keys, or the list always fails. */
function internAll(get: Getter<ReadonlySet<string>>, { target }: Environment): number[] | null {
  try {
    const keys = [...get()];
    return keys.includes('') ? null : keys.map((key) => target.intern(key));
  } catch (error) {
    if (error instanceof OttlFault) return null;
    throw error;
  }
}

/** '' also for one that always fails: it does so at the span. */
function textOf(get: Getter<string>): string {
  try {
    return get();
  } catch (error) {
    if (error instanceof OttlFault) return '';
    throw error;
  }
}

function keySet({ get, isConstant }: CompiledArgument): Getter<ReadonlySet<string>> {
  const make = (): ReadonlySet<string> => new Set((get as Getter<readonly string[]>)());
  if (!isConstant) return make;
  let made: ReadonlySet<string> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
