// The names by which values refer to others: what the trace drew, attributes that stand above, attributes of ancestors.

import { suggestion } from '../../src/config/suggest.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { isKnownLate, mayBeFresh, type Reference, type ValueSpec } from './value-spec.ts';

/** Attributes by name; they are drawn before what asks for them, in whatever order they stand. */
export interface AttributeNames {
  readonly names: readonly string[];
  /** undefined: there is none; null: its description is wrong; 'circle': it is itself drawn from what asks. */
  find(key: string): ValueSpec | null | undefined | 'circle';
}

/** What stands around a value. */
export interface Surroundings {
  /** By name, one for each trace that has it, null for a broken one; null where no trace is drawn (resources, scopes). */
  readonly lets: ReadonlyMap<string, readonly (ValueSpec | null)[]> | null;
  /** Attributes that the value may refer to. */
  readonly attributes: AttributeNames;
  /** Attributes of any span; null where there is no span. */
  readonly ofSpans: ReadonlySet<string> | null;
  /** Whether fresh texts can stand here. */
  readonly fresh: boolean;
  /** Whether the duration of the span is known where the value is drawn. */
  readonly ended: boolean;
  /** Told of every let that is used. */
  readonly onLet: (path: readonly string[], target: ValueSpec) => void;
}

export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

const undefinedName = (message: string): Refusal => ({ code: 'CONFIG_UNDEFINED', message });

/** What stands at `rest` (keys joined by dots) in what `spec` draws, with the keys; null where not all it draws has it. */
export const memberOf = (
  spec: ValueSpec,
  rest: string,
): { readonly path: readonly string[]; readonly target: ValueSpec } | null => {
  if (spec.form === 'map') {
    for (const [key, value] of spec.entries) {
      if (key === rest) return { path: [key], target: value };
      const inner = rest.startsWith(`${key}.`) ? memberOf(value, rest.slice(key.length + 1)) : null;
      if (inner !== null) return { path: [key, ...inner.path], target: inner.target };
    }
    return null;
  }
  if (spec.form === 'one_of') {
    const members = spec.items.map(({ weight, value }) => ({ weight, value: memberOf(value, rest) }));
    const [first] = members;
    if (first?.value === undefined || first.value === null) return null;
    const items: { weight: number; value: ValueSpec }[] = [];
    for (const { weight, value } of members) {
      if (value?.path.join('\0') !== first.value.path.join('\0')) return null;
      items.push({ weight, value: value.target });
    }
    return { path: first.value.path, target: { form: 'one_of', items } };
  }
  if (spec.form === 'let' && spec.target !== null) return memberOf(spec.target, rest);
  return spec.form === 'optional' ? memberOf(spec.value, rest) : null;
};

const freshRefusal = (what: string): Refusal => ({
  code: 'CONFIG_CONFLICT',
  message: `${what} is different in every round of the load, and the text that stands here stays the same`,
});

export const durationRefusal = (what: string): Refusal => ({
  code: 'CONFIG_CONFLICT',
  message: `${what} is known when the span has ended; what stands here is drawn before`,
});

const refer = (value: Reference & { readonly target: ValueSpec | null }, what: string, around: Surroundings) => {
  const { target } = value;
  if (!around.fresh && target !== null && mayBeFresh(target)) return freshRefusal(what);
  if (!around.ended && target !== null && isKnownLate(target)) return durationRefusal(what);
  return value;
};

const resolveLet = (text: string, around: Surroundings): Reference | Refusal => {
  const { lets } = around;
  if (lets === null) return undefinedName('no trace is drawn here that could have a let');
  const [name = '', ...keys] = text.split('.');
  const specs = lets.get(name);
  if (specs === undefined) return undefinedName(`no let "${name}"${suggestion(name, [...lets.keys()], 'there is')}`);
  const rest = keys.join('.');
  for (const spec of specs) {
    if (spec === null) return { form: 'let', path: [name, ...keys], target: null };
    const member = rest === '' ? { path: [], target: spec } : memberOf(spec, rest);
    if (member === null) continue;
    const path = [name, ...member.path];
    around.onLet(path, member.target);
    return refer({ form: 'let', path, target: member.target }, `the let "${text}"`, around);
  }
  return undefinedName(`not everything that the let "${name}" draws has "${rest}"`);
};

const resolveAttribute = (key: string, around: Surroundings): Reference | Refusal => {
  const target = around.attributes.find(key);
  if (target === 'circle') return { code: 'CONFIG_CONFLICT', message: `the attribute "${key}" is drawn from this one` };
  if (target !== undefined) return refer({ form: 'attr', key, target }, `the attribute "${key}"`, around);
  return undefinedName(`no attribute "${key}" here${suggestion(key, around.attributes.names, 'there is')}`);
};

const resolveParent = (key: string, around: Surroundings): Reference | Refusal => {
  if (around.ofSpans === null) return undefinedName('no span is drawn here that could have a parent');
  if (around.ofSpans.has(key)) return { form: 'parent', key };
  return undefinedName(`no span has an attribute "${key}"${suggestion(key, [...around.ofSpans], 'there is')}`);
};

export const resolveReference = (form: Reference['form'], name: string, around: Surroundings): Reference | Refusal => {
  if (form === 'let') return resolveLet(name, around);
  return form === 'attr' ? resolveAttribute(name, around) : resolveParent(name, around);
};

export const isRefusal = (one: Reference | Refusal): one is Refusal => 'code' in one;
