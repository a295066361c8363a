import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formOf, pathOf, queryFields, readHead, valuesOf } from '../../../../src/transport/http1/http-request.ts';

test('the fields that matter are found whatever their case, the first of each', () => {
  const raw = [
    'Host',
    'x',
    'CONTENT-TYPE',
    'a',
    'content-type',
    'b',
    'Content-Length',
    '12',
    'oRigin',
    'o',
    'X-Origi',
    'n',
  ];
  assert.deepEqual(readHead(raw), {
    contentType: 'a',
    contentEncoding: undefined,
    transferEncoding: undefined,
    origin: 'o',
    length: 12,
  });
  assert.equal(readHead([]).length, 0);
});

test('chunks have no length, and codings add up', () => {
  const head = readHead(['Transfer-Encoding', 'chunked', 'Content-Encoding', 'gzip', 'content-encoding', 'zstd']);
  assert.deepEqual([head.length, head.contentEncoding], [-1, 'gzip, zstd']);
});

test('all values of a header are read in their order', () => {
  assert.deepEqual(valuesOf(['A', '1', 'b', '2', 'a', '3'], 'a'), ['1', '3']);
});

test('the form is that of the media type, whatever its parameters', () => {
  for (const [type, form] of [
    ['application/json', 'json'],
    ['application/json;charset=utf-8', 'json'],
    [' Application/X-Protobuf ; a=b', 'protobuf'],
    ['application/jsonl', 'text'],
    ['', 'text'],
    [undefined, 'text'],
  ] as const) {
    assert.equal(formOf(type), form, String(type));
  }
});

test('the path is what stands before the query, in every form of a target', () => {
  for (const [target, path] of [
    ['/a/b', '/a/b'],
    ['/a?b=/c?d', '/a'],
    ['http://host:1/a?b', '/a'],
    ['HTTPS://host/a', '/a'],
    ['http://host', ''],
    ['*', '*'],
  ]) {
    assert.equal(pathOf(target), path, target);
  }
});

test('only the parameters that are named are read', () => {
  const fields = queryFields('/a?Key=1&key=2&other=3&Key=%20', ['Key']);
  assert.deepEqual(fields, [
    { name: 'key', value: '1' },
    { name: 'key', value: ' ' },
  ]);
  assert.deepEqual(queryFields('/a', ['Key']), []);
});
