// Functions that belong to no group.
import { randomBytes, randomUUID } from 'node:crypto';
import { fault } from '../error.ts';
import { type } from '../values.ts';
import { converter, doubleLike, type FunctionDefinition, stringLike } from './define.ts';

/** The digits from the right, every second doubled, add up to a multiple of ten. */
function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = digits.length - 1, doubled = false; i >= 0; i--, doubled = !doubled) {
    const digit = digits.charCodeAt(i) - 48;
    sum += doubled ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
  }
  return sum % 10 === 0;
}

/** RFC 9562, version 7: 48 bits of milliseconds, the rest random. */
function uuidV7(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

export const otherFunctions: readonly FunctionDefinition[] = [
  converter({
    name: 'IsValidLuhn',
    summary: 'Whether the digits of the text or int, spaces left out, pass the Luhn check (card numbers do).',
    parameters: [stringLike('target')],
    returns: type.bool,
    examples: [
      { text: 'IsValidLuhn("4539 1488 0343 6467")', gives: 'true' },
      { text: 'IsValidLuhn(17893729975)', gives: 'false' },
      { text: 'IsValidLuhn("12-34")', fails: 'the text has something else than digits' },
    ],
    run: (text) => {
      if (text === null) throw fault('expected a string, got nil');
      const digits = text.replaceAll(' ', '');
      if (!/^[0-9]*$/.test(digits)) throw fault('the text has something else than digits');
      return digits !== '' && isLuhn(digits);
    },
  }),
  converter({
    name: 'Log',
    summary: 'The natural logarithm of the number, which is above 0.',
    parameters: [doubleLike('target')],
    returns: type.double,
    examples: [
      { text: 'Log(2.5)', gives: '0.9162907318741551' },
      { text: 'Log(0)', fails: 'a logarithm wants a number above 0' },
    ],
    run: (value) => {
      if (value === null || value <= 0) throw fault('a logarithm wants a number above 0');
      return Math.log(value);
    },
  }),
  converter({
    name: 'UUID',
    summary: 'A new random UUID (version 4).',
    parameters: [],
    returns: type.string,
    pure: false,
    examples: [{ text: 'Len(UUID())', gives: '36' }],
    run: () => randomUUID(),
  }),
  converter({
    name: 'UUIDv7',
    summary: 'A new UUID that starts with the time (version 7), so that later ones sort behind earlier ones.',
    parameters: [],
    returns: type.string,
    pure: false,
    examples: [{ text: 'Substring(UUIDv7(), 14, 1)', gives: '"7"' }],
    run: uuidV7,
  }),
];
