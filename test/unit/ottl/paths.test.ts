// Every path of every context: read, written, and read again from the bytes that were written.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ContextName, contextNames, sees } from '../../../src/ottl/environment.ts';
import { paths } from '../../../src/ottl/paths.ts';
import { showValue } from '../../../src/ottl/show.ts';
import { readRule } from '../../../src/ottl-command/rule.ts';
import { runRule } from '../../../src/ottl-command/run-rule.ts';
import { decodeRequest, encodeRequest } from '../../../src/wire/reference/codec.ts';
import type { ExportTraceServiceRequest } from '../../../src/wire/reference/messages.ts';
import { sampleRequest } from './sample.ts';

/** The sample with two links, of which the first has all that a link can have. */
function request(): ExportTraceServiceRequest {
  const made = sampleRequest();
  const [span] = made.resourceSpans[0].scopeSpans[0].spans;
  const id = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
  const attribute = (key: string, stringValue: string) => ({ key, keyStrindex: 0, value: { stringValue } });
  span.links = [
    {
      traceId: id('a1a2a3a4a5a6a7a8a9aaabacadaeafb0'),
      spanId: id('b1b2b3b4b5b6b7b8'),
      traceState: 'vendor=l',
      attributes: [attribute('kind', 'follows'), attribute('str', 'of the link')],
      droppedAttributesCount: 4,
      flags: 1,
    },
    { traceId: id(''), spanId: id(''), traceState: '', attributes: [], droppedAttributesCount: 0, flags: 0 },
  ];
  return made;
}

const bytes = encodeRequest(request());

/** What the expression gives for each item of the context, in `of`. */
function read(context: ContextName, expression: string, of = bytes): string[] {
  return runRule(readRule(expression, context), of).outcomes.map((outcome) => {
    assert.equal(outcome.kind, 'value', outcome.kind === 'fault' ? outcome.message : expression);
    return outcome.kind === 'value' ? showValue(outcome.value) : '';
  });
}

/** The request behind the statement, which must not fail. */
function write(context: ContextName, statement: string, of = bytes): Uint8Array {
  const { after, outcomes } = runRule(readRule(statement, context), of);
  for (const outcome of outcomes) assert.deepEqual(outcome, { kind: 'ran', held: true }, statement);
  assert.ok(outcomes.length > 0);
  return after;
}

/** What it gives for the first item; a value to write, and how it reads then (absent: as it was written). */
type Row = readonly [before: string, written: string, after?: string];
const traceId = '0102030405060708090a0b0c0d0e0f10';

const all: Readonly<Record<ContextName, Readonly<Record<string, Row | null>>>> = {
  resource: {
    attributes: ['{"service.name": "shop", "host": "h1"}', '{"a": {"b": [1]}}'],
    dropped_attributes_count: ['2', '7'],
    schema_url: ['"https://example.com/resource"', '"https://example.com/other"'],
    cache: ['{}', '{"a": 1}', '{}'],
  },
  scope: {
    name: ['"lib"', '"library"'],
    version: ['"1.2"', '""'],
    attributes: ['{"scope.attr": "s"}', '{"scope.attr": 1}'],
    dropped_attributes_count: ['0', '4294967295'],
    schema_url: ['"https://example.com/scope"', '""'],
    cache: ['{}', '{"a": 1}', '{}'],
  },
  span: {
    trace_id: [traceId, 'TraceID("000102030405060708090a0b0c0d0e0f")', '000102030405060708090a0b0c0d0e0f'],
    'trace_id.string': [`"${traceId}"`, '"000102030405060708090a0b0c0d0e0f"'],
    span_id: ['1112131415161718', 'SpanID(0x0001020304050607)', '0001020304050607'],
    'span_id.string': ['"1112131415161718"', '"0001020304050607"'],
    parent_span_id: ['0000000000000000', 'span.span_id', '1112131415161718'],
    'parent_span_id.string': ['"0000000000000000"', '"0001020304050607"'],
    trace_state: ['"vendor=x,other=y"', '"a=1"'],
    name: ['"GET /api/v2/users"', '"n"'],
    kind: ['2', '5'],
    'kind.string': ['"Server"', '"Consumer"'],
    'kind.deprecated_string': ['"SPAN_KIND_SERVER"', '"SPAN_KIND_CLIENT"'],
    start_time: ['2025-10-09T08:53:20.123456789Z', 'span.end_time', '2025-10-09T08:53:21.623456789Z'],
    start_time_unix_nano: ['1760000000123456789', '-1'],
    end_time: ['2025-10-09T08:53:21.623456789Z', 'span.start_time', '2025-10-09T08:53:20.123456789Z'],
    end_time_unix_nano: ['1760000001623456789', '9223372036854775807'],
    attributes: null, // see below: the sample has too many to write them here
    events: ['2 events', 'span.events', '2 events'],
    links: ['2 links', 'span.links', '2 links'],
    status: ['status 2 "broken"', 'span.status', 'status 2 "broken"'],
    'status.code': ['2', '1'],
    'status.message': ['"broken"', '""'],
    dropped_attributes_count: ['1', '0'],
    dropped_events_count: ['5', '6'],
    dropped_links_count: ['6', '5'],
    flags: ['257', '4294967295'],
    cache: ['{}', '{"a": 1}', '{}'],
  },
  spanevent: {
    name: ['"exception"', '"e"'],
    time: ['2025-10-09T08:53:20.2Z', 'span.start_time', '2025-10-09T08:53:20.123456789Z'],
    time_unix_nano: ['1760000000200000000', '1'],
    attributes: ['{"exception.type": "TimeoutError", "n": 4}', '{"n": [1, {"m": 2.5}]}'],
    dropped_attributes_count: ['0', '3'],
    event_index: ['0', '', ''],
    cache: ['{}', '{"a": 1}', '{}'],
  },
  spanlink: {
    trace_id: ['a1a2a3a4a5a6a7a8a9aaabacadaeafb0', 'span.trace_id', traceId],
    'trace_id.string': ['"a1a2a3a4a5a6a7a8a9aaabacadaeafb0"', `"${traceId}"`],
    span_id: ['b1b2b3b4b5b6b7b8', 'span.span_id', '1112131415161718'],
    'span_id.string': ['"b1b2b3b4b5b6b7b8"', '"1112131415161718"'],
    trace_state: ['"vendor=l"', '"a=1,b=2"'],
    attributes: ['{"kind": "follows", "str": "of the link"}', '{"n": [1, {"m": 2.5}]}'],
    dropped_attributes_count: ['4', '0'],
    flags: ['1', '257'],
    cache: ['{}', '{"a": 1}', '{}'],
  },
};

