// Lambdas: how they are read, what stands for what in them, and where they end.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { adviseCondition } from '../../../src/ottl/advice.ts';
import { checkCondition, checkExpression, checkStatement } from '../../../src/ottl/check.ts';
import { compileExpression, compileStatement } from '../../../src/ottl/compile.ts';
import { createEnvironment } from '../../../src/ottl/environment.ts';
import { OttlError, OttlFault } from '../../../src/ottl/error.ts';
import { inferContext } from '../../../src/ottl/infer.ts';
import { parseCondition } from '../../../src/ottl/parser.ts';
import { showValue } from '../../../src/ottl/show.ts';
import { encodeRequest } from '../../../src/wire/reference/codec.ts';
import { rewriteOutcome } from '../../../src/wire/rewriter.ts';
import { createStage, processor } from '../../wire/chain-support.ts';
import { attributeOf, runStatements, withSpan } from './rule-stage.ts';
import { sampleRequest } from './sample.ts';

/** What each expression gives on the sample span, or its fault; twice, for a lambda must leave nothing behind. */
function results(...texts: readonly string[]): string[] {
  const shown: string[] = [];
  withSpan((env) => {
    const getters = texts.map((text) => compileExpression(checkExpression(text, 'span'), env));
    const all = (): string[] =>
      getters.map((get) => {
        try {
          return showValue(get());
        } catch (error) {
          if (!(error instanceof OttlFault)) throw error;
          return error.message;
        }
      });
    return () => {
      shown.push(...all());
      assert.deepEqual(all(), shown);
    };
  });
  return shown;
}

const times = (n: number): string => `Split("${'x,'.repeat(n - 1)}x", ",")`;

describe('a lambda', () => {
  const table: readonly (readonly [expression: string, shown: string])[] = [
    // bodies
    ['MapEach([1, "a"], (_, v) => v)', '[1, "a"]'],
    ['MapEach([1], (_, _) => "same")', '["same"]'],
    ['MapEach([1], (_, v) => nil)', '[nil]'],
    ['MapEach([1], (_, v) => true)', '[true]'],
    ['MapEach([1, 2], (_, v) => v == 1)', '[true, false]'],
    ['MapEach(["value"], (_, v) => -Len(v) + -2)', '[-7]'],
    ['MapEach(["value"], (_, v) => (Len(v) + 1) * 2)', '[12]'],
    ['MapEach(["value"], (_, v) => Len(v) + 1 == 6)', '[true]'],
    ['MapEach(["value"], (_, v) => not IsInt(v))', '[true]'],
    ['MapEach([1], (_, v) => not (v == 1))', '[false]'],
    ['MapEach([1, 2], (_, v) => (v == 1) and (v != 2))', '[true, false]'],
    ['MapEach([1, 2, 3], (_, v) => v == 1 or v > 2 and v != 4)', '[true, false, true]'],
    ['MapEach([1], (_, v) => (v))', '[1]'],
    ['MapEach([1], (_, v) => [v, {"v": v}])', '[[1, {"v": 1}]]'],
    // parameters
    ['MapEach(["x", "y"], (i, v) => Concat([i, v], ""))', '["0x", "1y"]'],
    ['MapEach({"a": 1}, (k, v) => [k, v])', '{"a": ["a", 1]}'],
    ['MapEach([[1, [2, 3]]], (_, v) => v[1][1])', '[3]'],
    ['MapEach([{"one": {"two": [2]}}], (_, v) => v["one"]["two"][0])', '[2]'],
    ['MapEach(["str", "absent"], (_, key) => attributes[key])', '["hello world", nil]'],
    ['MapEach(["n"], (_, key) => attributes["map"][key])', '[7]'],
    ['MapEach([1], (_, name) => name)', '[1]'],
    ['MapEach([1], (_, span) => span + 1)', '[2]'],
    ['MapEach([1], (_, where) => where)', '[1]'],
    // in one another
    ['MapEach(["a"], (_, a) => MapEach(["b"], (_, b) => Concat([a, b, name], "-")))', '[["a-b-GET /api/v2/users"]]'],
    ['MapEach([1], (_, a) => [a, Reduce([2, 3], a, (a, _, b) => a * 10 + b), a])', '[[1, 123, 1]]'],
    ['When(() => Any([1, 2], (_, v) => v == 2), "yes", "no")', '"yes"'],
    ['When(() => false, attributes["str"]["no"], "not computed")', '"not computed"'],
    ['Filter(MapEach(["b", "a"], (_, v) => ToUpperCase(v)), (_, v) => v > "A")[0]', '"B"'],
    // edges
    ['All([], (_, v) => v == 1)', 'true'],
    ['Any({}, (_, v) => v == 1)', 'false'],
    ['Reduce([], "seed", (before, _, v) => v)', '"seed"'],
    ['MapKeys({"a": 1, "b": 2, "c": 3}, (k, _) => When(() => k == "b", "b", "x"))', '{"x": 3, "b": 2}'],
    ['Any([nil, 1], (_, v) => v == 1)', 'true'],
    // faults
    ['MapEach([{"a": 1}], (_, v) => v["b"])', 'the map lacks the key'],
    ['MapEach(["a"], (_, v) => v[0])', 'a string has no keys'],
    ['Any([1], (_, v) => v)', 'the lambda gave an int, not a bool'],
    ['Filter([1], (_, v) => attributes["absent"])', 'the lambda gave nil, not a bool'],
    ['Any(attributes["absent"], (_, v) => v == 1)', 'expected a list or a map, got nil'],
    ['MapEach([1], (_, v) => v / 0)', 'division by zero'],
  ];
  const found = results(...table.map(([expression]) => expression));
  for (const [i, [expression, shown]] of table.entries()) {
    it(`${expression} gives ${shown}`, () => assert.equal(found[i], shown));
  }

  it('stops at the first that decides', () => {
    assert.deepEqual(results('Any([1, "a"], (_, v) => v / 1 == 1)', 'Find([1, "a"], (_, v) => v / 1 == 1)'), [
      'true',
      '1',
    ]);
  });

  it('stands in the condition of a statement, and what it makes is written', () => {
    const { span, faults } = runStatements([
      'set(attributes["out"], Filter(attributes["list"], (_, v) => IsString(v))) where Any(attributes, (k, _) => k == "str")',
      'set(attributes["not"], 1) where All(attributes, (k, _) => k == "str")',
    ]);
    assert.deepEqual(faults, [null, null]);
    assert.deepEqual(attributeOf(span, 'out'), { list: [{ string: 'a' }, { string: 'b' }] });
    assert.equal(attributeOf(span, 'not'), null);
  });
});

