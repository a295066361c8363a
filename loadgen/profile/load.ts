// Profile files -> ProfileText (plain data, so that every process of a run can have it) -> Profile, or what is wrong.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { checkSchema } from '../../src/config/check-schema.ts';
import type { ConfigNode } from '../../src/config/node.ts';
import { parseYaml } from '../../src/config/parse.ts';
import { type Issue, makeIssue, makeSource, sortIssues } from '../../src/config/source.ts';
import type { Subject } from '../../src/config/subject.ts';
import { suggestion } from '../../src/config/suggest.ts';
import { SpanmillError } from '../../src/errors.ts';
import type { ProfileText } from '../corpus/corpus.ts';
import { checkTopology } from './check-topology.ts';
import { readValues } from './read-values.ts';
import { mixSchema, topologySchema } from './schema.ts';
import { type Mix, type Profile, type Topology, topologyOf } from './topology.ts';

const builtInFolder = join(import.meta.dirname, '../profiles');

/** Names of the profiles that come with the program, sorted. */
export const builtInProfiles = (): string[] =>
  readdirSync(builtInFolder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .sort();

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  EISDIR: 'it is a folder',
};

const MOST_FILE_BYTES = 2 ** 20;

const readText = (path: string): string => {
  try {
    const size = statSync(path).size;
    if (size <= MOST_FILE_BYTES) return readFileSync(path, 'utf8');
    throw new SpanmillError('CONFIG_READ', `the profile ${path} has ${size} bytes; a profile has 1 MiB at most`);
  } catch (cause) {
    if (cause instanceof SpanmillError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    throw new SpanmillError('CONFIG_READ', `cannot read the profile ${path}: ${reasons[code] ?? code}`, { cause });
  }
};

const isPath = (name: string): boolean => /[\\/]|\.ya?ml$/.test(name);
const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** The file that `name` means. `mix`: the profile that names it, or null; `folder`: where paths begin. */
const locateProfile = (name: string, folder: string, mix: string | null): string => {
  const path = isAbsolute(name) ? name : join(folder, name);
  if (isPath(name)) return path;
  const known = builtInProfiles();
  if (known.includes(name)) return join(builtInFolder, `${name}.yaml`);
  if (isFile(path)) return path;
  const hint = suggestion(name, known, 'there are');
  const named = mix === null ? '' : ` in the mix of ${mix}`;
  throw new SpanmillError('USAGE', `unknown profile "${name}"${named}${hint} (or give a file, as ./${name}.yaml)`);
};

/** Names that a `mix` holds; none where the text is not what it should be, which parseProfile will tell. */
const namesOfMix = (text: string): string[] => {
  const { root } = parseYaml(text, makeSource('', text));
  const mix = root?.kind === 'map' ? root.entries.get('mix')?.node : undefined;
  return mix?.kind === 'map' ? [...mix.entries.keys()] : [];
};

/**
 * The text of a built-in profile (`gateway`) or of a file, with those that its mix names. Throws a SpanmillError, one
 * line that names the profile: USAGE for a name that is not built in, CONFIG_READ for a file that cannot be read.
 */
export const readProfile = (nameOrPath: string): ProfileText => {
  const path = locateProfile(nameOrPath, '', null);
  const text = readText(path);
  const folder = dirname(path);
  const parts = namesOfMix(text).map((name) => {
    const part = locateProfile(name, folder, nameOrPath);
    return { name: isPath(name) ? part : name, text: readText(part), parts: [] };
  });
  return { name: nameOrPath, text, parts };
};

export interface ParsedProfile {
  /** null exactly when there are issues. */
  readonly profile: Profile | null;
  /** In the order of the files, each problem at its place. */
  readonly issues: readonly Issue[];
}

type Parsed<T> = { readonly value: T | null; readonly issues: readonly Issue[] };

/** The name of the whole says nothing in a message. */
const NAME = 'profile';
const withoutName = (issue: Issue): Issue => ({ ...issue, message: issue.message.replace(`${NAME}.`, '') });

const subjectOf = (node: ConfigNode): Subject => ({ name: NAME, node, key: node.at });

const parseTopology = (root: ConfigNode): Parsed<Topology> => {
  const issues: Issue[] = [];
  const fields = checkSchema(topologySchema, subjectOf(root));
  issues.push(...fields.issues.map(withoutName));
  const values = readValues(root, (issue) => issues.push(issue));
  const topology = fields.value === null ? null : topologyOf(fields.value, values);
  if (topology !== null) checkTopology(root, topology, values.letUses, (issue) => issues.push(issue));
  return { value: issues.length === 0 ? topology : null, issues };
};

const partOf = (text: ProfileText, name: string, node: ConfigNode): Parsed<Topology> => {
  const here = (message: string): Parsed<Topology> => ({
    value: null,
    issues: [makeIssue('error', node.at, 'CONFIG_CONFLICT', message)],
  });
  const parsed = parseOne(text);
  if (parsed.value === null || parsed.value === 'mix') {
    return parsed.value === null
      ? { value: null, issues: parsed.issues }
      : here(`"${name}" is a mix itself; name its parts`);
  }
  return { value: parsed.value, issues: parsed.issues };
};

const parseMix = (root: ConfigNode, parts: readonly ProfileText[]): Parsed<Mix> => {
  const fields = checkSchema(mixSchema, subjectOf(root));
  if (fields.value === null) return { value: null, issues: fields.issues.map(withoutName) };
  const issues: Issue[] = [];
  const read: { name: string; weight: number; topology: Topology }[] = [];
  const mix = root.kind === 'map' ? root.entries.get('mix')?.node : undefined;
  for (const [i, [name, entry]] of (mix?.kind === 'map' ? [...mix.entries] : []).entries()) {
    const text = parts[i];
    if (text === undefined) throw new SpanmillError('INTERNAL', `the text of the profile "${name}" is missing`);
    const part = partOf(text, name, { ...entry.node, at: entry.key });
    issues.push(...part.issues);
    if (part.value !== null) read.push({ name: text.name, weight: fields.value.mix[name] ?? 0, topology: part.value });
  }
  return { value: { kind: 'mix', description: fields.value.description, parts: read }, issues };
};

/** 'mix' for a profile that is one. */
const parseOne = (text: ProfileText): Parsed<Topology | 'mix'> & { readonly root: ConfigNode | null } => {
  const source = makeSource(text.name, text.text);
  const { root, issues } = parseYaml(text.text, source);
  if (root === null) return { value: null, issues, root };
  if (root.kind === 'scalar' && root.value === null) {
    const message = 'the profile is empty; it needs description, resources, traces and spans, or a mix';
    return { value: null, issues: [makeIssue('error', root.at, 'CONFIG_MISSING', message)], root };
  }
  if (root.kind === 'map' && root.entries.has('mix')) return { value: 'mix', issues: [], root };
  return { ...parseTopology(root), root };
};

/** The same problem once, where an anchor is used several times. */
const once = (issues: readonly Issue[]): Issue[] => {
  const seen = new Set<string>();
  return issues.filter(({ file, line, column, code }) => {
    const place = `${file}:${line}:${column} ${code}`;
    return seen.size < seen.add(place).size;
  });
};

/** Checks a profile. Never throws for what its author can get wrong. */
export const parseProfile = (text: ProfileText): ParsedProfile => {
  const one = parseOne(text);
  const parsed: Parsed<Profile> =
    one.value === 'mix' && one.root !== null
      ? parseMix(one.root, text.parts)
      : { value: one.value === 'mix' ? null : one.value, issues: one.issues };
  const issues = sortIssues(once(parsed.issues), [text.name, ...text.parts.map(({ name }) => name)]);
  return { profile: issues.length === 0 ? parsed.value : null, issues };
};
