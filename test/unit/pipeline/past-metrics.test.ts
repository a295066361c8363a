import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricSpec } from '../../../src/component/definition.ts';
import { PastMetrics } from '../../../src/pipeline/past-metrics.ts';

const metrics: readonly MetricSpec[] = [
  { name: 'calls', kind: 'counter', help: '', labels: ['code'] },
  { name: 'open', kind: 'gauge', help: '', labels: [] },
];
const values = (calls: number, code = 'ok') => [
  { name: 'calls', labels: { code }, value: calls },
  { name: 'open', labels: {}, value: 7 },
];

test('counters of components that are gone are added up by id and labels, gauges are not kept', () => {
  const past = new PastMetrics();
  past.add({ kind: 'receiver', id: 'otlp', metrics, values: values(3) });
  past.add({ kind: 'receiver', id: 'otlp', metrics, values: [...values(4), ...values(5, 'failed')] });
  past.add({ kind: 'exporter', id: 'otlp', metrics, values: values(6) });
  past.add({ kind: 'receiver', id: 'silent', metrics, values: [] });
  const shown = [...past.all()].map(({ kind, id, values: kept }) => [
    kind,
    id,
    kept.map(({ name, labels, value }) => `${name} ${labels.code} ${value}`),
  ]);
  assert.deepEqual(shown, [
    ['receiver', 'otlp', ['calls ok 7', 'calls failed 5']],
    ['exporter', 'otlp', ['calls ok 6']],
  ]);
});
