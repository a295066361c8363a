// What a user agent names itself: browser and operating system, by the rules of uap-core, of which the first that matches counts.
import { createRequire } from 'node:module';
import { expandTemplate, parseTemplate } from '../../lib/regexp/expand.ts';
import { compileRegExp, type Matcher } from '../../lib/regexp/regexp.ts';
import type { OttlMap } from '../values.ts';

/** The pattern, one of which texts must occur (none: unknown), then templates of the name and the parts of the version. */
type WrittenRule = readonly [pattern: string, needs: readonly string[], ...templates: string[]];
interface Rule {
  readonly pattern: string;
  readonly needs: readonly string[];
  readonly templates: readonly string[];
  /** Compiled when a text first has what it needs: all of them would take 40 MB. */
  matcher: Matcher | null;
}
interface Found {
  readonly name: string;
  readonly version: string;
}

/** Of a text that is longer, this much counts: it is searched by many patterns, and up to here they are fast. */
const maxSearched = 1000;
/** The same few agents come again and again: the last are kept. */
const maxKept = 1000;
const kept = new Map<string, { readonly agent: Found; readonly system: Found }>();

const load = createRequire(import.meta.url);
let rules: { readonly agents: readonly Rule[]; readonly systems: readonly Rule[] } | undefined;

function loadRules() {
  const written = load('./user-agent-rules.json') as Record<'agents' | 'systems', readonly WrittenRule[]>;
  const read = ([pattern, needs, ...templates]: WrittenRule): Rule => ({ pattern, needs, templates, matcher: null });
  return { agents: written.agents.map(read), systems: written.systems.map(read) };
}

export function parseUserAgent(text: string): OttlMap {
  const { agent, system } = search(text.slice(0, maxSearched));
  const map = new Map([
    ['user_agent.name', agent.name],
    ['user_agent.original', text],
    ['user_agent.version', agent.version],
    ['os.name', system.name],
  ]);
  if (system.version !== '') map.set('os.version', system.version);
  return map;
}

function search(text: string): { readonly agent: Found; readonly system: Found } {
  const known = kept.get(text);
  if (known !== undefined) return known;
  rules ??= loadRules();
  // What is kept must not be a part of a text that is far longer, and would be kept with it.
  const own = Buffer.from(text).toString();
  const found = { agent: firstOf(rules.agents, own, 4), system: firstOf(rules.systems, own, 5) };
  if (kept.size >= maxKept) kept.delete(kept.keys().next().value ?? '');
  kept.set(own, found);
  return found;
}

/** `parts`: name and parts of the version. Where a rule has no template for one, it is the group of that number. */
function firstOf(all: readonly Rule[], text: string, parts: number): Found {
  for (const rule of all) {
    if (rule.needs.length > 0 && !rule.needs.some((need) => text.includes(need))) continue;
    rule.matcher ??= compileRegExp(rule.pattern);
    const match = rule.matcher.exec(text);
    if (match === null) continue;
    const { groupNames } = rule.matcher;
    const [name, ...version] = Array.from({ length: parts }, (_, i) =>
      expandTemplate(parseTemplate(rule.templates[i] || `$${i + 1}`), match.groups, groupNames),
    );
    // A rule that gives no name has found nothing.
    if (name !== '') return { name, version: versionText(version) };
  }
  return { name: 'Other', version: '' };
}

function versionText([major, ...others]: readonly string[]): string {
  return major + others.map((part) => (part === '' ? '' : `.${part}`)).join('');
}
