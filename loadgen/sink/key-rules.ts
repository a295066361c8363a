// What a chain does to attributes, by key.

import type { Field } from './message-reader.ts';
import { sameValue } from './same-value.ts';

/** null: any value. Else the AnyValue as it is encoded. */
export type AddedValue = Buffer | null;

export interface KeyRules {
  /** Nothing is removed, added or changed. */
  readonly none: boolean;
  removed(key: string): boolean;
  changed(key: string): boolean;
  readonly added: ReadonlyMap<string, AddedValue>;
}

export const noKeyRules: KeyRules = { none: true, removed: () => false, changed: () => false, added: new Map() };

export interface KeyPatterns {
  /** Keys; `*` stands for any characters. */
  readonly removed: readonly string[];
  readonly added: ReadonlyMap<string, AddedValue>;
  readonly changed: readonly string[];
}

export function compileKeyRules(patterns: KeyPatterns): KeyRules {
  return {
    none: patterns.removed.length + patterns.added.size + patterns.changed.length === 0,
    removed: compilePatterns(patterns.removed),
    changed: compilePatterns(patterns.changed),
    added: patterns.added,
  };
}

/** More keys than any run has: what a chain invents must not fill the memory. */
const mostKnown = 100_000;

function compilePatterns(patterns: readonly string[]): (key: string) => boolean {
  if (patterns.length === 0) return () => false;
  const known = new Map<string, boolean>();
  const sources = patterns.map((pattern) => pattern.split('*').map(escapeRegExp).join('.*'));
  const expression = new RegExp(`^(?:${sources.join('|')})$`, 's');
  return (key) => {
    let matches = known.get(key);
    if (matches === undefined) {
      matches = expression.test(key);
      if (known.size >= mostKnown) known.clear();
      known.set(key, matches);
    }
    return matches;
  };
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** Whether the AnyValue in `field` (null: absent, the empty value) is what is to be added. */
export function isAdded(value: AddedValue, bytes: Buffer, field: Field | null): boolean {
  if (value === null) return true;
  const from = field?.from ?? 0;
  return sameValue(bytes, from, field?.to ?? from, value, 0, value.length);
}
