// The text of a single value, as the Collector's older components write one. A double has no exponent there.
import type { Value } from '../wire/value.ts';

/** Of a string, bool, int or double; null for everything else. */
export function scalarText(value: Value): string | null {
  switch (typeof value) {
    case 'string':
      return value;
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'number':
      return plainDecimal(value);
  }
  return null;
}

/** strconv.FormatFloat(value, 'f', -1, 64). */
function plainDecimal(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const text = String(value);
  const found = /^(-?)(\d)(?:\.(\d+))?e([-+]\d+)$/.exec(text);
  if (found === null) return text;
  const [, sign, first, fraction = '', exponent] = found;
  const digits = first + fraction;
  const point = 1 + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, '0');
}
