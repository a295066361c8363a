// What the recorded calls (recorded-functions.test.ts) do not show: the patterns that are built in, mistakes, and the bounds.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { builtInPatterns, compileGrok, GrokError } from '../../../src/ottl/functions/grok.ts';
import { call, faultOf, toMap } from './call-function.ts';

/** Each has several IP addresses, and is too long for V8. */
const long = new Set(
  'ELB_V1_HTTP_LOG ELB_ACCESS_LOG HAPROXYHTTPBASE HAPROXYHTTP HAPROXYTCP HTTPD_ERRORLOG SQUID3'.split(' '),
);

describe('the grok patterns that are built in', () => {
  for (const name of builtInPatterns().keys()) {
    it(`${name} is a pattern, and runs fast`, () => {
      const { matcher } = compileGrok(`%{${name}}`, new Map(), false);
      assert.ok(matcher.native || long.has(name));
    });
  }
});

describe('a grok pattern is refused', () => {
  const rows: readonly (readonly [
    pattern: string,
    definitions: readonly (readonly [string, string])[],
    at: number | null,
    message: RegExp,
  ])[] = [
    ['a %{NOPE}', [], 2, /no grok pattern NOPE/],
    ['a %{wrod} b', [['word', 'x']], 2, /did you mean word\?/],
    ['a %{A}', [['A', 'x%{NOPE}']], 2, /no grok pattern NOPE/],
    ['a %{A}', [['A', '%{A}']], 2, /A is made of itself/],
    [
      '%{A}',
      [
        ['A', '%{B}'],
        ['B', '%{C}'],
        ['C', '-%{A}-'],
      ],
      0,
      /A is made of itself/,
    ],
    ['a %{INT} %{A}', [['A', '(']], 9, /not a regular expression of RE2/],
    ['%{INT} a(?!b)', [], 8, /not a regular expression of RE2/],
    ['%{INT:a+b}', [], 0, /a\+b is no name/],
    ['a(', [], null, /not a regular expression of RE2/],
  ];
  for (const [pattern, definitions, at, message] of rows) {
    it(`${pattern}: at ${at}, ${message.source}`, () => {
      assert.throws(
        () => compileGrok(pattern, new Map(definitions), false),
        (error) => {
          assert.ok(error instanceof GrokError, String(error));
          assert.match(error.message, message);
          assert.equal(error.offset, at);
          return true;
        },
      );
    });
  }

  it('that grows without end', () => {
    const doubling = Array.from({ length: 60 }, (_, i) => [`A${i}`, `%{A${i + 1}}%{A${i + 1}}`] as const);
    const all = new Map<string, string>([...doubling, ['A60', 'x']]);
    assert.throws(() => compileGrok('%{A0}', all, false), /longer than 100000 characters/);
  });

  it('that is 500 patterns deep', () => {
    const chain = Array.from({ length: 500 }, (_, i) => [`A${i}`, `%{A${i + 1}}`] as const);
    assert.throws(() => compileGrok('%{A0}', new Map([...chain, ['A500', 'x']]), false), GrokError);
  });
});

describe('ExtractGrokPatterns', () => {
  it('compiles a pattern that is computed, and keeps the last', () => {
    for (let i = 0; i < 200; i++) {
      assert.deepEqual(call('ExtractGrokPatterns', `${i}-x`, `%{INT:n${i}:int}`), toMap({ [`n${i}`]: BigInt(i) }));
    }
    assert.match(faultOf('ExtractGrokPatterns', 'x', '%{NOPE}'), /not a grok pattern: there is no grok pattern NOPE/);
  });

  it('reads a text of more than 1,000 characters, where another engine searches', () => {
    const found = call(
      'ExtractGrokPatterns',
      `${'-'.repeat(5_000)} 10.1.2.3 port 8080`,
      '%{IPV4:ip} port %{INT:p:int}',
    );
    assert.deepEqual(found, toMap({ ip: '10.1.2.3', p: 8080n }));
  });

  it('refuses a text of 5 MB', () => {
    assert.match(faultOf('ExtractGrokPatterns', 'a '.repeat(2_500_000), '%{DATA:a} %{INT:b}$'), /longer than 262144/);
  });

  for (const text of ['"\\'.repeat(450), 'a.'.repeat(450), '1:'.repeat(450), '/a'.repeat(450), ' '.repeat(900)]) {
    it(`ends on ${text.slice(0, 10)}\u2026 whatever the pattern`, () => {
      for (const name of builtInPatterns().keys()) call('ExtractGrokPatterns', text, `^%{${name}}#$`);
    });
  }

  it('does not tell what it could not convert', () => {
    assert.equal(faultOf('ExtractGrokPatterns', 'secret', '%{WORD:n:int}'), 'n cannot be made a int');
  });
});
