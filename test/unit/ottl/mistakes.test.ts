// What is refused at load: where the error points, and what it says.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkCondition, checkStatement } from '../../../src/ottl/check.ts';
import { OttlError } from '../../../src/ottl/error.ts';
import { inferContext } from '../../../src/ottl/infer.ts';
import { parseCondition } from '../../../src/ottl/parser.ts';

/** The text, the characters that the error points at ('' at the end), and a part of the message. */
type Row = readonly [text: string, at: string, message: RegExp];

function refuses(check: () => unknown, [text, at, message]: Row): void {
  assert.throws(check, (error) => {
    assert.ok(error instanceof OttlError, String(error));
    assert.equal(text.slice(error.offset, error.offset + error.length), at, error.message);
    assert.match(error.message, message);
    return true;
  });
}

const conditions: readonly Row[] = [
  // characters
  ['', '', /expected a value, found the end/],
  ["name == 'x'", "'", /strings stand in double quotes/],
  ['name == "x', '"x', /no closing quote/],
  ['name == "\\q"', '\\q', /\\q is not an escape/],
  ['name == "\\ud800"', '\\u', /not an escape/],
  ['a && b', '&', /write "and"/],
  ['!IsRootSpan()', '!', /write "not"/],
  ['name == #', '#', /means nothing here/],
  ['name == 0x123', '0x123', /even number of hex digits/],
  ['kind == 9223372036854775808', '9223372036854775808', /64-bit/],
  ['kind == -9223372036854775809', '9223372036854775809', /64-bit/],
  // grammar
  ['name', 'name', /not a condition by itself/],
  ['5', '5', /expected a comparison/],
  ['name ==', '', /expected a value, found the end/],
  ['== name', '==', /expected a value, found "=="/],
  ['name = "x"', '=', /write "=="/],
  ['name == "x" "y"', '"y"', /expected "and", "or" or the end of the condition, found a string/],
  ['1 < 2 < 3', '<', /found "<"/],
  ['not not true', 'not', /expected a condition/],
  ['(name == "x"', '', /expected "and", "or" or "\)"/],
  ['name == "x")', ')', /found "\)"/],
  ['(name == "x") == true', 'name == "x"', /expected a value before ==, found a condition/],
  ['attributes["x" == 1', '==', /expected "]"/],
  ['attributes[] == 1', ']', /expected a key/],
  ['attributes[true] == 1', 'true', /expected a string or a whole number as key/],
  ['name == [1, 2', '', /expected "," or "]"/],
  ['name == {"a" 1}', '1', /expected ":"/],
  ['name == {1: 1}', '1', /expected a string as key/],
  ['IsMatch(name', '', /expected "," or "\)"/],
  ['IsMatch == true', '', /expected "\(" after the name of the converter IsMatch/],
  ['isMatch(name, "x")', 'isMatch', /is an editor \(lower case\).*IsMatch/],
  ['"a" + 1 == 2', '"a"', /expected a number, a path or a converter at "\+", found a string/],
  ['1 + nil == 2', 'nil', /found nil/],
  ['name.Foo == 1', 'Foo', /written in lower case/],
  ['span. == 1', '==', /expected the name of a field/],
  [`${'('.repeat(300)}1${')'.repeat(300)} == 1`, '(', /nested more than 200 deep/],
  // names
  ['nam == "x"', 'nam', /a span has no field nam; did you mean name\?/],
  ['xyzzy == "x"', 'xyzzy', /a span has no field xyzzy; it has .*attributes/],
  ['span.nme == "x"', 'nme', /did you mean name\?/],
  ['resource.atributes["x"] == 1', 'atributes', /a resource has no field atributes; did you mean attributes\?/],
  ['status.cod == 1', 'cod', /span\.status has no field cod; did you mean code\?/],
  ['kind.strin == "x"', 'strin', /did you mean string\?/],
  ['attributes["x"].y == 1', 'y', /no field y|found another field/],
  ['name["x"] == 1', '"x"', /span\.name has no keys/],
  ['trace_state["a"]["b"] == ""', '"b"', /one key only/],
  ['spanevent.name == "x"', 'spanevent', /the span context cannot see a spanevent/],
  ['spanlink.flags == 1', 'spanlink', /the span context cannot see a spanlink/],
  ['log.body == "x"', 'log', /there is no context log for spans; there are resource, scope, span, spanevent, spanlink/],
  ['span == nil', 'span', /span is a context: name one of its fields, such as span\.trace_id/],
  ['resource["x"] == nil', 'resource', /resource is a context/],
  ['otelcol == nil', 'otelcol', /otelcol is a context: name one of its fields, such as otelcol\.client/],
  [
    'kind == SPAN_KIND_SERVR',
    'SPAN_KIND_SERVR',
    /unknown enum symbol SPAN_KIND_SERVR; did you mean SPAN_KIND_SERVER\?/,
  ],
  ['IsMtch(name, "x")', 'IsMtch', /unknown converter IsMtch; did you mean IsMatch\?/],
  ['Frobnicate(name)', 'Frobnicate', /unknown converter Frobnicate$/],
  // arguments
  ['IsMatch(name)', 'IsMatch(name)', /needs the argument pattern: IsMatch\(target, pattern\)/],
  ['IsMatch(name, "a", "b")', '"b"', /takes 2 arguments, found 3/],
  ['IsRootSpan(1)', '1', /takes 0 arguments, found 1/],
  ['IsMatch(name, patern="a")', 'patern', /has no argument patern; did you mean pattern\?/],
  ['IsMatch(name, target=name)', 'target=name', /target is given twice/],
  ['IsMatch(target=name, "a")', '"a"', /cannot follow one with a name/],
  ['IsMatch(name, 5)', '5', /expected a string, got an int/],
  ['HasPrefix(5, "x")', '5', /the argument target of HasPrefix: expected a string/],
  ['Unix(1.5) == nil', '1.5', /expected an int, got a double/],
  ['Bool("yes") == true', '"yes"', /the string is not a bool/],
  ['ConvertCase(name, "foo") == ""', '"foo"', /is one of lower, upper, snake, camel/],
  ['ConvertCase(name, name) == ""', 'name', /must be written out/],
  ['TraceID(0x01) == trace_id', 'TraceID(0x01)', /16 bytes or 32 hex digits, got 1 bytes/],
  ['SpanID("zz") == span_id', 'SpanID("zz")', /8 bytes or 16 hex digits/],
  ['IsMatch(name, "a(?=b)")', '(', /not a regular expression of RE2/],
  ['IsMatch(name, "a(b")', '"a(b"', /missing closing/],
  ['IsMatch(name, "\\\\p{Foo}x")', '\\', /invalid character class range/],
  ['IsMatch(name, SHA256)', 'SHA256', /unknown enum symbol SHA256/],
  ['IsMatch(name, IsString)', 'IsString', /is not a function/],
  ['Len((x) => x) == 1', '(x) => x', /lambda/],
];

