// Tokens -> syntax tree, by recursive descent over the grammar of reference 2.2. Conditions and values are read by the
// same functions and told apart afterwards, so that `(a + b) > c` and `(a > b)` need no second try and a mistake is
// named where it stands.
import type { CallNode, CompareOperator, ConditionNode, Span, StatementNode, ValueNode } from './ast.ts';
import { atOperator, atWord, Cursor, expected, expectOperator, join, next, peek } from './cursor.ts';
import { OttlError } from './error.ts';
import { tokenize } from './lexer.ts';
import { parseCall, parseValue } from './parse-value.ts';

const compareOperators: readonly string[] = ['==', '!=', '<', '<=', '>', '>='];

/** A whole condition. Throws OttlError. */
export function parseCondition(text: string): ConditionNode {
  const cursor = cursorOver(text);
  const condition = asCondition(parseEither(cursor));
  if (peek(cursor).kind !== 'end') throw expected(cursor, '"and", "or" or the end of the condition');
  return condition;
}

/** A whole condition or value, whichever it is. Throws OttlError. */
export function parseExpression(text: string): ConditionNode | ValueNode {
  const cursor = cursorOver(text);
  const expression = parseEither(cursor);
  if (peek(cursor).kind === 'end') return expression;
  throw expected(cursor, 'an operator or the end of the expression');
}

function cursorOver(text: string): Cursor {
  return new Cursor(tokenize(text), parseEither);
}

/** A whole statement: an editor and perhaps `where` with a condition. Throws OttlError. */
export function parseStatement(text: string): StatementNode {
  const cursor = cursorOver(text);
  const editor = parseEditor(cursor);
  let where: ConditionNode | null = null;
  if (atWord(cursor, 'where')) {
    next(cursor);
    where = asCondition(parseEither(cursor));
  }
  if (peek(cursor).kind !== 'end') {
    throw expected(
      cursor,
      where === null ? '"where" or the end of the statement' : '"and", "or" or the end of the statement',
    );
  }
  return { editor, where, offset: 0, length: text.length };
}

function parseEditor(cursor: Cursor): CallNode {
  const token = peek(cursor);
  if (token.kind !== 'word') throw expected(cursor, 'an editor such as set');
  if (/^[A-Z]/.test(token.text)) {
    throw new OttlError(
      `${token.text} is a converter: it computes a value and cannot stand alone; a statement starts with an editor such as set`,
      token,
    );
  }
  const call = parseCall(cursor);
  if (atOperator(cursor, '[')) throw new OttlError('the result of an editor cannot be indexed', peek(cursor));
  return call;
}

/** A value only where nothing makes it a condition. */
function parseEither(cursor: Cursor): ConditionNode | ValueNode {
  const first = parseTerm(cursor);
  if (!atWord(cursor, 'and') && !atWord(cursor, 'or')) return first;
  const term = (): ConditionNode => asCondition(parseTerm(cursor));
  const terms = (from: ConditionNode): ConditionNode => parseLogic(cursor, 'and', from, term);
  return parseLogic(cursor, 'or', terms(asCondition(first)), () => terms(term()));
}

/** The operands that follow `first`. */
function parseLogic(
  cursor: Cursor,
  kind: 'and' | 'or',
  first: ConditionNode,
  operand: () => ConditionNode,
): ConditionNode {
  if (!atWord(cursor, kind)) return first;
  const operands = [first];
  while (atWord(cursor, kind)) {
    next(cursor);
    operands.push(operand());
  }
  return { kind, operands, ...join(first, operands[operands.length - 1]) };
}

/** A condition, or a value that turns out not to be compared with anything. */
function parseTerm(cursor: Cursor): ConditionNode | ValueNode {
  if (atWord(cursor, 'not')) {
    const start = next(cursor);
    if (atWord(cursor, 'not')) throw expected(cursor, 'a condition');
    const operand = asCondition(parseTerm(cursor));
    return { kind: 'not', operand, ...join(start, operand) };
  }
  if (atOperator(cursor, '(') && opensCondition(cursor)) {
    cursor.enter();
    next(cursor);
    const inner = parseEither(cursor);
    expectOperator(cursor, ')', '"and", "or" or ")"');
    cursor.leave();
    const operator = peek(cursor);
    if (operator.kind === 'operator' && compareOperators.includes(operator.text)) {
      throw new OttlError(`expected a value before ${operator.text}, found a condition`, inner);
    }
    return inner;
  }
  const left = parseValue(cursor);
  const operator = peek(cursor);
  refuseForeign(cursor);
  if (operator.kind !== 'operator' || !compareOperators.includes(operator.text)) return left;
  next(cursor);
  const right = parseValue(cursor);
  return { kind: 'comparison', operator: operator.text as CompareOperator, left, right, ...join(left, right) };
}

/**
 * Whether the parenthesis at the cursor holds a condition: one of its own tokens (not of an inner parenthesis, which is
 * asked itself) is a comparison or a logic word, or it stands where only a condition can. Each parenthesis is scanned
 * once for itself and once for each one around it, and the nesting is bounded.
 */
function opensCondition(cursor: Cursor): boolean {
  let depth = 0;
  for (let i = cursor.at; i < cursor.tokens.length; i++) {
    const { kind, text } = cursor.tokens[i];
    if (kind === 'operator') {
      if (text === '(' || text === '[' || text === '{') depth++;
      else if (text === ')' || text === ']' || text === '}') {
        depth--;
        if (depth === 0) return !continuesValue(cursor, i + 1);
      } else if (depth === 1 && compareOperators.includes(text)) return true;
    } else if (kind === 'word' && depth === 1 && (text === 'and' || text === 'or' || text === 'not')) return true;
  }
  return false;
}

/** After a closing parenthesis: what follows makes it a part of a computation or comparison (or of a lambda). */
function continuesValue(cursor: Cursor, at: number): boolean {
  const { kind, text } = cursor.tokens[at];
  return kind === 'operator' && (compareOperators.includes(text) || ['+', '-', '*', '/', '=>'].includes(text));
}

/** What compares in other languages. */
const foreign: Readonly<Record<string, string>> = { '=': '==', '=<': '<=', '=>': '>=', '<>': '!=' };

function refuseForeign(cursor: Cursor): void {
  const token = peek(cursor);
  const follower = peek(cursor, 1);
  const isPair = ['<', '>'].includes(follower.text) && follower.offset === token.offset + token.length;
  const written = isPair ? token.text + follower.text : token.text;
  if (token.kind !== 'operator' || foreign[written] === undefined) return;
  const place = { offset: token.offset, length: written.length };
  throw new OttlError(`"${written}" does not compare; write "${foreign[written]}"`, place);
}

function asCondition(node: ConditionNode | ValueNode): ConditionNode {
  switch (node.kind) {
    case 'comparison':
    case 'not':
    case 'and':
    case 'or':
    case 'call':
      return node;
    case 'literal':
      if (typeof node.value === 'boolean') return node;
      break;
    case 'path':
      throw lonely(node, 'a path is not a condition by itself; compare it, for a bool attribute with == true');
  }
  throw lonely(node, 'expected a comparison such as ==, found a value alone');
}

function lonely(at: Span, message: string): OttlError {
  return new OttlError(message, at);
}
