// Every text of drawn spans, with the JSON within it, and the JSON within that.
import assert from 'node:assert/strict';
import type { SpanShape, Value } from '../../../../loadgen/corpus/shape.ts';
import { nameOf, plain } from './drawn.ts';

/** Where a text stands in a span. */
export type Place = 'name' | 'status' | 'resource' | 'scope' | 'attribute' | 'event';

export interface FoundText {
  readonly place: Place;
  /** Of the attribute; empty for a name or a status. */
  readonly key: string;
  readonly text: string;
}

/** A text, fresh parts as zeros. */
export const textOf = (value: Value | undefined): string => {
  const text = value === undefined ? undefined : plain(value);
  assert(typeof text === 'string', `not a text: ${String(text)}`);
  return text;
};

const isMap = (value: Value): value is ReadonlyMap<string, Value> => value instanceof Map;
const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

/** The texts of a value, those of its lists and maps too. */
export function* textsIn(value: Value): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (isList(value)) for (const item of value) yield* textsIn(item);
  else if (isMap(value)) for (const item of value.values()) yield* textsIn(item);
  else if (typeof value === 'object' && 'parts' in value) yield textOf(value);
}

export function* textsOf(span: SpanShape): Generator<FoundText> {
  yield { place: 'name', key: '', text: nameOf(span) };
  yield { place: 'status', key: '', text: span.status.message };
  const attributes = [
    ...span.resource.attributes.map(([key, value]) => ({ place: 'resource', key, value }) as const),
    ...span.scope.attributes.map(([key, value]) => ({ place: 'scope', key, value }) as const),
    ...span.attributes.map(([key, value]) => ({ place: 'attribute', key, value }) as const),
    ...span.events.flatMap((event) =>
      event.attributes.map(([key, value]) => ({ place: 'event', key, value }) as const),
    ),
  ];
  for (const { place, key, value } of attributes) for (const text of textsIn(value)) yield { place, key, text };
}

/** A leaf of JSON: `depth` is how many JSON texts it stands in. */
export interface Leaf {
  readonly depth: number;
  readonly value: string | number | boolean | null;
}

/** Prose may begin with a pasted key file, which is JSON; it does not end with one. */
const looksLikeJson = (text: string): boolean => /^(\{.*\}|\[.*\])$/s.test(text);

/** Leaves of a parsed JSON text; a text that is JSON itself is gone into, and must be whole. */
export function* leavesOf(value: unknown, depth = 1): Generator<Leaf> {
  if (typeof value === 'string' && looksLikeJson(value)) yield* leavesOf(JSON.parse(value), depth + 1);
  else if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) yield* leavesOf(item, depth);
  } else if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    yield { depth, value };
  }
}
