// What the schema cannot say of the rules that take attributes out of names.
import type { ConfigIssue } from '../../component/definition.ts';
import { adviseSpanSelection, checkSpanSelection } from '../../component/span-matcher.ts';
import { compileRegExp, RegExpError } from '../../lib/regexp/regexp.ts';
import type { Config } from './index.ts';

const rulesOf = (config: Config): readonly string[] => config.name?.to_attributes?.rules ?? [];
const pathOf = (rule: number): ConfigIssue['path'] => ['name', 'to_attributes', 'rules', rule];

export function checkSpan(config: Config): ConfigIssue[] {
  return [...checkSpanSelection(config), ...rulesOf(config).flatMap(checkRule)];
}

function checkRule(rule: string, index: number): ConfigIssue[] {
  try {
    compileRegExp(rule);
    return [];
  } catch (error) {
    if (!(error instanceof RegExpError)) throw error;
    const offset = error.offset === null ? {} : { offset: error.offset };
    return [{ path: pathOf(index), code: 'CONFIG_REGEXP', message: error.message, ...offset }];
  }
}

export function adviseSpan(config: Config): ConfigIssue[] {
  return [...adviseSpanSelection(config), ...adviseRules(config)];
}

function adviseRules(config: Config): ConfigIssue[] {
  const guards = config.name?.to_attributes?.break_after_match === true;
  return rulesOf(config).flatMap((rule, index) => {
    const names = compileRegExp(rule).groupNames;
    const message = names.includes(null)
      ? 'has a group without a name, which gives an attribute with an empty key and {} in the name: (?:…) groups only'
      : names.length === 0 && !guards
        ? 'has no named group such as (?P<user_id>[0-9]+), so it changes nothing'
        : null;
    return message === null ? [] : [{ path: pathOf(index), code: 'CONFIG_VALUE', message }];
  });
}

/** The attributes that the rules set. */
export const groupNamesOf = (config: Config): readonly string[] =>
  rulesOf(config).flatMap((rule) => compileRegExp(rule).groupNames.map((name) => name ?? ''));
