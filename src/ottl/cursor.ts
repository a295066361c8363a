// Reading tokens one by one.
import type { ConditionNode, Span, ValueNode } from './ast.ts';
import { OttlError, wordMeant } from './error.ts';
import type { Token } from './lexer.ts';

/** Parentheses, lists, maps and calls inside one another: far beyond what people write, far below the stack's end. */
const maxNesting = 200;

/** Reads a condition or a value, whichever stands there. */
export type EitherParser = (cursor: Cursor) => ConditionNode | ValueNode;

export class Cursor {
  readonly tokens: readonly Token[];
  /** For the body of a lambda: a part of a value, though conditions are made of values. */
  readonly parseEither: EitherParser;
  at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], parseEither: EitherParser) {
    this.tokens = tokens;
    this.parseEither = parseEither;
  }

  /** Around everything that nests. */
  enter(): void {
    this.#depth++;
    if (this.#depth > maxNesting) throw new OttlError(`nested more than ${maxNesting} deep`, peek(this));
  }
  leave(): void {
    this.#depth--;
  }
}

export function peek(cursor: Cursor, ahead = 0): Token {
  return cursor.tokens[Math.min(cursor.at + ahead, cursor.tokens.length - 1)];
}

export function next(cursor: Cursor): Token {
  const token = peek(cursor);
  cursor.at = Math.min(cursor.at + 1, cursor.tokens.length - 1);
  return token;
}

export function atOperator(cursor: Cursor, text: string, ahead = 0): boolean {
  const token = peek(cursor, ahead);
  return token.kind === 'operator' && token.text === text;
}

export function atWord(cursor: Cursor, text: string): boolean {
  const token = peek(cursor);
  return token.kind === 'word' && token.text === text;
}

export function expectOperator(cursor: Cursor, text: string, wanted = `"${text}"`): Token {
  if (!atOperator(cursor, text)) throw expected(cursor, wanted);
  return next(cursor);
}

export function expected(cursor: Cursor, what: string): OttlError {
  const token = peek(cursor);
  const found = token.kind === 'end' ? 'the end' : token.kind === 'string' ? 'a string' : `"${token.text}"`;
  const meant = token.kind === 'word' ? wordMeant(token.text) : '';
  return new OttlError(`expected ${what}, found ${found}${meant}`, token);
}

/** The characters from the first to the end of the last. */
export function join(first: Span, last: Span): Span {
  return { offset: first.offset, length: last.offset + last.length - first.offset };
}
