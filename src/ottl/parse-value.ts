// The part of the grammar that gives values: literals, paths, converters, lists, maps, lambdas and arithmetic.
import type {
  Argument,
  ArgumentNode,
  CallNode,
  LambdaParameter,
  MathOperator,
  PathField,
  PathNode,
  Span,
  ValueNode,
} from './ast.ts';
import { atOperator, type Cursor, expected, expectOperator, join, next, peek } from './cursor.ts';
import { OttlError, wordMeant } from './error.ts';
import type { Token } from './lexer.ts';

const maxInt64 = 2n ** 63n - 1n;
const keywords: readonly string[] = ['nil', 'true', 'false', 'not', 'and', 'or'];

export function parseValue(cursor: Cursor): ValueNode {
  cursor.enter();
  const value = isLambda(cursor) ? parseLambda(cursor) : parseSum(cursor);
  cursor.leave();
  return value;
}

function parseSum(cursor: Cursor): ValueNode {
  return parseMath(cursor, ['+', '-'], () => parseMath(cursor, ['*', '/'], () => parseSigned(cursor)));
}

function parseMath(cursor: Cursor, operators: readonly MathOperator[], operand: () => ValueNode): ValueNode {
  let left = operand();
  for (;;) {
    const operator = operators.find((text) => atOperator(cursor, text));
    if (operator === undefined) return left;
    mustCalculate(left, operator);
    const token = next(cursor);
    const right = operand();
    mustCalculate(right, token.text);
    left = { kind: 'math', operator, left, right, ...join(left, right) };
  }
}

/** Only numbers, times and durations can be computed with; of literals that is known here. */
function mustCalculate(node: ValueNode, operator: string): void {
  const { kind } = node;
  const number = kind === 'literal' && (typeof node.value === 'bigint' || typeof node.value === 'number');
  if (number || kind === 'path' || kind === 'call' || kind === 'math' || kind === 'sign' || kind === 'symbol') return;
  const text = kind === 'literal' && typeof node.value === 'string';
  const hint = text && operator === '+' ? '; texts are joined with Concat([…], "")' : '';
  throw new OttlError(`expected a number, a path or a converter at "${operator}", found ${nameOf(node)}${hint}`, node);
}

function nameOf(node: ValueNode): string {
  if (node.kind !== 'literal') return `a ${node.kind}`;
  const { value } = node;
  if (value === null) return 'nil';
  return typeof value === 'string' ? 'a string' : typeof value === 'boolean' ? 'a bool' : 'bytes';
}

function parseSigned(cursor: Cursor): ValueNode {
  const minus = atOperator(cursor, '-');
  if (!minus && !atOperator(cursor, '+')) return parsePrimary(cursor);
  const sign = next(cursor);
  const token = peek(cursor);
  if (minus && token.kind === 'int') {
    next(cursor);
    return { kind: 'literal', value: readInt(token, true), ...join(sign, token) };
  }
  cursor.enter();
  const operand = parsePrimary(cursor);
  cursor.leave();
  mustCalculate(operand, sign.text);
  if (operand.kind === 'literal' && typeof operand.value === 'number') {
    return { kind: 'literal', value: minus ? -operand.value : operand.value, ...join(sign, operand) };
  }
  return { kind: 'sign', operator: minus ? '-' : '+', operand, ...join(sign, operand) };
}

function readInt(token: Token, negative: boolean): bigint {
  const value = BigInt(token.text);
  if (value > maxInt64 + (negative ? 1n : 0n)) {
    throw new OttlError(`${negative ? '-' : ''}${token.text} does not fit a 64-bit integer`, token);
  }
  return negative ? -value : value;
}

