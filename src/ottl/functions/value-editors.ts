// Editors of maps that look at values.

import { valueText } from '../coerce.ts';
import { fault } from '../error.ts';
import { type Getter, type } from '../values.ts';
import { editor, type FunctionDefinition, literalBool, literalInt, literalString, optional, target } from './define.ts';
import { notStrings, strings, targetOf, valueEditor } from './editable-map.ts';
import { flatten } from './flatten.ts';

export const valueEditors: readonly FunctionDefinition[] = [
  flatten,
  editor({
    name: 'stringify_all',
    summary: 'Turns every value of the map into text: bytes as base64, lists and maps as JSON, empty ones as "".',
    examples: [
      {
        text: 'stringify_all(attributes)',
        given: { attributes: '{"a": 1, "b": 2.0, "c": [1, {"d": true}], "e": 0x00ff}' },
        gives: { attributes: '{"a": "1", "b": "2", "c": "[1,{\\"d\\":true}]", "e": "AP8="}' },
      },
    ],
    parameters: [target('target', type.map)],
    compile: ([place]) => {
      const edit = valueEditor(targetOf(place), notStrings);
      return () => {
        edit(valueText);
        return null;
      };
    },
  }),
  editor({
    name: 'truncate_all',
    summary:
      'Cuts every string of the map to so many bytes at most, never inside of a character; the marker, if any, ends what was cut.',
    examples: [
      {
        text: 'truncate_all(attributes, 4)',
        given: { attributes: '{"a": "abcdef", "b": "h\u00e9\u00e9l", "c": 123456}' },
        gives: { attributes: '{"a": "abcd", "b": "h\u00e9", "c": 123456}' },
        note: 'The fourth byte of b is the first half of a character.',
      },
      {
        text: 'truncate_all(attributes, 5, truncation_marker="…")',
        given: { attributes: '{"a": "abcdef", "b": "abcde"}' },
        gives: { attributes: '{"a": "ab…", "b": "abcde"}' },
      },
      { text: 'truncate_all(attributes, 2, true, "…")', fails: 'the marker has 3 bytes, the limit is 2' },
    ],
    parameters: [
      target('target', type.map),
      literalInt('limit'),
      optional(literalBool('utf8_safe')),
      optional(literalString('truncation_marker')),
    ],
    refuse: (_target, limit, _safe, marker = '') => {
      const length = Buffer.byteLength(marker);
      if (BigInt(length) > limit) throw fault(`the marker has ${length} bytes, the limit is ${limit}`);
    },
    // utf8_safe = false lets the Collector cut through characters; here it never does.
    compile: ([place, limitOf, , markerOf]) => {
      const limit = Number((limitOf.get as Getter<bigint>)());
      const marker = (markerOf.get as Getter<string | undefined>)() ?? '';
      // A string of n bytes is encoded in n + 2 bytes or more.
      const edit = valueEditor(targetOf(place), strings, limit + 2);
      return () => {
        edit((value) => cut(value as string, limit, marker));
        return null;
      };
    },
  }),
];

const encoder = new TextEncoder();

/** As many whole characters as fit before the marker, which has no more than `limit` bytes. */
function cut(text: string, limit: number, marker: string): string {
  if (text.length * 3 <= limit || Buffer.byteLength(text) <= limit) return text;
  const room = limit - Buffer.byteLength(marker);
  return text.slice(0, encoder.encodeInto(text, new Uint8Array(room)).read) + marker;
}
