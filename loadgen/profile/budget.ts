// What one trace may hold, and what all resources together: so that a profile is refused before it fills the memory.
import { SpanmillError } from '../../src/errors.ts';
import type { FreshText } from '../corpus/shape.ts';
import { isFreshText, type JsonValue, textLength } from './text.ts';

const MOST_BYTES = 128 * 2 ** 20;
const MOST_VALUES = 2_000_000;
const NUMBER_BYTES = 8;

export interface Budget {
  /** What is being drawn, for the message: `the span "chat"`. */
  what: string;
  /** Throws a SpanmillError that names `what` when there is more than fits. Spans, events and links are values too. */
  take(values: number, bytes: number): void;
}

/** `whole`: what the budget is for, as `a trace`. */
export const createBudget = (whole: string): Budget => {
  let values = MOST_VALUES;
  let bytes = MOST_BYTES;
  return {
    what: whole,
    take(moreValues, moreBytes) {
      values -= moreValues;
      bytes -= moreBytes;
      if (values >= 0 && bytes >= 0) return;
      const most = bytes < 0 ? `${MOST_BYTES / 2 ** 20} MiB` : `${MOST_VALUES} values`;
      throw new SpanmillError('CONFIG_VALUE', `${this.what} draws too much: ${whole} may hold ${most} at most`);
    },
  };
};

/** Of a text or a number; texts count a byte for each character. */
const bytesOf = (value: string | number | boolean | FreshText | Uint8Array | { readonly double: number }): number => {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || 'double' in value) return NUMBER_BYTES;
  return isFreshText(value) ? textLength(value) : value.length;
};

const isList = (value: object): value is readonly JsonValue[] => Array.isArray(value);

/** Takes a value with all that is in it. */
export const takeWhole = (budget: Budget, value: JsonValue): void => {
  if (value === null) {
    budget.take(1, NUMBER_BYTES);
  } else if (typeof value === 'object' && isList(value)) {
    budget.take(1, 0);
    for (const item of value) takeWhole(budget, item);
  } else if (value instanceof Map) {
    budget.take(1, 0);
    for (const [key, item] of value) {
      budget.take(0, key.length);
      takeWhole(budget, item);
    }
  } else {
    budget.take(1, bytesOf(value as Parameters<typeof bytesOf>[0]));
  }
};
