// Syntax tree -> resolved tree: every name found, every argument in its place, every type that can be known compared with
// what is wanted. Errors are what the Collector refuses at start too; a rule that can only ever fail at run time is
// accepted as there, with a warning.
import type { ArgumentNode, CallNode, ConditionNode, PathNode, Span, ValueNode } from './ast.ts';
import type { ContextName } from './environment.ts';
import { OttlError, OttlFault } from './error.ts';
import type { FunctionDefinition, Parameter } from './functions/define.ts';
import { parseCondition, parseExpression, parseStatement } from './parser.ts';
import { enumSymbols } from './paths.ts';
import { checkPattern } from './pattern.ts';
import { matchArguments, resolveFunction, resolvePath, resolveSymbol } from './resolve.ts';
import type {
  CheckedCondition,
  CheckedExpression,
  CheckedStatement,
  ResolvedArgument,
  ResolvedCall,
  ResolvedCondition,
  ResolvedConstant,
  ResolvedFunction,
  ResolvedPath,
  ResolvedValue,
  Warning,
} from './resolved.ts';
import { anyType, attributeType, describeTypes, type OttlValue, type TypeSet, type, typeOf } from './values.ts';

interface Scope {
  readonly context: ContextName;
  readonly text: string;
  readonly warnings: Warning[];
}

/** Throws OttlError. */
export function checkCondition(text: string, context: ContextName): CheckedCondition {
  const scope: Scope = { context, text, warnings: [] };
  const tree = condition(parseCondition(text), scope);
  return { text, context, tree, warnings: scope.warnings };
}

/** Throws OttlError. */
export function checkStatement(text: string, context: ContextName): CheckedStatement {
  const scope: Scope = { context, text, warnings: [] };
  const { editor, where } = parseStatement(text);
  const call = resolveCall(editor, scope);
  const guard = where === null ? null : condition(where, scope);
  return { text, context, editor: call, where: guard, warnings: scope.warnings };
}

/** Throws OttlError. */
export function checkExpression(text: string, context: ContextName): CheckedExpression {
  const scope: Scope = { context, text, warnings: [] };
  return { text, context, tree: expression(parseExpression(text), scope), warnings: scope.warnings };
}

function expression(node: ConditionNode | ValueNode, scope: Scope): CheckedExpression['tree'] {
  switch (node.kind) {
    case 'comparison':
    case 'not':
    case 'and':
    case 'or':
      return { kind: 'condition', condition: condition(node, scope) };
    default:
      return { kind: 'value', value: resolveValue(node, scope) };
  }
}

function warn(scope: Scope, at: Span, message: string): void {
  scope.warnings.push({ message, offset: at.offset, length: at.length });
}

function condition(node: ConditionNode, scope: Scope): ResolvedCondition {
  switch (node.kind) {
    case 'literal':
      return { kind: 'constant', value: node.value === true };
    case 'not':
      return { kind: 'not', operand: condition(node.operand, scope) };
    case 'and':
    case 'or':
      return { kind: node.kind, operands: node.operands.map((operand) => condition(operand, scope)) };
    case 'call': {
      const call = resolveCall(node, scope);
      if ((call.types & type.bool) === 0) {
        warn(scope, node, `always fails: ${node.name} gives ${describeTypes(call.types)}, which is not a condition`);
      }
      return call;
    }
    case 'comparison': {
      const left = resolveValue(node.left, scope);
      const right = resolveValue(node.right, scope);
      checkComparable(left.types, right.types, node, scope);
      return { kind: 'comparison', operator: node.operator, left, right };
    }
  }
}

const numeric = type.int | type.double;

function checkComparable(
  left: TypeSet,
  right: TypeSet,
  node: ConditionNode & { kind: 'comparison' },
  scope: Scope,
): void {
  const widen = (set: TypeSet): TypeSet => ((set & numeric) === 0 ? set : set | numeric);
  if ((widen(left) & widen(right)) !== 0) return;
  const outcome = node.operator === '!=' ? 'true' : 'false';
  const hint = comparableHint(node.left, right) || comparableHint(node.right, left);
  warn(scope, node, `always ${outcome}: ${describeTypes(left)} is compared with ${describeTypes(right)}${hint}`);
}

