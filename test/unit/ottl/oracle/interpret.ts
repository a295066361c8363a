// The language read straight from the syntax tree, as reference 2.3 says it: slow, plain, one rule after another.
import type { Argument, ArgumentNode, CallNode, ConditionNode, PathNode, ValueNode } from '../../../../src/ottl/ast.ts';
import { type ContextName, contextNames } from '../../../../src/ottl/environment.ts';
import type { Apply, CompiledArgument, FunctionDefinition, Lambda } from '../../../../src/ottl/functions/define.ts';
import { functions } from '../../../../src/ottl/functions/table.ts';
import { parseCondition, parseExpression, parseStatement } from '../../../../src/ottl/parser.ts';
import type { PathContext } from '../../../../src/ottl/path-entries.ts';
import { enumSymbols } from '../../../../src/ottl/paths.ts';
import { matchArguments } from '../../../../src/ottl/resolve.ts';
import type { OttlValue } from '../../../../src/ottl/values.ts';
import { entriesOf, plainEditors, toAttributes, toMap } from './editors.ts';
import { fail } from './faults.ts';
import { type Place, wholly } from './model.ts';
import { at, compute, holds, negative } from './operators.ts';
import { itemOf, type Keys, readPath, writePath } from './paths.ts';

/** Where a rule runs: the context that paths without a prefix are of, and the items. */
export interface Scope {
  readonly context: ContextName;
  readonly place: Place;
  /** Parameters of the lambdas around. */
  readonly locals?: ReadonlyMap<string, OttlValue>;
}

/** The texts have passed the checker. All throw OttlFault. */
export function interpretCondition(text: string, scope: Scope): boolean {
  return isTrue(parseCondition(text), scope);
}

export function interpretExpression(text: string, scope: Scope): OttlValue {
  return either(parseExpression(text), scope);
}

/** Whether the condition held. A statement that fails has changed nothing. */
export function interpretStatement(text: string, scope: Scope): boolean {
  const { editor, where } = parseStatement(text);
  if (where !== null && !isTrue(where, scope)) return false;
  wholly(scope.place, () => edit(editor, scope));
  return true;
}

// --- conditions ------------------------------------------------------------------------------------------------------

function isTrue(node: ConditionNode, scope: Scope): boolean {
  switch (node.kind) {
    case 'literal':
      return node.value === true;
    case 'not':
      return !isTrue(node.operand, scope);
    case 'and':
      // What the text alone decides is decided before anything is computed.
      if (node.operands.some((operand) => known(operand) === false)) return false;
      return node.operands.every((operand) => known(operand) === true || isTrue(operand, scope));
    case 'or':
      if (node.operands.some((operand) => known(operand) === true)) return true;
      return node.operands.some((operand) => known(operand) !== false && isTrue(operand, scope));
    case 'call': {
      const value = evaluate(node, scope);
      if (typeof value !== 'boolean') throw fail('condition');
      return value;
    }
    case 'comparison':
      return holds(evaluate(node.left, scope), node.operator, evaluate(node.right, scope));
  }
}

/** What a condition is by its text: literals, comparisons of two literals, and what is made of those. */
function known(node: ConditionNode): boolean | null {
  switch (node.kind) {
    case 'literal':
      return node.value === true;
    case 'not': {
      const operand = known(node.operand);
      return operand === null ? null : !operand;
    }
    case 'and':
    case 'or': {
      const operands = node.operands.map(known);
      const decisive = node.kind === 'or';
      if (operands.includes(decisive)) return decisive;
      return operands.includes(null) ? null : !decisive;
    }
    case 'comparison': {
      const [left, right] = [literalOf(node.left), literalOf(node.right)];
      return left === undefined || right === undefined ? null : holds(left, node.operator, right);
    }
    case 'call':
      return null;
  }
}

function literalOf(node: ValueNode): OttlValue | undefined {
  if (node.kind === 'literal') return node.value;
  return node.kind === 'symbol' ? symbol(node.name) : undefined;
}

function either(node: ConditionNode | ValueNode, scope: Scope): OttlValue {
  switch (node.kind) {
    case 'comparison':
    case 'not':
    case 'and':
    case 'or':
      return isTrue(node, scope);
    default:
      return evaluate(node, scope);
  }
}

// --- values ----------------------------------------------------------------------------------------------------------

export function evaluate(node: ValueNode, scope: Scope): OttlValue {
  switch (node.kind) {
    case 'literal':
      return node.value;
    case 'symbol':
      return symbol(node.name);
    case 'path': {
      const [{ name: local, keys: localKeys }] = node.fields;
      const known = scope.locals?.get(local);
      if (known !== undefined) return insideOf(known, localKeys, scope);
      const { context, name, keys } = located(node, scope);
      return readPath(scope.place, context, name, keys);
    }
    case 'call':
      return insideOf(convert(node, scope), node.keys, scope);
    case 'list':
      return node.items.map((item) => evaluate(item, scope));
    case 'map':
      return new Map(node.entries.map(({ key, value }) => [key, evaluate(value, scope)]));
    case 'sign': {
      const operand = evaluate(node.operand, scope);
      return node.operator === '-' ? negative(operand) : operand;
    }
    case 'math': {
      const left = evaluate(node.left, scope);
      return compute(left, node.operator, evaluate(node.right, scope));
    }
    case 'lambda':
      throw new Error('a lambda was let through as a value');
  }
}

