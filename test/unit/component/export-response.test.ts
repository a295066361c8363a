import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ResponseFormat, resultOfResponse } from '../../../src/component/export-response.ts';
import type { ExportResult } from '../../../src/component/exporter.ts';

async function read(body: Buffer | string, format: ResponseFormat): Promise<[ExportResult, unknown]> {
  const warnings: unknown[] = [];
  const warn = (_key: string, fields: Readonly<Record<string, unknown>>): void => void warnings.push(fields.peer);
  const log = { info: warn, warn, error: warn };
  return [await resultOfResponse(Buffer.from(body), format, log), warnings.join()];
}
const accepted = { kind: 'accepted' } as const;
const partial = (rejectedSpans: number, message: string) => ({ kind: 'partial', rejectedSpans, message }) as const;

test('an empty answer, and Go’s empty partial success, mean that all was accepted', async () => {
  for (const format of ['protobuf', 'json'] as const) assert.deepEqual(await read('', format), [accepted, '']);
  assert.deepEqual(await read(Buffer.of(0x0a, 0), 'protobuf'), [accepted, '']);
  for (const body of ['{}', '{"partialSuccess":{}}', '{"partialSuccess":null}', '{"other":1}']) {
    assert.deepEqual(await read(body, 'json'), [accepted, ''], body);
  }
});

test('rejected spans are counted in both encodings, as numbers or as text', async () => {
  assert.deepEqual(await read(Buffer.of(0x0a, 6, 0x08, 2, 0x12, 2, 0x6e, 0x6f), 'protobuf'), [partial(2, 'no'), '']);
  for (const rejected of ['2', '"2"']) {
    const body = `{"partialSuccess":{"rejectedSpans":${rejected},"errorMessage":"no"}}`;
    assert.deepEqual(await read(body, 'json'), [partial(2, 'no'), ''], body);
  }
});

test('a message without rejected spans is a warning', async () => {
  assert.deepEqual(await read(Buffer.of(0x0a, 4, 0x12, 2, 0x6e, 0x6f), 'protobuf'), [accepted, 'no']);
  assert.deepEqual(await read('{"partialSuccess":{"errorMessage":"no"}}', 'json'), [accepted, 'no']);
});

test('nonsense counts as accepted, with a warning where it cannot be read at all', async () => {
  for (const [body, format] of [
    [Buffer.of(0x0a, 0x7f, 8), 'protobuf'],
    ['{"partialSuccess"', 'json'],
    ['7', 'json'],
    ['null', 'json'],
  ] as const) {
    const [result, warning] = await read(body as Buffer, format);
    assert.deepEqual(result, accepted);
    assert.match(String(warning), /cannot be read/);
  }
  const negative = Buffer.of(0x0a, 11, 0x08, ...Array(9).fill(0xff), 1);
  assert.deepEqual(await read(negative, 'protobuf'), [accepted, '']);
  for (const rejected of ['-3', '"many"', '{}', '1e99', 'null', 'true', '1.5']) {
    const [result] = await read(`{"partialSuccess":{"rejectedSpans":${rejected}}}`, 'json');
    assert.deepEqual(result, accepted, rejected);
  }
});
