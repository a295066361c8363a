// Names -> what they stand for: paths in their context, enum symbols, functions and their arguments.
import type { Argument, CallNode, PathField, PathNode, Span, SymbolNode } from './ast.ts';
import { type ContextName, contextNames } from './environment.ts';
import { OttlError, suggestion, wordMeant } from './error.ts';
import type { FunctionDefinition, Parameter } from './functions/define.ts';
import { functions } from './functions/table.ts';
import type { PathDefinition } from './path-entries.ts';
import { enumSymbols, paths } from './paths.ts';

const contextAliases: ReadonlyMap<string, ContextName> = new Map<string, ContextName>([
  ...contextNames.map((name) => [name, name] as const),
  ['instrumentation_scope', 'scope'],
]);

/** The context that a path names itself, or null. */
export function namedContext(path: PathNode): ContextName | null {
  const [first] = path.fields;
  if (path.fields.length < 2 || first.keys.length > 0) return null;
  return contextAliases.get(first.name) ?? null;
}

/** `own`: the context in which the rule runs. Every path without a prefix is of it. Throws OttlError. */
export function resolvePath(path: PathNode, own: ContextName): PathDefinition {
  const prefix = namedContext(path);
  const context = prefix ?? own;
  if (contextNames.indexOf(context) < contextNames.indexOf(own)) {
    throw new OttlError(
      `the ${own} context cannot see a ${context}: it is shown before its ${context}s are`,
      path.fields[0],
    );
  }
  const fields = prefix === null ? path.fields : path.fields.slice(1);
  const table = paths[context];
  let name = '';
  for (const [i, field] of fields.entries()) {
    const longer = name === '' ? field.name : `${name}.${field.name}`;
    if (!table.has(longer)) throw unknownField(name, field, context, table);
    name = longer;
    if (i < fields.length - 1 && field.keys.length > 0) {
      throw new OttlError(`expected an operator after the keys of ${field.name}, found another field`, fields[i + 1]);
    }
  }
  const definition = table.get(name) as PathDefinition;
  const { keys } = fields[fields.length - 1];
  const most = definition.keyed === 'none' ? 0 : definition.keyed === 'trace_state' ? 1 : keys.length;
  if (keys.length > most) {
    const message = most === 0 ? `${context}.${name} has no keys` : `${context}.${name} has one key only`;
    throw new OttlError(message, keys[most]);
  }
  return definition;
}

/** What the Collector has for signals other than traces. */
const otherSignals: readonly string[] = ['log', 'metric', 'datapoint', 'profile', 'profilesample', 'otelcol'];

function unknownField(
  before: string,
  field: PathField,
  context: ContextName,
  table: ReadonlyMap<string, PathDefinition>,
): OttlError {
  if (before === '' && otherSignals.includes(field.name)) {
    const message = `there is no context ${field.name} for spans; there are ${contextNames.toReversed().join(', ')}`;
    return new OttlError(message, field);
  }
  const owner = before === '' ? `a ${context}` : `${context}.${before}`;
  return new OttlError(`${owner} has no field ${field.name}${fieldHint(before, field, context, table)}`, field);
}

function fieldHint(
  before: string,
  { name }: PathField,
  context: ContextName,
  table: ReadonlyMap<string, PathDefinition>,
): string {
  const keyed = table.get(before)?.keyed;
  if (keyed === 'attributes' || keyed === 'cache') return `; write ${before}["${name}"]`;
  const prefix = before === '' ? '' : `${before}.`;
  const siblings = [...table.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  const fields = siblings.filter((key) => !key.includes('.'));
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
  return context === 'span' || context === 'spanevent';
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

/** Names in snake_case are editors, names in CamelCase converters: the other spelling may be all that is wrong. */
function functionHint(name: string, kind: FunctionDefinition['kind'], known: readonly string[]): string {
  const plain = (text: string): string => text.replaceAll('_', '').toLowerCase();
  const other = [...functions.keys()].find((entry) => plain(entry) === plain(name));
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
