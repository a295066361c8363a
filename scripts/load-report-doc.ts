// Makes docs/load-report.md and docs/load-report.schema.json from the schema of spanload's report; with --check exits 1 when
// they differ.
import { z } from 'zod';
import { loadReportSchema, reportVersion } from '../loadgen/report/schema.ts';
import type { JsonSchema } from '../src/config/known-keys.ts';
import { publish } from './generated-doc.ts';

const script = 'load-report-doc.ts';
const code = (text: string): string => `\`${text}\``;
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const isNull = (schema: JsonSchema): boolean => schema.type === 'null';
const parts = (schema: JsonSchema): readonly JsonSchema[] => schema.anyOf ?? [];

/** The type of a field in a word or two. */
const typeName = (schema: JsonSchema): string => {
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => code(JSON.stringify(value))).join(', ');
  if (parts(schema).length > 0) return parts(schema).map(typeName).join(' or ');
  if (schema.type === 'array') {
    if (Array.isArray(schema.prefixItems)) return `[${schema.prefixItems.map(typeName).join(', ')}]`;
    return typeof schema.items === 'object' ? `list of ${typeName(schema.items)}` : 'list';
  }
  if (schema.type !== 'object') return [schema.type].flat().join(' or ');
  if (schema.properties !== undefined) return 'object';
  return typeof schema.additionalProperties === 'object' ? `map of ${typeName(schema.additionalProperties)}` : 'map';
};

/** Where the fields under a field stand: in itself, in its items, in what it may be besides null. */
const inner = (schema: JsonSchema): readonly JsonSchema[] => [
  schema,
  ...(typeof schema.items === 'object' ? inner(schema.items) : []),
  ...parts(schema)
    .filter((part) => !isNull(part))
    .flatMap(inner),
];

const rows = (schema: JsonSchema, prefix: string): string[] =>
  inner(schema).flatMap((part) =>
    Object.entries(part.properties ?? {}).flatMap(([name, field]) => {
      const path = `${prefix}${name}`;
      const under =
        field.type === 'array' || parts(field).some(({ type }) => type === 'array') ? `${path}[].` : `${path}.`;
      const said = [field, ...inner(field)].find(({ description }) => typeof description === 'string')?.description;
      return [`| ${code(path)} | ${cell(typeName(field))} | ${cell(String(said ?? ''))} |`, ...rows(field, under)];
    }),
  );

const jsonSchema = (): JsonSchema => z.toJSONSchema(loadReportSchema) as unknown as JsonSchema;

/** The text of docs/load-report.schema.json. */
export const renderLoadReportSchema = (): string =>
  `${JSON.stringify({ title: 'Report of spanload', ...jsonSchema() }, null, 2)}\n`;

/** The text of docs/load-report.md. */
export const renderLoadReport = (): string =>
  [
    '# The report of spanload',
    '',
    `<!-- Made by scripts/${script} from loadgen/report/schema.ts. -->`,
    '',
    `\`spanload --report FILE.json\` writes this; \`--report FILE.html\` writes a page that shows it and holds it. Version ${reportVersion}`,
    'of the format; as JSON Schema: [load-report.schema.json](load-report.schema.json). All fields are always there.',
    '',
    '| field | type | |',
    '|---|---|---|',
    ...rows(jsonSchema(), ''),
    '',
  ].join('\n');

if (import.meta.main) {
  const check = process.argv.includes('--check');
  const differ = [
    publish('load-report.schema.json', renderLoadReportSchema(), script, check),
    publish('load-report.md', renderLoadReport(), script, check),
  ];
  process.exitCode = Math.max(...differ);
}
