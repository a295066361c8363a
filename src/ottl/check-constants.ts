// Arguments that stand in the text: what they are is tried now, not at every item.
import type { Span } from './ast.ts';
import { type Scope, warn } from './check-scope.ts';
import { OttlError, OttlFault } from './error.ts';
import type { FunctionDefinition, Parameter } from './functions/define.ts';
import type { ResolvedArgument, ResolvedCall, ResolvedValue } from './resolved.ts';
import { placeIn } from './unquote.ts';
import { describeTypes, type OttlValue, type } from './values.ts';

/** Of arguments that have no value of their own. */
const unknownRoles: readonly Parameter['role'][] = ['target', 'function', 'lambda'];

/** What `set` writes is what the path takes, or nil, which leaves it as it is. */
export function checkWritten([target, value]: ResolvedCall['args'], scope: Scope): void {
  if (target?.kind !== 'path' || value === null || (value.types & (target.types | type.nil)) !== 0) return;
  const { context, name } = target.path;
  const found = describeTypes(value.types);
  warn(scope, value.at, `always fails: ${context}.${name} takes ${describeTypes(target.types)}, found ${found}`);
}

/** A call whose arguments all stand in the text can be tried now. */
export function tryConstants(
  { tryConstants: attempt, refusesConstants, parameters }: FunctionDefinition,
  args: ResolvedCall['args'],
  at: Span,
  scope: Scope,
): void {
  if (attempt === null) return;
  const constants: (OttlValue | undefined)[] = [];
  for (const [i, argument] of args.entries()) {
    const skipped = argument === null || unknownRoles.includes(parameters[i].role);
    const value = skipped ? undefined : constantValue(argument);
    if (value === undefined && !skipped) return;
    constants.push(value);
  }
  try {
    attempt(...constants.map((value, i) => (value === undefined ? value : parameters[i].coerce(value))));
  } catch (error) {
    if (!(error instanceof OttlFault)) throw error;
    if (refusesConstants) throw new OttlError(error.message, at);
    warn(scope, at, `always fails: ${error.message}`);
  }
}

/** What several arguments make wrong together, or what is wrong at one character of a text. */
export function checkTogether(
  { mistakeIn, parameters }: FunctionDefinition,
  args: ResolvedCall['args'],
  text: string,
): void {
  if (mistakeIn === null) return;
  const constants = args.map((argument, i) => {
    const skipped = argument === null || unknownRoles.includes(parameters[i].role);
    const value = skipped ? undefined : constantValue(argument);
    return value === undefined ? undefined : parameters[i].coerce(value);
  });
  const mistake = mistakeIn(...constants);
  if (mistake === null) return;
  const { message, parameter, offset } = mistake;
  const argument = args[parameters.findIndex(({ name }) => name === parameter)];
  if (argument == null) throw new Error(`the mistake is in ${parameter}, which is not there`);
  throw new OttlError(message, placeIn(argument.at, text, offset ?? null));
}

/** The value that stands in the text; undefined when it is known at an item only. */
function constantValue(node: ResolvedArgument): OttlValue | undefined {
  if (node.kind === 'constant') return node.value;
  if (node.kind === 'list') {
    const items = node.items.map(constantValue);
    return items.includes(undefined) ? undefined : (items as OttlValue[]);
  }
  if (node.kind !== 'map') return undefined;
  const entries = node.entries.map(({ key, value }) => [key, constantValue(value)] as const);
  return entries.some(([, value]) => value === undefined) ? undefined : new Map(entries as [string, OttlValue][]);
}

/** What stands in the text and cannot be taken is a mistake in the text; beside what is computed, it only may fail. */
export function checkConstant(value: ResolvedValue, parameter: Parameter, place: string, scope: Scope): void {
  const known = constantValue(value);
  if (value.kind === 'list' && parameter.checkItem !== undefined) {
    checkItems(value.items, parameter.checkItem, place, known === undefined ? scope : null);
  }
  if (known !== undefined) refuseFault(() => parameter.coerce(known), place, value.at);
}

/** `scope`: where to warn; null where it is a mistake. */
function checkItems(
  items: readonly ResolvedValue[],
  check: (item: OttlValue) => void,
  place: string,
  scope: Scope | null,
): void {
  for (const item of items) {
    const known = constantValue(item);
    if (known === undefined) continue;
    try {
      check(known);
    } catch (error) {
      if (!(error instanceof OttlFault)) throw error;
      const message = `${place}: ${error.message}`;
      if (scope === null) throw new OttlError(message, item.at);
      warn(scope, item.at, message);
    }
  }
}

function refuseFault(attempt: () => void, place: string, at: Span): void {
  try {
    attempt();
  } catch (error) {
    if (error instanceof OttlFault) throw new OttlError(`${place}: ${error.message}`, at);
    throw error;
  }
}

export function checkLiteral(value: ResolvedValue, { accepts, choices }: Parameter, place: string): void {
  if (constantValue(value) === undefined) {
    throw new OttlError(`${place} must be written out: expected ${describeTypes(accepts)}`, value.at);
  }
  if (choices !== undefined && value.kind === 'constant' && !choices.includes(value.value as string)) {
    throw new OttlError(`${place} is one of ${choices.join(', ')}`, value.at);
  }
}
