// The conditions of a filter, whichever form of the configuration they were written in.
import { checkMatchProperties } from '../../component/span-matcher.ts';
import type { ConfigIssue } from '../../component/types.ts';
import { adviseCondition, unreached } from '../../ottl/advice.ts';
import { checkCondition } from '../../ottl/check.ts';
import type { ErrorMode } from '../../ottl/condition-list.ts';
import type { ContextName } from '../../ottl/environment.ts';
import { OttlError } from '../../ottl/error.ts';
import { inferContext } from '../../ottl/infer.ts';
import { parseCondition } from '../../ottl/parser.ts';
import type { CheckedCondition } from '../../ottl/resolved.ts';
import type { Config } from './index.ts';

export interface FilterCondition {
  /** `trace_conditions[0]`: the reason of its drops in the ledger. */
  readonly label: string;
  readonly path: ConfigIssue['path'];
  readonly errorMode: ErrorMode;
  readonly checked: CheckedCondition;
}

interface Group {
  /** null: as its conditions say. */
  readonly context: ContextName | null;
  readonly errorMode: ErrorMode;
  readonly conditions: readonly { readonly text: string; readonly path: ConfigIssue['path'] }[];
}

/** All OTTL conditions in the order in which they apply, and what is wrong with others. */
export function readConditions(config: Config): { conditions: FilterCondition[]; issues: ConfigIssue[] } {
  const conditions: FilterCondition[] = [];
  const issues: ConfigIssue[] = [];
  for (const group of groupsOf(config)) readGroup(group, conditions, issues);
  return { conditions, issues };
}

/** Conditions that have no effect, or more than they are meant to have. */
export function adviseFilter(config: Config): ConfigIssue[] {
  const { conditions } = readConditions(config);
  const code = 'CONFIG_OTTL';
  const own = conditions.flatMap(({ checked, path }) =>
    adviseCondition(checked).map(({ message, offset }) => ({ path, code, message, offset })),
  );
  const behind = unreached(conditions).map(({ condition: { path }, behind: { label } }) => {
    return { path, code, message: `is never tried: ${label} comes first and drops everything` };
  });
  return [...own, ...behind];
}

export function checkFilter(config: Config): ConfigIssue[] {
  const { issues } = readConditions(config);
  const { traces, spans, trace_conditions: groups } = config;
  const older = traces?.resource != null || traces?.span != null || traces?.spanevent != null;
  if (groups != null && groups.length > 0 && older) issues.push(conflict('traces', 'trace_conditions'));
  const oldest = spans?.include != null || spans?.exclude != null;
  if (oldest && older) issues.push(conflict('spans', 'traces'));
  else if (oldest && groups != null && groups.length > 0) issues.push(conflict('spans', 'trace_conditions'));
  for (const key of ['include', 'exclude'] as const) {
    const properties = spans?.[key];
    if (properties != null) issues.push(...checkMatchProperties(properties, ['spans', key]));
  }
  const mixed = groups?.findIndex((item) => typeof item !== typeof groups[0]) ?? -1;
  if (mixed >= 0) {
    const message = 'conditions and groups of conditions cannot stand in one list';
    issues.push({ path: ['trace_conditions', mixed], code: 'CONFIG_CONFLICT', message });
  }
  return issues;
}

function conflict(key: string, other: string): ConfigIssue {
  return { path: [key], code: 'CONFIG_CONFLICT', message: `${key} cannot stand beside ${other}: use one form` };
}

function groupsOf(config: Config): Group[] {
  const { error_mode: errorMode, traces } = config;
  const groups: Group[] = [];
  for (const context of ['resource', 'span', 'spanevent'] as const) {
    const texts = traces?.[context] ?? [];
    const conditions = texts.map((text, i) => ({ text, path: ['traces', context, i] }));
    groups.push({ context, errorMode, conditions });
  }
  for (const [i, item] of (config.trace_conditions ?? []).entries()) {
    const path = ['trace_conditions', i];
    if (typeof item === 'string') {
      // Each is a group of its own: the contexts that two of them name have nothing to do with each other.
      groups.push({ context: null, errorMode, conditions: [{ text: item, path }] });
    } else {
      const conditions = item.conditions.map((text, c) => ({ text, path: [...path, 'conditions', c] }));
      groups.push({ context: item.context ?? null, errorMode: item.error_mode ?? errorMode, conditions });
    }
  }
  return groups;
}

function readGroup(group: Group, conditions: FilterCondition[], issues: ConfigIssue[]): void {
  const { errorMode } = group;
  const context = group.context ?? inferredContext(group, issues);
  if (context === null) return;
  for (const { text, path } of group.conditions) {
    const checked = attempt(() => checkCondition(text, context), path, issues);
    if (checked !== null) conditions.push({ label: labelOf(path), path, errorMode, checked });
  }
}

/** null when a condition of the group cannot be read, or names no context: the issue says which. */
function inferredContext({ conditions }: Group, issues: ConfigIssue[]): ContextName | null {
  const trees = conditions.map(({ text, path }) => attempt(() => parseCondition(text), path, issues));
  const parsed = trees.filter((tree) => tree !== null);
  if (parsed.length < trees.length) return null;
  for (const [i, tree] of parsed.entries()) {
    const { path } = conditions[i];
    if (attempt(() => inferContext([tree]), path, issues) === null) return null;
  }
  return attempt(() => inferContext(parsed), conditions[0].path, issues);
}

function attempt<T>(act: () => T, path: ConfigIssue['path'], issues: ConfigIssue[]): T | null {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof OttlError)) throw error;
    issues.push({ path, code: 'CONFIG_OTTL', message: error.message, offset: error.offset });
    return null;
  }
}

function labelOf(path: ConfigIssue['path']): string {
  return path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`),
    '',
  );
}
