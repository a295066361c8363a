// Which configurations are refused or warned of, and at which place. What the Collector refuses is refused here too.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { span } from '../../../../src/processors/span/index.ts';
import { parseConfig } from '../attributes/run-chain.ts';
import { problemsOf } from '../problems.ts';

const wrong: readonly (readonly [string, string, ...string[]])[] = [
  ['nothing to do', '{}', 'id CONFIG_MISSING'],
  ['a name without a way to make it', 'name: {separator: x}', 'id CONFIG_MISSING'],
  ['empty lists', 'name: {from_attributes: [], to_attributes: {rules: []}}', 'id CONFIG_MISSING'],
  ['a key that is empty', 'name: {from_attributes: [a, ""]}', '1:29 CONFIG_VALUE'],
  ['an unknown key of name', 'name: {from_attributes: [a], seperator: "::"}', '1:30 CONFIG_UNKNOWN_KEY'],
  ['a separator that is no text', 'name: {from_attributes: [a], separator: 1}', '1:41 CONFIG_TYPE'],
  ['a status code in small letters', 'status: {code: error}', '1:16 CONFIG_VALUE'],
  ['a status without a code', 'status: {description: x}', '1:1 CONFIG_MISSING'],
  ['a description beside Ok', 'status: {code: Ok, description: fine}', '1:1 CONFIG_CONFLICT'],
  ['a description beside Unset', 'status:\n  code: Unset\n  description: none', '1:1 CONFIG_CONFLICT'],
  [
    'rules that are not RE2, each at its character',
    'name:\n  to_attributes:\n    rules:\n      - ^/(?P<a>x)\n      - ab(?<=x)c\n      - "("',
    '5:11 CONFIG_REGEXP',
    '6:9 CONFIG_REGEXP',
  ],
  ['two groups of one name', 'name: {to_attributes: {rules: ["(?P<a>x)(?P<a>y)"]}}', '1:32 CONFIG_REGEXP'],
  ['an include without a match type', 'include: {span_names: [a]}\nstatus: {code: Ok}', '1:1 CONFIG_MISSING'],
  ['an exclude that names nothing', 'status: {code: Ok}\nexclude: {match_type: strict}', '2:1 CONFIG_MISSING'],
  [
    'properties of log records',
    'include: {match_type: strict, span_names: [a], log_bodies: [b]}\nstatus: {code: Ok}',
    '1:60 CONFIG_UNSUPPORTED',
  ],
  [
    'a kind that does not exist',
    'include: {match_type: strict, span_kinds: [SERVER]}\nstatus: {code: Ok}',
    '1:44 CONFIG_VALUE',
  ],
];

for (const [name, yaml, ...expected] of wrong) {
  test(`refused: ${name}`, () => assert.deepEqual(problemsOf('span', yaml), { errors: expected, warnings: [] }));
}

const odd: readonly (readonly [string, string, ...string[]])[] = [
  ['a group without a name', 'name: {to_attributes: {rules: [a(?P<a>x), "(x)(?P<b>y)"]}}', '1:43 CONFIG_VALUE'],
  [
    'an include that asks for two values of one attribute',
    'include:\n  match_type: strict\n  attributes: [{key: a, value: 1}, {key: b}, {key: a}, {key: a, value: 1}, {key: a, value: 2}]\nstatus: {code: Ok}',
    '3:76 CONFIG_VALUE',
  ],
  [
    'an include with expressions that may both match',
    'include:\n  match_type: regexp\n  attributes: [{key: a, value: x}, {key: a, value: y}]\nstatus: {code: Ok}',
  ],
  ['a rule that changes nothing', 'name: {to_attributes: {rules: [abc]}}', '1:32 CONFIG_VALUE'],
  [
    'a rule that keeps others from a name',
    'name: {to_attributes: {rules: [abc, "(?P<a>x)"], break_after_match: true}}',
  ],
];

test('as in the Collector, a block without content is none', () => {
  const yaml = 'include:\nexclude: ~\nname: {from_attributes: [a], to_attributes: }\nstatus:';
  assert.deepEqual(problemsOf('span', yaml), { errors: [], warnings: [] });
  assert.deepEqual(problemsOf('span', 'name:\nstatus:'), { errors: ['id CONFIG_MISSING'], warnings: [] });
  assert.deepEqual(problemsOf('attributes', 'include:\nactions: [{key: a, action: delete}]').errors, []);
});

for (const [name, yaml, ...expected] of odd) {
  test(`${name} is ${expected.length === 0 ? 'fine' : 'warned of'}`, () => {
    assert.deepEqual(problemsOf('span', yaml), { errors: [], warnings: expected });
  });
}

test('it says which attributes its rules set, and what its include reads of the resource', () => {
  const { config } = parseConfig(span, {
    include: { match_type: 'strict', services: ['a'] },
    name: { to_attributes: { rules: ['(?P<a>x)(?P<b>y)', '(?P<c>z)'] } },
  });
  assert.equal(span.role, 'spans');
  if (span.role !== 'spans') return;
  assert.deepEqual(span.sets?.(config), ['a', 'b', 'c']);
  assert.deepEqual(span.passes?.(config), [[{ what: 'resource', from: 'span', writes: false }]]);
});
