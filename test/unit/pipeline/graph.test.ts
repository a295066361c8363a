// Pipelines that connectors join, as they are planned.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../../src/config/read-config.ts';
import { connectorKey } from '../../../src/lib/client-keys.ts';
import { deepest, type LinkedPlan, planPipelines } from '../../../src/pipeline/graph.ts';
import { depthOf } from '../../../src/pipeline/plan.ts';
import { registry } from '../../../src/registry.ts';

/** Id -> receivers, processors, exporters. */
type Sketch = Readonly<Record<string, readonly [string, string, string]>>;

function plan(pipelines: Sketch, more: object = {}): ReadonlyMap<string, LinkedPlan> {
  const list = (ids: string): string[] => ids.split(' ').filter((id) => id !== '');
  const all = Object.values(pipelines).flatMap(([receivers, , exporters]) => list(`${receivers} ${exporters}`));
  const config = {
    receivers: { otlp: { protocols: { grpc: null } } },
    processors: {
      batch: {},
      'batch/org': { metadata_keys: ['x-org'] },
      filter: { traces: { span: ['name == "a"'] } },
      attributes: { actions: [{ key: 'a', from_context: 'metadata.x-user', action: 'insert' }] },
    },
    exporters: { nop: null, 'nop/2': null },
    connectors: Object.fromEntries(all.filter((id) => id.startsWith('forward')).map((id) => [id, null])),
    ...more,
    service: {
      pipelines: Object.fromEntries(
        Object.entries(pipelines).map(([id, [receivers, processors, exporters]]) => [
          id,
          { receivers: list(receivers), processors: list(processors), exporters: list(exporters) },
        ]),
      ),
    },
  };
  const text = JSON.stringify(config);
  const read = readConfig({ files: ['a.yaml'], sets: [], env: {}, readFile: () => text, registry, cores: 2 });
  assert.ok(read.config, JSON.stringify(read.errors));
  return planPipelines(read.config);
}

const of = (plans: ReadonlyMap<string, LinkedPlan>, id: string): LinkedPlan => {
  const found = plans.get(id);
  assert.ok(found);
  return found;
};
const keys = (plans: ReadonlyMap<string, LinkedPlan>, id: string) =>
  of(plans, id).stages.map(({ metadataKeys }) => metadataKeys);

test('each pipeline comes before those that send to it', () => {
  const plans = plan({
    traces: ['otlp', '', 'forward'],
    'traces/c': ['forward/2', '', 'nop'],
    'traces/b': ['forward', '', 'forward/2 nop'],
  });
  assert.deepEqual([...plans.keys()], ['traces/c', 'traces/b', 'traces']);
  assert.deepEqual([...of(plans, 'traces').links], [['forward', ['traces/b']]]);
  assert.deepEqual([...of(plans, 'traces/b').links], [['forward/2', ['traces/c']]]);
});

test('without connectors all is as it stands in the configuration', () => {
  const plans = plan({ 'traces/b': ['otlp', '', 'nop'], traces: ['otlp', 'batch filter', 'nop nop/2'] });
  assert.deepEqual([...plans.keys()], ['traces/b', 'traces']);
  const { links, depthBehind, reached, isBeside } = of(plans, 'traces');
  assert.deepEqual(
    { links: [...links], depthBehind, reached, isBeside },
    {
      links: [],
      depthBehind: 0,
      reached: ['nop', 'nop/2'],
      isBeside: false,
    },
  );
});

test('a pipeline leaves memory to all stages on the longest way behind it', () => {
  const plans = plan({
    traces: ['otlp', 'batch filter', 'forward nop'],
    'traces/b': ['forward', 'batch filter batch/org', 'forward/2'],
    'traces/c': ['forward forward/2', '', 'nop'],
  });
  const own = (id: string): number => depthOf(of(plans, id).stages);
  assert.deepEqual(['traces', 'traces/b', 'traces/c'].map(own), [2, 2, 1]);
  assert.deepEqual(
    ['traces', 'traces/b', 'traces/c'].map((id) => of(plans, id).depthBehind),
    [3, 1, 0],
  );
  assert.equal(deepest(plans.values()), 5);
});

test('what a pipeline far behind wants to know of clients is asked of them in front, as far as no batch mixes them', () => {
  const plans = plan({
    traces: ['otlp', '', 'forward'],
    'traces/b': ['forward', '', 'forward/2'],
    'traces/c': ['forward/2', 'attributes', 'nop'],
    'traces/mixed': ['otlp', 'batch', 'forward/3'],
    'traces/kept': ['otlp', 'batch/org', 'forward/3'],
    'traces/d': ['forward/3', 'batch/org attributes', 'nop'],
  });
  assert.deepEqual(keys(plans, 'traces'), [['x-user']]);
  assert.deepEqual(keys(plans, 'traces/b'), [['x-user']]);
  assert.deepEqual(keys(plans, 'traces/mixed'), [[]]);
  assert.deepEqual(keys(plans, 'traces/kept'), [['x-org']]);
});

test('a gate is the first step behind its connector, and asks where a request came from only if that may differ', () => {
  const routing = {
    table: [{ condition: 'request["x-org"] == "a"', context: 'request', pipelines: ['traces/b', 'traces/c'] }],
  };
  const plans = plan(
    {
      traces: ['otlp', '', 'routing'],
      'traces/b': ['routing', 'filter', 'nop'],
      'traces/c': ['routing otlp', 'filter', 'nop'],
    },
    { connectors: { routing } },
  );
  const steps = (id: string) => of(plans, id).stages[0].walks.flatMap(({ steps }) => steps.map((step) => step.id));
  assert.deepEqual(steps('traces'), []);
  assert.deepEqual(
    [steps('traces/b'), steps('traces/c')],
    [
      ['routing', 'filter'],
      ['routing', 'filter'],
    ],
  );
  assert.deepEqual(keys(plans, 'traces/b'), [['grpc.x-org', 'x-org']]);
  assert.deepEqual(keys(plans, 'traces/c'), [[connectorKey, 'grpc.x-org', 'x-org'].sort()]);
  assert.deepEqual(keys(plans, 'traces'), [['grpc.x-org', 'x-org']]);
});

test('a pipeline is beside others when spans wait on it that also go to exporters that it does not lead to', () => {
  const plans = plan({
    traces: ['otlp', '', 'forward forward/2'],
    'traces/b': ['forward', '', 'nop'],
    'traces/c': ['forward/2', '', 'forward/3'],
    'traces/d': ['forward/3', '', 'nop/2'],
    'traces/alone': ['otlp', '', 'forward/4'],
    'traces/e': ['forward/4', '', 'nop'],
  });
  const beside = [...plans].filter(([, { isBeside }]) => isBeside).map(([id]) => id);
  assert.deepEqual(beside.sort(), ['traces/b', 'traces/c', 'traces/d']);
  assert.deepEqual(of(plans, 'traces').reached, ['nop', 'nop/2']);
});
