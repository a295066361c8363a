// The action convert: a value to another type, as the Collector converts it.
import { parseDecimalInt, parseFloat64 } from '../../ottl/go-text.ts';
import { type Value, type ValueKind, valueKind } from '../../wire/value.ts';
import { valueText } from './value-text.ts';

interface Converter {
  /** Values of this kind need no conversion. */
  readonly kind: ValueKind;
  /** null: it cannot be converted and stays as it is. */
  convert(value: Value): Value;
}

const minInt64 = -(2n ** 63n);

/** Towards zero. What int64 cannot hold becomes its lowest value, as on the processors that Go mostly runs on. */
function truncate(value: number): bigint {
  return value >= -(2 ** 63) && value < 2 ** 63 ? BigInt(Math.trunc(value)) : minInt64;
}

export const converters: Readonly<Record<'int' | 'double' | 'string', Converter>> = {
  string: { kind: valueKind.string, convert: valueText },
  int: {
    kind: valueKind.int,
    convert(value) {
      if (typeof value === 'number') return truncate(value);
      if (typeof value === 'boolean') return value ? 1n : 0n;
      return typeof value === 'string' ? parseDecimalInt(value) : null;
    },
  },
  double: {
    kind: valueKind.double,
    convert(value) {
      if (typeof value === 'bigint' || typeof value === 'boolean') return Number(value);
      return typeof value === 'string' ? parseFloat64(value) : null;
    },
  },
};
