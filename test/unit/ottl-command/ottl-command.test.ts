import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exampleRequest } from '../../../src/ottl-command/example-span.ts';
import { ottlCommand } from '../../../src/ottl-command/ottl-command.ts';
import { encodeRequest } from '../../../src/wire/reference/codec.ts';
import { readJson } from '../../../src/wire/reference/json-reader.ts';

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(args: readonly string[], stdin: string | Uint8Array = ''): Promise<Run> {
  let out = '';
  let err = '';
  const code = await ottlCommand(args, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    color: false,
    stdin: async () => Buffer.from(stdin),
  });
  return { code, out, err };
}

const span = 'span "GET /api/v2/users" 1112131415161718';

describe('an expression', () => {
  const table: readonly (readonly [string, string])[] = [
    ['name', '"GET /api/v2/users"'],
    ['attributes["http.status_code"] + 1', '201'],
    ['attributes["ratio"] * 4', '1.0'],
    ['attributes["none"]', 'nil'],
    ['name == "x" or kind == SPAN_KIND_SERVER', 'true'],
    ['not (kind == 2)', 'false'],
    ['IsMatch(name, "^GET")', 'true'],
    ['start_time', '2025-10-09T08:53:20.123456789Z'],
    ['end_time - start_time', '1.5s'],
    ['trace_id', '0102030405060708090a0b0c0d0e0f10'],
    ['status', 'status 2 "upstream timed out"'],
    ['events', '1 event'],
    ['[1, 2.5, true, nil, 0xff]', '[1, 2.5, true, nil, 0xff]'],
    ['attributes["request"]', '{"size": 120, "langs": ["en", "de"]}'],
    ['attributes["request"]["langs"][1]', '"de"'],
    ['9223372036854775807', '9223372036854775807'],
  ];
  for (const [text, value] of table) {
    test(`${text} gives ${value}`, async () => {
      assert.deepEqual(await run([text]), { code: 0, out: `${span}: ${value}\n`, err: '' });
    });
  }

  test('is evaluated in the lowest context that it names, or in the one that is given', async () => {
    const event = `spanevent 0 "exception" of ${span}`;
    assert.equal((await run(['spanevent.name'])).out, `${event}: "exception"\n`);
    assert.equal((await run(['name', '--context', 'spanevent'])).out, `${event}: "exception"\n`);
    assert.equal((await run(['spanevent.event_index + span.kind'])).out, `${event}: 2\n`);
    assert.equal((await run(['resource.attributes["host.name"]'])).out, 'resource "shop": "web-1"\n');
    assert.equal((await run(['version', '--context=scope'])).out, 'scope "http-server": "1.2.0"\n');
  });

  test('that fails on a span says so there, and makes the exit code 1', async () => {
    const { code, out, err } = await run(['Substring(name, 0, 99)']);
    assert.deepEqual({ code, err }, { code: 1, err: '' });
    assert.equal(out, `${span}: fails: the part ends at 99, the text at 17\n`);
  });

  test('shows no character that controls a terminal', async () => {
    const { out } = await run(['Concat(["a", "\u009b2J\u007f", "\\u001b"], "")']);
    assert.equal(out, `${span}: "a\\u009b2J\\u007f\\u001b"\n`);
  });
});

