// Makes docs/ottl.md from the tables of functions and paths; with --check exits 1 when the two differ.
import { contextNames } from '../src/ottl/environment.ts';
import type { FunctionDefinition, FunctionExample, Parameter } from '../src/ottl/functions/define.ts';
import { builtInPatterns } from '../src/ottl/functions/grok.ts';
import { functions } from '../src/ottl/functions/table.ts';
import type { PathDefinition } from '../src/ottl/path-entries.ts';
import { enumSymbols, paths } from '../src/ottl/paths.ts';
import { anyType, type TypeSet, type, typeNamesOf } from '../src/ottl/values.ts';
import { exampleRequest } from '../src/ottl-command/example-span.ts';
import { publish } from './generated-doc.ts';
import { languageText, typesText } from './ottl-language.ts';

/** As code, whatever stands in it. */
const code = (text: string): string => {
  const fence = text.includes('`') ? '``' : '`';
  const pad = text.startsWith('`') || text.endsWith('`') ? ' ' : '';
  return `${fence}${pad}${text}${pad}${fence}`;
};
/** A sentence in which nothing is markup. */
const prose = (text: string): string => text.replaceAll(/[<*_]/g, '\\$&');
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const row = (...cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;

/** `int, double or nil`; what is nearly everything is `any`, but for what it is not. */
function typeText(set: TypeSet): string {
  if (set === anyType) return 'any';
  // nil last: `string or nil`.
  const names = [...typeNamesOf(set & ~type.nil), ...typeNamesOf(set & type.nil)];
  const others = typeNamesOf(anyType & ~set);
  if (others.length < 4) return `any but ${list(others)}`;
  return list(names);
}

const list = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;

function parameterType({ role, accepts, choices, lambda }: Parameter): string {
  const text = choices === undefined ? typeText(accepts) : list(choices.map((choice) => code(`"${choice}"`)));
  switch (role) {
    case 'target':
      return accepts === anyType ? 'path' : `path of ${text}`;
    case 'literal':
      return `${text}, written out`;
    case 'pattern':
      return 'regular expression (RE2)';
    case 'function':
      return 'name of a converter';
    case 'lambda': {
      const names = lambda?.parameters.map(({ name }) => name).join(', ') ?? '';
      return `lambda ${code(`(${names}) => …`)} that gives ${typeText(lambda?.gives ?? anyType)}`;
    }
    case 'value':
      return text;
  }
}

function signature({ name, parameters }: FunctionDefinition): string {
  return `${name}(${parameters.map((one) => (one.optional ? `[${one.name}]` : one.name)).join(', ')})`;
}

function exampleLines({ text, given, gives, fails, note }: FunctionExample): string[] {
  const with_ = Object.entries(given ?? {}).map(([path, value]) => `${code(path)} = ${code(value)}`);
  const before = with_.length === 0 ? '' : `, where ${with_.join(' and ')}`;
  const after = note === undefined ? '' : ` ${note}`;
  const result =
    fails !== undefined
      ? `fails: ${prose(fails)}`
      : typeof gives === 'string'
        ? `gives ${code(gives)}`
        : Object.entries(gives ?? {})
            .map(([path, value]) => `${code(path)} becomes ${code(value)}`)
            .join('; ');
  return [`- ${code(text)}${before}: ${result}.${after}`];
}

function functionText(definition: FunctionDefinition): string[] {
  const { name, summary, parameters, returns, kind, contexts, examples } = definition;
  const args = parameters.map((one) => `${code(one.name)}: ${parameterType(one)}${one.optional ? ', optional' : ''}`);
  const where = contexts === null ? '' : ` Only in the context ${list(contexts)}.`;
  const gives = kind === 'editor' ? '' : `: ${typeText(returns)}`;
  return [
    `### ${name}`,
    '',
    `${code(signature(definition))}${gives}`,
    '',
    `${prose(summary)}${where}`,
    '',
    ...(args.length === 0 ? [] : [`Arguments: ${args.join('; ')}.`, '']),
    ...(examples.length === 0 ? [] : [...examples.flatMap(exampleLines), '']),
  ];
}

/** With a table of contents: there are many. */
function functionSection(title: string, kind: FunctionDefinition['kind'], text: string): string[] {
  const own = [...functions.values()]
    .filter((one) => one.kind === kind)
    .sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));
  const links = own.map(({ name }) => `[${name}](#${name.toLowerCase()})`).join(' ');
  return [`## ${title}`, '', text, '', links, '', ...own.flatMap(functionText)];
}

function pathType(path: PathDefinition): string {
  const text = typeText(path.types);
  switch (path.keyed) {
    case 'none':
      return text;
    case 'attributes':
      return `${text}; with keys: any value of an attribute`;
    case 'cache':
      return `${text}; with keys: any value`;
    case 'trace_state':
      return `${text}; with a key: string or nil`;
    case 'client':
      return path.needsKey ? `${text}; with an index: ${typeText(path.innerTypes | type.nil)}` : text;
  }
}

function pathRow(path: PathDefinition): string {
  const key = path.keyed === 'client' && path.needsKey ? '["…"]' : '';
  const name = code(`${path.context}.${path.name}${key}`);
  return row(name, pathType(path), path.writable ? '' : 'read only', path.summary);
}

function pathSection(): string[] {
  return [
    '## Paths',
    '',
    'Each context, from the highest to the lowest, and `otelcol`, which every context sees.',
    '',
    ...[...contextNames.toReversed(), 'otelcol' as const].flatMap((context) => [
      context === 'otelcol' ? '### The client: otelcol' : `### Context ${context}`,
      '',
      '| path | type | | |',
      '|---|---|---|---|',
      ...[...paths[context].values()].map(pathRow),
      '',
    ]),
  ];
}

function enumSection(): string[] {
  const rows = [...enumSymbols].map(([name, value]) => row(code(name), String(value)));
  return [
    '## Enum symbols',
    '',
    'Known in the contexts span, spanevent and spanlink.',
    '',
    '| symbol | value |',
    '|---|---|',
    ...rows,
    '',
  ];
}

function grokSection(): string[] {
  const names = [...builtInPatterns().keys()].sort().map(code);
  return ['## Grok patterns', '', `[ExtractGrokPatterns](#extractgrokpatterns) knows ${names.join(', ')}.`, ''];
}

/** The text of docs/ottl.md. */
export function renderOttl(): string {
  return [
    languageText,
    ...pathSection(),
    ...enumSection(),
    ...functionSection('Editors', 'editor', 'They change the item. A path that they name is read and written.'),
    ...functionSection('Converters', 'converter', `They compute a value and change nothing.\n\n${typesText}`.trimEnd()),
    ...grokSection(),
    '## The example span',
    '',
    'As OTLP JSON:',
    '',
    '```json',
    JSON.stringify(exampleRequest, null, 2),
    '```',
    '',
  ].join('\n');
}

if (import.meta.main) {
  process.exitCode = publish('ottl.md', renderOttl(), 'ottl-doc.ts', process.argv.includes('--check'));
}
