// Makes src/ottl/functions/user-agent-rules.json from the package uap-core: the rules for browsers and operating systems (those
// for devices are most of the file, and unused), each with texts of which one must occur; with --check exits 1 on a difference.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parse } from 'yaml';
import { type Node, parsePattern } from '../src/lib/regexp/parse.ts';
import { type Change, newerAgents, newerSystems } from './newer-user-agents.ts';

type Entry = Readonly<Record<string, string>>;
/** The pattern, one of which texts must occur (none: unknown), then templates of the name and the parts of the version. */
type Rule = readonly [pattern: string, needs: readonly string[], ...templates: string[]];

const require = createRequire(import.meta.url);
const target = new URL('../src/ottl/functions/user-agent-rules.json', import.meta.url);

function rule(entry: Entry, templates: readonly string[]): Rule {
  const pattern = entry.regex_flag === undefined ? entry.regex : `(?${entry.regex_flag})${entry.regex}`;
  const tree = parsePattern(pattern);
  const found = templates.map((name) => entry[name] ?? '');
  while (found.at(-1) === '') found.pop();
  return [pattern, tree === null ? [] : needs(tree), ...found];
}

/** The rules of uap-core with ours between them. `fields`: which of an entry are templates, the name first. */
function rulesOf(entries: readonly Entry[], fields: readonly string[], changes: readonly Change[]): readonly Rule[] {
  const rules = [...entries];
  /** `exact`: of several patterns that begin so, the one that is no longer. */
  const indexOf = (start: string): number => {
    const found = rules.flatMap(({ regex }, i) => (regex.startsWith(start) ? [i] : []));
    const exact = found.filter((i) => rules[i].regex === start);
    const [index, ...others] = exact.length > 0 ? exact : found;
    if (index === undefined || others.length > 0)
      throw new Error(`${start} begins ${found.length} patterns of uap-core`);
    return index;
  };
  for (const { before, rules: added, drops = [] } of changes) {
    for (const start of drops) rules.splice(indexOf(start), 1);
    const entriesOf = added.map(({ regex, name = '', version = [] }) =>
      Object.fromEntries([['regex', regex], ...[name, ...version].map((text, i) => [fields[i], text])]),
    );
    rules.splice(before === null ? rules.length : indexOf(before), 0, ...entriesOf);
  }
  return rules.map((entry) => rule(entry, fields));
}

/** Texts of which one stands in whatever matches; none when there is no such. */
function needs(node: Node): readonly string[] {
  switch (node.kind) {
    case 'set':
      return node.ranges.length === 2 && node.ranges[0] === node.ranges[1]
        ? [String.fromCodePoint(node.ranges[0])]
        : [];
    case 'assert':
      return [];
    case 'group':
      return needs(node.item);
    case 'repeat':
      return node.min === 0 ? [] : needs(node.item);
    case 'choice': {
      const all = node.items.map(needs);
      return all.some((texts) => texts.length === 0) ? [] : [...new Set(all.flat())];
    }
    case 'sequence':
      return needsOfSequence(node.items);
  }
}

/** Characters in a row are one text. The best is what has the longest shortest text. */
function needsOfSequence(items: readonly Node[]): readonly string[] {
  const candidates: (readonly string[])[] = [];
  let run = '';
  for (const item of items) {
    const found = needs(item);
    if (item.kind === 'set' && found.length === 1) {
      run += found[0];
      continue;
    }
    candidates.push([run], found);
    run = '';
  }
  candidates.push([run]);
  const strength = (texts: readonly string[]) => Math.min(...texts.map((text) => text.length));
  return candidates
    .filter((texts) => texts.length > 0 && strength(texts) > 0)
    .reduce((best, texts) => (best.length === 0 || strength(texts) > strength(best) ? texts : best), []);
}

/** The text of the file. */
export function renderRules(): string {
  const source = parse(readFileSync(require.resolve('uap-core/regexes.yaml'), 'utf8')) as Record<string, Entry[]>;
  const { version } = JSON.parse(readFileSync(require.resolve('uap-core/package.json'), 'utf8')) as { version: string };
  const names = (prefix: string, ...rest: string[]) => rest.map((name) => `${prefix}${name}_replacement`);
  const agents = names('', 'family', 'v1', 'v2', 'v3');
  const systems = names('os_', 'v1', 'v2', 'v3', 'v4');
  const lines = (rules: readonly Rule[]) => rules.map((one) => JSON.stringify(one)).join(',\n');
  return [
    `{"from": "uap-core ${version}, Copyright 2009 Google Inc., Apache License 2.0, with rules of our own; made by scripts/user-agent-rules.ts",`,
    `"agents": [\n${lines(rulesOf(source.user_agent_parsers, agents, newerAgents))}\n],`,
    `"systems": [\n${lines(rulesOf(source.os_parsers, ['os_replacement', ...systems], newerSystems))}\n]}\n`,
  ].join('\n');
}

if (import.meta.main) {
  const text = renderRules();
  if (!process.argv.includes('--check')) writeFileSync(target, text);
  else if (readFileSync(target, 'utf8') !== text) {
    console.error(
      'src/ottl/functions/user-agent-rules.json is not what uap-core gives; run: node scripts/user-agent-rules.ts',
    );
    process.exitCode = 1;
  }
}
