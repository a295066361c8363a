// The attributes of one message as positions in the shared memory: what the kernel indexed, plus the edits of this stage.
// An edit never copies what it can point at: a changed entry is a key range and a value range, wherever those lie.
import { decodeValue, encodedSize, encodeMeasured, kindAt, stringContent, writeUtf8 } from './any-value.ts';
import { NoRoomError } from './no-room.ts';
import { type AttributeConstant, entryBytes, type StageMemory } from './stage-memory.ts';
import { type Value, type ValueKind, valueKind } from './value.ts';
import { varintSize, writeVarint } from './varint.ts';

const words = entryBytes / 4;
/** Words of an entry, as the kernel writes them. */
const fieldStart = 0;
const fieldEnd = 1;
const keyAt = 2;
const keyLength = 3;
const valueAt = 4;
const valueLength = 5;
const stateAt = 6;

/** untouched: the bytes as they came | edited: from key and value range | removed | constant: the field range, without tag */
export const entryState = { untouched: 0, edited: 1, removed: 2, constant: 3 } as const;

const duplicateKeys = 1;
/** In the place of a length: the value is not encoded yet. */
const notEncoded = 0xffff_ffff;
const stringTag = 0x0a;
/** Of the fields of a KeyValue. */
const keyTag = 0x0a;
const valueTag = 0x12;

/** A list or a map. */
function isLate(value: Value): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

export class AttributeTable {
  readonly #stage: StageMemory;
  readonly #words: Uint32Array;
  readonly #ints: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #block: number;
  readonly #entries: number;
  readonly #capacity: number;
  #slots = 0;
  #indexed = 0;
  #count = 0;
  /** Lists and maps that were set and that nobody has asked for in bytes: most are changed again, or taken apart, before. */
  readonly #late: Value[] = [];
  /** The entry of each of them. */
  readonly #lateEntries: number[] = [];
  /**
   * How many there are; the entry has the place of its value where others have that of their bytes. No Map: each clear() leaves a
   * table behind that names the next, so that one table in V8's old space keeps all values that ever come alive until the next
   * full collection (measured: docs/decisions.md).
   */
  #lateCount = 0;
  /** Marks of entries, all 0 between two calls. */
  #marks = new Uint8Array(64);
  /** Entries with a state other than untouched that the kernel indexed, and how many there are. */
  readonly edited: number[] = [];
  editedCount = 0;

  constructor(stage: StageMemory, block: number) {
    this.#stage = stage;
    this.#words = stage.shared.words;
    this.#ints = stage.shared.ints;
    this.#bytes = stage.shared.bytes;
    this.#block = block / 4;
    this.#entries = this.#words[this.#block + 4] / 4;
    this.#capacity = this.#words[this.#block + 5];
  }

