import assert from 'node:assert/strict';
import { test } from 'node:test';
import { genSaltSync, hashSync } from 'bcryptjs';
import type { Extension } from '../../../../src/component/extension.ts';
import { createBasicAuthClient } from '../../../../src/extensions/basicauth/client.ts';
import { basicauth } from '../../../../src/extensions/basicauth/index.ts';
import { createBasicAuthServer } from '../../../../src/extensions/basicauth/server.ts';
import { createSlowChecks, type SlowChecks } from '../../../../src/extensions/basicauth/slow-checks.ts';
import { Secret } from '../../../../src/lib/secret.ts';
import { makeFolder } from '../../transport/tls/certificates.ts';
import { clientSide, keep, reader, said, serverSide, silent, until } from '../support.ts';

const missing = 'no credential: the header authorization is missing';
const wrong = /^the credential is not accepted/;
const basic = (user: string, password: string, scheme = 'Basic'): string =>
  `${scheme} ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const bcrypt = (password: string): string => hashSync(password, genSaltSync(4));

function create(change: Partial<Parameters<typeof createBasicAuthServer>[0]>): Extension {
  return createBasicAuthServer({ file: '', inline: new Secret(''), log: silent, watchMs: 5, ...change });
}
const ask = (extension: Extension, value: string) =>
  serverSide(extension).refusal(reader(value === '' ? {} : { authorization: value }));
const answer = async (extension: Extension, value: string): Promise<string> =>
  (await ask(extension, value))?.message ?? '';

/** Decides when the test says so. */
function slowly(): SlowChecks & { readonly asked: string[]; full: boolean; settle(matches: boolean | null): void } {
  const waiting: ((matches: boolean | null) => void)[] = [];
  const checks = {
    asked: [] as string[],
    full: false,
    matches(password: string, hash: string) {
      if (checks.full) return 'busy' as const;
      checks.asked.push(`${password} ${hash}`);
      return new Promise<boolean | null>((resolve) => waiting.push(resolve));
    },
    settle: (matches: boolean | null) => void waiting.shift()?.(matches),
    stop: async () => undefined,
  };
  return checks;
}

test('users of passwords that are checked at once are let in with theirs, and nobody else is', async (t) => {
  const inline = new Secret('ann:plain\nben:{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=\nzoë:pässword:with colon\n');
  const extension = keep(t, create({ inline }));
  await extension.start();
  for (const value of [
    basic('ann', 'plain'),
    basic('ann', 'plain', 'basic'),
    basic('ben', 'myPassword'),
    basic('zoë', 'pässword:with colon'),
  ]) {
    assert.equal(said(ask(extension, value)), '', value);
  }
  assert.equal(said(ask(extension, '')), missing);
  for (const value of [
    basic('ann', 'plai'),
    basic('ann', ''),
    basic('nobody', 'plain'),
    basic('', 'plain'),
    basic('ben', 'plain'),
    'Basic',
    'Basic !!!!',
    `Basic ${Buffer.from('no colon').toString('base64')}`,
    'Bearer plain',
    basic('ann', 'x'.repeat(5000)),
  ]) {
    assert.match(said(ask(extension, value)), wrong, value.slice(0, 50));
  }
});

test('a slow hash is checked once for each credential: right or wrong, the answer is remembered', async (t) => {
  const hash = bcrypt('secret');
  const checks = slowly();
  const extension = keep(t, create({ inline: new Secret(`ann:${hash}`), checks }));
  await extension.start();
  for (const [password, matches] of [
    ['secret', true],
    ['wrong', false],
  ] as const) {
    const first = ask(extension, basic('ann', password));
    const second = ask(extension, basic('ann', password));
    assert.equal(first, second, 'one check serves all that wait for it');
    checks.settle(matches);
    const refusal = await first;
    assert.equal(refusal === null, matches);
    assert.equal(said(ask(extension, basic('ann', password))) === '', matches, 'now it is known at once');
  }
  assert.deepEqual(checks.asked, [`secret ${hash}`, `wrong ${hash}`]);
});

test('a user that nobody knows costs what a known one does, and is refused even with the password of another', async (t) => {
  const hashes = [bcrypt('secret'), bcrypt('secret')];
  const checks = slowly();
  const extension = keep(t, create({ inline: new Secret(`ann:${hashes[0]}\nben:${hashes[1]}`), checks }));
  await extension.start();
  const asked = ask(extension, basic('nobody', 'secret'));
  assert.ok(asked instanceof Promise, 'it was decided at once');
  assert.ok(
    hashes.some((hash) => checks.asked[0] === `secret ${hash}`),
    'against one of those that there are',
  );
  checks.settle(true);
  assert.match((await asked)?.message ?? '', wrong);
});

test('beyond the bound clients are told to come again, whoever is known already comes in', async (t) => {
  const checks = slowly();
  const extension = keep(t, create({ inline: new Secret(`ann:${bcrypt('secret')}`), checks }));
  await extension.start();
  const known = ask(extension, basic('ann', 'secret'));
  checks.settle(true);
  await known;
  checks.full = true;
  const refused = ask(extension, basic('ann', 'other'));
  assert.ok(refused !== null && !(refused instanceof Promise));
  assert.ok(refused.retryDelayMs > 0);
  assert.equal(said(ask(extension, basic('ann', 'secret'))), '');
});

test('a check that came to no end decides nothing: the client may come again', async (t) => {
  const checks = slowly();
  const extension = keep(t, create({ inline: new Secret(`ann:${bcrypt('secret')}`), checks }));
  await extension.start();
  const asked = ask(extension, basic('ann', 'secret'));
  checks.settle(null);
  assert.ok(((await asked)?.retryDelayMs ?? 0) > 0);
  assert.ok(ask(extension, basic('ann', 'secret')) instanceof Promise, 'it is asked again');
});

test('a file that changes: its users count at once, what was remembered is forgotten, what was being checked is asked anew', async (t) => {
  const folder = makeFolder(t);
  const [old, renewed] = [bcrypt('old'), bcrypt('new')];
  const checks = slowly();
  const file = folder.write('users', `ann:${old}\n`);
  const extension = keep(t, create({ file, checks }));
  await extension.start();
  const known = ask(extension, basic('ann', 'old'));
  checks.settle(true);
  await known;
  const underWay = ask(extension, basic('ann', 'new'));
  const { version } = serverSide(extension);
  folder.write('users', `ann:${renewed}\n`);
  await until(() => serverSide(extension).version !== version);
  assert.ok(ask(extension, basic('ann', 'old')) instanceof Promise, 'the old password is still remembered');
  checks.settle(false);
  await until(() => checks.asked.length === 4);
  checks.settle(false);
  checks.settle(true);
  assert.equal(await underWay, null, 'the new password was refused with the old file');
  assert.equal(checks.asked.at(-1), `new ${renewed}`);
});

test('a file that changes: whoever has the same line as before is known as before, and is not checked again', async (t) => {
  const folder = makeFolder(t);
  const [ann, ben] = [bcrypt('ann'), bcrypt('ben')];
  const checks = slowly();
  const file = folder.write('users', `ann:${ann}\nben:${ben}\ncarl:${bcrypt('carl')}\n`);
  const extension = keep(t, create({ file, checks }));
  await extension.start();
  for (const [user, password, matches] of [
    ['ann', 'ann', true],
    ['ann', 'wrong', false],
    ['carl', 'carl', true],
    ['nobody', 'any', false],
  ] as const) {
    const asked = ask(extension, basic(user, password));
    checks.settle(matches);
    await asked;
  }
  const underWay = ask(extension, basic('ben', 'ben'));
  const { version } = serverSide(extension);
  folder.write('users', `# another order, and no carl\nben:${ben}\nann:${ann}\nnobody:${bcrypt('any')}\n`);
  await until(() => serverSide(extension).version !== version);
  assert.equal(said(ask(extension, basic('ann', 'ann'))), '');
  assert.match(said(ask(extension, basic('ann', 'wrong'))), wrong);
  checks.settle(true);
  assert.equal(await underWay, null);
  assert.equal(said(ask(extension, basic('ben', 'ben'))), '');
  assert.equal(checks.asked.length, 5, 'somebody was checked again');
  assert.ok(ask(extension, basic('nobody', 'any')) instanceof Promise, 'a user that is new is checked');
  assert.ok(ask(extension, basic('carl', 'carl')) instanceof Promise, 'a user that is gone is not known');
});

