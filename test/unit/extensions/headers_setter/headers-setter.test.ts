import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientAuthenticator } from '../../../../src/component/capabilities.ts';
import { headersSetter } from '../../../../src/extensions/headers_setter/index.ts';
import { createHeadersSetter, type HeaderRule } from '../../../../src/extensions/headers_setter/setter.ts';
import { Secret } from '../../../../src/lib/secret.ts';
import { makeFolder } from '../../transport/tls/certificates.ts';
import { clientSide, keep, silent, until } from '../support.ts';

const fixed = (value: string) => ({ kind: 'fixed', value: new Secret(value) }) as const;
const context = (key: string, otherwise = '') => ({ kind: 'context', key, otherwise: new Secret(otherwise) }) as const;

function headersOf(
  rules: readonly HeaderRule[],
  given: Readonly<Record<string, string>> = {},
  metadata: Readonly<Record<string, readonly string[]>> = {},
): Readonly<Record<string, string>> {
  const { offers } = createHeadersSetter({ rules, additional: null, log: silent });
  assert.ok(offers?.clientAuth);
  return offers.clientAuth.headers(metadata, given);
}

test('each action does to a header that is there, and to one that is not, what its name says', () => {
  const given = { there: 'old' };
  for (const [action, there, absent] of [
    ['insert', 'old', 'new'],
    ['update', 'new', undefined],
    ['upsert', 'new', 'new'],
    ['delete', undefined, undefined],
  ] as const) {
    const rule = (key: string): HeaderRule => ({ action, key, source: fixed('new') });
    const headers = headersOf([rule('there'), rule('absent')], given);
    assert.deepEqual([headers.there, headers.absent], [there, absent], action);
  }
  assert.deepEqual(given, { there: 'old' }, 'what was given was changed');
});

test('rules go in order, each on what the one before it left', () => {
  const rules: HeaderRule[] = [
    { action: 'insert', key: 'a', source: fixed('1') },
    { action: 'insert', key: 'a', source: fixed('2') },
    { action: 'update', key: 'a', source: fixed('3') },
    { action: 'delete', key: 'b', source: fixed('') },
    { action: 'insert', key: 'b', source: fixed('4') },
  ];
  assert.deepEqual(headersOf(rules, { b: '0' }), { a: '3', b: '4' });
});

test('a value of the client’s request, in whatever case it is named, or the default', () => {
  const rules: HeaderRule[] = [{ action: 'upsert', key: 'x-scope-orgid', source: context('tenant', 'shared') }];
  assert.deepEqual(headersOf(rules, {}, { tenant: ['a'] }), { 'x-scope-orgid': 'a' });
  assert.deepEqual(headersOf(rules, {}, { Tenant: ['a'] }), { 'x-scope-orgid': 'a' });
  assert.deepEqual(headersOf(rules, {}, { tenant: [] }), { 'x-scope-orgid': 'shared' });
  assert.deepEqual(headersOf(rules, {}, {}), { 'x-scope-orgid': 'shared' });
  const plain: HeaderRule[] = [{ action: 'upsert', key: 'x', source: context('tenant') }];
  assert.deepEqual(headersOf(plain), { x: '' }, 'as the Collector, which sends it empty');
});

test('several values of the client are an error that names the header and none of them', () => {
  const rules: HeaderRule[] = [{ action: 'upsert', key: 'x', source: context('tenant') }];
  assert.throws(() => headersOf(rules, {}, { tenant: ['mine', 'yours'] }), {
    code: 'EXPORT',
    message: 'the client sent 2 values of tenant: which one is meant is not known',
  });
});

test('the headers of another extension come first', () => {
  const other: ClientAuthenticator = { headers: (_, given) => ({ ...given, authorization: 'Bearer t', a: 'other' }) };
  const rules: HeaderRule[] = [{ action: 'update', key: 'a', source: fixed('mine') }];
  const { offers } = createHeadersSetter({ rules, additional: () => other, log: silent });
  assert.deepEqual(offers?.clientAuth?.headers({}, { b: 'c' }), { b: 'c', authorization: 'Bearer t', a: 'mine' });
});

test('what is known of the client’s credential becomes bytes of UTF-8, and no field of its own', () => {
  const rules: HeaderRule[] = [{ action: 'upsert', key: 'x', source: context('auth.username', 'nobody') }];
  assert.deepEqual(headersOf(rules, {}, { 'auth.username': ['ann'] }), { x: 'ann' });
  assert.deepEqual(headersOf(rules, {}, { 'auth.username': [] }), { x: 'nobody' });
  assert.deepEqual(headersOf(rules, {}, { 'auth.username': ['zoë 漢'] }), {
    x: Buffer.from('zoë 漢').toString('latin1'),
  });
  assert.throws(() => headersOf(rules, {}, { 'auth.username': ['ann\r\nauthorization: other'] }), {
    code: 'EXPORT',
    message: 'auth.username of the client has a character that no header field can have',
  });
});

