import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forward } from '../../../../src/connectors/forward/index.ts';

test('forward has no settings, and sends everything to all that receive from it', () => {
  assert.deepEqual(forward.config.parse({}), {});
  assert.equal(forward.targets, undefined);
  assert.equal(forward.gate, undefined);
});
