import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FreshPart, SpanShape, Value } from '../../../../loadgen/corpus/shape.ts';
import { attribute, first, isFresh, named, profileText, tracesOf } from './small-profiles.ts';

const count = 200;

/** The spans of traces with one span each that has these attributes. */
const spansWith = (attributes: object, trace: object = {}): SpanShape[] =>
  tracesOf(profileText({ request: { attributes } }, {}, trace), count).map(({ spans }) => first(spans));

/** What the value is in many spans. */
const drawn = (value: unknown): (Value | undefined)[] => spansWith({ a: value }).map((span) => attribute(span, 'a'));
const one = (value: unknown): Value | undefined => first(drawn(value));
const text = (value: Value | undefined): string => {
  assert.equal(typeof value, 'string');
  return String(value);
};
const number = (value: Value | undefined): number => {
  assert.equal(typeof value, 'number');
  return Number(value);
};
const different = (values: readonly unknown[]): number => new Set(values.map((value) => JSON.stringify(value))).size;

test('scalars are themselves: texts, whole numbers, doubles, booleans', () => {
  const text = `
description: scalars
resources: { app: { scope: { name: lib } } }
traces: [ { root: request } ]
spans:
  request:
    resource: app
    attributes: { text: a, quoted: '1', whole: 1, double: 1.0, yes: true, list: [ 1, a, [ 0.5 ] ] }
`;
  assert.deepEqual(first(first(tracesOf(text, 1)).spans).attributes, [
    ['text', 'a'],
    ['quoted', '1'],
    ['whole', 1],
    ['double', { double: 1 }],
    ['yes', true],
    ['list', [1, 'a', [{ double: 0.5 }]]],
  ]);
});

test('one_of takes items evenly, by weights of texts, and by weights beside values', () => {
  const shares = (value: unknown) => {
    const values = drawn(value);
    return (wanted: Value) => values.filter((found) => found === wanted).length / count;
  };
  const evenly = shares({ one_of: ['x', 7] });
  assert.ok(evenly('x') > 0.35 && evenly(7) > 0.35 && evenly('x') + evenly(7) === 1);
  const weighted = shares({ one_of: { 200: 9, 500: 1, 404: 0 } });
  assert.ok(weighted('200') > 0.8 && weighted('500') > 0 && weighted('200') + weighted('500') === 1);
  const heavy = shares({ one_of: [{ weight: 9, value: 1 }, 2] });
  assert.ok(heavy(1) > 0.8 && heavy(2) > 0 && heavy(1) + heavy(2) === 1);
});

test('int, double and bool draw numbers and truths of their range', () => {
  const numbers = drawn({ int: '-2..2' }).map(number);
  assert.deepEqual(
    [...new Set(numbers)].sort((a, b) => a - b),
    [-2, -1, 0, 1, 2],
  );
  const doubles = drawn({ double: '0.0..1.0' });
  assert.ok(
    doubles.every((value) => typeof value === 'object' && 'double' in value && value.double >= 0 && value.double <= 1),
  );
  const truths = drawn({ bool: 0.3 }).filter((value) => value === true).length;
  assert.ok(truths > count * 0.2 && truths < count * 0.4, `${truths}`);
});

test('a pattern joins texts, drawn holes and copies, and a doubled brace is one', () => {
  const values = drawn({ pattern: '{{a} {int:1..3} {one_of:x|y} {word}' }).map(text);
  for (const value of values) assert.match(value, /^\{a\} [123] [xy] [a-z]+$/);
  assert.ok(different(values) > 50);
  const copied = spansWith(
    { a: { pattern: '{let:model.name}/{attr:b}/{let:size}' }, b: { one_of: ['x', 'y'] } },
    { let: { model: { one_of: [{ name: 'm1' }, { name: 'm2' }] }, size: { int: '1..2' } } },
  );
  for (const span of copied) assert.equal(text(attribute(span, 'a')).split('/')[1], attribute(span, 'b'));
  assert.equal(different(copied.map((span) => attribute(span, 'a'))), 8);
});

