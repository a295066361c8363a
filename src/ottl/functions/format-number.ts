// Numbers as Go's fmt and strconv write them. Rounding is exact: from all decimal digits of the double, half to even.
import { type Flags, pad, padSpaces } from './format-flags.ts';

/** `verb`: the letter, for the case of hex digits and the prefix of O. */
export function formatInteger(value: bigint, base: 2 | 8 | 10 | 16, verb: string, flags: Flags): string {
  const negative = value < 0n;
  const { minus, plus, sharp, space, zero, width, precision } = flags;
  if (precision === 0 && value === 0n) return padSpaces('', flags);
  let least = precision;
  if (precision < 0 && zero && !minus && width > 0) least = width - (negative || plus || space ? 1 : 0);
  let digits = (negative ? -value : value).toString(base).padStart(least, '0');
  if (sharp && base === 2) digits = `0b${digits}`;
  if (sharp && base === 8 && !digits.startsWith('0')) digits = `0${digits}`;
  if (sharp && base === 16) digits = `0x${digits}`;
  if (verb === 'O') digits = `0o${digits}`;
  if (verb === 'X') digits = digits.toUpperCase();
  const sign = negative ? '-' : plus ? '+' : space ? ' ' : '';
  return padSpaces(sign + digits, flags);
}

/** `verb`: one of e E f g G x X b. */
export function formatDouble(value: number, verb: string, precision: number, flags: Flags): string {
  const { minus, plus, sharp, space, zero, width } = flags;
  const negative = value < 0 || Object.is(value, -0);
  const sign = negative ? '-' : plus ? '+' : space ? ' ' : '';
  if (Number.isNaN(value)) return padSpaces(`${sign}NaN`, flags);
  if (!Number.isFinite(value)) return padSpaces(`${sign === '' ? '+' : sign}Inf`, flags);
  let digits = writeDouble(Math.abs(value), verb, precision);
  if (sharp && verb !== 'b') digits = withPoint(digits, verb, precision);
  // The sign stands before the zeros.
  if (sign !== '' && zero && !minus && width > digits.length + 1) return sign + digits.padStart(width - 1, '0');
  return pad(sign + digits, flags);
}

function writeDouble(value: number, verb: string, precision: number): string {
  switch (verb) {
    case 'f':
      return precision < 0 ? fixed(shortest(value), -1) : fixed(exact(value), precision);
    case 'e':
    case 'E':
      return inCase(exponential(precision < 0 ? shortest(value) : exact(value), precision), verb);
    case 'g':
    case 'G':
      return inCase(general(value, precision), verb);
    case 'b': {
      const { mantissa, exponent } = binary(value);
      return `${mantissa}p${exponent < 0 ? '-' : '+'}${Math.abs(exponent)}`;
    }
    default:
      return inCase(hexadecimal(value, precision), verb);
  }
}

function inCase(text: string, verb: string): string {
  return verb === 'E' || verb === 'G' || verb === 'X' ? text.toUpperCase() : text;
}

/** 0.`digits` times ten to the power of `point`; no digits: zero. */
interface Decimal {
  readonly digits: string;
  readonly point: number;
}

/** value = mantissa * 2 ** exponent */
function binary(value: number): { mantissa: bigint; exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const raw = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  return raw === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | 0x10000000000000n, exponent: raw - 1075 };
}

/** All digits of the double. */
function exact(value: number): Decimal {
  if (value === 0) return { digits: '', point: 0 };
  const { mantissa, exponent } = binary(value);
  if (exponent >= 0) {
    const digits = (mantissa << BigInt(exponent)).toString();
    return { digits, point: digits.length };
  }
  const digits = (mantissa * 5n ** BigInt(-exponent)).toString();
  return { digits, point: digits.length + exponent };
}

/** As few digits as tell the double from all others. */
function shortest(value: number): Decimal {
  if (value === 0) return { digits: '', point: 0 };
  const [number, exponent] = value.toExponential().split('e');
  return { digits: number.replace('.', ''), point: Number(exponent) + 1 };
}