test('who asks is an address, of IPv6 the network of one', async (t) => {
  const peers: string[] = [];
  const checks = { ...slowly(), matches: (_: string, __: string, peer: string) => peers.push(peer) > 0 && 'busy' };
  const extension = keep(t, create({ inline: new Secret(`ann:${bcrypt('secret')}`), checks: checks as SlowChecks }));
  await extension.start();
  for (const peer of ['10.0.0.1:5000', '10.0.0.1:6000', '[::ffff:10.0.0.1]:1', '']) {
    serverSide(extension).refusal(reader({ authorization: basic('ann', 'x') }), peer);
  }
  for (const peer of ['[2001:db8:0:7::1]:1', '[2001:db8:0:7:8:9:a:b]:1', '[::1]:1', '[2001:db8::7:1:2:3:4]:1']) {
    serverSide(extension).refusal(reader({ authorization: basic('ann', 'x') }), peer);
  }
  const network = '2001:db8:0:7';
  assert.deepEqual(peers, ['10.0.0.1', '10.0.0.1', '10.0.0.1', '', network, network, '0:0:0:0', network]);
});

test('users of the configuration count before those of the file', async (t) => {
  const folder = makeFolder(t);
  const file = folder.write('users', 'ann:of-file\nben:of-file\n');
  const extension = keep(t, create({ file, inline: new Secret('ann:of-inline') }));
  await extension.start();
  assert.equal(said(ask(extension, basic('ann', 'of-inline'))), '');
  assert.match(said(ask(extension, basic('ann', 'of-file'))), wrong);
  assert.equal(said(ask(extension, basic('ben', 'of-file'))), '');
});

