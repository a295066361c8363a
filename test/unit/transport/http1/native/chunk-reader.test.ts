import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkReader } from '../../../../../src/transport/http1/native/chunk-reader.ts';
import { BadRequest } from '../../../../../src/transport/http1/native/request-head.ts';

/** Reads in pieces of `size` bytes; what the chunks held, and what is left behind the body (null: it is not over). */
function read(text: string, size: number): [content: string, rest: string | null] {
  const bytes = Buffer.from(text, 'latin1');
  const reader = new ChunkReader();
  let content = '';
  for (let at = 0; at < bytes.length; at += size) {
    const end = Math.min(bytes.length, at + size);
    const stopped = reader.read(bytes, at, end, (of, from, to) => {
      content += of.toString('latin1', from, to);
    });
    if (reader.isOver) return [content, bytes.toString('latin1', stopped)];
    assert.equal(stopped, end);
  }
  return [content, null];
}

test('chunks are read alike in pieces of every size, with extensions and trailers, up to their end', () => {
  const body = '3\r\nabc\r\n00A;name="v;\t"\r\n0123456789\r\n1;x\r\nz\r\n0;last\r\nTrailer: 1\r\nB: 2\r\n\r\n';
  for (let size = 1; size <= body.length; size++) assert.deepEqual(read(`${body}NEXT`, size)[0], 'abc0123456789z');
  assert.deepEqual(read(`${body}NEXT`, 1000), ['abc0123456789z', 'NEXT']);
  assert.deepEqual(read('0\r\n\r\n', 1), ['', '']);
  for (let length = 0; length < body.length; length++) assert.equal(read(body.slice(0, length), 1000)[1], null);
});

const wrong: readonly string[] = [
  '\r\n',
  ';x\r\n',
  'g\r\n',
  '-1\r\n',
  '0x1\r\n',
  '1 \r\na\r\n',
  '1\na\r\n',
  '1\r\nab\r\n',
  '1\r\na\n',
  '1\r\na\rb',
  '1;x\ny',
  '100000000\r\n',
  '0\r\nA: 1\n\r\n',
  '0\r\n\rx',
  `1;${'x'.repeat(20_000)}\r\n`,
  `0\r\n${'a: b\r\n'.repeat(5000)}`,
];
for (const body of wrong) {
  test(`refused in pieces of every size: ${JSON.stringify(body.slice(0, 20))}`, () => {
    for (const size of [1, 2, 1000, 100_000]) assert.throws(() => read(body, size), BadRequest);
  });
}
