// Faults by kind: the oracle says only the kind, the compiled rule a sentence for people.
import { fault, type OttlFault } from '../../../../src/ottl/error.ts';

const kinds: readonly (readonly [kind: string, sentence: RegExp])[] = [
  ['no keys', /has no keys$/],
  ['key', /^a (map|list) is asked by|^a key is a string or an int/],
  ['missing', /^the map lacks the key$/],
  ['index', /^index -?\d+ is outside/],
  ['range', /^the end -?\d+ is (before|outside)/],
  ['math', /^cannot compute|^division by zero$/],
  ['condition', /which is not a condition$/],
  ['attribute', /^an attribute cannot hold/],
  ['limit', /^the limit is/],
  ['format', /^the replacement format has/],
  ['applied', /^the function gave/],
  ['lambda', /^the lambda gave .* not a bool$/],
  ['append', /^cannot append to/],
  ['id text', /^a (trace|span) id is \d+ hex digits$/],
  ['32 bits', /^flags is a number of 32 bits/],
  ['kind text', /^the string is none of/],
  ['type', /^expected (?!the name)|^flatten wants a map$|cannot be made/],
];

export function fail(kind: string): OttlFault {
  if (!kinds.some(([known]) => known === kind)) throw new Error(`there is no kind of fault ${kind}`);
  return fault(`oracle: ${kind}`);
}

/** A sentence of no kind, as the functions have, is its own. */
export function kindOf({ message }: OttlFault): string {
  if (message.startsWith('oracle: ')) return message.slice(8);
  return kinds.find(([, sentence]) => sentence.test(message))?.[0] ?? message;
}
