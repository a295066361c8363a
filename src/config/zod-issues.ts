// What a zod issue means, in the words of a configuration file.
import type { z } from 'zod';
import type { ErrorCode } from '../errors.ts';
import { nearest } from '../lib/nearest.ts';
import { knownKeys } from './known-keys.ts';
import { maskLine } from './mask-line.ts';
import { type ConfigNode, nodeAt, type Path } from './node.ts';
import { isSecret } from './secrets.ts';
import type { Spot } from './source.ts';
import { asErrorCode, placeName, type Subject, spotFor } from './subject.ts';
import { suggestion } from './suggest.ts';

type ZodIssue = z.core.$ZodIssue;

export interface Described {
  readonly path: Path;
  readonly spot: Spot;
  readonly code: ErrorCode;
  readonly message: string;
}

const NAMES: Readonly<Record<string, string>> = {
  object: 'a map',
  record: 'a map',
  array: 'a list',
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  null: 'nothing',
};
const named = (expected: string): string => NAMES[expected] ?? expected;

/** What stands there. The value of an expanded reference is not shown: it may be a secret. */
export const foundText = (node: ConfigNode | undefined): string => {
  if (node === undefined) return 'nothing';
  if (node.kind !== 'scalar') return node.kind === 'map' ? 'a map' : 'a list';
  if (node.value === null) return 'nothing';
  const type = typeof node.value === 'string' ? 'string' : typeof node.value === 'boolean' ? 'boolean' : 'number';
  if (node.text !== undefined || node.origin !== undefined) return `a ${type} (from an expansion)`;
  if (isSecret(node)) return `a ${type} (a secret)`;
  if (typeof node.value !== 'string') return `the ${type} ${node.value}`;
  // `headers: "api-key=…"`, as the environment of an SDK has it.
  const masked = maskLine(node.value);
  const text = masked.length > 60 ? `${masked.slice(0, 60)}…` : masked;
  return `the string ${JSON.stringify(text)}`;
};

const quoteOption = (value: unknown): string => (value === '' ? '""' : String(value));

interface Sentence {
  readonly code: ErrorCode;
  readonly text: string;
}

const limitText = (issue: ZodIssue): string | null => {
  if (issue.code !== 'too_small' && issue.code !== 'too_big') return null;
  const low = issue.code === 'too_small';
  const limit = low ? issue.minimum : issue.maximum;
  const counted: Readonly<Record<string, string>> = {
    string: ' characters',
    array: ' items',
    set: ' items',
    map: ' entries',
    object: ' entries',
  };
  const unit = counted[issue.origin] ?? '';
  if (low && unit !== '' && Number(limit) === 1) return 'must not be empty';
  if (issue.inclusive === false) return `must be ${low ? 'greater' : 'less'} than ${limit}${unit}`;
  return `must ${unit === '' ? 'be' : 'have'} at ${low ? 'least' : 'most'} ${limit}${unit}`;
};

/** Codes whose messages gain nothing from the value that was found. */
const SPEAKS_FOR_ITSELF: ReadonlySet<ErrorCode> = new Set(['CONFIG_MISSING', 'CONFIG_UNSUPPORTED', 'CONFIG_CONFLICT']);

const sentenceOf = (issue: ZodIssue, node: ConfigNode | undefined): Sentence => {
  const found = foundText(node);
  if (issue.code === 'invalid_type') {
    if (node === undefined || found === 'nothing')
      return { code: 'CONFIG_MISSING', text: `is required: ${named(issue.expected)}` };
    return { code: 'CONFIG_TYPE', text: `expected ${named(issue.expected)}, found ${found}` };
  }
  if (issue.code === 'invalid_value') {
    const options = issue.values.map(quoteOption);
    if (node === undefined) return { code: 'CONFIG_MISSING', text: `is required: one of ${options.join(', ')}` };
    const near =
      node.kind === 'scalar' && typeof node.value === 'string' && node.text === undefined
        ? nearest(node.value, options)
        : undefined;
    const hint = near === undefined ? '' : `; did you mean "${near}"?`;
    return {
      code: 'CONFIG_VALUE',
      text: `expected ${options.length === 1 ? '' : 'one of '}${options.join(', ')}, found ${found}${hint}`,
    };
  }
  const suffix = node?.kind === 'scalar' && node.value !== null ? `; found ${found}` : '';
  const limit = limitText(issue);
  if (limit !== null) return { code: 'CONFIG_VALUE', text: `${limit}${suffix}` };
  if (issue.code !== 'custom') return { code: 'CONFIG_VALUE', text: `${issue.message}${suffix}` };
  const code = asErrorCode(issue.params?.code);
  return { code, text: SPEAKS_FOR_ITSELF.has(code) ? issue.message : `${issue.message}${suffix}` };
};

