// Field helpers for the `config` schemas of components. Each gives a zod schema that can be followed by `.describe(…)`,
// `.optional()`, `.prefault(…)`; JSON Schema (input side) shows what a user writes.
//
// What the loader hands to a schema: plain objects and arrays, strings, booleans, null, and numbers. An integer comes as
// bigint only where the schema takes one (`anyValue`, z.unknown()); everywhere else it arrives as a number. A null where
// a block is expected counts as {} (`grpc:` switches a block on), any other null as an absent key. A value that came
// whole from ${env:X} arrives typed, or as its text where the schema wants a string.
import { z } from 'zod';
import type { ErrorCode } from '../errors.ts';
import { durationPattern, parseDurationMs } from '../lib/duration.ts';
import type { Value } from '../wire/value.ts';

/** An issue with a code of the table, for `.refine(test, problem('CONFIG_VALUE', 'must …'))` and `ctx.addIssue`. */
export const problem = (code: ErrorCode, message: string): { message: string; params: { code: ErrorCode } } => ({
  message,
  params: { code },
});

const absentUnless = 'False: as if the block did not stand there.';

type Context = z.core.$RefinementCtx;
const refuse = (context: Context, code: ErrorCode, message: string, input: unknown): never => {
  context.issues.push({ code: 'custom', input, ...problem(code, message) });
  return z.NEVER;
};

/** One of `values`, which are in lower case, in any case, as the Collector reads log levels, error modes and the like. */
export const caseless = <const T extends readonly [string, ...string[]]>(values: T) =>
  z
    .preprocess((value) => (typeof value === 'string' ? value.toLowerCase() : value), z.enum(values))
    .meta({ enum: values.flatMap((value) => [value, value.toUpperCase()]) });

export interface DurationOptions {
  /** 0 is refused. */
  readonly positive?: boolean;
  /** Below zero is accepted. */
  readonly negative?: boolean;
}

const toMilliseconds = (value: unknown, context: Context, options: DurationOptions): number => {
  if (value === undefined) return refuse(context, 'CONFIG_MISSING', 'a duration is required', value);
  const text = value === 0 || value === 0n ? '0' : value;
  const ms = typeof text === 'string' ? parseDurationMs(text) : null;
  if (ms === null) {
    const unit = typeof value === 'number' || typeof value === 'bigint' ? `; a number needs a unit: "${value}s"` : '';
    return refuse(context, 'CONFIG_DURATION', `not a duration such as 300ms, 1.5h or 2m30s${unit}`, value);
  }
  if (ms < 0 && options.negative !== true) {
    return refuse(context, 'CONFIG_DURATION', 'a duration here must not be negative', value);
  }
  if (ms === 0 && options.positive === true) {
    return refuse(context, 'CONFIG_DURATION', 'a duration here must be greater than 0', value);
  }
  return ms;
};

const durationSchema = (options: DurationOptions) =>
  z
    .unknown()
    .transform((value, context): number => toMilliseconds(value, context, options))
    .meta({
      type: ['string', 'integer'],
      pattern: durationPattern,
      minimum: 0,
      maximum: 0,
      examples: ['300ms', '2m30s'],
    });

/** A Go duration ("300ms", "1.5h", "2m30s", or the number 0) -> milliseconds, fractions kept. Required. */
export const requiredDurationMs = (options: DurationOptions = {}) => durationSchema(options);

/** As requiredDurationMs, with a default written as a user would: `durationMs('5s')`. */
export const durationMs = (defaultText: string, options: DurationOptions = {}) =>
  durationSchema(options).prefault(defaultText);

/** A whole number from `min` (default 0) to `max` (default 2^53 - 1). */
export const integer = (min = 0, max = Number.MAX_SAFE_INTEGER) => z.int().min(min).max(max);

/** A size in whole MiB, 0 or more; the number stays MiB. */
export const sizeMib = () =>
  z
    .int()
    .min(0)
    .max(2 ** 33)
    .meta({ examples: [4, 64] });

/** A number from 0 to 100. */
export const percentage = () => z.number().min(0).max(100);

