// The matcher that older components share (`include`, `exclude` of attributes, span and filter): which spans do they
// mean. Different properties must all match; of one list any item will do, but all attributes, resources and libraries.
import { compileRegExp, RegExpError } from '../lib/regexp/regexp.ts';
import { valueText } from '../ottl/coerce.ts';
import { equalValues } from '../ottl/compare.ts';
import { kindSymbols } from '../ottl/paths.ts';
import { valueBytes } from '../wire/any-value.ts';
import type { AttributeTable } from '../wire/attribute-table.ts';
import type { Value } from '../wire/value.ts';
import type { ConfigIssue } from './definition.ts';
import type { Touch } from './processor.ts';
import { scalarText } from './scalar-text.ts';
import type { MatchProperties } from './span-match-fields.ts';
import type { StageBuilder } from './step.ts';

/** What the schema cannot say: expressions that RE2 refuses, kinds that do not exist. `path` leads to the properties. */
export function checkMatchProperties(properties: MatchProperties, path: ConfigIssue['path']): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const { match_type: matchType } = properties;
  if (matchType === 'strict') {
    for (const [i, kind] of properties.span_kinds.entries()) {
      if (kindSymbols.slice(1).includes(kind)) continue;
      const message = `expected one of ${kindSymbols.slice(1).join(', ')}`;
      issues.push({ path: [...path, 'span_kinds', i], code: 'CONFIG_VALUE', message });
    }
    return issues;
  }
  for (const list of ['services', 'span_names', 'span_kinds'] as const) {
    for (const [i, text] of properties[list].entries()) checkExpression(text, [...path, list, i], issues);
  }
  for (const list of ['attributes', 'resources'] as const) {
    for (const [i, { value }] of properties[list].entries()) {
      const at = [...path, list, i, 'value'];
      if (typeof value === 'string') checkExpression(value, at, issues);
      else if (value !== undefined && value !== null) {
        issues.push({ path: at, code: 'CONFIG_TYPE', message: 'with match_type regexp the value is a text' });
      }
    }
  }
  for (const [i, { name, version }] of properties.libraries.entries()) {
    checkExpression(name, [...path, 'libraries', i, 'name'], issues);
    if (version !== undefined) checkExpression(version, [...path, 'libraries', i, 'version'], issues);
  }
  return issues;
}

function checkExpression(text: string, path: ConfigIssue['path'], issues: ConfigIssue[]): void {
  try {
    compileRegExp(text);
  } catch (error) {
    if (!(error instanceof RegExpError)) throw error;
    const offset = error.offset === null ? {} : { offset: error.offset };
    issues.push({
      path,
      code: 'CONFIG_REGEXP',
      message: `not a regular expression of RE2: ${error.message}`,
      ...offset,
    });
  }
}

/** Two values that one attribute cannot have at once: properties that ask for both match nothing. */
export function adviseMatchProperties(properties: MatchProperties, path: ConfigIssue['path']): ConfigIssue[] {
  if (properties.match_type !== 'strict') return [];
  return (['attributes', 'resources'] as const).flatMap((list) =>
    properties[list].flatMap(({ key, value }, i): ConfigIssue[] => {
      const isOther = (one: { readonly key: string; readonly value?: Value | undefined }): boolean =>
        one.key === key && one.value != null && value != null && !equalValues(one.value, value);
      if (!properties[list].slice(0, i).some(isOther)) return [];
      const message = `never matches: all of these must hold, and one above asks for another value of ${key}`;
      return [{ path: [...path, list, i], code: 'CONFIG_VALUE', message }];
    }),
  );
}

type Test = () => boolean;
type TextTest = (text: string) => boolean;

