import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { mock, test } from 'node:test';
import { pino } from 'pino';
import type { Extension } from '../../../../src/component/extension.ts';
import { createBearerTokenAuth } from '../../../../src/extensions/bearertokenauth/authenticator.ts';
import { bearertokenauth } from '../../../../src/extensions/bearertokenauth/index.ts';
import { tokensOf } from '../../../../src/extensions/bearertokenauth/tokens.ts';
import { Secret } from '../../../../src/lib/secret.ts';
import { makeFolder } from '../../transport/tls/certificates.ts';
import { clientSide, keep, reader, said, serverSide, silent, until } from '../support.ts';

const missing = 'no credential: the header authorization is missing';
const wrong = 'the credential in the header authorization is not accepted';

function create(change: Partial<Parameters<typeof createBearerTokenAuth>[0]> = {}): Extension {
  const tokens = ['first-token', 'second-token'].map((token) => new Secret(token));
  return createBearerTokenAuth({
    header: 'authorization',
    scheme: 'Bearer',
    tokens,
    filename: '',
    log: silent,
    watchMs: 5,
    ...change,
  });
}
const ask = (extension: Extension, value: string, header = 'authorization'): string =>
  said(serverSide(extension).refusal(reader(value === '' ? {} : { [header]: value })));

test('clients are welcome with any of the tokens, and with nothing else', async (t) => {
  const extension = keep(t, create());
  await extension.start();
  for (const value of ['Bearer first-token', 'Bearer second-token', 'bearer second-token', 'BEARER   first-token']) {
    assert.equal(ask(extension, value), '', value);
  }
  assert.equal(ask(extension, ''), missing);
  for (const value of [
    'Bearer',
    'Bearer ',
    'Bearer first-toke',
    'Bearer first-token2',
    'Bearer FIRST-TOKEN',
    'first-token',
    'Basic first-token',
    'Bearerfirst-token',
    'Bearer first-token second-token',
    `Bearer ${'x'.repeat(100_000)}`,
  ]) {
    assert.equal(ask(extension, value), wrong, value.slice(0, 40));
  }
});

test('of several headers of the name the first counts, as in the Collector', async (t) => {
  const extension = keep(t, create());
  await extension.start();
  const refusal = (values: readonly string[]): string => said(serverSide(extension).refusal(() => values));
  assert.equal(refusal(['Bearer first-token', 'Bearer x']), '');
  assert.equal(refusal(['Bearer x', 'Bearer first-token']), wrong);
});

test('no answer says anything of the token that was shown, or of those that would be right', async (t) => {
  const extension = keep(t, create());
  await extension.start();
  assert.doesNotMatch(ask(extension, 'Bearer a-secret-of-mine'), /mine|first|second/);
});

test('each answer compares digests of one length with all tokens, whether one matches or not', async (t) => {
  const compare = mock.method(crypto, 'timingSafeEqual');
  // What modules imported by name follows only then.
  syncBuiltinESMExports();
  t.after(() => {
    compare.mock.restore();
    syncBuiltinESMExports();
  });
  const tokens = ['one', 'two', 'three'].map((token) => new Secret(token));
  const extension = keep(t, create({ tokens }));
  await extension.start();
  for (const value of ['Bearer one', 'Bearer three', 'Bearer four', 'Basic one', 'Bearer']) {
    compare.mock.resetCalls();
    ask(extension, value);
    assert.equal(compare.mock.callCount(), 3, value);
    for (const { arguments: both } of compare.mock.calls) {
      assert.deepEqual(
        both.map((bytes) => bytes.byteLength),
        [32, 32],
      );
    }
  }
});

test('another header, and a token without a scheme', async (t) => {
  const extension = keep(t, create({ header: 'x-key', scheme: '' }));
  await extension.start();
  assert.equal(ask(extension, 'first-token', 'x-key'), '');
  assert.equal(ask(extension, 'Bearer first-token', 'x-key'), 'the credential in the header x-key is not accepted');
  assert.deepEqual(clientSide(extension).headers({}, { a: 'b' }), { a: 'b', 'x-key': 'first-token' });
});

test('requests that go out carry the first token, instead of a header of the exporter', async (t) => {
  const extension = keep(t, create());
  await extension.start();
  assert.deepEqual(clientSide(extension).headers({}, { authorization: 'old', b: 'c' }), {
    authorization: 'Bearer first-token',
    b: 'c',
  });
});

