// `${env:X}`, `${X}`, `${env:X:-default}`, `${file:…}`, `${yaml:…}` and `$$`, as the Collector expands them: after
// merging, innermost reference first, again and again until nothing changes; then `$$` becomes `$`.
import type { ErrorCode } from '../errors.ts';
import type { ConfigNode, ListNode, MapEntry, MapNode, ScalarNode } from './node.ts';
import { parseYaml } from './parse.ts';
import { spotInScalar } from './scalar-offset.ts';
import { type Issue, makeIssue, makeSource, type Spot } from './source.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ExpandContext {
  readonly env: Environment;
  /** Throws when the file cannot be read. */
  readonly readFile: (path: string) => string;
  readonly issues: Issue[];
  /** References replaced so far, over the whole configuration. */
  expansions: number;
}

const MAX_STEPS = 1000;
const MAX_DEPTH = 1000;
const MAX_EXPANSIONS = 20_000;
const MAX_TEXT = 1 << 20;

class Refused extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

interface Reference {
  readonly start: number;
  readonly end: number;
}

/** The first reference that can be expanded: the innermost before the first `}`, not escaped by an odd number of `$`. */
const findReference = (text: string): Reference | null => {
  let from = 0;
  for (let close = text.indexOf('}'); close >= 0; close = text.indexOf('}', from)) {
    const open = text.slice(from, close).lastIndexOf('${');
    if (open >= 0) {
      const start = from + open;
      let dollars = 0;
      while (start - dollars > from && text[start - dollars - 1] === '$') dollars += 1;
      if (dollars % 2 === 0) return { start, end: close + 1 };
    }
    from = close + 1;
  }
  return null;
};

interface Found {
  readonly text: string;
  /** What a file's content is called; null for text that stands in no file. */
  readonly file: string | null;
}

const lookUpEnv = (opaque: string, env: Environment): string => {
  const split = opaque.indexOf(':-');
  const name = split < 0 ? opaque : opaque.slice(0, split);
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) {
    throw new Refused('CONFIG_ENV', `"${name}" cannot be the name of an environment variable`);
  }
  const value = env[name] ?? (split < 0 ? undefined : opaque.slice(split + 2));
  if (value !== undefined) return value;
  throw new Refused(
    'CONFIG_ENV',
    `environment variable ${name} is not set; set it or give a default: \${env:${name}:-…}`,
  );
};