/** Whether the span that the stage shows is meant. */
export function compileSpanMatcher(properties: MatchProperties, stage: StageBuilder): Test {
  const { match_type: matchType, services, span_names: names, span_kinds: kinds, libraries } = properties;
  const textTest = (texts: readonly string[]): TextTest => anyOf(texts, matchType);
  const { span, resource, scope } = stage;
  const tests: Test[] = [];
  if (kinds.length > 0) {
    const matches = textTest(kinds);
    const known = kindSymbols.map(matches);
    const other = matches('');
    tests.push(() => known[span.kind] ?? other);
  }
  if (names.length > 0) {
    const matches = textTest(names);
    tests.push(() => matches(span.name));
  }
  tests.push(...properties.attributes.map((wanted) => attributeTest(wanted, matchType, span.attributes, stage)));
  if (services.length > 0) {
    const matches = textTest(services);
    const key = stage.intern('service.name');
    tests.push(() => {
      const entry = resource.attributes.find(key);
      return matches(entry < 0 ? '<nil-service-name>' : valueText(resource.attributes.get(entry)));
    });
  }
  tests.push(...properties.resources.map((wanted) => attributeTest(wanted, matchType, resource.attributes, stage)));
  for (const { name, version } of libraries) {
    const matchesName = textTest([name]);
    const matchesVersion = version === undefined ? null : textTest([version]);
    tests.push(() => matchesName(scope.name) && (matchesVersion === null || matchesVersion(scope.version)));
  }
  return tests.reduce((a, b) => () => a() && b());
}

/** What the matcher of these properties reads besides the span. */
export function spanMatcherTouches({ services, resources, libraries }: MatchProperties): readonly Touch[] {
  const touches: Touch[] = [];
  if (services.length > 0 || resources.length > 0) touches.push({ what: 'resource', from: 'span', writes: false });
  if (libraries.length > 0) touches.push({ what: 'scope', from: 'span', writes: false });
  return touches;
}

function anyOf(texts: readonly string[], matchType: MatchProperties['match_type']): TextTest {
  if (matchType === 'strict') {
    const set = new Set(texts);
    return (text) => set.has(text);
  }
  const matchers = texts.map((text) => compileRegExp(text));
  return (text) => matchers.some((matcher) => matcher.test(text));
}

function attributeTest(
  wanted: MatchProperties['attributes'][number],
  matchType: MatchProperties['match_type'],
  table: AttributeTable,
  stage: StageBuilder,
): Test {
  const key = stage.intern(wanted.key);
  const { value } = wanted;
  if (value === undefined || value === null) return () => table.find(key) >= 0;
  if (matchType === 'regexp') {
    const matcher = compileRegExp(String(value));
    return () => {
      const entry = table.find(key);
      // Expressions are only tried on single values.
      const text = entry < 0 ? null : scalarText(table.get(entry));
      return text !== null && matcher.test(text);
    };
  }
  if (typeof value === 'object' || typeof value === 'number') {
    return () => {
      const entry = table.find(key);
      return entry >= 0 && equalValues(table.get(entry), value);
    };
  }
  // Texts, bools and ints have one encoding.
  const bytes = valueBytes(value);
  const at = stage.constant(bytes);
  return () => {
    const entry = table.find(key);
    return entry >= 0 && table.equalsEncoded(entry, at, bytes.length);
  };
}

// --- both together: which spans a component changes --------------------------------------------------------------------

/** `include` and `exclude` of a component that changes spans. */
interface SpanSelection {
  readonly include?: MatchProperties | null | undefined;
  readonly exclude?: MatchProperties | null | undefined;
}

const partsOf = ({ include, exclude }: SpanSelection): readonly (readonly [string, MatchProperties])[] => [
  ...(include == null ? [] : ([['include', include]] as const)),
  ...(exclude == null ? [] : ([['exclude', exclude]] as const)),
];

export const checkSpanSelection = (selection: SpanSelection): ConfigIssue[] =>
  partsOf(selection).flatMap(([field, properties]) => checkMatchProperties(properties, [field]));

export const adviseSpanSelection = (selection: SpanSelection): ConfigIssue[] =>
  partsOf(selection).flatMap(([field, properties]) => adviseMatchProperties(properties, [field]));

export const spanSelectionTouches = (selection: SpanSelection): readonly Touch[] =>
  partsOf(selection).flatMap(([, properties]) => spanMatcherTouches(properties));

/** Whether the span that the stage shows is to be changed; null: every span is. */
export function compileSpanSelection({ include, exclude }: SpanSelection, stage: StageBuilder): Test | null {
  const included = include == null ? null : compileSpanMatcher(include, stage);
  const excluded = exclude == null ? null : compileSpanMatcher(exclude, stage);
  if (excluded === null) return included;
  if (included === null) return () => !excluded();
  return () => included() && !excluded();
}
