// Syntax tree -> resolved tree: every name found, every argument in its place, every type that can be known compared with
// what is wanted. Errors are what the Collector refuses at start too; a rule that can only ever fail at run time is
// accepted as there, with a warning.
import type { ArgumentNode, CallNode, ConditionNode, PathNode, ValueNode } from './ast.ts';
import { checkConstant, checkLiteral, checkTogether, checkWritten, tryConstants } from './check-constants.ts';
import { newScope, type Scope, warn } from './check-scope.ts';
import { calculable, checkComparable, mathTypes, numeric } from './check-types.ts';
import type { ContextName } from './environment.ts';
import { OttlError } from './error.ts';
import type { FunctionDefinition, Parameter } from './functions/define.ts';
import { parseCondition, parseExpression, parseStatement } from './parser.ts';
import type { PathDefinition } from './path-entries.ts';
import { checkPattern } from './pattern.ts';
import { editorAsValue, matchArguments, resolveFunction, resolvePath, resolveSymbol } from './resolve.ts';
import type {
  CheckedCondition,
  CheckedExpression,
  CheckedStatement,
  Local,
  ResolvedArgument,
  ResolvedCall,
  ResolvedCondition,
  ResolvedExpression,
  ResolvedFunction,
  ResolvedLambda,
  ResolvedLocal,
  ResolvedPath,
  ResolvedValue,
} from './resolved.ts';
import { anyType, attributeType, describeTypes, type TypeSet, type, typeOf } from './values.ts';

/** Throws OttlError. */
export function checkCondition(text: string, context: ContextName): CheckedCondition {
  const scope = newScope(text, context);
  const tree = condition(parseCondition(text), scope);
  return { ...checked(scope), tree };
}

/** Throws OttlError. */
export function checkStatement(text: string, context: ContextName): CheckedStatement {
  const scope = newScope(text, context);
  const { editor, where } = parseStatement(text);
  const call = resolveCall(editor, scope);
  const guard = where === null ? null : condition(where, scope);
  return { ...checked(scope), editor: call, where: guard };
}

/** Throws OttlError. */
export function checkExpression(text: string, context: ContextName): CheckedExpression {
  const scope = newScope(text, context);
  const tree = expression(parseExpression(text), scope);
  return { ...checked(scope), tree };
}

function checked({ text, context, warnings, metadataKeys }: Scope) {
  return { text, context, warnings, metadataKeys: [...metadataKeys] };
}