  /** After the kernel indexed a message into the block. */
  load(): void {
    this.#slots = this.#words[this.#block + 3] / 4;
    this.#indexed = this.#words[this.#block + 1];
    this.#count = this.#indexed;
    this.editedCount = 0;
    if (this.#lateCount > 0) this.#forgetLate();
  }

  /** Entries, with those that were removed: walk `0 … count-1` and ask `live`. */
  get count(): number {
    return this.#count;
  }
  /** Entries that came with the message; those from here on were added. */
  get indexed(): number {
    return this.#indexed;
  }

  /** How many more entries it can have. */
  get room(): number {
    return this.#capacity - this.#count;
  }

  /** Whether an interned key came more than once with the message. */
  get hasDuplicateKeys(): boolean {
    return (this.#words[this.#block + 2] & duplicateKeys) !== 0;
  }

  /** How many attributes there are. */
  size(): number {
    let n = 0;
    for (let e = 0; e < this.#count; e++) if (this.live(e)) n++;
    return n;
  }

  state(entry: number): number {
    return this.#words[this.#entries + entry * words + stateAt];
  }
  live(entry: number): boolean {
    return this.state(entry) !== entryState.removed;
  }
  fieldStart(entry: number): number {
    return this.#words[this.#entries + entry * words + fieldStart];
  }
  fieldEnd(entry: number): number {
    return this.#words[this.#entries + entry * words + fieldEnd];
  }
  keyOffset(entry: number): number {
    return this.#words[this.#entries + entry * words + keyAt];
  }
  keyLength(entry: number): number {
    return this.#words[this.#entries + entry * words + keyLength];
  }
  /** Position of the AnyValue payload. */
  valueOffset(entry: number): number {
    if (this.#lateCount > 0) this.#encodeLate(entry);
    return this.#words[this.#entries + entry * words + valueAt];
  }
  valueLength(entry: number): number {
    if (this.#lateCount > 0) this.#encodeLate(entry);
    return this.#words[this.#entries + entry * words + valueLength];
  }

  /** Encodes what was set and is not encoded yet: from now on no reader takes scratch. */
  encodeAll(): void {
    if (this.#lateCount === 0) return;
    for (let i = 0; i < this.#lateCount; i++) {
      const entry = this.#lateEntries[i];
      if (this.live(entry)) this.#encodeLate(entry);
    }
    this.#forgetLate();
  }

  #forgetLate(): void {
    this.#late.fill(null, 0, this.#lateCount);
    this.#lateCount = 0;
  }

  /** undefined: the value of the entry stands in bytes. */
  #lateOf(entry: number): Value | undefined {
    if (this.#lateCount === 0) return undefined;
    const e = this.#entries + entry * words;
    return this.#words[e + valueLength] === notEncoded ? this.#late[this.#words[e + valueAt]] : undefined;
  }

  /** In scratch, before anything is noted of it: where there is no room, nothing has changed. */
  #encode(value: Value, length: number): number {
    const { scratch, shared } = this.#stage;
    const at = scratch.take(length);
    encodeMeasured(shared, at, value);
    return at;
  }

  #encodeLate(entry: number): void {
    const value = this.#lateOf(entry);
    if (value === undefined) return;
    const length = encodedSize(value);
    this.#setRange(entry, this.#encode(value, length), length);
  }

  #setRange(entry: number, at: number, length: number): void {
    const e = this.#entries + entry * words;
    this.#words[e + valueAt] = at;
    this.#words[e + valueLength] = length;
  }

  #setLate(entry: number, value: Value): void {
    const e = this.#entries + entry * words;
    // One that waits already gives way: rules of events may set an attribute of their span again and again. What an item of before
    // left in the words leads to no place of this entry.
    let at = this.#words[e + valueLength] === notEncoded ? this.#words[e + valueAt] : this.#lateCount;
    if (at >= this.#lateCount || this.#lateEntries[at] !== entry) at = this.#lateCount++;
    this.#words[e + valueAt] = at;
    this.#words[e + valueLength] = notEncoded;
    this.#late[at] = value;
    this.#lateEntries[at] = entry;
  }

  /** The first live entry of an interned key, or -1. */
  find(key: number): number {
    return this.#ints[this.#slots + key];
  }

  /** The first live entry of any key, or -1: compares with every entry. */
  findKey(key: string): number {
    const id = this.#stage.keyId(key);
    if (id >= 0 && key !== '') return this.find(id);
    const n = Buffer.byteLength(key);
    for (let e = 0; e < this.#count; e++) {
      if (this.keyLength(e) === n && this.live(e) && this.key(e) === key) return e;
    }
    return -1;
  }

  key(entry: number): string {
    const at = this.keyOffset(entry);
    return this.#stage.text(at, this.keyLength(entry));
  }
  kind(entry: number): ValueKind {
    const late = this.#lateOf(entry);
    if (late !== undefined) return late instanceof Map ? valueKind.kvlist : valueKind.array;
    const e = this.#entries + entry * words;
    return kindAt(this.#bytes, this.#words[e + valueAt], this.#words[e + valueLength]);
  }
  /** Not to be changed: it may be what was set. */
  get(entry: number): Value {
    const late = this.#lateOf(entry);
    if (late !== undefined) return late;
    const e = this.#entries + entry * words;
    const at = this.#words[e + valueAt];
    const length = this.#words[e + valueLength];
    if (length > 0 && this.#bytes[at] === stringTag) {
      const content = stringContent(this.#bytes, at);
      return this.#stage.text(content.at, content.length);
    }
    return decodeValue(this.#stage.shared, at, length);
  }

  /** No live entry in front of it has its key. Compares with each of them. */
  isFirstOfKey(entry: number): boolean {
    const n = this.keyLength(entry);
    const at = this.keyOffset(entry);
    for (let e = 0; e < entry; e++) {
      if (this.keyLength(e) === n && this.live(e) && this.#stage.kernel.equal(this.keyOffset(e), at, n) !== 0) {
        return false;
      }
    }
    return true;
  }

  /** The AnyValue payload of the entry is the `length` bytes at `constant`. */
  equalsEncoded(entry: number, constant: number, length: number): boolean {
    const e = this.#entries + entry * words;
    const own = this.#words[e + valueLength];
    if (own !== length && (own !== notEncoded || this.valueLength(entry) !== length)) return false;
    return this.#stage.kernel.equal(this.#words[e + valueAt], constant, length) !== 0;
  }

  #touch(entry: number, state: number): void {
    const at = this.#entries + entry * words + stateAt;
    if (this.#words[at] === entryState.untouched) this.edited[this.editedCount++] = entry;
    this.#words[at] = state;
  }

  #append(state: number): number {
    const entry = this.#count;
    if (entry >= this.#capacity) throw new NoRoomError(`more than ${this.#capacity} attributes on one item`);
    this.#count++;
    this.#words[this.#entries + entry * words + stateAt] = state;
    return entry;
  }

  /** The entry of an interned key, which is there from now on, without a value of its own. */
  #entryOf(key: number): number {
    const found = this.find(key);
    if (found >= 0) {
      // An added constant has its field range elsewhere, but its key range is set: it may become an edited one.
      this.#touch(found, entryState.edited);
      return found;
    }
    const entry = this.#append(entryState.edited);
    const e = this.#entries + entry * words;
    this.#words[e + keyAt] = this.#stage.keyPosition(key);
    this.#words[e + keyLength] = this.#stage.keyLength(key);
    this.#ints[this.#slots + key] = entry;
    return entry;
  }

  /** Sets an interned key to the AnyValue payload at `at`, which stays valid until the item is written. */
  setEncoded(key: number, at: number, length: number): void {
    this.#setRange(this.#entryOf(key), at, length);
  }

  set(key: number, value: Value): void {
    if (isLate(value)) {
      this.#setLate(this.#entryOf(key), value);
      return;
    }
    const length = encodedSize(value);
    this.setEncoded(key, this.#encode(value, length), length);
  }

  /** Adds a constant attribute whose key is not there (see `find`). */
  addConstant(constant: AttributeConstant): void {
    const entry = this.#append(entryState.constant);
    const e = this.#entries + entry * words;
    this.#words[e + fieldStart] = constant.field;
    this.#words[e + fieldEnd] = constant.field + constant.fieldLength;
    this.#words[e + keyAt] = this.#stage.keyPosition(constant.key);
    this.#words[e + keyLength] = this.#stage.keyLength(constant.key);
    this.#words[e + valueAt] = constant.value;
    this.#words[e + valueLength] = constant.valueLength;
    this.#ints[this.#slots + constant.key] = entry;
  }

  /** Sets a key that need not be interned. */
  setKey(key: string, value: Value): void {
    const id = this.#stage.keyId(key);
    if (id >= 0 && key !== '') {
      this.set(id, value);
      return;
    }
    const entry = this.findKey(key);
    if (entry < 0) this.append(key, value);
    else this.setEntry(entry, value);
  }

  /** Adds an attribute whose key is not there (see `findKey`). */
  append(key: string, value: Value): void {
    const id = key === '' ? -1 : this.#stage.keyId(key);
    if (id >= 0) {
      this.set(id, value);
      return;
    }
    const n = Buffer.byteLength(key);
    this.#appendKey(this.#encodeKey(key, n), n, value);
  }

  /** As `append`, of a key that is not interned and stands at `keyAt` for as long as the item is shown. */
  appendAt(at: number, length: number, value: Value): void {
    if (typeof value !== 'object') {
      this.#appendScalar(at, length, value);
      return;
    }
    this.#appendKey(at, length, value);
  }

  #appendKey(at: number, length: number, value: Value): void {
    const late = isLate(value);
    const size = late ? notEncoded : encodedSize(value);
    const encoded = late ? 0 : this.#encode(value, size);
    const entry = this.#append(entryState.edited);
    const e = this.#entries + entry * words;
    this.#words[e + keyAt] = at;
    this.#words[e + keyLength] = length;
    if (late) this.#setLate(entry, value);
    else this.#setRange(entry, encoded, size);
  }

  /** Key and value at once, as the field that is written in the end. */
  #appendScalar(at: number, length: number, value: string | boolean | bigint | number): void {
    const { scratch, shared, kernel } = this.#stage;
    const bytes = this.#bytes;
    const payload = encodedSize(value);
    const size = 1 + varintSize(length) + length + 1 + varintSize(payload) + payload;
    const field = scratch.take(varintSize(size) + size);
    let p = writeVarint(bytes, field, size);
    bytes[p] = keyTag;
    p = writeVarint(bytes, p + 1, length);
    kernel.copy(p, at, length);
    bytes[p + length] = valueTag;
    const valuePosition = writeVarint(bytes, p + length + 1, payload);
    const e = this.#entries + this.#append(entryState.constant) * words;
    this.#words[e + fieldStart] = field;
    this.#words[e + fieldEnd] = encodeMeasured(shared, valuePosition, value);
    this.#words[e + keyAt] = p;
    this.#words[e + keyLength] = length;
    this.#words[e + valueAt] = valuePosition;
    this.#words[e + valueLength] = payload;
  }

  #encodeKey(key: string, length: number): number {
    const at = this.#stage.scratch.take(length);
    writeUtf8(this.#stage.shared, at, key, length);
    return at;
  }

  /** Gives a live entry another value, wherever its key came from. */
  setEntry(entry: number, value: Value): void {
    if (isLate(value)) {
      this.#touch(entry, entryState.edited);
      this.#setLate(entry, value);
      return;
    }
    const length = encodedSize(value);
    this.setEntryEncoded(entry, this.#encode(value, length), length);
  }

  /** As setEntry, with the AnyValue payload at `at`. */
  setEntryEncoded(entry: number, at: number, length: number): void {
    this.#touch(entry, entryState.edited);
    this.#setRange(entry, at, length);
  }

  /** Removes every attribute of an interned key; false when there was none. */
  remove(key: number): boolean {
    const first = this.find(key);
    if (first < 0) return false;
    this.#touch(first, entryState.removed);
    this.#ints[this.#slots + key] = -1;
    if ((this.#words[this.#block + 2] & duplicateKeys) !== 0) this.#removeRest(key, first);
    return true;
  }

  #removeRest(key: number, first: number): void {
    const at = this.#stage.keyPosition(key);
    const n = this.#stage.keyLength(key);
    for (let e = first + 1; e < this.#indexed; e++) {
      if (this.keyLength(e) === n && this.live(e) && this.#stage.kernel.equal(this.keyOffset(e), at, n) !== 0) {
        this.#touch(e, entryState.removed);
      }
    }
  }

  /** Removes all but the attributes of these interned keys, none of which came twice (see `hasDuplicateKeys`). */
  removeOthers(keys: readonly number[]): void {
    const count = this.#count;
    if (this.#marks.length < count) this.#marks = new Uint8Array(count * 2);
    const marks = this.#marks;
    for (let i = 0; i < keys.length; i++) {
      const entry = this.find(keys[i]);
      if (entry >= 0) marks[entry] = 1;
    }
    const slots = this.#slots;
    const interned = this.#words[this.#block + 6] / 4;
    for (let k = 0; k < interned; k++) {
      const entry = this.#ints[slots + k];
      if (entry >= 0 && marks[entry] === 0) this.#ints[slots + k] = -1;
    }
    for (let e = 0; e < count; e++) {
      if (marks[e] !== 0) marks[e] = 0;
      else if (this.live(e)) this.#touch(e, entryState.removed);
    }
  }

  /** Removes one entry, found by walking. */
  removeEntry(entry: number): void {
    this.#touch(entry, entryState.removed);
    const slots = this.#slots;
    const keys = this.#words[this.#block + 6] / 4;
    for (let k = 0; k < keys; k++) {
      if (this.#ints[slots + k] === entry) this.#ints[slots + k] = this.#nextOf(k, entry);
    }
  }

  /** Puts a live entry, found by walking, behind all others. Its key must occur once. */
  moveToEnd(entry: number): void {
    const to = this.#append(entryState.edited);
    const from = this.#entries + entry * words;
    this.#words.copyWithin(this.#entries + to * words + keyAt, from + keyAt, from + stateAt);
    if (this.#lateOf(entry) !== undefined) this.#lateEntries[this.#words[from + valueAt]] = to;
    this.#touch(entry, entryState.removed);
    const keys = this.#words[this.#block + 6] / 4;
    for (let k = 0; k < keys; k++) if (this.#ints[this.#slots + k] === entry) this.#ints[this.#slots + k] = to;
  }

  /** The live entry of the key behind `entry`, or -1. */
  #nextOf(key: number, entry: number): number {
    if ((this.#words[this.#block + 2] & duplicateKeys) === 0) return -1;
    const at = this.#stage.keyPosition(key);
    const n = this.#stage.keyLength(key);
    for (let e = entry + 1; e < this.#count; e++) {
      if (this.keyLength(e) === n && this.live(e) && this.#stage.kernel.equal(this.keyOffset(e), at, n) !== 0) return e;
    }
    return -1;
  }

  /** Removes every attribute of a key that need not be interned; false when there was none. */
  removeKey(key: string): boolean {
    const id = this.#stage.keyId(key);
    if (id >= 0 && key !== '') return this.remove(id);
    const n = Buffer.byteLength(key);
    let found = false;
    for (let e = 0; e < this.#count; e++) {
      if (this.keyLength(e) !== n || !this.live(e) || this.key(e) !== key) continue;
      this.removeEntry(e);
      found = true;
    }
    return found;
  }

  /** Gives the attribute of one interned key the name of another, in its place; what stood there before goes. */
  rename(from: number, to: number): boolean {
    const entry = this.find(from);
    if (entry < 0 || from === to) return entry >= 0;
    this.remove(to);
    this.#touch(entry, entryState.edited);
    const e = this.#entries + entry * words;
    this.#words[e + keyAt] = this.#stage.keyPosition(to);
    this.#words[e + keyLength] = this.#stage.keyLength(to);
    this.#ints[this.#slots + from] = this.#nextOf(from, entry);
    this.#ints[this.#slots + to] = entry;
    return true;
  }

  /** Gives a live entry, found by walking, a key that no other entry has or keeps. */
  renameEntry(entry: number, to: string): void {
    const id = to === '' ? -1 : this.#stage.keyId(to);
    const n = id >= 0 ? this.#stage.keyLength(id) : Buffer.byteLength(to);
    const at = id >= 0 ? this.#stage.keyPosition(id) : this.#encodeKey(to, n);
    this.removeEntry(entry);
    const e = this.#entries + entry * words;
    this.#words[e + stateAt] = entryState.edited;
    this.#words[e + keyAt] = at;
    this.#words[e + keyLength] = n;
    if (id >= 0) this.#ints[this.#slots + id] = entry;
  }

  // --- writing -------------------------------------------------------------------------------------------------------

  get dirty(): boolean {
    return this.editedCount > 0 || this.#count > this.#indexed;
  }

  /** Bytes of the entry as a field with its one-byte tag. */
  encodedSize(entry: number): number {
    const state = this.state(entry);
    if (state === entryState.removed) return 0;
    if (state !== entryState.edited)
      return this.fieldEnd(entry) - this.fieldStart(entry) + (state === entryState.constant ? 1 : 0);
    const n = this.#payload(entry);
    return 1 + varintSize(n) + n;
  }

  #payload(entry: number): number {
    const k = this.keyLength(entry);
    const v = this.valueLength(entry);
    return 1 + varintSize(k) + k + 1 + varintSize(v) + v;
  }

  /** Writes the entry as a field with that tag; returns the end. */
  write(entry: number, tag: number, at: number): number {
    const state = this.state(entry);
    if (state === entryState.removed) return at;
    const { kernel } = this.#stage;
    const bytes = this.#bytes;
    let p = at;
    if (state !== entryState.edited) {
      if (state === entryState.constant) bytes[p++] = tag;
      const from = this.fieldStart(entry);
      const n = this.fieldEnd(entry) - from;
      kernel.copy(p, from, n);
      return p + n;
    }
    bytes[p++] = tag;
    p = writeVarint(bytes, p, this.#payload(entry));
    bytes[p++] = 0x0a;
    const k = this.keyLength(entry);
    p = writeVarint(bytes, p, k);
    kernel.copy(p, this.keyOffset(entry), k);
    p += k;
    bytes[p++] = 0x12;
    const v = this.valueLength(entry);
    p = writeVarint(bytes, p, v);
    kernel.copy(p, this.valueOffset(entry), v);
    return p + v;
  }
}
