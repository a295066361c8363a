// The routes of a routing table as they are tried, and what is wrong with others.
import type { ConfigIssue } from '../../component/definition.ts';
import { adviseCondition } from '../../ottl/advice.ts';
import { checkCondition, checkStatement } from '../../ottl/check.ts';
import { constantOf } from '../../ottl/constant.ts';
import { OttlError } from '../../ottl/error.ts';
import { inferContext } from '../../ottl/infer.ts';
import { parseCondition, parseStatement } from '../../ottl/parser.ts';
import { pathsOf } from '../../ottl/path-uses.ts';
import type { CheckedCondition, CheckedStatement } from '../../ottl/resolved.ts';
import type { Config } from './index.ts';
import { parseRequestCondition, type RequestCondition } from './request-condition.ts';

/** Of which item a route asks. A traces pipeline has none of what `other` is about: such a route never matches. */
export type Asked =
  | { readonly of: 'request'; readonly condition: RequestCondition }
  | {
      readonly of: 'resource' | 'span';
      readonly checked: CheckedCondition;
      /** Its statement, when that is not route(): removes attributes of what matches. */
      readonly edit: CheckedStatement | null;
    }
  | { readonly of: 'all' }
  | { readonly of: 'other' };

export interface Route {
  /** `table[0]`: its name in metrics and messages. */
  readonly label: string;
  readonly path: ConfigIssue['path'];
  readonly asked: Asked;
  /** What matches also goes on to the routes behind this one. */
  readonly isCopy: boolean;
  readonly pipelines: readonly string[];
}

type Item = Config['table'][number];

/** The text of a condition, where it stands, and what was cut off in front of it. */
interface Written {
  readonly text: string;
  readonly path: ConfigIssue['path'];
  readonly offset: number;
  /** All of it, where it is more than a condition. */
  readonly edit: string | null;
}

/** What a statement may do besides: the Collector's. */
const editors: readonly string[] = ['delete_key', 'delete_matching_keys'];

/** All routes in order, and what is wrong with others. */
export function readTable({ table }: Pick<Config, 'table'>): { routes: Route[]; issues: ConfigIssue[] } {
  const routes: Route[] = [];
  const issues: ConfigIssue[] = [];
  for (const [i, item] of table.entries()) {
    const label = `table[${i}]`;
    const path = ['table', i];
    const asked = askedBy(item, path, issues);
    if (asked === null) continue;
    routes.push({ label, path, asked, isCopy: item.action === 'copy', pipelines: item.pipelines });
  }
  if (asksSpans(routes)) issues.push(...routes.flatMap(aboutContainers));
  return { routes, issues };
}

export const asksSpans = (routes: readonly Route[]): boolean => routes.some(({ asked }) => asked.of === 'span');

/** Which spans of a resource would see the change depends on their order. */
function aboutContainers({ path, asked }: Route): ConfigIssue[] {
  if (!('edit' in asked) || asked.edit === null) return [];
  const isInside = pathsOf(asked.edit).every(({ path: { path: used }, writes }) => !writes || used.context === 'span');
  if (isInside) return [];
  const message =
    'changes what several spans have in common, in a table with routes by the span: write route(), and a transform in front or behind';
  return [{ path: [...path, 'statement'], code: 'CONFIG_OTTL', message, offset: asked.edit.editor.at.offset }];
}

function askedBy(item: Item, path: ConfigIssue['path'], issues: ConfigIssue[]): Asked | null {
  const { statement, condition } = item;
  const context = item.context === '' ? undefined : item.context;
  const problem = (code: string, message: string, at: ConfigIssue['path'] = path): null => {
    issues.push({ path: at, code, message });
    return null;
  };
  if (statement === undefined && condition === undefined) return problem('CONFIG_MISSING', 'a route has a condition');
  if (statement !== undefined && condition !== undefined) {
    return problem('CONFIG_CONFLICT', 'statement cannot stand beside condition: keep one', [...path, 'statement']);
  }
  if (context === 'request') {
    if (condition === undefined) {
      const message = 'a route by the request has a condition, not a statement';
      return problem('CONFIG_CONFLICT', message, [...path, 'statement']);
    }
    const parsed = parseRequestCondition(condition);
    if ('key' in parsed) return { of: 'request', condition: parsed };
    issues.push({ path: [...path, 'condition'], code: 'CONFIG_OTTL', ...parsed });
    return null;
  }
  if (context === 'metric' || context === 'datapoint' || context === 'log') return { of: 'other' };
  const written = writtenIn(item, path, issues);
  if (written === null) return null;
  if (written === 'all') return { of: 'all' };
  return attempt(() => checkRoute(written, context), written, issues);
}