describe('a statement', () => {
  test('shows what it changes, path by path', async () => {
    const { code, out } = await run(['set(attributes["request"]["size"], 1.5) where kind == SPAN_KIND_SERVER']);
    assert.equal(code, 0);
    assert.equal(out, `${span}\n  - attributes["request"]["size"]: 120\n  + attributes["request"]["size"]: 1.5\n`);
  });

  test('shows an attribute that it adds or removes, and a field that it empties', async () => {
    assert.equal((await run(['set(attributes["new"], true)'])).out, `${span}\n  + attributes["new"]: true\n`);
    assert.equal((await run(['delete_key(attributes, "cached")'])).out, `${span}\n  - attributes["cached"]: true\n`);
    assert.equal((await run(['set(trace_state, "")'])).out, `${span}\n  - trace_state: "vendor=x"\n`);
    assert.equal(
      (await run(['set(status.code, STATUS_CODE_OK)'])).out,
      `${span}\n  - status.code: STATUS_CODE_ERROR\n  + status.code: STATUS_CODE_OK\n`,
    );
  });

  test('of a lower context shows what it changes in a higher one', async () => {
    const { out } = await run(['set(resource.attributes["host.name"], span.name)']);
    const changes = '  - attributes["host.name"]: "web-1"\n  + attributes["host.name"]: "GET /api/v2/users"\n';
    assert.equal(out, `resource "shop"\n${changes}${span}: not changed\n`);
  });

  test('says when its condition does not hold, and when it changes nothing', async () => {
    assert.equal(
      (await run(['set(name, "x") where kind == SPAN_KIND_CLIENT'])).out,
      `${span}: not changed, its condition does not hold\n`,
    );
    assert.equal((await run(['set(name, name)'])).out, `${span}: not changed\n`);
  });

  test('begins with an empty cache on every item', async () => {
    const rule = 'set(cache["seen"], true) where cache["seen"] == nil';
    const two = JSON.stringify({ spans: [{ name: 'a' }, { name: 'b' }] });
    assert.equal((await run([rule, '--span', '-'], two)).out, 'span "a": not changed\nspan "b": not changed\n');
  });
});

describe('what cannot be understood', () => {
  const table: readonly (readonly [readonly string[], string])[] = [
    [['nam'], 'expression:1:1 CONFIG_OTTL a span has no field nam; did you mean name?\n  nam\n  ^\n'],
    [
      ['name\n== "x" und kind == 2'],
      'expression:2:8 CONFIG_OTTL expected an operator or the end of the expression, found "und"\n  == "x" und kind == 2\n         ^\n',
    ],
    [
      ['set(nme, 1)'],
      'expression:1:5 CONFIG_OTTL a span has no field nme; did you mean name?\n  set(nme, 1)\n      ^\n',
    ],
    [['name == 1)'], 'expression:1:10 CONFIG_OTTL expected an operator or the end of the expression, found ")"\n'],
    [[], 'USAGE no expression is given\n'],
    [['name', 'kind'], 'USAGE one expression in quotes is expected; "kind" is another argument\n'],
    [['name', '--context', 'spam'], 'USAGE --context spam is not known; did you mean "span"?\n'],
    [['name', '--spam', 'x'], "USAGE unknown option '--spam'\n"],
    [['name', '--span', 'no/such/file'], 'STORAGE no/such/file: it cannot be read: ENOENT'],
  ];
  for (const [args, message] of table) {
    test(`${args.join(' ')}: exit code 2`, async () => {
      const { code, out, err } = await run(args);
      assert.deepEqual({ code, out, err: err.slice(0, message.length) }, { code: 2, out: '', err: message });
    });
  }

  test('a warning does not stop it', async () => {
    const { code, out, err } = await run(['name == 5']);
    assert.deepEqual({ code, out }, { code: 0, out: `${span}: false\n` });
    assert.match(err, /^expression:1:1 CONFIG_OTTL warning: always false: a string is compared with an int\n {2}name/);
  });

  test('input that holds no spans, or is no OTLP', async () => {
    for (const text of ['', '[]', '{}', '{"resourceSpans":[]}', 'hello', '{"name": 5}']) {
      const { code, out, err } = await run(['name', '--span', '-'], text);
      assert.deepEqual({ code, out }, { code: 2, out: '' }, text);
      assert.match(err, /^OTLP_(?:JSON|PROTOBUF) -: /, text);
    }
  });
});

