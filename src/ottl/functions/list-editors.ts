// Editors of lists.
import { asList } from '../coerce.ts';
import { fault } from '../error.ts';
import { anyType, type Getter, type OttlList, type OttlValue, type } from '../values.ts';
import { any, editor, type FunctionDefinition, int, list, optional, target } from './define.ts';
import { targetOf } from './editable-map.ts';

export const listEditors: readonly FunctionDefinition[] = [
  editor({
    name: 'append',
    summary: 'Adds a value, or each of a list of values, to the end of a list; what is no list yet becomes one.',
    examples: [
      {
        text: 'append(attributes["tags"], "black")',
        gives: { 'attributes["tags"]': '["red", "green", "blue", "black"]' },
      },
      { text: 'append(attributes["seen"], values=["a", 1])', gives: { 'attributes["seen"]': '["a", 1]' } },
      { text: 'append(attributes["http.method"], "POST")', gives: { 'attributes["http.method"]': '["GET", "POST"]' } },
      { text: 'append(attributes["request"], 1)', fails: 'cannot append to a map' },
    ],
    parameters: [target('target', anyType & ~type.map), optional(any('value')), optional(list('values'))],
    refuse: (_target, value, values) => {
      if (value === undefined && values === undefined) throw fault('append needs the argument value or values');
    },
    compile: ([place, value, values]) => {
      const { get, set } = targetOf(place);
      const one = value.get as Getter<OttlValue | undefined>;
      const many = values.get as Getter<OttlList | undefined>;
      return () => {
        const items = [...itemsOf(get())];
        const added = one();
        if (added !== undefined) items.push(added);
        const rest = many();
        if (rest !== undefined) for (const item of rest) items.push(item);
        set(items);
        return null;
      };
    },
  }),
  editor({
    name: 'delete_index',
    summary: 'Removes the item at the index from the list, or those from start_index up to, not including, end_index.',
    examples: [
      { text: 'delete_index(attributes["tags"], 0)', gives: { 'attributes["tags"]': '["green", "blue"]' } },
      { text: 'delete_index(attributes["tags"], 1, 3)', gives: { 'attributes["tags"]': '["red"]' } },
      { text: 'delete_index(attributes["tags"], 3)', fails: 'index 3 is outside of a list of 3' },
    ],
    parameters: [target('target', type.list | type.nil), int('start_index'), optional(int('end_index'))],
    compile: ([place, startIndex, endIndex]) => {
      const { get, set } = targetOf(place);
      const first = startIndex.get as Getter<bigint>;
      const last = endIndex.get as Getter<bigint | undefined>;
      return () => {
        const items = asList(get());
        const start = first();
        const end = last() ?? start + 1n;
        const length = BigInt(items.length);
        if (start !== 0n || end !== length) checkRange(start, end, length);
        if (start !== end) set(items.toSpliced(Number(start), Number(end - start)));
        return null;
      };
    },
  }),
];

function itemsOf(value: OttlValue): OttlList {
  if (value === null) return [];
  if (value instanceof Map) throw fault('cannot append to a map');
  return Array.isArray(value) ? value : [value];
}

function checkRange(start: bigint, end: bigint, length: bigint): void {
  if (start < 0n || start >= length) throw fault(`index ${start} is outside of a list of ${length}`);
  if (end < start) throw fault(`the end ${end} is before the start ${start}`);
  if (end > length) throw fault(`the end ${end} is outside of a list of ${length}`);
}