test('holes for ids stay fresh parts between literal texts, with a slot each', () => {
  const value = one({ pattern: 'id-{hex:24}{digits:4}.{base62:8}' });
  assert.deepEqual(value, {
    parts: [
      'id-',
      { alphabet: 'hex', length: 24, scope: 'span', slot: 0 },
      { alphabet: 'digits', length: 4, scope: 'span', slot: 1 },
      '.',
      { alphabet: 'base62', length: 8, scope: 'span', slot: 2 },
    ],
  });
});

test('a uuid is one of version 4 with fresh parts', () => {
  const values = drawn({ pattern: '{uuid}' });
  for (const value of values) {
    assert.ok(isFresh(value));
    const shown = value.parts.map((part) => (typeof part === 'string' ? part : '0'.repeat(part.length))).join('');
    assert.match(shown, /^0{8}-0{4}-40{3}-[89ab]0{3}-0{12}$/);
  }
  assert.equal(different(values), 4);
});

test('what a let draws is the same in all spans of a trace, fresh parts too, and others in other traces', () => {
  const attributes = {
    a: { let: 'session' },
    b: { let: 'user.name' },
    c: { pattern: '{hex:4}' },
    d: { pattern: '{hex:4}' },
  };
  const traces = tracesOf(
    profileText(
      { request: { attributes, children: [{ span: 'step', count: 3 }] }, step: { attributes } },
      {},
      {
        let: {
          session: { pattern: 's-{hex:8}-{hex:8}' },
          user: { one_of: [{ name: 'ann' }, { name: 'ben', id: { pattern: '{hex:4}' } }] },
          copy: { let: 'user.name' },
        },
      },
    ),
    20,
  );
  for (const { spans } of traces) {
    assert.equal(spans.length, 4);
    assert.equal(different(spans.map((span) => attribute(span, 'b'))), 1);
    for (const span of spans) {
      const session = attribute(span, 'a');
      assert.ok(isFresh(session));
      assert.deepEqual(session.parts, [
        's-',
        { alphabet: 'hex', length: 8, scope: 'trace', slot: 0 },
        '-',
        { alphabet: 'hex', length: 8, scope: 'trace', slot: 1 },
      ]);
      const slots = ['c', 'd'].map((key) => attribute(span, key));
      assert.deepEqual(
        slots.map((value) => isFresh(value) && value.parts[0]),
        [
          { alphabet: 'hex', length: 4, scope: 'span', slot: 0 },
          { alphabet: 'hex', length: 4, scope: 'span', slot: 1 },
        ],
      );
    }
  }
  assert.equal(different(traces.map(({ spans }) => attribute(first(spans), 'b'))), 2);
});

test('attr copies another attribute wherever it stands; where that one is absent, so is the copy', () => {
  const spans = spansWith({
    copy: { attr: 'id' },
    id: { pattern: '{hex:8}' },
    also: { attr: 'perhaps' },
    perhaps: { optional: 0.5, value: 'x' },
  });
  for (const span of spans) {
    assert.deepEqual(attribute(span, 'copy'), attribute(span, 'id'));
    assert.equal(attribute(span, 'also'), attribute(span, 'perhaps'));
  }
  const present = spans.filter((span) => attribute(span, 'perhaps') === 'x').length;
  assert.ok(present > count * 0.4 && present < count * 0.6, `${present}`);
});

