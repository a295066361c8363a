// What of resources and scopes a rule reads and writes: by that a stage decides which steps may share a walk over its spans.
import type {
  CheckedCondition,
  CheckedStatement,
  ResolvedArgument,
  ResolvedCondition,
  ResolvedExpression,
  ResolvedPath,
} from './resolved.ts';

/** A path of a rule, and whether the rule writes to it. */
export interface PathUse {
  readonly path: ResolvedPath;
  readonly writes: boolean;
}

/** All paths that the rule names, in the order of its text. */
export function pathsOf(rule: CheckedCondition | CheckedStatement): PathUse[] {
  const uses: PathUse[] = [];
  if ('tree' in rule) inCondition(rule.tree, uses);
  else {
    inArgument(rule.editor, uses);
    if (rule.where !== null) inCondition(rule.where, uses);
  }
  return uses;
}

function inCondition(node: ResolvedCondition, uses: PathUse[]): void {
  switch (node.kind) {
    case 'constant':
      return;
    case 'not':
      inCondition(node.operand, uses);
      return;
    case 'and':
    case 'or':
      for (const operand of node.operands) inCondition(operand, uses);
      return;
    case 'comparison':
      inArgument(node.left, uses);
      inArgument(node.right, uses);
      return;
    case 'call':
      inArgument(node, uses);
  }
}

function inExpression(node: ResolvedExpression, uses: PathUse[]): void {
  if (node.kind === 'condition') inCondition(node.condition, uses);
  else inArgument(node.value, uses);
}

function inArgument(node: ResolvedArgument, uses: PathUse[]): void {
  switch (node.kind) {
    case 'constant':
    case 'function':
      return;
    case 'path':
      uses.push({ path: node, writes: false });
      for (const key of node.keys) inArgument(key, uses);
      return;
    case 'call':
      node.args.forEach((argument, i) => {
        if (argument === null) return;
        const first = uses.length;
        inArgument(argument, uses);
        if (argument.kind === 'path' && node.definition.parameters[i].role === 'target') {
          uses[first] = { path: argument, writes: true };
        }
      });
      for (const key of node.keys) inArgument(key, uses);
      return;
    case 'list':
      for (const item of node.items) inArgument(item, uses);
      return;
    case 'map':
      for (const { value } of node.entries) inArgument(value, uses);
      return;
    case 'local':
      for (const key of node.keys) inArgument(key, uses);
      return;
    case 'lambda':
      inExpression(node.body, uses);
      return;
    case 'sign':
      inArgument(node.operand, uses);
      return;
    case 'math':
      inArgument(node.left, uses);
      inArgument(node.right, uses);
  }
}

/** Keys of span attributes that the statement sets by a key that stands in it. */
export function spanAttributesSet(statement: CheckedStatement): string[] {
  return pathsOf(statement).flatMap(({ path, writes }) => {
    const [key] = path.keys;
    const isSpanAttribute = path.path.context === 'span' && path.path.keyed === 'attributes';
    const isNamed = key?.kind === 'constant' && typeof key.value === 'string';
    return writes && isSpanAttribute && isNamed ? [String(key.value)] : [];
  });
}
