import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareRequest, parseRequestCondition } from '../../../../src/connectors/routing/request-condition.ts';

test('a condition on the request compares a header, whose name is read in any case, with a text', () => {
  const read = [
    ['request["X-Tenant"] == "acme"', { key: 'x-tenant', value: 'acme', isEqual: true }],
    ['  request["a"]!="b c"  ', { key: 'a', value: 'b c', isEqual: false }],
    ['request["a"] == ""', { key: 'a', value: '', isEqual: true }],
    ['request["a"] == "say "hi""', { key: 'a', value: 'say "hi"', isEqual: true }],
    ['request["a"] == "a = b"', { key: 'a', value: 'a = b', isEqual: true }],
  ] as const;
  for (const [text, expected] of read) assert.deepEqual(parseRequestCondition(text), expected, text);
});

test('anything else is pointed at where it goes wrong', () => {
  const wrong = [
    ['', 0],
    ['  attributes["a"] == "b"', 2],
    ['request[a] == "b"', 0],
    ['request[""] == "b"', 8],
    ['request["a"]', 12],
    ['request["a"] > "b"', 13],
    ['request["a"] == b', 16],
    ['request["a"] == "b', 16],
    ['request["a"] == "b" or request["c"] == "d"', 36],
    ['request["a"] == == "b"', 16],
  ] as const;
  for (const [text, offset] of wrong) {
    const mistake = parseRequestCondition(text);
    assert.ok('message' in mistake, text);
    assert.equal(mistake.offset, offset, `${text}: ${mistake.message}`);
  }
});

test('one of several values of a header is enough; one that is not there is neither equal nor unequal', () => {
  const is = { key: 'a', value: 'x', isEqual: true };
  const isNot = { ...is, isEqual: false };
  const seen = (values: readonly string[]) => [compareRequest(is, values), compareRequest(isNot, values)];
  assert.deepEqual(seen(['x']), [true, false]);
  assert.deepEqual(seen(['y']), [false, true]);
  assert.deepEqual(seen(['x', 'y']), [true, true]);
  assert.deepEqual(seen([]), [false, false]);
});
