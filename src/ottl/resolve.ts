// Names -> what they stand for: paths in their context, enum symbols, functions and their arguments.
import type { Argument, CallNode, PathField, PathNode, Span, SymbolNode } from './ast.ts';
import { type ContextName, contextNames, sees } from './environment.ts';
import { OttlError, suggestion, wordMeant } from './error.ts';
import type { FunctionDefinition, Parameter } from './functions/define.ts';
import { functions } from './functions/table.ts';
import type { PathContext, PathDefinition } from './path-entries.ts';
import { enumSymbols, paths } from './paths.ts';

const contextAliases: ReadonlyMap<string, PathContext> = new Map<string, PathContext>([
  ...contextNames.map((name) => [name, name] as const),
  ['instrumentation_scope', 'scope'],
  ['otelcol', 'otelcol'],
]);

/** What a path says that it belongs to, or null. */
export function namedContext(path: PathNode): PathContext | null {
  const [first] = path.fields;
  if (path.fields.length < 2 || first.keys.length > 0) return null;
  return contextAliases.get(first.name) ?? null;
}

/** `own`: the context in which the rule runs. Every path without a prefix is of it. Throws OttlError. */
export function resolvePath(path: PathNode, own: ContextName): PathDefinition {
  const prefix = namedContext(path);
  const context = prefix ?? own;
  if (context !== 'otelcol' && !sees(own, context)) throw new OttlError(unseen(own, context), path.fields[0]);
  const fields = prefix === null ? path.fields : path.fields.slice(1);
  const table = paths[context];
  let name = '';
  for (const [i, field] of fields.entries()) {
    const longer = name === '' ? field.name : `${name}.${field.name}`;
    if (!table.has(longer) && fieldsBehind(longer, table).length === 0) throw unknownField(name, field, context, table);
    name = longer;
    if (i < fields.length - 1 && field.keys.length > 0) {
      throw new OttlError(`expected an operator after the keys of ${field.name}, found another field`, fields[i + 1]);
    }
  }
  const last = fields[fields.length - 1];
  const definition = table.get(name);
  if (definition === undefined) {
    const known = fieldsBehind(name, table).join(', ');
    throw new OttlError(`${context}.${name} is no value by itself; it has ${known}`, last);
  }
  // Each run of a rule has one cache; those of other items may hold what is not this client's.
  if (definition.keyed === 'cache' && context !== own) {
    throw new OttlError(`a rule of the ${own} context has a cache of its own: write ${own}.cache`, path.fields[0]);
  }
  checkKeys(definition, last);
  return definition;
}

/** What may follow behind a dot. */
function fieldsBehind(before: string, table: ReadonlyMap<string, PathDefinition>): string[] {
  const prefix = before === '' ? '' : `${before}.`;
  const names = [...table.keys()].filter((key) => key.startsWith(prefix));
  return [...new Set(names.map((key) => key.slice(prefix.length).split('.', 1)[0]))];
}

function unseen(own: ContextName, context: ContextName): string {
  const reason =
    own === 'spanlink' || own === 'spanevent'
      ? 'links and events are shown apart'
      : `it is shown before its ${context}s are`;
  return `the ${own} context cannot see a ${context}: ${reason}`;
}

function checkKeys(definition: PathDefinition, { name: field, keys, offset, length }: PathField): void {
  const name = `${definition.context}.${definition.name}`;
  switch (definition.keyed) {
    case 'attributes':
    case 'cache':
      return;
    case 'trace_state':
      if (keys.length > 1) throw new OttlError(`${name} has one key only`, keys[1]);
      return;
    case 'none':
      if (keys.length > 0) throw new OttlError(`${name} has no keys`, keys[0]);
      return;
    case 'client': {
      if (!definition.needsKey) {
        if (keys.length > 0) throw new OttlError(`${name} has no keys`, keys[0]);
        return;
      }
      // Requests that differ in what a rule reads of their clients are kept apart: it has to be known before they come.
      if (keys.length === 0)
        throw new OttlError(`${name} needs a key: write ${field}["…"] for each that is read`, { offset, length });
      const [key] = keys;
      if (key.kind !== 'literal' || typeof key.value !== 'string') {
        throw new OttlError(`a key of ${name} stands in the rule as text: expected a string`, key);
      }
    }
  }
}

/** What the Collector has for signals other than traces. */
const otherSignals: readonly string[] = ['log', 'metric', 'datapoint', 'profile', 'profilesample'];

/** What begins as a path with a context does and is none; null: it is something else. */
export function contextMistake(first: PathField): OttlError | null {
  const { name } = first;
  if (otherSignals.includes(name)) {
    const message = `there is no context ${name} for spans; there are ${contextNames.toReversed().join(', ')}`;
    return new OttlError(message, first);
  }
  const context = contextAliases.get(name);
  if (context === undefined) return null;
  const [field] = fieldsBehind('', paths[context]);
  return new OttlError(`${name} is a context: name one of its fields, such as ${name}.${field}`, first);
}

function unknownField(
  before: string,
  field: PathField,
  context: PathContext,
  table: ReadonlyMap<string, PathDefinition>,
): OttlError {
  const mistake = before === '' ? contextMistake(field) : null;
  if (mistake !== null) return mistake;
  const owner = before !== '' ? `${context}.${before}` : context === 'otelcol' ? context : `a ${context}`;
  return new OttlError(`${owner} has no field ${field.name}${fieldHint(before, field, context, table)}`, field);
}

