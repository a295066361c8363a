// How many, how long, how large: one value, an even range, a log-normal distribution or weighted values. The same forms
// for counts, durations, sizes and plain numbers; only how an amount is written differs.
import { z } from 'zod';
import type { ErrorCode } from '../../src/errors.ts';
import { parseDurationNanos } from '../../src/lib/duration.ts';
import { nearest } from '../../src/lib/nearest.ts';

/** Amounts are whole numbers (counts, nanoseconds, bytes), but those of a `number`. */
export type Quantity =
  | { readonly form: 'fixed'; readonly value: number }
  | { readonly form: 'even'; readonly from: number; readonly to: number }
  | {
      readonly form: 'log_normal';
      readonly median: number;
      readonly p99: number;
      readonly min: number;
      readonly max: number;
    }
  | { readonly form: 'weighted'; readonly values: readonly { readonly value: number; readonly weight: number }[] };

/** How amounts of one sort are written. */
interface Unit {
  /** `a count such as 3, 1..4 …`, for messages. */
  readonly hint: string;
  readonly code: ErrorCode;
  /** What a message says beside the hint about a bare number, where that is refused. */
  readonly bare: string;
  /** The amount, or null. `raw`: a number (whole ones too) or a string without `..`. */
  read(raw: number | string): number | null;
  readonly least: number;
  readonly most: number;
  /** The limits as a message names them. */
  readonly limits: string;
}

const DAY_NS = 86_400_000_000_000;
const MOST_COUNT = 1_000_000;
const MOST_BYTES = 64 * 2 ** 20;

/** A log-normal value is this many times its 99th percentile at most, where no `max` is written. */
const DEFAULT_MAX = 10;

const wholeFrom = (raw: number | string): number | null => {
  if (typeof raw === 'number') return Number.isInteger(raw) ? raw : null;
  return /^-?\d+$/.test(raw) ? Number(raw) : null;
};

const SIZE_UNITS: ReadonlyMap<string, number> = new Map([
  ['B', 1],
  ['KB', 1000],
  ['MB', 1_000_000],
  ['KiB', 2 ** 10],
  ['MiB', 2 ** 20],
]);

const sizeFrom = (raw: number | string): number | null => {
  if (typeof raw === 'number') return Number.isInteger(raw) ? raw : null;
  const match = /^(\d+(?:\.\d+)?) ?([A-Za-z]+)$/.exec(raw);
  const unit = SIZE_UNITS.get(match?.[2] ?? '');
  return match === null || unit === undefined ? null : Math.round(Number(match[1]) * unit);
};

const durationFrom = (raw: number | string): number | null => {
  if (typeof raw === 'number') return raw === 0 ? 0 : null;
  const nanos = parseDurationNanos(raw);
  return nanos === null ? null : Number(nanos);
};

const count: Unit = {
  hint: 'a count such as 3, 1..4, { median: 5, p99: 60 } or { one_of: { 1: 70, 2: 30 } }',
  code: 'CONFIG_VALUE',
  bare: '',
  read: wholeFrom,
  least: 0,
  most: MOST_COUNT,
  limits: '0 to 1000000',
};

/** As a count, but the value of an attribute, which may be below 0 and is not limited. */
const whole: Unit = {
  ...count,
  hint: 'a whole number such as 3, 1..4, { median: 5, p99: 60 } or { one_of: { 200: 95, 500: 5 } }',
  least: Number.MIN_SAFE_INTEGER,
  most: Number.MAX_SAFE_INTEGER,
  limits: 'a safe integer',
};

/** Spans are drawn by recursion, so that their depth has an end. */
const MOST_DEPTH = 128;

const depth: Unit = {
  ...count,
  least: 1,
  most: MOST_DEPTH,
  limits: `1 to ${MOST_DEPTH}`,
};

/** As a count of things of which a span has few. */
const few = (most: number): Unit => ({
  ...count,
  most,
  limits: `0 to ${most}`,
});

const duration: Unit = {
  hint: 'a duration such as 20ms, 5ms..50ms or { median: 800ms, p99: 12s }',
  code: 'CONFIG_DURATION',
  bare: '; a number needs a unit: "5ms"',
  read: durationFrom,
  least: 0,
  most: DAY_NS,
  limits: '0 to 24h',
};

