import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { nop } from '../../../../src/exporters/nop/index.ts';
import { noExtensions } from '../../component/no-extensions.ts';

test('nop accepts everything and takes no configuration', async () => {
  const exporter = nop.create(nop.config.parse({}), {
    id: 'nop',
    log: pino({ level: 'silent' }),
    extensions: noExtensions,
  });
  await exporter.start();
  const { signal } = new AbortController();
  assert.deepEqual(await exporter.export({ spans: 1, bytes: 0, segments: [], metadata: {} }, signal), {
    kind: 'accepted',
  });
  await exporter.stop();
  assert.equal(nop.config.safeParse({ a: 1 }).success, false);
  assert.equal(nop.delivery({}).queue.enabled, false);
});
