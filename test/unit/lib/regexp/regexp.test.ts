import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { compileRegExp, RegExpError } from '../../../../src/lib/regexp/regexp.ts';

/** All matches with their groups, as re2js finds them: the oracle. */
function reference(source: string, text: string) {
  const regexp = RE2JS.compile(source);
  const matcher = regexp.matcher(text);
  if (!matcher.find()) return { test: false, groups: null, places: null };
  const each = <T>(of: (group: number) => T): T[] => Array.from({ length: matcher.groupCount() + 1 }, (_, i) => of(i));
  return {
    test: true,
    groups: each((i) => matcher.group(i) ?? undefined),
    places: each((i) => [matcher.start(i), matcher.end(i)]),
  };
}

const texts = [
  '',
  'a',
  'A',
  'abc',
  'aab',
  'foo.bar@example.com',
  'GET /users/42/orders',
  'line one\nline two\r\nthree\u2028four',
  'na\u00efve \u2013 \u65e5\u672c\u8a9e \u{1f680}',
  '\u{1f680}',
  'x\u{1f680}y',
  '\u212a\u017fkKsS',
  '4111 1111 1111 1111',
  '\n',
  'aaaa!',
  '_-_',
];

describe('compileRegExp', () => {
  const nativePatterns = [
    '^(GET|POST) /v?[a-z0-9]+',
    'a+b',
    '(?i)get|post',
    '(?i)[k-s]+',
    '\\d{4}[ -]?\\d{4}',
    '[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\\.[a-zA-Z]{2,}',
    '\\bfoo\\b',
    '\\B',
    '.',
    '^.$',
    '(?s)one.*four',
    '(?m)^three',
    '(?m)one$',
    '\\pL+',
    '\\P{Greek}',
    '[^\\pL\\s]+',
    '\\Qa.b\\E*',
    '\\x{1f680}y',
    '[\\x{1f600}-\\x{1f6ff}]',
    '[[:alpha:]_]+',
    '[^[:space:]]+$',
    '(?P<user>[^@]+)@(?P<host>.+)',
    '(?U)a+b*',
    '(?i:a)B',
    'a{2,3}?',
    '\\141\\x41',
    '(?:ab|cd)?e*|f',
    '\\A\\z',
    'a|b|',
    '[^a]b?',
    '(a(?i)b|C)',
  ];
  for (const source of nativePatterns) {
    it(`runs ${source} in V8 and finds what RE2 finds`, () => {
      const matcher = compileRegExp(source);
      assert.equal(matcher.native, true);
      for (const text of texts) {
        const expected = reference(source, text);
        assert.equal(matcher.test(text), expected.test, JSON.stringify(text));
        assert.deepEqual(matcher.exec(text)?.groups.slice() ?? null, expected.groups, JSON.stringify(text));
        assert.deepEqual(matcher.execPositions(text), expected.places, JSON.stringify(text));
      }
    });
  }

  const leftToRe2js = ['(a*)*', '(?:a?)+', '(|a)+', '^*a', 'a{1000}', '(?:a|b?){2}'];
  for (const source of leftToRe2js) {
    it(`leaves ${source} to re2js, and finds what RE2 finds`, () => {
      const matcher = compileRegExp(source);
      assert.equal(matcher.native, false);
      for (const text of texts) assert.equal(matcher.test(text), reference(source, text).test);
    });
  }

  it('keeps the last round of a group as RE2 does, where JavaScript forgets it', () => {
    assert.deepEqual(compileRegExp('(?:(a)|b)+').exec('ab')?.groups, ['ab', 'a']);
    assert.equal(compileRegExp('(?:(a)|b)+').native, true);
  });

  const hostile: readonly (readonly [source: string, letter: string])[] = [
    ['(a+)+$', 'a'],
    ['(a|aa)+$', 'a'],
    ['(?:a+)+b', 'a'],
    ['^(\\w+\\s?)*$', 'a'],
    ['.*foo', 'x'],
    ['\\w+@', 'x'],
    ['.*.*.*x', 'y'],
    ['.*b.*c.*x', 'b'],
    ['\\s+$', ' '],
    ['[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\\.[a-zA-Z]{2,}', 'x'],
  ];
  for (const [source, letter] of hostile) {
    it(`ends soon where a backtracking engine would not end: ${source}`, () => {
      const matcher = compileRegExp(source);
      for (const length of [30, 999, 1_000_000]) {
        const text = `${letter.repeat(length)}!`;
        const start = performance.now();
        assert.equal(matcher.test(text), false);
        assert.equal(matcher.replaceAll(text, ''), text);
        assert.ok(performance.now() - start < 3_000, `${length} characters`);
      }
    });
  }

  it('finds places of groups as soon', () => {
    for (const source of ['(a+)+$', '(a*)(a*)(a*)(a+)$', '(?:(a+)|(b))?(a+)(a+)b$', '^(\\w+)(\\s?)(\\w+)$']) {
      const matcher = compileRegExp(source);
      for (const length of [30, 999, 100_000]) {
        const text = `${'a'.repeat(length)}!`;
        const start = performance.now();
        assert.equal(matcher.execPositions(text), null);
        assert.ok(performance.now() - start < 3_000, `${source}: ${length} characters`);
      }
    }
  });

  it('finds the same in a long text as in a short one', () => {
    const matcher = compileRegExp('(\\w+)@(\\w+)');
    const text = `${'x '.repeat(2_000)}bob@host`;
    assert.deepEqual(matcher.exec(text)?.groups.slice(), ['bob@host', 'bob', 'host']);
    assert.equal(matcher.replaceAll(text, '$2').endsWith(' host'), true);
  });

  it('gives the positions of groups', () => {
    assert.deepEqual(compileRegExp('(b)(x)?(c)').execPositions('abc'), [
      [1, 3],
      [1, 2],
      [-1, -1],
      [2, 3],
    ]);
    assert.equal(compileRegExp('b').execPositions('bab', 1)?.[0][0], 2);
    assert.equal(compileRegExp('(b)').execPositions('aca'), null);
  });

  it('gives the positions of groups wherever else in the text their text stands', () => {
    const of = (source: string, text: string) =>
      compileRegExp(source)
        .execPositions(text)
        ?.slice(1)
        .map(([start, end]) => `${start}-${end}`)
        .join(' ');
    assert.equal(of('/(\\d+)/(\\d+)/', 'x7/7/7/'), '3-4 5-6');
    assert.equal(of('(1)/x', '1/1/x'), '2-3');
    assert.equal(of('a(aa)a', 'aaaa'), '1-3');
    assert.equal(of('x(.*)y(.*)', 'xy'), '1-1 2-2');
    assert.equal(of('x(a(b)?)', 'xac'), '1-2 -1--1');
    assert.equal(of('^(\\w+) (\\w+)$', `${'é'.repeat(3)} x`), undefined);
    assert.equal(of('(\\pL+) (.)$', `${'é'.repeat(3)} 🎉`), '0-3 4-6');
    assert.equal(of('^(a{500})(a{500}b)', `${'a'.repeat(1000)}b`), '0-500 500-1001');
    assert.equal(of('a(?:(b)|(c(d)?)|e)?(?:f(g))?(h*)', 'xacdh'), '-1--1 2-4 3-4 -1--1 4-5');
    assert.equal(of('(?:(a)|b)+(a)', 'babaa'), '3-4 4-5');
  });

  it('searches from a position without losing what stands before it', () => {
    assert.equal(compileRegExp('^a').exec('aa', 1), null);
    assert.equal(compileRegExp('\\ba').exec('aa a', 1)?.index, 3);
  });
});

