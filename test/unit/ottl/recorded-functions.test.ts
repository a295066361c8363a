// What a Collector computed for the same calls: XML, grok patterns, user agents, times in zones.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { attributeOf, runStatements } from './rule-stage.ts';

const recorded = JSON.parse(readFileSync(new URL('recorded-functions.json', import.meta.url), 'utf8')) as Record<
  string,
  unknown
>;

interface Difference {
  readonly why: string;
  readonly ours: unknown;
}
const text = (string: string, why: string): Difference => ({ ours: { string }, why });
const spaces = 'the Collector steps over spaces that stand behind another node';
const moved = 'the Collector moves what it selects out of the tree while it writes it';
const prefixed = 'the Collector does not find attributes with a prefix again, to remove them';

const differences: Readonly<Record<string, Difference>> = {
  'GetXML("  <a> <b/> </a> ", "//text()")': text('   ', spaces),
  'RemoveXML("  <a> <b/> </a> ", "//text()")': text('<a><b></b></a>', spaces),
  'RemoveXML("  <a> <b/> </a> ", "/a/node()")': text('<a></a> ', spaces),
  'RemoveXML("<?xml version=\\"1.0\\"?>\\n<!DOCTYPE a>\\n<!-- x --><a>1</a>\\n", "//text()")': text(
    '<?xml version="1.0"?><!DOCTYPE a><!-- x --><a></a>',
    spaces,
  ),
  'GetXML("<a><b>hello</b><b><c>world</c></b><d/></a>", "//*[string-length(.)>4]")': text(
    '<a><b>hello</b><b><c>world</c></b><d></d></a><b>hello</b><b><c>world</c></b><c>world</c>',
    moved,
  ),
  'GetXML("<n:a xmlns:n=\\"urn:x\\"><n:b n:k=\\"v\\"/><b xmlns=\\"urn:y\\">t</b></n:a>", "//*[starts-with(name(),\'n:\')]")':
    text('<n:a xmlns:n="urn:x"><n:b n:k="v"></n:b><b xmlns="urn:y">t</b></n:a><n:b n:k="v"></n:b>', moved),
  'ConvertAttributesToElementsXML("<n:a xmlns:n=\\"urn:x\\"><n:b n:k=\\"v\\"/><b xmlns=\\"urn:y\\">t</b></n:a>")': text(
    '<n:a xmlns:n="urn:x"><n:b><n:k>v</n:k></n:b><b>t<xmlns>urn:y</xmlns></b></n:a>',
    prefixed,
  ),
  'RemoveXML("<n:a xmlns:n=\\"urn:x\\"><n:b n:k=\\"v\\"/><b xmlns=\\"urn:y\\">t</b></n:a>", "//@*")': text(
    '<n:a xmlns:n="urn:x"><n:b></n:b><b>t</b></n:a>',
    prefixed,
  ),
  'ConvertAttributesToElementsXML("<a xml:lang=\\"en\\">x</a>")': text('<a>x<xml:lang>en</xml:lang></a>', prefixed),
  'GetXML("<a><b>1</b><c>2</c><b><d>3</d></b><b/><b> </b></a>", "//b|//c")': text(
    '<b>1</b><c>2</c><b><d>3</d></b><b></b><b> </b>',
    'a union is in the order of the document',
  ),
  'GetXML("<\u00e9 \u00fc=\\"\u00df\\">\u65e5\u672c</\u00e9>", "//*[string-length(.)>4]")': text(
    '',
    'the length of a string is in characters',
  ),
};

/** There the Collector takes the time for one of UTC, and then shows it with the offset. */
const fromGreenwich = /GMT[-+]\d/;

describe('functions that were recorded', () => {
  const all = Object.keys(recorded);
  const { span, faults } = runStatements(all.map((call, i) => `set(attributes["r${i}"], ${call})`));

  for (const [i, call] of all.entries()) {
    if (fromGreenwich.test(call)) continue;
    it(`${call.slice(0, 150)} (${i})`, () => {
      const difference = differences[call];
      const wanted = difference === undefined ? recorded[call] : difference.ours;
      if (difference !== undefined) assert.notDeepEqual(recorded[call], wanted, 'no difference');
      assert.deepEqual(attributeOf(span, `r${i}`), wanted, faults[i] ?? 'no fault');
    });
  }

  it('each difference is of a call that was recorded', () => {
    assert.deepEqual(
      Object.keys(differences).filter((call) => !(call in recorded)),
      [],
    );
  });

  it('an offset from Greenwich is an offset', () => {
    const i = all.indexOf('String(Time("2024-07-01 13:14:15 GMT+3", "%F %T %Z"))');
    assert.deepEqual(attributeOf(span, `r${i}`), { string: '"2024-07-01T13:14:15+03:00"' });
  });
});
