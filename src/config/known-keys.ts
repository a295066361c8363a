// Which keys a schema has at a path, read from its JSON Schema (input side).
import { z } from 'zod';
import type { Path } from './node.ts';

export interface JsonSchema {
  readonly [keyword: string]: unknown;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema | boolean;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly required?: readonly string[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
}

const cache = new WeakMap<z.ZodType, JsonSchema>();

/** What a user may write, as JSON Schema. Parts that JSON Schema cannot say become {}. */
export const inputSchema = (schema: z.ZodType): JsonSchema => {
  const known = cache.get(schema);
  if (known !== undefined) return known;
  const made = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as unknown as JsonSchema;
  cache.set(schema, made);
  return made;
};

const alternatives = (schema: JsonSchema, root: JsonSchema): JsonSchema[] => {
  if (schema.$ref === '#') return [root];
  const name = schema.$ref?.replace(/^#\/\$defs\//, '');
  const target = name === undefined ? undefined : root.$defs?.[name];
  if (target !== undefined) return alternatives(target, root);
  const parts = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  return [schema, ...parts.flatMap((part) => alternatives(part, root))];
};

const below = (schema: JsonSchema, step: string | number): JsonSchema[] => {
  if (typeof step === 'number') return typeof schema.items === 'object' ? [schema.items] : [];
  const own = schema.properties?.[step];
  if (own !== undefined) return [own];
  return typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : [];
};

/** All keys that may stand in the map at `path`. */
export const knownKeys = (schema: z.ZodType, path: Path): string[] => {
  const root = inputSchema(schema);
  let here = alternatives(root, root);
  for (const step of path) here = here.flatMap((part) => below(part, step)).flatMap((part) => alternatives(part, root));
  return [...new Set(here.flatMap((part) => Object.keys(part.properties ?? {})))];
};
