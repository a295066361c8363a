import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import {
  defineAdmissionProcessor,
  defineBatchProcessor,
  defineExtension,
  defineSpanProcessor,
  defineTraceProcessor,
} from '../../../src/component/define.ts';
import type { BatchingOptions, ProcessorDefinition, Touch } from '../../../src/component/processor.ts';
import { nop } from '../../../src/exporters/nop/index.ts';
import {
  type ConfiguredPipeline,
  depthOf,
  exporterNeeds,
  planBudget,
  planPipeline,
} from '../../../src/pipeline/plan.ts';
import type { Walk } from '../../../src/pipeline/walks.ts';

const common = {
  kind: 'processor',
  aliases: [],
  stability: 'development',
  summary: 'for tests',
  config: z.unknown(),
  examples: [],
  metrics: [],
} as const;

const spans = defineSpanProcessor<{ keys?: string[] }>({
  ...common,
  config: z.any(),
  role: 'spans',
  type: 'spans',
  traits: { mutates: false, drops: false },
  metadataKeys: ({ keys = [] }) => keys,
  compile: () => ({}),
});
const batching = (metadataKeys: readonly string[] = []): BatchingOptions => ({
  minSpans: 10,
  maxSpans: 20,
  timeoutMs: 30,
  metadataKeys,
  metadataCardinalityLimit: 5,
});
const batch = defineBatchProcessor<{ keys?: string[] }>({
  ...common,
  config: z.any(),
  role: 'batch',
  type: 'batch',
  batching: ({ keys }) => batching(keys),
});
const limiter = defineAdmissionProcessor<{ bytes: number; from?: number }>({
  ...common,
  config: z.any(),
  role: 'admission',
  type: 'limiter',
  budgetBytes: ({ bytes }, total) => Math.min(bytes, total),
  thinning: ({ from }) => (from === undefined ? null : { from, mostHalvings: 3 }),
  compile: () => ({}),
});

type Step = readonly [id: string, definition: ProcessorDefinition, config?: unknown];
const pipeline = (...steps: readonly Step[]): ConfiguredPipeline => ({
  id: 'traces',
  receivers: ['otlp'],
  exporters: ['nop'],
  processors: steps.map(([id, definition, config = {}]) => ({ id, definition, config })),
});
const idsOf = (walks: readonly Walk[]): string[] => walks.flatMap(({ steps }) => steps.map(({ id }) => id));
const shape = (
  ...steps: readonly Step[]
): (readonly [ids: string[], batch: string | undefined, keys: readonly string[]])[] =>
  planPipeline(pipeline(...steps)).stages.map(
    ({ walks, batching: end, metadataKeys }) => [idsOf(walks), end?.id, metadataKeys] as const,
  );

test('a pipeline without processors has one stage, which validates', () => {
  assert.deepEqual(shape(), [[[], undefined, []]]);
});

test('processors in a row share a stage, and a batch ends it', () => {
  assert.deepEqual(shape(['a', spans], ['b', spans], ['batch', batch]), [[['a', 'b'], 'batch', []]]);
  assert.deepEqual(shape(['batch', batch]), [[[], 'batch', []]]);
  assert.deepEqual(shape(['a', spans]), [[['a'], undefined, []]]);
});

test('what stands behind a batch is a stage of its own, also behind the last', () => {
  assert.deepEqual(
    shape(['a', spans], ['batch/1', batch], ['b', spans], ['c', spans], ['batch/2', batch], ['d', spans]),
    [
      [['a'], 'batch/1', []],
      [['b', 'c'], 'batch/2', []],
      [['d'], undefined, []],
    ],
  );
});

test('an admission processor is no step, wherever it stands', () => {
  assert.deepEqual(
    shape(['limiter', limiter, { bytes: 1 }], ['a', spans], ['limiter/2', limiter, { bytes: 1 }], ['b', spans]),
    [[['a', 'b'], undefined, []]],
  );
});

test('a stage knows the metadata keys of its processors and its batch, and those that the batch before it kept', () => {
  const first = ['batch/1', batch, { keys: ['tenant'] }] as const;
  assert.deepEqual(
    shape(['a', spans, { keys: ['zone', 'host'] }], ['b', spans, { keys: ['zone'] }], first, ['c', spans]),
    [
      [['a', 'b'], 'batch/1', ['host', 'tenant', 'zone']],
      [['c'], undefined, ['tenant']],
    ],
  );
});

