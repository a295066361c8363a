// Makes docs/components.md and the pages in docs/components/ from the registry; with --check exits 1 when they differ.
import type { AnyDefinition, Registry } from '../src/component/registry.ts';
import { inputSchema, type JsonSchema } from '../src/config/known-keys.ts';
import { publishAll } from './generated-doc.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (text: string): string => (text === '' ? '' : `\`${text}\``);

const alternatives = (schema: JsonSchema): readonly JsonSchema[] => schema.anyOf ?? schema.oneOf ?? [];

/** The type of a field in a word or two. */
const typeName = (schema: JsonSchema): string => {
  if (schema.not !== undefined) return 'none';
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) {
    // What is read in any case stands there in capitals, too.
    const { enum: values } = schema;
    const isCapitals = (value: unknown): boolean =>
      String(value) !== String(value).toLowerCase() && values.includes(String(value).toLowerCase());
    return values.filter((value) => value !== '' && !isCapitals(value)).join(', ');
  }
  if (typeof schema.pattern === 'string' && schema.pattern.includes('ms|s|m|h')) return 'duration';
  if (schema.type === 'array') return `list of ${typeof schema.items === 'object' ? typeName(schema.items) : 'any'}`;
  if (schema.type === 'object') return schema.properties === undefined ? `map of ${valueType(schema)}` : 'block';
  const names = new Set(alternatives(schema).map(typeName));
  // A list of texts that may be one text with commas between them (`textList`).
  if (names.has('list of string')) names.delete('string');
  names.delete('null');
  if (names.size > 0) return [...names].join(' or ');
  return typeof schema.type === 'string' ? schema.type : 'any';
};

const valueType = (schema: JsonSchema): string =>
  typeof schema.additionalProperties === 'object' ? typeName(schema.additionalProperties) : 'any';

const isBlock = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

const defaultText = (schema: JsonSchema, required: boolean): string => {
  if (required) return 'required';
  if (schema.default === undefined || (isBlock(schema.default) && schema.properties !== undefined)) return '';
  return code(JSON.stringify(schema.default));
};

/** Schemas whose fields stand under a field: its own, its items', its variants'. */
const inner = (schema: JsonSchema): readonly JsonSchema[] => {
  const items = typeof schema.items === 'object' ? [schema.items] : [];
  const values = typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : [];
  return [schema, ...[...items, ...values, ...alternatives(schema)].flatMap(inner)];
};

const fieldRows = (schema: JsonSchema, prefix: string): string[] => {
  const rows = new Map<string, string>();
  for (const part of inner(schema)) {
    for (const [name, field] of Object.entries(part.properties ?? {})) {
      const path = `${prefix}${name}`;
      const required = part.required?.includes(name) ?? false;
      const cells = [
        code(path),
        typeName(field),
        defaultText(field, required),
        String(field.description ?? '').replaceAll('<', '\\<'),
      ];
      const under = fieldRows(field, `${path}.`).join('\n');
      if (!rows.has(path))
        rows.set(path, `| ${cells.map((text) => cell(String(text))).join(' | ')} |${under === '' ? '' : `\n${under}`}`);
    }
  }
  return [...rows.values()];
};

const fieldTable = (definition: AnyDefinition): string[] => {
  const rows = fieldRows(inputSchema(definition.config), '');
  if (rows.length === 0) return ['No settings.', ''];
  return ['| field | type | default | |', '|---|---|---|---|', ...rows, ''];
};

const examples = (definition: AnyDefinition): string[] =>
  definition.examples.flatMap(({ title, yaml }) => {
    const lines = yaml.replace(/\n+$/, '').split('\n');
    const body = /^(\{\})?$/.test(yaml.trim()) ? [] : lines.map((line) => (line === '' ? '' : `  ${line}`));
    return [`${title}:`, '', '```yaml', `${definition.type}:`, ...body, '```', ''];
  });

const metrics = (definition: AnyDefinition): string[] => {
  if (definition.metrics.length === 0) return [];
  const rows = definition.metrics.map(
    ({ name, kind, labels, help }) => `| ${code(name)} | ${kind} | ${labels.map(code).join(', ')} | ${cell(help)} |`,
  );
  return ['## Metrics', '', '| metric | kind | labels | |', '|---|---|---|---|', ...rows, ''];
};

const note = '<!-- Made by scripts/components-doc.ts from the registry. -->';
const kinds = ['receivers', 'processors', 'exporters', 'connectors', 'extensions'] as const;
type Kind = (typeof kinds)[number];
/** Of each of these there is a file in pipelines/ that a test runs. */
const withPipeline: ReadonlySet<Kind> = new Set<Kind>(['processors', 'connectors']);

const pageName = (kind: Kind, { type }: AnyDefinition): string => `components/${kind}/${type}.md`;

const page = (kind: Kind, definition: AnyDefinition): string => {
  const { type, summary, stability, aliases } = definition;
  const also = aliases.length === 0 ? '' : ` Also: ${aliases.map(code).join(', ')}.`;
  const file = `pipelines/${kind}/${type}.yaml`;
  const whole = withPipeline.has(kind) ? [`A whole configuration to run: [${file}](../../../${file}).`, ''] : [];
  return [
    `# ${type} (${definition.kind})`,
    '',
    note,
    '',
    `${summary} Stability: ${stability}.${also}`,
    '',
    ...whole,
    '## Settings',
    '',
    ...fieldTable(definition),
    '## Examples',
    '',
    ...examples(definition),
    ...metrics(definition),
  ].join('\n');
};

const sorted = (definitions: readonly AnyDefinition[]): AnyDefinition[] =>
  definitions.toSorted((a, b) => (a.type < b.type ? -1 : 1));

const indexSection = (kind: Kind, definitions: readonly AnyDefinition[]): string[] => {
  if (definitions.length === 0) return [];
  const rows = sorted(definitions).map(
    (one) => `| [${one.type}](${pageName(kind, one)}) | ${one.stability} | ${cell(one.summary)} |`,
  );
  return [`## ${kind[0].toUpperCase()}${kind.slice(1)}`, '', '| type | stability | |', '|---|---|---|', ...rows, ''];
};

/** Name in docs/ -> text: the index, and a page for each component. */
export const renderComponents = (registry: Registry): ReadonlyMap<string, string> => {
  const index = [
    '# Components',
    '',
    note,
    '',
    'What is built in. Each has a page with every setting. Durations are written as Go writes them: `300ms`, `1.5h`, `2m30s`; a list of strings may also be one text with commas.',
    '',
    ...kinds.flatMap((kind) => indexSection(kind, registry[kind])),
  ];
  const pages = kinds.flatMap((kind) => registry[kind].map((one) => [pageName(kind, one), page(kind, one)] as const));
  return new Map([['components.md', index.join('\n')], ...pages]);
};

if (import.meta.main) {
  const { registry } = await import('../src/registry.ts');
  const check = process.argv.includes('--check');
  process.exitCode = publishAll(renderComponents(registry), 'components', 'components-doc.ts', check);
}
