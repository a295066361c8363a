// `validate` warns of processors in an order that is seldom meant, at the id in the pipeline's list.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { defineSpanProcessor } from '../../../src/component/define.ts';
import type { Registry } from '../../../src/component/registry.ts';
import { readConfig } from '../../../src/config/read-config.ts';
import { registry } from '../../../src/registry.ts';

const tailSampling = defineSpanProcessor({
  kind: 'processor',
  role: 'spans',
  type: 'tail_sampling',
  aliases: [],
  stability: 'development',
  summary: 'Gathers traces, for this test.',
  config: z.strictObject({}),
  traits: { mutates: false, drops: true },
  compile: () => ({}),
  examples: [],
  metrics: [],
});
const withGatherer: Registry = {
  ...registry,
  processors: [...registry.processors.filter(({ type }) => type !== tailSampling.type), tailSampling],
};

const defined = `
receivers: { otlp: { protocols: { grpc: } } }
exporters: { nop: }
processors:
  memory_limiter: { check_interval: 1s, limit_mib: 100 }
  batch:
  filter: { trace_conditions: ['span.name == "a"'] }
  filter/all: { trace_conditions: [{ context: span, conditions: ['kind == 1 or true'] }] }
  filter/events: { trace_conditions: [{ context: spanevent, conditions: ['true'] }] }
  probabilistic_sampler: { sampling_percentage: 10 }
  tail_sampling: {}
  attributes/priority: { actions: [{ key: sampling.priority, value: 1, action: insert }] }
  attributes/other: { actions: [{ key: sampling.priority, action: delete }, { key: a, value: 1, action: insert }] }
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [nop]
      processors: `;

/** The warnings of a pipeline with these processors: the id at which each points, and what it says. */
function warnings(ids: readonly string[]): { at: string; message: string }[] {
  const list = `[${ids.join(', ')}]`;
  const readFile = (): string => `${defined}${list}\n`;
  const result = readConfig({ files: ['a.yaml'], sets: [], env: {}, readFile, registry: withGatherer, cores: 2 });
  assert.deepEqual(result.errors, []);
  const ofOrder = result.warnings.filter(
    ({ code, message }) => code !== 'CONFIG_OTTL' || !/always holds/.test(message),
  );
  return ofOrder.map(({ code, column, excerpt, message }) => {
    assert.equal(code, 'CONFIG_ORDER', message);
    return { at: /^[^,\]]*/.exec(excerpt.slice(column - 1))?.[0] ?? '', message };
  });
}

const table: readonly (readonly [ids: readonly string[], at: string, message: RegExp])[] = [
  [
    ['batch', 'tail_sampling'],
    'batch',
    /makes batches that "tail_sampling" takes apart to gather traces: put it behind/,
  ],
  [['batch', 'filter'], 'batch', /fills batches of which "filter" drops a part/],
  [['filter', 'memory_limiter', 'batch'], 'memory_limiter', /put it first, as a Collector needs it/],
  [
    ['filter', 'filter/all', 'attributes/other', 'batch'],
    'attributes/other',
    /gets nothing: "filter\/all" drops every span/,
  ],
  [
    ['probabilistic_sampler', 'attributes/other', 'attributes/priority'],
    'probabilistic_sampler',
    /decides by the attribute sampling\.priority before "attributes\/priority" sets it: put it behind/,
  ],
];

describe('an order that makes no sense', () => {
  for (const [ids, at, message] of table) {
    test(`${ids.join(', ')}: a warning at ${at}`, () => {
      const [first, ...others] = warnings(ids);
      assert.deepEqual(others, []);
      assert.equal(first?.at, at);
      assert.match(first.message, message);
    });
  }

  test('several at once are all named', () => {
    const found = warnings(['batch', 'probabilistic_sampler', 'attributes/priority', 'memory_limiter']);
    assert.deepEqual(
      found.map(({ at }) => at),
      ['batch', 'probabilistic_sampler', 'memory_limiter'],
    );
  });
});

describe('an order that makes sense has no warning', () => {
  for (const ids of [
    ['memory_limiter', 'filter', 'attributes/priority', 'probabilistic_sampler', 'tail_sampling', 'batch'],
    ['attributes/priority', 'probabilistic_sampler', 'attributes/other', 'batch'],
    ['batch', 'attributes/other'],
    ['filter/events', 'attributes/other'],
    ['filter/all'],
    ['batch'],
    [],
  ]) {
    test(ids.join(', ') || 'none at all', () => assert.deepEqual(warnings(ids), []));
  }
});