function fieldHint(
  before: string,
  { name }: PathField,
  context: PathContext,
  table: ReadonlyMap<string, PathDefinition>,
): string {
  const keyed = table.get(before)?.keyed;
  if (keyed === 'attributes' || keyed === 'cache') return `; write ${before}["${name}"]`;
  const fields = fieldsBehind(before, table);
  const meant = before === '' ? wordMeant(name) : '';
  if (meant !== '') return meant;
  const near = suggestion(name, before === '' ? [...fields, ...contextNames] : fields);
  if (near !== '' || fields.length === 0) return near;
  // A field of another context is seldom meant where this one has a field that is near.
  const elsewhere = contextNames.filter((other) => other !== context && before === '' && paths[other].has(name));
  const prefixed =
    elsewhere.length === 0 ? '' : ` (${elsewhere.map((other) => `${other}.${name}`).join(' or ')} exists)`;
  return `; it has ${fields.join(', ')}${prefixed}`;
}

/** Throws OttlError. */
export function resolveSymbol(symbol: SymbolNode, own: ContextName): bigint {
  const value = enumSymbols.get(symbol.name);
  if (value === undefined) {
    throw new OttlError(`unknown enum symbol ${symbol.name}${symbolHint(symbol.name)}`, symbol);
  }
  if (!symbolsIn(own)) throw new OttlError(`${symbol.name} is not known in the ${own} context`, symbol);
  return BigInt(value);
}

/** ERROR is STATUS_CODE_ERROR; of what is near to none, all are named. */
function symbolHint(name: string): string {
  const known = [...enumSymbols.keys()];
  const ending = known.filter((symbol) => symbol.endsWith(`_${name}`));
  if (ending.length > 0) return `; did you mean ${ending.join(' or ')}?`;
  return suggestion(name, known) || `; there are ${known.join(', ')}`;
}

export function symbolsIn(context: ContextName): boolean {
  return context !== 'resource' && context !== 'scope';
}

/** Throws OttlError. */
export function resolveFunction(call: CallNode, own: ContextName | null): FunctionDefinition {
  const found = functions.get(call.name);
  if (found === undefined) {
    const kind = /^[a-z]/.test(call.name) ? 'editor' : 'converter';
    const known = [...functions.values()].filter((entry) => entry.kind === kind).map((entry) => entry.name);
    throw new OttlError(`unknown ${kind} ${call.name}${functionHint(call.name, kind, known)}`, call.nameSpan);
  }
  if (own !== null && found.contexts !== null && !found.contexts.includes(own)) {
    const where = found.contexts.join(' or ');
    throw new OttlError(`${call.name} exists in the ${where} context only, not in ${own}`, call.nameSpan);
  }
  return found;
}

/** Where a value stands, an editor cannot. */
export function editorAsValue({ name, nameSpan }: CallNode): OttlError {
  const plain = plainName(name);
  const meant = [...functions.values()].find((entry) => entry.kind === 'converter' && plainName(entry.name) === plain);
  const hint = meant === undefined ? 'a converter starts with a capital letter' : `did you mean ${meant.name}?`;
  const message = `${name} is an editor (lower case): it changes something and gives no value; ${hint}`;
  return new OttlError(message, nameSpan);
}

const plainName = (text: string): string => text.replaceAll('_', '').toLowerCase();

/** Names in snake_case are editors, names in CamelCase converters: the other spelling may be all that is wrong. */
function functionHint(name: string, kind: FunctionDefinition['kind'], known: readonly string[]): string {
  const other = [...functions.keys()].find((entry) => plainName(entry) === plainName(name));
  if (other === undefined) return suggestion(name, known);
  const found = functions.get(other)?.kind;
  return found === kind
    ? `; did you mean ${other}?`
    : `; ${other} is ${found === 'editor' ? 'an editor' : 'a converter'}`;
}

/** The signature as it is documented. */
function signature({ name, parameters }: FunctionDefinition): string {
  return `${name}(${parameters.map((p) => (p.optional ? `[${p.name}]` : p.name)).join(', ')})`;
}

const camel = (name: string): string => name.replace(/_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** The argument of each parameter, in the order of the parameters. Throws OttlError. */
export function matchArguments(call: CallNode, definition: FunctionDefinition): (Argument | undefined)[] {
  const { parameters } = definition;
  const required = parameters.filter((p) => !p.optional).length;
  if (call.args.length > parameters.length) {
    throw wrongCount(call, definition, required, call.args[parameters.length]);
  }
  const matched: (Argument | undefined)[] = parameters.map(() => undefined);
  for (const [i, argument] of call.args.entries()) {
    const index = argument.name === undefined ? i : named(argument.name, definition);
    if (matched[index] !== undefined) {
      throw new OttlError(`the argument ${parameters[index].name} is given twice`, argument);
    }
    matched[index] = argument;
  }
  const missing = parameters.find((p: Parameter, i) => !p.optional && matched[i] === undefined);
  if (missing !== undefined) {
    throw new OttlError(`${call.name} needs the argument ${missing.name}: ${signature(definition)}`, call);
  }
  return matched;
}

function wrongCount(call: CallNode, definition: FunctionDefinition, required: number, at: Span): OttlError {
  const most = definition.parameters.length;
  const wanted = required === most ? `${most}` : `${required} to ${most}`;
  return new OttlError(
    `${call.name} takes ${wanted} argument${most === 1 ? '' : 's'}, found ${call.args.length}: ${signature(definition)}`,
    at,
  );
}

function named(name: { text: string } & Span, definition: FunctionDefinition): number {
  const index = definition.parameters.findIndex((p) => camel(p.name) === camel(name.text));
  if (index >= 0) return index;
  const known = definition.parameters.map((p) => p.name);
  throw new OttlError(`${definition.name} has no argument ${name.text}${suggestion(name.text, known)}`, name);
}