test('a real bcrypt hash, in its thread', async (t) => {
  const extension = keep(t, create({ inline: new Secret(`ann:${hashSync('secret', genSaltSync(8))}`) }));
  await extension.start();
  assert.equal(await answer(extension, basic('ann', 'secret')), '');
  assert.match(await answer(extension, basic('ann', 'Secret')), wrong);
  assert.match(await answer(extension, basic('ben', 'secret')), wrong);
});

test('the thread takes a bounded number of checks at a time, and is replaced when it dies', async () => {
  const checks = createSlowChecks();
  const hash = hashSync('secret', genSaltSync(8));
  const asked = Array.from({ length: 40 }, () => checks.matches('secret', hash, 'a'));
  const taken = asked.filter((one) => one !== 'busy');
  assert.equal(taken.length, 16);
  assert.deepEqual(new Set(await Promise.all(taken)), new Set([true]));
  await checks.stop();
  await checks.stop();
  assert.equal(await checks.matches('secret', hash, 'a'), null);
  const dying = createSlowChecks(new URL('data:text/javascript,process.exit(1)'));
  assert.equal(await dying.matches('secret', hash, 'a'), null);
  assert.equal(await dying.matches('secret', hash, 'a'), null);
  await dying.stop();
});

test('clients take turns, and one that has all places gives them up to others', async (t) => {
  const checks = createSlowChecks();
  t.after(() => checks.stop());
  const hash = hashSync('secret', genSaltSync(8));
  const order: string[] = [];
  const ask = (peer: string, count: number): Promise<unknown>[] =>
    Array.from({ length: count }, async () => {
      const matches = await checks.matches('wrong', hash, peer);
      order.push(matches === false ? peer : `${peer} ${matches}`);
    });
  const all = [...ask('greedy', 16), ...ask('one', 1), ...ask('two', 9), ...ask('greedy', 1)];
  await Promise.all(all);
  const served = order.filter((line) => !line.includes(' '));
  assert.equal(served.length, 16);
  assert.deepEqual(served.slice(0, 5), ['greedy', 'greedy', 'one', 'two', 'greedy']);
  // Of fifteen that wait the one who wants one has it, the others share the rest.
  const count = (peer: string): number => served.filter((line) => line === peer).length;
  assert.deepEqual([count('greedy'), count('one'), count('two')], [8, 1, 7]);
  assert.equal(order.filter((line) => line === 'greedy busy').length, 1);
  assert.equal(order.filter((line) => line === 'greedy null').length, 8);
  assert.equal(order.filter((line) => line === 'two busy').length, 2);
});

