// What the receiver shows of its servers is what it declares.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverMetrics, serverMetricValues } from '../../../../src/receivers/otlp/metrics.ts';
import { newServerCounters } from '../../../../src/transport/grpc-server.ts';

test('every value belongs to a declared metric and has its labels', () => {
  const values = [...serverMetricValues('grpc', newServerCounters())];
  const specs = new Map(serverMetrics.map((spec) => [spec.name, spec]));
  for (const { name, labels } of values) {
    assert.deepEqual(['receiver', ...Object.keys(labels)].sort(), [...(specs.get(name)?.labels ?? [])].sort(), name);
  }
  assert.deepEqual(new Set(values.map(({ name }) => name)), new Set(specs.keys()));
});

test('connections and calls are shown by what became of them', () => {
  const counters = newServerCounters();
  counters.connections = 9;
  counters.connectionsNow = 4;
  counters.connectionErrors = 1;
  counters.keepaliveClosed = 2;
  counters.floods.reset = 3;
  counters.ok = 100;
  counters.failed = 5;
  counters.cancelled = 6;
  counters.refused.path = 7;
  counters.refused.over_budget = 8;
  const shown = new Map(
    [...serverMetricValues('grpc', counters)].map(({ name, labels, value }) => [
      `${name} ${labels.reason ?? labels.outcome ?? ''}`.trim(),
      value,
    ]),
  );
  assert.equal(shown.get('spanmill_receiver_connections'), 4);
  assert.equal(shown.get('spanmill_receiver_accepted_connections'), 9);
  assert.equal(shown.get('spanmill_receiver_ended_connections protocol_error'), 1);
  assert.equal(shown.get('spanmill_receiver_ended_connections keepalive'), 2);
  assert.equal(shown.get('spanmill_receiver_ended_connections reset'), 3);
  assert.equal(shown.get('spanmill_receiver_ended_connections ping'), 0);
  assert.equal(shown.get('spanmill_receiver_calls ok'), 100);
  assert.equal(shown.get('spanmill_receiver_calls failed'), 5);
  assert.equal(shown.get('spanmill_receiver_calls refused'), 15);
  assert.equal(shown.get('spanmill_receiver_calls cancelled'), 6);
});
