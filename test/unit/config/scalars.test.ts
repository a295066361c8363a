// What type a plain scalar has: as Go's yaml.v3 reads it, tried by the values that the Collector's attributes processor sets.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeAt } from '../../../src/config/node.ts';
import { parseYaml } from '../../../src/config/parse.ts';
import { makeSource } from '../../../src/config/source.ts';

const table: readonly (readonly [written: string, value: unknown])[] = [
  ['5', 5n],
  ['+5', 5n],
  ['0123', 83n],
  ['0b11', 3n],
  ['0x10', 16n],
  ['1_000', 1000n],
  ['9223372036854775807', 9223372036854775807n],
  ['.5', 0.5],
  ['1e3', 1000],
  ['1e308', 1e308],
  ['1e400', '1e400'],
  ['-1e400', '-1e400'],
  ['.inf', Number.POSITIVE_INFINITY],
  ['-.Inf', Number.NEGATIVE_INFINITY],
  ['true', true],
  ['no', 'no'],
  ['on', 'on'],
  ['10:20', '10:20'],
  ['~', null],
];

for (const [written, value] of table) {
  test(`${written} is ${typeof value === 'bigint' ? 'the int' : typeof value === 'number' ? 'the double' : ''} ${value}`, () => {
    const text = `a: ${written}\n`;
    const { root, issues } = parseYaml(text, makeSource('test.yaml', text));
    assert.deepEqual(issues, []);
    const node = root === null ? undefined : nodeAt(root, ['a']);
    assert.equal(node?.kind === 'scalar' ? node.value : undefined, value);
  });
}
