// Hashes of passwords against those that other programs made.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { hash, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { isPassword, usersOf } from '../../../../src/extensions/basicauth/htpasswd.ts';
import { isSlowPassword } from '../../../../src/extensions/basicauth/slow-hash.ts';
import { peers, programOf } from '../../../conformance/support/peers.ts';

function matches(password: string, line: string): boolean {
  const check = usersOf('file', line).get('user');
  assert.ok(check);
  return check.kind === 'fast' ? isPassword(password, check) : isSlowPassword(password, check.hash);
}

/** Made by htpasswd of Apache 2.4, by openssl passwd, or given in the description of the format. */
const known: readonly (readonly [kind: string, password: string, hash: string])[] = [
  ['bcrypt $2y$', 'myPassword', '$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC'],
  ['bcrypt $2a$', 'U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['bcrypt $2b$', 'U*U', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['SHA-1', 'myPassword', '{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE='],
  ['MD5 of Apache', 'myPassword', '$apr1$qHDFfhPC$nITSVHgYbDAK1Y0acGRnY0'],
  ['MD5 of Apache', 'myPassword', '$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/'],
  ['SHA-256 of crypt', 'Hello world!', '$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5'],
  [
    'SHA-256 of crypt, with rounds',
    'Hello world!',
    '$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA',
  ],
  [
    'SHA-512 of crypt',
    'Hello world!',
    '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
  ],
  ['plain text', 'myPassword', 'myPassword'],
  ['plain text like a reference', '$ecret', '$ecret'],
];

describe('what others made', () => {
  for (const [kind, password, stored] of known) {
    test(`${kind}: the password is right, and nothing else is`, () => {
      assert.equal(matches(password, `user:${stored}`), true);
      for (const wrong of [`${password}x`, password.slice(1), '', stored === password ? '' : stored]) {
        assert.equal(matches(wrong, `user:${stored}`), false, wrong);
      }
    });
  }

  test('openssl passwd: random passwords and salts of every length', (t) => {
    const openssl = programOf(peers.openssl);
    if (openssl === null) return t.skip(peers.openssl.reason);
    for (let length = 1; length < 70; length += 3) {
      const password = randomBytes(length).toString('hex').slice(0, length);
      const salt = randomBytes(6)
        .toString('hex')
        .slice(0, 1 + (length % 8));
      for (const kind of ['-apr1', '-1', '-5', '-6']) {
        const made = execFileSync(openssl, ['passwd', kind, '-salt', salt, password], { encoding: 'utf8' }).trim();
        assert.equal(matches(password, `user:${made}`), true, `${kind} ${password} ${made}`);
        assert.equal(matches(`${password}.`, `user:${made}`), false);
      }
    }
  });
});

test('salted SHA-1: the salt stands behind the digest', () => {
  const digest = hash('sha1', 'secretsalt', 'buffer');
  const line = `user:{SSHA}${Buffer.concat([digest, Buffer.from('salt')]).toString('base64')}`;
  assert.equal(matches('secret', line), true);
  assert.equal(matches('secre', line), false);
  assert.equal(matches('secretsalt', line), false);
});

test('lines: blanks and comments are none, the last of a user counts, and a password may have colons', () => {
  const users = usersOf('file', '\uFEFF# users\r\n\r\n  a:first\r\nb:x:y\na:second\n');
  assert.deepEqual([...users.keys()], ['a', 'b']);
  const [a, b] = [...users.values()];
  assert.ok(a.kind === 'fast' && b.kind === 'fast');
  assert.equal(isPassword('second', a), true);
  assert.equal(isPassword('x:y', b), true);
});

test('what is not understood is refused by its line, and nothing of it is shown', () => {
  for (const [line, message] of [
    ['nobody', 'is not user:hash'],
    [':hash', 'is not user:hash'],
    ['user:', 'has no password'],
    ['user:$argon2id$v=19$m=65536$abc$def', 'has a hash of an unknown kind; make one with: htpasswd -B'],
    [
      'user:$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
      'has a hash of an unknown kind; make one with: htpasswd -B',
    ],
    ['user:$2y$05$tooshort', 'has a hash of an unknown kind; make one with: htpasswd -B'],
    ['user:{PBKDF2}abc', 'has a hash of an unknown kind; make one with: htpasswd -B'],
    ['user:{SHA}YWJj', 'has a broken {SHA} hash'],
    ['user:{SSHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=', 'has a broken {SSHA} hash'],
    [
      'user:$2y$31$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC',
      'has a bcrypt hash of cost 31; 4 to 16 are taken',
    ],
    [`user:$5$rounds=999999999$salt$${'a'.repeat(43)}`, 'has 999999999 rounds; 1000 to 1000000 are taken'],
  ] as const) {
    assert.throws(() => usersOf('htpasswd.file', `fine:plain\n${line}\n`), {
      code: 'AUTH',
      message: `htpasswd.file line 2 ${message}`,
    });
  }
});
