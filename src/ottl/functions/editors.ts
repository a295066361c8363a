// Editors: functions that change the item.
import { asMap } from '../coerce.ts';
import type { Getter, OttlValue } from '../values.ts';
import { type } from '../values.ts';
import type { CompiledArgument, Target } from './define.ts';
import { any, editor, type FunctionDefinition, string, target } from './define.ts';

function targetOf(argument: CompiledArgument): Target {
  if (argument.target === null) throw new Error('the checker let an editor through without its target');
  return argument.target;
}

export const editors: readonly FunctionDefinition[] = [
  editor({
    name: 'set',
    summary: 'Writes the value to the path; nil changes nothing.',
    examples: [
      { text: 'set(name, Concat([kind.string, name], " "))', gives: { name: '"Server GET /api/v2/users"' } },
      { text: 'set(attributes["http.method"], attributes["none"])', gives: { 'attributes["http.method"]': '"GET"' } },
    ],
    parameters: [target('target'), any('value')],
    compile: ([place, value]) => {
      const { set } = targetOf(place);
      const get = value.get as Getter;
      return () => {
        const found = get();
        if (found !== null) set(found);
        return null;
      };
    },
  }),
  editor({
    name: 'delete_key',
    summary: 'Removes the key from the map.',
    examples: [
      {
        text: 'delete_key(attributes, "b")',
        given: { attributes: '{"a": 1, "b": 2}' },
        gives: { attributes: '{"a": 1}' },
      },
    ],
    parameters: [target('target', type.map), string('key')],
    compile: ([place, name]) => {
      const { attributes, get, set } = targetOf(place);
      const key = name.get as Getter<string>;
      if (attributes !== null) {
        return () => {
          attributes().removeKey(key());
          return null;
        };
      }
      return () => {
        const map = asMap(get());
        const removed = key();
        if (map.has(removed)) set(new Map<string, OttlValue>([...map].filter(([name]) => name !== removed)));
        return null;
      };
    },
  }),
];
