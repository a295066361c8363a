import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupbytrace } from '../../../../src/processors/groupbytrace/index.ts';

const parse = (config: unknown): unknown => groupbytrace.config.parse(config);
const problems = (config: unknown): unknown =>
  groupbytrace.check?.(parse(config)).map(({ path, code }) => [path.join('.'), code]);

test('the defaults are those of the Collector', () => {
  assert.equal(groupbytrace.role, 'traces');
  assert.deepEqual(groupbytrace.role === 'traces' && groupbytrace.holding(parse({})), {
    waitMs: 1000,
    maxTraces: 1_000_000,
  });
});

test('what the Collector reads and does not have is refused by name, unless it says no', () => {
  assert.deepEqual(problems({ discard_orphans: false, store_on_disk: false, num_workers: 4 }), []);
  assert.deepEqual(problems({ discard_orphans: true, store_on_disk: true }), [
    ['discard_orphans', 'CONFIG_CONFLICT'],
    ['store_on_disk', 'CONFIG_CONFLICT'],
  ]);
});

test('no trace at all, and no worker, are refused', () => {
  for (const config of [{ num_traces: 0 }, { num_workers: 0 }, { wait_duration: '-1s' }]) {
    assert.throws(() => parse(config), JSON.stringify(config));
  }
});
