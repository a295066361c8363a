import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BatchingOptions, BatchProcessorDefinition } from '../../../../src/component/processor.ts';
import { batch } from '../../../../src/processors/batch/index.ts';

const definition: BatchProcessorDefinition = batch;
const batching = (config: object): BatchingOptions => definition.batching(definition.config.parse(config));

/** Paths of what is wrong with it. */
function problems(config: object): string[] {
  const result = definition.config.safeParse(config);
  if (!result.success) return result.error.issues.map((issue) => issue.path.join('.'));
  return (definition.check?.(result.data) ?? []).map((issue) => issue.path.join('.'));
}

test('the defaults are the Collector’s', () => {
  assert.deepEqual(batching({}), {
    minSpans: 8192,
    maxSpans: 0,
    timeoutMs: 200,
    metadataKeys: [],
    metadataCardinalityLimit: 1000,
  });
});

test('without a time nothing waits, but batches are still cut', () => {
  const { minSpans, maxSpans, timeoutMs } = batching({ timeout: 0, send_batch_size: 10, send_batch_max_size: 20 });
  assert.deepEqual({ minSpans, maxSpans, timeoutMs }, { minSpans: 0, maxSpans: 20, timeoutMs: 0 });
});

test('metadata keys are compared in lower case', () => {
  assert.deepEqual(batching({ metadata_keys: ['X-Tenant', 'region'] }).metadataKeys, ['x-tenant', 'region']);
});

test('what the Collector refuses is refused at its place', () => {
  for (const [config, ...places] of [
    [{ send_batch_size: 10, send_batch_max_size: 5 }, 'send_batch_max_size'],
    [{ send_batch_max_size: 8191 }, 'send_batch_max_size'],
    [{ send_batch_max_size: 8192 }],
    [{ send_batch_size: 0, send_batch_max_size: 5 }],
    [{ metadata_keys: ['a', 'A'] }, 'metadata_keys.1'],
    [{ timeout: '-1s' }, 'timeout'],
    [{ send_batch_size: -1 }, 'send_batch_size'],
    [{ send_batch_size: 2 ** 32 }, 'send_batch_size'],
    [{ zz: 1 }, ''],
  ] as const) {
    assert.deepEqual(problems(config), places, JSON.stringify(config));
  }
});
