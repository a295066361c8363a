// Texts that are made maps and lists, and back.
import { asString } from '../coerce.ts';
import { fault, OttlFault } from '../error.ts';
import { type OttlValue, type } from '../values.ts';
import {
  any,
  converter,
  type FunctionDefinition,
  literalBool,
  literalString,
  type Mistake,
  map,
  optional,
  type Parameter,
  pattern,
  string,
} from './define.ts';
import { csvModes, readCsv } from './parsing-csv.ts';
import { parseJson } from './parsing-json.ts';
import { delimitersOf, formatKeyValues, parseKeyValues } from './parsing-key-values.ts';
import { severityOf } from './parsing-severity.ts';
import { parseUrl } from './parsing-url.ts';
import { parseUserAgent } from './user-agent.ts';

/** A literal text that is not empty. */
const delimiter = (name: string): Parameter<string> => ({
  ...literalString(name),
  coerce: (value) => {
    const text = asString(value);
    if (text === '') throw fault('a delimiter is not empty');
    return text;
  },
});

const character = (name: string): Parameter<string> => ({
  ...literalString(name),
  coerce: (value) => {
    const text = asString(value);
    if ([...text].length !== 1) throw fault('the delimiter is one character');
    return text;
  },
});

/** Both must stand in the text: one that is undefined is absent. */
function sameDelimiters(value: string | undefined, pair: string | undefined): Mistake | null {
  try {
    delimitersOf(value, pair);
    return null;
  } catch (error) {
    if (!(error instanceof OttlFault)) throw error;
    return { message: error.message, parameter: pair === undefined ? 'delimiter' : 'pair_delimiter' };
  }
}