describe('spans', () => {
  const one = {
    name: 'a',
    spanId: '0000000000000001',
    attributes: [{ key: 'n', value: { intValue: '9007199254740993' } }],
  };
  const forms: readonly (readonly [string, string | Uint8Array])[] = [
    ['one span', JSON.stringify(one, null, 2)],
    ['spans of a scope', JSON.stringify({ scope: { name: 's' }, spans: [one] })],
    ['spans of a resource', JSON.stringify({ resource: {}, scopeSpans: [{ spans: [one] }] })],
    ['a request', JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [one] }] }] })],
    [
      'numbers that JavaScript cannot hold',
      '{"name": "a", "spanId": "0000000000000001", "attributes": [{"key": "n", "value": {"intValue": 9007199254740993}}]}',
    ],
    ['protobuf', encodeRequest(readJson(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [one] }] }] })))],
  ];
  for (const [form, text] of forms) {
    test(`${form} can be read`, async () => {
      const { code, out, err } = await run(['attributes["n"] - 9007199254740992', '--span', '-'], text);
      assert.deepEqual({ code, out, err }, { code: 0, out: 'span "a" 0000000000000001: 1\n', err: '' });
    });
  }

  test('of several requests, resources and scopes are shown in their order, each with its own value', async () => {
    const lines = ['a', 'b'].map((name) =>
      JSON.stringify({
        resourceSpans: [
          { resource: { attributes: [] }, scopeSpans: [] },
          { scopeSpans: [{ spans: [{ name }, { name: `${name}2`, kind: 3 }] }, { spans: [{ name: `${name}3` }] }] },
        ],
      }),
    );
    const { out } = await run(['kind', '--span', '-'], lines.join('\n'));
    assert.equal(
      out,
      ['a: 0', 'a2: 3', 'a3: 0', 'b: 0', 'b2: 3', 'b3: 0'].map((line) => `span "${line.replace(':', '":')}\n`).join(''),
    );
  });

  test('the example span is whole', async () => {
    const stdin = JSON.stringify(exampleRequest);
    assert.deepEqual(await run(['attributes', '--span', '-'], stdin), await run(['attributes']));
  });

  test('of odd encodings are read as the service reads them: the value before its key, a field twice', async () => {
    // KeyValue { 2: AnyValue { 1: "v" }, 1: "k" }
    const keyValue = [18, 3, 10, 1, 118, 10, 1, 107];
    const name = (text: number): number[] => [42, 1, text];
    const span = [...name(97), ...name(98), 74, keyValue.length, ...keyValue];
    const scopeSpans = [18, span.length, ...span];
    const resourceSpans = [18, scopeSpans.length, ...scopeSpans];
    const request = Uint8Array.from([10, resourceSpans.length, ...resourceSpans]);
    const { out } = await run(['Concat([name, attributes["k"]], "-")', '--span', '-'], request);
    assert.equal(out, 'span "b": "b-v"\n');
  });

  test('of megabytes, and of maps in maps, come through whole', async () => {
    const long = 'x'.repeat(5_000_000);
    const large = await run(['Len(attributes["a"])', '--span', '-'], spanWith({ stringValue: long }));
    assert.equal(large.out, 'span "a": 5000000\n');
    const grown = await run(
      ['set(attributes["b"], Concat([attributes["a"], attributes["a"]], ""))', '--span', '-'],
      spanWith({ stringValue: long }),
    );
    assert.equal(grown.code, 0, grown.err);
    assert.equal(grown.out.length, 'span "a"\n  + attributes["b"]: ""\n'.length + 2 * long.length);
    let deep: object = { intValue: '1' };
    for (let i = 0; i < 25; i++) deep = { kvlistValue: { values: [{ key: 'k', value: deep }] } };
    const nested = await run(['attributes["a"]', '--span', '-'], spanWith(deep));
    assert.equal(nested.out, `span "a": ${'{"k": '.repeat(25)}1${'}'.repeat(25)}\n`);
  });
});

const spanWith = (value: object): string => JSON.stringify({ name: 'a', attributes: [{ key: 'a', value }] });
