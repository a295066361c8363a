// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are configurations with references
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { fileSchema } from '../../../src/config/file-schema.ts';
import { testRegistry } from '../../config/test-registry.ts';

const schema = fileSchema(testRegistry);
const validator = z.fromJSONSchema(JSON.parse(JSON.stringify(schema)));
const cases = join(import.meta.dirname, '../../config/cases');

const accepts = (text: string): boolean => validator.safeParse(parse(text, { merge: true })).success;
const BASE = readFileSync(join(cases, 'shared/base.yaml'), 'utf8');

test('configurations that are valid on their own are valid by the schema', () => {
  const valid = readdirSync(cases).filter((name) => {
    const text = name.endsWith('.yaml') ? readFileSync(join(cases, name), 'utf8') : '';
    return text.includes('\n# valid') && !text.includes('\n# after:');
  });
  assert.ok(valid.length >= 2);
  for (const name of valid) assert.ok(accepts(readFileSync(join(cases, name), 'utf8')), name);
  assert.ok(accepts(BASE));
});

test('references may stand for values of any type, and nothing for a block', () => {
  assert.ok(
    accepts(
      BASE.replace('batch:', 'batch: {send_batch_size: "${env:SIZE}", timeout: "${env:T}", metadata_keys: "${env:K}"}'),
    ),
  );
  assert.ok(accepts(BASE.replace('batch:', 'batch: ${file:batch.yaml}')));
  assert.ok(accepts(BASE.replace('debug:', 'debug: {verbosity: }')));
});

test('what the schema can say is refused: keys, types, components, durations, other signals', () => {
  const wrong = [
    'batch: {timout: 5s}',
    'batch: {send_batch_size: many}',
    'batch: {timeout: 5q}',
    'batch: []',
    'bacth:',
    'batch: {metadata_keys: [1]}',
  ];
  for (const text of wrong) assert.ok(!accepts(BASE.replace('batch:', text)), text);
  assert.ok(!accepts(BASE.replace('traces:', 'metrics:')));
  assert.ok(!accepts(BASE.replace('exporters: [debug]', '')));
  assert.ok(!accepts(`${BASE}extra: 1\n`));
});

test('ids with names and aliases are known, and every component says what it is', () => {
  assert.ok(accepts(BASE.replace('debug:', 'debug/2:\n  otlp_grpc/b: {endpoint: x}\n  debug:')));
  const text = JSON.stringify(schema);
  for (const summary of ['Takes spans over OTLP.', 'Gathers spans.', 'Answers health probes.'])
    assert.ok(text.includes(summary));
  assert.ok(text.includes('Time after which a batch goes.'));
});
