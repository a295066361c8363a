// Grok: patterns with names, made of others, to one regular expression of RE2. %{SYNTAX}, %{SYNTAX:name}, %{SYNTAX:name:type}.
import { createRequire } from 'node:module';
import { compileRegExp, type Matcher, RegExpError } from '../../lib/regexp/regexp.ts';
import { fault, suggestion } from '../error.ts';
import { parseBool, parseDecimalInt, parseFloat64 } from '../go-text.ts';
import type { OttlMap, OttlValue } from '../values.ts';

/** A pattern that cannot be understood. `offset`: the character of it, when it is known. */
export class GrokError extends Error {
  readonly offset: number | null;
  constructor(message: string, offset: number | null) {
    super(message);
    this.name = 'GrokError';
    this.offset = offset;
  }
}

export interface Grok {
  readonly matcher: Matcher;
  /** Of the groups 1 and up; null for one without a name. */
  readonly groups: readonly (Group | null)[];
}
interface Group {
  readonly name: string;
  /** null: a text. */
  readonly type: string | null;
}

const reference = /%\{(\w+)(?::([\w+.]+)(?::(\w+))?)?\}/g;
/** Patterns inside of each other. */
const maxDepth = 100;
/** Of the regular expression, in characters: patterns that name others several times grow without end. */
const maxLength = 100_000;

const load = createRequire(import.meta.url);
let builtIn: ReadonlyMap<string, string> | undefined;

/** The patterns that are there without being defined. */
export function builtInPatterns(): ReadonlyMap<string, string> {
  builtIn ??= new Map(Object.entries(load('./grok-patterns.json') as Record<string, string>));
  return builtIn;
}

/** `namedOnly`: a pattern without a name of its own does not capture. Throws GrokError. */
export function compileGrok(pattern: string, definitions: ReadonlyMap<string, string>, namedOnly: boolean): Grok {
  const types = new Map<string, string>();
  const toExpression = (text: string) =>
    numberGroups(expand(text, { definitions, namedOnly, types, within: [], length: 0 }));
  const { source, names } = toExpression(pattern);
  const matcher = compile(source, pattern, (part) => toExpression(part).source);
  const groups = matcher.groupNames.map((group): Group | null => {
    if (group === null) return null;
    const name = names[Number(group.slice(1))];
    return { name: name.replaceAll('___', '.'), type: types.get(name) ?? null };
  });
  if (namedOnly && groups.every((group) => group === null)) throw new GrokError('the pattern names nothing', null);
  return { matcher, groups };
}

interface Expansion {
  readonly definitions: ReadonlyMap<string, string>;
  readonly namedOnly: boolean;
  /** By the name of the group. */
  readonly types: Map<string, string>;
  /** The patterns that this stands in. */
  readonly within: readonly string[];
  length: number;
}

function expand(pattern: string, expansion: Expansion): string {
  const { definitions, namedOnly, types, within } = expansion;
  expansion.length += pattern.length;
  if (expansion.length > maxLength) throw new GrokError(`the pattern is longer than ${maxLength} characters`, null);
  return pattern.replace(
    reference,
    (_, syntax: string, name: string | undefined, type: string | undefined, at: number) => {
      const offset = within.length === 0 ? at : null;
      const definition = definitions.get(syntax) ?? builtInPatterns().get(syntax);
      if (definition === undefined) throw unknown(syntax, definitions, offset);
      if (within.includes(syntax) || within.length >= maxDepth) {
        throw new GrokError(`the pattern ${syntax} is made of itself`, offset);
      }
      if (name?.includes('+')) throw new GrokError(`${name} is no name: it has letters, digits, _ and points`, offset);
      const group = (name ?? syntax).replaceAll('.', '___');
      if (type !== undefined) types.set(group, type);
      const inner = { ...expansion, within: [...within, syntax] };
      try {
        const text = expand(definition, inner);
        return namedOnly && name === undefined ? `(${text})` : `(?P<${group}>${text})`;
      } catch (error) {
        // What is wrong inside of a definition is shown where the pattern asks for it.
        if (error instanceof GrokError && error.offset === null) throw new GrokError(error.message, offset);
        throw error;
      } finally {
        expansion.length = inner.length;
      }
    },
  );
}

function unknown(syntax: string, definitions: ReadonlyMap<string, string>, offset: number | null): GrokError {
  const hint = suggestion(syntax, [...definitions.keys(), ...builtInPatterns().keys()]);
  return new GrokError(`there is no grok pattern ${syntax}${hint}`, offset);
}

/** What is not the start of a named group, in one piece: quoted text, an escape, a class. */
const piece = /\\Q[\s\S]*?(?:\\E|$)|\\[\s\S]|\[\^?\]?(?:\\[\s\S]|\[:\^?\w+:\]|[^\]\\])*\]|\(\?P?<(\w+)>/g;

/** The same name may come several times, which regular expressions do not have: group i is named `g` and i, for names[i]. */
function numberGroups(expanded: string): { source: string; names: string[] } {
  const names: string[] = [];
  const source = expanded.replace(piece, (found, name: string | undefined) =>
    name === undefined ? found : `(?P<g${names.push(name) - 1}>`,
  );
  return { source, names };
}

/** `toExpression`: what a part of the pattern alone becomes. */
function compile(source: string, pattern: string, toExpression: (part: string) => string): Matcher {
  try {
    return compileRegExp(source);
  } catch (error) {
    if (!(error instanceof RegExpError)) throw error;
    const offset = offsetOf(error, source, pattern) ?? wrongReference(pattern, toExpression);
    throw new GrokError(`not a regular expression of RE2: ${error.message}`, offset);
  }
}

/** Known in the expression only; what it points at is in the pattern when it stands there just once. */
function offsetOf({ offset }: RegExpError, source: string, pattern: string): number | null {
  const part = offset === null ? '' : source.slice(offset, offset + 8);
  const at = part === '' ? -1 : pattern.indexOf(part);
  return at >= 0 && at === pattern.lastIndexOf(part) ? at : null;
}

/** The first part that is wrong by itself. */
function wrongReference(pattern: string, toExpression: (part: string) => string): number | null {
  for (const { 0: part, index } of pattern.matchAll(reference)) {
    try {
      compileRegExp(toExpression(part));
    } catch (error) {
      if (error instanceof RegExpError) return index;
      throw error;
    }
  }
  return null;
}

/** Of a text: the expressions are large, and take a microsecond or more for each character. */
const maxText = 256 * 1024;

/** What the named groups match, if they match something. Throws OttlFault. */
export function runGrok({ matcher, groups }: Grok, text: string): OttlMap {
  if (text.length > maxText) throw fault(`the text is longer than ${maxText} characters`);
  const map = new Map<string, OttlValue>();
  const match = matcher.exec(text);
  if (match === null) return map;
  for (const [i, group] of groups.entries()) {
    const found = match.groups[i + 1];
    if (group !== null && found) map.set(group.name, convert(found, group));
  }
  return map;
}

function convert(text: string, { name, type }: Group): OttlValue {
  const value = type === null ? text : typed(text, type);
  if (value === undefined) throw fault(`${name} cannot be made a ${type}`);
  return value;
}

/** undefined when it is none, or when there is no such type. */
function typed(text: string, type: string): OttlValue | undefined {
  switch (type) {
    case 'string':
      return text;
    case 'int':
    case 'long':
      return parseDecimalInt(text) ?? undefined;
    case 'float':
    case 'double':
      return parseFloat64(text) ?? undefined;
    case 'bool':
    case 'boolean':
      return parseBool(text) ?? undefined;
    default:
      return undefined;
  }
}
