import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gathered } from '../../../../src/transport/http1/gathered.ts';

test('what is gathered is the chunks one after another, however small they are', () => {
  const gathered = new Gathered();
  const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));
  for (let at = 0, size = 0; at < bytes.length; at += size, size = (size + 1) % 700) {
    gathered.add(bytes.subarray(at, at + size));
  }
  assert.equal(gathered.length, bytes.length);
  assert.ok(gathered.bytes().equals(bytes));
});

test('it holds at most twice what it has been given, and says before how much it will be', () => {
  const gathered = new Gathered();
  assert.equal(gathered.held, 0);
  for (let i = 0; i < 5000; i++) {
    const announced = gathered.heldWith(33);
    gathered.add(Buffer.alloc(33));
    assert.equal(gathered.held, announced);
    assert.ok(gathered.held <= Math.max(16 << 10, 2 * gathered.length));
  }
});