const size: Unit = {
  hint: 'a size such as 512B, 2KB..200KB or { median: 8KiB, p99: 1MiB }',
  code: 'CONFIG_VALUE',
  bare: '',
  read: sizeFrom,
  least: 0,
  most: MOST_BYTES,
  limits: '0 to 64MiB',
};

const real: Unit = {
  hint: 'a number such as 0.7, 0.0..1.0 or { median: 0.2, p99: 0.9 }',
  code: 'CONFIG_VALUE',
  bare: '',
  read: (raw) => {
    if (typeof raw === 'number') return raw;
    return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(raw) ? Number(raw) : null;
  },
  least: -Number.MAX_VALUE,
  most: Number.MAX_VALUE,
  limits: 'a finite number',
};

const share: Unit = {
  ...real,
  hint: 'a share such as 0.7 or 0.0..0.9',
  least: 0,
  most: 1,
  limits: '0 to 1',
};

type Context = z.core.$RefinementCtx;

const KEYS = ['median', 'p99', 'min', 'max', 'one_of'] as const;
type Key = (typeof KEYS)[number];
type Fields = Readonly<Partial<Record<Key, unknown>>>;

const refuse = (context: Context, code: ErrorCode, message: string, path: (string | number)[] = []): null => {
  context.issues.push({ code: 'custom', input: undefined, message, path, params: { code } });
  return null;
};

/** One amount; null when it was refused. */
const readAmount = (
  unit: Unit,
  raw: unknown,
  context: Context,
  path: (string | number)[],
  key?: string,
): number | null => {
  // Of a key no message shows the text by itself.
  const quoted = key === undefined ? '' : `"${key}" is `;
  const plain = typeof raw === 'bigint' ? Number(raw) : raw;
  const value = typeof plain === 'number' || typeof plain === 'string' ? unit.read(plain) : null;
  if (value === null) {
    const hint = typeof plain === 'number' ? unit.bare : '';
    return refuse(context, unit.code, `${quoted}not ${unit.hint}${hint}`, path);
  }
  if (value >= unit.least && value <= unit.most) return value;
  return refuse(context, unit.code, `${key === undefined ? '' : `"${key}" `}must be ${unit.limits}`, path);
};

const readRange = (unit: Unit, text: string, context: Context): Quantity | null => {
  const [low, high, ...rest] = text.split('..').map((part) => part.trim());
  if (rest.length > 0) return refuse(context, unit.code, `not ${unit.hint}`);
  const from = readAmount(unit, low, context, []);
  const to = from === null ? null : readAmount(unit, high, context, []);
  if (from === null || to === null) return null;
  if (from > to) return refuse(context, 'CONFIG_VALUE', 'the range ends before it begins');
  return { form: 'even', from, to };
};

const readWeighted = (unit: Unit, fields: Fields, context: Context): Quantity | null => {
  const others = Object.keys(fields).filter((key) => key !== 'one_of');
  if (others.length > 0) return refuse(context, 'CONFIG_CONFLICT', `one_of and ${others[0]} do not go together`);
  const { one_of: choices } = fields;
  if (typeof choices !== 'object' || choices === null || Array.isArray(choices)) {
    return refuse(context, 'CONFIG_TYPE', 'expected a map of amounts and their weights, as { 1: 70, 2: 30 }', [
      'one_of',
    ]);
  }
  const values: { value: number; weight: number }[] = [];
  for (const [key, raw] of Object.entries(choices)) {
    const value = readAmount(unit, key, context, ['one_of'], key);
    const weight = readWeight(raw, context, ['one_of', key]);
    if (value === null || weight === null) return null;
    values.push({ value, weight });
  }
  if (!values.some(({ weight }) => weight > 0)) {
    return refuse(context, 'CONFIG_VALUE', 'at least one weight must be above 0', ['one_of']);
  }
  return { form: 'weighted', values };
};

const readWeight = (raw: unknown, context: Context, path: (string | number)[]): number | null => {
  const weight = typeof raw === 'bigint' ? Number(raw) : raw;
  if (typeof weight === 'number' && Number.isFinite(weight) && weight >= 0) return weight;
  return refuse(context, 'CONFIG_VALUE', 'a weight is a number of at least 0', path);
};

