// The file of --expect: what the chain between generator and sink is meant to do. docs/load-expectations.md describes it.
import { z } from 'zod';
import { checkSchema } from '../../src/config/check-schema.ts';
import type { Path } from '../../src/config/node.ts';
import { parseYaml } from '../../src/config/parse.ts';
import { type Issue, makeIssue, makeSource } from '../../src/config/source.ts';
import { placeName, type Subject, spotFor } from '../../src/config/subject.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { compileRegExp, type Matcher, RegExpError } from '../../src/lib/regexp/regexp.ts';

/** An issue with a code of the table. */
const problem = (code: ErrorCode, message: string) => ({ message, params: { code } });

const regexp = z.string().transform((source, context): Matcher => {
  try {
    return compileRegExp(source);
  } catch (error) {
    if (!(error instanceof RegExpError)) throw error;
    context.issues.push({ code: 'custom', input: source, ...problem('CONFIG_REGEXP', error.message) });
    return z.NEVER;
  }
});
const matches = z.strictObject({ matches: regexp.describe('A regular expression, as RE2 reads it.') });
const text = z.union([z.string(), matches]);
const scalar = [z.string(), z.boolean(), z.bigint(), z.number()] as const;

export const spanKinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;

const dropped = z
  .strictObject({
    name: text.optional().describe('Of the span.'),
    kind: z.enum(spanKinds).optional(),
    service: text.optional().describe('Resource attribute service.name.'),
    attributes: z
      .record(z.string(), z.union([...scalar, matches, z.strictObject({ exists: z.boolean() })]))
      .prefault({})
      .describe('Of the span; all must be so.'),
  })
  .refine(
    ({ name, kind, service, attributes }) =>
      name !== undefined || kind !== undefined || service !== undefined || Object.keys(attributes).length > 0,
    problem('CONFIG_VALUE', 'must have a condition: name, kind, service or attributes'),
  );

const key = z.string().min(1);
const keys = z
  .strictObject({
    removed: z.array(key).prefault([]).describe('Keys that are not there afterwards; * stands for any characters.'),
    added: z
      .record(key, z.union([...scalar, z.strictObject({ exists: z.literal(true) })]))
      .prefault({})
      .describe('Keys that are there afterwards, with this value or with any.'),
    changed: z.array(key).prefault([]).describe('Keys whose values may differ; * stands for any characters.'),
  })
  .prefault({});

const smallest = 2 ** -56;
const sampling = z.strictObject({
  percentage: z
    .number()
    .min(0)
    .refine(
      (n) => n <= 0 || Math.fround(n) / 100 >= smallest,
      problem('CONFIG_VALUE', 'must be 0, or large enough that one of 2^56 spans is kept'),
    )
    .describe('sampling_percentage of the sampler.'),
  mode: z.enum(['hash_seed', 'proportional', 'equalizing']).prefault('hash_seed'),
  hash_seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .prefault(0),
  sampling_precision: z.int().min(1).max(14).prefault(4),
});

const schema = z.strictObject({
  dropped: z.array(dropped).prefault([]).describe('Spans that a filter drops: those that match any of these.'),
  spans: keys.describe('What is done to the attributes of spans.'),
  events: keys.describe('What is done to the attributes of span events.'),
  resources: keys.describe('What is done to the attributes of resources.'),
  scopes: keys.describe('What is done to the attributes of instrumentation scopes.'),
  sampling: sampling.optional().describe('A probabilistic_sampler.'),
});

export type ExpectConfig = z.output<typeof schema>;
export type DropConfig = ExpectConfig['dropped'][number];
export type KeyConfig = ExpectConfig['spans'];

/** A chain that does nothing. */
export const noExpectations: ExpectConfig = schema.parse({});

export type ReadExpectations = { readonly issues: readonly Issue[] } & (
  | { readonly config: null }
  | {
      readonly config: ExpectConfig;
      /** What turned out wrong later, with the value at this path. */
      issueAt(path: Path, message: string): Issue;
    }
);

/** `name`: of the file, for messages. */
export function readExpectations(name: string, yaml: string): ReadExpectations {
  const source = makeSource(name, yaml);
  const parsed = parseYaml(yaml, source);
  if (parsed.root === null) return { config: null, issues: parsed.issues };
  const subject: Subject = { name: 'expect', node: parsed.root, key: { source, offset: 0 } };
  const { value, issues } = checkSchema(schema, subject);
  if (value === null) return { config: null, issues };
  const issueAt = (path: Path, message: string): Issue =>
    makeIssue('error', spotFor(subject, path), 'CONFIG_VALUE', `${placeName(subject, path)}: ${message}`);
  return { config: value, issues, issueAt };
}
