// How a function of the language is written down: one entry in a table. A plain function lists its parameters and
// computes from their values; one that needs more (the span, a path to write to, a list whose items are computed one by
// one) brings a `compile` of its own.

import { compileRegExp, type Matcher, RegExpError } from '../../lib/regexp/regexp.ts';
import type { AttributeTable } from '../../wire/attribute-table.ts';
import * as coerce from '../coerce.ts';
import type { ContextName, Environment } from '../environment.ts';
import { fault } from '../error.ts';
import {
  anyType,
  type Getter,
  type OttlDuration,
  type OttlList,
  type OttlMap,
  type OttlTime,
  type OttlValue,
  type Setter,
  type TypeSet,
  type,
} from '../values.ts';
import { globPattern } from './glob.ts';

export interface Parameter<T = unknown> {
  /** As documented, lower_snake_case; in camelCase it is understood as well. */
  readonly name: string;
  /** What `coerce` takes without a fault, as far as the type alone says. */
  readonly accepts: TypeSet;
  readonly optional: boolean;
  /** value: any expression | literal: a constant in the text | target: a path that can be written | pattern: a regular expression | function: the name of a converter with one required parameter | lambda: one that stands in the text */
  readonly role: 'value' | 'literal' | 'target' | 'pattern' | 'function' | 'lambda';
  /** Of a lambda: what it is called with (at most three values), and what it has to give. */
  readonly lambda?: { readonly parameters: readonly LambdaParameter[]; readonly gives: TypeSet };
  /** Of a literal text: what it may be. */
  readonly choices?: readonly string[];
  /** Of a list: tries one of its items that stands in the text. Throws OttlFault. */
  readonly checkItem?: (item: OttlValue) => void;
  /** The value as the function wants it. Throws OttlFault. Not called for an optional argument that is absent. */
  coerce(value: OttlValue): T;
}

interface LambdaParameter {
  /** As the documentation calls it; rules give it a name of their own. */
  readonly name: string;
  readonly types: TypeSet;
}

/**
 * What the documentation shows of a function, and a test runs over the example span (src/ottl-command/example-span.ts), in the
 * span context. Values are written as `spanmill ottl` prints them (show.ts): `"a-b"`, `42`, `2.0`, `nil`, `0x00ff`, `["a"]`,
 * `{"k": 1}`, `2025-10-09T08:53:20Z`, `1h30m0s`.
 */
export interface FunctionExample {
  /** Of a converter: an expression. Of an editor: a statement. */
  readonly text: string;
  /** What is set before it runs, path by path: `{ 'attributes["a"]': '1', name: '"x"' }`. */
  readonly given?: Readonly<Record<string, string>>;
  /** Of a converter: its value. Of an editor: what stands in these paths (any expressions) afterwards. Absent: it fails. */
  readonly gives?: string | Readonly<Record<string, string>>;
  /** How the message of its fault begins, or that of the mistake in the text. */
  readonly fails?: string;
  /** One short sentence, where the example does not speak for itself. */
  readonly note?: string;
}

/** What is wrong with arguments that stand in the text, and where. */
export interface Mistake {
  readonly message: string;
  /** The argument to point at. */
  readonly parameter: string;
  /** The character of that text, when it is known. */
  readonly offset?: number | null;
}

/** A path that an editor writes to. */
export interface Target {
  readonly get: Getter;
  readonly set: Setter;
  /** When the path is all attributes of an item. */
  readonly attributes: (() => AttributeTable) | null;
}

export interface CompiledArgument {
  /** The coerced value; undefined for an optional argument that is absent. */
  readonly get: Getter<unknown>;
  /** Of a list that stands in the text: its items, not coerced. */
  readonly items: readonly Getter[] | null;
  readonly target: Target | null;
  /** Of a path that is all attributes of an item: those that `get` would make a map of. */
  readonly attributes: (() => AttributeTable) | null;
  /** `get` gives the same at every call. */
  readonly isConstant: boolean;
}

/** What an argument of the role function computes. Throws OttlFault. */
export type Apply = (value: OttlValue) => OttlValue;

/** What an argument of the role lambda computes, as many values as it takes given. Throws OttlFault. */
export interface Lambda {
  (first?: OttlValue, second?: OttlValue, third?: OttlValue): OttlValue;
  /** Of each parameter whether the rule has a name for it; what it has no name for may be left out. */
  readonly uses: readonly boolean[];
}

