// What actions on attributes name, and the mistakes that their schema cannot express.
import type { ErrorCode } from '../../errors.ts';
import { clientAddressKey, credentialAttribute } from '../../lib/client-keys.ts';
import { compileRegExp, type Matcher, RegExpError } from '../../lib/regexp/regexp.ts';
import type { ConfigIssue } from '../definition.ts';
import type { Action } from './fields.ts';

const metadataPrefix = 'metadata.';

/** The client metadata key that `from_context` names (lib/client-keys.ts); without a prefix it is a header. */
export function metadataKeyOf(context: string): string {
  if (context === clientAddressKey || credentialAttribute(context) !== null) return context;
  return (context.startsWith(metadataPrefix) ? context.slice(metadataPrefix.length) : context).toLowerCase();
}

/** Client metadata keys that the actions read, each once. */
export const metadataKeysOf = (actions: readonly Action[]): readonly string[] => [
  ...new Set(actions.filter((one) => one.from_context !== '').map((one) => metadataKeyOf(one.from_context))),
];

const setting: ReadonlySet<string> = new Set(['insert', 'update', 'upsert', 'hash', 'convert']);

/** Keys of attributes to which the actions give a value. */
export const keysSet = (actions: readonly Action[]): readonly string[] =>
  actions.flatMap(({ action, key, pattern }) => {
    if (action === 'extract') return compileRegExp(pattern).groupNames.map((name) => name ?? '');
    return setting.has(action) ? [key] : [];
  });

/** A null in the YAML is no value. */
export const isSet = (value: unknown): boolean => value !== undefined && value !== null;

type Field = keyof Action;
type Report = (field: Field | null, code: ErrorCode, message: string, offset?: number) => void;

/** `path` leads to the list. */
export function checkActions(actions: readonly Action[], path: ConfigIssue['path']): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  actions.forEach((one, index) => {
    checkAction(one, (field, code, message, offset) => {
      const place = field === null ? [...path, index] : [...path, index, field];
      issues.push({ path: place, code, message, ...(offset === undefined ? {} : { offset }) });
    });
  });
  return issues;
}

const sources = ['value', 'from_attribute', 'from_context'] as const;
/** An empty text is no key, pattern or source; but it is a value. */
const given = (one: Action, field: Field): boolean => isSet(one[field]) && (one[field] !== '' || field === 'value');

function checkAction(one: Action, report: Report): void {
  const refuse = (...fields: Field[]): void => {
    for (const field of fields) {
      if (given(one, field)) report(field, 'CONFIG_CONFLICT', `is not used by the action ${one.action}`);
    }
  };
  const need = (field: Field): void => {
    if (!given(one, field)) report(null, 'CONFIG_MISSING', `${field} is required by the action ${one.action}`);
  };
  switch (one.action) {
    case 'insert':
    case 'update':
    case 'upsert':
      need('key');
      checkSources(one, report);
      refuse('pattern', 'converted_type');
      break;
    case 'delete':
    case 'hash':
      if (one.key === '' && one.pattern === '') {
        report(null, 'CONFIG_MISSING', `key or pattern is required by the action ${one.action}`);
      }
      refuse('value', 'from_attribute', 'converted_type');
      compilePattern(one, report);
      break;
    case 'extract':
      need('key');
      need('pattern');
      refuse(...sources, 'converted_type');
      checkGroups(compilePattern(one, report), report);
      break;
    case 'convert':
      need('key');
      need('converted_type');
      refuse(...sources, 'pattern');
  }
}

function checkSources(one: Action, report: Report): void {
  const set = sources.filter((field) => given(one, field));
  if (set.length === 0 && !isSet(one.default_value)) {
    const text = 'one of value, from_attribute, from_context and default_value is required';
    report(null, 'CONFIG_MISSING', `${text} by the action ${one.action}`);
  }
  for (const field of set.slice(1)) {
    report(field, 'CONFIG_CONFLICT', `only one source can be given, and ${set[0]} is`);
  }
}

function compilePattern(one: Action, report: Report): Matcher | null {
  if (one.pattern === '') return null;
  try {
    return compileRegExp(one.pattern);
  } catch (error) {
    if (!(error instanceof RegExpError)) throw error;
    report('pattern', 'CONFIG_REGEXP', error.message, error.offset ?? undefined);
    return null;
  }
}

function checkGroups(matcher: Matcher | null, report: Report): void {
  if (matcher === null) return;
  if (matcher.groupNames.length === 0) {
    report('pattern', 'CONFIG_VALUE', 'has no named group such as (?P<user_id>[0-9]+), so it extracts nothing');
  } else if (matcher.groupNames.includes(null)) {
    report('pattern', 'CONFIG_VALUE', 'has a group without a name: every group names an attribute; (?:…) groups only');
  }
}
