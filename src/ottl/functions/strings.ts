// Functions of text. Lengths and positions count bytes of UTF-8, as in the Collector.
import { likeString } from '../coerce.ts';
import { fault } from '../error.ts';
import { toLower, toUpper } from '../go-text.ts';
import { type } from '../values.ts';
import { toCamelCase, toSnakeCase } from './case.ts';
import {
  converter,
  type FunctionDefinition,
  int,
  list,
  literalBool,
  literalString,
  optional,
  pattern,
  string,
  stringLike,
} from './define.ts';
import { sprintf } from './format.ts';

const cases = { lower: toLower, upper: toUpper, snake: toSnakeCase, camel: toCamelCase } as const;
const caseNames = Object.keys(cases) as (keyof typeof cases)[];

export const stringFunctions: readonly FunctionDefinition[] = [
  converter({
    name: 'IsMatch',
    examples: [
      { text: 'IsMatch(name, "^GET /api")', gives: 'true' },
      { text: 'IsMatch(attributes["none"], ".*")', gives: 'false' },
    ],
    summary: 'Whether the regular expression (RE2) is found in the value as text; false for nil.',
    parameters: [stringLike('target'), pattern('pattern')],
    returns: type.bool,
    run: (text, matcher) => text !== null && matcher.test(text),
  }),
  converter({
    name: 'Concat',
    summary: 'The values as text, one after another, with the delimiter between; nil is written <nil>.',
    examples: [
      { text: 'Concat([attributes["http.method"], name], ": ")', gives: '"GET: GET /api/v2/users"' },
      { text: 'Concat(["a", 1, 2.5, nil], "-")', gives: '"a-1-2.5-<nil>"' },
      { text: 'Concat("ab", "-")', fails: 'the argument vals of Concat: expected a list' },
    ],
    parameters: [list('vals'), string('delimiter')],
    returns: type.string,
    run: (values, delimiter) => values.map((value) => likeString(value) ?? '<nil>').join(delimiter),
  }),
  converter({
    name: 'ConvertCase',
    examples: [{ text: 'ConvertCase("someName", "snake")', gives: '"some_name"' }],
    summary: 'The text in another case: lower, upper, snake (some_name) or camel (SomeName).',
    parameters: [string('target'), literalString('to_case', caseNames)],
    returns: type.string,
    run: (text, to) => cases[to as keyof typeof cases](text),
  }),
  converter({
    name: 'ToCamelCase',
    summary: 'The text in camel case: SomeName.',
    examples: [{ text: 'ToCamelCase("some_name")', gives: '"SomeName"' }],
    parameters: [string('target')],
    returns: type.string,
    run: toCamelCase,
  }),
  converter({
    name: 'ToSnakeCase',
    summary: 'The text in snake case: some_name.',
    examples: [{ text: 'ToSnakeCase("someName")', gives: '"some_name"' }],
    parameters: [string('target')],
    returns: type.string,
    run: toSnakeCase,
  }),
  converter({
    name: 'Format',
    summary: "The values in the places of the format's verbs, as Go's Sprintf writes them: %s, %d, %05.2f, %x, %q, %v.",
    examples: [
      { text: 'Format("%s took %d ms", [name, 1500])', gives: '"GET /api/v2/users took 1500 ms"' },
      { text: 'Format("%05d|%-5s|%.2f|%x", [42, "ab", 3.14159, 255])', gives: '"00042|ab   |3.14|ff"' },
      {
        text: 'Format("%d", ["x"])',
        gives: '"%!d(string=x)"',
        note: 'A value that the verb is not for is no error.',
      },
    ],
    parameters: [string('format'), list('vals')],
    returns: type.string,
    run: sprintf,
  }),
  converter({
    name: 'ToLowerCase',
    examples: [{ text: 'ToLowerCase("GET")', gives: '"get"' }],
    summary: 'The text in lower case.',
    parameters: [string('target')],
    returns: type.string,
    run: toLower,
  }),
  converter({
    name: 'ToUpperCase',
    examples: [{ text: 'ToUpperCase("get")', gives: '"GET"' }],
    summary: 'The text in upper case.',
    parameters: [string('target')],
    returns: type.string,
    run: toUpper,
  }),
  converter({
    name: 'HasPrefix',
    examples: [{ text: 'HasPrefix(name, "GET")', gives: 'true' }],
    summary: 'Whether the text starts with the prefix.',
    parameters: [string('target'), string('prefix')],
    returns: type.bool,
    run: (text, prefix) => text.startsWith(prefix),
  }),
  converter({
    name: 'HasSuffix',
    examples: [{ text: 'HasSuffix(name, "users")', gives: 'true' }],
    summary: 'Whether the text ends with the suffix.',
    parameters: [string('target'), string('suffix')],
    returns: type.bool,
    run: (text, suffix) => text.endsWith(suffix),
  }),
  converter({
    name: 'Split',
    examples: [{ text: 'Split("a,b,c", ",")', gives: '["a", "b", "c"]' }],
    summary: 'The parts of the text between the delimiters; with an empty delimiter its characters.',
    parameters: [string('target'), string('delimiter')],
    returns: type.list,
    run: (text, delimiter) => (delimiter === '' ? [...text] : text.split(delimiter)),
  }),
  converter({
    name: 'Substring',
    summary:
      'A part of the text, by start and length in bytes, without characters that it cuts through; an error beyond the end.',
    examples: [
      { text: 'Substring("spanmill", 0, 4)', gives: '"span"' },
      {
        text: 'Substring("h\u00e9llo", 0, 2)',
        gives: '"h"',
        note: 'The second byte is the first half of a character.',
      },
      { text: 'Substring(name, 0, 100)', fails: 'the part ends at 100, the text at 17' },
    ],
    parameters: [string('target'), int('start'), int('length'), optional(literalBool('utf8_safe'))],
    returns: type.string,
    // utf8_safe makes the Collector leave out characters that are cut through; here they always are.
    run: (text, start, length) => {
      if (start < 0n) throw fault(`the start of a part cannot be negative, got ${start}`);
      if (length <= 0n) throw fault(`the length of a part must be above 0, got ${length}`);
      return byteRange(text, start, start + length);
    },
  }),
  converter({
    name: 'Trim',
    examples: [
      { text: 'Trim("  x y ")', gives: '"x y"' },
      { text: 'Trim("--x-+", "+-")', gives: '"x"' },
    ],
    summary: 'The text without the characters of the replacement (default: spaces) at both ends.',
    parameters: [string('target'), optional(string('replacement'))],
    returns: type.string,
    run: (text, cutSet = ' ') => trim(text, new Set(cutSet)),
  }),
  converter({
    name: 'TrimPrefix',
    examples: [{ text: 'TrimPrefix(name, "GET ")', gives: '"/api/v2/users"' }],
    summary: 'The text without the prefix, if it starts with it.',
    parameters: [string('target'), string('prefix')],
    returns: type.string,
    run: (text, prefix) => (text.startsWith(prefix) ? text.slice(prefix.length) : text),
  }),
  converter({
    name: 'TrimSuffix',
    examples: [{ text: 'TrimSuffix(name, "/users")', gives: '"GET /api/v2"' }],
    summary: 'The text without the suffix, if it ends with it.',
    parameters: [string('target'), string('suffix')],
    returns: type.string,
    run: (text, suffix) => (suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text),
  }),
];

/** A character that the range cuts through is left out, so that the result stays UTF-8. */
function byteRange(text: string, start: bigint, end: bigint): string {
  const bytes = Buffer.from(text);
  if (end > BigInt(bytes.length)) throw fault(`the part ends at ${end}, the text at ${bytes.length}`);
  if (bytes.length === text.length) return text.slice(Number(start), Number(end));
  let from = Number(start);
  let to = Number(end);
  while (from < to && isInside(bytes[from])) from++;
  while (to > from && to < bytes.length && isInside(bytes[to])) to--;
  return bytes.toString('utf8', from, to);
}

/** A byte of a character that is not its first. */
function isInside(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

function trim(text: string, cutSet: ReadonlySet<string>): string {
  const all = [...text];
  let from = 0;
  let to = all.length;
  while (from < to && cutSet.has(all[from])) from++;
  while (to > from && cutSet.has(all[to - 1])) to--;
  return from === 0 && to === all.length ? text : all.slice(from, to).join('');
}
