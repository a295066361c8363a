// `chatcmpl-{hex:24}`: text with holes.

import { suggestion } from '../../src/config/suggest.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { isRefusal, resolveReference, type Surroundings } from './references.ts';
import type { PatternPart } from './value-spec.ts';

/** A wrong hole: `at` is the character of the pattern. */
export interface PatternProblem {
  readonly at: number;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface PatternRead {
  readonly parts: readonly PatternPart[];
  readonly problems: readonly PatternProblem[];
}

/** Names of holes. */
export const HOLES: readonly string[] = [
  'hex',
  'digits',
  'base62',
  'uuid',
  'int',
  'one_of',
  'word',
  'index',
  'let',
  'attr',
  'parent',
];
const MOST_CHARACTERS = 1024;

/** Version 4, variant 1. */
const uuidParts = (around: Surroundings): PatternPart[] => {
  const hex = (length: number) => freshHole('hex', length, around);
  const variant: PatternPart = { hole: 'one_of', choices: ['8', '9', 'a', 'b'] };
  return [hex(8), '-', hex(4), '-4', hex(3), '-', variant, hex(3), '-', hex(12)];
};

const freshHole = (alphabet: 'hex' | 'digits' | 'base62', length: number, around: Surroundings): PatternPart => ({
  hole: around.fresh ? 'fresh' : 'random',
  alphabet,
  length,
});

const wrong = (message: string): Omit<PatternProblem, 'at'> => ({ code: 'CONFIG_VALUE', message });

const readFresh = (name: 'hex' | 'digits' | 'base62', text: string, around: Surroundings) => {
  const length = /^\d+$/.test(text) ? Number(text) : 0;
  if (length >= 1 && length <= MOST_CHARACTERS) return [freshHole(name, length, around)];
  return wrong(`{${name}:N} needs a number of characters from 1 to ${MOST_CHARACTERS}, as {${name}:24}`);
};

const readInteger = (text: string): PatternPart[] | Omit<PatternProblem, 'at'> => {
  const match = /^(-?\d+)\.\.(-?\d+)$/.exec(text);
  const [from, to] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || from > to || !Number.isSafeInteger(to - from))
    return wrong('{int:…} needs a range, as {int:1..100}');
  return [{ hole: 'int', from, to }];
};

/** The parts of one hole (without its braces), or what is wrong with it. */
const readHole = (hole: string, around: Surroundings): readonly PatternPart[] | Omit<PatternProblem, 'at'> => {
  const colon = hole.indexOf(':');
  const name = colon < 0 ? hole : hole.slice(0, colon);
  const text = colon < 0 ? '' : hole.slice(colon + 1);
  switch (name) {
    case 'hex':
    case 'digits':
    case 'base62':
      return readFresh(name, text, around);
    case 'uuid':
    case 'word':
    case 'index':
      if (colon >= 0) return wrong(`{${name}} takes nothing after it`);
      return name === 'uuid' ? uuidParts(around) : [{ hole: name }];
    case 'int':
      return readInteger(text);
    case 'one_of':
      return text === ''
        ? wrong('{one_of:…} needs texts, as {one_of:a|b|c}')
        : [{ hole: 'one_of', choices: text.split('|') }];
    case 'let':
    case 'attr':
    case 'parent': {
      const value = resolveReference(name, text, around);
      return isRefusal(value) ? value : [{ hole: 'value', value }];
    }
    default:
      return wrong(`no hole {${name}} (a brace of its own is written {{)${suggestion(name, HOLES, 'holes')}`);
  }
};

export const readPattern = (text: string, around: Surroundings): PatternRead => {
  const parts: PatternPart[] = [];
  const problems: PatternProblem[] = [];
  let literal = '';
  const flush = () => {
    if (literal !== '') parts.push(literal);
    literal = '';
  };
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf('{', at);
    if (open < 0) break;
    literal += text.slice(at, open);
    const close = text.indexOf('}', open);
    if (text[open + 1] === '{') {
      literal += '{';
      at = open + 2;
    } else if (close < 0) {
      problems.push({ at: open, ...wrong('a hole that is not closed; a brace of its own is written {{') });
      return { parts, problems };
    } else {
      const read = readHole(text.slice(open + 1, close), around);
      flush();
      if ('code' in read) problems.push({ at: open, ...read });
      else parts.push(...read);
      at = close + 1;
    }
  }
  literal += text.slice(at);
  flush();
  return { parts, problems };
};