function expression(node: ConditionNode | ValueNode, scope: Scope): ResolvedExpression {
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
      const call = converterCall(node, scope);
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

function resolveValue(node: ValueNode, scope: Scope): ResolvedValue {
  switch (node.kind) {
    case 'literal':
      return { kind: 'constant', value: node.value, types: typeOf(node.value), at: node };
    case 'symbol':
      return { kind: 'constant', value: resolveSymbol(node, scope.context), types: type.int, at: node };
    case 'path': {
      const local = scope.locals.get(node.fields[0].name);
      return local === undefined ? path(node, scope) : resolveLocal(local, node, scope);
    }
    case 'call':
      return converterCall(node, scope);
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

function path(node: PathNode, scope: Scope): ResolvedPath {
  const definition = resolvePath(node, scope.context);
  const keys = resolveKeys(node, scope);
  if (keys.length > 0 && (keys[0].types & type.string) === 0) {
    const found = describeTypes(keys[0].types);
    warn(scope, keys[0].at, `always fails: ${definition.name} is asked by a string, found ${found}`);
  }
  if (definition.keyed === 'client') {
    const [key] = keys;
    const name = key?.kind === 'constant' && typeof key.value === 'string' ? key.value : '';
    scope.metadataKeys.add(definition.metadataKey(name));
  }
  return { kind: 'path', path: definition, keys, types: pathTypes(definition, keys.length), at: node };
}

/** Of the last field of the path: no other has keys. */
function resolveKeys({ fields }: PathNode, scope: Scope): ResolvedValue[] {
  return fields[fields.length - 1].keys.map((key) => {
    const resolved = resolveKey(key, scope);
    if ((resolved.types & (type.string | type.int)) === 0) {
      warn(scope, key, `always fails: a key is a string or an int, found ${describeTypes(resolved.types)}`);
    }
    return resolved;
  });
}

function pathTypes(definition: PathDefinition, keys: number): TypeSet {
  if (keys === 0) return definition.types;
  switch (definition.keyed) {
    case 'attributes':
      return attributeType;
    case 'cache':
      return anyType;
    case 'trace_state':
      return type.string | type.nil;
    case 'client':
      return keys === 1 ? definition.types : definition.innerTypes | type.nil;
    case 'none':
      return definition.types;
  }
}

function resolveLocal(local: Local, node: PathNode, scope: Scope): ResolvedLocal {
  const [{ name }, field] = node.fields;
  if (field !== undefined) {
    throw new OttlError(
      `${name} is a parameter of the lambda here, without fields; write ${name}["${field.name}"]`,
      field,
    );
  }
  const keys = resolveKeys(node, scope);
  return { kind: 'local', local, keys, types: keys.length > 0 ? anyType : local.types, at: node };
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

function converterCall(node: CallNode, scope: Scope): ResolvedCall {
  if (/^[a-z]/.test(node.name)) throw editorAsValue(node);
  return resolveCall(node, scope);
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
  checkTogether(definition, args, scope.text);
  tryConstants(definition, args, node, scope);
  if (definition.name === 'set') checkWritten(args, scope);
  return { kind: 'call', definition, args, keys, types: keys.length > 0 ? anyType : definition.returns, at: node };
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
  if (parameter.role === 'lambda') return resolveLambda(node, parameter, place, scope);
  if (node.kind === 'function-name') throw new OttlError(`${place} is not a function: expected a value`, node);
  const value = resolveValue(node, scope);
  if (parameter.role === 'target' && (value.kind !== 'path' || !value.path.writable)) {
    const found = value.kind === 'path' ? `${value.path.context}.${value.path.name} can only be read` : 'found a value';
    throw new OttlError(`${place} is a path that can be written; ${found}`, node);
  }
  if (parameter.role === 'literal') checkLiteral(value, parameter, place);
  if (parameter.role === 'pattern' && value.kind === 'constant') checkPattern(value, scope.text);
  checkConstant(value, parameter, place, scope);
  if (value.kind !== 'constant' && (value.types & parameter.accepts) === 0) {
    warn(
      scope,
      node,
      `always fails: ${place} is ${describeTypes(parameter.accepts)}, found ${describeTypes(value.types)}`,
    );
  }
  return value;
}

function resolveLambda(node: ArgumentNode, { lambda }: Parameter, place: string, scope: Scope): ResolvedLambda {
  if (lambda === undefined) throw new Error(`${place} does not say which lambda it takes`);
  const names = lambda.parameters.map(({ name }) => name).join(', ');
  if (node.kind !== 'lambda') throw new OttlError(`${place} is a lambda: write (${names}) => …`, node);
  const wanted = lambda.parameters.length;
  const found = node.parameters.length;
  if (found !== wanted) {
    const message = `${place} is a lambda of ${wanted} parameters, (${names}), found ${found}; _ stands for one without use`;
    throw new OttlError(message, node.parameters[wanted] ?? node);
  }
  const own = new Map<string, Local>();
  const parameters = node.parameters.map((parameter, i) => {
    const { name } = parameter;
    if (name === '_') return null;
    if (own.has(name)) throw new OttlError(`two parameters have the name ${name}`, parameter);
    const local = { name, types: lambda.parameters[i].types };
    own.set(name, local);
    return local;
  });
  const body = expression(node.body, { ...scope, locals: new Map([...scope.locals, ...own]) });
  const types = body.kind === 'condition' ? type.bool : body.value.types;
  if ((types & lambda.gives) === 0) {
    const message = `always fails: ${place} gives ${describeTypes(lambda.gives)}, found ${describeTypes(types)}`;
    warn(scope, node.body, message);
  }
  return { kind: 'lambda', parameters, body, types: anyType, at: node };
}
