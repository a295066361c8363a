import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PipelineAccount } from '../../../../src/delivery/ledger.ts';
import { compileChain } from '../../../../src/pipeline/chain.ts';
import { planPipeline } from '../../../../src/pipeline/plan.ts';
import { filter } from '../../../../src/processors/filter/index.ts';
import { groupbyattrs } from '../../../../src/processors/groupbyattrs/index.ts';
import { createProcessorSource } from '../../../../src/telemetry/processor-source.ts';
import { loadKernel } from '../../../../src/wire/kernel/kernel.ts';
import { createMemory, viewsOf } from '../../../../src/wire/memory.ts';
import { newOutput } from '../../../../src/wire/output.ts';
import { decodeRequest, encodeRequest } from '../../../../src/wire/reference/codec.ts';
import type { ExportTraceServiceRequest, Span } from '../../../../src/wire/reference/messages.ts';
import { rewriteOutcome } from '../../../../src/wire/rewriter.ts';
import { Region, Scratch } from '../../../../src/wire/stage-memory.ts';
import { TextTable } from '../../../../src/wire/text-table.ts';
import { layOut } from '../../../../src/workers/layout.ts';
import { mutate, requestBytes, seededRandom } from '../../../wire/arbitraries.ts';
import { createStage, foreignByte, processor } from '../../../wire/chain-support.ts';
import { unusual } from '../../../wire/unusual.ts';
import { parseConfig, requestOf, spanOf, stageOf } from '../attributes/run-chain.ts';
import { alike, attribute } from './inputs.ts';
import { type Grouped, group, grouped } from './plain.ts';

const keyLists: readonly (readonly string[])[] = [
  [],
  ['host'],
  ['pod', 'user.email', '', 'pod', 'a', 'host', 'k'.repeat(130)],
];
const stagesOf = () => keyLists.map((keys) => [keys, createStage([groupbyattrs], [{ keys }])] as const);

/** Renames every span, so that none is copied as it came. */
const renaming = processor('renaming', ({ span }) => ({
  span() {
    span.name = `${span.name}!`;
  },
}));

const renamed = (made: ExportTraceServiceRequest): ExportTraceServiceRequest => ({
  ...made,
  resourceSpans: made.resourceSpans.map((resource) => ({
    ...resource,
    scopeSpans: resource.scopeSpans.map((scope) => ({
      ...scope,
      spans: scope.spans.map((span) => ({ ...span, name: `${span.name}!` })),
    })),
  })),
});

/** Each span with what it stands under, whatever the order of the groups. */
const flat = (groups: Grouped): string[] =>
  groups
    .flatMap(([resource, scopes]) =>
      scopes.flatMap(([scope, spans]) => spans.map((span) => [resource, scope, span].join('\n\n'))),
    )
    .sort();

test('groups are those of a plain implementation over decoded spans, in its order', () => {
  let fewer = 0;
  for (const [keys, stage] of stagesOf()) {
    fc.assert(
      fc.property(alike, (made) => {
        const bytes = encodeRequest(made);
        const { outcome, message, output, spansIn, spansOut } = stage.run(bytes);
        assert.equal(outcome, rewriteOutcome.written, message);
        const groups = grouped(decodeRequest(output));
        assert.deepEqual(groups, group(decodeRequest(bytes), keys));
        assert.equal(spansIn, spansOut);
        if (groups.length < made.resourceSpans.length) fewer++;
      }),
      { numRuns: 150 },
    );
  }
  assert.ok(fewer > 50, `only ${fewer} requests had resources that are alike`);
});

test('so it is for spans that a step before has changed', () => {
  for (const keys of keyLists) {
    const stage = createStage([renaming, groupbyattrs], [{}, { keys }]);
    fc.assert(
      fc.property(alike, (made) => {
        const bytes = encodeRequest(made);
        const { outcome, message, output } = stage.run(bytes);
        assert.equal(outcome, rewriteOutcome.written, message);
        assert.deepEqual(grouped(decodeRequest(output)), group(renamed(decodeRequest(bytes)), keys));
      }),
      { numRuns: 100 },
    );
  }
});

test('resources and scopes are grouped as the steps before have made them', () => {
  const changing = processor('changing', ({ resource, scope, intern }) => {
    const key = intern('host');
    return {
      resource() {
        resource.attributes.set(key, new Map([['a', 'map']]));
        resource.schemaUrl = resource.schemaUrl === '' ? 'new' : '';
      },
      scope() {
        scope.name = 'same';
        scope.attributes.set(key, ['a', 'list']);
        scope.schemaUrl = 'same';
      },
    };
  });
  const both = createStage([changing, groupbyattrs], [{}, { keys: ['pod'] }]);
  const first = createStage([changing]);
  const second = createStage([groupbyattrs], [{ keys: ['pod'] }]);
  fc.assert(
    fc.property(alike, (made) => {
      const bytes = encodeRequest(made);
      const apart = second.run(first.run(bytes).output);
      assert.deepEqual(decodeRequest(both.run(bytes).output), decodeRequest(apart.output));
    }),
    { numRuns: 150 },
  );
});

