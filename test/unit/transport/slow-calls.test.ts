import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { endStalled, makeRoom } from '../../../src/transport/slow-calls.ts';
import type { UnaryCall } from '../../../src/transport/unary-call.ts';
import { createRig, message, type Rig } from './fake-calls.ts';

const stallTimeoutMs = 1000;

function clock(t: TestContext): { now: number } {
  const time = { now: 10_000 };
  t.mock.method(performance, 'now', () => time.now);
  return time;
}

/** A call of which `received` bytes of `announced` are there, and that began `ageMs` ago. */
function partial(
  rig: Rig,
  name: string,
  received: number,
  announced: number,
  ageMs: number,
): UnaryCall<string, string> {
  const call = rig.call({ name, bornAt: performance.now() - ageMs });
  const bytes = message('x'.repeat(received), 0, announced);
  call.data(bytes, 0, bytes.length);
  return call;
}

const names = (rig: Rig): string[] => rig.calls.map(({ stream }) => stream);

test('of the unfinished messages the slowest give way, until enough is free', (t) => {
  clock(t);
  const rig = createRig();
  partial(rig, 'fast', 900, 1000, 300);
  partial(rig, 'slowest', 1, 1000, 300);
  partial(rig, 'old and slow', 600, 1000, 3000);
  partial(rig, 'slow', 100, 1000, 300);
  assert.equal(makeRoom(rig.shared, 1500), true);
  assert.deepEqual(names(rig), ['fast', 'slow']);
  assert.equal(rig.shared.counters.refused.too_slow, 2);
  assert.equal(rig.method.outstanding(), 2);
  assert.deepEqual(rig.method.rejections, [], 'overBudget and rejected both counted it');
});

test('a rate is counted over all the time since a call began, not by its bytes alone', (t) => {
  clock(t);
  const rig = createRig();
  partial(rig, 'much, in long', 500, 1000, 10_000);
  partial(rig, 'little, in short', 50, 1000, 250);
  makeRoom(rig.shared, 1);
  assert.deepEqual(names(rig), ['little, in short']);
});

test('time in which nothing was read of it does not make a message slow, nor old enough to be judged', (t) => {
  clock(t);
  const rig = createRig();
  partial(rig, 'read for 250 ms of 5 s', 500, 1000, 5000);
  partial(rig, 'read for 100 ms of 5 s', 1, 1000, 5000);
  partial(rig, 'slow', 400, 1000, 300);
  rig.pausedMs.set('read for 250 ms of 5 s', 4750).set('read for 100 ms of 5 s', 4900);
  assert.equal(makeRoom(rig.shared, 1), true);
  assert.deepEqual(names(rig), ['read for 250 ms of 5 s', 'read for 100 ms of 5 s']);
});

test('young messages are not judged, nor what holds no memory, nor what waits for us', (t) => {
  clock(t);
  const rig = createRig();
  partial(rig, 'young', 1, 1000, 199);
  rig.call({ name: 'no prefix yet', bornAt: 0 });
  const handled = partial(rig, 'handled', 10, 10, 5000);
  handled.end();
  const inflating = rig.call({ name: 'inflating', bornAt: 0, head: { encoding: 'gzip' } });
  inflating.data(message('zipped', 1), 0, 11);
  inflating.end();
  rig.method.full = true;
  const waiting = rig.call({ name: 'waiting' });
  waiting.data(message('', 0, 10), 0, 5);
  rig.shared.lookedForRoomAt = Number.NEGATIVE_INFINITY;
  assert.equal(makeRoom(rig.shared, 1000), false);
  assert.deepEqual(names(rig), ['young', 'no prefix yet', 'handled', 'inflating', 'waiting']);
});

test('calls are not looked at again before a while has passed', (t) => {
  const time = clock(t);
  const rig = createRig();
  assert.equal(makeRoom(rig.shared, 10), false);
  partial(rig, 'slow', 1, 1000, 500);
  time.now += 49;
  assert.equal(makeRoom(rig.shared, 10), false);
  time.now += 1;
  assert.equal(makeRoom(rig.shared, 10), true);
  assert.deepEqual(names(rig), []);
});

test('a call that finds no place has a slow one give way to it, and waits for nothing', (t) => {
  clock(t);
  const rig = createRig();
  // A budget that the slow one fills.
  const { abandon } = rig.method;
  rig.method.abandon = (place) => {
    abandon(place);
    rig.method.full = false;
  };
  partial(rig, 'slow', 1, 1000, 500);
  rig.method.full = true;
  const call = rig.call({ name: 'quick' });
  const bytes = message('abc');
  assert.equal(call.data(bytes, 0, bytes.length), bytes.length);
  assert.deepEqual(names(rig), ['quick']);
  assert.ok(!rig.said.includes('pause'));
});

test('a message that stands still for the time allowed is given up, and one that goes on is not', (t) => {
  const time = clock(t);
  const rig = createRig({ stallTimeoutMs });
  const still = partial(rig, 'still', 1, 1000, 0);
  const going = partial(rig, 'going', 1, 1000, 0);
  const silent = rig.call({ name: 'silent' });
  endStalled(rig.shared, time.now);
  for (let i = 0; i < 4; i++) {
    time.now += 250;
    if (i === 1) going.data(Buffer.of(1), 0, 1);
    assert.deepEqual(names(rig), ['still', 'going', 'silent']);
    endStalled(rig.shared, time.now);
  }
  assert.deepEqual(names(rig), ['going']);
  assert.equal(still.isUnfinished() || silent.isUnfinished(), false);
  assert.equal(rig.shared.counters.refused.stalled, 2);
  assert.match(rig.said.at(-1) ?? '', /^fail 4 no part of the request came for 1000 ms$/);
  assert.equal(rig.method.outstanding(), 1);
});

test('a call that waits for the method, for a place or for decompression never stalls', (t) => {
  const time = clock(t);
  const rig = createRig({ stallTimeoutMs });
  partial(rig, 'handled', 10, 10, 0).end();
  const inflating = rig.call({ name: 'inflating', head: { encoding: 'gzip' } });
  inflating.data(message('zipped', 1), 0, 11);
  inflating.end();
  rig.method.full = true;
  rig.call({ name: 'waiting' }).data(message('', 0, 10), 0, 5);
  endStalled(rig.shared, time.now);
  endStalled(rig.shared, time.now + 10 * stallTimeoutMs);
  assert.deepEqual(names(rig), ['handled', 'inflating', 'waiting']);
});
