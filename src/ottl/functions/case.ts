// Snake and camel case with the results of the Go library that the Collector uses (strcase). Only ASCII letters and
// digits count as such.
import { trimSpace } from '../go-text.ts';

const isUpper = (c: string): boolean => c >= 'A' && c <= 'Z';
const isLower = (c: string): boolean => c >= 'a' && c <= 'z';
const isDigit = (c: string): boolean => c >= '0' && c <= '9';
const isSeparator = (c: string): boolean => c === ' ' || c === '_' || c === '-' || c === '.';

/** someName -> some_name, JSONData -> json_data, a1b -> a_1_b. */
export function toSnakeCase(text: string): string {
  const source = trimSpace(text);
  let out = '';
  for (let i = 0; i < source.length; i++) {
    const c = source[i];
    const after = source[i + 1] ?? '';
    const low = isUpper(c) ? c.toLowerCase() : c;
    if (!startsWord(c, after)) {
      out += isSeparator(c) ? '_' : low;
      continue;
    }
    // The last capital of a row belongs to the word behind it: JSONData is json and data.
    if (isUpper(c) && isLower(after) && i > 0 && isUpper(source[i - 1])) out += '_';
    out += low;
    if (isLower(c) || isDigit(c) || isDigit(after)) out += '_';
  }
  return out;
}

/** The class of character changes between the two in a way that separates words. */
function startsWord(c: string, after: string): boolean {
  if (after === '') return false;
  if (isUpper(c)) return isLower(after) || isDigit(after);
  if (isLower(c)) return isUpper(after) || isDigit(after);
  return isDigit(c) && (isUpper(after) || isLower(after));
}

/** some_name -> SomeName, JSON_DATA -> JsonData. Other characters than ASCII letters and digits vanish. */
export function toCamelCase(text: string): string {
  const trimmed = trimSpace(text);
  const source = trimmed === 'ID' ? 'id' : trimmed; // the one acronym that strcase knows
  let out = '';
  let capital = true;
  let afterUpper = false;
  for (const c of source) {
    const upper = isUpper(c);
    if (upper || isLower(c)) {
      if (capital) out += c.toUpperCase();
      else out += upper && afterUpper ? c.toLowerCase() : c;
      capital = false;
    } else if (isDigit(c)) {
      out += c;
      capital = true;
    } else capital = isSeparator(c);
    afterUpper = upper;
  }
  return out;
}
