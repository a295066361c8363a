// ExtractGrokPatterns: what a grok pattern finds in a text.
import { asString } from '../coerce.ts';
import { fault } from '../error.ts';
import { type } from '../values.ts';
import {
  type CompiledArgument,
  compiledConverter,
  type FunctionDefinition,
  listOf,
  literalBool,
  type Mistake,
  optional,
  type Parameter,
  string,
} from './define.ts';
import { compileGrok, type Grok, GrokError, runGrok } from './grok.ts';

type Definition = readonly [name: string, pattern: string];

/** `NAME=pattern` */
function definitionOf(text: string): Definition {
  const at = text.indexOf('=');
  if (at < 0) throw fault('a definition is written NAME=pattern');
  const name = text.slice(0, at);
  if (name.includes(':')) throw fault('the name of a pattern has no ":"');
  return [name, text.slice(at + 1)];
}

const definitions: Parameter<readonly Definition[]> = {
  ...listOf('pattern_definitions', (item) => definitionOf(asString(item))),
  role: 'literal',
};

const maxKept = 64;

/** By the text of the pattern, of which the last are kept when it is not always the same. */
function compiler(known: readonly Definition[], namedOnly: boolean): (pattern: string) => Grok {
  const kept = new Map<string, Grok>();
  const all = new Map(known);
  return (pattern) => {
    const found = kept.get(pattern);
    if (found !== undefined) return found;
    const grok = compileGrok(pattern, all, namedOnly);
    if (kept.size >= maxKept) kept.delete(kept.keys().next().value ?? '');
    kept.set(pattern, grok);
    return grok;
  };
}

function mistakeIn(pattern: string, namedOnly: boolean, known: readonly Definition[]): Mistake | null {
  try {
    compileGrok(pattern, new Map(known), namedOnly);
    return null;
  } catch (error) {
    if (!(error instanceof GrokError)) throw error;
    return { message: error.message, parameter: 'pattern', offset: error.offset };
  }
}

function compile([target, pattern, namedOnly, known]: readonly CompiledArgument[]) {
  const grokOf = compiler((known.get() ?? []) as readonly Definition[], namedOnly.get() === true);
  return () => {
    const text = target.get() as string;
    try {
      return runGrok(grokOf(pattern.get() as string), text);
    } catch (error) {
      if (error instanceof GrokError) throw fault(`not a grok pattern: ${error.message}`);
      throw error;
    }
  };
}

export const grokFunctions: readonly FunctionDefinition[] = [
  compiledConverter({
    name: 'ExtractGrokPatterns',
    summary:
      'What the parts of a grok pattern match, as a map; empty when it does not match. A part is %{SYNTAX}, %{SYNTAX:name} or ' +
      '%{SYNTAX:name:type} with the type int, long, float, double, bool or string; one that matches nothing is left out. ' +
      'SYNTAX is a pattern that is built in or in the definitions (NAME=pattern), each of them a regular expression or grok. ' +
      'With named_captures_only, parts without a name are left out.',
    parameters: [
      string('target'),
      string('pattern'),
      optional(literalBool('named_captures_only')),
      optional(definitions),
    ],
    returns: type.map,
    examples: [
      {
        text: 'ExtractGrokPatterns("GET /a 200", "%{WORD:method} %{NOTSPACE:url.path} %{INT:status:int}", true)',
        gives: '{"method": "GET", "url.path": "/a", "status": 200}',
      },
      {
        text: 'ExtractGrokPatterns("10.0.0.1:8080", "%{IPV4}:%{POSINT}")',
        gives: '{"IPV4": "10.0.0.1", "POSINT": "8080"}',
      },
      {
        text: 'ExtractGrokPatterns("job-17", "%{JOB:job}", true, ["JOB=[a-z]+-%{INT:id:int}"])',
        gives: '{"job": "job-17", "id": 17}',
      },
      { text: 'ExtractGrokPatterns("x", "%{INT:n}")', gives: '{}' },
      { text: 'ExtractGrokPatterns(name, "%{WROD:x}")', fails: 'there is no grok pattern WROD; did you mean WORD?' },
    ],
    mistakeIn: (_, pattern, namedOnly, known) =>
      pattern === undefined ? null : mistakeIn(pattern, namedOnly === true, known ?? []),
    compile,
  }),
];
