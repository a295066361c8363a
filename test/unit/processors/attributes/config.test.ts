// Which configurations are refused, where and why; and that what the examples show is accepted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { attributes } from '../../../../src/processors/attributes/index.ts';
import { parseConfig } from './run-chain.ts';

/** Issues as `path code`. */
function issuesOf(yaml: string): string[] {
  const raw: unknown = parse(yaml, { intAsBigInt: true });
  const parsed = attributes.config.safeParse(raw);
  if (!parsed.success) return parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.code}`);
  return parseConfig(attributes, raw).issues.map((issue) => `${issue.path.join('.')} ${issue.code}`);
}

const wrong: readonly (readonly [string, string, ...string[]])[] = [
  ['no actions', 'actions: []', 'actions too_small'],
  ['actions absent', '{}', 'actions invalid_type'],
  ['an unknown key', 'actions: [{key: a, action: delete, keys: b}]', 'actions.0 unrecognized_keys'],
  ['an unknown action', 'actions: [{key: a, action: remove}]', 'actions.0.action invalid_value'],
  [
    'an unknown type',
    'actions: [{key: a, action: convert, converted_type: bool}]',
    'actions.0.converted_type invalid_value',
  ],
  ['insert without a key', 'actions: [{action: insert, value: 1}]', 'actions.0 CONFIG_MISSING'],
  ['insert without a source', 'actions: [{key: a, action: insert}]', 'actions.0 CONFIG_MISSING'],
  ['a value that is null', 'actions: [{key: a, action: upsert, value: null}]', 'actions.0 CONFIG_MISSING'],
  [
    'two sources, the second and third of which are named',
    'actions: [{key: a, action: update, value: "", from_attribute: b, from_context: metadata.c}]',
    'actions.0.from_attribute CONFIG_CONFLICT',
    'actions.0.from_context CONFIG_CONFLICT',
  ],
  [
    'insert with fields of other actions',
    'actions: [{key: a, action: insert, value: 1, pattern: x, converted_type: int}]',
    'actions.0.pattern CONFIG_CONFLICT',
    'actions.0.converted_type CONFIG_CONFLICT',
  ],
  ['delete without key and pattern', 'actions: [{action: delete}]', 'actions.0 CONFIG_MISSING'],
  [
    'hash with fields of other actions',
    'actions: [{key: a, action: hash, value: 0, from_attribute: b, converted_type: int}]',
    'actions.0.value CONFIG_CONFLICT',
    'actions.0.from_attribute CONFIG_CONFLICT',
    'actions.0.converted_type CONFIG_CONFLICT',
  ],
  ['a pattern that is not RE2', 'actions: [{pattern: "(?=x)", action: delete}]', 'actions.0.pattern CONFIG_REGEXP'],
  [
    'extract without key and pattern',
    'actions: [{action: extract}]',
    'actions.0 CONFIG_MISSING',
    'actions.0 CONFIG_MISSING',
  ],
  ['extract without a group', 'actions: [{key: a, action: extract, pattern: x}]', 'actions.0.pattern CONFIG_VALUE'],
  [
    'extract with a nameless group',
    'actions: [{key: a, action: extract, pattern: "(?P<a>x)(y)"}]',
    'actions.0.pattern CONFIG_VALUE',
  ],
  [
    'extract with a source',
    'actions: [{key: a, action: extract, pattern: "(?P<a>x)", value: 1}]',
    'actions.0.value CONFIG_CONFLICT',
  ],
  ['convert without a type', 'actions: [{key: a, action: convert}]', 'actions.0 CONFIG_MISSING'],
  [
    'convert with a pattern, in the second action',
    'actions: [{key: a, action: delete}, {key: a, action: convert, converted_type: int, pattern: x}]',
    'actions.1.pattern CONFIG_CONFLICT',
  ],
  [
    'an include that names nothing',
    'include: {match_type: strict}\nactions: [{key: a, action: delete}]',
    'include custom',
  ],
  [
    'a pattern in exclude that is not RE2',
    'exclude: {match_type: regexp, span_names: [a, "("]}\nactions: [{key: a, action: delete}]',
    'exclude.span_names.1 CONFIG_REGEXP',
  ],
];

for (const [name, yaml, ...expected] of wrong) {
  test(`refused: ${name}`, () => assert.deepEqual(issuesOf(yaml), expected));
}

test('a mistake in a pattern is shown at its character', () => {
  const { issues } = parseConfig(attributes, { actions: [{ pattern: 'abc(?<=x)d', action: 'delete' }] });
  assert.equal(issues[0].offset, 3);
});

test('as in the Collector, fields without effect and capital letters are accepted', () => {
  assert.deepEqual(issuesOf('actions: [{key: a, action: DELETE, from_context: metadata.x, default_value: 1}]'), []);
  assert.deepEqual(issuesOf('actions: [{key: a, action: Hash, pattern: b, default_value: 1}]'), []);
});

test('the examples are accepted', () => {
  for (const { title, yaml } of attributes.examples) assert.deepEqual(issuesOf(yaml), [], title);
});