const expectedTypes = (branches: readonly (readonly ZodIssue[])[]): string[] | null => {
  const names = new Set<string>();
  for (const branch of branches) {
    const [first] = branch;
    if (first === undefined || first.path.length > 0) return null;
    if (first.code === 'invalid_type') names.add(named(first.expected));
    else if (first.code === 'invalid_value') for (const value of first.values) names.add(quoteOption(value));
    else return null;
  }
  return [...names];
};

/** The branch that came furthest: whose problems lie deepest, then with the fewest of them. */
const likeliestBranch = (branches: readonly (readonly ZodIssue[])[]): readonly ZodIssue[] => {
  const depth = (branch: readonly ZodIssue[]): number => Math.max(0, ...branch.map((issue) => issue.path.length));
  const rightType = (branch: readonly ZodIssue[]): number =>
    branch.some((issue) => issue.path.length === 0 && issue.code === 'invalid_type') ? 0 : 1;
  return (
    branches.toSorted((a, b) => rightType(b) - rightType(a) || depth(b) - depth(a) || a.length - b.length)[0] ?? []
  );
};

const describeUnion = (
  issue: z.core.$ZodIssueInvalidUnion,
  path: Path,
  subject: Subject,
  schema: z.ZodType,
): Described[] => {
  const node = nodeAt(subject.node, path);
  const at = { path, spot: spotFor(subject, path) };
  if (issue.discriminator !== undefined && issue.errors.length === 0) {
    const options = ('options' in issue && Array.isArray(issue.options) ? issue.options : []).map(quoteOption);
    const text =
      node === undefined
        ? `is required: one of ${options.join(', ')}`
        : `expected one of ${options.join(', ')}, found ${foundText(node)}`;
    const code = node === undefined ? 'CONFIG_MISSING' : 'CONFIG_VALUE';
    return [{ ...at, code, message: `${placeName(subject, path)}: ${text}` }];
  }
  const types = expectedTypes(issue.errors);
  if (types !== null) {
    const code = node === undefined ? 'CONFIG_MISSING' : 'CONFIG_TYPE';
    const text =
      node === undefined
        ? `is required: ${types.join(' or ')}`
        : `expected ${types.join(' or ')}, found ${foundText(node)}`;
    return [{ ...at, code, message: `${placeName(subject, path)}: ${text}` }];
  }
  return likeliestBranch(issue.errors).flatMap((inner) => describeAt(inner, path, subject, schema));
};

const describeAt = (issue: ZodIssue, above: Path, subject: Subject, schema: z.ZodType): Described[] => {
  const path = [...above, ...(issue.path as Path)];
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, path);
    return issue.keys.map((key) => {
      const where = [...path, key];
      const map = nodeAt(subject.node, path);
      const spot = (map?.kind === 'map' ? map.entries.get(key)?.key : undefined) ?? spotFor(subject, path);
      // A key of another variant of the same block (a field that belongs to another `action`).
      const text = known.includes(key)
        ? `the key "${key}" does not go with the other settings here`
        : `unknown key "${key}"${suggestion(key, known, 'known keys')}`;
      const message = `${placeName(subject, path)}: ${text}`;
      return { path: where, spot, code: 'CONFIG_UNKNOWN_KEY', message };
    });
  }
  if (issue.code === 'invalid_union') return describeUnion(issue, path, subject, schema);
  if (issue.code === 'invalid_key' || issue.code === 'invalid_element') {
    return issue.issues.flatMap((inner) => describeAt(inner, path, subject, schema));
  }
  const { code, text } = sentenceOf(issue, nodeAt(subject.node, path));
  return [{ path, spot: spotFor(subject, path), code, message: `${placeName(subject, path)}: ${text}` }];
};

/** The problems that one zod issue stands for, each with its place in the file. */
export const describeIssue = (issue: ZodIssue, subject: Subject, schema: z.ZodType): Described[] =>
  describeAt(issue, [], subject, schema);
