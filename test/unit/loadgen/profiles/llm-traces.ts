// What the tests of the LLM profiles ask of drawn traces, besides drawn.ts.
import assert from 'node:assert/strict';
import type { SpanShape, TraceShape } from '../../../../loadgen/corpus/shape.ts';
import { attribute, nameOf } from './drawn.ts';

export const SECOND_NS = 1e9;

export const rootOf = (trace: TraceShape): SpanShape => {
  const [root] = trace.spans;
  assert(root !== undefined && root.parent === null);
  return root;
};

/** An int_value or a double_value. */
export const asNumber = (value: unknown): number => {
  if (typeof value === 'number') return value;
  assert(value instanceof Object && 'double' in value && typeof value.double === 'number', `no number: ${value}`);
  return value.double;
};

export const numberOf = (span: SpanShape, key: string): number => asNumber(attribute(span, key));

export const spansCalled = (trace: TraceShape, name: RegExp): readonly SpanShape[] =>
  trace.spans.filter((span) => name.test(nameOf(span)));

/** Keys with `N` for the numbers in them: `gen_ai.prompt.0.role` is `gen_ai.prompt.N.role`. */
const pattern = (key: string): string => key.replaceAll(/\.\d+(?=\.)/g, '.N');

/**
 * Every key of the spans stands in `listed`, every key of `listed` occurs, and none twice in a list of attributes; the
 * same of events.
 */
export const assertVocabulary = (spans: readonly SpanShape[], listed: readonly string[]): void => {
  const seen = new Set<string>();
  for (const span of spans) {
    for (const attributes of [span.attributes, ...span.events.map((event) => event.attributes)]) {
      const keys = attributes.map(([key]) => key);
      assert.equal(new Set(keys).size, keys.length, `a key twice in ${nameOf(span)}: ${keys.join(' ')}`);
      for (const key of keys) seen.add(pattern(key));
    }
  }
  assert.deepEqual([...seen].sort(), [...listed].sort());
};

export const shareOf = <T>(all: readonly T[], holds: (one: T) => boolean): number =>
  all.filter(holds).length / all.length;

export const mean = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;

export const assertBetween = (value: number, low: number, high: number, what: string): void => {
  assert(value >= low && value <= high, `${what}: ${value}, expected ${low} to ${high}`);
};

export const quantile = (numbers: readonly number[], share: number): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(share * numbers.length)] ?? Number.NaN;