/** What was meant by a text that is compared with something of the types \`other\`. */
function comparableHint(node: ValueNode, other: TypeSet): string {
  if (node.kind !== 'literal' || typeof node.value !== 'string') return '';
  if (other === type.int && enumSymbols.has(node.value)) return `; write ${node.value} without quotes`;
  if (other === type.traceId) return '; write TraceID("…"), or compare trace_id.string';
  if (other === type.spanId) return '; write SpanID("…"), or compare span_id.string';
  return other === type.time ? '; write Time("…", "…")' : other === type.duration ? '; write Duration("…")' : '';
}

function resolveValue(node: ValueNode, scope: Scope): ResolvedValue {
  switch (node.kind) {
    case 'literal':
      return { kind: 'constant', value: node.value, types: typeOf(node.value), at: node };
    case 'symbol':
      return { kind: 'constant', value: resolveSymbol(node, scope.context), types: type.int, at: node };
    case 'path':
      return path(node, scope);
    case 'call':
      return resolveCall(node, scope);
    case 'list':
      return { kind: 'list', items: node.items.map((item) => resolveValue(item, scope)), types: type.list, at: node };
    case 'map': {
      const entries = node.entries.map(({ key, value }) => ({ key, value: resolveValue(value, scope) }));
      return { kind: 'map', entries, types: type.map, at: node };
    }
    case 'sign': {
      const operand = resolveValue(node.operand, scope);
      if ((operand.types & numeric) === 0) {
        warn(scope, node, `always fails: "${node.operator}" wants a number, found ${describeTypes(operand.types)}`);
      }
      return { kind: 'sign', operator: node.operator, operand, types: numeric, at: node };
    }
    case 'math': {
      const left = resolveValue(node.left, scope);
      const right = resolveValue(node.right, scope);
      for (const side of [left, right]) {
        if ((side.types & calculable) !== 0) continue;
        warn(scope, side.at, `always fails: cannot compute with ${describeTypes(side.types)}`);
      }
      return {
        kind: 'math',
        operator: node.operator,
        left,
        right,
        types: mathTypes(left.types, right.types),
        at: node,
      };
    }
    case 'lambda':
      throw new OttlError('a lambda can only stand where a function takes one', node);
  }
}

const calculable = numeric | type.time | type.duration;

function mathTypes(left: TypeSet, right: TypeSet): TypeSet {
  const both = left | right;
  if (both === type.int || both === type.double) return both;
  return (both & ~numeric) === 0 ? numeric : calculable;
}

function path(node: PathNode, scope: Scope): ResolvedPath {
  const definition = resolvePath(node, scope.context);
  const keys = node.fields[node.fields.length - 1].keys.map((key) => {
    const resolved = resolveKey(key, scope);
    if ((resolved.types & (type.string | type.int)) === 0) {
      warn(scope, key, `always fails: a key is a string or an int, found ${describeTypes(resolved.types)}`);
    }
    return resolved;
  });
  if (keys.length > 0 && (keys[0].types & type.string) === 0) {
    warn(
      scope,
      keys[0].at,
      `always fails: ${definition.name} is asked by a string, found ${describeTypes(keys[0].types)}`,
    );
  }
  let { types } = definition;
  if (keys.length > 0 && definition.keyed === 'attributes') types = attributeType;
  if (keys.length > 0 && definition.keyed === 'cache') types = anyType;
  if (keys.length > 0 && definition.keyed === 'trace_state') types = type.string | type.nil;
  return { kind: 'path', path: definition, keys, types, at: node };
}

/** `attributes[method]` reads as a path: without quotes a key is hardly meant so. */
function resolveKey(key: ValueNode, scope: Scope): ResolvedValue {
  try {
    return resolveValue(key, scope);
  } catch (error) {
    const bare = key.kind === 'path' && key.fields.length === 1 && key.fields[0].keys.length === 0;
    if (!bare || !(error instanceof OttlError)) throw error;
    const [{ name }] = key.fields;
    throw new OttlError(
      `a ${scope.context} has no field ${name}; a key that is a text stands in quotes: "${name}"`,
      key,
    );
  }
}

function resolveCall(node: CallNode, scope: Scope): ResolvedCall {
  const definition = resolveFunction(node, scope.context);
  const matched = matchArguments(node, definition);
  const args = definition.parameters.map((parameter, i) => {
    const argument = matched[i];
    return argument === undefined ? null : resolveArgument(argument.value, parameter, definition, scope);
  });
  const keys = node.keys.map((key) => resolveValue(key, scope));
  if (keys.length > 0 && (definition.returns & (type.map | type.list)) === 0) {
    warn(scope, node, `always fails: ${node.name} gives ${describeTypes(definition.returns)}, which has no keys`);
  }
  tryConstants(definition, args, node, scope);
  if (definition.name === 'set') checkWritten(args, scope);
  return { kind: 'call', definition, args, keys, types: keys.length > 0 ? anyType : definition.returns, at: node };
}

