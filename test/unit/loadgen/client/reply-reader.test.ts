// Replies of HTTP/1.1 in all forms and in parts of all sizes, and what is none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadReply } from '../../../../loadgen/client/reply-head.ts';
import { type HttpReply, maxReplyBytes, ReplyReader } from '../../../../loadgen/client/reply-reader.ts';

interface Seen {
  readonly status: number;
  readonly body: string;
  readonly lastBecause: string;
}

const seen = ({ head, body, lastBecause }: HttpReply): Seen => ({
  status: head.status,
  body: body.toString('latin1'),
  lastBecause,
});

/** All replies in `text`, which comes in parts of `step` bytes, all in the same memory. */
function readAll(text: string, step: number, reader = new ReplyReader()): Seen[] {
  const bytes = Buffer.from(text, 'latin1');
  const shared = Buffer.alloc(step);
  const replies: Seen[] = [];
  for (let at = 0; at < bytes.length; at += step) {
    const length = bytes.copy(shared, 0, at, Math.min(bytes.length, at + step));
    const reply = reader.read(shared, length);
    if (reply !== null) replies.push(seen(reply));
    shared.fill(0xee);
  }
  return replies;
}

const steps = [1, 2, 3, 7, 64, 1 << 20];
const byServer = 'the server ended the connection with its reply';
const noBody = { body: '', lastBecause: '' };

const good: readonly (readonly [name: string, text: string, ...replies: Seen[]])[] = [
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', { status: 200, body: 'hello', lastBecause: '' }],
  ['an empty body', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', { status: 200, ...noBody }],
  ['no phrase, and no space before it', 'HTTP/1.1 503\r\ncontent-length:0\r\n\r\n', { status: 503, ...noBody }],
  [
    'chunks, with extensions and trailers',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nx-sum: 1\r\n\r\n',
    { status: 200, body: 'hello', lastBecause: '' },
  ],
  [
    'chunks without content',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    { status: 200, ...noBody },
  ],
  ['204, which has no body', 'HTTP/1.1 204 No Content\r\n\r\n', { status: 204, ...noBody }],
  [
    '304, whatever its length is of',
    'HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n',
    { status: 304, ...noBody },
  ],
  [
    'answers before the reply',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n!',
    { status: 200, body: '!', lastBecause: '' },
  ],
  [
    'Connection: close among other options',
    'HTTP/1.1 200 OK\r\nconnection: x, Close\r\ncontent-length: 0\r\n\r\n',
    { status: 200, body: '', lastBecause: byServer },
  ],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n', { status: 200, body: '', lastBecause: byServer }],
  [
    'HTTP/1.0 that keeps the connection',
    'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\ncontent-length: 0\r\n\r\n',
    { status: 200, ...noBody },
  ],
];

for (const [name, text, ...replies] of good) {
  test(`a reply is read in parts of any size, and another after it: ${name}`, () => {
    for (const step of steps) {
      const reader = new ReplyReader();
      assert.deepEqual(readAll(text, step, reader), replies, `in parts of ${step}`);
      assert.equal(reader.isUnderWay, false);
      assert.deepEqual(readAll(text, step, reader), replies, `again in parts of ${step}`);
    }
  });
}

test('replies of all forms are read one after another from one connection', () => {
  const both = [...good, ...good.toReversed()];
  for (const step of [1, 7, 64]) {
    const reader = new ReplyReader();
    const replies = both.flatMap(([, text]) => readAll(text, step, reader));
    assert.deepEqual(
      replies,
      both.flatMap(([, , ...expected]) => expected),
    );
  }
});

test('a body without length or chunks ends where the connection does', () => {
  for (const step of steps) {
    const reader = new ReplyReader();
    assert.deepEqual(readAll('HTTP/1.1 200 OK\r\n\r\nhello', step, reader), []);
    assert.equal(reader.isUnderWay, true);
    const reply = reader.connectionEnded();
    assert.deepEqual(reply && seen(reply), { status: 200, body: 'hello', lastBecause: byServer });
  }
  const empty = new ReplyReader();
  readAll('HTTP/1.0 500 Gone\r\n\r\n', 64, empty);
  assert.equal(empty.connectionEnded()?.body.length, 0);
});

test('the end of the connection ends no other reply', () => {
  for (const text of [
    '',
    'HTTP/1.1 200',
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n!',
    'HTTP/1.1 100 Continue\r\n\r\n',
  ]) {
    const reader = new ReplyReader();
    assert.deepEqual(readAll(text, 64, reader), []);
    assert.equal(reader.connectionEnded(), null);
    assert.equal(reader.isUnderWay, text !== '');
  }
});

test('fields are found by their names in lower case, without the space around them, the first of a name', () => {
  const text = 'HTTP/1.1 429 Slow\r\nRetry-After:\t7 \r\nX-A: 1\r\nx-a: 2\r\ncontent-length: 0\r\n\r\n';
  const reply = new ReplyReader().read(Buffer.from(text), text.length);
  assert.deepEqual(reply && [...reply.head.fields], [
    ['retry-after', '7'],
    ['x-a', '1'],
    ['content-length', '0'],
  ]);
});

test('two heads that differ in a byte are two heads', () => {
  const reader = new ReplyReader();
  const text = (status: number) => `HTTP/1.1 ${status} OK\r\ncontent-length: 0\r\n\r\n`;
  const replies = [200, 201, 200, 503].flatMap((status) => readAll(text(status), 64, reader));
  assert.deepEqual(
    replies.map(({ status }) => status),
    [200, 201, 200, 503],
  );
});

test('bytes behind a reply make it the last one', () => {
  for (const text of [
    'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nhello',
    'HTTP/1.1 204 No\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n!',
  ]) {
    assert.equal(readAll(text, 1000)[0].lastBecause, 'the server sent more than its reply');
  }
});

const lines = (count: number): string => Array.from({ length: count }, (_, i) => `x-${i}: 1\r\n`).join('');
const body = (field: string): string => `HTTP/1.1 200 OK\r\n${field}\r\n\r\n`;
const chunked = body('transfer-encoding: chunked');

const bad: readonly (readonly [name: string, text: string, message: RegExp])[] = [
  ['frames of HTTP/2', '\0\0\x06\x04\0\0\0\0\0', /^the server does not speak HTTP\/1\.1$/],
  ['a banner', 'SSH-2.0-x\r\n', /does not speak/],
  ['another version', 'HTTP/2.0 200 OK\r\n\r\n', /does not speak/],
  ['a version that there is not', 'HTTP/1.2 200 OK\r\n\r\n', /does not speak/],
  ['a status that is no number', 'HTTP/1.1 2x0 OK\r\n\r\n', /does not speak/],
  ['an empty line first', '\r\nHTTP/1.1 200 OK\r\n\r\n', /does not speak/],
  ['a control character in the phrase', 'HTTP/1.1 200 O\x07K\r\n\r\n', /does not speak/],
  ['lines that end with LF alone', body('content-length: 0\nx: 1'), /^a malformed reply: line 2 of its head/],
  ['a space before the colon', body('content-length : 0'), /line 2 of its head is not a header field$/],
  ['a folded line', body('x: 1\r\n y'), /line 3 of its head/],
  [
    'two lengths',
    body('content-length: 1\r\nContent-Length: 1'),
    /^a malformed reply: there are two of content-length$/,
  ],
  ['a list of lengths', body('content-length: 1, 1'), /its content-length is not a number/],
  ['a negative length', body('content-length: -1'), /not a number/],
  ['a length and chunks', body('content-length: 1\r\ntransfer-encoding: chunked'), /both a content-length and/],
  ['two transfer encodings', body('transfer-encoding: chunked\r\ntransfer-encoding: chunked'), /two of transfer-enc/],
  ['another transfer encoding', body('transfer-encoding: gzip, chunked'), /a transfer-encoding that is not chunked$/],
  ['chunks in HTTP/1.0', chunked.replace('1.1', '1.0'), /HTTP\/1\.0 has no transfer-encoding/],
  ['a chunk without a size', `${chunked}\r\n`, /^a malformed reply: a chunk begins without its size$/],
  ['a chunk with a wrong end', `${chunked}1\r\nab\r\n`, /does not end with CRLF$/],
  ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n', /switched to another protocol$/],
  ['too many fields', `HTTP/1.1 200 OK\r\n${lines(101)}\r\n`, /more than 100 header fields$/],
  [
    'a head without end',
    `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}`,
    /^a reply whose head has more than 16384 bytes$/,
  ],
  ['answers without end', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(6), /^answers before the reply, without end$/],
  ['a length above the bound', body(`content-length: ${maxReplyBytes + 1}`), /^a reply of more than 4194304 bytes$/],
  ['trailers without end', `${chunked}0\r\n${lines(4000)}`, /trailers of the chunked body are too large$/],
];

for (const [name, text, message] of bad) {
  test(`what is no reply is told as that in one line, in parts of any size: ${name}`, () => {
    for (const step of [1, 1 << 20]) {
      assert.throws(
        () => readAll(text, step),
        (error) => {
          assert.ok(error instanceof BadReply, String(error));
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /\n/);
          return true;
        },
      );
    }
  });
}

