// Editors: what they write, and what they refuse at a span.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attributeOf, runStatements } from './rule-stage.ts';

describe('set', () => {
  const table: readonly (readonly [statement: string, key: string, expected: unknown])[] = [
    ['set(attributes["new"], "x")', 'new', { string: 'x' }],
    ['set(attributes["str"], 5)', 'str', { int: '5' }],
    ['set(attributes["str"], nil)', 'str', { string: 'hello world' }],
    [
      'set(attributes["str"], attributes["list"])',
      'str',
      { list: [{ string: 'a' }, { string: 'b' }, { int: '3' }, { double: '1.5' }] },
    ],
    ['set(attributes["n"]["a"]["b"], 1)', 'n', { map: [['a', { map: [['b', { int: '1' }]] }]] }],
    ['set(attributes["n"][2], true)', 'n', { list: ['empty', 'empty', true] }],
    [
      'set(attributes["map"]["n"], 8)',
      'map',
      {
        map: [
          ['deep', { map: [['list', { list: [{ int: '10' }] }]] }],
          ['n', { int: '8' }],
          ['z', { string: 'last' }],
        ],
      },
    ],
    [
      'set(attributes["list"][0], "z")',
      'list',
      { list: [{ string: 'z' }, { string: 'b' }, { int: '3' }, { double: '1.5' }] },
    ],
    ['set(attributes[Concat(["d", "yn"], "")], attributes["max"])', 'dyn', { int: '9223372036854775807' }],
    ['set(attributes["big"], attributes["big"] + 0)', 'big', { int: '9007199254740993' }],
    ['set(attributes["x"], "y") where name == "other"', 'x', null],
    ['set(attributes["x"], "y") where kind == SPAN_KIND_SERVER', 'x', { string: 'y' }],
    ['delete_key(attributes, "str")', 'str', null],
    ['delete_key(attributes, attributes["key"])', 'str', null],
    [
      'delete_key(attributes["map"], "deep")',
      'map',
      {
        map: [
          ['n', { int: '7' }],
          ['z', { string: 'last' }],
        ],
      },
    ],
  ];
  for (const [statement, key, expected] of table) {
    it(`${statement} leaves ${key} ${JSON.stringify(expected)}`, () => {
      const { span, faults } = runStatements([statement]);
      assert.deepEqual(attributeOf(span, key), expected, faults[0] ?? 'no fault');
    });
  }

  it('writes the fields of a span, and reads back what it wrote', () => {
    const { span, faults } = runStatements([
      'set(name, "new name")',
      'set(kind.string, "Client")',
      'set(status.code, STATUS_CODE_OK)',
      'set(status.message, Concat([name, kind.deprecated_string], "/"))',
      'set(trace_state["vendor"], "z")',
      'set(span_id, SpanID(0x0000000000000001))',
      'set(parent_span_id.string, "00000000000000ff")',
      'set(start_time_unix_nano, 5)',
      'set(end_time, start_time + Duration("1s"))',
      'set(dropped_events_count, 4294967297)',
      'set(flags, 3)',
      'set(cache["a"]["b"], 7)',
      'set(attributes["from_cache"], cache["a"]["b"])',
    ]);
    assert.deepEqual(
      faults.filter((text) => text !== null),
      [],
    );
    assert.equal(span.name, 'new name');
    assert.equal(span.kind, 3);
    assert.deepEqual([span.status?.code, span.status?.message], [1, 'new name/SPAN_KIND_CLIENT']);
    assert.equal(span.traceState, 'vendor=z,other=y');
    assert.equal(Buffer.from(span.spanId).toString('hex'), '0000000000000001');
    assert.equal(Buffer.from(span.parentSpanId).toString('hex'), '00000000000000ff');
    assert.equal(span.startTimeUnixNano, 5n);
    assert.equal(span.endTimeUnixNano, 1_000_000_005n);
    assert.equal(span.droppedEventsCount, 1);
    assert.equal(span.flags, 3);
    assert.deepEqual(attributeOf(span, 'from_cache'), { int: '7' });
  });

  it('replaces all attributes by a map', () => {
    const { span } = runStatements(['set(attributes, {"a": 1, "str": "kept name"})']);
    assert.deepEqual(span.attributes.map(({ key }) => key).sort(), ['a', 'str']);
    assert.deepEqual(attributeOf(span, 'str'), { string: 'kept name' });
  });

  const faults: readonly (readonly [string, RegExp])[] = [
    ['set(name, 5)', /expected a string, got an int/],
    ['set(kind, "x")', /expected an int, got a string/],
    ['set(kind.string, "client")', /none of Unspecified/],
    ['set(start_time, 5)', /expected a time/],
    ['set(trace_id.string, "12")', /32 hex digits/],
    ['set(span_id, trace_id)', /expected a span id, got a trace id/],
    ['set(status, 1)', /expected a status/],
    ['set(events, [])', /expected events/],
    ['set(attributes, "x")', /expected a map/],
    ['set(attributes["x"], start_time)', /cannot hold a time/],
    ['set(attributes["x"], [start_time])', /cannot hold a list/],
    ['set(attributes["str"]["a"], 1)', /a string has no keys/],
    ['set(attributes["list"][9], 1)', /outside of a list of 4/],
    ['set(attributes["n"][-1], 1)', /outside of/],
    ['set(attributes["n"][1000000000], 1)', /outside of/],
    ['delete_key(attributes["str"], "x")', /expected a map/],
    ['delete_key(attributes["absent"], "x")', /expected a map, got nil/],
  ];
  for (const [statement, message] of faults) {
    it(`${statement} fails at the span: ${message.source}`, () => {
      assert.match(runStatements([statement]).faults[0] ?? '', message);
    });
  }
});
