// Which configurations are refused, and where: the actions themselves are those of the attributes processor.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resource } from '../../../../src/processors/resource/index.ts';
import { parseConfig } from '../attributes/run-chain.ts';
import { problemsOf } from '../problems.ts';

const wrong: readonly (readonly [string, string, ...string[]])[] = [
  ['nothing given', '{}', 'id CONFIG_MISSING'],
  ['an empty list', 'attributes: []', '1:13 CONFIG_VALUE'],
  ['no list', 'attributes:', '1:1 CONFIG_MISSING'],
  [
    'the key of the attributes processor',
    'actions: [{key: a, action: delete}]',
    '1:1 CONFIG_UNKNOWN_KEY',
    'id CONFIG_MISSING',
  ],
  [
    'include, which only the attributes processor has',
    'attributes: [{key: a, action: delete}]\ninclude: {match_type: strict, services: [a]}',
    '2:1 CONFIG_UNKNOWN_KEY',
  ],
  [
    'an action without a source',
    'attributes:\n  - {key: a, action: delete}\n  - {key: a, action: insert}',
    '3:5 CONFIG_MISSING',
  ],
  ['a pattern that is not RE2', 'attributes: [{pattern: "ab(?=x)", action: hash}]', '1:27 CONFIG_REGEXP'],
];

for (const [name, yaml, ...expected] of wrong) {
  test(`refused: ${name}`, () => assert.deepEqual(problemsOf('resource', yaml), { errors: expected, warnings: [] }));
}

test('it reads the metadata of the client, and writes the resource before any span is seen', () => {
  const { config } = parseConfig(resource, {
    attributes: [
      { key: 'a', from_context: 'metadata.X-A', action: 'insert' },
      { key: 'b', from_context: 'auth.username', action: 'insert' },
    ],
  });
  assert.equal(resource.role, 'spans');
  if (resource.role !== 'spans') return;
  assert.deepEqual(resource.metadataKeys?.(config), ['x-a', 'auth.username']);
  assert.deepEqual(resource.passes?.(config), [[{ what: 'resource', from: 'resource', writes: true }]]);
});