test('parent copies from the nearest ancestor that has the attribute, with the very text of its fresh parts', () => {
  const [trace] = tracesOf(
    profileText({
      root: {
        attributes: { id: { attr: 'made' }, made: { pattern: '{hex:8}' }, other: 'of the root' },
        children: [{ span: 'middle' }],
      },
      middle: {
        attributes: { other: 'of the middle' },
        children: [{ span: 'leaf' }, { span: 'root-like', chance: 0 }],
      },
      leaf: {
        attributes: {
          up: { parent: 'id' },
          near: { parent: 'other' },
          none: { parent: 'only-elsewhere' },
          text: { pattern: '<{parent:other}{parent:only-elsewhere}>' },
        },
      },
      'root-like': { attributes: { 'only-elsewhere': 1 } },
    }),
    1,
  );
  assert.ok(trace);
  const root = first(named(trace, 'root'));
  const leaf = first(named(trace, 'leaf'));
  const id = attribute(root, 'id');
  assert.ok(isFresh(id));
  assert.equal((id.parts[0] as FreshPart).scope, 'trace', 'a span-scoped text would differ in the other span');
  assert.deepEqual(leaf.attributes, [
    ['up', id],
    ['near', 'of the middle'],
    ['text', '<of the middle>'],
  ]);
});

test('prose has the size that was asked for, inserted private texts included', () => {
  const values = drawn({ prose: '2KB', insert: [{ private: 'email', chance: 0.5 }, { near_miss: 'any' }] }).map(text);
  for (const value of values) assert.equal(Buffer.byteLength(value), 2000);
  const mails = values.filter((value) => /\w@\w/.test(value)).length;
  assert.ok(mails > count * 0.3, `${mails} with an address`);
  assert.ok(different(values) === count);
});

test('private data and near misses are drawn by kind', () => {
  assert.ok(
    drawn({ private: 'email' })
      .map(text)
      .every((value) => value.includes('@')),
  );
  assert.ok(different(drawn({ private: 'any' })) > 100);
  assert.ok(different(drawn({ near_miss: 'any' })) > 100);
});

test('json is valid JSON of its tree: drawn leaves, nulls, absent members and items', () => {
  const tree = {
    id: { pattern: 'say "{int:1..9}"' },
    nothing: null,
    object: { type: 'object', perhaps: { optional: 0.5, value: 1 } },
    items: { list: { n: { index_from: 1 }, kind: { one_of: ['a', 'b'] } }, count: '0..3' },
    fixed: [1, { optional: 0.5, value: 2 }, { double: '0.5..1.5' }],
    bytes: { bytes: 3 },
  };
  const read = drawn({ json: { object: tree } }).map((value) => JSON.parse(text(value)));
  for (const value of read) {
    assert.deepEqual(Object.keys(value), ['id', 'nothing', 'object', 'items', 'fixed', 'bytes']);
    assert.match(value.id, /^say "[1-9]"$/);
    assert.equal(value.nothing, null);
    assert.equal(value.object.type, 'object');
    assert.deepEqual(
      value.items.map((item: { n: number }) => item.n),
      [1, 2, 3].slice(0, value.items.length),
    );
    assert.equal(Buffer.from(value.bytes, 'base64').length, 3);
  }
  const sizes = (of: (value: (typeof read)[0]) => number) => [...new Set(read.map(of))].sort((a, b) => a - b);
  assert.deepEqual(
    sizes((value) => value.items.length),
    [0, 1, 2, 3],
  );
  assert.deepEqual(
    sizes((value) => value.fixed.length),
    [2, 3],
  );
  assert.deepEqual(
    sizes((value) => Object.keys(value.object).length),
    [1, 2],
  );
});

test('fresh parts inside of JSON, and of JSON inside of JSON, stay fresh parts of one text', () => {
  const value = one({ json: { args: { json: { id: { pattern: '"{hex:4}' } } }, n: 1 } });
  assert.ok(isFresh(value));
  assert.deepEqual(value.parts, [
    '{"args":"{\\"id\\":\\"\\\\\\"',
    { alphabet: 'hex', length: 4, scope: 'span', slot: 0 },
    '\\"}","n":1}',
  ]);
});

test('base64, bytes and floats have their sizes', () => {
  assert.equal(Buffer.from(text(one({ base64: '10KB' })), 'base64').length, 10_000);
  const bytes = one({ bytes: '1001B' });
  assert.ok(bytes instanceof Uint8Array && bytes.length === 1001);
  const floats = JSON.parse(text(one({ floats: 1536 })));
  assert.equal(floats.length, 1536);
  assert.ok(floats.every((number: number) => Math.abs(number) < 0.1 && number !== 0));
});