test('a stage carries its configuration and batching as plain data', () => {
  const plan = planPipeline(pipeline(['a', spans, { keys: ['x'] }], ['batch', batch]));
  assert.deepEqual(structuredClone(plan), {
    id: 'traces',
    receivers: ['otlp'],
    exporters: ['nop'],
    stages: [
      {
        walks: [{ steps: [{ id: 'a', type: 'spans', config: { keys: ['x'] }, pass: 0 }], lateHeaders: false }],
        batching: { ...batching(), id: 'batch' },
        holding: null,
        metadataKeys: ['x'],
        maxSpans: 0,
        showValues: false,
        thinning: null,
      },
    ],
  });
});

test('what holds traces ends a stage, and one follows that writes them, with no client metadata left', () => {
  const traces = defineTraceProcessor({
    ...common,
    role: 'traces',
    type: 'traces',
    holding: () => ({ waitMs: 5, maxTraces: 6 }),
  });
  const needs = new Map([['nop', { metadataKeys: ['tenant'], maxSpans: 500 }]]);
  const plan = planPipeline(pipeline(['a', spans, { keys: ['x'] }], ['t', traces]), (id) => needs.get(id));
  assert.deepEqual(
    plan.stages.map(({ holding, metadataKeys, maxSpans }) => ({ holding, metadataKeys, maxSpans })),
    [
      { holding: { id: 't', waitMs: 5, maxTraces: 6 }, metadataKeys: ['x'], maxSpans: 0 },
      { holding: null, metadataKeys: ['tenant'], maxSpans: 500 },
    ],
  );
  assert.equal(planPipeline(pipeline(['t', traces], ['batch', batch])).stages.length, 2);
});

test('a stage in front of the exporters does what they need: their metadata, and the smallest of their sizes', () => {
  const needs = new Map([
    ['nop', { metadataKeys: ['tenant'], maxSpans: 500 }],
    ['other', { metadataKeys: ['team'], maxSpans: 300 }],
  ]);
  const both = { ...pipeline(['a', spans, { keys: ['x'] }]), exporters: ['nop', 'other'] };
  const [stage] = planPipeline(both, (id) => needs.get(id)).stages;
  assert.deepEqual([stage.metadataKeys, stage.maxSpans], [['team', 'tenant', 'x'], 300]);
  const [batched] = planPipeline({ ...pipeline(['batch', batch]), exporters: ['nop'] }, (id) => needs.get(id)).stages;
  assert.deepEqual([batched.metadataKeys, batched.maxSpans], [[], 0], 'behind a batch there is what the batch keeps');
});

test('an exporter needs what its extensions read, and those that they name', () => {
  const extension = (id: string, keys: string[], names: string[]) => ({
    id,
    config: undefined,
    definition: defineExtension({
      ...common,
      kind: 'extension',
      type: 'setter',
      metadataKeys: () => keys.map((key) => ({ path: [], key })),
      references: () => names.map((name) => ({ path: [], id: name, capability: 'clientAuth' })),
      create: () => {
        throw new Error('it is only planned');
      },
    }),
  });
  const exporter = (id: string, names: string[]) => ({
    id,
    config: undefined,
    definition: {
      ...nop,
      references: () => names.map((name) => ({ path: [], id: name, capability: 'clientAuth' as const })),
    },
  });
  const needs = exporterNeeds({
    exporters: [exporter('chained', ['a']), exporter('plain', [])],
    extensions: [extension('a', ['x'], ['b']), extension('b', [], ['c']), extension('c', ['y', 'z'], ['absent'])],
  });
  assert.deepEqual(needs.get('chained')?.metadataKeys, ['x', 'y', 'z']);
  assert.deepEqual(needs.get('plain')?.metadataKeys, []);
});

test('the budget is the smallest that is asked for, of all pipelines, or the fallback', () => {
  const asks = (bytes: number): ConfiguredPipeline => pipeline(['limiter', limiter, { bytes }], ['a', spans]);
  assert.equal(planBudget([pipeline()], 1000, 77), 77);
  assert.equal(planBudget([asks(500), pipeline(), asks(300)], 1000, 77), 300);
  assert.equal(planBudget([asks(5000)], 1000, 77), 1000);
});

test('what bounds the memory is a step only where it thins spans, at its place, and of several the first alone', () => {
  const plans = planPipeline(
    pipeline(
      ['limiter/off', limiter, { bytes: 1 }],
      ['a', spans],
      ['limiter/1', limiter, { bytes: 1, from: 0.5 }],
      ['limiter/2', limiter, { bytes: 1, from: 0.7 }],
      ['batch', batch],
      ['limiter/3', limiter, { bytes: 1, from: 0.9 }],
    ),
  ).stages;
  assert.deepEqual(
    plans.map(({ walks, thinning }) => [idsOf(walks), thinning]),
    [[['a', 'limiter/1'], { id: 'limiter/1', from: 0.5, mostHalvings: 3 }]],
  );
  const [, behind] = planPipeline(pipeline(['batch', batch], ['limiter', limiter, { bytes: 1, from: 0.5 }])).stages;
  assert.deepEqual([idsOf(behind.walks).length, behind.thinning?.from], [1, 0.5]);
});