export interface FunctionDefinition {
  readonly name: string;
  readonly kind: 'converter' | 'editor';
  /** One sentence. */
  readonly summary: string;
  readonly examples: readonly FunctionExample[];
  readonly parameters: readonly Parameter[];
  readonly returns: TypeSet;
  /** Where it can be used; null: everywhere. */
  readonly contexts: readonly ContextName[] | null;
  /** The same arguments always give the same value: constant calls are computed once, at load. */
  readonly pure: boolean;
  /** Of a pure function: whether with these arguments, of which only those that must stand in the text are known, it is none. */
  readonly varies: ((args: readonly CompiledArgument[]) => boolean) | null;
  /**
   * Tries constant arguments, all but targets, at load: what they make fail always fails. A target is undefined, as is an
   * optional argument that is absent. Throws OttlFault.
   */
  readonly tryConstants: ((...values: readonly unknown[]) => void) | null;
  /** What fails so is a mistake in the text (in the Collector, too); else a warning. */
  readonly refusesConstants: boolean;
  /** Looks at the arguments that stand in the text, each on its own already tried; all others are undefined. */
  readonly mistakeIn: ((...values: readonly unknown[]) => Mistake | null) | null;
  compile(args: readonly CompiledArgument[], env: Environment): Getter;
}

type Values<P extends readonly Parameter[]> = { [K in keyof P]: P[K] extends Parameter<infer T> ? T : never };
type Known<P extends readonly Parameter[]> = {
  [K in keyof P]: P[K] extends Parameter<infer T> ? T | undefined : never;
};

interface Common<P extends readonly Parameter[]> {
  readonly name: string;
  readonly summary: string;
  readonly examples?: readonly FunctionExample[];
  readonly parameters: P;
  readonly returns: TypeSet;
  readonly contexts?: readonly ContextName[];
  readonly pure?: false;
  readonly varies?: FunctionDefinition['varies'];
  readonly checksConstants?: true;
  mistakeIn?(...known: Known<P>): Mistake | null;
}

/** A converter that computes from the values of its arguments, all of which are evaluated, in order. */
export function converter<const P extends readonly Parameter[]>(
  entry: Common<P> & { run(...values: Values<P>): OttlValue },
): FunctionDefinition {
  const run = entry.run as (...values: unknown[]) => OttlValue;
  return {
    ...complete(entry, 'converter'),
    tryConstants: entry.pure === false ? null : run,
    refusesConstants: entry.checksConstants === true,
    compile: (args) => bind(run, args),
  };
}

export function compiledConverter<const P extends readonly Parameter[]>(
  entry: Common<P> & Pick<FunctionDefinition, 'compile'>,
): FunctionDefinition {
  return { ...complete(entry, 'converter'), compile: entry.compile };
}

/** What an editor's getter gives is not used. `refuse` throws OttlFault for arguments that are a mistake in the text. */
export function editor<const P extends readonly Parameter[]>(
  entry: Omit<Common<P>, 'returns'> & Pick<FunctionDefinition, 'compile'> & { refuse?(...values: Values<P>): void },
): FunctionDefinition {
  return {
    ...complete({ ...entry, returns: type.nil, pure: false }, 'editor'),
    tryConstants: (entry.refuse as FunctionDefinition['tryConstants'] | undefined) ?? null,
    refusesConstants: true,
    compile: entry.compile,
  };
}

function complete<P extends readonly Parameter[]>(
  entry: Common<P>,
  kind: FunctionDefinition['kind'],
): Omit<FunctionDefinition, 'compile'> {
  const { name, summary, parameters, returns } = entry;
  return {
    name,
    kind,
    summary,
    examples: entry.examples ?? [],
    parameters,
    returns,
    contexts: entry.contexts ?? null,
    pure: entry.pure ?? true,
    varies: entry.varies ?? null,
    tryConstants: null,
    refusesConstants: false,
    mistakeIn: (entry.mistakeIn as FunctionDefinition['mistakeIn'] | undefined) ?? null,
  };
}

function bind(run: (...values: unknown[]) => OttlValue, args: readonly CompiledArgument[]): Getter {
  const getters = args.map((argument) => argument.get);
  const [a, b, c] = getters;
  switch (getters.length) {
    case 0:
      return () => run();
    case 1:
      return () => run(a());
    case 2:
      return () => run(a(), b());
    case 3:
      return () => run(a(), b(), c());
    default:
      return () => run(...getters.map((get) => get()));
  }
}

// --- parameters ------------------------------------------------------------------------------------------------------

const scalar = type.bool | type.int | type.double | type.string;

function parameter<T>(name: string, accepts: TypeSet, convert: (value: OttlValue) => T): Parameter<T> {
  return { name, accepts, optional: false, role: 'value', coerce: convert };
}

