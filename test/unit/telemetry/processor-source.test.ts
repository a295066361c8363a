import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricSpec } from '../../../src/component/definition.ts';
import { PipelineAccount } from '../../../src/delivery/ledger.ts';
import { filter } from '../../../src/processors/filter/index.ts';
import { createProcessorSource } from '../../../src/telemetry/processor-source.ts';
import { stageOf } from '../processors/attributes/run-chain.ts';

const metric: MetricSpec = { name: 'sieve_dropped', kind: 'counter', help: 'What it dropped', labels: ['sieve'] };

test('what a processor drops is shown by the metric of its definition, for all pipelines and reasons together', () => {
  const dropped = (component: string, reason: string) => ({ kind: 'dropped', component, reason }) as const;
  const [first, second] = [new PipelineAccount('traces', []), new PipelineAccount('traces/2', [])];
  const counted = {
    kind: 'metric',
    component: 'sieve',
    metric: 'seen',
    help: 'What was seen',
    labels: { how: 'closely' },
  } as const;
  const one = [
    { ...dropped('sieve', 'a'), metric },
    { ...dropped('sieve', 'b'), metric },
    dropped('other', 'c'),
    counted,
  ];
  first.stageCounters(one).set([1, 2, 4, 8]);
  second
    .stageCounters([
      { ...dropped('sieve', 'a'), metric },
      { ...dropped('sieve/x', 'a'), metric },
    ])
    .set([16, 32]);
  const samples = [...createProcessorSource(() => [first, second]).collect()];
  assert.deepEqual(
    samples.map(({ name, help, labels, value }) => [name, help, labels, value]),
    [
      ['seen', 'What was seen', { processor: 'sieve', pipeline: 'traces', how: 'closely' }, 8],
      ['sieve_dropped', 'What it dropped', { sieve: 'sieve' }, 19],
      ['sieve_dropped', 'What it dropped', { sieve: 'sieve/x' }, 32],
    ],
  );
});

test('the filter has the Collector’s counter', () => {
  const stage = stageOf([filter, { trace_conditions: ['span.name == "x"', 'span.name == "y"'] }]);
  const metrics = stage.chain.counters.flatMap((spec) => (spec.kind === 'dropped' ? [spec.metric?.name] : []));
  assert.deepEqual(metrics, ['otelcol_processor_filter_spans_filtered', 'otelcol_processor_filter_spans_filtered']);
});