const readLogNormal = (unit: Unit, fields: Fields, context: Context): Quantity | null => {
  for (const key of ['median', 'p99'] as const) {
    if (fields[key] === undefined) return refuse(context, 'CONFIG_MISSING', `needs ${key} (or one_of)`);
  }
  const median = readAmount(unit, fields.median, context, ['median']);
  const p99 = readAmount(unit, fields.p99, context, ['p99']);
  const min = fields.min === undefined ? 0 : readAmount(unit, fields.min, context, ['min']);
  if (median === null || p99 === null || min === null) return null;
  if (median <= 0) return refuse(context, 'CONFIG_VALUE', 'the median must be above 0', ['median']);
  if (p99 < median) return refuse(context, 'CONFIG_VALUE', 'must not be below the median', ['p99']);
  const max =
    fields.max === undefined ? Math.min(p99 * DEFAULT_MAX, unit.most) : readAmount(unit, fields.max, context, ['max']);
  if (max === null) return null;
  if (max < median) return refuse(context, 'CONFIG_VALUE', 'must not be below the median', ['max']);
  if (min > median) return refuse(context, 'CONFIG_VALUE', 'must not be above the median', ['min']);
  return { form: 'log_normal', median, p99, min, max };
};

const readFields = (unit: Unit, map: object, context: Context): Quantity | null => {
  const unknown = Object.keys(map).filter((key) => !KEYS.some((known) => known === key));
  if (unknown.length > 0) {
    // Where nothing is near the key, this is not meant as a quantity at all.
    if (Object.keys(map).length === unknown.length && unknown.every((key) => nearest(key, KEYS) === undefined)) {
      return refuse(context, 'CONFIG_TYPE', `not ${unit.hint}`);
    }
    context.issues.push({ code: 'unrecognized_keys', keys: unknown, input: map as Record<string, unknown>, path: [] });
    return null;
  }
  const fields: Fields = map;
  return 'one_of' in fields ? readWeighted(unit, fields, context) : readLogNormal(unit, fields, context);
};

const readQuantity = (unit: Unit, raw: unknown, context: Context): Quantity | null => {
  if (raw === undefined || raw === null) return refuse(context, 'CONFIG_MISSING', `expected ${unit.hint}`);
  if (typeof raw === 'object' && !Array.isArray(raw)) return readFields(unit, raw, context);
  if (typeof raw === 'string' && raw.includes('..')) return readRange(unit, raw, context);
  const value = readAmount(unit, raw, context, []);
  return value === null ? null : { form: 'fixed', value };
};

const quantitySchema = (unit: Unit) =>
  z
    .unknown()
    .transform((raw, context): Quantity => readQuantity(unit, raw, context) ?? z.NEVER)
    .meta({ properties: Object.fromEntries(KEYS.map((key) => [key, {}])) });

const singleSchema = (unit: Unit, hint: string, least: number) =>
  z.unknown().transform((raw, context): number => {
    const value = readAmount({ ...unit, hint }, raw, context, []);
    if (value !== null && value < least) refuse(context, unit.code, 'must be above 0');
    return value ?? z.NEVER;
  });

export const countSchema = quantitySchema(count);
export const depthSchema = quantitySchema(depth);
export const wholeSchema = quantitySchema(whole);
export const durationSchema = quantitySchema(duration);
export const sizeSchema = quantitySchema(size);
export const numberSchema = quantitySchema(real);
export const shareSchema = quantitySchema(share);
export const linkCountSchema = quantitySchema(few(128));
export const eventCountSchema = quantitySchema(few(10_000));

/** One size above 0, in bytes. */
export const oneSizeSchema = singleSchema(size, 'a size such as 512KB or 3MiB', 1);
/** One duration, in nanoseconds. */
export const oneDurationSchema = singleSchema(duration, 'a duration such as 5s', 0);

/** The least that a quantity can be. */
export const leastOf = (quantity: Quantity): number => {
  switch (quantity.form) {
    case 'fixed':
      return quantity.value;
    case 'even':
      return quantity.from;
    case 'log_normal':
      return quantity.min;
    case 'weighted':
      return Math.min(...quantity.values.filter(({ weight }) => weight > 0).map(({ value }) => value));
  }
};
