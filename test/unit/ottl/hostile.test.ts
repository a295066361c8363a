// What hostile or broken clients send, through every function that meets it: a value or a fault, and nothing else.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OttlValue } from '../../../src/ottl/values.ts';
import type { AnyValue } from '../../../src/wire/reference/messages.ts';
import {
  attribute,
  attributesAfter,
  converters,
  expression,
  requestWith,
  run,
  statement,
  steady,
} from './hostile-rules.ts';
import { isAccepted, runCompiled } from './oracle/both-ways.ts';

// --- deep values -----------------------------------------------------------------------------------------------------

describe('a map 200 deep', () => {
  const nested = (levels: number) => `${'{"k":'.repeat(levels)}1${'}'.repeat(levels)}`;
  const rules = [
    statement('set(cache["deep"], ParseJSON(attributes["json"]))'),
    expression('cache["deep"]["k"]["k"]["k"]'),
    expression('String(cache["deep"])'),
    expression('SHA256(String(cache["deep"]))'),
    ...['SHA1', 'MD5', 'FNV', 'XXH3', 'Murmur3Hash'].map((name) => expression(`${name}(String(cache["deep"]))`)),
    expression('ToKeyValueString(cache["deep"])'),
    expression('Concat([cache["deep"], cache["deep"]], ",")'),
    expression('Format("%v %d %s", [cache["deep"], cache["deep"], cache["deep"]])'),
    expression('cache["deep"] == ParseJSON(attributes["json"])'),
    expression('ContainsValue([cache["deep"]], cache["deep"])'),
    expression('Sort([cache["deep"], cache["deep"]])'),
    expression('Keys(cache["deep"])'),
    expression('SliceToMap([{"id": "a", "deep": cache["deep"]}], ["id"], ["deep", "k", "k"])'),
    expression('IsMatch(cache["deep"], "k.*1")'),
    expression('Len(Split(String(cache["deep"]), "k"))'),
    statement('merge_maps(cache["deep"], {"more": 1}, "upsert")'),
    statement('append(cache["list"], cache["deep"])'),
    statement('set(cache["deep"]["k"]["k"]["k"]["new"], cache["deep"])'),
    statement('replace_all_patterns(cache["deep"], "key", "k", "l")'),
    statement('stringify_all(cache["list"][0])'),
    expression('cache["list"][0]["k"]'),
    statement('flatten(cache["deep"])'),
    expression('Len(Keys(cache["deep"])[0])'),
    statement('set(attributes["flat"], cache["deep"])'),
  ];

  it('goes through flatten, ParseJSON, text, hashes and comparisons', () => {
    const { outcomes } = run(rules, requestWith([attribute('json', { stringValue: nested(200) })]));
    const failed = outcomes.filter((outcome) => 'fault' in outcome);
    assert.deepEqual(
      failed.map(({ rule }) => rule.text),
      [],
    );
  });

  it('is a fault where it is deeper than what is read', () => {
    const [parsed] = run(rules, requestWith([attribute('json', { stringValue: nested(100_000) })])).outcomes;
    assert.ok('fault' in parsed);
  });

  it('is not written to an attribute: no receiver would take the request', () => {
    for (const levels of [31, 32]) {
      const request = requestWith([attribute('json', { stringValue: nested(levels) })]);
      const text = 'set(attributes["deep"], ParseJSON(attributes["json"]))';
      const { outcomes, after } = run([statement(text)], request);
      assert.equal('value' in outcomes[0], levels === 31);
      assert.equal(attributesAfter({ outcomes, after }).length, levels === 31 ? 2 : 1);
    }
  });

  it('as deep as a request may bring it goes through every editor', () => {
    let deep: AnyValue = { stringValue: 'x' };
    for (let i = 0; i < 30; i++) deep = { kvlistValue: { values: [attribute('k', deep)] } };
    const editors = [
      ...['flatten(attributes)', 'flatten(attributes["deep"], depth=7)', 'stringify_all(attributes)'],
      ...['append(attributes["deep"]["k"]["list"], attributes["deep"])', 'set(attributes["deep"]["k"]["k"], 1)'],
      ...['merge_maps(attributes, attributes["deep"], "upsert")', 'delete_key(attributes["deep"]["k"]["k"], "k")'],
      ...['set(attributes["again"], {"k": attributes["deep"]})', 'truncate_all(attributes["deep"], 0)'],
    ];
    for (const text of editors) run([statement(text)], requestWith([attribute('deep', deep)]));
  });
});