test('an empty value of the client’s is a value, not the default', () => {
  const rules: HeaderRule[] = [{ action: 'upsert', key: 'x', source: context('tenant', 'shared') }];
  assert.deepEqual(headersOf(rules, {}, { tenant: [''] }), { x: '' });
});

test('a value of a file is read at the start, without the end of its line, and again when it changes', async (t) => {
  const folder = makeFolder(t);
  const path = folder.write('key', ' one \n');
  const rules: HeaderRule[] = [
    { action: 'upsert', key: 'k', source: { kind: 'file', field: 'headers[0].value_file', path } },
  ];
  const extension = keep(t, createHeadersSetter({ rules, additional: null, log: silent, watchMs: 5 }));
  await extension.start();
  const now = (): string => clientSide(extension).headers({}, {}).k;
  assert.equal(now(), 'one');
  folder.write('key', 'two');
  await until(() => now() === 'two');
  const bad = createHeadersSetter({
    rules: [
      {
        action: 'upsert',
        key: 'k',
        source: { kind: 'file', field: 'headers[0].value_file', path: folder.write('bad', 'a\nb') },
      },
    ],
    additional: null,
    log: silent,
  });
  await assert.rejects(bad.start(), { code: 'AUTH', message: /^headers\[0\]\.value_file holds a character/ });
});

test('the configuration is checked as the Collector does', () => {
  const problems = (config: object): string[] => {
    const parsed = headersSetter.config.safeParse(config);
    if (!parsed.success) return parsed.error.issues.map(({ path }) => path.join('.'));
    return (headersSetter.check?.(parsed.data) ?? []).map(({ path }) => path.join('.'));
  };
  assert.deepEqual(problems({ headers: [{ key: 'a', value: 'b' }] }), []);
  assert.deepEqual(problems({ headers: [{ key: 'a', action: 'delete' }] }), []);
  assert.deepEqual(problems({}), ['headers']);
  assert.deepEqual(problems({ headers: [] }), ['headers']);
  assert.deepEqual(problems({ headers: [{ value: 'b' }] }), ['headers.0.key']);
  assert.deepEqual(problems({ headers: [{ key: 'a:b', value: 'b' }] }), ['headers.0.key']);
  assert.deepEqual(problems({ headers: [{ key: 'a' }] }), ['headers.0']);
  assert.deepEqual(problems({ headers: [{ key: 'a', value: 'b', from_context: 'c' }] }), ['headers.0.from_context']);
  assert.deepEqual(problems({ headers: [{ key: 'a', value: 'b\nc' }] }), ['headers.0.value']);
  assert.deepEqual(problems({ headers: [{ key: 'a', from_attribute: 'b' }] }), []);
  assert.deepEqual(problems({ headers: [{ key: 'a', from_attribute: 'b', value_file: 'c' }] }), [
    'headers.0.from_attribute',
  ]);
  const config = headersSetter.config.parse({
    headers: [
      { key: 'a', from_context: 'X-Tenant' },
      { key: 'b', value: 'c' },
      { key: 'd', from_attribute: 'username' },
    ],
    additional_auth: 'bearertokenauth/out',
  });
  assert.deepEqual(headersSetter.metadataKeys?.(config), [
    { path: ['headers', 0, 'from_context'], key: 'x-tenant' },
    { path: ['headers', 2, 'from_attribute'], key: 'auth.username' },
  ]);
  assert.deepEqual(headersSetter.references?.(config), [
    { path: ['additional_auth'], id: 'bearertokenauth/out', capability: 'clientAuth' },
  ]);
});

test('a prefix that only other components know is warned of: it would be a part of the header’s name', () => {
  const advice = (from_context: string) =>
    headersSetter.advise?.(headersSetter.config.parse({ headers: [{ key: 'a', from_context }] })) ?? [];
  assert.deepEqual(advice('x-tenant'), []);
  const [{ path, message }] = advice('metadata.x-tenant');
  assert.deepEqual(path, ['headers', 0, 'from_context']);
  assert.match(message, /x-tenant without the prefix/);
  assert.deepEqual(
    headersSetter
      .metadataKeys?.(headersSetter.config.parse({ headers: [{ key: 'a', from_context: 'metadata.x-tenant' }] }))
      .map(({ key }) => key),
    ['metadata.x-tenant'],
    'as the Collector, which looks for a header of that name',
  );
});
