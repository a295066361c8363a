import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import type { ExtensionReference } from '../../../src/component/capabilities.ts';
import {
  defineBatchProcessor,
  defineExporter,
  defineExtension,
  defineReceiver,
  defineSpanProcessor,
} from '../../../src/component/define.ts';
import { directDelivery } from '../../../src/component/delivery-fields.ts';
import type { BatchingOptions } from '../../../src/component/processor.ts';
import { changesNothing, type Difference, noParts, type Parts, planReload } from '../../../src/pipeline/reload-plan.ts';

interface Settings {
  readonly value?: number;
  /** Ids of extensions. */
  readonly uses?: readonly string[];
  readonly stores?: boolean;
}

const common = { aliases: [], stability: 'development', summary: 'for tests', examples: [], metrics: [] } as const;
const config = z.any() as z.ZodType<Settings>;
const references = ({ uses = [] }: Settings): ExtensionReference[] =>
  uses.map((id) => ({ path: [], id, capability: 'clientAuth' }));
const unused = (): never => {
  throw new Error('a planner creates nothing');
};
const receiver = defineReceiver<Settings>({
  ...common,
  kind: 'receiver',
  type: 'r',
  config,
  references,
  create: unused,
});
const exporter = defineExporter<Settings>({
  ...common,
  kind: 'exporter',
  type: 'e',
  config,
  references,
  delivery: () => directDelivery,
  create: unused,
});
const extension = defineExtension<Settings>({
  ...common,
  kind: 'extension',
  type: 'x',
  config,
  references,
  offers: ({ stores }) => (stores === true ? ['storage'] : ['clientAuth']),
  create: unused,
});
const processor = defineSpanProcessor<Settings>({
  ...common,
  kind: 'processor',
  role: 'spans',
  type: 'p',
  config,
  traits: { mutates: false, drops: false },
  compile: unused,
});
const batching: BatchingOptions = {
  minSpans: 1,
  maxSpans: 0,
  timeoutMs: 1,
  metadataKeys: [],
  metadataCardinalityLimit: 0,
};
const batch = defineBatchProcessor<Settings>({
  ...common,
  kind: 'processor',
  role: 'batch',
  type: 'batch',
  config,
  batching: ({ value = 1 }) => ({ ...batching, minSpans: value }),
});

interface Sketch {
  readonly r?: Readonly<Record<string, Settings>>;
  readonly e?: Readonly<Record<string, Settings>>;
  readonly x?: Readonly<Record<string, Settings>>;
  /** Id -> receivers, value of the processor, exporters. */
  readonly pipelines?: Readonly<Record<string, readonly [string[], number, string[]]>>;
}

const of = <D>(definition: D, ids: Readonly<Record<string, Settings>> = {}) =>
  Object.entries(ids).map(([id, settings]) => ({ id, definition, config: settings }));

const parts = ({ r, e, x, pipelines = {} }: Sketch): Parts => ({
  receivers: of(receiver, r),
  exporters: of(exporter, e),
  connectors: [],
  extensions: of(extension, x),
  telemetry: { logs: { showValues: false } },
  pipelines: Object.entries(pipelines).map(([id, [receivers, value, exporters]]) => ({
    id,
    receivers,
    processors: [
      { id: 'p', definition: processor, config: { value } },
      { id: 'batch', definition: batch, config: {} },
    ],
    exporters,
  })),
});

const base: Sketch = {
  r: { in: { value: 1 }, side: { value: 1 } },
  e: { out: { value: 1 }, spare: { value: 1, uses: ['auth'] } },
  x: { auth: { value: 1 } },
  pipelines: { traces: [['in'], 1, ['out']], 'traces/side': [['in', 'side'], 1, ['out', 'spare']] },
};
const planned = (to: Sketch, limitsChanged = false) => planReload(parts(base), parts(to), limitsChanged);
const shown = ({ kept, changed, started, stopped }: Difference): string =>
  [
    ...kept.map((id) => `=${id}`),
    ...changed.map((id) => `~${id}`),
    ...started.map((id) => `+${id}`),
    ...stopped.map((id) => `-${id}`),
  ].join(' ');

test('the same configuration, parsed anew, changes nothing', () => {
  const plan = planned(structuredClone(base));
  assert.ok(changesNothing(plan));
  assert.equal(shown(plan.receivers), '=in =side');
  assert.equal(shown(plan.exporters), '=out =spare');
  assert.equal(shown(plan.extensions), '=auth');
  assert.equal(shown(plan.pipelines), '=traces =traces/side');
});