describe('a map with more keys than an item may have attributes', () => {
  const rules = [
    ['merge_maps(attributes, ParseJSON(attributes["json"]), "upsert")'],
    ['set(attributes, ParseJSON(attributes["json"]))'],
    ['set(attributes["map"], ParseJSON(attributes["json"]))', 'flatten(attributes)'],
  ];
  const json = (keys: number) =>
    JSON.stringify(Object.fromEntries(Array.from({ length: keys }, (_, i) => [`k${i}`, i])));
  for (const texts of rules) {
    it(`is a fault that changes nothing, and a smaller one is written in no time: ${texts.join('; ')}`, () => {
      for (const keys of [30_000, 70_000]) {
        const request = requestWith([attribute('json', { stringValue: json(keys) })]);
        const { outcomes, after } = runCompiled(texts.map(statement), request);
        const last = outcomes[outcomes.length - 1];
        assert.equal('value' in last, keys === 30_000, 'crash' in last ? last.crash : '');
        const count = after[0].scopes[0].spans[0].attributes.length;
        assert.ok(keys === 30_000 ? count >= keys : count <= 2, `${count} attributes`);
      }
    });
  }
});

describe('a cache that is put into itself', () => {
  it('has an end', () => {
    const rules = [
      statement('set(cache["a"], 1)'),
      statement('set(cache["self"], cache)'),
      statement('set(cache["list"], [cache, cache])'),
      statement('merge_maps(cache, cache, "upsert")'),
      statement('set(cache, cache)'),
      expression('String(cache)'),
    ];
    const { outcomes } = run(rules, requestWith([]));
    const last = outcomes[outcomes.length - 1];
    const self = '{"a":1,"self":{"a":1}}';
    assert.ok('value' in last);
    assert.equal(last.value, `{"a":1,"list":[${self},${self}],"self":{"a":1}}`);
  });
});

// --- numbers at the ends ---------------------------------------------------------------------------------------------

describe('the ends of int64', () => {
  const [min, max] = [-(2n ** 63n), 2n ** 63n - 1n];
  const request = requestWith([
    attribute('min', { intValue: min }),
    attribute('max', { intValue: max }),
    attribute('one', { intValue: 1n }),
    attribute('list', { arrayValue: { values: [{ intValue: 1n }] } }),
    attribute('over', { stringValue: '9223372036854775808' }),
    attribute('huge', { doubleValue: 1e300 }),
    attribute('nan', { doubleValue: Number.NaN }),
  ]);
  const a = (key: string) => `attributes["${key}"]`;
  /** undefined: a fault. */
  const table: readonly (readonly [text: string, value: OttlValue | undefined])[] = [
    [`${a('max')} + ${a('one')}`, min],
    [`${a('min')} - ${a('one')}`, max],
    [`${a('max')} * ${a('max')}`, 1n],
    [`${a('min')} * -1`, min],
    [`${a('min')} / -1`, min],
    [`-${a('min')}`, min],
    [`${a('min')} / 0`, undefined],
    [`${a('max')} + 0.0`, 2 ** 63],
    [`${a('max')} == 9223372036854775807`, true],
    [`${a('max')} == ${a('max')} - 1`, false],
    [`${a('max')} > ${a('min')}`, true],
    [`Int(${a('over')})`, null],
    [`Int(${a('huge')})`, min],
    [`Int(${a('nan')})`, min],
    [`Int(String(${a('min')}))`, min],
    [`Double(${a('min')})`, -(2 ** 63)],
    [`String(${a('max')})`, '9223372036854775807'],
    [`Hex(${a('min')})`, '8000000000000000'],
    [`ParseInt("7fffffffffffffff", 16)`, max],
    [`ParseInt("8000000000000000", 16)`, undefined],
    [`Format("%d", [${a('min')}])`, '-9223372036854775808'],
    [`Substring("abc", ${a('max')}, 1)`, undefined],
    [`Substring("abc", 1, ${a('max')})`, undefined],
    [`Substring("abc", ${a('min')}, ${a('max')})`, undefined],
    [`${a('list')}[${a('max')}]`, undefined],
    [`${a('list')}[${a('min')}]`, undefined],
    [`UnixNano(Unix(0, ${a('max')}))`, max],
    [`Nanoseconds(Duration("2562047h47m16.854775807s"))`, max],
    [`Sort([${a('max')}, ${a('min')}])`, [min, max]],
  ];
  for (const [text, wanted] of table) {
    it(`${text} is ${wanted === undefined ? 'a fault' : String(wanted)}`, () => {
      const [outcome] = run([expression(text)], request).outcomes;
      assert.deepEqual('value' in outcome ? outcome.value : undefined, wanted);
    });
  }

  it('go through every function and editor', () => {
    const rules = [
      ...steady.flatMap(({ name, parameters }) =>
        [a('min'), a('max')].map((value) => expression(`${name}(${parameters.map(() => value).join(', ')})`)),
      ),
      ...[a('min'), a('max')].flatMap((value) => [
        statement(`delete_index(${a('list')}, ${value})`),
        statement(`delete_index(${a('list')}, 0, ${value})`),
        statement(`set(${a('list')}[${value}], 1)`),
        statement(`set(${a('new')}[${value}], 1)`),
        statement(`set(start_time_unix_nano, ${value})`),
        statement(`set(start_time, Unix(${value}, ${value}))`),
        statement(`set(kind, ${value})`),
        statement(`set(flags, ${value})`),
        statement(`set(dropped_events_count, ${value})`),
        statement(`set(status.code, ${value})`),
      ]),
      statement('limit(attributes, 9223372036854775807, [])'),
      statement('truncate_all(attributes, 9223372036854775807)'),
      statement('flatten(attributes, depth=9223372036854775807)'),
    ];
    run(rules.filter(isAccepted), request);
  });
});

