// Functions of lists and maps, and those that take a list or a text.
import { compareValues } from '../compare.ts';
import { fault } from '../error.ts';
import { anyType, describe, OttlWhole, type } from '../values.ts';
import { any, compiledConverter, converter, type FunctionDefinition, list, map } from './define.ts';

export const collectionFunctions: readonly FunctionDefinition[] = [
  compiledConverter({
    name: 'Coalesce',
    summary: 'The first of the values that is not nil; those behind it are not computed.',
    parameters: [list('values')],
    returns: anyType,
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
    summary: 'Whether an item of the list equals the value (an int and a double may).',
    parameters: [list('target'), any('item')],
    returns: type.bool,
    run: (items, wanted) => items.some((item) => compareValues(item, wanted, '==')),
  }),
  converter({
    name: 'Index',
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
    summary: 'The keys of the map.',
    parameters: [map('target')],
    returns: type.list,
    run: (target) => [...target.keys()],
  }),
  converter({
    name: 'Values',
    summary: 'The values of the map.',
    parameters: [map('target')],
    returns: type.list,
    run: (target) => [...target.values()],
  }),
  converter({
    name: 'Len',
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
];
