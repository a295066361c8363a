// One part of the tree against a zod schema: the parsed value, or issues at their places.
import type { z } from 'zod';
import { type ConfigNode, isBroken, nodeAt, type Path } from './node.ts';
import { type Expected, type Form, type Forms, finalForm, nextForm, toPlain } from './plain.ts';
import { type Issue, makeIssue } from './source.ts';
import type { Subject } from './subject.ts';
import { describeIssue } from './zod-issues.ts';

type ZodIssue = z.core.$ZodIssue;

/** The places that an issue speaks of, with what was expected there; a union speaks of all its branches' places. */
const placesOf = (issue: ZodIssue, above: Path): { path: Path; expected: Expected }[] => {
  const path = [...above, ...(issue.path as Path)];
  if (issue.code === 'invalid_union') {
    return [
      { path, expected: null },
      ...issue.errors.flatMap((branch) => branch.flatMap((inner) => placesOf(inner, path))),
    ];
  }
  return [{ path, expected: issue.code === 'invalid_type' ? issue.expected : null }];
};

/** Exchanges the form of every value that was refused and has another form; false when there was none. */
const exchangeForms = (
  node: ConfigNode,
  issues: readonly ZodIssue[],
  forms: Forms,
  tried: Map<ConfigNode, Set<Form>>,
): boolean => {
  let changed = false;
  const places = issues.flatMap((issue) => placesOf(issue, []));
  const refused = new Map<ConfigNode, Expected>();
  for (const { path, expected } of places) {
    const at = nodeAt(node, path);
    if (at !== undefined) refused.set(at, refused.get(at) ?? expected);
  }
  for (const [at, expected] of refused) {
    const before = tried.get(at) ?? new Set<Form>();
    if (before.has('exact')) continue;
    const form = nextForm(at, before, expected);
    // Out of forms: back to the one that reads best in a message, for good ('exact' marks that).
    if (form === null && before.size === 0) continue;
    forms.set(at, form ?? finalForm(at));
    tried.set(at, before.add(form ?? 'exact'));
    changed = true;
  }
  return changed;
};

export type Checked<T> =
  | { readonly value: T; readonly issues: readonly [] }
  | { readonly value: null; readonly issues: readonly Issue[] };

/** Parses `subject` with `schema`. Issues under values that are broken already are left out: value null, no issue. */
export const checkSchema = <T>(schema: z.ZodType<T>, subject: Subject): Checked<T> => {
  const { node } = subject;
  const forms: Forms = new Map();
  const tried = new Map<ConfigNode, Set<Form>>();
  if (node.kind === 'scalar' && node.value === null) forms.set(node, 'block');
  for (;;) {
    const result = schema.safeParse(toPlain(node, forms));
    if (result.success) return { value: result.data, issues: [] };
    if (exchangeForms(node, result.error.issues, forms, tried)) continue;
    const described = result.error.issues.flatMap((issue) => describeIssue(issue, subject, schema));
    const kept = described.filter(({ code, path }) => code === 'CONFIG_UNKNOWN_KEY' || !isBroken(node, path));
    return {
      value: null,
      issues: kept.map((problem) => makeIssue('error', problem.spot, problem.code, problem.message)),
    };
  }
};
