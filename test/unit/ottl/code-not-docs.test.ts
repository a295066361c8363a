// Where the Collector's documentation and its code disagree, the code is followed (reference 2.7).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkStatement } from '../../../src/ottl/check.ts';
import { attributeOf, runStatements } from './rule-stage.ts';

/** What the expression leaves in an attribute, or its fault. */
function result(expression: string): unknown {
  const { span, faults } = runStatements([`set(attributes["out"], ${expression})`]);
  return faults[0] ?? attributeOf(span, 'out');
}

test('Hex writes no 0x, and an int as eight bytes', () => {
  assert.deepEqual(result('Hex(12)'), { string: '000000000000000c' });
  assert.deepEqual(result('Hex("1")'), { string: '31' });
});
test('flatten refuses a depth of 0 at load', () => {
  assert.throws(() => checkStatement('flatten(attributes, "", 0)', 'span'), /the depth is at least 1/);
});
test('an int and a double are computed as doubles', () => {
  assert.deepEqual(result('attributes["one"] + 0.5'), { double: '1.5' });
});
test('IsMatch sees bytes as hex', () => {
  assert.equal(result('IsMatch(attributes["blob"], "^00ff10$")'), true);
});
test('Double and Bool fail where the text is none', () => {
  assert.match(String(result('Double(attributes["str"])')), /not a number/);
  assert.match(String(result('Bool(attributes["str"])')), /not a bool/);
});
test('ExtractPatterns fails where its pattern has no names', () => {
  assert.match(String(result('ExtractPatterns(name, Concat(["(", name, ")"], ""))')), /no named group/);
});
test('limit keeps the first keys in their order', () => {
  const { span } = runStatements(['set(attributes, {"d": 1, "c": 2, "b": 3, "a": 4})', 'limit(attributes, 2, ["b"])']);
  assert.deepEqual(
    span.attributes.map(({ key }) => key),
    ['d', 'b'],
  );
});