const touching = defineSpanProcessor<{ passes: readonly (readonly Touch[])[] }>({
  ...common,
  config: z.any(),
  role: 'spans',
  type: 'touching',
  traits: { mutates: true, drops: false },
  passes: ({ passes }) => passes,
  compile: () => ({}),
});
/** The passes of each walk of a stage, by their letters; a walk with late headers ends with `!`. */
const walksOf = (passes: Readonly<Record<string, readonly Touch[]>>): string[] => {
  const letters = Object.keys(passes);
  const steps = planPipeline(pipeline(['t', touching, { passes: Object.values(passes) }])).stages[0].walks;
  return steps.map((walk) => walk.steps.map(({ pass }) => letters[pass]).join('') + (walk.lateHeaders ? '!' : ''));
};
const reads = (from: Touch['from']): Touch => ({ what: 'resource', from, writes: false });
const writes = (what: Touch['what'], from: Touch['from']): Touch => ({ what, from, writes: true });

test('passes share a walk as long as none is early for what another one does to a resource or scope', () => {
  assert.deepEqual(walksOf({ a: [], b: [] }), ['ab']);
  assert.deepEqual(walksOf({ a: [writes('resource', 'resource')], b: [reads('span')] }), ['ab'], 'before its spans');
  assert.deepEqual(walksOf({ a: [reads('span')], b: [reads('resource')], c: [reads('span')] }), ['abc'], 'only reads');
  assert.deepEqual(walksOf({ a: [reads('span')], b: [writes('resource', 'resource')] }), ['a', 'b']);
  assert.deepEqual(walksOf({ a: [reads('scope')], b: [writes('resource', 'resource')] }), ['a', 'b']);
  assert.deepEqual(walksOf({ a: [reads('span')], b: [writes('scope', 'scope')] }), ['ab'], 'another kind of thing');
  assert.deepEqual(
    walksOf({ a: [reads('span')], b: [writes('resource', 'resource')], c: [reads('span')], d: [], e: [reads('span')] }),
    ['a', 'bcde'],
  );
});

test('a walk whose spans change what holds them ends before another sees that, and is never the last', () => {
  assert.deepEqual(walksOf({ a: [writes('resource', 'span')] }), ['a!', '']);
  assert.deepEqual(walksOf({ a: [writes('resource', 'span')], b: [] }), ['ab!', '']);
  assert.deepEqual(walksOf({ a: [writes('resource', 'span')], b: [reads('span')] }), ['a!', 'b']);
  assert.deepEqual(walksOf({ a: [writes('scope', 'span')], b: [writes('scope', 'scope')] }), ['a!', 'b']);
  assert.deepEqual(walksOf({ a: [reads('span')], b: [writes('resource', 'scope')], c: [writes('scope', 'span')] }), [
    'a',
    'bc!',
    '',
  ]);
});

test('a stage of several walks needs as many shares of the memory as it has rooms, three at most', () => {
  const both = [reads('span'), writes('resource', 'resource')];
  const depth = (passes: number): number =>
    depthOf(planPipeline(pipeline(['t', touching, { passes: Array(passes).fill(both) }], ['batch', batch])).stages);
  assert.deepEqual([1, 2, 3, 4, 5].map(depth), [1, 2, 3, 3, 3]);
});

test('what regroups ends its walk, and is never in the one that notes where the spans of each trace stand', () => {
  const regrouping = defineSpanProcessor({
    ...common,
    role: 'spans',
    type: 'regrouping',
    traits: { mutates: true, drops: false },
    regroups: true,
    compile: () => ({}),
  });
  const holding = defineTraceProcessor({
    ...common,
    role: 'traces',
    type: 'holding',
    holding: () => ({ waitMs: 1, maxTraces: 1 }),
  });
  const walks = (...steps: readonly Step[]): string[] =>
    planPipeline(pipeline(...steps)).stages.map((stage) =>
      stage.walks.map((walk) => idsOf([walk]).join('') + (walk.regroups === true ? '!' : '')).join(' '),
    );
  assert.deepEqual(walks(['a', spans], ['r', regrouping]), ['ar!']);
  assert.deepEqual(walks(['a', spans], ['r', regrouping], ['b', spans], ['c', spans]), ['ar! bc']);
  assert.deepEqual(walks(['r', regrouping], ['s', regrouping], ['batch', batch], ['b', spans]), ['r! s!', 'b']);
  assert.deepEqual(walks(['r', regrouping], ['h', holding]), ['r! ', '']);
});
