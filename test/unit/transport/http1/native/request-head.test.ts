import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadRequest, parseHead } from '../../../../../src/transport/http1/native/request-head.ts';

const head = (...lines: string[]): string => ['POST /v1/traces HTTP/1.1', 'Host: a', ...lines].join('\r\n');

test('a head is read as it came, but for white space around values', () => {
  assert.deepEqual(parseHead(head('X-Empty:', 'X-A:  b \t c\t ', "!#$%&'*+.^_`|~: \xe9")), {
    method: 'POST',
    target: '/v1/traces',
    rawHeaders: ['Host', 'a', 'X-Empty', '', 'X-A', 'b \t c', "!#$%&'*+.^_`|~", '\xe9'],
    isLast: false,
    wantsContinue: false,
    isChunked: false,
  });
});

test('what it says of the connection and the body is understood in any case', () => {
  assert.equal(parseHead(head('connection: Keep-Alive , CLOSE')).isLast, true);
  assert.equal(parseHead(head('connection: closed')).isLast, false);
  assert.equal(parseHead('GET / HTTP/1.0').isLast, true);
  assert.equal(parseHead('CONNECT a:1 HTTP/1.1\r\nHost: a:1').isLast, true);
  assert.equal(parseHead(head('Expect: 100-Continue')).wantsContinue, true);
  assert.equal(parseHead('GET / HTTP/1.0\r\nExpect: 100-continue').wantsContinue, false);
  assert.equal(parseHead(head('TRANSFER-ENCODING: Chunked')).isChunked, true);
  assert.equal(parseHead(head('Content-Length: 12')).isChunked, false);
});

test('a first line that is none is said before the number of fields', () => {
  const fields = Array.from({ length: 101 }, (_, i) => `X-${i}: a`);
  assert.throws(() => parseHead(head(...fields)), { status: 431 });
  assert.throws(() => parseHead(['no request', ...fields].join('\r\n')), { status: 400 });
});

const wrong: readonly (readonly [what: string, text: string, status?: number])[] = [
  ['nothing', ''],
  ['another version', 'GET / HTTP/1.2\r\nHost: a'],
  ['HTTP/2', 'PRI * HTTP/2.0'],
  ['two spaces', 'GET  / HTTP/1.1\r\nHost: a'],
  ['no target', 'GET HTTP/1.1\r\nHost: a'],
  ['a control character in the target', 'GET /\x01 HTTP/1.1\r\nHost: a'],
  ['no host', 'GET / HTTP/1.1'],
  ['two hosts', head('host: b')],
  ['no colon', head('X-A')],
  ['no name', head(': b')],
  ['white space before the colon', head('X-A : b')],
  ['a folded line', head('X-A: b', ' c')],
  ['a bare line feed', head('X-A: b\nX-C: d')],
  ['a bare carriage return', head('X-A: b\rX-C: d')],
  ['a zero byte', head('X-A: b\0')],
  ['two lengths', head('Content-Length: 1', 'Content-Length: 1')],
  ['a length in hexadecimal', head('Content-Length: 0x1')],
  ['a signed length', head('Content-Length: +1')],
  ['an empty length', head('Content-Length:')],
  ['a list of lengths', head('Content-Length: 1, 1')],
  ['a length past 2^53', head('Content-Length: 99999999999999999')],
  ['a length and chunks', head('Content-Length: 1', 'Transfer-Encoding: chunked')],
  ['two transfer encodings', head('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')],
  ['another transfer encoding', head('Transfer-Encoding: gzip, chunked')],
  ['chunks in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked'],
  ['another expectation', head('Expect: tea'), 417],
];
for (const [what, text, status = 400] of wrong) {
  test(`refused: ${what}`, () => {
    assert.throws(
      () => parseHead(text),
      (error) => error instanceof BadRequest && error.status === status && error.message !== '',
    );
  });
}

test('a line of spaces with a wrong end is refused as quickly as any other', () => {
  // Minutes where the expression tries every way to share out the spaces.
  const line = `a:${' '.repeat(16_000)}\x01`;
  for (let i = 0; i < 1000; i++) assert.throws(() => parseHead(head(line)), BadRequest);
});

test('a head of more than a hundred fields is too large', () => {
  const fields = (count: number): string[] => Array.from({ length: count }, (_, i) => `x${i}: a`);
  assert.equal(parseHead(head(...fields(99))).rawHeaders.length, 200);
  assert.throws(() => parseHead(head(...fields(100))), { status: 431 });
});
