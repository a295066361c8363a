// The editors over plain lists of entries, by the reference (2.4).
import { expandTemplate, parseTemplate } from '../../../../src/lib/regexp/expand.ts';
import type { Matcher } from '../../../../src/lib/regexp/regexp.ts';
import { OttlFault } from '../../../../src/ottl/error.ts';
import type { Apply } from '../../../../src/ottl/functions/define.ts';
import type { OttlList, OttlMap, OttlValue } from '../../../../src/ottl/values.ts';
import { fail } from './faults.ts';
import { type Attributes, type Entry, firstOfEach, type SpanItem } from './model.ts';
import { held, withEntry } from './paths.ts';
import { conventionalName } from './span-name.ts';
import { asText } from './text.ts';

/** One call of an editor. */
export interface EditorCall {
  get(): OttlValue;
  set(value: OttlValue): void;
  /** Of a target that is a map: its entries, those of an item's attributes with keys that occur twice. */
  entries(): Attributes;
  setEntries(entries: Attributes): void;
  readonly span: SpanItem | null;
  /** The argument as the function takes it; undefined when it is absent. */
  argument(name: string): unknown;
}

const editors: Readonly<Record<string, (call: EditorCall) => void>> = {
  set: ({ argument, set }) => {
    const value = argument('value') as OttlValue;
    if (value !== null) set(value);
  },

  set_semconv_span_name: ({ argument, span }) => {
    if (span === null) throw new Error('a rule for spans ran without one');
    const { name: before } = span;
    const after = conventionalName(span);
    const key = argument('original_span_name_attribute') as string | undefined;
    if (after === '' || after === before) return;
    span.name = after;
    if (key !== undefined) span.attributes = withEntry(span.attributes, key, before);
  },
  delete_key: ({ argument, entries, setEntries }) => {
    const removed = argument('key');
    setEntries(entries().filter(({ key }) => key !== removed));
  },
  delete_matching_keys: ({ argument, entries, setEntries }) => {
    const pattern = argument('pattern') as Matcher;
    setEntries(entries().filter(({ key }) => !pattern.test(key)));
  },
  keep_matching_keys: ({ argument, entries, setEntries }) => {
    const pattern = argument('pattern') as Matcher;
    setEntries(entries().filter(({ key }) => pattern.test(key)));
  },
  keep_keys: ({ argument, entries, setEntries }) => {
    const kept = texts(argument('keys'));
    setEntries(entries().filter(({ key }) => kept.includes(key)));
  },

  limit: ({ argument, entries, setEntries }) => {
    const before = entries();
    const limit = Number(argument('limit'));
    if (before.length <= limit) return;
    const priority = new Set(texts(argument('priority_keys')));
    if (priority.size > limit) throw fail('limit');
    const there = [...priority].filter((key) => before.some((entry) => entry.key === key));
    const others = before.filter(({ key }) => !priority.has(key)).slice(0, limit - there.length);
    setEntries(before.filter((entry) => priority.has(entry.key) || others.includes(entry)));
  },

  merge_maps: ({ argument, entries, setEntries }) => {
    const source = argument('source') as OttlMap;
    const strategy = argument('strategy');
    let merged = entries();
    for (const [key, value] of source) {
      const exists = merged.some((entry) => entry.key === key);
      if (strategy === (exists ? 'insert' : 'update')) continue;
      merged = withEntry(merged, key, value);
    }
    setEntries(merged);
  },

  flatten: ({ argument, get, set }) => {
    const source = get();
    if (!(source instanceof Map)) throw fail('type');
    const prefix = (argument('prefix') as string | undefined) ?? '';
    const isFlat = ![...(source as OttlMap).values()].some(isContainer);
    if (isFlat && prefix === '') return;
    const depth = argument('depth') as bigint | undefined;
    const flattener = new Flattener(depth ?? null, argument('resolve_conflicts') === true);
    flattener.map(source, prefix === '' ? '' : `${prefix}.`, 0n);
    set(flattener.out);
  },

  stringify_all: ({ entries, setEntries }) => {
    setEntries(entries().map(({ key, value }) => ({ key, value: asText(value) })));
  },
  truncate_all: ({ argument, entries, setEntries }) => {
    const limit = Number(argument('limit'));
    const marker = (argument('truncation_marker') as string | undefined) ?? '';
    const size = Buffer.byteLength;
    const shorten = (text: string) => (size(text) <= limit ? text : cut(text, limit - size(marker)) + marker);
    setEntries(entries().map((entry) => onText(entry, shorten)));
  },

  append: ({ argument, get, set }) => {
    const before = get();
    if (before instanceof Map) throw fail('append');
    const items: OttlValue[] = before === null ? [] : Array.isArray(before) ? [...before] : [before];
    const value = argument('value') as OttlValue | undefined;
    if (value !== undefined) items.push(value);
    const values = argument('values') as OttlList | undefined;
    set(values === undefined ? items : items.concat(values));
  },
  delete_index: ({ argument, get, set }) => {
    const items = get();
    if (!Array.isArray(items)) throw fail('type');
    const start = argument('start_index') as bigint;
    const end = (argument('end_index') as bigint | undefined) ?? start + 1n;
    const length = BigInt(items.length);
    const isWhole = start === 0n && end === length;
    if (!isWhole && (start < 0n || start >= length)) throw fail('index');
    if (end < start || end > length) throw fail('range');
    set((items as OttlList).filter((_, i) => i < start || i >= end));
  },

  replace_match: (call) => {
    const value = call.get();
    if (typeof value !== 'string') return;
    const pattern = call.argument('pattern') as Matcher;
    const replacement = call.argument('replacement') as string;
    const after = pattern.test(value) ? throughFunction(call)(replacement) : value;
    if (after !== value) call.set(after);
  },
  replace_all_matches: (call) => {
    const pattern = call.argument('pattern') as Matcher;
    const replacement = call.argument('replacement') as string;
    const replace = (text: string) => (pattern.test(text) ? throughFunction(call)(replacement) : text);
    call.setEntries(call.entries().map((entry) => onText(entry, replace)));
  },
  replace_pattern: (call) => {
    const value = call.get();
    if (typeof value !== 'string') return;
    const after = patternReplacer(call)(value);
    if (after !== value) call.set(after);
  },
  replace_all_patterns: (call) => {
    const replace = patternReplacer(call);
    const orAsItWas = (text: string): string => {
      try {
        return replace(text);
      } catch (error) {
        if (error instanceof OttlFault) return text;
        throw error;
      }
    };
    const before = call.entries();
    if (call.argument('mode') === 'value') {
      call.setEntries(before.map((entry) => onText(entry, orAsItWas)));
      return;
    }
    const renamed = before.map(({ key, value }) => ({ key: orAsItWas(key), value }));
    if (renamed.every(({ key }, i) => key === before[i].key)) return;
    // Of two entries that now have one key the later one stays.
    call.setEntries(renamed.filter(({ key }, i) => !renamed.some((later, j) => j > i && later.key === key)));
  },
};

