// Password hashes that are slow by design: bcrypt a quarter of a second, the others some milliseconds. Runs in a thread of
// its own (hash-thread.ts).
import { timingSafeEqual } from 'node:crypto';
import { compareSync } from 'bcryptjs';
import { md5Crypt } from './md5-crypt.ts';
import { shaCrypt } from './sha-crypt.ts';

/** `hash`: one that htpasswd.ts understood. */
export function isSlowPassword(password: string, hash: string): boolean {
  if (hash.startsWith('$2')) return compareSync(password, hash);
  const end = hash.lastIndexOf('$');
  const [, name, ...middle] = hash.slice(0, end).split('$');
  const salt = Buffer.from(middle.at(-1) ?? '').subarray(0, 16);
  const bytes = Buffer.from(password);
  const rounds = Number(/^rounds=(\d+)$/.exec(middle[0])?.[1] ?? 5000);
  const made =
    name === '5' || name === '6'
      ? shaCrypt(bytes, { algorithm: name === '5' ? 'sha256' : 'sha512', rounds, salt })
      : md5Crypt(bytes, `$${name}$`, salt);
  const [shown, known] = [Buffer.from(made), Buffer.from(hash.slice(end + 1))];
  return shown.length === known.length && timingSafeEqual(shown, known);
}