/** A map of strings (headers, labels); default {}. */
export const stringMap = () => z.record(z.string(), z.string()).prefault({});

/** A list of texts, also as one text with commas between them, which is how the Collector reads such lists too. */
export const textList = <T extends z.ZodType<string, string>>(item: T) => {
  const list = z.array(item);
  return z.union([
    list,
    z
      .string()
      .transform((text) => (text === '' ? [] : text.split(',')))
      .pipe(list),
  ]);
};

/** A list of strings; default []. */
export const stringList = () => textList(z.string()).prefault([]);

/**
 * A block that counts where it stands in the file. `enabled: false` takes it away again, as in the Collector
 * (configoptional): what else stands in it must still be right.
 */
export const optionalBlock = <T extends z.ZodRawShape>(fields: T) =>
  z.strictObject({ ...fields, enabled: z.boolean().prefault(true).describe(absentUnless) }).transform((block) => {
    const { enabled, ...rest } = block as z.output<z.ZodObject<T>> & { readonly enabled: boolean };
    return enabled ? (rest as unknown as z.output<z.ZodObject<T, z.core.$strict>>) : undefined;
  });

/** As optionalBlock, for one that is as good as absent where nothing stands in it but comments (YAML's null). */
export const optionalUnlessEmpty = <T extends z.ZodRawShape>(fields: T) =>
  optionalBlock(fields)
    .nullish()
    .transform((block) => block ?? undefined);

/** A list of strings without repetition (`metadata_keys`), compared in lower case; default []. */
export const distinctStringList = () =>
  textList(z.string())
    .superRefine((list, context) => {
      const seen = new Set<string>();
      for (const [index, text] of list.entries()) {
        if (seen.has(text.toLowerCase())) {
          context.addIssue({
            code: 'custom',
            path: [index],
            ...problem('CONFIG_CONFLICT', `"${text}" is named twice`),
          });
        }
        seen.add(text.toLowerCase());
      }
    })
    .prefault([]);

const toValue = (raw: unknown): Value | undefined => {
  if (raw === null || typeof raw === 'string' || typeof raw === 'boolean' || typeof raw === 'bigint') return raw;
  if (typeof raw === 'number') return raw;
  if (Array.isArray(raw)) {
    const items = raw.map(toValue);
    return items.some((item) => item === undefined) ? undefined : (items as Value[]);
  }
  if (typeof raw !== 'object') return undefined;
  const map = new Map<string, Value>();
  for (const [key, item] of Object.entries(raw)) {
    const value = toValue(item);
    if (value === undefined) return undefined;
    map.set(key, value);
  }
  return map;
};

/**
 * Any OTLP value as YAML writes one: `1` gives the int 1n, `1.0` the double 1, a map a Map, a list an array; null is null.
 * Required unless `.optional()` follows.
 */
export const anyValue = () =>
  z
    .unknown()
    .transform((raw, context): Value => {
      const value = toValue(raw);
      return value === undefined ? refuse(context, 'CONFIG_MISSING', 'a value is required', raw) : value;
    })
    .meta({ type: ['string', 'number', 'boolean', 'array', 'object', 'null'] });

const portOf = (text: string): number | null => {
  const match = /:(\d{1,5})$/.exec(text);
  const port = match === null ? -1 : Number(match[1]);
  return port >= 0 && port <= 65_535 ? port : null;
};

/** `host:port` to listen on; `:4317`, `[::1]:4317` and port 0 are fine. */
export const listenAddress = () =>
  z
    .string()
    .refine((text) => portOf(text) !== null, problem('CONFIG_VALUE', 'not host:port, such as localhost:4317'))
    .meta({
      pattern: ':[0-9]{1,5}$',
      examples: ['localhost:4317', '0.0.0.0:4317'],
    });

/** The block `dialer` of a server, which the Collector takes since its addresses are those of clients too. */
export const dialer = () =>
  z
    .strictObject({ timeout: durationMs('0s').describe('Accepted, without effect: a server connects to nobody.') })
    .optional()
    .describe('Accepted, without effect.');