test('tokens of a file: one a line, replaced while it runs; the version says so', async (t) => {
  const folder = makeFolder(t);
  const filename = folder.write('tokens', '\uFEFFone\r\n\n  two  \n');
  const extension = keep(t, create({ filename }));
  await extension.start();
  const { version } = serverSide(extension);
  assert.equal(ask(extension, 'Bearer one'), '');
  assert.equal(ask(extension, 'Bearer two'), '');
  assert.equal(ask(extension, 'Bearer first-token'), wrong, 'the file counts alone');
  assert.equal(ask(extension, 'Bearer '), wrong, 'a blank line is no token');
  folder.write('tokens', 'three\n');
  await until(() => serverSide(extension).version !== version);
  assert.equal(ask(extension, 'Bearer three'), '');
  assert.equal(ask(extension, 'Bearer one'), wrong);
  assert.equal(clientSide(extension).headers({}, {}).authorization, 'Bearer three');
});

test('a file that vanishes or is emptied keeps the old tokens, and that is logged without them', async (t) => {
  const folder = makeFolder(t);
  const filename = folder.write('tokens', 'a-secret-of-mine\n');
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const extension = keep(t, create({ filename, log }));
  await extension.start();
  const { version } = serverSide(extension);
  folder.write('tokens', '\n \n');
  await until(() => lines.length === 1);
  rmSync(filename);
  await until(() => lines.length === 2);
  assert.equal(ask(extension, 'Bearer a-secret-of-mine'), '');
  assert.equal(serverSide(extension).version, version);
  assert.match(lines[0], /filename holds no token/);
  assert.match(lines[1], /ENOENT/);
  assert.doesNotMatch(lines.join(), /mine/);
  const values = [...(extension.metricValues?.() ?? [])].map(({ labels, value }) => [labels.outcome, value]);
  assert.equal(values[0][1], 0);
  assert.ok(Number(values[1][1]) >= 2);
});

test('a start without the file, or with nothing in it that can be a token, is an error that names it', async (t) => {
  const folder = makeFolder(t);
  const start = (filename: string): Promise<void> => keep(t, create({ filename })).start();
  await assert.rejects(start(folder.path('gone')), { code: 'AUTH', message: /^filename cannot be read: ENOENT.*gone/ });
  await assert.rejects(start(folder.write('empty', '\n')), { code: 'AUTH', message: 'filename holds no token' });
  await assert.rejects(start(folder.write('odd', 'fine\nto\x00ken\n')), {
    code: 'AUTH',
    message: /^filename line 2: /,
  });
});

test('the configuration is checked as the Collector does, and tokens are in no message', () => {
  const problems = (config: object): string[] => {
    const parsed = bearertokenauth.config.safeParse(config);
    if (!parsed.success) return parsed.error.issues.map(({ path }) => path.join('.'));
    return (bearertokenauth.check?.(parsed.data) ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
  };
  assert.deepEqual(problems({ token: 'x' }), []);
  assert.deepEqual(problems({ filename: 'x', token: 'y' }), []);
  assert.deepEqual(problems({}), [': no token: set token, tokens or filename']);
  assert.deepEqual(problems({ token: 'x', tokens: ['y'] }), ['tokens: token and tokens cannot stand together']);
  assert.deepEqual(problems({ token: 'x', header: 'a b' }), ['header']);
  assert.deepEqual(problems({ token: 'x', scheme: 'a b' }), ['scheme']);
  const [message] = problems({ tokens: ['fine', 'sec\nret'] });
  assert.match(message, /^tokens.1: the token has a character/);
  assert.doesNotMatch(JSON.stringify(bearertokenauth.config.parse({ token: 'sesame' })), /sesame/);
  const advice = bearertokenauth.advise?.(bearertokenauth.config.parse({ filename: 'x', token: 'y' })) ?? [];
  assert.deepEqual(
    advice.map(({ path }) => path),
    [['filename']],
  );
});

test('the first word of a line of a file is a token, and nothing of a comment is', () => {
  const text =
    'one # the first\n\ttwo\t// the second\n# rotated in spring\n #old\n// nobody’s\n//8= three is padded\r\n';
  assert.deepEqual(tokensOf('filename', text), ['one', 'two', '//8=']);
  assert.throws(() => tokensOf('filename', '# nothing\n//\n'), { code: 'AUTH', message: 'filename holds no token' });
});
