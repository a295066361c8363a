import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OttlFault } from '../../../src/ottl/error.ts';
import type { OttlValue } from '../../../src/ottl/values.ts';
import { call } from './call-function.ts';

const map = (entries: Record<string, OttlValue>) => new Map(Object.entries(entries));
const rows: readonly (readonly [string, readonly OttlValue[], OttlValue])[] = [
  ['Sort', [[]], []],
  ['Sort', [[3n, 1n, 9007199254740993n, 9007199254740992n]], [1n, 3n, 9007199254740992n, 9007199254740993n]],
  ['Sort', [[3n, 1.5, 2n], 'desc'], [3n, 2n, 1.5]],
  ['Sort', [[1.5, Number.NaN]], [Number.NaN, 1.5]],
  ['Sort', [[true, false]], [false, true]],
  ['Sort', [['b', true, 1n, null]], [null, 1n, 'b', true]],
  ['Sort', [[1n, '1', 1, '0'], 'desc'], [1n, '1', 1, '0']],
  ['Sort', [[2n, [1n]]], [2n, [1n]]],
  ['SliceToMap', [[]], new Map()],
  ['SliceToMap', [['a', 'b']], map({ 0: 'a', 1: 'b' })],
  ['SliceToMap', [[map({ k: 'a', v: 1n })], ['k']], map({ a: map({ k: 'a', v: 1n }) })],
  ['SliceToMap', [[map({ k: 'a', v: 1n }), map({ k: 'b', v: null })], ['k'], ['v']], map({ a: 1n, b: null })],
  ['SliceToMap', [[map({ k: map({ n: 'a' }) })], ['k', 'n'], ['k', 'n']], map({ a: 'a' })],
];

describe('functions of lists', () => {
  for (const [i, [name, args, wanted]] of rows.entries()) {
    it(`${name}, row ${i}`, () => assert.deepEqual(call(name, ...args), wanted));
  }

  it('SliceToMap refuses what is no list', () => {
    for (const value of [null, 'a', new Map()]) assert.throws(() => call('SliceToMap', value), OttlFault);
    assert.throws(() => call('SliceToMap', [], [1n]), OttlFault);
  });

  it('SliceToMap refuses items that do not have what a path names', () => {
    const items = [map({ k: 'a', n: 1n, in: map({ k: 'b' }) })];
    const paths: OttlValue[] = [['absent'], ['n'], [], ['k', 'k'], ['in', 'absent']];
    for (const path of paths) assert.throws(() => call('SliceToMap', items, path), OttlFault);
    assert.throws(() => call('SliceToMap', items, ['k'], ['absent']), OttlFault);
    assert.throws(() => call('SliceToMap', [...items, 'text'], ['k']), OttlFault);
  });

  it('Sort refuses what is no list', () => {
    for (const value of [null, 'abc', new Map()]) assert.throws(() => call('Sort', value), OttlFault);
  });

  it('Sort does not change the list it is given', () => {
    const items = [2n, 1n];
    call('Sort', items);
    assert.deepEqual(items, [2n, 1n]);
  });
});
