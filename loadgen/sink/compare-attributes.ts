// Attributes that arrived against those that were sent: as a map, and by the rules of what the chain does to keys.
import { isAdded, type KeyRules } from './key-rules.ts';
import { type Field, sameBytes } from './message-reader.ts';
import { type Entry, readEntry, sameField } from './same-value.ts';

/**
 * Is told what was found about a field that arrived; see recipes.ts. `same`: the bytes of the field that was sent there.
 * `constant`: right whatever was sent, as long as it has these bytes. `free`: right whatever its bytes. `equal`: means
 * what was sent, in other bytes.
 */
export interface Notes {
  same(arrived: Field, sent: Field): void;
  constant(arrived: Field): void;
  free(arrived: Field): void;
  equal(): void;
}

export const noNotes: Notes = { same() {}, constant() {}, free() {}, equal() {} };

/** KeyValues of one message. */
export interface EntryList {
  readonly bytes: Buffer;
  readonly fields: readonly Field[];
}

export function entriesIn(bytes: Buffer, fields: readonly Field[], number: number): EntryList {
  return { bytes, fields: fields.filter((field) => field.number === number && field.type === 2) };
}

/** Attributes that were sent, read when they are asked for: most often their bytes say all. */
class SentEntries {
  readonly list: EntryList;
  readonly #entries: (Entry | undefined)[];
  #byKey: Map<string, number> | null = null;

  constructor(list: EntryList) {
    this.list = list;
    this.#entries = new Array<Entry | undefined>(list.fields.length);
  }

  at(i: number): Entry {
    const { bytes, fields } = this.list;
    const { from, to } = fields[i];
    const entry = this.#entries[i] ?? readEntry(bytes, from, to);
    this.#entries[i] = entry;
    return entry;
  }

  /** -1: there is none. */
  find(key: string): number {
    this.#byKey ??= new Map(this.list.fields.map((_, i) => [this.at(i).key, i]));
    return this.#byKey.get(key) ?? -1;
  }

  hasBytes(i: number, bytes: Buffer, { from, to }: Field): boolean {
    const field = this.list.fields[i];
    return sameBytes(bytes, from, to, this.list.bytes, field.from, field.to);
  }
}

/** What is wrong, as `attribute http.route: changed`; '' when nothing is. */
export function compareAttributes(arrived: EntryList, sent: EntryList, rules: KeyRules, notes: Notes): string {
  const { bytes } = arrived;
  const entries = new SentEntries(sent);
  const count = sent.fields.length;
  const taken = new Array<boolean>(count).fill(false);
  const invented = new Set<string>();
  let next = 0;
  for (const field of arrived.fields) {
    // Most often they come as they were sent and in that order, less those that are removed.
    let at = next;
    let entry: Entry;
    if (at < count && entries.hasBytes(at, bytes, field)) entry = entries.at(at);
    else {
      entry = readEntry(bytes, field.from, field.to);
      if (entry.hasKeyIndex) return `attribute ${entry.key}: changed`;
      while (at < count && entries.at(at).key !== entry.key && rules.removed(entries.at(at).key)) at++;
      if (at >= count || entries.at(at).key !== entry.key) at = entries.find(entry.key);
    }
    if (at < 0) {
      if (invented.has(entry.key)) return `attribute ${entry.key}: twice`;
      invented.add(entry.key);
      const problem = checkAdded(bytes, field, entry, rules, notes);
      if (problem !== '') return problem;
      continue;
    }
    if (taken[at]) return `attribute ${entry.key}: twice`;
    taken[at] = true;
    next = at + 1;
    const problem = compareEntry(bytes, field, entry, entries, at, rules, notes);
    if (problem !== '') return problem;
  }
  return missing(entries, taken, invented, rules);
}

function checkAdded(bytes: Buffer, field: Field, entry: Entry, rules: KeyRules, notes: Notes): string {
  const value = rules.added.get(entry.key);
  if (value === undefined) return `attribute ${entry.key}: unexpected`;
  if (!isAdded(value, bytes, entry.value)) return `attribute ${entry.key}: not the value to be added`;
  if (value === null) notes.free(field);
  else notes.constant(field);
  return '';
}

/** `entry`: of the field that arrived; where its bytes are those that were sent, the one that was sent. */
function compareEntry(
  bytes: Buffer,
  field: Field,
  entry: Entry,
  sent: SentEntries,
  at: number,
  rules: KeyRules,
  notes: Notes,
): string {
  const isAsSent = sent.hasBytes(at, bytes, field);
  const entryBytes = isAsSent ? sent.list.bytes : bytes;
  const { key } = entry;
  const added = rules.added.get(key);
  if (added !== undefined && isAdded(added, entryBytes, entry.value)) {
    if (added === null) notes.free(field);
    else notes.constant(field);
    return '';
  }
  if (rules.removed(key)) return `attribute ${key}: not removed`;
  if (rules.changed(key)) {
    notes.free(field);
    return '';
  }
  // An insert leaves alone what was there, so a key to be added may also be as it was sent.
  if (isAsSent) {
    notes.same(field, sent.list.fields[at]);
    return '';
  }
  if (!sameField(bytes, entry.value, sent.list.bytes, sent.at(at).value)) return `attribute ${key}: changed`;
  notes.equal();
  return '';
}

function missing(sent: SentEntries, taken: readonly boolean[], invented: ReadonlySet<string>, rules: KeyRules): string {
  for (let i = 0; i < taken.length; i++) {
    if (!taken[i] && !rules.removed(sent.at(i).key)) return `attribute ${sent.at(i).key}: missing`;
  }
  for (const key of rules.added.keys()) {
    const at = invented.has(key) ? -1 : sent.find(key);
    if (!invented.has(key) && (at < 0 || !taken[at])) return `attribute ${key}: not added`;
  }
  return '';
}
