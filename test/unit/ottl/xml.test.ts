// What the recorded calls (recorded-functions.test.ts) do not show: hostile documents and paths, and the bounds.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import type { OttlMap } from '../../../src/ottl/values.ts';
import { call, faultOf } from './call-function.ts';

const functions = [
  ['ParseXML'],
  ['ParseSimplifiedXML'],
  ['GetXML', '/'],
  ['RemoveXML', '//x'],
  ['InsertXML', '//x', '<y/>'],
  ['ConvertAttributesToElementsXML'],
  ['ConvertTextToElementsXML'],
] as const;

it('the packages behind XML are loaded when a rule needs them, not before', () => {
  const { cache } = createRequire(import.meta.url);
  const loaded = () =>
    ['saxes', 'xpath'].filter((name) => Object.keys(cache).some((path) => path.includes(`/${name}/`)));
  assert.deepEqual(loaded(), []);
  call('ParseXML', '<a/>');
  assert.deepEqual(loaded(), ['saxes']);
  call('GetXML', '<a/>', '/a');
  assert.deepEqual(loaded(), ['saxes', 'xpath']);
});

describe('every function of XML', () => {
  const refused: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
    'an element that does not end': ['<a>', /not well-formed at line 1, column \d+$/],
    'a wrong end': ['<a>\n</b>', /not well-formed at line 2, column \d+$/],
    'no element': ['text', /has no element/],
    'an entity that there is not': ['<a>&nbsp;</a>', /not well-formed/],
    'entities that grow without end': [
      '<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;&x;">]><a>&y;</a>',
      /not well-formed/,
    ],
    'an entity of a file': ['<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>', /not well-formed/],
    'half a character': ['<a>\ud800</a>', /not well-formed/],
    'a character that XML has not': ['<a>\0</a>', /not well-formed/],
    'an attribute that comes twice': ['<a b="1" b="2"/>', /not well-formed/],
    'depth without end': ['<a>'.repeat(1_000_000), /nested deeper than 200/],
    'too many elements': [`<a>${'<b/>'.repeat(200_000)}</a>`, /more than 100000 nodes/],
    'a text that is too long': [`<a>${'x'.repeat(17_000_000)}</a>`, /longer than \d+ characters/],
    '5 MB that are no XML': ['<'.repeat(5_000_000), /not well-formed/],
  };
  for (const [name, ...rest] of functions) {
    for (const [what, [text, message]] of Object.entries(refused)) {
      it(`${name} refuses ${what}`, () => assert.match(faultOf(name, text, ...rest), message));
    }
    it(`${name} takes 5 MB`, () => {
      assert.notEqual(call(name, `<a k="${'v'.repeat(2_500_000)}">${'x '.repeat(1_250_000)}</a>`, ...rest), null);
    });
    it(`${name} does not tell what stands in a document that it refuses`, () => {
      assert.doesNotMatch(faultOf(name, '<secret secret="1">secret</secret2>', ...rest), /secret/);
    });
  }

  it('a document type is no mistake, wherever it stands', () => {
    assert.equal(call('RemoveXML', '<a/><!DOCTYPE x>', '/x'), '<a></a><!DOCTYPE x>');
  });
});

describe('XPath', () => {
  const wide = `<r>${'<a b="1">x</a>'.repeat(30_000)}</r>`;
  const endless = ['//a[//a]', '//a[preceding::a]', '//a/preceding::a', '//a[preceding-sibling::a]', '//*[../*/@b=2]'];
  for (const path of endless) {
    it(`${path} ends on 90,000 nodes`, () => {
      assert.match(faultOf('GetXML', wide, path), /the XPath takes too many steps on this XML/);
    });
  }

  it('//a is quick on 90,000 nodes', () => {
    assert.equal((call('GetXML', wide, '//a') as string).length, wide.length - '<r></r>'.length);
  });

  it('after a path that took too many steps the next is not short of them', () => {
    faultOf('GetXML', wide, '//a[//a]');
    assert.equal(call('GetXML', '<a>1</a>', '/a'), '<a>1</a>');
  });

  const rows: readonly (readonly [path: string, expected: string])[] = [
    ["//b[matches(., '^(a+)+$')]", '<b>aaa</b>'],
    ["//b[lower-case(.)='abc']", '<b>ABC</b>'],
    ["//b[ends-with(., 'C')]", '<b>ABC</b>'],
    ["//b[replace(., 'a+', '-')='-']", '<b>aaa</b>'],
    ["/a[string-join(b, '+')='aaa+ABC']/c", '<c xmlns="urn:c"></c>'],
    ["//*[namespace-uri()='urn:c']", '<c xmlns="urn:c"></c>'],
    ['count(//b)', ''],
    ["'text'", ''],
    ['//none', ''],
  ];
  for (const [path, expected] of rows) {
    it(`${path} selects ${expected || 'nothing'}`, () => {
      assert.equal(call('GetXML', '<a><b>aaa</b><b>ABC</b><c xmlns="urn:c"/></a>', path), expected);
    });
  }

  for (const path of ['', '/a[', 'a b', '//', '$x', 'nope()', 'a::b', '/a[@b=]', 'position(']) {
    it(`${JSON.stringify(path)} is refused`, () => {
      assert.match(faultOf('GetXML', '<a/>', path), /XPath/);
    });
  }

  it('a function is looked for in the path, not in its texts', () => {
    assert.equal(call('GetXML', '<a>nope(1)</a>', "/a[.='nope(1)']"), '<a>nope(1)</a>');
  });
});

describe('results are bounded', () => {
  it('an insertion at many places', () => {
    const places = `<r>${'<a/>'.repeat(1_000)}</r>`;
    assert.match(faultOf('InsertXML', places, '//a', `<b>${'x'.repeat(100_000)}</b>`), /result is longer/);
  });

  it('elements inside of each other, all selected', () => {
    const nested = `${'<a>'.repeat(200)}${'x'.repeat(1_000_000)}${'</a>'.repeat(200)}`;
    assert.match(faultOf('GetXML', nested, '//a'), /result is longer/);
  });
});

describe('ParseXML', () => {
  it('takes names that objects have, too', () => {
    const found = call('ParseXML', '<__proto__ constructor="1" __proto__="2"/>') as OttlMap;
    assert.deepEqual(
      [...(found.get('attributes') as OttlMap)],
      [
        ['constructor', '1'],
        ['__proto__', '2'],
      ],
    );
  });
});
