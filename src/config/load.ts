// The `--config` locations and `--set` pairs as one expanded tree.
import { type Environment, type ExpandContext, expandNode } from './expand.ts';
import { maskLine } from './mask-line.ts';
import { mergeNodes, unflattenTop } from './merge.ts';
import type { ConfigNode, MapEntry } from './node.ts';
import { parseYaml } from './parse.ts';
import { secretWarnings } from './secrets.ts';
import { type Issue, makeIssue, makeSource, type Source, type Spot } from './source.ts';

export interface LoadInput {
  /** File names, or `file:`, `env:` and `yaml:` URIs; merged in this order. */
  readonly files: readonly string[];
  /** `a.b=c`, applied after all files. */
  readonly sets: readonly string[];
  readonly env: Environment;
  /** Text of a file; throws when it cannot be read. */
  readonly readFile: (path: string) => string;
}

export interface Loaded {
  /** null when a text could not be read or is not YAML: then nothing else can be said. */
  readonly root: ConfigNode | null;
  readonly issues: readonly Issue[];
  /** Names of the sources in the order given. */
  readonly sources: readonly string[];
}

interface Part {
  readonly source: Source;
  readonly root: ConfigNode | null;
  readonly issues: readonly Issue[];
}

const failed = (
  source: Source,
  code: 'CONFIG_READ' | 'CONFIG_SYNTAX' | 'CONFIG_ENV' | 'CONFIG_TYPE',
  message: string,
): Part => ({
  source,
  root: null,
  issues: [makeIssue('error', { source, offset: 0 }, code, message)],
});

const asMap = (source: Source, root: ConfigNode | null, issues: readonly Issue[]): Part => {
  if (root === null) return { source, root, issues };
  if (root.kind === 'map') return { source, root: unflattenTop(root), issues };
  // An empty file adds nothing; `processors:` with nothing under it is another matter.
  if (root.kind === 'scalar' && root.value === null)
    return { source, root: { kind: 'map', at: root.at, entries: new Map() }, issues };
  const found = root.kind === 'list' ? 'a list' : 'a single value';
  return failed(source, 'CONFIG_TYPE', `a configuration is a map (receivers:, processors:, …), this is ${found}`);
};

const readText = (name: string, path: string, input: LoadInput): Source | Part => {
  try {
    return makeSource(name, input.readFile(path));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return failed(makeSource(name, ''), 'CONFIG_READ', `cannot read the file: ${reason}`);
  }
};

const loadLocation = (location: string, input: LoadInput): Part => {
  const [, scheme = 'file', opaque = location] = /^([A-Za-z][A-Za-z0-9+.-]+):([\s\S]*)$/.exec(location) ?? [];
  let source: Source | Part;
  if (scheme === 'file') source = readText(opaque, opaque, input);
  else if (scheme === 'yaml') source = makeSource('yaml:', opaque);
  else if (scheme === 'env') {
    const value = input.env[opaque];
    source = makeSource(`env:${opaque}`, value ?? '');
    if (value === undefined) return failed(source, 'CONFIG_ENV', `environment variable ${opaque} is not set`);
  } else
    return failed(
      makeSource(location, ''),
      'CONFIG_READ',
      `${scheme}: cannot be read; known are file:, env: and yaml:`,
    );
  if ('root' in source) return source;
  const parsed = parseYaml(source.text, source);
  return asMap(source, parsed.root, parsed.issues);
};

/** `a.b=c`: the path in dots (or ::), then YAML for the value. */
const loadSet = (set: string): Part => {
  const source = makeSource(`--set ${maskLine(set)}`, set);
  const equals = set.indexOf('=');
  const path = set.slice(0, Math.max(0, equals)).trim();
  const steps = path.split(/\.|::/);
  if (path === '' || steps.includes(''))
    return failed(source, 'CONFIG_SYNTAX', '--set takes path=value, such as processors.batch.timeout=2s');
  const parsed = parseYaml(set.slice(equals + 1), source, equals + 1);
  if (parsed.root === null) return { source, root: null, issues: parsed.issues };
  const key: Spot = { source, offset: 0 };
  let root: ConfigNode = parsed.root;
  for (const step of steps.toReversed()) {
    root = { kind: 'map', at: key, entries: new Map<string, MapEntry>([[step, { key, node: root }]]) };
  }
  return { source, root, issues: [] };
};

export const loadTree = (input: LoadInput): Loaded => {
  const parts = [...input.files.map((file) => loadLocation(file, input)), ...input.sets.map(loadSet)];
  const sources = parts.map((part) => part.source.name);
  const issues = parts.flatMap((part) => part.issues);
  const roots = parts.map((part) => part.root).filter((root) => root !== null);
  const first = roots[0];
  if (first === undefined || roots.length < parts.length) return { root: null, issues, sources };
  const context: ExpandContext = { env: input.env, readFile: input.readFile, issues: [], expansions: 0 };
  const merged = roots.slice(1).reduce(mergeNodes, first);
  const secrets = secretWarnings(merged);
  const root = expandNode(merged, context);
  return { root, issues: [...issues, ...secrets, ...context.issues], sources };
};
