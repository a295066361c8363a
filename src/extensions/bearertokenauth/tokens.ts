// Tokens as texts.
import { unusable } from '../../transport/fresh-files.ts';

/** Why it cannot be a token; null: it can. Nothing of it is shown. */
export function tokenProblem(text: string): string | null {
  if (text.trim() === '') return 'a token must not be empty';
  // RFC 9110 5.5: what a field value may have.
  if (!/^[\t\x20-\x7e]+$/.test(text))
    return 'the token has a character that no header can carry, such as the end of a line';
  return null;
}

/**
 * The tokens of a file: the first word of each line, and whatever comes behind it is a comment, as the Collector has it. A
 * line that is a comment as a whole has no token; its `#` would be one that anybody guesses. Throws a SpanmillError AUTH.
 */
export function tokensOf(field: string, text: string): string[] {
  const tokens: string[] = [];
  // Some editors write a byte order mark.
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const [token] = line.trim().split(/[ \t]+/);
    if (token === '' || token.startsWith('#') || token === '//') continue;
    const problem = tokenProblem(token);
    if (problem !== null) throw unusable(field, `line ${index + 1}: ${problem}`);
    tokens.push(token);
  }
  if (tokens.length === 0) throw unusable(field, 'holds no token');
  return tokens;
}
