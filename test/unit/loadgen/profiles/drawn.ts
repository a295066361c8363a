// Traces of a built-in profile, and what must hold of every trace of any profile.
import assert from 'node:assert/strict';
import { buildCorpus } from '../../../../loadgen/corpus/build.ts';
import type { Corpus, CorpusOptions } from '../../../../loadgen/corpus/corpus.ts';
import type { Attributes, FreshText, SpanShape, TraceShape, Value } from '../../../../loadgen/corpus/shape.ts';
import { createTraceSources } from '../../../../loadgen/profile/draw.ts';
import { parseProfile, readProfile } from '../../../../loadgen/profile/load.ts';
import type { Profile } from '../../../../loadgen/profile/topology.ts';

export const profileOf = (nameOrPath: string): Profile => {
  const { profile, issues } = parseProfile(readProfile(nameOrPath));
  assert.deepEqual(issues, []);
  assert.ok(profile);
  return profile;
};

/** As a run without flags has them. */
export const optionsFor = (nameOrPath: string, seed: number): CorpusOptions => ({
  profile: readProfile(nameOrPath),
  seed,
  run: 1,
  batchSize: null,
  timeScale: 1,
  rate: null,
  encoding: 'protobuf',
  wholeDoubles: 'double',
});

export const corpusOf = (nameOrPath: string, seed: number): Corpus => {
  const options = optionsFor(nameOrPath, seed);
  return buildCorpus(options, createTraceSources(profileOf(nameOrPath), options));
};

/** The first traces of a profile that is no mix. */
export const drawTraces = (nameOrPath: string, count: number, seed: number): TraceShape[] => {
  const [only, ...others] = createTraceSources(profileOf(nameOrPath), optionsFor(nameOrPath, seed));
  assert.ok(only !== undefined && others.length === 0, 'a profile that is a mix');
  return Array.from({ length: count }, () => only.source.next());
};

const isFresh = (value: Value): value is FreshText => typeof value === 'object' && 'parts' in value;

/** Fresh parts as zeros. */
export const plain = (value: Value): unknown => {
  if (isFresh(value)) {
    return value.parts.map((part) => (typeof part === 'string' ? part : '0'.repeat(part.length))).join('');
  }
  return value;
};

export const nameOf = (span: SpanShape): string => String(plain(span.name));

const maps = new WeakMap<Attributes, ReadonlyMap<string, unknown>>();

/** Of attributes with distinct keys. */
export const mapOf = (attributes: Attributes): ReadonlyMap<string, unknown> => {
  const known = maps.get(attributes);
  if (known !== undefined) return known;
  const map = new Map(attributes.map(([key, value]) => [key, plain(value)]));
  assert.equal(map.size, attributes.length, `a key twice: ${attributes.map(([key]) => key).join(' ')}`);
  maps.set(attributes, map);
  return map;
};

export const attribute = (span: SpanShape, key: string): unknown => mapOf(span.attributes).get(key);
export const serviceOf = (span: SpanShape): unknown => mapOf(span.resource.attributes).get('service.name');

/** 1 for a root. */
export const depths = (trace: TraceShape): Map<SpanShape, number> => {
  const found = new Map<SpanShape, number>();
  for (const span of trace.spans) {
    found.set(span, span.parent === null ? 1 : (found.get(span.parent) ?? Number.NaN) + 1);
  }
  return found;
};

export const depthOf = (trace: TraceShape): number => Math.max(...depths(trace).values());

const failed = 2;
export const hasFailed = (span: SpanShape): boolean => span.status.code === failed;
export const failedTraces = (traces: readonly TraceShape[]): number =>
  traces.filter(({ spans }) => spans.some(hasFailed)).length / traces.length;

const consumer = 5;

const checkSpan = (span: SpanShape, where: string): void => {
  assert.notEqual(nameOf(span), '', where);
  assert.ok(span.startNs >= 0 && span.startNs <= span.endNs, `${where}: its times`);
  mapOf(span.attributes);
  mapOf(span.resource.attributes);
  mapOf(span.scope.attributes);
  for (const event of span.events) {
    mapOf(event.attributes);
    assert.ok(span.startNs <= event.atNs && event.atNs <= span.endNs, `${where}: the time of ${event.name}`);
  }
};

const isConsumer = (span: SpanShape): boolean => span.kind === consumer;

/**
 * One root, the first; every parent stands before its children and holds them in time, but of those that `mayOutlast` it:
 * messages are worked off when their sender may be done. Keys are distinct.
 */
export const checkTrace = (trace: TraceShape, mayOutlast = isConsumer): void => {
  const seen = new Set<SpanShape>();
  for (const span of trace.spans) {
    const where = `${String(serviceOf(span))} ${nameOf(span)}`;
    checkSpan(span, where);
    assert.equal(span.parent === null, seen.size === 0, `${where}: one root, the first`);
    if (span.parent !== null) {
      assert.ok(seen.has(span.parent), `${where}: its parent stands before it`);
      assert.ok(span.parent.startNs <= span.startNs, `${where}: it starts with its parent or after it`);
      assert.ok(span.endNs <= span.parent.endNs || mayOutlast(span), `${where}: it ends before its parent`);
    }
    for (const link of span.links) assert.ok(seen.has(link.to), `${where}: a link to an earlier span`);
    seen.add(span);
  }
};
