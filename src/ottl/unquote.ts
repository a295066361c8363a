// The content of a string literal, with the escapes of Go.
import type { Span } from './ast.ts';
import { OttlError } from './error.ts';

const simple: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 92,
  '"': 34,
};
const hexDigits: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
/** `quoted` includes its quotes and starts at `offset` of the source text. \x and octal escapes name code points. */
export function unquote(quoted: string, offset: number): string {
  const inner = quoted.slice(1, -1);
  let text = '';
  let at = 0;
  for (let next = inner.indexOf('\\'); next >= 0; next = inner.indexOf('\\', at)) {
    const { codePoint, length } = readEscape(inner, next, offset + 1);
    text += inner.slice(at, next) + String.fromCodePoint(codePoint);
    at = next + length;
  }
  return text + inner.slice(at);
}

/** Where character `offset` of a constant is written that stands at `at` of the text; all of it when that is not known. */
export function placeIn(at: Span, text: string, offset: number | null): Span {
  const literal = text.slice(at.offset, at.offset + at.length);
  // A constant may stand in parentheses, or be computed.
  if (offset === null || !literal.startsWith('"')) return at;
  return { offset: at.offset + writtenAt(literal, offset), length: 1 };
}

/** Where in the literal, quotes included, character `index` of its content is written. */
function writtenAt(quoted: string, index: number): number {
  const inner = quoted.slice(1, -1);
  let at = 0;
  for (let length = 0; length < index && at < inner.length; ) {
    const found = inner[at] === '\\' ? readEscape(inner, at, 0) : null;
    at += found?.length ?? 1;
    length += found === null || found.codePoint < 0x10000 ? 1 : 2;
  }
  return at + 1;
}

function readEscape(inner: string, at: number, base: number): { codePoint: number; length: number } {
  const letter = inner[at + 1] ?? '';
  const known = simple[letter];
  if (known !== undefined) return { codePoint: known, length: 2 };
  const digits = hexDigits[letter] ?? 0;
  const hex = inner.slice(at + 2, at + 2 + digits);
  if (digits > 0 && hex.length === digits && /^[0-9a-fA-F]+$/.test(hex)) {
    const codePoint = Number.parseInt(hex, 16);
    const surrogate = codePoint >= 0xd800 && codePoint <= 0xdfff;
    if (codePoint <= 0x10ffff && !surrogate) return { codePoint, length: 2 + digits };
  }
  const octal = inner.slice(at + 1, at + 4);
  if (/^[0-3][0-7]{2}$/.test(octal)) return { codePoint: Number.parseInt(octal, 8), length: 4 };
  const shown = inner.slice(at, at + 2);
  throw new OttlError(`${shown} is not an escape of a string; a backslash itself is written \\\\`, {
    offset: base + at,
    length: shown.length,
  });
}
