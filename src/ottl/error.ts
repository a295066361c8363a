// The two ways in which OTTL fails: text that cannot be understood (found at load), and a value that a rule cannot work
// with (found at a span, and then subject to the error mode).
import { nearest } from '../lib/nearest.ts';

/** A mistake in the text of a condition or statement. `offset` and `length` count characters of that text. */
export class OttlError extends Error {
  readonly offset: number;
  readonly length: number;
  constructor(message: string, at: { readonly offset: number; readonly length: number }) {
    super(message);
    this.name = 'OttlError';
    this.offset = at.offset;
    this.length = at.length;
  }
}

/** A rule met a value that it cannot work with. Made with `fault`. */
export class OttlFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'OttlFault';
  }
}

/** A fault may come with every span, and its place in our code tells a user nothing: it is made without a stack trace. */
export function fault(message: string): OttlFault {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const made = new OttlFault(message);
  Error.stackTraceLimit = limit;
  return made;
}

/** `; did you mean X?` when one of the known names is near, else the empty string. */
export function suggestion(found: string, known: readonly string[]): string {
  const near = nearest(found, known);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

/** What other languages have, or this one has in lower case, by what it is called there. */
const otherWords: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['true', 'false', 'nil', 'and', 'or', 'not', 'where'].map((word) => [word, word])),
  null: 'nil',
  none: 'nil',
  undefined: 'nil',
};

/** `; write nil` for a word that means it elsewhere, else the empty string. */
export function wordMeant(found: string): string {
  const lower = found.toLowerCase();
  if (!Object.hasOwn(otherWords, lower) || otherWords[lower] === found) return '';
  return `; write ${otherWords[lower]}`;
}
