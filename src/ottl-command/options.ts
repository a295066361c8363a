// The arguments of `spanmill ottl`.
import { parseArgs } from 'node:util';
import { suggestion } from '../config/suggest.ts';
import { type ContextName, contextNames } from '../ottl/environment.ts';

export interface OttlOptions {
  readonly expression: string;
  /** null: the example span. */
  readonly file: string | null;
  /** null: as the paths say. */
  readonly context: ContextName | null;
}

export type OttlArguments =
  | { readonly kind: 'help' }
  | { readonly kind: 'options'; readonly options: OttlOptions }
  | { readonly kind: 'wrong'; readonly message: string };

export const ottlHelp = [
  'Usage: spanmill ottl EXPRESSION [--span FILE] [--context NAME]',
  '',
  'Tries an OTTL expression, condition or statement on spans, with the code that the service runs.',
  '',
  'Shows for each span (event, scope, resource) the value, true or false, or what a statement changes.',
  '',
  '  spanmill ottl \'attributes["http.method"]\' --span spans.json',
  '  spanmill ottl \'set(name, Concat([kind.string, name], " ")) where status.code == STATUS_CODE_ERROR\'',
  '',
  'Options:',
  '  --span FILE     OTLP: a request (JSON or protobuf), lines of JSON, or one span as a JSON object; - means stdin.',
  '                  Without it, the example span of docs/ottl.md.',
  `  --context NAME  ${contextNames.toReversed().join(', ')}. Default: the lowest that a path names; span when a path`,
  '                  names none.',
  '  --help          Shows this.',
  '',
  'Exit codes: 0, 1 it failed on a span, 2 it cannot be understood, or the file cannot be read.',
  '',
].join('\n');

const known = {
  span: { type: 'string' },
  context: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

export function ottlArguments(args: readonly string[]): OttlArguments {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    // The first sentence says it; Node's others are about its own API.
    return wrong((error as Error).message.split('. ', 1)[0].replace(/^Unknown/, 'unknown'));
  }
  const { values, positionals } = parsed;
  if (values.help === true) return { kind: 'help' };
  const [expression, surplus] = positionals;
  if (expression === undefined) return wrong('no expression is given');
  if (surplus !== undefined) return wrong(`one expression in quotes is expected; "${surplus}" is another argument`);
  const context = contextNames.find((name) => name === values.context) ?? null;
  if (values.context !== undefined && context === null) {
    return wrong(`--context ${values.context} is not known${suggestion(values.context, contextNames, 'contexts')}`);
  }
  return { kind: 'options', options: { expression, file: values.span ?? null, context } };
}

const parse = (args: readonly string[]) => parseArgs({ args: [...args], options: known, allowPositionals: true });

const wrong = (message: string): OttlArguments => ({ kind: 'wrong', message });
