// What the recorded results of the Collector cannot show: where ours differs on purpose, and what depends on memory.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { attributes } from '../../../../src/processors/attributes/index.ts';
import type { AnyValue, KeyValue } from '../../../../src/wire/reference/messages.ts';
import { requestOf, spanOf, spansOf, stageOf } from './run-chain.ts';

const text = (stringValue: string): AnyValue => ({ stringValue });
const pairs = (...list: [string, AnyValue][]): KeyValue[] =>
  list.map(([key, value]) => ({ key, value, keyStrindex: 0 }));

/** The attributes that the actions leave of these, as [key, value] in their order. */
function after(actions: unknown, given: KeyValue[]): [string, AnyValue | undefined][] {
  const output = spansOf(stageOf([attributes, { actions }]).run(requestOf([spanOf(0, { attributes: given })])));
  return output[0].attributes.map(({ key, value }) => [key, value]);
}

const twice = pairs(['user.email', text('a@x')], ['other', text('o')], ['user.email', text('b@x')]);
const sha256 = (content: string) => text(createHash('sha256').update(content).digest('hex'));

test('delete takes every attribute of a key that stands there more than once', () => {
  assert.deepEqual(after([{ key: 'user.email', action: 'delete' }], twice), [['other', text('o')]]);
  assert.deepEqual(after([{ pattern: 'email', action: 'delete' }], twice), [['other', text('o')]]);
});

test('hash leaves no second attribute of the key readable', () => {
  const hashed = [
    ['user.email', sha256('a@x')],
    ['other', text('o')],
    ['user.email', sha256('b@x')],
  ];
  assert.deepEqual(after([{ key: 'user.email', action: 'hash' }], twice), hashed);
  assert.deepEqual(after([{ pattern: '^user', action: 'hash' }], twice), hashed);
});

test('a key that is written stands there once afterwards', () => {
  const masked = [
    ['user.email', text('***')],
    ['other', text('o')],
  ];
  for (const action of ['update', 'upsert']) {
    assert.deepEqual(after([{ key: 'user.email', value: '***', action }], twice), masked);
    assert.deepEqual(
      after([{ key: 'user.email', from_attribute: 'absent', default_value: '***', action }], twice),
      masked,
    );
  }
  const extracted = after(
    [{ key: 'other', pattern: '(?P<user>.)', action: 'extract' }],
    [...pairs(['user', text('1')]), ...twice, ...pairs(['user', text('2')])],
  );
  assert.deepEqual(
    extracted.filter(([key]) => key === 'user'),
    [['user', text('o')]],
  );
});

test('insert leaves a key alone that is there twice', () => {
  const same = twice.map(({ key, value }) => [key, value]);
  assert.deepEqual(after([{ key: 'user.email', value: '***', action: 'insert' }], twice), same);
});

test('a copied value stays what it was when its source is changed or deleted', () => {
  const actions = [
    { key: 'copy', from_attribute: 'a', action: 'insert' },
    { key: 'a', value: 2n, action: 'upsert' },
    { key: 'copy2', from_attribute: 'a', action: 'insert' },
    { key: 'a', action: 'delete' },
  ];
  assert.deepEqual(after(actions, pairs(['a', text('one')])), [
    ['copy', text('one')],
    ['copy2', { intValue: 2n }],
  ]);
});