function rounded({ digits, point }: Decimal, keep: number): Decimal {
  if (keep < 0) return { digits: '', point: 0 };
  if (digits.length <= keep) return { digits, point };
  const kept = digits.slice(0, keep);
  const rest = digits.slice(keep);
  const isHalf = /^50*$/.test(rest);
  const isOdd = Number(kept.at(-1) ?? '0') % 2 === 1;
  if (rest[0] < '5' || (isHalf && !isOdd)) return { digits: kept, point };
  const up = (BigInt(`0${kept}`) + 1n).toString();
  return up.length > keep ? { digits: up, point: point + 1 } : { digits: up.padStart(keep, '0'), point };
}

/** precision -1: all digits that there are. */
function fixed(decimal: Decimal, precision: number): string {
  const { digits, point } = precision < 0 ? decimal : rounded(decimal, decimal.point + precision);
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0';
  const behind = (point < 0 ? '0'.repeat(-point) : '') + digits.slice(Math.max(0, point));
  const fraction = precision < 0 ? behind : behind.padEnd(precision, '0').slice(0, precision);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

function exponential(decimal: Decimal, precision: number): string {
  const { digits, point } = precision < 0 ? decimal : rounded(decimal, precision + 1);
  const exponent = digits === '' ? 0 : point - 1;
  const first = digits[0] ?? '0';
  const rest = precision < 0 ? digits.slice(1) : digits.slice(1).padEnd(precision, '0').slice(0, precision);
  const size = String(Math.abs(exponent)).padStart(2, '0');
  return `${first}${rest === '' ? '' : `.${rest}`}e${exponent < 0 ? '-' : '+'}${size}`;
}

function general(value: number, precision: number): string {
  const wanted = precision === 0 ? 1 : precision;
  const decimal = precision < 0 ? shortest(value) : rounded(exact(value), wanted);
  const digits = decimal.digits.replace(/0+$/, '');
  let limit = wanted;
  if (limit > digits.length && digits.length >= decimal.point) limit = digits.length;
  if (precision < 0) limit = 6;
  const exponent = digits === '' ? 0 : decimal.point - 1;
  const trimmed = { digits, point: digits === '' ? 0 : decimal.point };
  return exponent < -4 || exponent >= Math.max(limit, 1) ? exponential(trimmed, -1) : fixed(trimmed, -1);
}

/** 0x1.8p+01 */
function hexadecimal(value: number, precision: number): string {
  let { mantissa, exponent } = binary(value);
  if (mantissa === 0n) return `0x0${precision > 0 ? `.${'0'.repeat(precision)}` : ''}p+00`;
  const shift = 53 - mantissa.toString(2).length;
  mantissa <<= BigInt(shift);
  exponent += 52 - shift;
  if (precision >= 0 && precision < 13) {
    const unit = 1n << BigInt(4 * (13 - precision));
    const rest = mantissa % unit;
    mantissa -= rest;
    if (rest * 2n > unit || (rest * 2n === unit && (mantissa / unit) % 2n === 1n)) mantissa += unit;
    if (mantissa >> 53n !== 0n) {
      mantissa >>= 1n;
      exponent++;
    }
  }
  const all = mantissa.toString(16);
  const fraction =
    precision < 0 ? all.slice(1).replace(/0+$/, '') : all.slice(1).padEnd(precision, '0').slice(0, precision);
  const size = String(Math.abs(exponent)).padStart(2, '0');
  return `0x${all[0]}${fraction === '' ? '' : `.${fraction}`}p${exponent < 0 ? '-' : '+'}${size}`;
}

/** What # makes of a number: it has a point, and for g and x the zeros at its end, of which Go counts digits of x with its prefix. */
function withPoint(digits: string, verb: string, precision: number): string {
  const isHex = verb === 'x' || verb === 'X';
  const tailAt = digits.search(isHex ? /p/i : /e/i);
  const tail = tailAt < 0 ? '' : digits.slice(tailAt);
  let head = tailAt < 0 ? digits : digits.slice(0, tailAt);
  let missing = 0;
  if (verb === 'g' || verb === 'G' || verb === 'x') {
    const significant = head.replace('.', '').replace(/^0+/, '').length;
    missing = (precision < 0 ? 6 : precision) - significant - (head === '0' ? 1 : 0);
  }
  if (!head.includes('.')) head += '.';
  return head + '0'.repeat(Math.max(0, missing)) + tail;
}