export const any = (name: string): Parameter<OttlValue> => parameter(name, anyType, (value) => value);
export const string = (name: string): Parameter<string> => parameter(name, type.string, coerce.asString);
export const int = (name: string): Parameter<bigint> => parameter(name, type.int, coerce.asInt);
export const map = (name: string): Parameter<OttlMap> => parameter(name, type.map, coerce.asMap);
export const list = (name: string): Parameter<OttlList> => parameter(name, type.list, coerce.asList);
/** A list whose items are all of one kind. `convert` throws OttlFault. */
export const listOf = <T>(name: string, convert: (item: OttlValue) => T): Parameter<readonly T[]> => ({
  ...parameter(name, type.list, (value) => coerce.asList(value).map(convert)),
  checkItem: convert,
});
export const collection = (name: string): Parameter<OttlList | OttlMap> =>
  parameter(name, type.list | type.map, coerce.asCollection);
export const time = (name: string): Parameter<OttlTime> => parameter(name, type.time, coerce.asTime);
export const duration = (name: string): Parameter<OttlDuration> => parameter(name, type.duration, coerce.asDuration);
export const stringLike = (name: string): Parameter<string | null> =>
  parameter(name, anyType & ~(type.status | type.items), coerce.likeString);
export const intLike = (name: string): Parameter<bigint | null> => parameter(name, scalar | type.nil, coerce.likeInt);
export const doubleLike = (name: string): Parameter<number | null> =>
  parameter(name, scalar | type.nil, coerce.likeDouble);
export const boolLike = (name: string): Parameter<boolean | null> =>
  parameter(name, scalar | type.nil, coerce.likeBool);
export const bytesLike = (name: string): Parameter<Uint8Array | null> =>
  parameter(name, scalar | type.bytes | type.nil, coerce.likeBytes);

/** A text that must stand in the statement; one of `choices` when given. */
export const literalString = (name: string, choices?: readonly string[]): Parameter<string> => ({
  ...parameter(name, type.string, coerce.asString),
  role: 'literal',
  ...(choices === undefined ? {} : { choices }),
});
export const literalBool = (name: string): Parameter<boolean> => ({
  ...parameter(name, type.bool, coerce.asBool),
  role: 'literal',
});
/** Not negative, as the grammar of the Collector has it. */
export const literalInt = (name: string): Parameter<bigint> => ({
  ...parameter(name, type.int, (value) => {
    const number = coerce.asInt(value);
    if (number < 0n) throw fault('expected a number that is not negative');
    return number;
  }),
  role: 'literal',
});
/** The name of a converter. */
export const applied = (name: string): Parameter<Apply> => ({
  ...parameter(name, anyType, (): Apply => {
    throw fault('expected the name of a function');
  }),
  role: 'function',
});
/** A lambda. `gives`: what it must give; anything else is a fault when it is called. */
export const lambda = (name: string, parameters: readonly LambdaParameter[], gives: TypeSet): Parameter<Lambda> => ({
  ...parameter(name, anyType, (): Lambda => {
    throw fault('expected a lambda');
  }),
  role: 'lambda',
  lambda: { parameters, gives },
});
/** A list of texts. */
export const literalStrings = (name: string): Parameter<readonly string[]> => ({
  ...listOf(name, coerce.asString),
  role: 'literal',
});
/** A path that can be written. Its argument carries the `target`. */
export const target = (name: string, accepts: TypeSet = anyType): Parameter<OttlValue> => ({
  ...parameter<OttlValue>(name, accepts, (value) => value),
  role: 'target',
});

/** A regular expression: compiled once when it stands in the text; of computed ones the last are kept. */
export const pattern = (name: string): Parameter<Matcher> => ({
  ...parameter(name, type.string, (value) => computedPattern(coerce.asString(value))),
  role: 'pattern',
});

/** A glob that the whole text matches. */
export const glob = (name: string): Parameter<Matcher> =>
  parameter(name, type.string, (value) => computedPattern(globPattern(coerce.asString(value))));

const maxKept = 64;
/** In the order in which they were compiled. */
const kept = new Map<string, Matcher>();

/** Characters of a pattern that an item brings. Re2js takes some 5 µs to compile each. */
const longestComputed = 65_536;

function computedPattern(text: string): Matcher {
  if (text.length > longestComputed) throw fault(`a pattern has at most ${longestComputed} characters`);
  const known = kept.get(text);
  if (known !== undefined) return known;
  const matcher = compilePattern(text);
  if (kept.size >= maxKept) kept.delete(kept.keys().next().value ?? '');
  kept.set(text, matcher);
  return matcher;
}

function compilePattern(text: string): Matcher {
  try {
    return compileRegExp(text);
  } catch (error) {
    if (error instanceof RegExpError) throw fault(`not a regular expression: ${error.message}`);
    throw error;
  }
}

export function optional<T>(of: Parameter<T>): Parameter<T | undefined> {
  return { ...of, optional: true };
}
