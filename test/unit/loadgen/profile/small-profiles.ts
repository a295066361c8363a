// Profiles of the tests, from plain objects: JSON is YAML.
import assert from 'node:assert/strict';
import type { FreshText, SpanShape, TraceShape, TraceSource, Value } from '../../../../loadgen/corpus/shape.ts';
import { createTraceSources, type TraceOptions } from '../../../../loadgen/profile/draw.ts';
import { parseProfile } from '../../../../loadgen/profile/load.ts';
import type { Profile } from '../../../../loadgen/profile/topology.ts';
import { renderIssues } from '../../../../src/config/render.ts';

export const parsed = (text: string): Profile => {
  const { profile, issues } = parseProfile({ name: 'test.yaml', text, parts: [] });
  assert.ok(profile !== null, renderIssues(issues, false));
  return profile;
};

export const defaults: TraceOptions = { seed: 7, timeScale: 1 };

export const sourceOf = (text: string, options: Partial<TraceOptions> = {}): TraceSource => {
  const [only] = createTraceSources(parsed(text), { ...defaults, ...options });
  assert.ok(only);
  return only.source;
};

/** A profile of these spans, whose first is the root; `more`: other parts of the file. */
export const profileText = (spans: Readonly<Record<string, object>>, more: object = {}, trace: object = {}): string =>
  JSON.stringify({
    description: 'a test',
    resources: { app: { scope: { name: 'lib' } } },
    traces: [{ root: Object.keys(spans)[0], ...trace }],
    spans: Object.fromEntries(Object.entries(spans).map(([key, span]) => [key, { resource: 'app', ...span }])),
    ...more,
  });

export const tracesOf = (text: string, count: number, options: Partial<TraceOptions> = {}): TraceShape[] => {
  const source = sourceOf(text, options);
  return Array.from({ length: count }, () => source.next());
};

export const first = <T>(items: readonly T[]): T => {
  const [one] = items;
  assert.ok(one !== undefined, 'there is none');
  return one;
};

export const named = (trace: TraceShape, name: string): SpanShape[] => trace.spans.filter((span) => span.name === name);

export const attribute = (span: SpanShape, key: string): Value | undefined =>
  span.attributes.find(([name]) => name === key)?.[1];

export const isFresh = (value: Value | undefined): value is FreshText => typeof value === 'object' && 'parts' in value;
