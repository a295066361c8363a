// Quantity -> a function that draws amounts.
import type { Quantity } from './quantity.ts';
import { type Random, weightedPick } from './random.ts';

export type DrawNumber = (random: Random) => number;

const rangeOf = (from: number, to: number, whole: boolean): DrawNumber =>
  whole ? (random) => random.integer(from, to) : (random) => from + random.unit() * (to - from);

/** `whole`: the amounts are whole numbers. */
export const compileQuantity = (quantity: Quantity, whole: boolean): DrawNumber => {
  switch (quantity.form) {
    case 'fixed': {
      const { value } = quantity;
      return () => value;
    }
    case 'even':
      return rangeOf(quantity.from, quantity.to, whole);
    case 'weighted':
      return weightedPick(quantity.values);
    case 'log_normal': {
      const { median, p99, min, max } = quantity;
      return (random) => {
        const value = Math.min(max, Math.max(min, random.logNormal(median, p99)));
        return whole ? Math.round(value) : value;
      };
    }
  }
};
