// Values that follow from others of the span, so that what is sent adds up.

import type { Value } from '../corpus/shape.ts';
import type { DrawNumber } from './draw-quantity.ts';
import { type AttributeScope, attributeOf, type Draw } from './drawing.ts';
import { asText, textLength } from './text.ts';
import type { DurationUnit } from './value-spec.ts';

const CHARACTERS_OF_A_TOKEN = 4;
const NANOSECONDS: Readonly<Record<DurationUnit, number>> = { ns: 1, ms: 1e6, s: 1e9 };

/** A Double where one of the summands is one. */
export const compileSum = (keys: readonly string[]): Draw => {
  return (from) => {
    let sum = 0;
    let whole = true;
    for (const key of keys) {
      const value = attributeOf(from, key);
      if (typeof value === 'number') sum += value;
      if (typeof value !== 'object' || !('double' in value)) continue;
      sum += value.double;
      whole = false;
    }
    return whole ? sum : { double: sum };
  };
};

const numberOf = (value: Value | undefined): number | null => {
  if (typeof value === 'number') return value;
  return typeof value === 'object' && 'double' in value ? value.double : null;
};

/** Adds up what the nearest spans below have; whether they all are whole goes to `total.whole`. */
const addBelow = (
  scopes: readonly AttributeScope[],
  key: string,
  total: { sum: number; count: number; whole: boolean },
) => {
  for (const { attributes, below } of scopes) {
    const value = attributes.get(key);
    const number = numberOf(value);
    if (number === null) addBelow(below, key, total);
    else {
      total.sum += number;
      total.count++;
      if (typeof value !== 'number') total.whole = false;
    }
  }
};

/** Absent where no span below has it; a Double where one of them has one. */
export const compileSumBelow = (key: string): Draw => {
  return (from) => {
    const total = { sum: 0, count: 0, whole: true };
    addBelow(from.span.below, key, total);
    if (total.count === 0) return undefined;
    return total.whole ? total.sum : { double: total.sum };
  };
};

/** Absent where one is absent, or the second one 0. */
export const compileRatio = ([key, by]: readonly string[], times: number): Draw => {
  return (from) => {
    const [value, divisor] = [numberOf(attributeOf(from, key)), numberOf(attributeOf(from, by))];
    if (value === null || divisor === null || divisor === 0) return undefined;
    return { double: (times * value) / divisor };
  };
};

/** Whole, at least 1, and of the duration as the profile has it: a stream that is played faster has as many. */
export const compilePerSecond = (rate: DrawNumber): Draw => {
  return (from) => {
    const seconds = from.durationNs / NANOSECONDS.s / from.timeScale;
    return Math.max(1, Math.round(seconds * rate(from.random)));
  };
};

export const compileTokens = (key: string): Draw => {
  return (from) => {
    const value = attributeOf(from, key);
    return value === undefined ? undefined : Math.ceil(textLength(asText(value)) / CHARACTERS_OF_A_TOKEN);
  };
};

/** Absent where the attribute is absent or not whole. */
export const compileShare = (key: string, share: DrawNumber): Draw => {
  return (from) => {
    const value = attributeOf(from, key);
    const part = share(from.random);
    return typeof value === 'number' ? Math.floor(value * part) : undefined;
  };
};

/** Whole nanoseconds, in the unit: a Double, but for `ns`. */
export const compileDuration = (unit: DurationUnit, share: DrawNumber): Draw => {
  return (from) => {
    const nanos = Math.floor(from.durationNs * share(from.random));
    return unit === 'ns' ? nanos : { double: nanos / NANOSECONDS[unit] };
  };
};
