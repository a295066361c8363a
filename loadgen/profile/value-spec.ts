// A value as a profile describes it, checked: names resolved, amounts read. What is drawn from it: values.ts.
import type { Double, FreshPart } from '../corpus/shape.ts';
import type { Quantity } from './quantity.ts';

export const DURATION_UNITS = ['ns', 'ms', 's'] as const;
export type DurationUnit = (typeof DURATION_UNITS)[number];

type Alphabet = FreshPart['alphabet'];

export type PatternPart =
  | string
  /** Different in every span (in a `let`: in every trace) of every round. */
  | { readonly hole: 'fresh'; readonly alphabet: Alphabet; readonly length: number }
  /** As `fresh` where a fresh text cannot stand: drawn like everything else. */
  | { readonly hole: 'random'; readonly alphabet: Alphabet; readonly length: number }
  | { readonly hole: 'int'; readonly from: number; readonly to: number }
  | { readonly hole: 'one_of'; readonly choices: readonly string[] }
  | { readonly hole: 'word' }
  | { readonly hole: 'index' }
  | { readonly hole: 'value'; readonly value: Reference };

export type Reference =
  /** What the trace drew; `path`: the let's name, then keys of maps in it. `target`: what stands there. */
  | { readonly form: 'let'; readonly path: readonly string[]; readonly target: ValueSpec | null }
  /** An attribute that was drawn before; `target`: null for one whose description is wrong. */
  | { readonly form: 'attr'; readonly key: string; readonly target: ValueSpec | null }
  | { readonly form: 'parent'; readonly key: string };

/** A text between the sentences of a prose. `kind`: null for any. */
export interface Insert {
  readonly near: boolean;
  readonly kind: string | null;
  readonly chance: number;
}

export type ValueSpec =
  | { readonly form: 'constant'; readonly value: string | number | boolean | Double }
  /** In JSON only. */
  | { readonly form: 'null' }
  | { readonly form: 'one_of'; readonly items: readonly { readonly weight: number; readonly value: ValueSpec }[] }
  | { readonly form: 'int' | 'double'; readonly quantity: Quantity }
  | { readonly form: 'bool'; readonly chance: number }
  | { readonly form: 'pattern'; readonly parts: readonly PatternPart[] }
  | Reference
  | { readonly form: 'prose'; readonly size: Quantity; readonly inserts: readonly Insert[] }
  | { readonly form: 'private'; readonly near: boolean; readonly kind: string | null }
  | { readonly form: 'json'; readonly tree: ValueSpec }
  | { readonly form: 'base64' | 'bytes'; readonly size: Quantity }
  | { readonly form: 'floats'; readonly count: Quantity }
  | { readonly form: 'list'; readonly item: ValueSpec; readonly count: Quantity }
  | { readonly form: 'items'; readonly items: readonly ValueSpec[] }
  | { readonly form: 'map'; readonly entries: readonly (readonly [key: string, value: ValueSpec])[] }
  /** `target`, `targets`: as those of references. */
  | { readonly form: 'tokens_of'; readonly key: string; readonly target: ValueSpec | null }
  /** Of attributes that are numbers; others count 0. */
  | { readonly form: 'sum'; readonly keys: readonly string[]; readonly targets: readonly (ValueSpec | null)[] }
  /** Of that attribute of the spans below, that of the nearest ones on each way down. */
  | { readonly form: 'sum_below'; readonly key: string }
  /** The first attribute divided by the second, so many times. */
  | {
      readonly form: 'ratio';
      readonly keys: readonly string[];
      readonly targets: readonly (ValueSpec | null)[];
      readonly times: number;
    }
  /** A part of an attribute that is a whole number: 0 to 1 of it, rounded down. */
  | { readonly form: 'share_of'; readonly key: string; readonly target: ValueSpec | null; readonly share: Quantity }
  /** A part of the duration of the span, known when it has ended. */
  | { readonly form: 'duration_in'; readonly unit: DurationUnit; readonly share: Quantity }
  /** How many there are in the span's duration at so many a second: whole, at least 1. */
  | { readonly form: 'per_second'; readonly rate: Quantity }
  /** The number of the event, of the list item or of the span in its entry, from `first` on. */
  | { readonly form: 'index_from'; readonly first: number }
  | { readonly form: 'optional'; readonly chance: number; readonly value: ValueSpec };

