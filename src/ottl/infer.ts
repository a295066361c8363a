// Which context a group of rules runs in, when the configuration does not say: the lowest that a path names, or one
// below it when a function or enum symbol needs that.
import type { ArgumentNode, CallNode, ConditionNode, PathNode, StatementNode, SymbolNode, ValueNode } from './ast.ts';
import { type ContextName, contextNames, sees } from './environment.ts';
import { OttlError, suggestion, wordMeant } from './error.ts';
import { contextMistake, namedContext, resolveFunction, symbolsIn } from './resolve.ts';

interface Hints {
  /** But for those that are parameters of a lambda. */
  readonly paths: PathNode[];
  /** Those of them that stand alone in brackets: `attributes[method]`. */
  readonly keys: Set<PathNode>;
  readonly calls: CallNode[];
  readonly symbols: SymbolNode[];
}

/**
 * The context of rules that run together. `otherwise`: that of a path which names none, and of rules without paths. Throws
 * OttlError when a path names none and there is no `otherwise`, or when no context has all that is used.
 */
export function inferContext(
  rules: readonly (ConditionNode | StatementNode | ValueNode)[],
  otherwise: ContextName | null = null,
): ContextName {
  const hints: Hints = { paths: [], keys: new Set(), calls: [], symbols: [] };
  for (const rule of rules) {
    if ('editor' in rule) {
      collect(rule.editor, hints);
      if (rule.where !== null) collect(rule.where, hints);
    } else collect(rule, hints);
  }
  // Without a path of an item any context will do.
  let lowest: ContextName = otherwise !== null && hints.paths.length === 0 ? otherwise : 'resource';
  for (const path of hints.paths) {
    const context = namedContext(path) ?? otherwise;
    if (context === null) throw withoutContext(path, hints.keys.has(path));
    if (context !== 'otelcol' && sees(context, lowest)) lowest = context;
  }
  // From the lowest that is named downwards.
  for (const context of contextNames.toReversed()) {
    if (sees(context, lowest) && offers(context, hints)) return context;
  }
  const [call] = hints.calls;
  const at = hints.paths[0] ?? call ?? hints.symbols[0] ?? rules[0] ?? { offset: 0, length: 0 };
  throw new OttlError('no context has all of the functions and symbols that are used here', at);
}

function withoutContext(path: PathNode, isKey: boolean): OttlError {
  const [first, second] = path.fields;
  const mistake = contextMistake(first);
  if (mistake !== null) return mistake;
  const { name } = first;
  if (second !== undefined) {
    const context = suggestion(name, contextNames);
    if (context !== '') return new OttlError(`there is no context ${name}${context}`, first);
  } else if (first.keys.length === 0) {
    const word = wordMeant(name) || suggestion(name, ['nil', 'true', 'false']);
    if (word !== '') return new OttlError(`${name} is no value${word}`, first);
    if (isKey) return new OttlError(`a key that is a text stands in quotes: "${name}"`, first);
  }
  return new OttlError(
    `a path names its context here, such as span.${name} or resource.${name} (or give the group a "context")`,
    first,
  );
}

function offers(context: ContextName, { calls, symbols }: Hints): boolean {
  if (symbols.length > 0 && !symbolsIn(context)) return false;
  return calls.every((call) => {
    const { contexts } = resolveFunction(call, null);
    return contexts === null || contexts.includes(context);
  });
}

/** `locals`: parameters of the lambdas around the node. */
function collect(node: ConditionNode | ArgumentNode, hints: Hints, locals: readonly string[] = []): void {
  switch (node.kind) {
    case 'literal':
    case 'function-name':
      return;
    case 'symbol':
      hints.symbols.push(node);
      return;
    case 'path':
      if (!locals.includes(node.fields[0].name)) hints.paths.push(node);
      for (const field of node.fields) {
        for (const key of field.keys) {
          if (key.kind === 'path') hints.keys.add(key);
          collect(key, hints, locals);
        }
      }
      return;
    case 'call':
      hints.calls.push(node);
      for (const argument of node.args) collect(argument.value, hints, locals);
      for (const key of node.keys) collect(key, hints, locals);
      return;
    case 'list':
      for (const item of node.items) collect(item, hints, locals);
      return;
    case 'map':
      for (const entry of node.entries) collect(entry.value, hints, locals);
      return;
    case 'lambda':
      collect(node.body, hints, [...locals, ...node.parameters.map(({ name }) => name)]);
      return;
    case 'sign':
    case 'not':
      collect(node.operand, hints, locals);
      return;
    case 'math':
    case 'comparison':
      collect(node.left, hints, locals);
      collect(node.right, hints, locals);
      return;
    case 'and':
    case 'or':
      for (const operand of node.operands) collect(operand, hints, locals);
  }
}