export const plainEditors: ReadonlyMap<string, (call: EditorCall) => void> = new Map(Object.entries(editors));

// --- maps ------------------------------------------------------------------------------------------------------------

function texts(value: unknown): string[] {
  return (value as OttlList).map((item) => {
    if (typeof item !== 'string') throw fail('type');
    return item;
  });
}

function onText(entry: Entry, change: (text: string) => string): Entry {
  return typeof entry.value === 'string' ? { key: entry.key, value: change(entry.value) } : entry;
}

/** As many characters as fit into so many bytes. */
function cut(text: string, limit: number): string {
  let bytes = 0;
  let kept = '';
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > limit) return kept;
    kept += character;
  }
  return kept;
}

export function entriesOf(value: OttlValue): Attributes {
  if (!(value instanceof Map)) throw fail('type');
  return [...(value as OttlMap)].map(([key, item]) => ({ key, value: item }));
}

export function toAttributes(entries: Attributes): Attributes {
  for (const { value } of entries) held(value);
  return entries;
}

export function toMap(entries: Attributes): OttlMap {
  return firstOfEach(entries);
}

function isContainer(value: OttlValue): boolean {
  return value instanceof Map || Array.isArray(value);
}

class Flattener {
  readonly out = new Map<string, OttlValue>();
  readonly #depth: bigint | null;
  readonly #resolves: boolean;

  constructor(depth: bigint | null, resolves: boolean) {
    this.#depth = depth;
    this.#resolves = resolves;
  }

  map(source: OttlValue, prefix: string, level: bigint): void {
    for (const [name, item] of source as OttlMap) this.#item(item, prefix + name, level, null);
  }

  /** `shared`: the key of the list that it is an item of, or its own where that is an item itself; null: it is in no list. */
  #item(value: OttlValue, key: string, level: bigint, shared: string | null): void {
    const isDeep = this.#depth !== null && level >= this.#depth;
    if (value instanceof Map && !isDeep) this.map(value, `${key}.`, level + 1n);
    else if (Array.isArray(value) && !isDeep) {
      for (const [i, item] of (value as OttlList).entries()) {
        this.#item(item, `${key}.${i}`, level + 1n, shared === null ? key : `${key}.${i}`);
      }
    } else this.#put(this.#resolves ? (shared ?? key) : key, value);
  }

  #put(key: string, value: OttlValue): void {
    let free = key;
    if (this.#resolves) for (let n = 0; this.out.has(free); n++) free = `${key}.${n}`;
    this.out.set(free, value);
  }
}

// --- replacing -------------------------------------------------------------------------------------------------------

/** The replacement as the function and the format make it, if there are any. */
function throughFunction({ argument }: EditorCall): (replacement: string) => string {
  const apply = argument('function') as Apply | undefined;
  if (apply === undefined) return (replacement) => replacement;
  return (replacement) => {
    const made = apply(replacement);
    if (typeof made !== 'string') throw fail('applied');
    const format = (argument('replacement_format') as string | undefined) ?? '%s';
    return format
      .split('%%')
      .map((part) => part.split('%s').join(made))
      .join('%');
  };
}

function patternReplacer(call: EditorCall): (text: string) => string {
  const pattern = call.argument('regex_pattern') as Matcher;
  const template = parseTemplate(call.argument('replacement') as string);
  return (text) =>
    pattern.replaceAll(text, ({ groups }) =>
      throughFunction(call)(expandTemplate(template, groups, pattern.groupNames)),
    );
}
