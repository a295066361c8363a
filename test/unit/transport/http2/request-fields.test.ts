import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HeaderField } from '../../../../src/transport/http2/hpack/static-table.ts';
import { malformedTrailer, requestFields } from '../../../../src/transport/http2/request-fields.ts';

type Pair = readonly [name: string, value: string];
const fields = (pairs: readonly Pair[]): HeaderField[] => pairs.map(([name, value]) => ({ name, value }));

const pseudo: readonly Pair[] = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/a.B/C'],
  [':authority', 'localhost:4317'],
];
/** A request with these regular fields. */
const request = (...more: Pair[]): HeaderField[] => fields([...pseudo, ...more]);
const without = (name: string): Pair[] => pseudo.filter((pair) => pair[0] !== name);

test('a request says what a call needs of it', () => {
  const found = requestFields(
    request(
      ['te', 'trailers'],
      ['content-type', 'application/grpc'],
      ['grpc-encoding', 'gzip'],
      ['grpc-timeout', '5S'],
      ['content-length', '123'],
      ['user-agent', 'a client (of mine)'],
      ['empty', ''],
      ['expect', '100-Continue'],
    ),
  );
  assert.deepEqual(found, {
    kind: 'request',
    contentLength: 123,
    expectsContinue: true,
    headers: {
      httpMethod: 'POST',
      path: '/a.B/C',
      contentType: 'application/grpc',
      encoding: 'gzip',
      timeout: '5S',
    },
  });
});

test('what is absent is so', () => {
  const found = requestFields(fields(without(':authority')));
  assert.deepEqual(found, {
    kind: 'request',
    contentLength: -1,
    expectsContinue: false,
    headers: { httpMethod: 'POST', path: '/a.B/C', contentType: undefined, encoding: undefined, timeout: undefined },
  });
});

test('of a field that comes twice the first counts', () => {
  const found = requestFields(request(['grpc-timeout', '1S'], ['grpc-timeout', '2S']));
  assert.ok(found.kind === 'request' && found.headers.timeout === '1S');
});

const wellFormed: [rule: string, list: HeaderField[]][] = [
  ['8.3: pseudo-headers in any order', fields(pseudo.toReversed())],
  [
    '8.5: CONNECT with an authority alone',
    fields([
      [':method', 'CONNECT'],
      [':authority', 'host:1'],
    ]),
  ],
  ['8.2.1: every byte that a name may have', request(["!#$%&'*+-.^_`|~09az{}", 'x'])],
  ['8.2.1: any byte inside of a value but NUL, CR and LF', request(['x', 'a \t\u0001\u001f\u007f\u0080\u00ff b'])],
  ['8.2.1: an empty value', request(['x', ''])],
  ['8.2.2: te: trailers', request(['te', 'trailers'])],
  ['8.1.1: the same content-length twice', request(['content-length', '5'], ['content-length', '5'])],
  ['8.1.1: content-length 0', request(['content-length', '0'])],
];

