// `sampling.priority` as a text: numbers as the Collector reads them, which is what Go's strconv.ParseFloat takes.

const digits = '[0-9](?:_?[0-9])*';
const decimal = new RegExp(`^[+-]?(?:${digits}(?:\\.(?:${digits})?)?|\\.${digits})(?:e[+-]?${digits})?$`, 'i');
const hexDigits = '[0-9a-f](?:_?[0-9a-f])*';
/** The exponent, which is a power of two, must be there. */
const hexadecimal = new RegExp(
  `^[+-]?0x(?:_?(${hexDigits})(?:\\.(${hexDigits})?)?|\\.(${hexDigits}))p([+-]?${digits})$`,
  'i',
);
const infinite = /^[+-]?inf(?:inity)?$/i;
/** A number from 2 to this on is out of range, and one below 2 to minus that is rounded to 0. */
const greatest = 1024;
const smallest = 1075;

/** Its sign; null: it is no number, or too large a one, or not a number by name. */
export function signOfPriority(text: string): -1 | 0 | 1 | null {
  const sign = text.startsWith('-') ? -1 : 1;
  if (infinite.test(text)) return sign;
  if (decimal.test(text)) {
    const number = Number(text.replaceAll('_', ''));
    if (!Number.isFinite(number)) return null;
    return number === 0 ? 0 : sign;
  }
  const parts = hexadecimal.exec(text);
  if (parts === null) return null;
  const [, whole = '', fraction = parts[3] ?? '', , exponent] = parts.map((part) => part?.replaceAll('_', ''));
  const mantissa = BigInt(`0x0${whole}${fraction}`);
  const bits = mantissa.toString(2).length - 4 * fraction.length + Number(exponent);
  if (mantissa === 0n || bits <= -smallest) return 0;
  return bits > greatest ? null : sign;
}
