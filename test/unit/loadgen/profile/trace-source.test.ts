// What a source of traces does as a whole: which traces, how large, from which seed, in which requests.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpanShape, TraceShape } from '../../../../loadgen/corpus/shape.ts';
import { createTraceSources } from '../../../../loadgen/profile/draw.ts';
import { parseProfile, readProfile } from '../../../../loadgen/profile/load.ts';
import { attribute, defaults, first, named, profileText, sourceOf, tracesOf } from './small-profiles.ts';

const duration = (span: SpanShape): number => span.endNs - span.startNs;
const part = (traces: readonly TraceShape[], test: (trace: TraceShape) => boolean): number =>
  traces.filter(test).length / traces.length;
const about = (found: number, expected: number): void =>
  assert.ok(Math.abs(found - expected) < 0.07, `${found} is not about ${expected}`);

test('a trace has no more spans and no deeper ones than it may', () => {
  const spans = { node: { children: [{ span: 'node', count: 3, chance: 0.9 }] } };
  for (const trace of tracesOf(profileText(spans, {}, { spans: 100 }), 20)) assert.ok(trace.spans.length <= 100);
  const depthOf = (span: SpanShape): number => (span.parent === null ? 1 : 1 + depthOf(span.parent));
  const depths = tracesOf(profileText(spans, {}, { depth: '2..4' }), 60).map((trace) =>
    Math.max(...trace.spans.map(depthOf)),
  );
  assert.deepEqual(
    [...new Set(depths)].sort(),
    [1, 2, 3, 4].filter((depth) => depths.includes(depth)),
  );
  assert.ok(Math.max(...depths) === 4);
  const certain = profileText({ node: { children: [{ span: 'node', count: 2 }] } }, {}, { depth: 5 });
  assert.equal(first(tracesOf(certain, 1)).spans.length, 31);
});

test('traces are picked by their weights', () => {
  const text = profileText(
    { a: {}, b: {}, c: {} },
    { traces: [{ root: 'a', weight: 3 }, { root: 'b' }, { root: 'c', weight: 0 }] },
  );
  const traces = tracesOf(text, 800);
  about(
    part(traces, ({ spans }) => first(spans).name === 'a'),
    0.75,
  );
  about(
    part(traces, ({ spans }) => first(spans).name === 'c'),
    0,
  );
});

test('the same seed draws the same traces, whatever the requests were asked for; another seed others', () => {
  const text = readProfile('gateway');
  const { profile } = parseProfile(text);
  assert.ok(profile);
  const traces = (seed: number, asked = 0) => {
    const { source } = first(createTraceSources(profile, { ...defaults, seed }));
    for (let i = 0; i < asked; i++) source.export.nextSpans();
    return Array.from({ length: 30 }, () => source.next());
  };
  assert.deepEqual(traces(1), traces(1, 5));
  assert.notDeepEqual(traces(1), traces(2));
});

test('a time scale multiplies durations, gaps and flushes, and nothing else', () => {
  const text = profileText(
    {
      root: {
        duration: { median: '8ms', p99: '80ms' },
        attributes: { n: { int: '1..1000' } },
        children: [{ span: 'leaf', gap: '3ms' }],
      },
      leaf: { duration: '1ms..9ms' },
    },
    { export: { flush: '2s' } },
  );
  const [plain, slow] = [1, 4].map((timeScale) => sourceOf(text, { timeScale }));
  assert.ok(plain && slow);
  assert.deepEqual([plain.export.flushNs, slow.export.flushNs], [2e9, 8e9]);
  for (let i = 0; i < 50; i++) {
    const [a, b] = [plain.next(), slow.next()];
    for (const [k, span] of a.spans.entries()) {
      const scaled = b.spans[k];
      assert.ok(scaled);
      assert.equal(attribute(scaled, 'n'), attribute(span, 'n'));
      assert.ok(Math.abs(duration(scaled) - duration(span) * 4) <= 8, `${duration(scaled)} ${duration(span)}`);
      assert.ok(Math.abs(scaled.startNs - span.startNs * 4) <= 8);
    }
  }
});

test('the spans of a request are drawn from the profile, at least one', () => {
  const text = profileText({ request: {} }, { export: { by: 'agent', spans: '0..3', bytes: '1MiB' } });
  const { export: own } = sourceOf(text);
  assert.deepEqual([own.by, own.bytes, own.flushNs], ['agent', 2 ** 20, 0]);
  const sizes = (next: () => number) => [...new Set(Array.from({ length: 200 }, next))].sort((a, b) => a - b);
  assert.deepEqual(sizes(own.nextSpans), [1, 2, 3]);
  assert.deepEqual(sizes(sourceOf(profileText({ request: {} })).export.nextSpans), [512]);
});

test('the deepest recursion that a profile may ask for is drawn', () => {
  let otherwise: object[] = [{ span: 'node' }];
  for (let i = 0; i < 5; i++) otherwise = [{ span: 'bad', otherwise }];
  const spans = { node: { error: { rate: 1 }, children: [{ span: 'bad', otherwise }] }, bad: { error: { rate: 1 } } };
  const trace = first(tracesOf(profileText(spans, {}, { depth: 128 }), 1));
  assert.equal(named(trace, 'node').length, 128);
});