for (const context of contextNames) {
  describe(`paths of ${context}`, () => {
    it('are all of these', () => {
      assert.deepEqual([...paths[context].keys()].sort(), Object.keys(all[context]).sort());
    });

    for (const [name, row] of Object.entries(all[context])) {
      if (row === null) continue;
      const lower = contextNames.filter((own) => (name === 'cache' ? own === context : sees(own, context)));
      const [before, written, after = written] = row;
      const path = `${context}.${name}`;
      it(`${path} is read in ${lower.join(', ')}`, () => {
        for (const own of lower) assert.equal(read(own, path)[0], before, own);
        assert.equal(read(context, name)[0], before);
      });
      if (written === '') continue;
      it(`${path} is written in ${lower.join(', ')}`, () => {
        for (const own of lower) {
          const changed = write(own, `set(${path}, ${written})`);
          assert.equal(read(context, name, changed)[0], after, own);
        }
      });
    }
  });
}

describe('keys', () => {
  const keyed: readonly (readonly [ContextName, string])[] = contextNames.flatMap((context) =>
    (['attributes', 'cache'] as const).map((name) => [context, `${context}.${name}`] as const),
  );
  for (const [context, path] of keyed) {
    it(`reach into ${path} as deep as they are, and make what is missing`, () => {
      const run = (text: string): string => {
        const outcomes = runRule(readRule(text, context), bytes).outcomes;
        const [outcome] = outcomes;
        return outcome.kind === 'value' ? showValue(outcome.value) : JSON.stringify(outcome);
      };
      assert.equal(run(`${path}["absent"]["b"][0]`), 'nil');
      assert.equal(run(`set(${path}["made"]["m"][1], true)`), '{"kind":"ran","held":true}');
      if (path.endsWith('cache')) return;
      const changed = write(context, `set(${path}["made"]["m"][1], true)`);
      assert.deepEqual(
        ['', '["m"]', '["m"][0]', '["m"][1]'].map((keys) => read(context, `${path}["made"]${keys}`, changed)[0]),
        ['{"m": [nil, true]}', '[nil, true]', 'nil', 'true'],
      );
      const again = write(context, `set(${path}["made"]["m"][0], ${path}["made"])`, changed);
      assert.equal(read(context, `${path}["made"]`, again)[0], '{"m": [{"m": [nil, true]}, true]}');
      assert.equal(read(context, `${path}[Concat(["", "made"], "")]["m"][1]`, again)[0], 'true');
    });
  }

  it('name a member of a trace state', () => {
    for (const context of ['span', 'spanlink'] as const) {
      assert.notEqual(read(context, 'trace_state["vendor"]')[0], '""');
      const changed = write(context, 'set(trace_state["vendor"], "z")');
      assert.equal(read(context, 'trace_state["vendor"]', changed)[0], '"z"');
    }
  });

  it('of all attributes of a span lead to what the attributes are', () => {
    const changed = write('span', 'set(attributes, {"a": 1, "str": {"b": [nil, 0x00ff, 1.5]}})');
    assert.deepEqual(read('span', 'attributes', changed), ['{"a": 1, "str": {"b": [nil, 0x00ff, 1.5]}}']);
    assert.deepEqual(read('span', 'Len(attributes)'), ['32']);
  });
});

