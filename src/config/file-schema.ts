// JSON Schema of a whole configuration file, for editors: every component under its section, `service:` included.
import type { AnyDefinition, Registry } from '../component/registry.ts';
import { inputSchema, type JsonSchema } from './known-keys.ts';
import { serviceSchema } from './service-schema.ts';

const REFERENCE = { $ref: '#/$defs/reference' };
/** Where a null counts as {} or as an absent key. */
const NOTHING = { type: 'null' };

const takesText = (schema: JsonSchema): boolean =>
  schema.type === 'string' && schema.enum === undefined && schema.pattern === undefined;

const isEmpty = (schema: JsonSchema): boolean => Object.keys(schema).every((key) => key === 'description');

const mapValues = (
  record: Readonly<Record<string, JsonSchema>>,
  change: (schema: JsonSchema) => JsonSchema,
): Record<string, JsonSchema> =>
  Object.fromEntries(Object.entries(record).map(([key, schema]) => [key, change(schema)]));

/** A value as a file may hold it: also as `${…}`, also left empty. Its own description and default stay outside. */
const asWritten = (schema: JsonSchema): JsonSchema => {
  const inner = relax(schema);
  if (isEmpty(inner)) return inner;
  const { description, default: initial, ...rest } = inner;
  const outside = {
    ...(description === undefined ? {} : { description }),
    ...(initial === undefined ? {} : { default: initial }),
  };
  const optional = schema.required === undefined ? [NOTHING] : [];
  return { ...outside, anyOf: [rest, ...(takesText(schema) ? [] : [REFERENCE]), ...optional] };
};

/** The same schema with every value below it as a file may hold it. */
const relax = (schema: JsonSchema): JsonSchema => {
  const { $schema: _, ...result } = schema as JsonSchema & { $schema?: unknown };
  const changed: Record<string, unknown> = { ...result };
  if (schema.properties !== undefined) changed.properties = mapValues(schema.properties, asWritten);
  if (typeof schema.additionalProperties === 'object')
    changed.additionalProperties = asWritten(schema.additionalProperties);
  if (typeof schema.items === 'object') changed.items = asWritten(schema.items);
  for (const key of ['anyOf', 'oneOf', 'allOf'] as const) {
    const parts = schema[key];
    if (parts !== undefined) changed[key] = parts.map(relax);
  }
  return changed;
};

const componentSchema = (definition: AnyDefinition): JsonSchema => {
  const { description: _, ...schema } = relax(inputSchema(definition.config));
  const { $schema: __, ...body } = schema;
  const optional = body.required === undefined ? [NOTHING] : [];
  const summary = { description: `${definition.summary} Stability: ${definition.stability}.` };
  return {
    ...summary,
    anyOf: [body, REFERENCE, ...optional],
    examples: definition.examples.map((example) => example.yaml),
  };
};

const sectionSchema = (kind: string, definitions: readonly AnyDefinition[]): JsonSchema => {
  const patternProperties: Record<string, JsonSchema> = {};
  for (const definition of definitions) {
    const names = [definition.type, ...definition.aliases];
    patternProperties[`^(${names.join('|')})(/.+)?$`] = componentSchema(definition);
  }
  return {
    description: `The ${kind}, by component id: type or type/name.`,
    anyOf: [{ type: 'object', patternProperties, additionalProperties: false }, NOTHING],
  };
};

const serviceSection = (): JsonSchema => {
  const schema = relax(inputSchema(serviceSchema));
  const pipelines = inputSchema(serviceSchema).properties?.pipelines;
  const pipeline = pipelines?.additionalProperties;
  const body = typeof pipeline === 'object' ? relax(pipeline) : {};
  return {
    ...schema,
    description: 'What is started, and the pipelines.',
    properties: {
      ...schema.properties,
      pipelines: {
        description: pipelines?.description,
        type: 'object',
        patternProperties: { '^traces(/.+)?$': body },
        additionalProperties: false,
        minProperties: 1,
      },
    },
  };
};

/** JSON Schema (draft 2020-12) of a configuration file with the components of `registry`. */
export const fileSchema = (registry: Registry): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'spanmill configuration',
  type: 'object',
  properties: {
    receivers: sectionSchema('receivers', registry.receivers),
    processors: sectionSchema('processors', registry.processors),
    exporters: sectionSchema('exporters', registry.exporters),
    connectors: sectionSchema('connectors', registry.connectors),
    extensions: sectionSchema('extensions', registry.extensions),
    service: serviceSection(),
  },
  required: ['service'],
  additionalProperties: false,
  $defs: {
    reference: {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: shows how references are written
      description: 'A value taken from elsewhere: ${env:NAME}, ${env:NAME:-default}, ${file:path}, ${yaml:value}.',
      type: 'string',
      pattern: '\\$\\{[^}]+\\}',
    },
  },
});
