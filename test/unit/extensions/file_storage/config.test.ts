import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileStorage } from '../../../../src/extensions/file_storage/index.ts';

const issuesOf = (config: object): string[] => {
  const parsed = fileStorage.config.safeParse(config);
  if (!parsed.success) return parsed.error.issues.map(({ path }) => path.join('.'));
  return (fileStorage.check?.(parsed.data) ?? []).map(({ path }) => path.join('.'));
};

test('the fields and defaults are those of the Collector', () => {
  assert.deepEqual(fileStorage.config.parse({}), {
    directory: '/var/lib/otelcol/file_storage',
    timeout: 1000,
    max_size: 0,
    fsync: false,
    create_directory: false,
    directory_permissions: '0750',
    recreate: false,
    compaction: {
      on_start: false,
      on_rebound: false,
      max_transaction_size: 65_536,
      rebound_needed_threshold_mib: 100,
      rebound_trigger_threshold_mib: 10,
      check_interval: 5000,
      cleanup_on_start: false,
    },
  });
});

test('a file of the Collector with every field is accepted', () => {
  const compaction = {
    on_start: true,
    on_rebound: true,
    directory: 'compacted',
    max_transaction_size: 0,
    rebound_needed_threshold_mib: 100,
    rebound_trigger_threshold_mib: 10,
    check_interval: '3s',
    cleanup_on_start: true,
  };
  const all = {
    directory: 'mydir',
    timeout: '2s',
    max_size: 1000,
    fsync: true,
    create_directory: true,
    recreate: true,
  };
  assert.deepEqual(issuesOf({ ...all, directory_permissions: '0700', compaction }), []);
});

test('what the Collector refuses is refused', () => {
  assert.deepEqual(issuesOf({ max_size: -1 }), ['max_size']);
  assert.deepEqual(issuesOf({ directory: '' }), ['directory']);
  for (const directory_permissions of ['0999', 'abc', '', '7777']) {
    assert.deepEqual(issuesOf({ directory_permissions }), ['directory_permissions'], directory_permissions);
  }
  assert.deepEqual(issuesOf({ compaction: { max_transaction_size: -1 } }), ['compaction.max_transaction_size']);
  assert.deepEqual(issuesOf({ compaction: { on_rebound: true, check_interval: 0 } }), ['compaction.check_interval']);
  assert.deepEqual(issuesOf({ compaction: { check_interval: 0 } }), []);
});

test('it offers storage', () => assert.deepEqual(fileStorage.offers?.(fileStorage.config.parse({})), ['storage']));