describe('a condition is refused', () => {
  for (const row of conditions) {
    it(`${row[0].slice(0, 60)}: at ${row[1] || 'its end'}, ${row[2].source}`, () => {
      refuses(() => checkCondition(row[0], 'span'), row);
    });
  }
});

describe('a statement is refused', () => {
  const statements: readonly Row[] = [
    ['', '', /expected an editor/],
    ['5', '5', /expected an editor/],
    ['Set(name, "x")', 'Set', /is a converter/],
    ['set(name, "x") when true', 'when', /expected "where" or the end/],
    ['set(name, "x") where', '', /expected a value/],
    ['set(name, "x") where name', 'name', /not a condition by itself/],
    ['set(name, "x")[0]', '[', /cannot be indexed/],
    ['set(name)', 'set(name)', /needs the argument value: set\(target, value\)/],
    ['set(1, 2)', '1', /a path that can be written; found a value/],
    ['set(Len(name), 2)', 'Len(name)', /a path that can be written/],
    ['set(otelcol.client.addr, "x")', 'otelcol.client.addr', /otelcol\.client\.addr can only be read/],
    [
      'set(name, set(kind, 1))',
      'set',
      /is an editor \(lower case\): it changes something and gives no value; a converter starts with a capital letter$/,
    ],
    ['sett(name, 1)', 'sett', /unknown editor sett; did you mean set\?/],
    [
      'truncate_all(attributes, -1)',
      '-1',
      /the argument limit of truncate_all: expected a number that is not negative/,
    ],
    ['limit(attributes, 3, ["a", 5])', '5', /the argument priority_keys of limit: expected a string, got an int/],
    ['limit(attributes, 3, [name])', '[name]', /the argument priority_keys of limit must be written out/],
    ['keep_keys(attributes, ["a", {}])', '{}', /the argument keys of keep_keys: expected a string, got a map/],
    ['merge_maps(attributes, [7], "insert")', '[7]', /the argument source of merge_maps: expected a map, got a list/],
    ['delete_kye(attributes, "x")', 'delete_kye', /did you mean delete_key\?/],
  ];
  for (const row of statements) {
    it(`${row[0]}: at ${row[1] || 'its end'}, ${row[2].source}`, () => {
      refuses(() => checkStatement(row[0], 'span'), row);
    });
  }

  it('spanevent.event_index can only be read', () => {
    const text = 'set(event_index, 1)';
    refuses(() => checkStatement(text, 'spanevent'), [text, 'event_index', /can only be read/]);
  });
});

