// Editors of maps that look at values.

import { valueText } from '../coerce.ts';
import { formatFloat } from '../go-text.ts';
import { type Getter, type OttlMap, type OttlValue, type } from '../values.ts';
import { editor, type FunctionDefinition, literalBool, literalInt, optional, target } from './define.ts';
import { notStrings, strings, targetOf, valueEditor } from './editable-map.ts';
import { flatten, isContainer } from './flatten.ts';

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
        edit(goText);
        return null;
      };
    },
  }),
  editor({
    name: 'truncate_all',
    summary: 'Cuts every string of the map to so many bytes at most, never inside of a character.',
    examples: [
      {
        text: 'truncate_all(attributes, 4)',
        given: { attributes: '{"a": "abcdef", "b": "h\u00e9\u00e9l", "c": 123456}' },
        gives: { attributes: '{"a": "abcd", "b": "h\u00e9", "c": 123456}' },
        note: 'The fourth byte of b is the first half of a character.',
      },
    ],
    parameters: [target('target', type.map), literalInt('limit'), optional(literalBool('utf8_safe'))],
    // utf8_safe = false lets the Collector cut through characters; here it never does.
    compile: ([place, limitOf]) => {
      const limit = Number((limitOf.get as Getter<bigint>)());
      // A string of n bytes is encoded in n + 2 bytes or more.
      const edit = valueEditor(targetOf(place), strings, limit + 2);
      return () => {
        edit((value) => cut(value as string, limit));
        return null;
      };
    },
  }),
];

const encoder = new TextEncoder();

/** As many whole characters as fit. */
function cut(text: string, limit: number): string {
  if (text.length * 3 <= limit || Buffer.byteLength(text) <= limit) return text;
  return text.slice(0, encoder.encodeInto(text, new Uint8Array(limit)).read);
}

/** pcommon.Value.AsString. Lists and maps are as encoding/json writes them, but for HTML characters, which stay. */
function goText(value: OttlValue): string {
  return isContainer(value) ? (goJson(value) ?? '') : valueText(value);
}

/** null: NaN and infinities have no JSON. */
function goJson(value: OttlValue): string | null {
  if (typeof value === 'string') return jsonString(value);
  if (typeof value === 'number') return formatFloat(value);
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`;
  if (Array.isArray(value)) {
    const items = value.map(goJson);
    return items.includes(null) ? null : `[${items.join(',')}]`;
  }
  if (!(value instanceof Map)) return valueText(value);
  const keys = [...(value as OttlMap).keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const items = keys.map((key) => goJson((value as OttlMap).get(key) ?? null));
  return items.includes(null) ? null : `{${keys.map((key, i) => `${jsonString(key)}:${items[i]}`).join(',')}}`;
}

function jsonString(text: string): string {
  return JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