/** `route()` and `route() where …` are the older way to write a condition; a statement that edits does more. */
function writtenIn(
  { statement, condition }: Item,
  path: ConfigIssue['path'],
  issues: ConfigIssue[],
): Written | 'all' | null {
  if (statement === undefined) return { text: condition ?? '', path: [...path, 'condition'], offset: 0, edit: null };
  const whole = { text: statement, path: [...path, 'statement'], offset: 0, edit: null };
  const tree = attempt(() => parseStatement(statement), whole, issues);
  if (tree === null) return null;
  const { editor, where } = tree;
  const isRoute = editor.name === 'route' && editor.args.length === 0;
  if (!isRoute && !editors.includes(editor.name)) {
    const message = `a route is written as route() where …, or with ${editors.join(' or ')}; found ${editor.name}(…)`;
    issues.push({ path: whole.path, code: 'CONFIG_OTTL', message, offset: editor.offset });
    return null;
  }
  const edit = isRoute ? null : statement;
  if (where === null) return isRoute ? 'all' : { ...whole, text: 'true', edit };
  const offset = statement.indexOf('where', editor.offset + editor.length) + 'where'.length;
  return { ...whole, text: statement.slice(offset), offset, edit };
}

/** Without a context the paths say which it is; those that name none are of the resource. */
function checkRoute({ text, edit, offset }: Written, context: 'resource' | 'span' | undefined): Asked {
  const checkedIn = (of: 'resource' | 'span'): Asked => ({
    of,
    checked: checkCondition(text, of),
    edit: edit === null ? null : wholeStatement(edit, of, offset),
  });
  if (context !== undefined) return checkedIn(context);
  const inferred = contextOf(edit === null ? parseCondition(text) : parseStatement(edit));
  if (inferred === 'spanevent' || inferred === 'spanlink') {
    throw new OttlError('spans are routed whole: a condition is about the span, its scope or its resource', {
      offset: 0,
      length: text.length,
    });
  }
  // What is about the scope is known at each of its spans.
  const of = inferred === 'resource' ? 'resource' : 'span';
  return checkedIn(of);
}

/** `offset`: what is added to that of an error, which is in the whole of it. */
function wholeStatement(text: string, of: 'resource' | 'span', offset: number): CheckedStatement {
  try {
    return checkStatement(text, of);
  } catch (error) {
    if (!(error instanceof OttlError)) throw error;
    throw new OttlError(error.message, { offset: error.offset - offset, length: error.length });
  }
}

function contextOf(tree: Parameters<typeof inferContext>[0][number]): ReturnType<typeof inferContext> {
  try {
    return inferContext([tree]);
  } catch (error) {
    if (!(error instanceof OttlError)) throw error;
    return 'resource';
  }
}

function attempt<T>(act: () => T, { path, offset }: Written, issues: ConfigIssue[]): T | null {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof OttlError)) throw error;
    issues.push({ path, code: 'CONFIG_OTTL', message: error.message, offset: error.offset + offset });
    return null;
  }
}

export const checkRouting = (config: Config): ConfigIssue[] => readTable(config).issues;

/** Routes that never match, or match more than they are meant to. */
export function adviseRouting(config: Config): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const seen = new Map<string, string>();
  let catcher: Route | null = null;
  for (const route of readTable(config).routes) {
    const { path, asked, label } = route;
    const item = config.table[path[1] as number];
    const written = item.condition === undefined ? 'statement' : 'condition';
    const warn = (message: string, key: string = written, offset?: number): void => {
      issues.push({ path: [...path, key], code: 'CONFIG_OTTL', message, ...(offset === undefined ? {} : { offset }) });
    };
    if (catcher !== null) {
      warn(`is never tried: ${catcher.label} comes first and takes everything`);
      continue;
    }
    if (asked.of === 'other') {
      warn(`never matches: a traces pipeline has no ${item.context}`, 'context');
      continue;
    }
    if (asked.of === 'resource' || asked.of === 'span') {
      const [text = ''] = /\S[\s\S]*$/.exec(asked.checked.text) ?? [];
      const offset = (item[written] ?? '').length - asked.checked.text.length;
      for (const advice of adviseCondition(asked.checked)) warn(advice.message, written, advice.offset + offset);
      const same = seen.get(`${asked.of} ${text.trimEnd()}`);
      if (same !== undefined) warn(`never matches: ${same} has the same condition`);
      else if (!route.isCopy) seen.set(`${asked.of} ${text.trimEnd()}`, label);
    }
    if (alwaysMatches(asked) && !route.isCopy) catcher = route;
  }
  return issues;
}

function alwaysMatches(asked: Asked): boolean {
  if (asked.of === 'all') return true;
  return (asked.of === 'resource' || asked.of === 'span') && constantOf(asked.checked.tree) === true;
}
