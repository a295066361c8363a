// Random pieces of text from a source of 32 unsigned bits a call.

export type Random = () => number;

export const digits = '0123456789';
export const lowerHex = '0123456789abcdef';
export const upperLetters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
export const lowerLetters = 'abcdefghijklmnopqrstuvwxyz';
export const base62 = digits + upperLetters + lowerLetters;
export const base64url = `${base62}-_`;

/** A whole number from 0 to count - 1. */
export const below = (random: Random, count: number): number => Math.floor((random() / 2 ** 32) * count);

/** A whole number from min to max, both included. */
export const between = (random: Random, min: number, max: number): number => min + below(random, max - min + 1);

export const pick = <T>(random: Random, items: readonly T[]): T => items[below(random, items.length)] as T;

export const draw = (random: Random, alphabet: string, length: number): string => {
  let text = '';
  for (let index = 0; index < length; index++) text += alphabet.charAt(below(random, alphabet.length));
  return text;
};

/** Letters and digits in the lengths of the groups, with the separator between: '4-4-4-4'. */
export const group = (text: string, lengths: readonly number[], separator: string): string => {
  const parts: string[] = [];
  let at = 0;
  for (const length of lengths) {
    parts.push(text.slice(at, at + length));
    at += length;
  }
  return parts.join(separator);
};

/** Fills the holes of a form: `#` a digit, `A` an upper-case letter, everything else is itself. */
export const fill = (random: Random, form: string): string =>
  form.replaceAll(/[#A]/g, (hole) => draw(random, hole === '#' ? digits : upperLetters, 1));