// --- what is not as it should be -------------------------------------------------------------------------------------

describe('text that is no UTF-8', () => {
  const marks = ['\u0001\u0002', '\u0003\u0004'];
  /** The lead of a character without its end, and a byte that is none. */
  const broken = [Buffer.from([0xc3, 0x28]), Buffer.from([0xff, 0xfe])];
  function brokenRequest(): Buffer {
    const bytes = Buffer.from(
      requestWith([
        attribute('bad', { stringValue: `a${marks[0]}b${marks[1]}` }),
        attribute(`k${marks[1]}`, { stringValue: 'x' }),
        attribute('map', { kvlistValue: { values: [attribute(marks[0], { stringValue: marks[1] })] } }),
      ]),
    );
    for (const [i, mark] of marks.entries()) {
      for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark)) broken[i].copy(bytes, at);
    }
    return bytes;
  }

  it('goes through every function and becomes U+FFFD where it is used', () => {
    const rules = converters
      .map(({ name, parameters }) => expression(`${name}(${parameters.map(() => 'attributes["bad"]').join(', ')})`))
      .filter(isAccepted);
    const { outcomes } = runCompiled(rules, brokenRequest());
    for (const outcome of outcomes) assert.ok(!('crash' in outcome), outcome.rule.text);
    const [value] = runCompiled([expression('attributes["bad"]')], brokenRequest()).outcomes;
    assert.deepEqual('value' in value && value.value, 'a\ufffd(b\ufffd\ufffd');
  });

  it('stays as it came where no rule writes', () => {
    const request = brokenRequest();
    const [{ scopes }] = runCompiled([statement('set(name, "x")')], request).after;
    assert.equal(scopes[0].spans[0].name, 'x');
    const rules = [statement('set(attributes["new"], 1)'), statement('truncate_all(attributes, 4)')];
    const { after } = runCompiled([rules[0]], request);
    assert.deepEqual(attributesAfter({ outcomes: [], after })[0], ['bad', 'a\ufffd(b\ufffd\ufffd']);
  });

  it('goes through every editor, and all that is written is UTF-8', () => {
    const editors = [
      ...[
        'truncate_all(attributes, 3)',
        'stringify_all(attributes)',
        'flatten(attributes)',
        'keep_matching_keys(attributes, "a|k")',
      ],
      ...['replace_all_patterns(attributes, "value", "b", "c")', 'replace_all_patterns(attributes, "key", "k", "c")'],
      ...[
        'append(attributes["bad"], attributes["bad"])',
        'set(attributes["copy"], attributes)',
        'set(attributes, attributes)',
      ],
      ...[
        'merge_maps(attributes["map"], attributes, "upsert")',
        'limit(attributes, 1, [])',
        'set(name, attributes["bad"])',
      ],
      'replace_match(attributes["bad"], "*", "x")',
    ];
    for (const text of editors) {
      const { outcomes } = runCompiled([statement(text)], brokenRequest());
      assert.ok('value' in outcomes[0], text);
    }
  });
});