describe('contexts', () => {
  it('higher ones are seen from lower ones, with their prefix', () => {
    for (const text of [
      'span.name == ""',
      'scope.name == ""',
      'instrumentation_scope.name == ""',
      'resource.schema_url == ""',
    ]) {
      checkCondition(text, 'spanevent');
    }
  });
  it('symbols and IsRootSpan are where they are in the Collector', () => {
    checkCondition('span.kind == SPAN_KIND_SERVER', 'spanevent');
    const symbol = 'dropped_attributes_count == SPAN_KIND_SERVER';
    refuses(
      () => checkCondition(symbol, 'resource'),
      [symbol, 'SPAN_KIND_SERVER', /not known in the resource context/],
    );
    refuses(() => checkCondition('IsRootSpan()', 'spanevent'), ['IsRootSpan()', 'IsRootSpan', /span context only/]);
  });

  const inferred: readonly (readonly [readonly string[], string])[] = [
    [['resource.attributes["a"] == 1'], 'resource'],
    [['scope.name == "a" and resource.attributes["a"] == 1'], 'scope'],
    [['resource.attributes["a"] == 1', 'span.name == "x"'], 'span'],
    [['span.name == "x"', 'spanevent.name == "y"'], 'spanevent'],
    [['instrumentation_scope.version == "1"'], 'scope'],
    [['resource.attributes[span.name] == 1'], 'span'],
    [['resource.attributes["a"] == 1 and IsRootSpan()'], 'span'],
    [['resource.dropped_attributes_count == SPAN_KIND_SERVER'], 'span'],
    [['IsRootSpan()'], 'span'],
  ];
  for (const [texts, context] of inferred) {
    it(`${texts.join(' | ')} runs in ${context}`, () => {
      assert.equal(inferContext(texts.map(parseCondition)), context);
    });
  }

  it('a path without a context says which ones there are', () => {
    const text = 'name == "x"';
    refuses(() => inferContext([parseCondition(text)]), [text, 'name', /such as span\.name/]);
    for (const [wrong, at, message] of [
      ['log.body == "x"', 'log', /there is no context log for spans/],
      ['true and span == nil', 'span', /span is a context: name one of its fields/],
      ['spn.name == "x"', 'spn', /there is no context spn; did you mean span\?/],
      ['span.name == nill', 'nill', /nill is no value; did you mean nil\?/],
      ['span.name == null', 'null', /null is no value; write nil/],
      ['span.attributes[method] == 1', 'method', /a key that is a text stands in quotes: "method"/],
      ['span.attributes[other["x"]] == 1', 'other', /such as span\.other/],
    ] as const) {
      refuses(() => inferContext([parseCondition(wrong)]), [wrong, at, message]);
    }
  });
  it('an event cannot ask whether its span is a root', () => {
    const text = 'spanevent.name == "x" and IsRootSpan()';
    assert.throws(() => inferContext([parseCondition(text)]), OttlError);
  });
});

describe('what can only fail is accepted, with a warning at its place', () => {
  const table: readonly Row[] = [
    ['name == 5', 'name == 5', /always false: a string is compared with an int/],
    ['name != nil', 'name != nil', /always true/],
    ['Len(name)', 'Len(name)', /not a condition/],
    ['attributes[1] == 2', '1', /asked by a string/],
    ['HasPrefix(kind, "x")', 'kind', /is a string, found an int/],
    ['name + 1 == 2', 'name', /cannot compute with a string/],
    ['-name == 2', '-name', /wants a number/],
    ['Len(name)[0] == 1', 'Len(name)[0]', /has no keys/],
  ];
  for (const [text, at, message] of table) {
    it(text, () => {
      const { warnings } = checkCondition(text, 'span');
      assert.equal(warnings.length > 0, true);
      assert.equal(text.slice(warnings[0].offset, warnings[0].offset + warnings[0].length), at);
      assert.match(warnings[0].message, message);
    });
  }
  it('what may hold has none', () => {
    for (const text of ['attributes["x"] == 5', 'kind == 2.5', 'name == "x"', 'attributes["x"] == nil']) {
      assert.deepEqual(checkCondition(text, 'span').warnings, []);
    }
  });
});
