// Resolved tree -> closures over the views of a stage. What is constant is computed once, here.

import { compileComparison } from './compile-comparison.ts';
import { compileCopy } from './compile-copy.ts';
import { cellOf, compileLambda, countingLambdas } from './compile-lambda.ts';
import { allAttributesOf, compilePath, compileTarget } from './compile-path.ts';
import { constantOf } from './constant.ts';
import type { Environment } from './environment.ts';
import { fault, OttlFault } from './error.ts';
import type { Apply, CompiledArgument, Parameter } from './functions/define.ts';
import { calculate, negate } from './math.ts';
import { resultAt } from './nested.ts';
import type {
  CheckedCondition,
  CheckedExpression,
  CheckedStatement,
  ResolvedArgument,
  ResolvedCall,
  ResolvedCondition,
  ResolvedExpression,
  ResolvedFunction,
  ResolvedValue,
} from './resolved.ts';
import { describe, type Getter, type OttlValue } from './values.ts';

/** Whether the condition holds for the item that the views show. Throws OttlFault. */
export type Predicate = () => boolean;

export function compileCondition(checked: CheckedCondition, env: Environment): Predicate {
  return condition(checked.tree, env);
}

/** Gives the value of the expression, true or false for a condition. Throws OttlFault. */
export function compileExpression({ tree }: CheckedExpression, env: Environment): Getter {
  return compileEither(tree, env);
}

function compileEither(tree: ResolvedExpression, env: Environment): Getter {
  return tree.kind === 'condition' ? condition(tree.condition, env) : compileValue(tree.value, env).get;
}

/** Runs the statement on the item that the views show; whether its condition held. Throws OttlFault. */
export function compileStatement({ editor, where }: CheckedStatement, env: Environment): () => boolean {
  const edit = compileCopy(editor, env, compileValue(editor, env).get);
  if (where === null) {
    return () => {
      edit();
      return true;
    };
  }
  const holds = condition(where, env);
  return () => {
    if (!holds()) return false;
    edit();
    return true;
  };
}

function condition(node: ResolvedCondition, env: Environment): Predicate {
  switch (node.kind) {
    case 'constant': {
      const { value } = node;
      return () => value;
    }
    case 'not': {
      const operand = condition(node.operand, env);
      return () => !operand();
    }
    case 'and':
    case 'or':
      return logic(node.kind, node.operands, env);
    case 'call': {
      const { get } = compileValue(node, env);
      const { name } = node.definition;
      return () => {
        const value = get();
        if (typeof value !== 'boolean') throw fault(`${name} gave ${describe(value)}, which is not a condition`);
        return value;
      };
    }
    case 'comparison':
      return compileComparison(node, env, (value) => compileValue(value, env));
  }
}

/** A constant that decides does so before the others are tried, whatever faults they would have. */
function logic(kind: 'and' | 'or', nodes: readonly ResolvedCondition[], env: Environment): Predicate {
  const decisive = kind === 'or';
  const operands: Predicate[] = [];
  for (const node of nodes) {
    const value = constantOf(node);
    if (value === decisive) return () => decisive;
    if (value === null) operands.push(condition(node, env));
  }
  if (operands.length === 0) return () => !decisive;
  return operands.reduce(kind === 'or' ? (a, b) => () => a() || b() : (a, b) => () => a() && b());
}

export interface CompiledValue {
  readonly get: Getter;
  /** It gives the same at every call. */
  readonly isConstant: boolean;
}

function constant(value: OttlValue): CompiledValue {
  return { get: () => value, isConstant: true };
}

/** Computes now what can never change. A fault stays one for the run: in the Collector such a rule starts too. */
function fold(get: Getter, parts: readonly CompiledValue[]): CompiledValue {
  if (!parts.every((part) => part.isConstant)) return { get, isConstant: false };
  try {
    return constant(get());
  } catch (error) {
    if (error instanceof OttlFault) return { get, isConstant: false };
    throw error;
  }
}

