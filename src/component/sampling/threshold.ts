// Consistent-probability sampling: a span is kept when its randomness R is not below the threshold T, both out of 2^56.
// A number of 56 bits does not fit a double, so it is two halves of 28 bits.

/** high * 2^28 + low; `low` and `high` below 2^28, but for `never`. */
export interface Bits56 {
  readonly high: number;
  readonly low: number;
}

export const half = 2 ** 28;
/** Most hex digits of a threshold, and the number that randomness always has. */
export const hexDigits = 14;
const digitsOfHalf = hexDigits / 2;
const all = 2 ** 56;
/** The smallest probability that has a threshold. */
export const minProbability = 1 / all;

export const always: Bits56 = { high: 0, low: 0 };
/** 2^56: above every randomness. */
export const never: Bits56 = { high: half, low: 0 };
/** The randomness that every threshold but `never` lets pass. */
export const topRandomness: Bits56 = { high: half - 1, low: half - 1 };

export function notBelow(a: Bits56, b: Bits56): boolean {
  return a.high > b.high || (a.high === b.high && a.low >= b.low);
}

const bits = new DataView(new ArrayBuffer(8));
/** The exponent e of x = f * 2^e with f in [0.5, 1). For normal numbers above 0. */
function exponentOf(x: number): number {
  bits.setFloat64(0, x);
  return ((bits.getUint16(0) >>> 4) & 0x7ff) - 1022;
}

/**
 * The threshold that keeps `probability` of all spans, rounded half up to so many significant hex digits; near 0 and 1
 * the leading digits 0 and f do not count. Null when the probability is not in [2^-56, 1].
 */
export function thresholdOf(probability: number, precision: number): Bits56 | null {
  if (!(probability >= minProbability && probability <= 1)) return null;
  if (probability === 1) return always;
  const leading = Math.max(Math.trunc(exponentOf(probability) / -4), Math.trunc(exponentOf(1 - probability) / -4));
  const digits = Math.min(hexDigits, precision + leading);
  // Both products are exact: a scaling by a power of two, and an integer below 2^56 with at most 53 significant bits.
  const kept = Math.round(probability * all);
  const keptHigh = Math.floor(kept / half);
  const keptLow = kept - keptHigh * half;
  let high = half - keptHigh - (keptLow > 0 ? 1 : 0);
  let low = keptLow > 0 ? half - keptLow : 0;
  const cut = 4 * (hexDigits - digits);
  if (cut > 28) {
    const unit = 2 ** (cut - 28);
    high = Math.floor((high + unit / 2) / unit) * unit;
    low = 0;
  } else if (cut > 0) {
    const unit = 2 ** cut;
    low = Math.floor((low + unit / 2) / unit) * unit;
    if (low >= half) {
      low -= half;
      high++;
    }
  }
  return { high, low };
}

/** The share of spans that pass the threshold, as near as a double can say it. */
export function probabilityOf(threshold: Bits56): number {
  return ((half - threshold.high) * half - threshold.low) / all;
}

const anyHex = /^[0-9a-fA-F]{1,14}$/;

/** 1 to 14 hex digits, the rest being zeros; null when it is something else. */
export function parseThreshold(text: string): Bits56 | null {
  return anyHex.test(text) ? fromDigits(text.padEnd(hexDigits, '0')) : null;
}
/** Exactly 14 hex digits. */
export function parseRandomness(text: string): Bits56 | null {
  return text.length === hexDigits && anyHex.test(text) ? fromDigits(text) : null;
}
function fromDigits(text: string): Bits56 {
  return {
    high: Number.parseInt(text.slice(0, digitsOfHalf), 16),
    low: Number.parseInt(text.slice(digitsOfHalf), 16),
  };
}

/** As `rv` writes it. */
export function randomnessText(value: Bits56): string {
  return digits(value.high) + digits(value.low);
}
const digits = (n: number): string => n.toString(16).padStart(digitsOfHalf, '0');

/** As `th` writes it, without trailing zeros; '' for `never`, which has no text. */
export function thresholdText(value: Bits56): string {
  if (value.high >= half) return '';
  return randomnessText(value).replace(/0+$/, '') || '0';
}