function parsePrimary(cursor: Cursor): ValueNode {
  const token = peek(cursor);
  switch (token.kind) {
    case 'string':
      next(cursor);
      return { kind: 'literal', value: token.value, offset: token.offset, length: token.length };
    case 'int':
      next(cursor);
      return { kind: 'literal', value: readInt(token, false), offset: token.offset, length: token.length };
    case 'float':
      next(cursor);
      return { kind: 'literal', value: Number(token.text), offset: token.offset, length: token.length };
    case 'bytes':
      return parseBytes(cursor);
    case 'word':
      return parseWord(cursor);
  }
  if (atOperator(cursor, '(')) return parseParenthesis(cursor);
  if (atOperator(cursor, '[')) return parseList(cursor);
  if (atOperator(cursor, '{')) return parseMap(cursor);
  throw expected(cursor, 'a value');
}

function parseBytes(cursor: Cursor): ValueNode {
  const token = next(cursor);
  if (token.text.length % 2 !== 0) throw new OttlError('bytes need an even number of hex digits', token);
  const value = new Uint8Array(Buffer.from(token.text.slice(2), 'hex'));
  return { kind: 'literal', value, offset: token.offset, length: token.length };
}

function parseParenthesis(cursor: Cursor): ValueNode {
  const open = next(cursor);
  const inner = parseValue(cursor);
  const close = expectOperator(cursor, ')', 'an operator or ")"');
  return { ...inner, ...join(open, close) };
}

function parseWord(cursor: Cursor): ValueNode {
  const token = peek(cursor);
  const { text, offset, length } = token;
  if (text === 'nil' || text === 'true' || text === 'false') {
    next(cursor);
    return { kind: 'literal', value: text === 'nil' ? null : text === 'true', offset, length };
  }
  if (keywords.includes(text)) throw expected(cursor, 'a value');
  // An editor cannot stand here either: the checker says so, who knows which functions there are.
  if (atOperator(cursor, '(', 1)) return parseCall(cursor);
  if (text === '_') throw new OttlError('_ stands for a parameter without use: it has no value', token);
  if (/^[a-z]/.test(text)) return parsePath(cursor);
  const meant = wordMeant(text);
  if (meant !== '') throw new OttlError(`${text} is not known${meant}`, token);
  if (/^[A-Z][A-Z0-9_]*$/.test(text)) {
    next(cursor);
    return { kind: 'symbol', name: text, offset, length };
  }
  throw new OttlError(`expected "(" after the name of the converter ${text}`, { offset: offset + length, length: 0 });
}

function parsePath(cursor: Cursor): PathNode {
  const start = peek(cursor);
  const fields: PathField[] = [parseField(cursor)];
  while (atOperator(cursor, '.')) {
    next(cursor);
    fields.push(parseField(cursor));
  }
  const end = cursor.tokens[cursor.at - 1];
  return { kind: 'path', fields, ...join(start, end) };
}

function parseField(cursor: Cursor): PathField {
  const token = peek(cursor);
  if (token.kind !== 'word') throw expected(cursor, 'the name of a field');
  if (!/^[a-z][a-z0-9_]*$/.test(token.text)) {
    throw new OttlError(`the fields of a path are written in lower case, found "${token.text}"`, token);
  }
  next(cursor);
  return { name: token.text, keys: parseKeys(cursor), offset: token.offset, length: token.length };
}

function parseKeys(cursor: Cursor): ValueNode[] {
  const keys: ValueNode[] = [];
  while (atOperator(cursor, '[')) {
    next(cursor);
    if (atOperator(cursor, ']')) throw expected(cursor, 'a key: a string or a whole number');
    const key = parseValue(cursor);
    const useless =
      key.kind === 'literal' &&
      typeof key.value !== 'string' &&
      typeof key.value !== 'bigint' &&
      typeof key.value !== 'number';
    if (useless || key.kind === 'list' || key.kind === 'map' || key.kind === 'lambda') {
      throw new OttlError(`expected a string or a whole number as key, found ${nameOf(key)}`, key);
    }
    keys.push(key);
    expectOperator(cursor, ']');
  }
  return keys;
}

