import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldingStats } from '../../../src/pipeline/traces/holding-stats.ts';
import { groupbytrace } from '../../../src/processors/groupbytrace/index.ts';
import { renderMetrics } from '../../../src/telemetry/metrics.ts';
import { createTraceSource, type TraceCounts } from '../../../src/telemetry/trace-source.ts';

function counts(traces: number, early: number): TraceCounts {
  const stats = new HoldingStats({ id: 'groupbytrace/a', waitMs: 1000, maxTraces: 500 });
  stats.traces = 10;
  stats.spans = 80;
  stats.early = early;
  stats.evicted = early - 1;
  stats.released.add(7);
  return { stats, traces, requests: 2 };
}

test('what holds traces is shown by the names of the Collector, two of an id added up but for what is configured', async () => {
  const text = await renderMetrics([createTraceSource(() => [counts(3, 4), counts(5, 2)])]);
  const value = (name: string, labels = ''): string | undefined =>
    text
      .split('\n')
      .find((line) => line.startsWith(`otelcol_processor_groupbytrace_${name}{processor="groupbytrace/a"${labels}}`))
      ?.split(' ')[1];
  assert.equal(value('conf_num_traces'), '500');
  assert.equal(value('num_traces_in_memory'), '8');
  assert.equal(value('num_events_in_queue'), '4');
  assert.equal(value('traces_released'), '20');
  assert.equal(value('spans_released'), '160');
  assert.equal(value('incomplete_releases'), '6');
  assert.equal(value('traces_evicted'), '4');
  assert.equal(value('event_latency_count', ',event="onTraceReleased"'), '2');
  assert.equal(value('event_latency_sum', ',event="onTraceReleased"'), '14');
});

test('all of them are declared by the processor, and nothing else is', async () => {
  const text = await renderMetrics([createTraceSource(() => [counts(1, 1)])]);
  const shown = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, kind]) => `${name} ${kind}`);
  assert.deepEqual(shown.sort(), groupbytrace.metrics.map(({ name, kind }) => `${name} ${kind}`).sort());
});
