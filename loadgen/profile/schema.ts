// What a profile file may hold. Values (of attributes, names, events) are z.unknown() here: value-spec.ts reads them.
import { z } from 'zod';
import {
  countSchema,
  depthSchema,
  durationSchema,
  eventCountSchema,
  linkCountSchema,
  oneDurationSchema,
  oneSizeSchema,
  type Quantity,
} from './quantity.ts';

const OTLP_MESSAGE_BYTES = 3 * 2 ** 20;
const SPANS_OF_A_REQUEST = 512;
const SPANS_OF_A_TRACE = 20_000;
const MOST_SPANS_OF_A_TRACE = 100_000;
/** The deepest children of a trace that says nothing. */
export const DEPTH = 64;
/** Entries of `otherwise` within one another: they are drawn by recursion. */
export const MOST_ATTEMPTS = 6;

export const chanceSchema = z.number().min(0).max(1);
export const weightSchema = z.number().min(0);
const chance = chanceSchema;
const weight = weightSchema;
const name = z.string().min(1);
const value = z.unknown();
const values = z.record(z.string().min(1), value);

const exportSchema = z
  .strictObject({
    by: z.enum(['service', 'agent']).default('service'),
    spans: countSchema.prefault(SPANS_OF_A_REQUEST),
    bytes: oneSizeSchema.prefault(OTLP_MESSAGE_BYTES),
    flush: oneDurationSchema.prefault(0),
  })
  .prefault({});

const scopeSchema = z.strictObject({
  name,
  version: z.string().default(''),
  attributes: values.prefault({}),
  schema_url: z.string().default(''),
});

const resourceSchema = z.strictObject({
  instances: z.int().min(1).max(10_000).default(1),
  attributes: values.prefault({}),
  schema_url: z.string().default(''),
  scope: scopeSchema,
});

const traceSchema = z.strictObject({
  root: name,
  weight: weight.default(1),
  spans: z.int().min(1).max(MOST_SPANS_OF_A_TRACE).default(SPANS_OF_A_TRACE),
  depth: depthSchema.prefault(DEPTH),
  let: values.prefault({}),
});

const eventSchema = z.strictObject({
  // Required, which is told where it is read.
  name: value.optional(),
  count: eventCountSchema.prefault(1),
  at: z.union([z.enum(['start', 'end', 'spread']), z.strictObject({ ms_of: name })]).default('spread'),
  when: z.enum(['ok', 'error']).optional(),
  attributes: values.prefault({}),
});

const errorSchema = z
  .strictObject({
    rate: chance.default(0),
    from_children: z.boolean().default(false),
    message: value.optional(),
    attributes: values.prefault({}),
    aborts: z.boolean().default(false),
  })
  .prefault({});

const weightedNames = z
  .record(name, weight)
  .refine((names) => Object.values(names).some((one) => one > 0), 'at least one weight must be above 0');

/** A child entry as it was parsed; it holds itself, so that its type is written out. */
export interface ChildFields {
  readonly span?: string | undefined;
  readonly one_of?: Readonly<Record<string, number>> | undefined;
  readonly count: Quantity;
  readonly chance: number;
  readonly run: 'sequence' | 'parallel' | 'async';
  readonly instance: 'same' | 'new';
  readonly gap: Quantity;
  readonly otherwise: readonly ChildFields[];
}

const childSchema: z.ZodType<ChildFields> = z
  .strictObject({
    span: name.optional(),
    one_of: weightedNames.optional(),
    count: countSchema.prefault(1),
    chance: chance.default(1),
    run: z.enum(['sequence', 'parallel', 'async']).default('sequence'),
    instance: z.enum(['same', 'new']).default('same'),
    gap: durationSchema.prefault('0s'),
    get otherwise(): z.ZodType<readonly ChildFields[], unknown> {
      return z.array(childSchema).default([]);
    },
  })
  .refine((entry) => (entry.span === undefined) !== (entry.one_of === undefined), 'needs either span or one_of');

const KINDS = ['internal', 'server', 'client', 'producer', 'consumer'] as const;

const spanSchema = z.strictObject({
  resource: name,
  scope: scopeSchema.optional(),
  name: value.optional(),
  kind: z.enum(KINDS).default('internal'),
  duration: durationSchema.prefault('0s'),
  trace_state: value.optional(),
  attributes: values.prefault({}),
  events: z.array(eventSchema).default([]),
  links: linkCountSchema.prefault(0),
  error: errorSchema,
  status: z.enum(['unset', 'ok']).default('unset'),
  children: z.array(childSchema).default([]),
});

const description = z.string().min(1);

/** A record that names at least one thing. */
const some = <T>(of: z.ZodType<T>, what: string) =>
  z.record(name, of).refine((record) => Object.keys(record).length > 0, `needs at least one ${what}`);

export const topologySchema = z.strictObject({
  description,
  export: exportSchema,
  resources: some(resourceSchema, 'resource'),
  traces: z
    .array(traceSchema)
    .min(1)
    .refine((traces) => traces.some((one) => one.weight > 0), 'at least one weight must be above 0'),
  spans: some(spanSchema, 'span'),
});

export const mixSchema = z.strictObject({ description, mix: weightedNames });

export type TopologyFields = z.output<typeof topologySchema>;
export type SpanFields = z.output<typeof spanSchema>;
export type ScopeFields = z.output<typeof scopeSchema>;
export type EventFields = z.output<typeof eventSchema>;

/** SpanKind of the OTLP. */
export const spanKind = (kind: (typeof KINDS)[number]): number => KINDS.indexOf(kind) + 1;