it('a rule has the cache of its own context only', () => {
  for (const own of contextNames) {
    for (const context of contextNames.filter((other) => other !== own && sees(own, other))) {
      assert.throws(
        () => readRule(`${context}.cache["a"] == nil`, own),
        (error: Error) => error.message === `a rule of the ${own} context has a cache of its own: write ${own}.cache`,
      );
    }
  }
});

describe('what an event or link rule writes', () => {
  it('goes to its own item', () => {
    const links = write('spanlink', 'set(attributes["in"], span.name)');
    const events = write('spanevent', 'set(name, Concat([name, String(event_index)], "-"))', links);
    const [span] = decodeRequest(events).resourceSpans[0].scopeSpans[0].spans;
    assert.deepEqual(
      span.links.map(({ attributes }) => attributes.map(({ key, value }) => `${key}=${value?.stringValue}`)),
      [['kind=follows', 'str=of the link', 'in=GET /api/v2/users'], ['in=GET /api/v2/users']],
    );
    assert.deepEqual(
      span.events.map(({ name }) => name),
      ['exception-0', 'retry-1'],
    );
    const [before] = request().resourceSpans[0].scopeSpans[0].spans;
    assert.deepEqual(span.attributes, before.attributes);
  });

  it('leaves the items as they are where its condition does not hold', () => {
    const { before, after, outcomes } = runRule(
      readRule('set(spanlink.flags, 9) where spanlink.attributes["kind"] == "none"', null),
      bytes,
    );
    assert.deepEqual(outcomes, [
      { kind: 'ran', held: false },
      { kind: 'ran', held: false },
    ]);
    assert.deepEqual(after, before);
  });

  it('is kept while the rule asks for the items as a whole', () => {
    for (const context of ['spanevent', 'spanlink'] as const) {
      const changed = write(context, 'set(attributes["n"], Len(span.links) * 10 + Len(span.events))');
      assert.deepEqual(read(context, 'attributes["n"]', changed), ['22', '22']);
      // Two edits of one item, with the question between them.
      const twice = write(context, 'merge_maps(attributes, {"n": 1, "m": Len(span.events)}, "upsert")');
      assert.deepEqual(read(context, 'attributes["m"]', twice), ['2', '2']);
    }
  });

  it('reaches a schema URL from every item, and the last one stays', () => {
    for (const own of ['spanlink', 'spanevent'] as const) {
      const index = own === 'spanevent' ? 'String(event_index)' : 'trace_state';
      const changed = write(own, `set(scope.schema_url, Concat([scope.schema_url, ${index}], "/"))`);
      const [{ scopeSpans, schemaUrl }] = decodeRequest(changed).resourceSpans;
      assert.equal(scopeSpans[0].schemaUrl, `https://example.com/scope/${own === 'spanevent' ? '0/1' : 'vendor=l/'}`);
      assert.equal(schemaUrl, 'https://example.com/resource');
    }
  });
});

describe('a schema URL', () => {
  const bare = (): Uint8Array => {
    const made = request();
    const [holder] = made.resourceSpans;
    delete holder.resource;
    delete holder.scopeSpans[0].scope;
    holder.schemaUrl = '';
    holder.scopeSpans[0].schemaUrl = '';
    return encodeRequest(made);
  };

  it('is written where there was none, and no resource or scope is made up', () => {
    const changed = write('resource', 'set(schema_url, "r")', write('scope', 'set(schema_url, "s")', bare()));
    const [{ resource, schemaUrl, scopeSpans }] = decodeRequest(changed).resourceSpans;
    assert.deepEqual([resource?.attributes ?? [], schemaUrl], [[], 'r']);
    assert.deepEqual([scopeSpans[0].scope?.name ?? '', scopeSpans[0].schemaUrl], ['', 's']);
    assert.equal(scopeSpans[0].spans.length, 1);
  });

  it('is written beside other edits of its resource, once', () => {
    const both = write('resource', 'set(schema_url, Concat([schema_url, attributes["host"]], "#"))');
    const [{ resource, schemaUrl }] = decodeRequest(both).resourceSpans;
    assert.equal(schemaUrl, 'https://example.com/resource#h1');
    assert.deepEqual(resource, request().resourceSpans[0].resource);
    const text = Buffer.from(both).toString('latin1');
    assert.equal(text.split('https://example.com/resource').length, 2);
  });
});

describe('links and events', () => {
  it('do not see each other', () => {
    for (const [own, other] of [
      ['spanlink', 'spanevent'],
      ['spanevent', 'spanlink'],
    ] as const) {
      assert.throws(() => readRule(`${other}.attributes["a"] == 1`, own), /links and events are shown apart/);
    }
    assert.throws(() => readRule('spanlink.flags == 1 and spanevent.name == "x"', null), /shown apart/);
  });

  it('are named by the paths of a rule', () => {
    assert.equal(readRule('spanlink.flags == 1 and span.name == "x"', null).context, 'spanlink');
    assert.equal(readRule('set(spanevent.name, resource.attributes["a"])', null).context, 'spanevent');
    assert.equal(readRule('spanlink.flags == STATUS_CODE_OK', null).context, 'spanlink');
  });
});
