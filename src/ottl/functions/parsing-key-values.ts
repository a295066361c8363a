// Texts such as `a=1 b="x y"`, and maps written so.
import { valueText } from '../coerce.ts';
import { fault } from '../error.ts';
import { trimSpace } from '../go-text.ts';
import type { OttlMap } from '../values.ts';

/** Between a key and its value, and between the pairs. */
export interface Delimiters {
  readonly value: string;
  readonly pair: string;
}

/** Throws OttlFault. */
export function delimitersOf(value = '=', pair = ' '): Delimiters {
  if (value === pair) throw fault('the delimiter and the pair delimiter are the same');
  return { value, pair };
}

/** Quotes, single or double, hold pairs together and vanish. Of a key that comes twice the last counts. Throws OttlFault. */
export function parseKeyValues(text: string, delimiters: Delimiters): OttlMap {
  if (text === '') throw fault('the text is empty');
  const map = new Map<string, string>();
  for (const pair of splitPairs(text, delimiters.pair)) {
    const at = pair.indexOf(delimiters.value);
    if (at < 0) throw fault('a pair has no delimiter between key and value');
    map.set(trimSpace(pair.slice(0, at)), trimSpace(pair.slice(at + delimiters.value.length)));
  }
  return map;
}

/** A quote behind a backslash is one of the text, as is the backslash. */
function splitPairs(text: string, delimiter: string): string[] {
  const pairs: string[] = [];
  let pair = '';
  let start = 0; // of what is not yet in `pair`
  let quote = '';
  let isEscaped = false;
  for (let i = 0; i < text.length; ) {
    const c = text[i];
    if (quote === '' && text.startsWith(delimiter, i)) {
      pair += text.slice(start, i);
      if (pair !== '') pairs.push(pair);
      pair = '';
      i += delimiter.length;
      start = i;
      continue;
    }
    if (!isEscaped && (c === quote || (quote === '' && (c === '"' || c === "'")))) {
      quote = quote === '' ? c : '';
      pair += text.slice(start, i);
      start = i + 1;
    } else isEscaped = !isEscaped && c === '\\';
    i++;
  }
  if (quote !== '') throw fault('a quote is not closed');
  pair += text.slice(start);
  if (pair !== '') pairs.push(pair);
  return pairs;
}

export function formatKeyValues(map: OttlMap, delimiters: Delimiters, sorted: boolean): string {
  const keys = [...map.keys()];
  if (sorted) keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const pairs = keys.map((key) => {
    const value = valueText(map.get(key) ?? null);
    return quote(key, delimiters) + delimiters.value + quote(value, delimiters);
  });
  return pairs.join(delimiters.pair);
}

function quote(text: string, { value, pair }: Delimiters): string {
  const escaped = text.replaceAll('"', '\\"');
  return escaped.includes(value) || escaped.includes(pair) ? `"${escaped}"` : escaped;
}