test('what stands behind it sees the new resources', () => {
  const raw = { error_mode: 'propagate', traces: { span: ['resource.attributes["host"] == "a"'] } };
  const { config } = parseConfig(filter, raw);
  const stage = createStage([groupbyattrs, filter], [{ keys: ['host'] }, config]);
  fc.assert(
    fc.property(alike, (made) => {
      const bytes = encodeRequest(made);
      const { outcome, message, output } = stage.run(bytes);
      assert.equal(outcome, rewriteOutcome.written, message);
      const isHostA = ([resource]: Grouped[number]) => /^"host"=\{"stringValue":"a"\} /m.test(resource);
      const left = group(decodeRequest(bytes), ['host']).filter((one) => !isHostA(one));
      assert.deepEqual(grouped(decodeRequest(output)), left);
    }),
    { numRuns: 150 },
  );
});

test('what an earlier step drops is not grouped', () => {
  const stage = createStage(
    [
      processor('odd', ({ span, dropCounter }) => {
        const counter = dropCounter('odd');
        return {
          span() {
            if (span.nameLength % 2 === 1) span.drop(counter);
          },
        };
      }),
      groupbyattrs,
    ],
    [{}, { keys: ['host'] }],
  );
  fc.assert(
    fc.property(alike, (made) => {
      const bytes = encodeRequest(made);
      const even = decodeRequest(bytes);
      for (const { scopeSpans } of even.resourceSpans)
        for (const scope of scopeSpans)
          scope.spans = scope.spans.filter(({ name }) => Buffer.byteLength(name) % 2 === 0);
      assert.deepEqual(grouped(decodeRequest(stage.run(bytes).output)), group(even, ['host']));
    }),
    { numRuns: 150 },
  );
});

test('segments hold at most so many spans or bytes, each group with its headers', () => {
  const limits = fc.oneof(
    fc.record({ maxSpans: fc.integer({ min: 1, max: 7 }) }),
    fc.record({ maxBytes: fc.integer({ min: 1, max: 4000 }) }),
  );
  for (const [keys, stage] of stagesOf()) {
    fc.assert(
      fc.property(alike, limits, (made, limit) => {
        const bytes = encodeRequest(made);
        const { outcome, segments } = stage.run(bytes, limit);
        assert.equal(outcome, rewriteOutcome.written);
        const { maxSpans = Infinity, maxBytes = Infinity } = limit as { maxSpans?: number; maxBytes?: number };
        const parts = segments.map(({ bytes: part, spans }) => {
          assert.ok(part.length <= maxBytes || spans <= 1, `${spans} spans in ${part.length} of ${maxBytes} bytes`);
          const inside = grouped(decodeRequest(part));
          assert.equal(flat(inside).length, spans);
          return inside;
        });
        assert.ok(segments.every(({ spans }) => spans <= maxSpans));
        if (maxSpans < Infinity) assert.ok(segments.slice(0, -1).every(({ spans }) => spans === maxSpans));
        assert.deepEqual(parts.flatMap(flat).sort(), flat(group(decodeRequest(bytes), keys)));
      }),
      { numRuns: 100 },
    );
  }
});

test('unusual encodings are grouped once normalised, and what is malformed leaves nothing', () => {
  const [, [keys, stage]] = stagesOf();
  const outcomes = new Map<number, number>();
  fc.assert(
    fc.property(alike, fc.integer(), (made, seed) => {
      const bytes = encodeRequest(made);
      const { outcome, output } = stage.run(unusual(Uint8Array.from(bytes), seededRandom(seed)), { normalise: true });
      assert.equal(outcome, rewriteOutcome.written);
      assert.deepEqual(grouped(decodeRequest(output)), group(decodeRequest(bytes), keys));
    }),
    { numRuns: 100 },
  );
  stage.counters();
  fc.assert(
    fc.property(requestBytes, fc.integer(), (bytes, seed) => {
      const run = stage.run(mutate(bytes, seededRandom(seed)), { normalise: true });
      outcomes.set(run.outcome, (outcomes.get(run.outcome) ?? 0) + 1);
      if (run.outcome === rewriteOutcome.written) stage.counters();
      else {
        assert.equal(run.outcome, rewriteOutcome.malformed, run.message);
        assert.equal(run.output.length, 0);
        assert.ok(stage.counters().every((n) => n === 0));
      }
    }),
    { numRuns: 1000 },
  );
  assert.ok((outcomes.get(rewriteOutcome.malformed) ?? 0) > 100);
});

