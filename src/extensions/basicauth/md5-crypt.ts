// The MD5-based hashes of password files: Apache's `$apr1$` and the `$1$` of crypt(3), which differ in that name alone.
// A thousand rounds, so about a millisecond. As written down in crypt(3) of FreeBSD (P.-H. Kamp).
import { hash } from 'node:crypto';
import { crypt64 } from './crypt64.ts';

const rounds = 1000;
const zero = Buffer.alloc(1);

const md5 = (...parts: readonly Buffer[]): Buffer => hash('md5', Buffer.concat(parts), 'buffer');

/** The 22 characters behind `$apr1$salt$`. `name`: `$apr1$` or `$1$`; of the salt 8 bytes count. */
export function md5Crypt(password: Buffer, name: string, salt: Buffer): string {
  const key = salt.subarray(0, 8);
  const { length } = password;
  const alternate = md5(password, key, password);
  const parts = [password, Buffer.from(name), key];
  for (let left = length; left > 0; left -= 16) parts.push(alternate.subarray(0, Math.min(16, left)));
  for (let bits = length; bits > 0; bits >>= 1) parts.push((bits & 1) === 1 ? zero : password.subarray(0, 1));
  let digest = md5(...parts);
  for (let round = 0; round < rounds; round++) {
    const isOdd = (round & 1) === 1;
    const mixed = [isOdd ? password : digest];
    if (round % 3 !== 0) mixed.push(key);
    if (round % 7 !== 0) mixed.push(password);
    mixed.push(isOdd ? digest : password);
    digest = md5(...mixed);
  }
  const order = [0, 6, 12, 1, 7, 13, 2, 8, 14, 3, 9, 15, 4, 10, 5, 11];
  return crypt64(order.map((at) => digest[at]));
}
