// What can hardly be meant: conditions that never hold, or always, and rules that nothing reaches.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { adviseCondition, adviseStatement, unreached } from '../../../src/ottl/advice.ts';
import { checkCondition, checkStatement } from '../../../src/ottl/check.ts';
import { compareValues } from '../../../src/ottl/compare.ts';
import type { ContextName } from '../../../src/ottl/environment.ts';
import type { OttlValue } from '../../../src/ottl/values.ts';

/** Text, what the warning points at, what it says. */
type Row = readonly [text: string, at: string, message: RegExp];

const conditions: readonly Row[] = [
  ['name == "a" and name == "b"', 'name == "b"', /^can never hold: name == "a" and == "b"$/],
  ['name == "a" and kind == 2 and span.name == "b"', 'span.name == "b"', /can never hold/],
  ['(name == "a" and kind == 2) and "b" == name', '"b" == name', /can never hold/],
  ['attributes["k"] == 1 and attributes["k"] == 2', 'attributes["k"] == 2', /attributes\["k"\] == 1 and == 2/],
  ['attributes["k"] == 1 and attributes["k"] != 1', 'attributes["k"] != 1', /can never hold/],
  ['attributes["k"] > 5 and attributes["k"] == 3', 'attributes["k"] == 3', /can never hold/],
  ['3 == attributes["k"] and 5 < attributes["k"]', '5 < attributes["k"]', /== 3 and > 5/],
  ['attributes["k"] == nil and attributes["k"] == "a"', 'attributes["k"] == "a"', /can never hold/],
  ['ToLowerCase(name) == "a" and ToLowerCase( name ) == "b"', 'ToLowerCase( name ) == "b"', /can never hold/],
  ['kind == 1 or (name == "a" and name == "b")', 'name == "b"', /can never hold/],
  ['not (name == "a" and name == "b")', 'name == "b"', /can never hold/],
  ['name != "a" or name != "b"', 'name != "b"', /^always holds: name != "a" or != "b"$/],
  ['attributes["k"] != 1 or attributes["k"] == 1', 'attributes["k"] == 1', /always holds/],
  ['true or name == "a"', 'true or name == "a"', /always holds/],
  ['name == "a" or 1 < 2', 'name == "a" or 1 < 2', /always holds/],
  ['false', 'false', /never holds/],
  ['name == "a" and not true', 'name == "a" and not true', /never holds/],
  ['name == 5', 'name == 5', /always false: a string is compared with an int/],
];

describe('a condition that decides by its text alone', () => {
  for (const [text, at, message] of conditions) {
    test(text, () => {
      const found = adviseCondition(checkCondition(text, 'span'));
      assert.equal(found.length, 1, JSON.stringify(found));
      const [{ offset, length }] = found;
      assert.equal(text.slice(offset, offset + length), at);
      assert.match(found[0].message, message);
    });
  }

  for (const text of [
    'name == "a" and kind == 2',
    'name == "a" or name == "b"',
    'name != "a" and name != "b"',
    'attributes["k"] == 1 and attributes["l"] == 2',
    'attributes["k"] == 1 and attributes["k"] == 1.0',
    'attributes["k"]["a"] == 1 and attributes["k"]["b"] == 2',
    'attributes["k"] > 1 and attributes["k"] < 5 and attributes["k"] != 3',
    'attributes["k"] != nil and attributes["k"] == "a"',
    'attributes[name] == 1 and attributes[name] == 2',
    'resource.attributes["k"] == 1 and attributes["k"] == 2',
    '(name == "a" and kind == 1) or (name == "b" and kind == 1)',
    'name == "a" and not (name == "b")',
    'true',
  ]) {
    test(`${text} may well be meant`, () => {
      assert.deepEqual(adviseCondition(checkCondition(text, 'span')), []);
    });
  }
});

describe('a statement', () => {
  const table: readonly Row[] = [
    ['set(name, "where") where false', 'where false', /never runs/],
    ['set(name, "x") where 1 == 2 and name == "a"', 'where 1 == 2 and name == "a"', /never runs/],
    ['set(name, "x") where name == "a" and name == "b"', 'name == "b"', /can never hold/],
    ['set(kind, "server")', '"server"', /always fails: span\.kind takes an int, found a string/],
    ['delete_key(name, "x")', 'name', /always fails: the argument target of delete_key is a map, found a string/],
    ['set(name, Duration("5 minutes"))', 'Duration("5 minutes")', /always fails: the text is not a duration/],
  ];
  for (const [text, at, message] of table) {
    test(text, () => {
      const found = adviseStatement(checkStatement(text, 'span'));
      const [{ offset, length }] = found;
      assert.equal(text.slice(offset, offset + length), at);
      assert.match(found[0].message, message);
    });
  }
  for (const text of ['set(name, "x")', 'set(name, "x") where true', 'set(name, attributes["a"]) where kind == 2']) {
    test(`${text} may well be meant`, () => assert.deepEqual(adviseStatement(checkStatement(text, 'span')), []));
  }
});

describe('behind a condition that drops everything', () => {
  const of = (...texts: readonly (readonly [ContextName, string])[]) =>
    texts.map(([context, text]) => ({ text, checked: checkCondition(text, context) }));

  test('no other of its context or a lower one is tried', () => {
    const all = of(['span', 'kind == 1'], ['span', 'true'], ['span', 'kind == 2'], ['spanevent', 'name == "e"']);
    assert.deepEqual(
      unreached(all).map(({ condition, behind }) => [condition.text, behind.text]),
      [
        ['kind == 2', 'true'],
        ['name == "e"', 'true'],
      ],
    );
  });
  test('one of a higher context is, wherever it stands', () => {
    const all = of(['span', 'true'], ['resource', 'attributes["a"] == 1']);
    assert.deepEqual(unreached(all), []);
  });
  test('without one all are tried', () => {
    assert.deepEqual(unreached(of(['span', 'kind == 1'], ['span', 'false'])), []);
  });
});

test('what is said to hold never or always does, whatever the value', () => {
  const constants: Readonly<Record<string, OttlValue>> = { nil: null, 1: 1n, 2: 2n, '1.0': 1, '"a"': 'a', true: true };
  const values: readonly OttlValue[] = [
    ...Object.values(constants),
    0n,
    3n,
    1.5,
    Number.NaN,
    '',
    'b',
    false,
    [],
    new Map(),
  ];
  const operators = ['==', '!=', '<', '<=', '>', '>='] as const;
  const facts = Object.entries(constants).flatMap(([text, constant]) =>
    operators.map((operator) => ({ text: `attributes["k"] ${operator} ${text}`, operator, constant })),
  );
  let said = 0;
  for (const one of facts) {
    for (const other of facts) {
      for (const kind of ['and', 'or'] as const) {
        const text = `${one.text} ${kind} ${other.text}`;
        const [warning] = adviseCondition(checkCondition(text, 'span'));
        if (warning === undefined) continue;
        said++;
        const outcomes = values.map((value) => {
          const [a, b] = [one, other].map(({ operator, constant }) => compareValues(value, constant, operator));
          return kind === 'and' ? a && b : a || b;
        });
        const wanted = warning.message.startsWith('always');
        assert.ok(
          outcomes.every((outcome) => outcome === wanted),
          `${text}: ${warning.message}`,
        );
      }
    }
  }
  assert.ok(said > 100, String(said));
});
