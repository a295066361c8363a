// What the integers of OTLP may be.
import type { JsonCursor } from './json-cursor.ts';
import type { JsonField } from './json-fields.ts';

/** What an error says was expected. */
export const integerRanges: Partial<Record<JsonField['type'], string>> = {
  int64: `an integer from ${-(2n ** 63n)} to ${2n ** 63n - 1n}`,
  fixed64: `an integer from 0 to ${2n ** 64n - 1n}`,
  uint32: `an integer from 0 to ${2 ** 32 - 1}`,
  fixed32: `an integer from 0 to ${2 ** 32 - 1}`,
  int32: `an integer from ${-(2 ** 31)} to ${2 ** 31 - 1}`,
  enum: `an integer from ${-(2 ** 31)} to ${2 ** 31 - 1}`,
};

/** Whether the field can hold the integer that the cursor read last. */
export function isInRange({ type }: JsonField, { low, high, negative }: JsonCursor): boolean {
  const isZero = low === 0 && high === 0;
  switch (type) {
    case 'int64':
      return high < 2 ** 31 || (negative && high === 2 ** 31 && low === 0);
    case 'fixed64':
      return !negative || isZero;
    case 'uint32':
    case 'fixed32':
      return high === 0 && (!negative || isZero);
    default:
      return high === 0 && (low < 2 ** 31 || (negative && low === 2 ** 31));
  }
}
