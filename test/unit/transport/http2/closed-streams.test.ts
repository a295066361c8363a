import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClosedStreams } from '../../../../src/transport/http2/closed-streams.ts';

test('who closed a stream is known, and of others nothing', () => {
  const closed = new ClosedStreams();
  closed.add(1, false);
  closed.add(3, true);
  assert.equal(closed.find(1), 'by_client');
  assert.equal(closed.find(3), 'by_us');
  assert.equal(closed.find(5), 'unknown');
});

test('the last ones are remembered, for ever no more', () => {
  const closed = new ClosedStreams();
  const id = (i: number): number => 2 * i + 1;
  for (let i = 0; i < 10_000; i++) closed.add(id(i), false);
  const known = Array.from({ length: 10_000 }, (_, i) => id(i)).filter((one) => closed.find(one) !== 'unknown');
  assert.deepEqual(
    known,
    Array.from({ length: 128 }, (_, i) => id(10_000 - 128 + i)),
  );
});

test('as many as may be open at a time can be refused, and frames that were under way on them are still told apart', () => {
  const closed = new ClosedStreams();
  // The default of maxConcurrentStreams.
  for (let id = 1; id < 2000; id += 2) closed.add(id, true);
  assert.equal(closed.find(1), 'by_us');
  for (let id = 2001; id < 4000; id += 2) closed.add(id, false);
  assert.equal(closed.find(1999), 'by_us', 'calls that end as usual push them out');
});