test('list repeats its value with the number of the item, and map is a map', () => {
  assert.deepEqual(one({ list: { pattern: 'item-{index}' }, count: 3 }), ['item-0', 'item-1', 'item-2']);
  assert.deepEqual(
    one({ map: { a: 1, b: { map: { c: 'd' } } } }),
    new Map<string, Value>([
      ['a', 1],
      ['b', new Map([['c', 'd']])],
    ]),
  );
});

test('tokens_of counts a token for each four characters, sum adds numbers and leaves out what is absent', () => {
  const [span] = spansWith({
    text: { pattern: 'abcde{hex:4}' },
    tokens: { tokens_of: 'text' },
    none: { optional: 0, value: 5 },
    all: { sum: ['tokens', 'more', 'none', 'text'] },
    more: 10,
    'none-tokens': { tokens_of: 'none' },
  });
  assert.ok(span);
  assert.deepEqual(span.attributes.slice(1), [
    ['tokens', 3],
    ['more', 10],
    ['all', 13],
  ]);
});

test('resources, event names, trace states and messages hold drawn texts where a fresh one would stand', () => {
  const id = { pattern: '{hex:6}' };
  const resources = {
    app: {
      scope: { name: 'lib', attributes: { id } },
      attributes: { id, again: { pattern: '<{attr:id}>' } },
      instances: 10,
    },
  };
  const spans = tracesOf(
    profileText(
      {
        request: { trace_state: { pattern: 'v={digits:3}' }, events: [{ name: id }], error: { rate: 1, message: id } },
      },
      { resources },
    ),
    count,
  ).map((trace) => first(trace.spans));
  for (const span of spans) {
    const resource = new Map(span.resource.attributes);
    assert.match(String(resource.get('id')), /^[0-9a-f]{6}$/);
    assert.equal(resource.get('again'), `<${resource.get('id')}>`);
    assert.match(span.events[0]?.name ?? '', /^[0-9a-f]{6}$/);
    assert.match(span.status.message, /^[0-9a-f]{6}$/);
    assert.match(span.traceState, /^v=\d{3}$/);
  }
  assert.equal(new Set(spans.map((span) => span.resource)).size, 10);
  assert.equal(different(spans.map((span) => span.resource)), 10);
  assert.equal(new Set(spans.map((span) => span.scope)).size, 1);
  assert.ok(different(spans.map((span) => span.status.message)) > 190);
});

test('spans that come otherwise count on from those that failed, entry by entry', () => {
  const attributes = { n: { index_from: 1 } };
  const bad = { attributes, error: { rate: 1 } };
  const otherwise = [{ span: 'bad', otherwise: [{ span: 'good' }] }];
  const text = profileText({
    request: { children: [{ span: 'bad', count: 2, otherwise }, { span: 'good' }] },
    bad,
    good: { attributes },
  });
  const numbers = first(tracesOf(text, 1))
    .spans.slice(1)
    .map((span) => attribute(span, 'n'));
  assert.deepEqual(numbers, [1, 2, 3, 4, 1]);
});

test('index_from and {index} count the events of an entry and the spans of an entry', () => {
  const [trace] = tracesOf(
    profileText({
      request: { children: [{ span: 'try', count: 3 }] },
      try: {
        attributes: { n: { index_from: 1 } },
        events: [{ name: { pattern: 'chunk-{index}' }, count: 2, at: 'start', attributes: { i: { index_from: 0 } } }],
      },
    }),
    1,
  );
  assert.ok(trace);
  const tries = named(trace, 'try');
  assert.deepEqual(
    tries.map((span) => attribute(span, 'n')),
    [1, 2, 3],
  );
  for (const { events } of tries) {
    assert.deepEqual(
      events.map(({ name, attributes }) => [name, ...attributes]),
      [
        ['chunk-0', ['i', 0]],
        ['chunk-1', ['i', 1]],
      ],
    );
  }
});