test('what cannot become a reply is told at once', () => {
  assert.throws(() => new ReplyReader().read(Buffer.from('HTTQ'), 4), BadReply);
  assert.equal(new ReplyReader().read(Buffer.from('HTTP'), 4), null);
});

test('a body of the largest size is read whole, a longer one is not, with chunks as without', () => {
  const part = 1 << 20;
  const bytes = Buffer.alloc(part, 'a');
  for (const [begin, isChunked] of [
    ['HTTP/1.1 200 OK\r\n\r\n', false],
    [chunked, true],
  ] as const) {
    const reader = new ReplyReader();
    const give = (text: string): HttpReply | null => reader.read(Buffer.from(text), text.length);
    give(begin);
    for (let length = 0; length < maxReplyBytes; length += part) {
      if (isChunked) give(`${part.toString(16)}\r\n`);
      reader.read(bytes, part);
      if (isChunked) give('\r\n');
    }
    if (isChunked) give('1\r\n');
    assert.throws(() => give('b'), /^Error: a reply of more than 4194304 bytes$/);
  }
  const reader = new ReplyReader();
  readAll(body(`content-length: ${maxReplyBytes}`), 64, reader);
  for (let left = maxReplyBytes / part; left > 1; left--) assert.equal(reader.read(bytes, part), null);
  const reply = reader.read(bytes, part);
  assert.equal(reply?.body.length, maxReplyBytes);
  assert.ok(reply.body.every((byte) => byte === 0x61));
});