function compileValue(node: ResolvedValue, env: Environment): CompiledValue {
  switch (node.kind) {
    case 'constant':
      return constant(node.value);
    case 'path':
      return { get: compilePath(node, env, keyGetters(node.keys, env)), isConstant: false };
    case 'local': {
      const cell = cellOf(node.local, env);
      return { get: indexed(() => cell.value, keyGetters(node.keys, env)), isConstant: false };
    }
    case 'call':
      return compileCall(node, env);
    case 'list': {
      const items = node.items.map((item) => compileValue(item, env));
      return fold(() => items.map((item) => item.get()), items);
    }
    case 'map': {
      const entries = node.entries.map(({ key, value }) => ({ key, value: compileValue(value, env) }));
      return fold(
        () => new Map(entries.map(({ key, value }) => [key, value.get()])),
        entries.map((entry) => entry.value),
      );
    }
    case 'sign': {
      const operand = compileValue(node.operand, env);
      return node.operator === '+' ? operand : fold(() => negate(operand.get()), [operand]);
    }
    case 'math': {
      const left = compileValue(node.left, env);
      const right = compileValue(node.right, env);
      const { operator } = node;
      return fold(() => calculate(left.get(), operator, right.get()), [left, right]);
    }
  }
}

/** What stands behind the keys. Here a key that a map lacks is a fault. */
function indexed(get: Getter, keys: readonly Getter[]): Getter {
  return keys.length === 0 ? get : () => keys.reduce((value, key) => resultAt(value, key()), get());
}

function keyGetters(keys: readonly ResolvedValue[], env: Environment): Getter[] {
  return keys.map((key) => compileValue(key, env).get);
}

function compileCall(node: ResolvedCall, env: Environment): CompiledValue {
  const { definition } = node;
  const parts: CompiledValue[] = [];
  const args = definition.parameters.map((parameter, i) => {
    const argument = node.args[i];
    return argument === null ? absent : compileArgument(argument, parameter, env, parts);
  });
  const call = definition.compile(args, env);
  const keys = node.keys.map((key) => compileValue(key, env));
  const takesLambda = node.args.some((argument) => argument?.kind === 'lambda');
  const get = indexed(
    takesLambda ? countingLambdas(call, env) : call,
    keys.map((key) => key.get),
  );
  if (takesLambda || !definition.pure || definition.varies?.(args) === true) return { get, isConstant: false };
  return fold(get, [...parts, ...keys]);
}

/** What most arguments are not. */
const plain = { items: null, target: null, attributes: null } as const;
const absent: CompiledArgument = { ...plain, get: () => undefined, isConstant: true };

function compileArgument(
  node: ResolvedArgument,
  parameter: Parameter,
  env: Environment,
  parts: CompiledValue[],
): CompiledArgument {
  const { coerce } = parameter;
  if (parameter.role === 'target' && node.kind === 'path') {
    const target = compileTarget(node, env, keyGetters(node.keys, env));
    return { ...plain, get: target.get, target, isConstant: false };
  }
  if (node.kind === 'function') {
    const apply = compileFunction(node, env);
    return { ...plain, get: () => apply, isConstant: true };
  }
  if (node.kind === 'lambda') {
    const lambda = compileLambda(node, env, (body) => compileEither(body, env));
    return { ...plain, get: () => lambda, isConstant: true };
  }
  const value = compileValue(node, env);
  parts.push(value);
  const items = node.kind === 'list' ? node.items.map((item) => compileValue(item, env).get) : null;
  if (value.isConstant) {
    const converted = convertOnce(() => coerce(value.get()));
    return { ...plain, get: converted, items, isConstant: true };
  }
  const { get } = value;
  return { ...plain, get: () => coerce(get()), items, attributes: allAttributesOf(node, env), isConstant: false };
}

/** Not re-entered: a converter cannot apply itself. */
function compileFunction({ definition }: ResolvedFunction, env: Environment): Apply {
  let input: OttlValue = null;
  const args = definition.parameters.map(
    ({ optional, coerce }): CompiledArgument =>
      optional ? absent : { ...plain, get: () => coerce(input), isConstant: false },
  );
  const call = definition.compile(args, env);
  return (value) => {
    input = value;
    return call();
  };
}

function convertOnce(convert: () => unknown): () => unknown {
  try {
    const converted = convert();
    return () => converted;
  } catch (error) {
    if (error instanceof OttlFault) return convert;
    throw error;
  }
}
