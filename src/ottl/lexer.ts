// Text -> tokens. The rules and their order are those of the Collector's lexer (reference 2.1), but that a name such as
// IsMatch is one token here instead of a row of upper and lower case pieces.
import { OttlError } from './error.ts';
import { unquote } from './unquote.ts';

type TokenKind = 'bytes' | 'float' | 'int' | 'string' | 'word' | 'operator' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** As written. */
  readonly text: string;
  /** The content of a string literal; the text of all others. */
  readonly value: string;
  readonly offset: number;
  readonly length: number;
}

const space = /[\s]+/y;
const rules: readonly (readonly [TokenKind, RegExp])[] = [
  ['bytes', /0x[0-9a-fA-F]+/y],
  ['float', /(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?/y],
  ['int', /\d+/y],
  ['string', /"[^"\\]*(?:\\[\s\S][^"\\]*)*"/y],
  ['operator', /==|!=|>=|<=|=>|[-+*/=<>(){}[\]:,.]/y],
  ['word', /[A-Za-z][A-Za-z0-9_]*|_/y],
];

/** All tokens of the text, ended by one of kind `end`. Throws OttlError. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = skipSpace(text, 0);
  while (at < text.length) {
    const token = tokenAt(text, at);
    tokens.push(token);
    at = skipSpace(text, at + token.length);
  }
  // Right behind the last: what is missing is missing there, not behind the blanks or the line's end that follow.
  const last = tokens.at(-1);
  tokens.push({
    kind: 'end',
    text: '',
    value: '',
    offset: last === undefined ? 0 : last.offset + last.length,
    length: 0,
  });
  return tokens;
}

function skipSpace(text: string, at: number): number {
  space.lastIndex = at;
  return space.test(text) ? space.lastIndex : at;
}

function tokenAt(text: string, at: number): Token {
  for (const [kind, rule] of rules) {
    rule.lastIndex = at;
    const found = rule.exec(text)?.[0];
    if (found === undefined) continue;
    const value = kind === 'string' ? unquote(found, at) : found;
    return { kind, text: found, value, offset: at, length: found.length };
  }
  throw unreadable(text, at);
}

const hints: Readonly<Record<string, string>> = {
  '~': '; a regular expression is tried with IsMatch(value, "…")',
  ';': '; each statement is an item of its own',
  '%': '; there is no remainder',
  $: '; there are no variables: a path begins with its context, such as span',
};

function unreadable(text: string, at: number): OttlError {
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
  const span = { offset: at, length: character.length };
  if (character === '"') {
    return new OttlError('this string has no closing quote', { offset: at, length: text.length - at });
  }
  if (character === "'" || character === '`') {
    return new OttlError(
      'expected a value, found a quote that OTTL does not know; strings stand in double quotes',
      span,
    );
  }
  if (character === '&' || character === '|') {
    return new OttlError(`"${character}" is not an operator; write ${character === '&' ? '"and"' : '"or"'}`, span);
  }
  if (character === '!') return new OttlError('"!" is not an operator; write "not" or "!="', span);
  return new OttlError(`the character "${character}" means nothing here${hints[character] ?? ''}`, span);
}