test('from nothing to something is a start, and back is a stop', () => {
  assert.equal(shown(planReload(noParts, parts(base), false).pipelines), '+traces +traces/side');
  assert.equal(shown(planReload(parts(base), noParts, false).exporters), '-out -spare');
});

test('a setting of one component changes that one alone', () => {
  const plan = planned({ ...base, e: { ...base.e, out: { value: 2 } } });
  assert.ok(!changesNothing(plan));
  assert.equal(shown(plan.exporters), '=spare ~out');
  assert.equal(shown(plan.receivers), '=in =side');
  assert.equal(shown(plan.pipelines), '=traces =traces/side');
});

test('another id is another component, whatever its settings', () => {
  const plan = planned({ ...base, r: { in: { value: 1 }, renamed: { value: 1 } } });
  assert.equal(shown(plan.receivers), '=in +renamed -side');
});

test('what names an extension changes with it, also by way of another extension', () => {
  const direct = planned({ ...base, x: { auth: { value: 2 } } });
  assert.equal(shown(direct.extensions), '~auth');
  assert.equal(shown(direct.exporters), '=out ~spare');
  const chain = (value: number): Sketch => ({
    ...base,
    x: { outer: { uses: ['middle'] }, middle: { uses: ['auth'] }, auth: { value } },
    e: { out: { value: 1 }, spare: { value: 1, uses: ['outer'] } },
  });
  const plan = planReload(parts(chain(1)), parts(chain(2)), false);
  assert.equal(shown(plan.extensions), '~outer ~middle ~auth');
  assert.equal(shown(plan.exporters), '=out ~spare');
});

test('extensions that name each other do not keep the planner busy for ever', () => {
  const ring = (value: number): Sketch => ({ x: { a: { uses: ['b'] }, b: { uses: ['a'] }, c: { value } } });
  assert.equal(shown(planReload(parts(ring(1)), parts(ring(2)), false).extensions), '=a =b ~c');
});

test('an extension that stores goes on as it is, and what uses it stays', () => {
  const stored = (value: number): Sketch => ({
    ...base,
    x: { auth: { value: 1 }, disk: { value, stores: true } },
    e: { out: { value: 1, uses: ['disk'] } },
  });
  const plan = planReload(parts(stored(1)), parts(stored(2)), false);
  assert.deepEqual(plan.pinned, ['disk']);
  assert.equal(shown(plan.extensions), '=auth =disk');
  assert.equal(shown(plan.exporters), '=out');
  assert.ok(!changesNothing(plan), 'it has to be said that it needs a restart');
});

test('other processors change their pipeline alone, and need other stages', () => {
  const plan = planned({ ...base, pipelines: { ...base.pipelines, traces: [['in'], 2, ['out']] } });
  assert.equal(shown(plan.pipelines), '=traces/side ~traces');
  assert.deepEqual(plan.rewired, []);
});

test('a pipeline with other receivers or exporters keeps its stages', () => {
  for (const wiring of [
    [['in'], 1, ['out', 'spare']],
    [['side'], 1, ['out']],
    [['side', 'in'], 1, ['spare']],
  ] as const) {
    const [receivers, value, exporters] = wiring;
    const plan = planned({
      ...base,
      pipelines: { ...base.pipelines, traces: [[...receivers], value, [...exporters]] },
    });
    assert.equal(shown(plan.pipelines), '=traces/side ~traces');
    assert.deepEqual(plan.rewired, ['traces']);
  }
});

test('another byte budget makes all receivers anew, for it is told them when they are made', () => {
  const plan = planned(base, true);
  assert.equal(shown(plan.receivers), '~in ~side');
  assert.equal(shown(plan.exporters), '=out =spare');
  assert.equal(shown(plan.pipelines), '=traces =traces/side');
});

test('every id is in exactly one list, whatever changes', () => {
  const settings = fc.record({ value: fc.nat(2) });
  const some = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), settings);
  fc.assert(
    fc.property(some, some, (from, to) => {
      const { exporters } = planReload(parts({ e: from }), parts({ e: to }), false);
      const { kept, changed, started, stopped } = exporters;
      assert.deepEqual([...kept, ...changed, ...started].sort(), Object.keys(to).sort());
      assert.deepEqual([...kept, ...changed, ...stopped].sort(), Object.keys(from).sort());
      for (const id of kept) assert.deepEqual(from[id], to[id]);
      for (const id of changed) assert.notDeepEqual(from[id], to[id]);
    }),
  );
});
