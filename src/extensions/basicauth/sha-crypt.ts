// The SHA-based hashes of crypt(3): `$5$` (SHA-256) and `$6$` (SHA-512), 5000 rounds unless `rounds=` says otherwise.
// As in "Unix crypt using SHA-256 and SHA-512" (U. Drepper), whose steps are numbered there.
import { hash } from 'node:crypto';
import { crypt64 } from './crypt64.ts';

export interface ShaCrypt {
  readonly algorithm: 'sha256' | 'sha512';
  readonly rounds: number;
  /** At most 16 bytes. */
  readonly salt: Buffer;
}

/** `bytes` repeated and cut to `length`. */
function repeated(bytes: Buffer, length: number): Buffer {
  return Buffer.alloc(length, length === 0 ? 0 : bytes);
}

/** The characters behind the last `$`: 43 or 86. */
export function shaCrypt(password: Buffer, { algorithm, rounds, salt }: ShaCrypt): string {
  const sha = (...parts: readonly Buffer[]): Buffer => hash(algorithm, Buffer.concat(parts), 'buffer');
  const { length } = password;
  // Steps 4 to 12.
  const alternate = sha(password, salt, password);
  const parts = [password, salt, repeated(alternate, length)];
  for (let bits = length; bits > 0; bits >>= 1) parts.push((bits & 1) === 1 ? alternate : password);
  let digest = sha(...parts);
  // Steps 13 to 20.
  const passwords = repeated(sha(repeated(password, length * length)), length);
  const salts = repeated(sha(repeated(salt, salt.length * (16 + digest[0]))), salt.length);
  // Step 21.
  for (let round = 0; round < rounds; round++) {
    const isOdd = (round & 1) === 1;
    const mixed = [isOdd ? passwords : digest];
    if (round % 3 !== 0) mixed.push(salts);
    if (round % 7 !== 0) mixed.push(passwords);
    mixed.push(isOdd ? digest : passwords);
    digest = sha(...mixed);
  }
  return crypt64(orderOf(algorithm).map((at) => digest[at]));
}

/** Step 22: groups of three bytes, each a third of the digest on from the one before, turned by one from group to group. */
function orderOf(algorithm: ShaCrypt['algorithm']): number[] {
  const third = algorithm === 'sha256' ? 10 : 21;
  const order: number[] = [];
  for (let group = 0; group < third; group++) {
    const of = [group, group + third, group + 2 * third];
    // SHA-256 turns to the left, SHA-512 to the right.
    const turn = algorithm === 'sha256' ? (3 - (group % 3)) % 3 : group % 3;
    order.push(of[turn], of[(turn + 1) % 3], of[(turn + 2) % 3]);
  }
  return algorithm === 'sha256' ? [...order, 31, 30] : [...order, 63];
}
