// Editors: functions that change the item. This list holds the plain ones, and all others.
import type { Getter } from '../values.ts';
import { any, editor, type FunctionDefinition, target } from './define.ts';
import { targetOf } from './editable-map.ts';
import { listEditors } from './list-editors.ts';
import { mapEditors } from './map-editors.ts';
import { replaceEditors } from './replace-editors.ts';
import { setSemconvSpanName } from './span-name.ts';
import { valueEditors } from './value-editors.ts';

const set = editor({
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
});

export const editors: readonly FunctionDefinition[] = [
  set,
  setSemconvSpanName,
  ...mapEditors,
  ...valueEditors,
  ...listEditors,
  ...replaceEditors,
];