const retrieve = (reference: string, context: ExpandContext): Found => {
  const inner = reference.slice(2, -1);
  const uri = inner.includes(':') ? inner : `env:${inner}`;
  const [, scheme = '', opaque = ''] = /^([A-Za-z][A-Za-z0-9+.-]+):([\s\S]*)$/.exec(uri) ?? [];
  if (opaque.includes('$')) throw new Refused('CONFIG_ENV', `"${reference}" holds a $ where none can stand`);
  context.expansions += 1;
  if (context.expansions > MAX_EXPANSIONS)
    throw new Refused('CONFIG_ENV', 'too many expansions; a value refers to itself');
  if (scheme === 'env') return { text: lookUpEnv(opaque, context.env), file: null };
  if (scheme === 'yaml') return { text: opaque, file: null };
  if (scheme !== 'file') {
    const hint = /^\w+:-/.test(inner)
      ? `a default needs the scheme: \${env:${inner}}`
      : 'known are env:, file: and yaml: (a literal $ is written $$)';
    throw new Refused('CONFIG_VALUE', `"${reference}" cannot be expanded; ${hint}`);
  }
  try {
    return { text: context.readFile(opaque), file: opaque };
  } catch (error) {
    throw new Refused(
      'CONFIG_READ',
      `cannot read ${opaque}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
};

/** Text with, for each character, the character of the original text it came from. */
interface Tracked {
  readonly text: string;
  readonly origin: readonly number[];
}

const track = (text: string): Tracked => ({ text, origin: Array.from({ length: text.length }, (_, index) => index) });

/** Replaces every occurrence of `what`; the replacement is said to stand where it began. */
const replaceAll = (tracked: Tracked, what: string, replacement: string): Tracked => {
  const { text } = tracked;
  let result = '';
  const origin: number[] = [];
  let at = 0;
  for (let hit = text.indexOf(what); hit >= 0; hit = text.indexOf(what, at)) {
    result += text.slice(at, hit) + replacement;
    if (result.length > MAX_TEXT)
      throw new Refused('CONFIG_ENV', 'expands to more than 1 MiB; a value refers to itself');
    origin.push(...tracked.origin.slice(at, hit));
    for (let unit = 0; unit < replacement.length; unit += 1) origin.push(tracked.origin[hit] ?? 0);
    at = hit + what.length;
  }
  result += text.slice(at);
  for (const index of tracked.origin.slice(at)) origin.push(index);
  return { text: result, origin };
};

/** A whole value from `found`: typed as YAML where it is no string, verbatim where it is one or is no YAML. */
const parseWhole = (found: Found, at: Spot): ConfigNode => {
  const source = found.file === null ? at.source : makeSource(found.file, found.text);
  const parsed = parseYaml(found.text, source, 0, found.file === null ? at : null);
  const { root } = parsed;
  if (root === null || (root.kind === 'scalar' && typeof root.value === 'string')) {
    return { kind: 'scalar', at, value: found.text, text: found.text };
  }
  return root.kind === 'scalar' ? { ...root, at, text: found.text } : { ...root, text: found.text };
};

/** All references inside a text as text; null when one of them cannot be expanded. */
const expandText = (text: string, context: ExpandContext): string | null => {
  try {
    let tracked = track(text);
    for (let step = 0; step < MAX_STEPS; step += 1) {
      const found = findReference(tracked.text);
      if (found === null) return tracked.text.replaceAll('$$', '$');
      const reference = tracked.text.slice(found.start, found.end);
      tracked = replaceAll(tracked, reference, retrieve(reference, context).text);
    }
    return null;
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
};

/** The text of an expanded value is itself expanded; where that fails, only the typed value is left. */
const withText = (node: ConfigNode, text: string, context: ExpandContext): ConfigNode => {
  const expanded = expandText(text, context);
  if (expanded !== null) return { ...node, text: expanded };
  const { text: _, ...rest } = node;
  return rest;
};

/** As retrieve; a refusal is reported at the reference, and the answer is null. */
const retrieveAt = (reference: string, spot: Spot, context: ExpandContext): Found | null => {
  try {
    return retrieve(reference, context);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    context.issues.push(makeIssue('error', spot, error.code, error.message));
    return null;
  }
};

const brokenAt = (at: Spot): ScalarNode => ({ kind: 'scalar', at, value: null, broken: true });

/** What a value that is exactly one reference becomes. */
const expandWhole = (node: ScalarNode, found: Found, context: ExpandContext, depth: number): ConfigNode => {
  const next = parseWhole(found, node.at);
  if (next.kind === 'scalar' && typeof next.value === 'string') return expandAt(next, context, depth + 1);
  return expandAt(withText(next, found.text, context), context, depth + 1);
};

const expandString = (node: ScalarNode, value: string, context: ExpandContext, depth: number): ConfigNode => {
  let tracked = track(value);
  let broken = false;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const reference = findReference(tracked.text);
    if (reference === null) {
      if (broken) return brokenAt(node.at);
      const done = replaceAll(tracked, '$$', '$');
      const whole = node.text === undefined ? {} : { text: done.text };
      return { ...node, value: done.text, origin: done.origin, ...whole };
    }
    const text = tracked.text.slice(reference.start, reference.end);
    const found = retrieveAt(text, spotInScalar(node, tracked.origin[reference.start] ?? 0), context);
    if (text.length === tracked.text.length) {
      return found === null || broken ? brokenAt(node.at) : expandWhole(node, found, context, depth);
    }
    // The other references of the text are still looked up, so that all that are missing are named at once.
    broken ||= found === null;
    tracked = replaceAll(tracked, text, found?.text ?? '');
  }
  throw new Refused('CONFIG_ENV', `more than ${MAX_STEPS} expansions; a value refers to itself`);
};

const expandScalar = (node: ScalarNode, context: ExpandContext, depth: number): ConfigNode => {
  if (typeof node.value !== 'string' || !node.value.includes('$')) return node;
  try {
    if (depth > MAX_DEPTH)
      throw new Refused('CONFIG_ENV', 'expansions within expansions without end; a value refers to itself');
    return expandString(node, node.value, context, depth);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    context.issues.push(makeIssue('error', node.at, error.code, error.message));
    return brokenAt(node.at);
  }
};

const expandAt = (node: ConfigNode, context: ExpandContext, depth: number): ConfigNode => {
  if (node.kind === 'scalar') return expandScalar(node, context, depth);
  if (node.kind === 'list') {
    const list: ListNode = { ...node, items: node.items.map((item) => expandAt(item, context, depth)) };
    return list;
  }
  const entries = new Map<string, MapEntry>();
  for (const [key, entry] of node.entries)
    entries.set(key, { key: entry.key, node: expandAt(entry.node, context, depth) });
  const map: MapNode = { ...node, entries };
  return map;
};

/** Expands every value of the tree; problems go to `context.issues`, the values concerned become broken nulls. */
export const expandNode = (root: ConfigNode, context: ExpandContext): ConfigNode => expandAt(root, context, 0);
