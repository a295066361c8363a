import assert from 'node:assert/strict';
import { test } from 'node:test';
import { format, inspect, isDeepStrictEqual } from 'node:util';
import { pino } from 'pino';
import { Secret } from '../../../src/lib/secret.ts';

const text = 'the-words-nobody-sees';
const secret = new Secret(text);

test('a secret is told to who asks for it', () => {
  assert.equal(secret.reveal(), text);
  assert.equal(secret.isEmpty, false);
  assert.equal(new Secret('').isEmpty, true);
});

test('no way of showing a value shows a secret', () => {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  log.info({ secret, inner: { list: [secret] } }, 'a line %s %o', secret, { secret });
  const shown = [
    `${secret}`,
    String(secret),
    JSON.stringify({ secret, list: [secret] }),
    inspect({ secret }, { depth: 9 }),
    inspect(secret, { showHidden: true }),
    format('%s %o %j', secret, secret, secret),
    new Error(`no ${secret}`).message,
    Object.entries(secret).flat().join(),
    ...lines,
  ];
  assert.ok(lines.length > 0);
  for (const one of shown) assert.ok(!one.includes(text), one);
});

test('two secrets are deeply equal exactly when their texts are', () => {
  assert.ok(isDeepStrictEqual({ token: new Secret('a') }, { token: new Secret('a') }));
  assert.ok(!isDeepStrictEqual({ token: new Secret('a') }, { token: new Secret('b') }));
});