describe('replaceAll', () => {
  const table: [source: string, text: string, template: string, expected: string][] = [
    ['a*', 'baaac', 'x', 'xbxcx'],
    ['a', 'banana', '', 'bnn'],
    ['(\\w+)@(\\w+)', 'bob@host and al@box', '$2.$1', 'host.bob and box.al'],
    ['(\\w+)@(\\w+)', 'bob@host', '\u0024{2}.\u0024{1}', 'host.bob'],
    ['(?P<user>\\w+)@', 'bob@', '\u0024{user}!', 'bob!'],
    ['(?P<user>\\w+)@', 'bob@', '$user!', 'bob!'],
    ['(b)', 'abc', '$1x', 'ac'],
    ['(b)', 'abc', '$$1', 'a$1c'],
    ['(b)', 'abc', '$9', 'ac'],
    ['(b)', 'abc', '$', 'a$c'],
    ['(b)', 'abc', '${1', 'a${1c'],
    ['', '\u{1f680}a', '-', '-\u{1f680}-a-'],
    ['x*', '\u{1f680}', '-', '-\u{1f680}-'],
    ['(b)|(c)', 'abc', '[$1$2]', 'a[b][c]'],
  ];
  for (const [source, text, template, expected] of table) {
    it(`${source} by ${template} in ${text} gives ${expected}`, () => {
      assert.equal(compileRegExp(source).replaceAll(text, template), expected);
    });
  }

  it('takes a function', () => {
    const upper = compileRegExp('[ab]').replaceAll('abc', ({ groups }) => (groups[0] ?? '').toUpperCase());
    assert.equal(upper, 'ABc');
  });
});

