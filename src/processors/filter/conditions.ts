// The conditions of a filter, whichever form of the configuration they were written in.
import type { ConfigIssue } from '../../component/definition.ts';
import type { Touch } from '../../component/processor.ts';
import {
  adviseGroup,
  metadataKeysIn,
  type Rule,
  type RuleGroup,
  type RuleGroupText,
  readGroup,
  rulesAt,
  touchesOf,
} from '../../component/rule-groups.ts';
import { adviseMatchProperties, checkMatchProperties, spanMatcherTouches } from '../../component/span-matcher.ts';
import { unreached } from '../../ottl/advice.ts';
import { constantOf } from '../../ottl/constant.ts';
import type { ContextName } from '../../ottl/environment.ts';
import type { ErrorMode } from '../../ottl/error-mode.ts';
import type { CheckedCondition } from '../../ottl/resolved.ts';
import type { Config } from './index.ts';

export interface FilterCondition extends Rule<CheckedCondition> {
  readonly errorMode: ErrorMode;
}

/** What it drops. A link is no item of its own: the Collector's filter drops none either. */
export const filterContexts = ['spanevent', 'span', 'scope', 'resource'] as const satisfies readonly ContextName[];

/** All OTTL conditions in the order in which they apply. */
export function conditionsOf(config: Config): FilterCondition[] {
  return readGroups(config, []).flatMap(({ errorMode, conditions }) =>
    conditions.map((condition) => ({ ...condition, errorMode })),
  );
}

/** What is wrong with a group is added to `issues`. */
export function readGroups(config: Config, issues: ConfigIssue[]): RuleGroup[] {
  return groupsOf(config).map((group) => readGroup(group, issues));
}

/** Keys of client metadata that its conditions read. */
export function metadataKeysOf(config: Config): string[] {
  return metadataKeysIn(readGroups(config, []));
}

export function passesOf(config: Config): Touch[][] {
  const { spans } = config;
  const older = [spans?.include, spans?.exclude].flatMap((one) => (one == null ? [] : spanMatcherTouches(one)));
  return [[...older, ...touchesOf(readGroups(config, []))]];
}

/** Conditions that have no effect, or more than they are meant to have. */
export function adviseFilter(config: Config): ConfigIssue[] {
  const own = readGroups(config, []).flatMap(adviseGroup);
  const behind = unreached(conditionsOf(config)).map(({ condition: { path }, behind: { label } }) => {
    const message = `is never tried: ${label} comes first and drops everything`;
    return { path, code: 'CONFIG_OTTL', message };
  });
  const older = (['include', 'exclude'] as const).flatMap((field) => {
    const properties = config.spans?.[field];
    return properties == null ? [] : adviseMatchProperties(properties, ['spans', field]);
  });
  return [...own, ...behind, ...older];
}

/** One of the conditions holds for every span. */
export const dropsAll = (config: Config): boolean =>
  conditionsOf(config).some(({ checked }) => checked.context !== 'spanevent' && constantOf(checked.tree) === true);

export function checkFilter(config: Config): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  for (const group of readGroups(config, issues)) {
    if (group.context === 'spanlink') issues.push(...group.conditions.map(aboutLinks));
  }
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

function aboutLinks({ path, checked: { text } }: Rule<CheckedCondition>): ConfigIssue {
  const message = 'a filter drops resources, scopes, spans and events; it cannot drop a link';
  return { path, code: 'CONFIG_OTTL', message, offset: Math.max(0, text.search(/\bspanlink\b/)) };
}

function conflict(key: string, other: string): ConfigIssue {
  return { path: [key], code: 'CONFIG_CONFLICT', message: `${key} cannot stand beside ${other}: use one form` };
}

function groupsOf(config: Config): RuleGroupText[] {
  const { error_mode: errorMode, traces } = config;
  const common = { errorMode, statements: [] };
  const groups = (['resource', 'span', 'spanevent'] as const).map((context): RuleGroupText => {
    return { ...common, context, conditions: rulesAt(traces?.[context], ['traces', context]) };
  });
  for (const [i, item] of (config.trace_conditions ?? []).entries()) {
    const path = ['trace_conditions', i];
    if (typeof item === 'string') {
      // Each is a group of its own: the contexts that two of them name have nothing to do with each other.
      groups.push({ ...common, context: null, conditions: [{ text: item, path }] });
    } else {
      const { context = null, error_mode = errorMode } = item;
      const conditions = rulesAt(item.conditions, [...path, 'conditions']);
      groups.push({ ...common, errorMode: error_mode, context, conditions });
    }
  }
  return groups;
}
