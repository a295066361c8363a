// What holds of the traces of any profile: random topologies, and the built-in ones.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Attributes, FreshPart, SpanShape, TraceShape, Value } from '../../../../loadgen/corpus/shape.ts';
import { createTraceSources } from '../../../../loadgen/profile/draw.ts';
import { builtInProfiles, parseProfile, readProfile } from '../../../../loadgen/profile/load.ts';
import { defaults, isFresh, profileText, tracesOf } from './small-profiles.ts';

const names = ['a', 'b', 'c', 'd'] as const;
const name = fc.constantFrom(...names);
const chance = fc.constantFrom(0, 0.3, 0.6, 1);
const time = fc.constantFrom('0s', '1ns', '3ms', '1ms..20ms', { median: '2ms', p99: '90ms' });

const child = (otherwise: fc.Arbitrary<object[]>) =>
  fc.record(
    {
      span: name,
      count: fc.constantFrom(0, 1, '0..3', { one_of: { 1: 2, 4: 1 } }),
      chance,
      run: fc.constantFrom('sequence', 'parallel', 'async'),
      instance: fc.constantFrom('same', 'new'),
      gap: time,
      otherwise,
    },
    { requiredKeys: ['span'] },
  );

const span = fc.record(
  {
    duration: time,
    attributes: fc.constantFrom({}, { id: { pattern: '{hex:8}{let:t}' }, up: { parent: 'id' }, copy: { attr: 'id' } }),
    events: fc.array(
      fc.record({
        name: fc.constant('e'),
        count: fc.constantFrom(0, 1, 5),
        at: fc.constantFrom('start', 'end', 'spread'),
        attributes: fc.constant({ x: { pattern: '{digits:3}' } }),
      }),
      { maxLength: 2 },
    ),
    links: fc.constantFrom(0, 2),
    error: fc.record({ rate: chance, from_children: fc.boolean(), aborts: fc.boolean() }),
    children: fc.array(child(fc.array(child(fc.constant([])), { maxLength: 1 })), { maxLength: 3 }),
  },
  { requiredKeys: [] },
);

const topology = fc.record({ a: span, b: span, c: span, d: span });

const freshParts = (value: Value): FreshPart[] => {
  if (isFresh(value)) return value.parts.filter((part) => typeof part === 'object');
  if (Array.isArray(value)) return value.flatMap(freshParts);
  return value instanceof Map ? [...value.values()].flatMap(freshParts) : [];
};

/** Parts with the same scope and slot in a span are copies of each other. */
const checkSlots = (span: SpanShape): void => {
  const lists: readonly Attributes[] = [span.attributes, ...span.events.map(({ attributes }) => attributes)];
  const values = [span.name, ...lists.flat().map(([, value]) => value)];
  const seen = new Map<string, string>();
  for (const part of values.flatMap(freshParts)) {
    const key = `${part.scope} ${part.slot}`;
    const is = `${part.alphabet} ${part.length}`;
    assert.equal(seen.get(key) ?? is, is, 'one slot for two texts');
    seen.set(key, is);
  }
};

const isWhole = (ns: number): boolean => Number.isSafeInteger(ns) && ns >= 0;

/** What shape.ts promises. */
const checkTrace = ({ spans }: TraceShape): void => {
  const order = new Map(spans.map((one, i) => [one, i]));
  assert.equal(order.size, spans.length);
  assert.equal(spans[0]?.startNs, 0);
  for (const [i, one] of spans.entries()) {
    assert.equal(one.parent === null, i === 0, 'the root comes first, and alone has no parent');
    if (one.parent !== null) {
      assert.ok((order.get(one.parent) ?? i) < i, 'a parent is of the same trace and comes before its children');
      assert.ok(one.startNs >= one.parent.startNs);
    }
    assert.ok(isWhole(one.startNs) && isWhole(one.endNs) && one.startNs <= one.endNs);
    assert.ok(one.startNs >= (spans[i - 1]?.startNs ?? 0), 'spans stand in the order in which they start');
    assert.ok(one.events.every(({ atNs }) => isWhole(atNs) && atNs >= one.startNs && atNs <= one.endNs));
    assert.ok(one.links.every(({ to }) => (order.get(to) ?? i) < i));
    const keys = one.attributes.map(([key]) => key);
    assert.equal(new Set(keys).size, keys.length);
    checkSlots(one);
  }
};

const isAsync = (
  spans: Readonly<Record<string, { children?: readonly { run?: string; otherwise?: readonly object[] }[] }>>,
) => JSON.stringify(spans).includes('"async"');

test('traces of random topologies are as their contract says, and children end within parents that wait', () => {
  let longest = 0;
  const property = fc.property(topology, fc.integer({ min: 0, max: 2 ** 32 - 1 }), (spans, seed) => {
    const text = profileText(spans, {}, { spans: 60, depth: '1..7', let: { t: { pattern: '{base62:5}' } } });
    for (const trace of tracesOf(text, 3, { seed })) {
      checkTrace(trace);
      assert.ok(trace.spans.length <= 60);
      longest = Math.max(longest, trace.spans.length);
      if (isAsync(spans)) continue;
      for (const one of trace.spans) assert.ok(one.parent === null || one.endNs <= one.parent.endNs);
    }
  });
  fc.assert(property, { numRuns: 300 });
  assert.ok(longest > 20, `the largest trace had ${longest} spans`);
});

test('fresh parts of different attributes have different slots', () => {
  const attributes = {
    a: { pattern: '{hex:4}' },
    b: { pattern: '{hex:4}{hex:4}' },
    t: { let: 't' },
    up: { parent: 'p' },
  };
  const leaf = {
    attributes,
    events: [{ name: 'e', count: 2, attributes: { x: { pattern: '{hex:4}' } } }],
    error: { rate: 1, attributes: { y: { pattern: '{hex:4}' } } },
  };
  const spans = {
    root: { attributes: { p: { pattern: '{hex:4}' } }, children: [{ span: 'middle' }] },
    middle: { ...leaf, children: [{ span: 'leaf', count: 2 }] },
    leaf,
  };
  const [trace] = tracesOf(profileText(spans, {}, { let: { t: { pattern: '{hex:4}{hex:4}' } } }), 1);
  for (const one of trace?.spans.slice(1) ?? []) {
    const parts = [...one.attributes, ...one.events.flatMap((event) => event.attributes)].flatMap(([, value]) =>
      freshParts(value),
    );
    const ofScope = (scope: string) => parts.filter((part) => part.scope === scope).map(({ slot }) => slot);
    assert.deepEqual(
      ofScope('span').sort((a, b) => a - b),
      [0, 1, 2, 3, 4, 5],
    );
    assert.deepEqual(ofScope('trace'), [0, 1, 2]);
  }
  assert.equal(trace?.spans.length, 4);
});

for (const profileName of builtInProfiles()) {
  test(`the traces of ${profileName} are as their contract says, with several seeds`, () => {
    const { profile } = parseProfile(readProfile(profileName));
    assert.ok(profile);
    for (const seed of [0, 1, 0xffff_ffff]) {
      for (const { source } of createTraceSources(profile, { ...defaults, seed })) {
        for (let i = 0; i < 40; i++) checkTrace(source.next());
      }
    }
  });
}
