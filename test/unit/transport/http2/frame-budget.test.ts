import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type FloodKind, floodKinds } from '../../../../src/transport/grpc-server.ts';
import { FrameBudget } from '../../../../src/transport/http2/frame-budget.ts';

const full = 10_000;

function create(t: TestContext) {
  const time = { now: 1000 };
  t.mock.method(performance, 'now', () => time.now);
  return { time, budget: new FrameBudget() };
}

/** How many frames of the kind are let through, of at most `most`. */
function spendAll(budget: FrameBudget, kind: FloodKind, most = 1_000_000): number {
  for (let i = 0; i < most; i++) if (!budget.spend(kind)) return i;
  return most;
}

test('a connection may spend what it begins with at once, and then no more', (t) => {
  for (const [kind, cost] of [
    ['reset', 10],
    ['refused', 10],
    ['settings', 20],
    ['ping', 2],
    ['empty_data', 1],
    ['priority', 1],
    ['window_update', 1],
    ['continuation', 4],
    ['unknown', 1],
  ] as const) {
    const { budget } = create(t);
    assert.equal(spendAll(budget, kind), full / cost, kind);
    assert.equal(budget.spend(kind), false, `${kind} once more`);
    t.mock.restoreAll();
  }
});

test('all kinds draw on the same budget', (t) => {
  const { budget } = create(t);
  assert.equal(spendAll(budget, 'reset', 500), 500);
  assert.equal(spendAll(budget, 'ping', 1250), 1250);
  assert.equal(spendAll(budget, 'settings'), 125);
});

test('time gives back 2,000 a second, to the full and no further', (t) => {
  const { budget, time } = create(t);
  spendAll(budget, 'unknown', full);
  time.now += 500;
  assert.equal(spendAll(budget, 'unknown'), 1000);
  const { budget: rested, time: later } = create(t);
  spendAll(rested, 'unknown', full);
  later.now += 3_600_000;
  // The one that found it empty comes on top.
  assert.equal(spendAll(rested, 'unknown'), full + 1);
});

test('a client at the pace that is given back is never stopped', (t) => {
  const { budget, time } = create(t);
  for (let i = 0; i < 50_000; i++) {
    time.now += 5;
    assert.ok(budget.spend('reset'), `frame ${i}`);
  }
});

test('one at twice the pace is stopped soon', (t) => {
  const { budget, time } = create(t);
  let frames = 0;
  for (; frames < 50_000; frames++) {
    time.now += 2.5;
    if (!budget.spend('reset')) break;
  }
  assert.ok(frames < 3 * (full / 10), `${frames} frames`);
});

test('a whole request gives back 20, and what is full does not grow', (t) => {
  const { budget } = create(t);
  for (let i = 0; i < 1000; i++) budget.earn();
  assert.equal(spendAll(budget, 'unknown'), full);
  const { budget: spent } = create(t);
  spendAll(spent, 'unknown', full);
  for (let i = 0; i < 10; i++) spent.earn();
  assert.equal(spendAll(spent, 'unknown'), 200);
});

test('every kind has a cost', (t) => {
  const { budget } = create(t);
  for (const kind of floodKinds) assert.equal(budget.spend(kind), true, kind);
});

test('all streams that a client may have can be given up at once, within reason', () => {
  assert.equal(spendAll(new FrameBudget(4000), 'reset'), 4000);
  assert.equal(spendAll(new FrameBudget(1_000_000), 'reset'), 10_000);
  assert.equal(spendAll(new FrameBudget(1), 'reset'), full / 10);
});
