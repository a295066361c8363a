import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newServerCounters, serverLimits } from '../../../src/transport/grpc-server.ts';
import { KeptChunks } from '../../../src/transport/kept-chunks.ts';

test('chunks come out in order without the prefix, and the count goes back to nothing', () => {
  const counters = newServerCounters();
  const kept = new KeptChunks(counters);
  kept.add(Buffer.from('prefixone '), 6, false);
  kept.add(Buffer.from('two '), 0, false);
  kept.add(Buffer.from('three'), 0, true);
  const memory = Buffer.alloc(20);
  kept.copyTo(memory, 3);
  assert.equal(memory.toString('latin1', 3, 16), 'one two three');
  assert.equal(String(kept.joined()), 'one two three');
  assert.ok(counters.heldBytesNow > 0);
  kept.clear();
  assert.equal(counters.heldBytesNow, 0);
  assert.equal(kept.joined().length, 0);
});

test('a small chunk is copied and does not keep its large buffer; what a kept one pins is counted', () => {
  const counters = newServerCounters();
  const kept = new KeptChunks(counters);
  const read = Buffer.alloc(65_536, 'a');
  kept.add(read.subarray(0, 10), 0, false);
  assert.ok(counters.heldBytesNow < 1000);
  read.fill('b');
  assert.equal(String(kept.joined()), 'a'.repeat(10));
  kept.add(read.subarray(0, 5000), 0, false);
  assert.ok(counters.heldBytesNow > 65_536);
});

test('the bound on held bytes has room for two of the largest messages unless it is given', () => {
  assert.equal(serverLimits().maxHeldBytes, 32 << 20);
  assert.equal(serverLimits({ maxMessageBytes: 100 << 20 }).maxHeldBytes, 200 << 20);
  assert.equal(serverLimits({ maxHeldBytes: 1000 }).maxHeldBytes, 1000);
});
