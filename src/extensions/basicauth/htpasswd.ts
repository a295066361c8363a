// Password files as Apache's htpasswd writes them, and the Collector reads: `user:hash`, or `user:password`, in each line.
import { hash, timingSafeEqual } from 'node:crypto';
import { unusable } from '../../transport/fresh-files.ts';

/** What a line says of a password. */
export type PasswordCheck =
  /** SHA-1 of the password and the salt behind it; the password itself is kept as its SHA-256, with no salt. */
  | { readonly kind: 'fast'; readonly algorithm: 'sha1' | 'sha256'; readonly salt: Buffer; readonly digest: Buffer }
  /** A hash that is slow by design, as it stands in the file. */
  | { readonly kind: 'slow'; readonly hash: string };

export type Users = ReadonlyMap<string, PasswordCheck>;

/** A check takes about 4 s with bcrypt at 16, and 3 s with a million rounds; beyond that nobody means it. */
const highestCost = 16;
const mostRounds = 1_000_000;

const sha1Bytes = 20;

/** Users of a file or of the configuration; the last line of a user counts. Throws a SpanmillError AUTH that names the line. */
export function usersOf(field: string, text: string): Map<string, PasswordCheck> {
  const users = new Map<string, PasswordCheck>();
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const problem = colon < 1 ? 'is not user:hash' : problemOf(line.slice(colon + 1));
    if (problem !== '') throw unusable(field, `line ${index + 1} ${problem}`);
    users.set(line.slice(0, colon), checkOf(line.slice(colon + 1)));
  }
  return users;
}

/** '' for what is understood. A hash that nobody knows must not be taken for a password. */
function problemOf(text: string): string {
  if (text === '') return 'has no password';
  const bcrypt = /^\$2[aby]\$(\d\d)\$[./0-9A-Za-z]{53}$/.exec(text);
  if (bcrypt !== null) {
    const cost = Number(bcrypt[1]);
    return cost >= 4 && cost <= highestCost ? '' : `has a bcrypt hash of cost ${cost}; 4 to ${highestCost} are taken`;
  }
  const sha = /^\$(?:5|6)\$(?:rounds=(\d{1,9})\$)?[^$]{0,16}\$(?:[./0-9A-Za-z]{43}|[./0-9A-Za-z]{86})$/.exec(text);
  if (sha !== null) {
    const rounds = Number(sha[1] ?? 5000);
    return rounds >= 1000 && rounds <= mostRounds ? '' : `has ${rounds} rounds; 1000 to ${mostRounds} are taken`;
  }
  if (/^\$(?:apr1|1)\$[^$]{0,8}\$[./0-9A-Za-z]{22}$/.test(text)) return '';
  if (text.startsWith('{SHA}'))
    return Buffer.from(text.slice(5), 'base64').length === sha1Bytes ? '' : 'has a broken {SHA} hash';
  if (text.startsWith('{SSHA}'))
    return Buffer.from(text.slice(6), 'base64').length > sha1Bytes ? '' : 'has a broken {SSHA} hash';
  const isHash = /^\$[0-9A-Za-z-]+\$/.test(text) || /^\{[0-9A-Z-]+\}/.test(text);
  return isHash ? 'has a hash of an unknown kind; make one with: htpasswd -B' : '';
}

function checkOf(text: string): PasswordCheck {
  if (/^\$(?:2[aby]|5|6|apr1|1)\$/.test(text)) return { kind: 'slow', hash: text };
  const [, kind = '', encoded = ''] = /^\{(SHA|SSHA)\}(.*)$/.exec(text) ?? [];
  if (kind === '')
    return { kind: 'fast', algorithm: 'sha256', salt: Buffer.alloc(0), digest: hash('sha256', text, 'buffer') };
  const bytes = Buffer.from(encoded, 'base64');
  return { kind: 'fast', algorithm: 'sha1', salt: bytes.subarray(sha1Bytes), digest: bytes.subarray(0, sha1Bytes) };
}

export function isPassword(password: string, check: PasswordCheck & { readonly kind: 'fast' }): boolean {
  const shown = hash(check.algorithm, Buffer.concat([Buffer.from(password), check.salt]), 'buffer');
  return timingSafeEqual(shown, check.digest);
}
