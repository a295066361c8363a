import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OttlFault } from '../../../src/ottl/error.ts';
import type { OttlValue } from '../../../src/ottl/values.ts';
import { call } from './call-function.ts';

const rows: readonly (readonly [string, readonly OttlValue[], OttlValue])[] = [
  ['ToCamelCase', [''], ''],
  ['ToCamelCase', ['some_snake word'], 'SomeSnakeWord'],
  ['ToSnakeCase', [''], ''],
  ['ToSnakeCase', ['someCamelWord'], 'some_camel_word'],
  ['Split', ['', ','], ['']],
  ['Trim', ['  '], ''],
  ['TrimSuffix', ['abc', ''], 'abc'],
  ['Int', [9007199254740993n], 9007199254740993n],
  ['ParseInt', ['9007199254740993', 10n], 9007199254740993n],
  ['Format', ['%d', [9007199254740993n]], '9007199254740993'],
];

describe('functions of text', () => {
  for (const [name, args, wanted] of rows) {
    it(`${name} gives ${String(wanted)}`, () => assert.deepEqual(call(name, ...args), wanted));
  }

  for (const name of ['ToCamelCase', 'ToSnakeCase', 'ToLowerCase', 'ToUpperCase', 'Trim']) {
    it(`${name} takes 5 MB and refuses nil and ints`, () => {
      assert.equal((call(name, 'a'.repeat(5_000_000)) as string).length, 5_000_000);
      assert.throws(() => call(name, null), OttlFault);
      assert.throws(() => call(name, 1n), OttlFault);
    });
  }
});