const malformed: [rule: string, list: HeaderField[]][] = [
  ['8.3.1: no :method', fields(without(':method'))],
  ['8.3.1: no :scheme', fields(without(':scheme'))],
  ['8.3.1: no :path', fields(without(':path'))],
  ['8.3.1: an empty :path', fields([...without(':path'), [':path', '']])],
  ['8.3.1: nothing at all', []],
  ...pseudo.map((pair): [string, HeaderField[]] => [`8.3: ${pair[0]} twice`, fields([...pseudo, pair])]),
  ['8.3: a pseudo-header behind a regular field', fields([['x', 'y'], ...pseudo])],
  ['8.3: the last one behind a regular field', fields([...pseudo.slice(0, 3), ['x', 'y'], pseudo[3]])],
  ['8.3: one of a response', fields([...pseudo, [':status', '200']])],
  ['8.3: one that nobody knows', fields([...pseudo, [':unknown', 'x']])],
  ['8.3: one without a name', fields([...pseudo, [':', 'x']])],
  ['8.3: one in capitals', fields([...without(':path'), [':Path', '/']])],
  ['8.2.1: a NUL in a pseudo-header', fields([...without(':path'), [':path', '/a\0']])],
  ['8.2.1: a line feed in a pseudo-header', fields([...without(':authority'), [':authority', 'a\nb']])],
  ['8.2.1: a space around a pseudo-header', fields([...without(':path'), [':path', '/a ']])],
  ['8.2.1: a name of no bytes', request(['', 'x'])],
  ...['\0', ' ', '\t', '\r', '\n', 'A', 'Z', ':', '\u007f', '\u0080', '\u00ff'].flatMap(
    (char): [string, HeaderField[]][] => [
      [`8.2.1: ${JSON.stringify(char)} in a name`, request([`a${char}b`, 'x'])],
      [`8.2.1: ${JSON.stringify(char)} at the end of a name`, request([`a${char}`, 'x'])],
    ],
  ),
  ...['\0', '\r', '\n'].flatMap((char): [string, HeaderField[]][] => [
    [`8.2.1: ${JSON.stringify(char)} first in a value`, request(['x', `${char}a`])],
    [`8.2.1: ${JSON.stringify(char)} in a value`, request(['x', `a${char}a`])],
    [`8.2.1: ${JSON.stringify(char)} last in a value`, request(['x', `a${char}`])],
  ]),
  ...[' ', '\t'].flatMap((char): [string, HeaderField[]][] => [
    [`8.2.1: ${JSON.stringify(char)} first in a value`, request(['x', `${char}a`])],
    [`8.2.1: ${JSON.stringify(char)} last in a value`, request(['x', `a${char}`])],
    [`8.2.1: ${JSON.stringify(char)} alone`, request(['x', char])],
  ]),
  ...['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade'].map(
    (name): [string, HeaderField[]] => [`8.2.2: ${name}`, request([name, 'x'])],
  ),
  ['8.2.2: te of something else', request(['te', 'gzip'])],
  ['8.2.2: te of trailers and something else', request(['te', 'trailers, gzip'])],
  ['8.2.2: te of nothing', request(['te', ''])],
  [
    '8.5: CONNECT with :scheme',
    fields([
      [':method', 'CONNECT'],
      [':scheme', 'http'],
      [':authority', 'a:1'],
    ]),
  ],
  [
    '8.5: CONNECT with :path',
    fields([
      [':method', 'CONNECT'],
      [':path', '/'],
      [':authority', 'a:1'],
    ]),
  ],
  ['8.5: CONNECT without :authority', fields([[':method', 'CONNECT']])],
  ...['', '-1', '+1', '1.0', '1e3', '0x1', 'a', '1, 1', '9'.repeat(16)].map((value): [string, HeaderField[]] => [
    `8.1.1: content-length '${value}'`,
    request(['content-length', value]),
  ]),
  ['8.1.1: two content-lengths', request(['content-length', '5'], ['content-length', '6'])],
];

test('requests that the RFC allows are well-formed', () => {
  for (const [rule, list] of wellFormed) assert.equal(requestFields(list).kind, 'request', rule);
});

test('requests that break a rule are malformed', () => {
  for (const [rule, list] of malformed) {
    const found = requestFields(list);
    assert.ok(found.kind === 'malformed' && found.why.length > 0, rule);
  }
});

test('trailers are regular fields, under the same rules', () => {
  assert.equal(malformedTrailer([]), '');
  assert.equal(
    malformedTrailer(
      fields([
        ['x-checksum', 'abc'],
        ['te', 'trailers'],
      ]),
    ),
    '',
  );
  for (const pair of [...pseudo, [':status', '200'] as const]) {
    assert.notEqual(malformedTrailer(fields([['x', 'y'], pair])), '', pair[0]);
  }
  for (const pair of [
    ['X', 'y'],
    ['', 'y'],
    ['x', 'y\n'],
    ['x', ' y'],
    ['connection', 'close'],
    ['te', 'gzip'],
  ] as const) {
    assert.notEqual(malformedTrailer(fields([['x', 'y'], pair])), '', pair.join());
  }
});
