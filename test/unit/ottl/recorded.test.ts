// What a Collector computed for the same expressions and conditions on the same span.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { conditions, expressions } from './expressions.ts';
import { moreConditions, moreExpressions } from './more-expressions.ts';
import { attributeOf, runStatements } from './rule-stage.ts';

function recorded(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(`recorded-${name}.json`, import.meta.url), 'utf8')) as Record<string, unknown>;
}

/** Where the results differ on purpose, or cannot be compared, and why. */
const differences: Readonly<Record<string, { readonly ours: unknown; readonly why: string }>> = {
  ...Object.fromEntries(
    ['trace_id', 'start_time', 'status', 'events', 'TraceID(0x0102030405060708090a0b0c0d0e0f10)'].map((text) => [
      text,
      { ours: null, why: 'what an attribute cannot hold leaves nothing; the Collector leaves an empty attribute' },
    ]),
  ),
  'String([1, {"b": 1, "a": 2}])': { ours: { string: '[1,{"a":2,"b":1}]' }, why: 'the Collector loses the inner map' },
  'Split("a",",") == ["a"]': { ours: true, why: 'the Collector has two kinds of lists, which are never equal' },
  'Substring("h\u00e9llo", 2, 1)': {
    ours: { string: '' },
    why: 'the Collector cuts a character, and is no UTF-8 any more',
  },
  'Substring("h\u00e9llo", 0, 2)': {
    ours: { string: 'h' },
    why: 'the Collector cuts a character, and is no UTF-8 any more',
  },
};

describe('expressions', () => {
  const all = [...expressions, ...moreExpressions];
  const expected = recorded('expressions');
  const { span, faults } = runStatements(all.map((text, i) => `set(attributes["r${i}"], ${text})`));
  for (const [i, text] of all.entries()) {
    it(`${text} gives what the Collector gives`, () => {
      assert.ok(text in expected, 'not recorded');
      const difference = differences[text];
      const wanted = difference === undefined ? expected[text] : difference.ours;
      assert.deepEqual(attributeOf(span, `r${i}`), wanted, faults[i] ?? 'no fault');
    });
  }
});

describe('conditions', () => {
  const all = [...conditions, ...moreConditions];
  const expected = recorded('conditions');
  const { span, faults } = runStatements(all.map((text, i) => `set(attributes["c${i}"], true) where ${text}`));
  for (const [i, text] of all.entries()) {
    it(`${text} is what it is in the Collector`, () => {
      assert.ok(text in expected, 'not recorded');
      const difference = differences[text];
      const wanted = difference === undefined ? expected[text] : difference.ours;
      assert.equal(attributeOf(span, `c${i}`) !== null, wanted, faults[i] ?? 'no fault');
    });
  }
});
