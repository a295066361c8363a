// Attributes taken out of a name. What a named group finds becomes an attribute, and {group} takes its place in the name.
import { removeLater } from '../../component/attribute-actions/duplicates.ts';
import type { StageBuilder } from '../../component/step.ts';
import { compileRegExp } from '../../lib/regexp/regexp.ts';
import type { NameConfig } from './index.ts';

type RulesConfig = NonNullable<NameConfig['to_attributes']>;

/** Sets attributes from a name; gives the new name, or null when the rule does not match. */
type Rule = (name: string) => string | null;

export function compileRules(config: RulesConfig, stage: StageBuilder): () => void {
  const { span } = stage;
  const { break_after_match: onlyFirst, keep_original_name: keepsName } = config;
  const rules = config.rules.map((pattern) => compileRule(pattern, stage));
  return () => {
    const before = span.name;
    if (before === '') return;
    let name = before;
    for (const rule of rules) {
      const renamed = rule(name);
      if (renamed === null) continue;
      if (!keepsName) name = renamed;
      if (onlyFirst) break;
    }
    if (name !== before) span.name = name;
  };
}

function compileRule(pattern: string, stage: StageBuilder): Rule {
  const matcher = compileRegExp(pattern);
  const groups = matcher.groupNames.map((name) => {
    return { label: `{${name ?? ''}}`, set: compileSetter(name ?? '', stage) };
  });
  return (name) => {
    const places = matcher.execPositions(name);
    if (places === null) return null;
    let renamed = '';
    let from = 0;
    for (let i = 0; i < groups.length; i++) {
      const [start, end] = places[i + 1];
      // The Collector ends in a panic where a group took no part, or is inside of another.
      if (start < 0) continue;
      groups[i].set(name.slice(start, end));
      if (start < from) continue;
      renamed += name.slice(from, start) + groups[i].label;
      from = end;
    }
    return renamed + name.slice(from);
  };
}

function compileSetter(key: string, stage: StageBuilder): (text: string) => void {
  const table = stage.span.attributes;
  // The key of a group without a name, as the Collector has it; the kernel does not look that one up.
  if (key === '') return (text) => table.setKey('', text);
  const id = stage.intern(key);
  return (text) => {
    table.set(id, text);
    removeLater(table, stage, id);
  };
}