test('an output that is too small gets nothing, and nothing behind it either', () => {
  const [, [keys, stage]] = stagesOf();
  const { shared, arena } = stage;
  let full = 0;
  fc.assert(
    fc.property(alike, fc.nat(3000), (made, room) => {
      const bytes = encodeRequest(made);
      const end = arena + (16 << 20) + room;
      shared.bytes.fill(foreignByte, end, end + 8192);
      const first = stage.run(bytes, { room });
      assert.ok(shared.bytes.subarray(end, end + 8192).every((byte) => byte === foreignByte));
      if (first.outcome === rewriteOutcome.full) {
        full++;
        assert.equal(first.output.length, 0);
        assert.ok(stage.counters().every((n) => n === 0));
      }
      assert.deepEqual(grouped(decodeRequest(stage.run(bytes).output)), group(decodeRequest(bytes), keys));
      stage.counters();
    }),
    { numRuns: 150 },
  );
  assert.ok(full > 20, `${full}`);
});

test('several requests of one payload are grouped as if they were one', () => {
  const [, [keys, { chain, shared, arena }]] = stagesOf();
  fc.assert(
    fc.property(fc.array(alike, { minLength: 1, maxLength: 4 }), (made) => {
      const places: number[] = [];
      let at = arena;
      for (const one of made) {
        const bytes = encodeRequest(one);
        shared.bytes.set(bytes, at);
        places.push(at, bytes.length);
        at += bytes.length + 100;
      }
      const output = newOutput(arena + (8 << 20), arena + (16 << 20), 10);
      const start = output.at;
      assert.equal(chain.runJoined(places, output), rewriteOutcome.written, chain.message);
      const all = Buffer.concat(made.map((one) => encodeRequest(one)));
      assert.deepEqual(grouped(decodeRequest(shared.bytes.slice(start, output.at))), group(decodeRequest(all), keys));
    }),
    { numRuns: 60 },
  );
  // Of a payload with something wrong in it nothing is left.
  shared.bytes.fill(0xff, arena, arena + 20);
  const output = newOutput(arena + (8 << 20), arena + (16 << 20), 10);
  assert.equal(chain.runJoined([arena + 20, 0, arena, 20], output), rewriteOutcome.malformed);
  assert.equal(output.at, arena + (8 << 20));
});

test('what is more than the scratch can hold is grouped in several goes', () => {
  const stage = createStage([groupbyattrs], [{ keys: ['host'] }]);
  const few = Array.from({ length: 100 }, (_, i) => `${i}`.padEnd(10_000, 'x'));
  const spans = Array.from({ length: 400 }, (_, i) =>
    spanOf(i, { attributes: [attribute('host', { stringValue: few[i % 100] })] }),
  );
  const bytes = encodeRequest(requestOf(spans, [attribute('large', { stringValue: 'x'.repeat(5_000) })]));
  const { outcome, message, output, segments } = stage.run(bytes, { maxSpans: 150 });
  assert.equal(outcome, rewriteOutcome.written, message);
  assert.deepEqual(
    segments.map((one) => one.spans),
    [150, 150, 100],
  );
  const groups = grouped(decodeRequest(output));
  assert.ok(groups.length > 100 && groups.length < 300, `${groups.length} groups`);
  assert.deepEqual(flat(groups), flat(group(decodeRequest(bytes), ['host'])));
});

test('a span whose edits take half of the scratch is grouped like others, whatever was kept before it', () => {
  // What is set and removed again is still in the scratch when the span is kept.
  const editing = processor('editing', ({ span, intern }) => {
    const large = intern('large');
    return {
      span() {
        span.attributes.set(large, 'x'.repeat(Number(span.name)));
        span.attributes.remove(large);
      },
    };
  });
  const stage = createStage([editing, groupbyattrs], [{}, { keys: ['host'] }]);
  for (const bytes of [100_000, 200_000, 350_000, 450_000]) {
    for (let before = 1; before < 12; before++) {
      const spans = Array.from({ length: before + 1 }, (_, i) => {
        const host = attribute('host', { stringValue: `${i}`.padEnd(bytes, 'y') });
        return spanOf(i, { name: i === before ? '4190000' : '0', attributes: [host] });
      });
      const request = encodeRequest(requestOf(spans));
      const { outcome, message, output } = stage.run(request);
      assert.equal(outcome, rewriteOutcome.written, `${before} spans of ${bytes} bytes: ${message}`);
      assert.deepEqual(flat(grouped(decodeRequest(output))), flat(group(decodeRequest(request), ['host'])));
    }
  }
});

