import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { SpanmillError } from '../../../src/errors.ts';
import { requestsOf } from '../../../src/replay/requests.ts';
import { decodeRequest, encodeRequest } from '../../../src/wire/reference/codec.ts';
import { readJson } from '../../../src/wire/reference/json-reader.ts';

const json = (...names: string[]): string =>
  JSON.stringify({
    resourceSpans: [{ resource: {}, scopeSpans: [{ scope: {}, spans: names.map((name) => ({ name })) }] }],
  });
const proto = (...names: string[]): Buffer => Buffer.from(encodeRequest(readJson(json(...names))));

function record(body: Buffer): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(body.length);
  return Buffer.concat([prefix, body]);
}

/** Names of the spans of each request. */
const namesIn = (file: Buffer | string): string[][] =>
  requestsOf(Buffer.from(file)).map(({ bytes, spans }) => {
    const names = decodeRequest(bytes).resourceSpans.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap((one) => one.spans.map(({ name }) => name)),
    );
    assert.equal(names.length, spans);
    return names;
  });

assert.equal(proto('x'.repeat(113)).toString('latin1', 0, 2), '\n{');
const pretty = JSON.stringify(JSON.parse(json('a', 'b')), null, 2);
const files: readonly (readonly [what: string, file: Buffer | string, names: string[][]])[] = [
  ['a protobuf request, as a dead letter is', proto('a', 'b'), [['a', 'b']]],
  ['requests one after another, which are one', Buffer.concat([proto('a'), proto('b')]), [['a', 'b']]],
  ['a JSON request in one line', json('a', 'b'), [['a', 'b']]],
  ['a JSON request in many lines', `\n${pretty}\n`, [['a', 'b']]],
  [
    'lines of JSON, some of them empty',
    `${json('a')}\n\n${json('b', 'c')}\r\n${json('d')}`,
    [['a'], ['b', 'c'], ['d']],
  ],
  ['JSON behind a byte order mark', `\ufeff${json('a')}`, [['a']]],
  ['protobuf whose second byte is a brace, the length of a part', proto('x'.repeat(113)), [['x'.repeat(113)]]],
  ['records of protobuf', Buffer.concat([record(proto('a')), record(proto('b'))]), [['a'], ['b']]],
  [
    'records of compressed protobuf',
    Buffer.concat([record(zstdCompressSync(proto('a'))), record(zstdCompressSync(proto('b')))]),
    [['a'], ['b']],
  ],
  ['records of compressed JSON', record(zstdCompressSync(Buffer.from(json('a')))), [['a']]],
  ['a file that was compressed afterwards', gzipSync(json('a')), [['a']]],
  ['the same with zstd', zstdCompressSync(proto('a')), [['a']]],
  ['lines of which one has no spans', `${json()}\n${json('b')}`, [['b']]],
];
for (const [what, file, names] of files) {
  test(`a file is read: ${what}`, () => assert.deepEqual(namesIn(file), names));
}

const bad: readonly (readonly [what: string, file: Buffer | string, says: RegExp])[] = [
  ['nothing', '', /holds no spans/],
  ['no spans', json(), /holds no spans/],
  ['a text', 'hello world', /not a valid ExportTraceServiceRequest/],
  ['half a protobuf request', proto('a', 'b').subarray(0, 12), /not a valid ExportTraceServiceRequest/],
  ['half a JSON request', json('a').slice(0, 30), /not JSON/],
  ['lines of which one is broken', `${json('a')}\n${json('b').slice(1)}\n`, /^line 2: .*not JSON/],
  ['other JSON', '{"resourceSpans": 5}', /resourceSpans: expected an array/],
  [
    'records of which one is broken',
    Buffer.concat([record(proto('a')), record(Buffer.from('hello'))]),
    /^record 2: not a valid/,
  ],
  [
    'records of which the last is cut off',
    Buffer.concat([record(proto('a')), record(proto('b')).subarray(0, 9)]),
    /not a valid/,
  ],
  ['broken compression', zstdCompressSync(proto('a')).subarray(0, 10), /cannot be decompressed/],
];
for (const [what, file, says] of bad) {
  test(`a file is refused whole: ${what}`, () => {
    assert.throws(
      () => requestsOf(Buffer.from(file)),
      (error) => error instanceof SpanmillError && says.test(error.message),
    );
  });
}