describe('a key that occurs twice', () => {
  const request = requestWith([
    attribute('k', { intValue: 1n }),
    attribute('a', { intValue: 2n }),
    attribute('k', { intValue: 3n }),
    attribute('m', { kvlistValue: { values: [attribute('x', { intValue: 4n }), attribute('x', { intValue: 5n })] } }),
  ]);
  const rest = [['m', new Map([['x', 4n]])]] as const;
  const table: readonly (readonly [text: string, after: readonly (readonly [string, OttlValue])[]])[] = [
    ['set(attributes["k"], 9)', [['k', 9n], ['a', 2n], ['k', 3n], ...rest]],
    ['set(attributes["a"], attributes["k"])', [['k', 1n], ['a', 1n], ['k', 3n], ...rest]],
    ['delete_key(attributes, "k")', [['a', 2n], ...rest]],
    ['delete_matching_keys(attributes, "k")', [['a', 2n], ...rest]],
    [
      'keep_keys(attributes, ["k"])',
      [
        ['k', 1n],
        ['k', 3n],
      ],
    ],
    ['merge_maps(attributes, {"k": 9}, "upsert")', [['k', 9n], ['a', 2n], ['k', 3n], ...rest]],
    ['set(attributes, attributes)', [['k', 1n], ['a', 2n], ...rest]],
    [
      'flatten(attributes)',
      [
        ['k', 1n],
        ['a', 2n],
        ['m.x', 4n],
      ],
    ],
    [
      'stringify_all(attributes)',
      [
        ['k', '1'],
        ['a', '2'],
        ['k', '3'],
        ['m', '{"x":4}'],
      ],
    ],
    [
      'set(attributes["m"]["y"], 6)',
      [
        ['k', 1n],
        ['a', 2n],
        ['k', 3n],
        [
          'm',
          new Map([
            ['x', 4n],
            ['y', 6n],
          ]),
        ],
      ],
    ],
  ];
  for (const [text, wanted] of table) {
    it(text, () => {
      assert.deepEqual(attributesAfter(run([statement(text)], request)), wanted);
    });
  }

  it('is read as the first of them', () => {
    const { outcomes } = run([expression('attributes["k"]'), expression('attributes["m"]["x"]')], request);
    assert.deepEqual(
      outcomes.map((outcome) => 'value' in outcome && outcome.value),
      [1n, 4n],
    );
  });
});

describe('an attribute without a value', () => {
  for (const empty of [attribute('none'), attribute('none', {})]) {
    const kind = empty.value === undefined ? 'absent' : 'empty';
    it(`is nil in every function (${kind})`, () => {
      const rules = [
        expression('attributes["none"] == nil'),
        ...converters
          .map(({ name, parameters }) =>
            expression(`${name}(${parameters.map(() => 'attributes["none"]').join(', ')})`),
          )
          .filter(isAccepted),
      ];
      const { outcomes, after } = runCompiled(rules, requestWith([empty]));
      for (const outcome of outcomes) assert.ok(!('crash' in outcome), outcome.rule.text);
      assert.ok('value' in outcomes[0] && outcomes[0].value === true);
      assert.deepEqual(attributesAfter({ outcomes, after }), [['none', null]]);
    });

    it(`goes through every editor (${kind})`, () => {
      const editors = [
        ...[
          'set(attributes["copy"], attributes["none"])',
          'set(attributes["none"]["k"], 1)',
          'append(attributes["none"], 1)',
        ],
        ...[
          'stringify_all(attributes)',
          'flatten(attributes, "p")',
          'truncate_all(attributes, 1)',
          'delete_key(attributes, "none")',
        ],
        ...[
          'replace_match(attributes["none"], "*", "x")',
          'replace_all_matches(attributes, "*", "x")',
          'set(attributes, attributes)',
        ],
        ...[
          'delete_key(attributes["none"], "x")',
          'merge_maps(attributes["none"], {}, "upsert")',
          'limit(attributes, 0, [])',
        ],
      ];
      for (const text of editors) run([statement(text)], requestWith([empty]));
    });
  }
});
