import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Circuit, type Turn } from '../../../src/delivery/circuit.ts';
import { createFakeClock } from './fake-clock.ts';

function circuitOf(consumers: number) {
  const clock = createFakeClock();
  const circuit = new Circuit(consumers, clock);
  const fail = (times: number, waitMs = 1000): void => {
    for (let i = 0; i < times; i++) circuit.failed(waitMs, 0);
  };
  return { clock, circuit, fail };
}
const kindOf = ({ kind }: Turn): string => kind;

test('while something passes now and then every consumer tries', () => {
  const { circuit, fail } = circuitOf(10);
  for (let i = 0; i < 100; i++) {
    fail(9);
    circuit.passed();
    assert.equal(circuit.isOpen, false);
    assert.deepEqual([circuit.turn(), circuit.turn()].map(kindOf), ['go', 'go']);
  }
});

test('after failures in a row one attempt finds out, and the others wait for what it says', async () => {
  const { clock, circuit, fail } = circuitOf(10);
  fail(10);
  assert.deepEqual(circuit.turn(), { kind: 'sleep', ms: 1000 });
  await clock.advance(1000);
  assert.equal(circuit.turn().kind, 'go');
  const others = [circuit.turn(), circuit.turn()];
  assert.deepEqual(others.map(kindOf), ['wait', 'wait']);
  circuit.failed(2000, 0);
  await Promise.all(others.map((turn) => turn.kind === 'wait' && turn.result));
  assert.deepEqual(circuit.turn(), { kind: 'sleep', ms: 2000 }, 'nobody knocks before the next attempt is due');
  await clock.advance(2000);
  assert.equal(circuit.turn().kind, 'go');
  circuit.passed();
  assert.deepEqual([circuit.turn(), circuit.turn()].map(kindOf), ['go', 'go']);
});

test('a peer that asks to be left alone is left alone by all, also by those that had no failure', async () => {
  const { clock, circuit } = circuitOf(2);
  circuit.failed(100, 5000);
  assert.deepEqual(circuit.turn(), { kind: 'sleep', ms: 5000 });
  await clock.advance(5000);
  assert.equal(circuit.turn().kind, 'go');
});

test('few consumers need as many failures as five', () => {
  const { circuit, fail } = circuitOf(1);
  fail(4);
  assert.equal(circuit.isOpen, false);
  fail(1);
  assert.equal(circuit.isOpen, true);
});

test('a drain lets everybody try at once', () => {
  const { circuit, fail } = circuitOf(1);
  fail(20);
  circuit.reset();
  assert.deepEqual([circuit.turn(), circuit.turn()].map(kindOf), ['go', 'go']);
});