export const parsingFunctions: readonly FunctionDefinition[] = [
  converter({
    name: 'ParseJSON',
    summary: 'The map or list that the JSON is; all its numbers are doubles.',
    parameters: [string('target')],
    returns: type.map | type.list,
    examples: [
      { text: 'ParseJSON(attributes["payload"])["id"]', gives: '7.0' },
      { text: 'ParseJSON("[1, null, {}]")', gives: '[1.0, nil, {}]' },
      { text: 'ParseJSON("7")', fails: 'the JSON is not an object or array' },
    ],
    run: parseJson,
  }),
  converter({
    name: 'ParseCSV',
    summary: 'The fields of one record of CSV by the names of the header; a wrong number of them is an error.',
    parameters: [
      string('target'),
      string('header'),
      optional(character('delimiter')),
      optional(character('header_delimiter')),
      optional(literalString('mode', csvModes)),
    ],
    returns: type.map,
    examples: [
      { text: 'ParseCSV("GET,\\"a, b\\"", "method,names")', gives: '{"method": "GET", "names": "a, b"}' },
      { text: 'ParseCSV("1;2", "a|b", ";", "|")', gives: '{"a": "1", "b": "2"}' },
      { text: 'ParseCSV("a \\"b\\"", "x", mode="lazyQuotes")', gives: '{"x": "a \\"b\\""}' },
      { text: 'ParseCSV("\\"a", "x", mode="ignoreQuotes")', gives: '{"x": "\\"a"}' },
      { text: 'ParseCSV("1", "a,b")', fails: 'the header has 2 fields, the text 1' },
    ],
    run: (text, header, separator = ',', headerSeparator = separator, mode = 'strict') => {
      if (header === '') throw fault('the header is empty');
      if (text === '') throw fault('the text is empty');
      const names = header.split(headerSeparator);
      const ignores = mode === 'ignoreQuotes';
      const fields = ignores ? text.split(separator) : readCsv(text, separator, mode === 'lazyQuotes');
      if (names.length !== fields.length) {
        throw fault(`the header has ${names.length} fields, the text ${fields.length}`);
      }
      return new Map(names.map((name, i) => [name, fields[i]]));
    },
  }),
  converter({
    name: 'ParseKeyValue',
    summary: 'The pairs of a text such as a=1 b="x y" as a map of texts.',
    parameters: [string('target'), optional(delimiter('delimiter')), optional(delimiter('pair_delimiter'))],
    returns: type.map,
    examples: [
      { text: 'ParseKeyValue("user=ann note=\'two words\'")', gives: '{"user": "ann", "note": "two words"}' },
      { text: 'ParseKeyValue("a:1|b:2", ":", "|")', gives: '{"a": "1", "b": "2"}' },
      { text: 'ParseKeyValue("a b=2")', fails: 'a pair has no delimiter' },
    ],
    mistakeIn: (_, value, pair) => sameDelimiters(value, pair),
    run: (text, value, pair) => parseKeyValues(text, delimitersOf(value, pair)),
  }),
  converter({
    name: 'ToKeyValueString',
    summary: 'The map as a text such as a=1 b="x y", in its own order or that of its keys.',
    parameters: [
      map('target'),
      optional(delimiter('delimiter')),
      optional(delimiter('pair_delimiter')),
      optional(literalBool('sort_output')),
    ],
    returns: type.string,
    examples: [
      { text: 'ToKeyValueString({"b": "x y", "a": 1}, "=", " ", true)', gives: '"a=1 b=\\"x y\\""' },
      { text: 'ToKeyValueString({"b": true, "a": [1]}, ":", ",")', gives: '"b:true,a:[1]"' },
    ],
    mistakeIn: (_, value, pair) => sameDelimiters(value, pair),
    run: (target, value, pair, sorted = false) => formatKeyValues(target, delimitersOf(value, pair), sorted),
  }),
  converter({
    name: 'ExtractPatterns',
    summary: 'What the named groups of the pattern match, as a map of texts; empty when it does not match.',
    parameters: [string('target'), pattern('pattern')],
    returns: type.map,
    examples: [
      {
        text: 'ExtractPatterns(name, "^(?P<method>\\\\w+) (?P<path>/.*)")',
        gives: '{"method": "GET", "path": "/api/v2/users"}',
      },
      { text: 'ExtractPatterns("abc", "(?P<digit>\\\\d)")', gives: '{}' },
      { text: 'ExtractPatterns("abc", "(b)")', fails: 'the pattern has no named group' },
    ],
    run: (text, { groupNames, exec }) => {
      if (groupNames.every((name) => name === null)) throw fault('the pattern has no named group');
      const found = exec(text);
      const groups = new Map<string, OttlValue>();
      if (found === null) return groups;
      for (const [i, name] of groupNames.entries()) if (name !== null) groups.set(name, found.groups[i + 1] ?? '');
      return groups;
    },
  }),
  converter({
    name: 'ParseSeverity',
    summary: 'The first level of the mapping that lists the text, or has the int in a range; none is an error.',
    parameters: [any('target'), map('mapping')],
    returns: type.string,
    examples: [
      {
        text: 'ParseSeverity("err", {"info": [{"equals": ["i"]}], "error": [{"equals": ["e", "err"]}]})',
        gives: '"error"',
      },
      { text: 'ParseSeverity(attributes["http.status_code"], {"info": [{"range": "2xx"}]})', gives: '"info"' },
      { text: 'ParseSeverity(7, {"low": [{"range": {"min": 0, "max": 9}}]})', gives: '"low"' },
      { text: 'ParseSeverity("x", {})', fails: 'the mapping has no level for the value' },
    ],
    run: severityOf,
  }),
  converter({
    name: 'URL',
    summary: 'The parts of the URL as a map with keys such as url.domain; what it has not is left out.',
    parameters: [string('target')],
    returns: type.map,
    examples: [
      { text: 'URL(attributes["http.url"])["url.domain"]', gives: '"shop.example.com"' },
      { text: 'URL(attributes["http.url"])["url.port"]', gives: '8443' },
      {
        text: 'URL("https://ann@example.com/a%20b.txt?q")',
        gives:
          '{"url.original": "https://ann@example.com/a%20b.txt?q", "url.domain": "example.com", ' +
          '"url.scheme": "https", "url.path": "/a b.txt", "url.user_info": "ann", "url.username": "ann", ' +
          '"url.query": "q", "url.extension": "txt"}',
      },
      { text: 'URL("http://host:port/")', fails: 'the port of the URL is not a number' },
    ],
    run: parseUrl,
  }),
  converter({
    name: 'UserAgent',
    summary:
      'What the user agent names: user_agent.name, .version and .original, os.name and, if it is known, os.version. ' +
      'A name is Other where it is not known.',
    parameters: [string('user_agent')],
    returns: type.map,
    examples: [
      {
        text: 'UserAgent("curl/8.4.0")',
        gives:
          '{"user_agent.name": "curl", "user_agent.original": "curl/8.4.0", "user_agent.version": "8.4.0", "os.name": "Other"}',
      },
      {
        text: 'UserAgent("Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0")["os.version"]',
        gives: '"10"',
      },
    ],
    run: parseUserAgent,
  }),
];
