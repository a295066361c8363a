import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HealthReport } from '../../../src/component/health.ts';
import { createHealthSource } from '../../../src/telemetry/health-source.ts';
import { renderMetrics } from '../../../src/telemetry/metrics.ts';

const pipeline = { receivers: ['otlp'], exporters: ['otlp'], forMs: 0, ready: true };
const report: HealthReport = {
  service: 'ready',
  ready: true,
  state: 'degraded',
  live: true,
  pipelines: [
    { ...pipeline, id: 'traces', state: 'ok', reasons: [] },
    {
      ...pipeline,
      id: 'traces/two',
      state: 'degraded',
      reasons: [{ state: 'degraded', cause: 'queue_age', component: 'exporter:otlp', message: 'old', forMs: 5 }],
    },
  ],
};

test('a pipeline is in one state, and what is wrong with it is there while it is', async () => {
  let now = report;
  const source = createHealthSource(() => now);
  const lines = (await renderMetrics([source])).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  assert.deepEqual(lines, [
    'spanmill_pipeline_health{pipeline="traces",state="ok"} 1',
    'spanmill_pipeline_health{pipeline="traces",state="degraded"} 0',
    'spanmill_pipeline_health{pipeline="traces",state="not_ready"} 0',
    'spanmill_pipeline_health{pipeline="traces/two",state="ok"} 0',
    'spanmill_pipeline_health{pipeline="traces/two",state="degraded"} 1',
    'spanmill_pipeline_health{pipeline="traces/two",state="not_ready"} 0',
    'spanmill_pipeline_health_reason{pipeline="traces/two",state="degraded",cause="queue_age",component="exporter:otlp"} 1',
    'spanmill_ready 1',
  ]);
  now = { ...report, ready: false, pipelines: [] };
  assert.match(await renderMetrics([source]), /^spanmill_ready 0$/m);
});
