// `spanmill ottl`: what an expression gives, or a statement changes, on each item of a file of spans.
import { buffer } from 'node:stream/consumers';
import { renderIssues } from '../config/render.ts';
import { makeIssue, makeSource, type Severity } from '../config/source.ts';
import { SpanmillError } from '../errors.ts';
import { OttlError } from '../ottl/error.ts';
import { showValue } from '../ottl/show.ts';
import { decodeRequest } from '../wire/reference/codec.ts';
import { readSpans } from './input.ts';
import { difference, type Item, itemsOf } from './items.ts';
import { type OttlOptions, ottlArguments, ottlHelp } from './options.ts';
import { type Outcome, type Rule, readRule } from './rule.ts';
import { runRule } from './run-rule.ts';

interface Output {
  write(text: string): unknown;
}

export interface OttlCommandDeps {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Whether stderr shows colours. */
  readonly color: boolean;
  /** All of it, for `-`. Default: of the process. */
  readonly stdin?: () => Promise<Buffer>;
}

const usage = 2;

/** Resolves with the exit code: 1 when the rule failed on an item, 2 when it or the file cannot be understood. */
export async function ottlCommand(args: readonly string[], deps: OttlCommandDeps): Promise<number> {
  const parsed = ottlArguments(args);
  if (parsed.kind === 'help') {
    deps.stdout.write(ottlHelp);
    return 0;
  }
  if (parsed.kind === 'wrong') {
    deps.stderr.write(`USAGE ${parsed.message}\nSee: spanmill ottl --help\n`);
    return usage;
  }
  const { options } = parsed;
  const rule = understood(options, deps);
  if (rule === null) return usage;
  try {
    const requests = await readSpans(options.file, deps.stdin ?? (() => buffer(process.stdin)));
    let failed = false;
    for (const { bytes } of requests) failed = show(rule, bytes, deps) || failed;
    return failed ? 1 : 0;
  } catch (error) {
    if (!(error instanceof SpanmillError)) throw error;
    const place = options.file ?? 'the example span';
    deps.stderr.write(`${error.code} ${place}: ${error.message.replaceAll(/\s+/g, ' ')}\n`);
    return error.code === 'INTERNAL' ? 1 : usage;
  }
}

function understood({ expression, context }: OttlOptions, { stderr, color }: OttlCommandDeps): Rule | null {
  const source = makeSource('expression', expression);
  const say = (severity: Severity, offset: number, message: string): void => {
    stderr.write(renderIssues([makeIssue(severity, { source, offset }, 'CONFIG_OTTL', message)], color));
  };
  try {
    const rule = readRule(expression, context);
    for (const { offset, message } of rule.warnings) say('warning', offset, message);
    return rule;
  } catch (error) {
    if (!(error instanceof OttlError)) throw error;
    say('error', error.offset, error.message);
    return null;
  }
}

/** Whether the rule failed on an item. */
function show(rule: Rule, request: Uint8Array, { stdout }: OttlCommandDeps): boolean {
  const { before, after, outcomes } = runRule(rule, request);
  const changed = [...itemsOf(decodeRequest(after))];
  let next = 0;
  for (const [i, item] of [...itemsOf(decodeRequest(before))].entries()) {
    const own = item.context === rule.context;
    const lines = difference(item, changed[i]);
    const outcome = own ? outcomes[next++] : null;
    const text = itemText(item, outcome, lines);
    if (text !== null) stdout.write(text);
  }
  return outcomes.some(({ kind }) => kind === 'fault');
}

/** null: the rule has nothing to do with the item. */
function itemText({ label }: Item, outcome: Outcome | null, changes: readonly string[]): string | null {
  if (outcome?.kind === 'value') return `${label}: ${showValue(outcome.value)}\n`;
  if (outcome === null && changes.length === 0) return null;
  const diff = changes.map((line) => `  ${line}\n`).join('');
  if (outcome?.kind === 'fault') return `${label}: fails: ${outcome.message}\n${diff}`;
  if (outcome?.kind === 'ran' && !outcome.held) return `${label}: not changed, its condition does not hold\n`;
  return changes.length === 0 ? `${label}: not changed\n` : `${label}\n${diff}`;
}