/** A function's name, its arguments, and the keys behind it. */
export function parseCall(cursor: Cursor): CallNode {
  const name = next(cursor);
  expectOperator(cursor, '(', `"(" after ${name.text}`);
  cursor.enter();
  const args: Argument[] = [];
  while (!atOperator(cursor, ')')) {
    if (args.length > 0) expectOperator(cursor, ',', '"," or ")"');
    args.push(parseArgument(cursor, args));
  }
  const close = next(cursor);
  cursor.leave();
  const keys = /^[A-Z]/.test(name.text) ? parseKeys(cursor) : [];
  const end = keys.length > 0 ? cursor.tokens[cursor.at - 1] : close;
  const nameSpan: Span = { offset: name.offset, length: name.length };
  return { kind: 'call', name: name.text, nameSpan, args, keys, ...join(name, end) };
}

function parseArgument(cursor: Cursor, before: readonly Argument[]): Argument {
  const start = peek(cursor);
  if (start.kind === 'word' && atOperator(cursor, '=', 1)) {
    if (!/^[a-z]/.test(start.text)) throw new OttlError('the name of an argument starts with a small letter', start);
    next(cursor);
    next(cursor);
    const value = parseArgumentValue(cursor);
    const name = { text: start.text, offset: start.offset, length: start.length };
    return { name, value, ...join(start, value) };
  }
  const value = parseArgumentValue(cursor);
  if (before.some((argument) => argument.name !== undefined)) {
    throw new OttlError('an argument without a name cannot follow one with a name', value);
  }
  return { value, offset: value.offset, length: value.length };
}

function parseArgumentValue(cursor: Cursor): ArgumentNode {
  const token = peek(cursor);
  const bare = token.kind === 'word' && /^[A-Z]/.test(token.text) && !atOperator(cursor, '(', 1);
  if (bare && !/^[A-Z][A-Z0-9_]*$/.test(token.text) && wordMeant(token.text) === '') {
    next(cursor);
    return { kind: 'function-name', name: token.text, offset: token.offset, length: token.length };
  }
  return parseValue(cursor);
}

function parseList(cursor: Cursor): ValueNode {
  const open = next(cursor);
  const items: ValueNode[] = [];
  while (!atOperator(cursor, ']')) {
    if (items.length > 0) expectOperator(cursor, ',', '"," or "]"');
    items.push(parseValue(cursor));
  }
  return { kind: 'list', items, ...join(open, next(cursor)) };
}

function parseMap(cursor: Cursor): ValueNode {
  const open = next(cursor);
  const entries: { key: string; value: ValueNode }[] = [];
  while (!atOperator(cursor, '}')) {
    const key = peek(cursor);
    if (key.kind !== 'string')
      throw expected(cursor, entries.length === 0 ? 'a string as key, or "}"' : 'a string as key');
    next(cursor);
    expectOperator(cursor, ':');
    entries.push({ key: key.value, value: parseValue(cursor) });
    if (atOperator(cursor, ',')) next(cursor);
    else if (!atOperator(cursor, '}') && peek(cursor).kind !== 'string') throw expected(cursor, '"," or "}"');
  }
  return { kind: 'map', entries, ...join(open, next(cursor)) };
}

/** `(a, b) =>` */
function isLambda(cursor: Cursor): boolean {
  if (!atOperator(cursor, '(')) return false;
  let ahead = 1;
  while (peek(cursor, ahead).kind === 'word' || atOperator(cursor, ',', ahead)) ahead++;
  return atOperator(cursor, ')', ahead) && atOperator(cursor, '=>', ahead + 1);
}

function parseLambda(cursor: Cursor): ValueNode {
  const open = next(cursor);
  const parameters: LambdaParameter[] = [];
  while (!atOperator(cursor, ')')) {
    if (parameters.length > 0) expectOperator(cursor, ',');
    const { kind, text, offset, length } = peek(cursor);
    if (kind !== 'word' || !/^(?:[a-z][a-z0-9_]*|_)$/.test(text) || keywords.includes(text)) {
      throw expected(cursor, 'the name of a parameter in lower case, or _');
    }
    next(cursor);
    parameters.push({ name: text, offset, length });
  }
  next(cursor);
  next(cursor);
  const body = cursor.parseEither(cursor);
  if (body.kind === 'lambda') throw new OttlError('a lambda cannot give another lambda', body);
  return { kind: 'lambda', parameters, body, ...join(open, body) };
}