test('the I/O thread goes on while a hash of a quarter of a second is checked', async (t) => {
  const extension = keep(t, create({ inline: new Secret(`ann:${hashSync('secret', genSaltSync(11))}`) }));
  await extension.start();
  // The thread is started by then.
  await answer(extension, basic('ann', 'first'));
  let turns = 0;
  let decided = false;
  const deciding = answer(extension, basic('ann', 'secret')).then(() => {
    decided = true;
  });
  while (!decided) {
    turns++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await deciding;
  assert.ok(turns > 100, `${turns} turns of the event loop`);
});

test('requests that go out carry the user and password, from files that are watched', async (t) => {
  const folder = makeFolder(t);
  const passwordFile = folder.write('password', 'one\n');
  const options = {
    username: 'ann',
    usernameFile: '',
    password: new Secret('unused'),
    passwordFile,
    log: silent,
    watchMs: 5,
  };
  const extension = keep(t, createBasicAuthClient(options));
  await extension.start();
  const now = (): string => clientSide(extension).headers({}, {}).authorization;
  assert.equal(now(), basic('ann', 'one'));
  folder.write('password', 'two\n');
  await until(() => now() === basic('ann', 'two'));
  for (const [change, message] of [
    [{ usernameFile: folder.write('colon', 'a:b') }, /username_file holds a name with a colon/],
    [{ usernameFile: folder.write('blank', ' ') }, /username_file holds no name/],
    [{ passwordFile: folder.write('nothing', '\n') }, /password_file holds no password/],
    [{ passwordFile: folder.path('gone') }, /password_file cannot be read: ENOENT/],
  ] as const) {
    await assert.rejects(createBasicAuthClient({ ...options, ...change }).start(), { code: 'AUTH', message });
  }
});

test('a start with a file that cannot be understood names its line; one without users says so', async (t) => {
  const folder = makeFolder(t);
  await assert.rejects(create({ file: folder.write('odd', 'a:b\n{nothing}\n') }).start(), {
    code: 'AUTH',
    message: 'htpasswd.file line 2 is not user:hash',
  });
  await assert.rejects(create({ file: folder.write('empty', '# nobody\n') }).start(), {
    code: 'AUTH',
    message: 'htpasswd.file names no user',
  });
  await assert.rejects(create({ inline: new Secret('#\n') }).start(), { message: 'htpasswd.inline names no user' });
});

test('the configuration is checked as the Collector does', () => {
  const problems = (config: object): string[] => {
    const parsed = basicauth.config.safeParse(config);
    if (!parsed.success) return parsed.error.issues.map(({ path }) => path.join('.'));
    return (basicauth.check?.(parsed.data) ?? []).map(({ path }) => path.join('.'));
  };
  assert.deepEqual(problems({ htpasswd: { inline: 'a:b' } }), []);
  assert.deepEqual(problems({ client_auth: { username: 'a', password: 'b' } }), []);
  assert.deepEqual(problems({}), ['']);
  assert.deepEqual(problems({ htpasswd: {} }), ['htpasswd']);
  assert.deepEqual(problems({ htpasswd: { file: 'x' }, client_auth: { username: 'a' } }), ['client_auth']);
  assert.deepEqual(problems({ client_auth: {} }), ['client_auth']);
  assert.deepEqual(problems({ client_auth: { username: 'a:b' } }), ['client_auth.username']);
  assert.deepEqual(problems({ client_auth: { username: 'a', aws_secrets_manager: {} } }), [
    'client_auth.aws_secrets_manager',
  ]);
  assert.deepEqual(basicauth.offers?.(basicauth.config.parse({ htpasswd: { file: 'x' } })), ['serverAuth']);
  assert.deepEqual(basicauth.offers?.(basicauth.config.parse({ client_auth: { username: 'x' } })), ['clientAuth']);
});

test('what it knows of a client is its name and the credential as it was sent, by the Collector’s names', () => {
  const { attribute } = serverSide(create({ inline: new Secret('ann:plain') }));
  const credential = basic('zoë', 'pass:word');
  const read = reader({ authorization: credential });
  const raw = credential.slice('Basic '.length);
  assert.deepEqual(
    ['username', 'raw', 'password', 'Username', ''].map((name) => attribute?.(read, name)),
    ['zoë', raw, null, null, null],
  );
  assert.equal(attribute?.(reader({ authorization: `basic   ${raw}` }), 'raw'), raw);
  assert.equal(attribute?.(reader({ authorization: 'Bearer x' }), 'raw'), null);
  assert.equal(attribute?.(reader({}), 'username'), null);
  const named = (config: object) => basicauth.credentialAttributes?.(basicauth.config.parse(config));
  assert.deepEqual(named({ htpasswd: { inline: 'a:b' } }), ['username', 'raw']);
  assert.deepEqual(named({ client_auth: { username: 'a' } }), []);
});
