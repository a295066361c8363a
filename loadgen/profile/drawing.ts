// What values are drawn from: random numbers, and what was drawn before.
import type { Value } from '../corpus/shape.ts';
import type { Budget } from './budget.ts';
import type { Random } from './random.ts';
import type { JsonValue } from './text.ts';

/** Attributes of a span, of those above it and of those below it that were drawn. */
export interface AttributeScope {
  readonly attributes: ReadonlyMap<string, Value>;
  readonly parent: AttributeScope | null;
  readonly below: readonly AttributeScope[];
}

/** What a value is drawn from. */
export interface Drawing {
  readonly random: Random;
  readonly budget: Budget;
  /** Of the trace. */
  readonly lets: ReadonlyMap<string, JsonValue>;
  /** Those that `attr` looks through first: of the event, or beside the value in the span. */
  own: ReadonlyMap<string, Value>;
  span: AttributeScope;
  /** Of the span, when it has ended. */
  durationNs: number;
  /** By what all durations were multiplied. */
  readonly timeScale: number;
  /** The number of the event, of the list item, or of the span in its entry. */
  index: number;
  /** How many fresh parts the span and the trace have. */
  spanSlots: number;
  traceSlots: number;
}

export const emptyScope: AttributeScope = { attributes: new Map(), parent: null, below: [] };

export const createDrawing = (
  random: Random,
  budget: Budget,
  lets: ReadonlyMap<string, JsonValue> = new Map(),
  timeScale = 1,
): Drawing => ({
  random,
  budget,
  lets,
  own: emptyScope.attributes,
  span: emptyScope,
  durationNs: 0,
  timeScale,
  index: 0,
  spanSlots: 0,
  traceSlots: 0,
});

/** undefined: absent. null only inside of JSON. */
export type Draw = (from: Drawing) => JsonValue | undefined;

export const attributeOf = (from: Drawing, key: string): Value | undefined =>
  from.own.get(key) ?? from.span.attributes.get(key);