describe('what RE2 refuses', () => {
  const table: [source: string, offset: number | null][] = [
    ['(?=a)', 0],
    ['x(?=a)', 1],
    ['x(?<!a)b', 1],
    ['(a)\\1', 3],
    ['ab[z-a]', 3],
    ['ab**', 2],
    ['a{1001}', 1],
    ['x\\p{Foo}y', 1],
    ['*a', 0],
    ['ab\\', 2],
    ['a(b', null],
    ['a)b', null],
  ];
  for (const [source, offset] of table) {
    it(`${source} is an error at ${offset ?? 'no known place'}`, () => {
      assert.throws(
        () => compileRegExp(source),
        (error) => error instanceof RegExpError && error.offset === offset,
      );
    });
  }
});

// --- random patterns -------------------------------------------------------------------------------------------------

const letters = [
  'a',
  'b',
  'k',
  's',
  'A',
  'K',
  '\u00e9',
  '\u03a3',
  '\u212a',
  '\u{1f680}',
  '\u{10428}',
  '1',
  '_',
  ' ',
  '\n',
  '-',
  '.',
  '\r',
];
const textArbitrary = fc.array(fc.constantFrom(...letters), { maxLength: 12 }).map((list) => list.join(''));
const atom = fc.constantFrom(
  ...[
    'a',
    'b',
    'k',
    'S',
    '\\.',
    '.',
    '\\d',
    '\\w',
    '\\W',
    '\\s',
    '[ab]',
    '[^a]',
    '[a-k\\d]',
    '[^\\w]',
    '\\p{Greek}',
    '\u00e9',
  ],
  ...[
    '\u{1f680}',
    '[\\x{10400}-\\x{1f680}]',
    '\\b',
    '\\B',
    '^',
    '$',
    '\\A',
    '\\z',
    '[[:upper:]]',
    '\\Q.-\\E',
    '-',
    '\\n',
  ],
);
const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '*?', '+?', '{2}', '{1,2}', '{0,3}?');
const { pattern } = fc.letrec<{ pattern: string; piece: string; item: string }>((tie) => ({
  item: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    atom,
    tie('pattern').map((inner) => `(${inner})`),
    fc
      .tuple(fc.constantFrom('?:', '?i:', '?s:', '?m:', '?U:', '?-i:'), tie('pattern'))
      .map(([f, inner]) => `(${f}${inner})`),
  ),
  piece: fc.tuple(tie('item'), quantifier).map(([item, q]) => item + q),
  pattern: fc
    .array(
      fc.array(tie('piece'), { maxLength: 4 }).map((list) => list.join('')),
      { minLength: 1, maxLength: 3 },
    )
    .map((list) => list.join('|')),
}));

describe('random patterns', () => {
  it('match the same text and groups at the same places as in re2js, also those that run in V8', () => {
    let native = 0;
    let all = 0;
    fc.assert(
      fc.property(pattern, fc.array(textArbitrary, { minLength: 1, maxLength: 4 }), (source, inputs) => {
        let matcher: ReturnType<typeof compileRegExp>;
        try {
          matcher = compileRegExp(source);
        } catch (error) {
          assert.ok(error instanceof RegExpError);
          return;
        }
        all++;
        if (matcher.native) native++;
        for (const text of inputs) {
          const expected = reference(source, text);
          assert.equal(matcher.test(text), expected.test);
          assert.deepEqual(matcher.exec(text)?.groups.slice() ?? null, expected.groups);
          assert.deepEqual(matcher.execPositions(text), expected.places);
        }
      }),
      { numRuns: 400 },
    );
    assert.ok(native > all / 10, `${native} of ${all} patterns ran in V8`);
  });
});
