// `include` and `exclude` of the components that match spans as the Collector's older ones do (span-matcher.ts).
import { z } from 'zod';
import { notBuiltIn } from './delivery-fields.ts';
import { anyValue, problem, stringList } from './fields.ts';

const attribute = z.strictObject({
  key: z.string().min(1).describe('The key of the attribute.'),
  value: anyValue()
    .optional()
    .describe('What its value must be (with match_type regexp a text to be found in it); absent: any value.'),
});

const regexpSettings = z
  .strictObject({
    cacheenabled: z.boolean().prefault(false).describe('Accepted, without effect: expressions are compiled once.'),
    cachemaxnumentries: z.int().min(0).prefault(0).describe('Accepted, without effect.'),
  })
  .optional()
  .describe('Settings of the regexp match type.');

const ofOthers = (what: string) =>
  notBuiltIn(`is about ${what}, and spans have none: a Collector refuses it for traces too`).describe(
    `About ${what}: refused, as by the Collector for traces.`,
  );

/** `include` and `exclude` of a component. */
export const matchProperties = z
  .strictObject({
    match_type: z.enum(['strict', 'regexp']).describe('Whether the texts below are compared, or are RE2 expressions.'),
    regexp: regexpSettings,
    services: stringList().describe(
      'The service.name of the resource; one that is absent counts as <nil-service-name>.',
    ),
    span_names: stringList().describe('The name of the span.'),
    span_kinds: stringList().describe('The kind of the span: SPAN_KIND_SERVER and so on.'),
    attributes: z.array(attribute).prefault([]).describe('Attributes of the span, all of which must match.'),
    resources: z.array(attribute).prefault([]).describe('Attributes of the resource, all of which must match.'),
    libraries: z
      .array(
        z.strictObject({
          name: z.string().describe('The name of the scope.'),
          version: z.string().optional().describe('Its version; absent: any, empty: only an empty one.'),
        }),
      )
      .prefault([])
      .describe('Instrumentation scopes, all of which must match.'),
    log_bodies: ofOthers('log records'),
    log_severity_texts: ofOthers('log records'),
    log_severity_number: ofOthers('log records'),
    metric_names: ofOthers('metrics'),
  })
  .refine(
    (p) =>
      [p.services, p.span_names, p.span_kinds, p.attributes, p.resources, p.libraries].some((list) => list.length > 0),
    problem(
      'CONFIG_MISSING',
      'at least one of services, span_names, span_kinds, attributes, resources and libraries is required',
    ),
  );
export type MatchProperties = z.output<typeof matchProperties>;

/** Both together, of a component that changes spans. */
export const spanSelectionFields = () => ({
  include: matchProperties.nullish().describe('Only spans that match all of this are changed.'),
  exclude: matchProperties.nullish().describe('Spans that match all of this are not changed, even when included.'),
});