test('a pattern decides by the whole key, whatever keys came before', () => {
  const stage = stageOf([attributes, { actions: [{ pattern: 'a.*b|^$', action: 'delete' }] }]);
  // Same lengths, and the same bytes first, in the middle and last: a place for remembered answers is shared by many.
  const key = fc.oneof(
    fc.constantFrom(
      '',
      'axb',
      'acb',
      `a${'x'.repeat(200)}b`,
      `a${'x'.repeat(62)}b`,
      `a${'x'.repeat(63)}b`,
      'x'.repeat(65),
    ),
    fc
      .tuple(fc.constantFrom('a', 'c'), fc.constantFrom('1', '2', '3', 'b'), fc.constantFrom('1', '2', 'b'))
      .map((t) => `${t[0]}${t[1]}m${t[2]}z`),
    fc.string({ maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.uniqueArray(key, { maxLength: 20 }), (keys) => {
      const given = keys.map((name): KeyValue => ({ key: name, value: text('v'), keyStrindex: 0 }));
      const [span] = spansOf(stage.run(requestOf([spanOf(0, { attributes: given })])));
      assert.deepEqual(
        span.attributes.map((attribute) => attribute.key),
        keys.filter((name) => !/a.*b|^$/.test(name)),
      );
    }),
    { numRuns: 500 },
  );
});

const tenantAction = { key: 'tenant', from_context: 'metadata.X-Tenant', action: 'insert' };

test('a value of the client is that of the request, on the spans of all its resources', () => {
  // The hash needs memory for each span: it must not lie where the value does.
  const actions = [{ key: 'hashed', action: 'hash' }, tenantAction];
  const stage = stageOf([attributes, { actions }]);
  const span = (number: number) => spanOf(number, { attributes: pairs(['hashed', text('h')]) });
  const request = {
    resourceSpans: [...requestOf([span(0), span(1)]).resourceSpans, ...requestOf([span(2)]).resourceSpans],
  };
  const seen = (values: string[]) => {
    stage.chain.metadata = { 'x-tenant': values };
    return spansOf(stage.run(request)).map((span) => span.attributes.find(({ key }) => key === 'tenant')?.value);
  };
  assert.deepEqual(seen(['a', 'b']), Array(3).fill(text('a;b')));
  assert.deepEqual(seen(['ä']), Array(3).fill(text('ä')));
  assert.deepEqual(seen([]), Array(3).fill(undefined));
});

test('client.address is what the service knows of it, and empty when it knows nothing', () => {
  const stage = stageOf([attributes, { actions: [{ key: 'from', from_context: 'client.address', action: 'upsert' }] }]);
  const seen = () => spansOf(stage.run(requestOf([spanOf(0)])))[0].attributes[0].value;
  stage.chain.metadata = { 'client.address': ['10.1.2.3'] };
  assert.deepEqual(seen(), text('10.1.2.3'));
  stage.chain.metadata = { 'client.address': [] };
  assert.deepEqual(seen(), text(''));
});

test('auth attributes are those of the credential, and never a header of that name', () => {
  const actions = [
    { key: 'user', from_context: 'auth.username', action: 'insert' },
    { key: 'other', from_context: 'auth.tenant', default_value: 'none', action: 'insert' },
  ];
  const stage = stageOf([attributes, { actions }]);
  const seen = () =>
    spansOf(stage.run(requestOf([spanOf(0)])))[0].attributes.map(({ key, value }) => [key, value?.stringValue]);
  stage.chain.metadata = { 'auth.username': ['ann'], username: ['header'], tenant: ['header'] };
  assert.deepEqual(seen(), [
    ['user', 'ann'],
    ['other', 'none'],
  ]);
  stage.chain.metadata = { 'auth.username': [], 'auth.tenant': [] };
  assert.deepEqual(seen(), [['other', 'none']]);
});

test('the client metadata that the actions read are declared, headers in lower case, each once', () => {
  const from = (from_context: string) => ({ key: 'k', from_context, action: 'insert' });
  const config = attributes.config.parse({
    actions: [
      from('metadata.X-Tenant'),
      from('x-tenant'),
      from('client.address'),
      from('auth.username'),
      { key: 'k', value: 1n, action: 'insert' },
    ],
  });
  assert.equal(attributes.role, 'spans');
  assert.deepEqual(attributes.role === 'spans' && attributes.metadataKeys?.(config), [
    'x-tenant',
    'client.address',
    'auth.username',
  ]);
});

test('it says what of resource and scope its include and exclude read', () => {
  const touches = (selection: object) => {
    const config = attributes.config.parse({ ...selection, actions: [{ key: 'k', action: 'delete' }] });
    return attributes.role === 'spans' && attributes.passes?.(config);
  };
  const matches = (properties: object) => ({ match_type: 'strict', ...properties });
  const resourceRead = { what: 'resource', from: 'span', writes: false };
  const scopeRead = { what: 'scope', from: 'span', writes: false };
  assert.deepEqual(touches({}), [[]]);
  assert.deepEqual(touches({ include: matches({ span_names: ['a'], attributes: [{ key: 'a' }] }) }), [[]]);
  assert.deepEqual(touches({ include: matches({ services: ['a'] }) }), [[resourceRead]]);
  assert.deepEqual(
    touches({ include: matches({ resources: [{ key: 'a' }] }), exclude: matches({ libraries: [{ name: 'a' }] }) }),
    [[resourceRead, scopeRead]],
  );
});

test('it says which attributes its actions give a value', () => {
  const config = attributes.config.parse({
    actions: [
      { key: 'a', value: 1n, action: 'insert' },
      { key: 'b', action: 'delete' },
      { key: 'c', pattern: '(?P<d>x)(?P<e>y)', action: 'extract' },
      { key: 'f', action: 'hash' },
    ],
  });
  assert.deepEqual(attributes.sets?.(config), ['a', 'd', 'e', 'f']);
});
