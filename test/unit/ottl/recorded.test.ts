// What a Collector computed for the same expressions and conditions on the same span.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { conditions, expressions } from './expressions.ts';
import { attributeOf, runStatements } from './rule-stage.ts';

function recorded(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(`recorded-${name}.json`, import.meta.url), 'utf8')) as Record<string, unknown>;
}

/** Where the results differ on purpose, or cannot be compared, and why. */
const differences: Readonly<Record<string, { readonly ours: unknown; readonly why: string }>> = {};

describe('expressions', () => {
  const expected = recorded('expressions');
  const { span, faults } = runStatements(expressions.map((text, i) => `set(attributes["r${i}"], ${text})`));
  for (const [i, text] of expressions.entries()) {
    it(`${text} gives what the Collector gives`, () => {
      assert.ok(text in expected, 'not recorded');
      const difference = differences[text];
      const wanted = difference === undefined ? expected[text] : difference.ours;
      assert.deepEqual(attributeOf(span, `r${i}`), wanted, faults[i] ?? 'no fault');
    });
  }
});

describe('conditions', () => {
  const expected = recorded('conditions');
  const { span, faults } = runStatements(conditions.map((text, i) => `set(attributes["c${i}"], true) where ${text}`));
  for (const [i, text] of conditions.entries()) {
    it(`${text} is ${expected[text]} as in the Collector`, () => {
      assert.ok(text in expected, 'not recorded');
      assert.equal(attributeOf(span, `c${i}`) !== null, expected[text], faults[i] ?? 'no fault');
    });
  }
});