/** Behind a path a map may lack a key; here it may not. */
function insideOf(value: OttlValue, keys: readonly ValueNode[], scope: Scope): OttlValue {
  return keys.reduce((inner, key) => {
    const asked = evaluate(key, scope);
    if (inner instanceof Map && typeof asked === 'string' && !inner.has(asked)) throw fail('missing');
    return at(inner, asked);
  }, value);
}

function symbol(name: string): bigint {
  const value = enumSymbols.get(name);
  if (value === undefined) throw new Error(`the symbol ${name} was let through`);
  return BigInt(value);
}

function located(node: PathNode, scope: Scope): { context: PathContext; name: string; keys: Keys } {
  const [first, ...others] = node.fields;
  const known: readonly string[] = [...contextNames, 'otelcol'];
  const named = first.name === 'instrumentation_scope' ? 'scope' : first.name;
  const hasPrefix = others.length > 0 && first.keys.length === 0 && known.includes(named);
  const fields = hasPrefix ? others : node.fields;
  return {
    context: hasPrefix ? (named as PathContext) : scope.context,
    name: fields.map((field) => field.name).join('.'),
    keys: fields[fields.length - 1].keys.map((key) => () => evaluate(key, scope)),
  };
}

// --- functions -------------------------------------------------------------------------------------------------------

function definitionOf(name: string): FunctionDefinition {
  const definition = functions.get(name);
  if (definition === undefined) throw new Error(`the function ${name} was let through`);
  return definition;
}

function convert(node: CallNode, scope: Scope): OttlValue {
  const definition = definitionOf(node.name);
  const args = matchArguments(node, definition);
  const lazy = lazily[node.name]?.(args, scope);
  if (lazy !== undefined) return lazy;
  return call(
    definition,
    args.map((_, i) => argument(definition, args, i, scope)),
  );
}

/** The functions that look at more than the values of their arguments. undefined: as all others. */
const lazily: Readonly<
  Record<string, (args: readonly (Argument | undefined)[], scope: Scope) => OttlValue | undefined>
> = {
  Coalesce: ([values], scope) => {
    if (values?.value.kind !== 'list') return undefined;
    for (const item of values.value.items) {
      const value = evaluate(item, scope);
      if (value !== null) return value;
    }
    return null;
  },
  When: ([condition, yes, no], scope) => {
    const holds = lambdaOf(condition?.value, scope)();
    if (typeof holds !== 'boolean') throw fail('lambda');
    return evaluate((holds ? yes : no)?.value as ValueNode, scope);
  },
  IsRootSpan: (_args, { place }) => place.span?.parentSpanId.every((byte) => byte === 0),
};

/** The value of an argument as the function takes it; undefined for an optional one that is absent. */
export function argument(
  { parameters }: FunctionDefinition,
  args: readonly (Argument | undefined)[],
  index: number,
  scope: Scope,
): unknown {
  const given = args[index]?.value;
  if (given === undefined) return undefined;
  if (parameters[index].role === 'function') return applied(given);
  if (parameters[index].role === 'lambda') return lambdaOf(given, scope);
  return parameters[index].coerce(evaluate(given as ValueNode, scope));
}

function lambdaOf(node: ArgumentNode | undefined, scope: Scope): Lambda {
  if (node?.kind !== 'lambda') throw new Error('what is no lambda was let through');
  const run = (...values: (OttlValue | undefined)[]): OttlValue => {
    const own = node.parameters.map(({ name }, i) => [name, values[i] ?? null] as const);
    return either(node.body, { ...scope, locals: new Map([...(scope.locals ?? []), ...own]) });
  };
  return Object.assign(run, { uses: node.parameters.map(() => true) });
}

function applied(node: ArgumentNode): Apply {
  if (node.kind !== 'function-name' && node.kind !== 'symbol') throw new Error(`a ${node.kind} was let through`);
  const definition = definitionOf(node.name);
  return (value) =>
    call(
      definition,
      definition.parameters.map(({ optional, coerce }) => (optional ? undefined : coerce(value))),
    );
}

/** The converter's own implementation, on values. */
function call(definition: FunctionDefinition, values: readonly unknown[]): OttlValue {
  const args = values.map(
    (value): CompiledArgument => ({ get: () => value, items: null, target: null, attributes: null, isConstant: true }),
  );
  return definition.compile(args, undefined as never)();
}

function edit(node: CallNode, scope: Scope): void {
  const definition = definitionOf(node.name);
  const args = matchArguments(node, definition);
  const target = args[0]?.value;
  const editor = plainEditors.get(node.name);
  if (editor === undefined) throw new Error(`the oracle does not know ${node.name}`);
  const argumentOf = (parameter: string) => {
    const index = definition.parameters.findIndex((known) => known.name === parameter);
    return argument(definition, args, index, scope);
  };
  const { span } = scope.place;
  if (target?.kind !== 'path') {
    const none = () => {
      throw new Error(`${node.name} has no target`);
    };
    editor({ get: none, set: none, entries: none, setEntries: none, span, argument: argumentOf });
    return;
  }
  const { context, name, keys } = located(target, scope);
  if (context === 'otelcol') throw new Error('a write to what is known of the client was let through');
  const get = () => readPath(scope.place, context, name, keys);
  const set = (value: OttlValue) => writePath(scope.place, context, name, keys, value);
  // All attributes of an item may have a key twice; no map has.
  const item = name === 'attributes' && keys.length === 0 ? itemOf(scope.place, context) : null;
  editor({
    get,
    set,
    entries: () => (item === null ? entriesOf(get()) : item.attributes),
    setEntries: (entries) => {
      if (item === null) set(toMap(entries));
      else item.attributes = toAttributes(entries);
    },
    span,
    argument: argumentOf,
  });
}
