// What the recorded results of the Collector cannot show: where it ends in a panic, keys that stand on a span twice, texts
// of other clients' making.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { attributes } from '../../../../src/processors/attributes/index.ts';
import { span } from '../../../../src/processors/span/index.ts';
import type { KeyValue, Span } from '../../../../src/wire/reference/messages.ts';
import { requestOf, spanOf, spansOf, stageOf } from '../attributes/run-chain.ts';

const pairs = (...list: [string, string][]): KeyValue[] =>
  list.map(([key, stringValue]) => ({ key, value: { stringValue }, keyStrindex: 0 }));
const texts = ({ attributes: list }: Span): (string | undefined)[][] =>
  list.map(({ key, value }) => [key, value?.stringValue]);

const after = (config: object, fields: Partial<Span>): Span =>
  spansOf(stageOf([span, config]).run(requestOf([spanOf(0, fields)])))[0];
const byRule = (rule: string, name: string) => {
  const changed = after({ name: { to_attributes: { rules: [rule] } } }, { name });
  return { name: changed.name, attributes: texts(changed) };
};

test('a group that took no part sets nothing and is not in the name', () => {
  assert.deepEqual(byRule('^/users(?:/(?P<id>\\d+))?(?P<rest>/.*)?$', '/users/7'), {
    name: '/users/{id}',
    attributes: [['id', '7']],
  });
  assert.deepEqual(byRule('^(?:(?P<a>x)|(?P<b>y))*', 'yx!'), {
    name: 'y{a}!',
    attributes: [
      ['a', 'x'],
      ['b', 'y'],
    ],
  });
});

test('a group inside of another sets its attribute, and the outer one stands in the name', () => {
  assert.deepEqual(byRule('^/(?P<path>users/(?P<id>\\d+))/', '/users/7/x'), {
    name: '/{path}/x',
    attributes: [
      ['path', 'users/7'],
      ['id', '7'],
    ],
  });
});

test('an attribute that a rule sets stands there once afterwards', () => {
  const given = pairs(['id', '1'], ['other', 'o'], ['id', '2']);
  const changed = after({ name: { to_attributes: { rules: ['(?P<id>\\d+)'] } } }, { name: 'x/7', attributes: given });
  assert.deepEqual(texts(changed), [
    ['id', '7'],
    ['other', 'o'],
  ]);
});

test('a name is made of what earlier processors left, and later ones see it', () => {
  const stage = stageOf(
    [attributes, { actions: [{ key: 'method', value: 'PUT', action: 'upsert' }] }],
    [span, { name: { from_attributes: ['method', 'route'], separator: ' ' } }],
    [span, { name: { to_attributes: { rules: ['^(?P<verb>\\w+) /u'] } } }],
    [span, { include: { match_type: 'strict', span_names: ['{verb} /users'] }, status: { code: 'Error' } }],
  );
  const given = pairs(['method', 'GET'], ['route', '/users']);
  const [changed] = spansOf(stage.run(requestOf([spanOf(0, { name: 'old', attributes: given })])));
  assert.equal(changed.name, '{verb} /users');
  assert.equal(changed.status?.code, 2);
  assert.deepEqual(texts(changed)[2], ['verb', 'PUT']);
});

test('nothing of one span gets into the name or status of the next', () => {
  const stage = stageOf([span, { name: { from_attributes: ['a', 'b'] } }]);
  const letters = ['x', 'ü'.repeat(300), '', 'yy', '🎉'];
  const spans = letters.flatMap((a, i) =>
    letters.map((b, k) => spanOf(i * 10 + k, { name: 'old', attributes: k === 3 ? [] : pairs(['a', a], ['b', b]) })),
  );
  assert.deepEqual(
    spansOf(stage.run(requestOf(spans))).map(({ name }) => name),
    letters.flatMap((a) => letters.map((b, k) => (k === 3 ? 'old' : a + b))),
  );
});

test('a status that is taken away is gone, also where an earlier processor set it', () => {
  const unset = { status: { code: 'Unset' } };
  const stage = stageOf([span, { status: { code: 'Error', description: 'x' } }], [span, unset]);
  for (const status of [undefined, { message: 'm', code: 2 }]) {
    const fields = status === undefined ? {} : { status };
    for (const changed of [after(unset, fields), spansOf(stage.run(requestOf([spanOf(0, fields)])))[0]]) {
      assert.deepEqual([changed.status?.code ?? 0, changed.status?.message ?? ''], [0, '']);
    }
  }
});

test('a name of 300 KB is taken apart in bounded time', () => {
  const name = `/users/${'a'.repeat(300_000)}`;
  const stage = stageOf([span, { name: { to_attributes: { rules: ['(?P<all>a+)+$', '\\w+@'] } } }]);
  const start = performance.now();
  const [changed] = spansOf(stage.run(requestOf([spanOf(0, { name })])));
  assert.ok(performance.now() - start < 5_000);
  assert.equal(changed.attributes[0].key, 'all');
  assert.match(changed.name, /^\/users\/.*\{all\}$/);
});

test('rules give the name and the attributes of plain search and replace, whatever the name', () => {
  const part = fc.constantFrom('1', '22', 'a', '/', 'ü', '🎉', ' ', '{id}', '');
  const stage = stageOf([span, { name: { to_attributes: { rules: ['/(?P<id>[^/]+)/(?P<rest>.*)$'] } } }]);
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 12 }).map((parts) => parts.join('')),
      (name) => {
        const [changed] = spansOf(stage.run(requestOf([spanOf(0, { name })])));
        const found = /\/(?<id>[^/]+)\/(?<rest>.*)$/u.exec(name);
        assert.equal(changed.name, found === null ? name : `${name.slice(0, found.index)}/{id}/{rest}`);
        assert.deepEqual(texts(changed), Object.entries(found?.groups ?? {}));
      },
    ),
    { numRuns: 1000 },
  );
});