/** What \`set\` writes is what the path takes, or nil, which leaves it as it is. */
function checkWritten([target, value]: ResolvedCall['args'], scope: Scope): void {
  if (target?.kind !== 'path' || value === null || (value.types & (target.types | type.nil)) !== 0) return;
  const { context, name } = target.path;
  const found = describeTypes(value.types);
  warn(scope, value.at, `always fails: ${context}.${name} takes ${describeTypes(target.types)}, found ${found}`);
}

/** A call whose arguments all stand in the text can be tried now. */
function tryConstants(
  { tryConstants: attempt, refusesConstants, parameters }: FunctionDefinition,
  args: ResolvedCall['args'],
  at: Span,
  scope: Scope,
): void {
  if (attempt === null) return;
  const constants: (OttlValue | undefined)[] = [];
  for (const [i, argument] of args.entries()) {
    const skipped = argument === null || parameters[i].role === 'target' || parameters[i].role === 'function';
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

/** The value that stands in the text; undefined when it is known at an item only. */
function constantValue(node: ResolvedArgument): OttlValue | undefined {
  if (node.kind === 'constant') return node.value;
  if (node.kind !== 'list') return undefined;
  const items = node.items.map(constantValue);
  return items.includes(undefined) ? undefined : (items as OttlValue[]);
}

/** The name of a converter that is applied to one value. */
function resolveFunctionName(node: ArgumentNode, place: string, scope: Scope): ResolvedFunction {
  if (node.kind !== 'function-name' && node.kind !== 'symbol') {
    throw new OttlError(`${place} is the name of a function, without quotes and arguments, such as SHA256`, node);
  }
  const { name } = node;
  const definition = resolveFunction(
    { ...node, kind: 'call', name, nameSpan: node, args: [], keys: [] },
    scope.context,
  );
  const required = definition.parameters.filter((parameter) => !parameter.optional);
  if (required.length !== 1 || required[0].role !== 'value') {
    throw new OttlError(`${place} is a function of one value; ${name} takes ${required.length} arguments`, node);
  }
  return { kind: 'function', definition, types: anyType, at: node };
}

function resolveArgument(
  node: ArgumentNode,
  parameter: Parameter,
  definition: FunctionDefinition,
  scope: Scope,
): ResolvedArgument {
  const place = `the argument ${parameter.name} of ${definition.name}`;
  if (parameter.role === 'function') return resolveFunctionName(node, place, scope);
  if (node.kind === 'function-name') throw new OttlError(`${place} is not a function: expected a value`, node);
  const value = resolveValue(node, scope);
  if (parameter.role === 'target' && (value.kind !== 'path' || !value.path.writable)) {
    const found = value.kind === 'path' ? `${value.path.context}.${value.path.name} can only be read` : 'found a value';
    throw new OttlError(`${place} is a path that can be written; ${found}`, node);
  }
  if (parameter.role === 'literal') checkLiteral(value, parameter, place);
  if (parameter.role === 'pattern' && value.kind === 'constant') checkPattern(value, scope.text);
  if (value.kind === 'constant') checkConstant(value, parameter, place);
  else if ((value.types & parameter.accepts) === 0) {
    warn(
      scope,
      node,
      `always fails: ${place} is ${describeTypes(parameter.accepts)}, found ${describeTypes(value.types)}`,
    );
  }
  return value;
}

/** What stands in the text and cannot be taken is a mistake in the text. */
function checkConstant({ value, at }: ResolvedConstant, { coerce }: Parameter, place: string): void {
  try {
    coerce(value);
  } catch (error) {
    if (error instanceof OttlFault) throw new OttlError(`${place}: ${error.message}`, at);
    throw error;
  }
}

function checkLiteral(value: ResolvedValue, { accepts, choices }: Parameter, place: string): void {
  if (value.kind !== 'constant') {
    throw new OttlError(`${place} must be written out: expected ${describeTypes(accepts)}`, value.at);
  }
  if (choices !== undefined && !choices.includes(value.value as string)) {
    throw new OttlError(`${place} is one of ${choices.join(', ')}`, value.at);
  }
}