describe('over all attributes of a span', () => {
  const attribute = (key: string, intValue: number) => ({ key, keyStrindex: 0, value: { intValue: BigInt(intValue) } });
  /** What the expressions give where the span has these attributes and the statement has run. */
  function over(attributes: readonly [string, number][], statement: string, ...texts: readonly string[]): string[] {
    let shown: string[] = [];
    const stage = createStage([
      processor('rule', (builder) => {
        const env = createEnvironment(builder);
        const run = compileStatement(checkStatement(statement, 'span'), env);
        const getters = texts.map((text) => compileExpression(checkExpression(text, 'span'), env));
        return {
          span: () => {
            run();
            shown = getters.map((get) => showValue(get()));
          },
        };
      }),
    ]);
    const request = sampleRequest();
    request.resourceSpans[0].scopeSpans[0].spans[0].attributes = attributes.map(([key, value]) =>
      attribute(key, value),
    );
    const { outcome, message } = stage.run(encodeRequest(request));
    assert.equal(outcome, rewriteOutcome.written, message);
    return shown;
  }
  const questions = [
    'Any(attributes, (_, v) => v == 2)',
    'All(attributes, (k, _) => k != "gone")',
    'Any(attributes, (k, v) => k == "new" and v == 9)',
    'Reduce(attributes, 0, (sum, _, v) => sum + v)',
    'Any(attributes, (_, _) => true)',
  ];
  const many = Array.from({ length: 100 }, (_, i): [string, number] => [`k${i}`, 0]);
  const filler: readonly (readonly [string, readonly [string, number][]])[] = [
    ['few', []],
    ['many', many],
  ];
  for (const [name, others] of filler) {
    it(`sees what a map of them has, of ${name}`, () => {
      const found = over(
        [...others, ['a', 1], ['gone', 5], ['a', 2], ['b', 3]],
        'merge_maps(attributes, {"new": 9}, "upsert")',
        ...questions,
      );
      assert.deepEqual(found, ['false', 'false', 'true', '18', 'true']);
      const removed = over([...others, ['gone', 2], ['b', 3]], 'delete_key(attributes, "gone")', ...questions);
      assert.deepEqual(removed, ['false', 'true', 'false', '3', 'true']);
    });
  }

  it('sees none where there is none', () => {
    assert.deepEqual(over([['gone', 1]], 'delete_key(attributes, "gone")', ...questions), [
      'false',
      'true',
      'false',
      '0',
      'false',
    ]);
  });
});

