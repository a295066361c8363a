// The statements of a transform, in either form of the configuration. Each group is a pass of its own over all spans.
import type { ConfigIssue } from '../../component/definition.ts';
import { type RuleGroup, type RuleGroupText, readGroup, rulesAt } from '../../component/rule-groups.ts';
import type { Config } from './index.ts';

/** In the order in which they run. What is wrong with a group is added to `issues`. */
export function readGroups(config: Config, issues: ConfigIssue[]): RuleGroup[] {
  return groupsOf(config).map((group) => readGroup(group, issues));
}

/** One of them, of a configuration without issues. */
export function groupAt(config: Config, pass: number): RuleGroup {
  return readGroup(groupsOf(config)[pass], []);
}

function groupsOf({ error_mode: errorMode, trace_statements: items }: Config): RuleGroupText[] {
  const path = ['trace_statements'];
  const texts = items.filter((item) => typeof item === 'string');
  if (texts.length > 0) return [{ context: null, errorMode, conditions: [], statements: rulesAt(texts, path) }];
  return items.flatMap((item, i): RuleGroupText[] => {
    if (typeof item === 'string') return [];
    const { context = null, error_mode = errorMode, conditions, statements } = item;
    return [
      {
        context,
        errorMode: error_mode,
        conditions: rulesAt(conditions, [...path, i, 'conditions']),
        statements: rulesAt(statements, [...path, i, 'statements']),
      },
    ];
  });
}

export function checkTransform(config: Config): ConfigIssue[] {
  const { trace_statements: items } = config;
  const mixed = items.findIndex((item) => typeof item !== typeof items[0]);
  if (mixed >= 0) {
    const message = 'statements and groups of statements cannot stand in one list';
    return [{ path: ['trace_statements', mixed], code: 'CONFIG_CONFLICT', message }];
  }
  const issues: ConfigIssue[] = [];
  readGroups(config, issues);
  return issues;
}
