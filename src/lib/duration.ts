// Durations as Go's time.ParseDuration reads them and Duration.String writes them. Exact in nanoseconds (bigint); the
// service itself counts in milliseconds (number, fractions kept).

const NANOS_PER_UNIT: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n], // micro sign
  ['\u03bcs', 1_000n], // Greek letter mu
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);

const INT64_MAX = 2n ** 63n - 1n;
const PART = /(\d*)(?:\.(\d*))?(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/y;

/** The shape of a duration as a regular expression source, for JSON Schema. Looser than the parser about overflow only. */
export const durationPattern = '^[-+]?(0|((\\d+(\\.\\d*)?|\\.\\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)$';

/** Go takes as many digits of the fraction as fit an int64 and multiplies in float64; so "0.3333333333333333333h" is 20m. */
const fractionNanos = (digits: string, unit: bigint): bigint => {
  let value = 0n;
  let scale = 1;
  for (const digit of digits) {
    const next = value * 10n + BigInt(digit);
    if (next > INT64_MAX) break;
    value = next;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(value) * (Number(unit) / scale)));
};

/** Nanoseconds of a Go duration text ("300ms", "-1.5h", "2m30s", "0"); null when Go would refuse it. */
export const parseDurationNanos = (text: string): bigint | null => {
  const negative = text.startsWith('-');
  const body = negative || text.startsWith('+') ? text.slice(1) : text;
  if (body === '0') return 0n;
  if (body === '') return null;
  let total = 0n;
  PART.lastIndex = 0;
  let end = 0;
  while (end < body.length) {
    const part = PART.exec(body);
    if (part === null) return null;
    const [, whole = '', fraction = '', unitName = ''] = part;
    if (whole === '' && fraction === '') return null;
    const unit = NANOS_PER_UNIT.get(unitName) ?? 0n;
    total += BigInt(whole === '' ? '0' : whole) * unit + fractionNanos(fraction, unit);
    if (total > INT64_MAX + (negative ? 1n : 0n)) return null;
    end = PART.lastIndex;
  }
  return negative ? -total : total;
};

/** Milliseconds of a Go duration text, fractions kept ("500us" is 0.5); null when Go would refuse it. */
export const parseDurationMs = (text: string): number | null => {
  const nanos = parseDurationNanos(text);
  return nanos === null ? null : Number(nanos) / 1e6;
};

const trimFraction = (value: bigint, digits: number): string => {
  const scale = 10n ** BigInt(digits);
  const fraction = (value % scale).toString().padStart(digits, '0').replace(/0+$/, '');
  return `${value / scale}${fraction === '' ? '' : `.${fraction}`}`;
};

/** As Go's Duration.String: "1h30m0s", "1.5s", "300ms", "0s". */
export const formatDurationNanos = (nanos: bigint): string => {
  if (nanos === 0n) return '0s';
  if (nanos < 0n) return `-${formatDurationNanos(-nanos)}`;
  if (nanos < 1_000n) return `${nanos}ns`;
  if (nanos < 1_000_000n) return `${trimFraction(nanos, 3)}\u00b5s`;
  if (nanos < 1_000_000_000n) return `${trimFraction(nanos, 6)}ms`;
  const minutes = nanos / 60_000_000_000n;
  const seconds = `${trimFraction(nanos % 60_000_000_000n, 9)}s`;
  if (minutes === 0n) return seconds;
  return minutes < 60n ? `${minutes}m${seconds}` : `${minutes / 60n}h${minutes % 60n}m${seconds}`;
};

/** As formatDurationNanos, of milliseconds (rounded to whole nanoseconds). */
export const formatDurationMs = (ms: number): string => formatDurationNanos(BigInt(Math.round(ms * 1e6)));