describe('lambdas end', () => {
  it('when they run too often, and the next value starts anew', () => {
    const list = times(200);
    const inner = `Any(${list}, (_, c) => c == "y")`;
    const text = `Any(${list}, (_, a) => Any(${list}, (_, b) => ${inner}))`;
    assert.deepEqual(results(text, 'Any([1], (_, v) => v == 1)'), [
      'lambdas ran more than 2000000 times for one value',
      'true',
    ]);
  });

  const growing: readonly (readonly [string, RegExp])[] = [
    [`Reduce(${times(60)}, [1], (all, _, _) => [all, all])`, /more than 500000 values/],
    [`Reduce(${times(60)}, {}, (all, k, _) => {"a": all, "b": all, "c": all})`, /more than 500000 values/],
    [`Reduce(${times(60)}, "xx", (all, _, _) => Concat([all, all], ""))`, /more than 16777216 characters/],
    [`Reduce(${times(300)}, [], (all, _, v) => [all, v])`, /more than 200 levels/],
  ];
  for (const [text, message] of growing) {
    it(`when what they make grows to ${message.source}`, () => assert.match(results(text)[0], message));
  }
});

describe('a lambda is refused', () => {
  const table: readonly (readonly [text: string, at: string, message: RegExp])[] = [
    ['Any(attributes, "x")', '"x"', /the argument predicate of Any is a lambda: write \(key, value\) => …/],
    ['Any(attributes, SHA256)', 'SHA256', /is a lambda/],
    ['Any(attributes, IsMatch)', 'IsMatch', /is a lambda/],
    ['Any(attributes, (v) => v == 1)', '(v) => v == 1', /of 2 parameters, \(key, value\), found 1/],
    ['Any(attributes, (a, b, c) => c == 1)', 'c', /of 2 parameters, \(key, value\), found 3/],
    ['When((v) => v == 1, 1, 2) == 1', 'v', /of 0 parameters/],
    ['Any(attributes, (v, v) => v == 1)', 'v', /two parameters have the name v/],
    ['Any(attributes, (_, _) => _ == 1)', '_', /has no value/],
    ['Any(attributes, (_, v) => () => v)', '() => v', /cannot give another lambda/],
    ['Any(attributes, (K, v) => v == 1)', 'K', /a parameter in lower case, or _/],
    ['Any(attributes, (nil, v) => v == 1)', 'nil', /a parameter in lower case, or _/],
    ['Any(attributes, (_, v) => )', ')', /expected a value/],
    ['Any(attributes, (_, v) => w == 1)', 'w', /a span has no field w/],
    [
      'Any(attributes, (_, v) => v.name == 1)',
      'name',
      /v is a parameter of the lambda here, without fields; write v\["name"\]/,
    ],
    ['Any(attributes, (_, span) => span.name == 1)', 'name', /span is a parameter/],
    ['Any(attributes, (_, v) => set(name, v))', 'set', /set is an editor/],
    ['Any(attributes, (_, v) => Any(attributes, (_, w) => x == 1))', 'x', /no field x/],
    ['Any(attributes, (_, v) => v == 1) and v == 1', 'v', /a span has no field v/],
    ['name == ((v) => v)', '((v) => v)', /can only stand where a function takes one/],
    ['name == [(v) => v]', '(v) => v', /can only stand where a function takes one/],
    ['attributes[(v) => v] == 1', '(v) => v', /as key, found a lambda/],
    ['Len((x) => x) == 1', '(x) => x', /can only stand where/],
  ];
  for (const [text, at, message] of table) {
    it(`${text}: at ${at}, ${message.source}`, () => {
      assert.throws(
        () => checkCondition(text, 'span'),
        (error) => {
          assert.ok(error instanceof OttlError, String(error));
          assert.equal(text.slice(error.offset, error.offset + error.length), at, error.message);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  it('as the target of an editor', () => {
    assert.throws(() => checkStatement('set(MapEach([1], (_, v) => v), 1)', 'span'), /a path that can be written/);
  });
});

describe('what can only fail is said at load', () => {
  const table: readonly (readonly [text: string, at: string, message: RegExp])[] = [
    ['Any(attributes, (_, v) => Len(v))', 'Len(v)', /always fails: .* gives a bool, found an int/],
    ['Any(name, (_, v) => v == 1)', 'name', /always fails: .* is a list or a map, found a string/],
    ['Any([1], (k, v) => k == true)', 'k == true', /always false/],
  ];
  for (const [text, at, message] of table) {
    it(text, () => {
      const [{ offset, length, message: said }] = adviseCondition(checkCondition(text, 'span'));
      assert.equal(text.slice(offset, offset + length), at);
      assert.match(said, message);
    });
  }
});

it('a parameter says nothing about the context of a rule, paths in a body do', () => {
  const contextOf = (text: string) => inferContext([parseCondition(text)]);
  assert.equal(contextOf('Any(resource.attributes, (span, v) => span == v)'), 'resource');
  assert.equal(contextOf('Any(resource.attributes, (k, v) => v == span.name)'), 'span');
  assert.equal(contextOf('Any(resource.attributes, (k, v) => v[k] == scope.name)'), 'scope');
  assert.throws(() => contextOf('Any(resource.attributes, (k, v) => v == w)'), /names its context/);
});
