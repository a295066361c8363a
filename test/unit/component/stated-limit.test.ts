import assert from 'node:assert/strict';
import { test } from 'node:test';
import { saysTooLarge, statedLimit } from '../../../src/component/stated-limit.ts';

test('the limits that servers state are read', () => {
  for (const [text, limit] of [
    ['grpc: received message larger than max (5000000 vs. 4194304)', 4_194_304],
    ['grpc: received message after decompression larger than max 4194304', 4_194_304],
    ['grpc: message after decompression larger than max (5000000 vs. 4194304)', 4_194_304],
    ['CLIENT: Received message larger than max (5000000 vs. 4194304)', 4_194_304],
    ['gRPC message exceeds maximum size 4194304: 5000000', 4_194_304],
    ['Error, decoded message length too large: found 5000000 bytes, the limit is: 4194304 bytes', 4_194_304],
    ['received message larger than max (70000000 vs. 4194304)', 4_194_304],
    ['a body has at most 20971520 bytes', 20_971_520],
    ['the request is larger than 20971520 bytes', 20_971_520],
  ] as const) {
    assert.equal(statedLimit(text), limit, text);
  }
});

test('a number that may mean something else is no limit', () => {
  for (const text of [
    '',
    'http: request body too large',
    '413 Request Entity Too Large',
    'rate limit: at most 100 requests',
    'the tenant may send at most 1000000 bytes per minute',
    'request quota: at most 1000000 bytes per minute',
    'request quota: at most 1000000 bytes/s',
    'larger than max (lots vs. 3)',
    `larger than max ${'9'.repeat(16)}`,
    `larger than max ${'9'.repeat(30)}`,
    'exceeds maximum size of 4 MB',
  ]) {
    assert.equal(statedLimit(text), 0, text);
  }
});

test('reading a long text takes a short time', () => {
  const text = `${'message larger than max ('.repeat(10_000)}${'request at most '.repeat(10_000)}`;
  const started = performance.now();
  assert.equal(statedLimit(text), 0);
  assert.ok(performance.now() - started < 1000);
});

test('a refusal of a request for its size is told from one for what is in it', () => {
  for (const text of [
    'http: request body too large',
    'Message is too large',
    'payload too large',
    'Received message larger than max',
  ]) {
    assert.equal(saysTooLarge(text), true, text);
  }
  for (const text of ['attribute value too large', 'span 7: name has at most 1024 bytes', 'timestamp too large', '']) {
    assert.equal(saysTooLarge(text), false, text);
  }
});
