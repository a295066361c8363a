// Functions that make maps and lists of texts; what they give was compared with a Collector.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OttlValue } from '../../../src/ottl/values.ts';
import { call, faultOf, toMap } from './call-function.ts';

type Row = readonly [args: readonly (OttlValue | undefined)[], expected: OttlValue | Readonly<Record<string, unknown>>];

function gives(name: string, table: readonly Row[]): void {
  for (const [args, expected] of table) {
    it(`${name} of ${JSON.stringify(
      args.map((arg) => (arg instanceof Map ? [...arg] : arg)),
      plain,
    )}`, () => {
      const wanted = typeof expected === 'object' && !Array.isArray(expected) && expected !== null;
      assert.deepEqual(call(name, ...args), wanted ? toMap(expected as Record<string, unknown>) : expected);
    });
  }
}

const plain = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}n` : value);

function fails(
  name: string,
  table: readonly (readonly [args: readonly (OttlValue | undefined)[], message: RegExp])[],
): void {
  for (const [i, [args, message]] of table.entries()) {
    it(`${name} fails with ${message} (${i})`, () => assert.match(faultOf(name, ...args), message));
  }
}

describe('ParseJSON', () => {
  gives('ParseJSON', [
    [['{"a":1,"b":[1,2.5,"x",null,true,{}],"a":3}'], { a: 3, b: [1, 2.5, 'x', null, true, {}] }],
    [['[]'], []],
    [[' {"a":12345678901234567890} '], { a: 12345678901234567000 }],
    [['{"\\ud800":"\\ud83d\\ude80"}'], { '\ufffd': '\u{1f680}' }],
  ]);
  it('takes __proto__ for a key like others', () => {
    assert.deepEqual(call('ParseJSON', '{"__proto__":1}'), new Map([['__proto__', 1]]));
  });
  fails('ParseJSON', [
    [['"s"'], /^the JSON is not an object or array$/],
    [['null'], /^the JSON is not/],
    [[''], /^the text is empty, not JSON$/],
    [['{} secret'], /^the text is not JSON$/],
    [['[1e400]'], /too large for a double$/],
    [[null], /^expected a string, got nil$/],
    [[5n], /^expected a string, got an int$/],
    [['['.repeat(10_000) + ']'.repeat(10_000)], /^the JSON is nested deeper than 200$/],
    [['['.repeat(5_000_000)], /^the text is not JSON$/],
    [[`[${'[],'.repeat(600_000)}0]`], /more than 500000 values$/],
    [[`"${'x'.repeat(17_000_000)}"`], /^the text is longer than/],
  ]);
  it('takes 200 levels', () => {
    assert.ok(Array.isArray(call('ParseJSON', '['.repeat(200) + ']'.repeat(200))));
  });
});

describe('ParseCSV', () => {
  gives('ParseCSV', [
    [['a,b,c', 'x,y,z'], { x: 'a', y: 'b', z: 'c' }],
    [['a;b', 'x|y', ';', '|'], { x: 'a', y: 'b' }],
    [['a;b', 'x;y', ';'], { x: 'a', y: 'b' }],
    [['"a,1","b ""q"""', 'x,y'], { x: 'a,1', y: 'b "q"' }],
    [['a "b","c" d', 'x,y', ',', ',', 'lazyQuotes'], { x: 'a "b"', y: 'c" d' }],
    [['"a,b', 'x', ',', ',', 'lazyQuotes'], { x: 'a,b' }],
    [['"a,b",c', 'x,y,z', ',', ',', 'ignoreQuotes'], { x: '"a', y: 'b"', z: 'c' }],
    [['a,"b\nc",d\ne,f', 'x,y,z,w'], { x: 'a', y: 'b\nc', z: 'd\ne', w: 'f' }],
    [['a,b\r\nc,d\r\n', 'x,y,z'], { x: 'a', y: 'b\nc', z: 'd' }],
    [['a,b\r\nc,d\r\n', 'x,y,z', ',', ',', 'ignoreQuotes'], { x: 'a', y: 'b\r\nc', z: 'd\r\n' }],
    [['a,b', 'x,x'], { x: 'b' }],
    [[' a , b ', 'x,y'], { x: ' a ', y: ' b ' }],
    [['a\u00e9b', 'x\u00e9y', '\u00e9'], { x: 'a', y: 'b' }],
    [['a,', 'x,y'], { x: 'a', y: '' }],
    [['\n\na', 'x'], { x: 'a' }],
  ]);
  fails('ParseCSV', [
    [['a,b', 'x,y,z'], /^the header has 3 fields, the text 2$/],
    [['', 'x'], /^the text is empty$/],
    [['a', ''], /^the header is empty$/],
    [['a "b",c', 'x,y'], /^a quote stands in a field without quotes$/],
    [['a,"b" c', 'x'], /^something stands behind the closing quote/],
    [['"a', 'x'], /^a quote is not closed$/],
    ...['"', '\n', '\0', '\ufffd'].map(
      (separator) => [['a', 'x', separator], /^this character cannot separate/] as const,
    ),
    [['a', 'x', 'ab'], /^the delimiter is one character$/],
    [['\n', 'x'], /^the text has no fields$/],
    [[null, 'x'], /^expected a string, got nil$/],
  ]);
  it('reads 5 MB of quotes, of lines and of fields in a few seconds', () => {
    const start = performance.now();
    for (const part of ['""', '\n', ',', '"\n', 'a\n']) {
      faultOf('ParseCSV', part.repeat(5_000_000 / part.length), 'x', ',', ',', 'lazyQuotes');
    }
    assert.ok(performance.now() - start < 20_000);
  });
});

describe('ParseKeyValue and ToKeyValueString', () => {
  gives('ParseKeyValue', [
    [['a=1 b=2 a=3'], { a: '3', b: '2' }],
    [['a="x y" \'b c\'=2'], { a: 'x y', 'b c': '2' }],
    [['  a=1   b=2  '], { a: '1', b: '2' }],
    [['a=1=2 b='], { a: '1=2', b: '' }],
    [['   '], {}],
    [['a:1|b:2', ':', '|'], { a: '1', b: '2' }],
    [['a::1||b::2', '::', '||'], { a: '1', b: '2' }],
    [['\u00e4=\u00f6 b=\u65e5'], { ä: 'ö', b: '日' }],
    [['=x'], { '': 'x' }],
    [['a=\u{1f680} b="\u{1f680} c"'], { a: '\u{1f680}', b: '\u{1f680} c' }],
  ]);
  fails('ParseKeyValue', [
    [['a b=2'], /^a pair has no delimiter/],
    [['a="x'], /^a quote is not closed$/],
    [["a= 'it''s' b=\"it's\""], /^a pair has no delimiter|^a quote/],
    [[''], /^the text is empty$/],
    [['a=1', '=', '='], /^the delimiter and the pair delimiter are the same$/],
    [['a=1', ' '], /^the delimiter and the pair delimiter are the same$/],
    [['a=1', ''], /^a delimiter is not empty$/],
    [[null], /^expected a string, got nil$/],
  ]);
  const mixed = toMap({ b: 'x y', a: 1n, c: ['p'], 'q"': 'say "hi"', n: null, f: 1e21, by: Uint8Array.of(0, 255, 16) });
  gives('ToKeyValueString', [
    [[mixed, undefined, undefined, true], 'a=1 b="x y" by=AP8Q c=[\\"p\\"] f=1e+21 n= q\\"="say \\"hi\\""'],
    [[toMap({ 'a b': 'c=d', x: '' }), '=', ' ', true], '"a b"="c=d" x='],
    [[toMap({ z: 1n, a: 2n })], 'z=1 a=2'],
    [[toMap({})], ''],
    [
      [toMap({ a: { b: 'c d' }, l: ['x', 'y z'], t: true, f: 1 }), ':', ',', true],
      'a:"{\\"b\\":\\"c d\\"}",f:1,l:"[\\"x\\",\\"y z\\"]",t:true',
    ],
  ]);
  it('reads a text of 5 MB in a few seconds', () => {
    const start = performance.now();
    assert.equal((call('ParseKeyValue', 'k=v '.repeat(1_250_000)) as Map<string, string>).size, 1);
    faultOf('ParseKeyValue', '"'.repeat(5_000_000));
    assert.ok(performance.now() - start < 10_000);
  });
});

describe('ParseSeverity', () => {
  const mapping = toMap({
    error: [{ equals: ['err', 'e'] }, { range: { min: 400n, max: 599n } }],
    info: [{ equals: ['i', 'err'] }, { range: '2xx' }],
  });
  gives('ParseSeverity', [
    [['err', mapping], 'error'],
    [['i', mapping], 'info'],
    [[400n, mapping], 'error'],
    [[599n, mapping], 'error'],
    [[200n, mapping], 'info'],
    [[299n, mapping], 'info'],
  ]);
  fails('ParseSeverity', [
    [['404', mapping], /^the mapping has no level for the value$/],
    [[300n, mapping], /^the mapping has no level/],
    [[2.5, mapping], /^a level is read from a string or an int, got a double$/],
    [[null, mapping], /got nil$/],
    [['x', toMap({ error: 'x' })], /^the mapping of a level is a list, got a string$/],
    [['x', toMap({ error: ['x'] })], /^an item of a level's list is a map, got a string$/],
    [['x', toMap({ error: [{ equals: 'x' }] })], /^"equals" is a list/],
    [[3n, toMap({ error: [{ range: { min: 1n } }] })], /^a "range" is a map/],
    [[3n, toMap({ error: [{ range: '9xx' }] })], /^a "range" as text/],
  ]);
});

describe('ExtractPatterns', () => {
  it('takes a group that took no part for an empty text', () => {
    assert.match(faultOf('ExtractPatterns', 'zzz', '(z)'), /^the pattern has no named group$/);
    assert.deepEqual(
      call('ExtractPatterns', 'a=1', '(?P<k>\\w+)=(?P<v>\\d+)(?P<z>x)?'),
      toMap({ k: 'a', v: '1', z: '' }),
    );
    assert.deepEqual(call('ExtractPatterns', '', '(?P<k>.*)'), toMap({ k: '' }));
    assert.deepEqual(call('ExtractPatterns', 'zzz', '(?P<k>\\d+)'), toMap({}));
  });
});

describe('URL', () => {
  const url = (original: string, domain: string, scheme: string, path: string, rest: Record<string, unknown> = {}) => {
    const main = { 'url.original': original, 'url.domain': domain, 'url.scheme': scheme, 'url.path': path };
    return { ...main, ...Object.fromEntries(Object.entries(rest).map(([key, value]) => [`url.${key}`, value])) };
  };
  const user = { user_info: 'user:pa%20ss', username: 'user', password: 'pa ss' };
  const full = 'https://user:pa%20ss@www.example.com:8443/a%20b/c.tar.gz?x=1&y=%20#frag%20x';
  const odd = '"<>`{}|^\\';
  gives('URL', [
    [
      [full],
      url(full, 'www.example.com', 'https', '/a b/c.tar.gz', {
        port: 8443n,
        fragment: 'frag x',
        ...user,
        query: 'x=1&y=%20',
        extension: 'gz',
      }),
    ],
    [['http://example.com'], url('http://example.com', 'example.com', 'http', '')],
    [['/path/only.html?q'], url('/path/only.html?q', '', '', '/path/only.html', { query: 'q', extension: 'html' })],
    [['http://[::1]:80/'], url('http://[::1]:80/', '::1', 'http', '/', { port: 80n })],
    [['http://[fe80::1%25en0]:80/x'], url('http://[fe80::1%25en0]:80/x', 'fe80::1%en0', 'http', '/x', { port: 80n })],
    [['mailto:a@b.c'], url('mailto:a@b.c', '', 'mailto', '')],
    [['//host/path'], url('//host/path', 'host', '', '/path')],
    [
      ['http://user@host:/p'],
      url('http://user@host:/p', 'host', 'http', '/p', { user_info: 'user', username: 'user' }),
    ],
    [['http://host:99999/'], url('http://host:99999/', 'host', 'http', '/', { port: 99999n })],
    [['HTTP://HOST/Path'], url('http://HOST/Path', 'HOST', 'http', '/Path')],
    [
      ['http://host/a b?c d#e f'],
      url('http://host/a%20b?c d#e%20f', 'host', 'http', '/a b', { fragment: 'e f', query: 'c d' }),
    ],
    [['http://:pw@host/'], url('http://:pw@host/', 'host', 'http', '/', { user_info: ':pw', password: 'pw' })],
    [
      ['http://user:@host/'],
      url('http://user:@host/', 'host', 'http', '/', { user_info: 'user:', username: 'user', password: '' }),
    ],
    [['a:b:c'], url('a:b:c', '', 'a', '')],
    [['a/b:c'], url('a/b:c', '', '', 'a/b:c')],
    [['x.y'], url('x.y', '', '', 'x.y', { extension: 'y' })],
    [['http://host/ä?ö#ü'], url('http://host/%C3%A4?ö#%C3%BC', 'host', 'http', '/ä', { fragment: 'ü', query: 'ö' })],
    [['http://hóst/'], url('http://h%C3%B3st/', 'hóst', 'http', '/')],
    [['http://host/a.b/c'], url('http://host/a.b/c', 'host', 'http', '/a.b/c', { extension: 'b/c' })],
    [['http://host/c.'], url('http://host/c.', 'host', 'http', '/c.')],
    [['http://host?x=1'], url('http://host?x=1', 'host', 'http', '', { query: 'x=1' })],
    [['http://host#'], url('http://host', 'host', 'http', '')],
    [['http://host/?'], url('http://host/?', 'host', 'http', '/')],
    [['http://host/a%2Fb'], url('http://host/a%2Fb', 'host', 'http', '/a/b')],
    [['*'], url('*', '', '', '*')],
    [
      ["http://h/a;b,c:d@e&f=g+h$i!'()*[]"],
      url("http://h/a;b,c:d@e&f=g+h$i!'()*[]", 'h', 'http', "/a;b,c:d@e&f=g+h$i!'()*[]"),
    ],
    [
      ['http://us%40er:p%3Aw@host/'],
      url('http://us%40er:p%3Aw@host/', 'host', 'http', '/', {
        user_info: 'us%40er:p%3Aw',
        username: 'us@er',
        password: 'p:w',
      }),
    ],
    [['?a=b&a=c+d&e'], { query: { a: ['b', 'c d'], e: [''] } }],
    [['http://::1/'], url('http://::1/', ':', 'http', '/', { port: 1n })],
    [['./a:b'], url('./a:b', '', '', './a:b', { extension: '/a:b' })],
    [['file:///etc/x.conf'], url('file:///etc/x.conf', '', 'file', '/etc/x.conf', { extension: 'conf' })],
    [['http:opaque?x#y'], url('http:opaque?x#y', '', 'http', '', { fragment: 'y', query: 'x' })],
    [['http:/one'], url('http:/one', '', 'http', '/one')],
    [['http:///three'], url('http:///three', '', 'http', '/three')],
    [[`http://h/${odd}`], url('http://h/%22%3C%3E%60%7B%7D%7C%5E%5C', 'h', 'http', `/${odd}`)],
    [
      [`http://h/?${odd}#${odd}`],
      url(`http://h/?${odd}#%22%3C%3E%60%7B%7D%7C%5E%5C`, 'h', 'http', '/', { fragment: odd, query: odd }),
    ],
  ]);
  const bad = [
    '',
    'http://host:port/',
    'http://ho st/',
    'http://a%2fb/',
    'http://ex%41mple.com/',
    'http://host/%zz',
    '1http://host',
  ];
  const worse = [
    ':foo',
    'http://us er@host/',
    'b c:d',
    'http://[::1/',
    'http://h\\x/',
    'http://h/\n',
    '?a=%',
    'http://h:99999999999999999999/',
  ];
  for (const text of [...bad, ...worse]) {
    it(`URL of ${JSON.stringify(text)} fails`, () => assert.match(faultOf('URL', text), /URL/));
  }
  it('reads 5 MB in a few seconds', () => {
    const start = performance.now();
    for (const part of ['%41', 'ä', '/', '@', ':', '[', '.']) faultOf('URL', `http://h/${part.repeat(1_600_000)}`);
    for (const part of ['@', ':', '[', '.', 'a', '%C3']) faultOf('URL', `http://${part.repeat(1_600_000)}`);
    assert.ok(performance.now() - start < 30_000);
  });
});
