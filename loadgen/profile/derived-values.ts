// Values that follow from others of the span, so that what is sent adds up.

import type { DrawNumber } from './draw-quantity.ts';
import { attributeOf, type Draw } from './drawing.ts';
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