/** Once for each value: a value may lead to another in many ways. */
const remembered = (find: (spec: ValueSpec) => boolean): ((spec: ValueSpec) => boolean) => {
  const known = new WeakMap<ValueSpec, boolean>();
  return (spec) => {
    const found = known.get(spec) ?? find(spec);
    known.set(spec, found);
    return found;
  };
};

const freshPart = (part: PatternPart): boolean => {
  if (typeof part === 'string') return false;
  return part.hole === 'fresh' || (part.hole === 'value' && mayBeFresh(part.value));
};

/** Whether what is drawn can hold a fresh part; of `parent` that is not known, and false is said. */
export const mayBeFresh = remembered((spec): boolean => {
  switch (spec.form) {
    case 'pattern':
      return spec.parts.some(freshPart);
    case 'let':
    case 'attr':
      return spec.target !== null && mayBeFresh(spec.target);
    case 'one_of':
      return spec.items.some(({ value }) => mayBeFresh(value));
    case 'json':
      return mayBeFresh(spec.tree);
    case 'list':
      return mayBeFresh(spec.item);
    case 'items':
      return spec.items.some(mayBeFresh);
    case 'map':
      return spec.entries.some(([, value]) => mayBeFresh(value));
    case 'optional':
      return mayBeFresh(spec.value);
    default:
      return false;
  }
});

/** Whether a text is drawn; of `parent` that is not known, and true is said. */
export const givesText = remembered((spec): boolean => {
  switch (spec.form) {
    case 'constant':
      return typeof spec.value === 'string';
    case 'one_of':
      return spec.items.every(({ value }) => givesText(value));
    case 'let':
    case 'attr':
      return spec.target === null || givesText(spec.target);
    case 'optional':
      return givesText(spec.value);
    case 'pattern':
    case 'parent':
    case 'prose':
    case 'private':
    case 'json':
    case 'base64':
    case 'floats':
      return true;
    default:
      return false;
  }
});

/** The values that a value consists of; what it refers to is not among them. */
const partsOf = (spec: ValueSpec): readonly ValueSpec[] => {
  switch (spec.form) {
    case 'one_of':
      return spec.items.map(({ value }) => value);
    case 'pattern':
      return spec.parts.flatMap((part) => (typeof part === 'object' && part.hole === 'value' ? [part.value] : []));
    case 'json':
      return [spec.tree];
    case 'list':
      return [spec.item];
    case 'items':
      return spec.items;
    case 'map':
      return spec.entries.map(([, value]) => value);
    case 'optional':
      return [spec.value];
    default:
      return [];
  }
};

/** Keys of the attributes that a value is drawn from: its span's own (`attr`) or its ancestors' (`parent`). */
export const keysUsed = (spec: ValueSpec, form: 'attr' | 'parent'): string[] => [
  ...(spec.form === form ? [spec.key] : []),
  ...partsOf(spec).flatMap((part) => keysUsed(part, form)),
];

/** Whether what is drawn depends on how the span went: its duration, or the spans below it. */
export const isKnownLate = remembered((spec): boolean => {
  switch (spec.form) {
    case 'duration_in':
    case 'per_second':
    case 'sum_below':
      return true;
    case 'attr':
    case 'tokens_of':
    case 'share_of':
      return spec.target !== null && isKnownLate(spec.target);
    case 'sum':
    case 'ratio':
      return spec.targets.some((target) => target !== null && isKnownLate(target));
    default:
      return partsOf(spec).some(isKnownLate);
  }
});

/** Whether the same is drawn every time. */
export const isConstant = (spec: ValueSpec): boolean => {
  if (spec.form === 'constant' || spec.form === 'null') return true;
  return (spec.form === 'json' || spec.form === 'items' || spec.form === 'map') && partsOf(spec).every(isConstant);
};
