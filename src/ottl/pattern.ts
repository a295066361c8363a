// A regular expression that stands in the text is compiled while checking, so that a mistake in it has a place.
import { compileRegExp, RegExpError } from '../lib/regexp/regexp.ts';
import { OttlError } from './error.ts';
import type { ResolvedConstant } from './resolved.ts';
import { placeIn } from './unquote.ts';

/** `text`: the condition or statement that the constant stands in. Throws OttlError. */
export function checkPattern({ value, at }: ResolvedConstant, text: string): void {
  if (typeof value !== 'string') return;
  try {
    compileRegExp(value);
  } catch (error) {
    if (!(error instanceof RegExpError)) throw error;
    throw new OttlError(`not a regular expression of RE2: ${error.message}`, placeIn(at, text, error.offset));
  }
}
