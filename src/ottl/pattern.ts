// A regular expression that stands in the text is compiled while checking, so that a mistake in it has a place.
import { compileRegExp, RegExpError } from '../lib/regexp/regexp.ts';
import { OttlError } from './error.ts';
import type { ResolvedConstant } from './resolved.ts';

/** `text`: the condition or statement that the constant stands in. Throws OttlError. */
export function checkPattern({ value, at }: ResolvedConstant, text: string): void {
  if (typeof value !== 'string') return;
  try {
    compileRegExp(value);
  } catch (error) {
    if (!(error instanceof RegExpError)) throw error;
    const { offset } = error;
    // The character can be pointed at when the pattern stands in the text as it is, without escapes.
    const plain = text.slice(at.offset + 1, at.offset + at.length - 1) === value;
    const place = plain && offset !== null ? { offset: at.offset + 1 + offset, length: 1 } : at;
    throw new OttlError(`not a regular expression of RE2: ${error.message}`, place);
  }
}