test('more spans than the lists can hold are grouped in several goes', () => {
  const stage = createStage([groupbyattrs], [{ keys: ['host'] }]);
  const tiny = encodeRequest(requestOf([spanOf(0), spanOf(1, { attributes: [attribute('host', { intValue: 1n })] })]));
  const all = Buffer.concat(Array.from({ length: 40_000 }, () => tiny));
  const { outcome, message, output, spansOut } = stage.run(all);
  assert.equal(outcome, rewriteOutcome.written, message);
  assert.equal(spansOut, 80_000);
  const groups = grouped(decodeRequest(output));
  assert.equal(groups.length, 4);
  assert.deepEqual(flat(groups).length, 80_000);
});

test('a value that is larger than all of the scratch refuses its request, and the next one is whole', () => {
  const stage = createStage([groupbyattrs], [{ keys: ['host'] }]);
  const large = [attribute('host', { stringValue: 'x'.repeat(3 << 20) })];
  const { outcome, message, output } = stage.run(encodeRequest(requestOf([spanOf(0, { attributes: large })])));
  assert.equal(outcome, rewriteOutcome.failed);
  assert.match(message, /needs? more than \d+ bytes/);
  assert.equal(output.length, 0);
  const bytes = encodeRequest(requestOf([spanOf(1, { attributes: [attribute('host', { intValue: 1n })] })]));
  assert.deepEqual(grouped(decodeRequest(stage.run(bytes).output)), group(decodeRequest(bytes), ['host']));
});

test('the scratch that it kept is free when a request is over, whatever its outcome', () => {
  const layout = layOut(1, 1 << 20, 16 << 20);
  const shared = viewsOf(createMemory(layout.totalBytes));
  const kernel = loadKernel(shared);
  const [{ region, scratch: place, texts: textsAt, tables }] = layout.contexts;
  const texts = new TextTable(shared, kernel, textsAt);
  const scratch = new Scratch(place.at, place.bytes);
  const memory = { shared, kernel, region: new Region(region.at, region.bytes), scratch, texts, tables };
  const step = { id: 'g', definition: groupbyattrs, config: { keys: ['host'] } };
  const [plan] = planPipeline({ id: 'traces', receivers: [], exporters: [], processors: [step] }).stages;
  const chain = compileChain(plan, [groupbyattrs], memory, 100);
  chain.activate();
  const { at } = layout.arena;
  const host = (value: string) => spanOf(0, { attributes: [attribute('host', { stringValue: value })] });
  const run = (room: number, ...spans: Span[]): number => {
    const bytes = encodeRequest(requestOf(spans));
    shared.bytes.set(bytes, at);
    const outcome = chain.run(at, bytes.length, 0, newOutput(at + (8 << 20), at + (8 << 20) + room, 10));
    scratch.reset();
    return outcome;
  };
  for (const [outcome, room, ...spans] of [
    [rewriteOutcome.written, 10_000, host('a')],
    [rewriteOutcome.full, 40, host('a')],
    [rewriteOutcome.failed, 10_000, host('a'), host('x'.repeat(600_000))],
  ] as const) {
    assert.equal(run(room, ...spans), outcome);
    assert.equal(scratch.keepable, place.bytes / 2);
  }
});

test('it counts spans with and without a key, and the resources of each request', () => {
  const stage = stageOf([groupbyattrs, { keys: ['host'] }]);
  const host = (name: string) => [attribute('host', { stringValue: name })];
  stage.run(requestOf([spanOf(0, { attributes: host('a') }), spanOf(1, { attributes: host('b') }), spanOf(2)]));
  stage.run(requestOf(Array.from({ length: 30 }, (_, i) => spanOf(i, { attributes: host(`${i}`) }))));
  const counts = new Float64Array(stage.chain.counters.length);
  stage.chain.takeCounters(counts);
  const account = new PipelineAccount('traces', []);
  account.stageCounters(stage.chain.counters).set(counts);
  const samples = [...createProcessorSource(() => [account]).collect()];
  const labels = { processor: 'groupbyattrs', pipeline: 'traces' };
  assert.deepEqual(
    samples.map((sample) => [sample.name, sample.kind, sample.labels]),
    groupbyattrs.metrics.map(({ name, kind }) => [name, kind, labels]),
  );
  const [moved, others, groups] = samples.map(({ value }) => value);
  assert.deepEqual([moved, others], [32, 1]);
  const bounds = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000];
  const inBucket = (n: number): number => (n === 1 || n === 4 ? 1 : 0);
  assert.deepEqual(groups, { bounds, counts: [...bounds, 0].map((_, i) => inBucket(i)), sum: 33 });
});

test('keys that are empty or there twice are warned of', () => {
  const { config } = parseConfig(groupbyattrs, { keys: ['a', '', 'b', 'a'] });
  assert.deepEqual(
    groupbyattrs.advise?.(config).map(({ path, message }) => [...path, message]),
    [
      ['keys', 1, 'the empty key has no effect'],
      ['keys', 3, 'the key a is already there'],
    ],
  );
  assert.deepEqual(groupbyattrs.advise?.(parseConfig(groupbyattrs, {}).config), []);
});
