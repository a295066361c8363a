// The part of the shared memory that belongs to one compiled stage in one worker: interned keys, constants, view blocks,
// attribute entries, and the scratch space where edits of the current item put their new bytes.

import { valueBytes } from './any-value.ts';
import type { Kernel } from './kernel/kernel.ts';
import type { SharedMemory } from './memory.ts';
import { NoRoomError } from './no-room.ts';
import { longestText, type TextTable } from './text-table.ts';
import type { Value } from './value.ts';
import { varintSize, writeVarint } from './varint.ts';

const hashHeads = 256;
const keyBytes = 16;
/** Bytes of a view block, as kernel.as.ts lays it out: 32 of header, 16 for each of the fields 0 … 16. */
export const blockBytes = 32 + 17 * 16;
export const entryBytes = 32;

/** A range of the shared memory that its owner hands out front to back and frees as a whole. */
export class Region {
  readonly #start: number;
  #at: number;
  readonly #end: number;
  constructor(start: number, bytes: number) {
    this.#start = start;
    this.#at = start;
    this.#end = start + bytes;
  }
  /** Bytes handed out. */
  get used(): number {
    return this.#at - this.#start;
  }
  take(bytes: number): number {
    const at = Math.ceil(this.#at / 8) * 8; // no bit operators: positions go up to 2^32
    if (at + bytes > this.#end) throw new RangeError(`a stage needs more than its share of the shared memory`);
    this.#at = at + bytes;
    return at;
  }
}

/** New bytes of the current item. `reset` frees all; a value that does not fit throws, and its request is refused. */
export class Scratch {
  readonly start: number;
  readonly #half: number;
  readonly #last: number;
  #end: number;
  #at: number;
  constructor(start: number, bytes: number) {
    this.start = start;
    this.#half = start + Math.ceil(bytes / 2);
    this.#last = start + bytes;
    this.#end = this.#last;
    this.#at = start;
  }
  take(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#end) {
      throw new NoRoomError(`the edits of one span need more than ${this.#end - this.start} bytes`);
    }
    this.#at = at + bytes;
    return at;
  }
  /** Whether the position is one of its own. */
  holds(at: number): boolean {
    return at >= this.start && at < this.#end;
  }
  /** Marks what was taken up to now as lasting until `resetTo`. */
  mark(): number {
    return this.#at;
  }
  resetTo(mark: number): void {
    this.#at = mark;
  }
  reset(): void {
    this.#at = this.start;
  }

  /** Takes bytes that outlast `reset`, up to half of all, until `freeKept`. */
  keep(bytes: number): number {
    if (bytes > this.keepable)
      throw new RangeError(`to group one span needs more than ${this.#last - this.#half} bytes`);
    this.#end -= bytes;
    return this.#end;
  }
  get keepable(): number {
    return this.keepableBehind(0);
  }
  /** How many it can keep once so many more were taken. */
  keepableBehind(taken: number): number {
    return Math.max(0, this.#end - Math.max(this.#at + taken, this.#half));
  }
  freeKept(): void {
    this.#end = this.#last;
  }
}

export interface AttributeConstant {
  readonly key: number;
  /** The KeyValue field without its tag: length, key, value. */
  readonly field: number;
  readonly fieldLength: number;
  /** The AnyValue payload inside of it. */
  readonly value: number;
  readonly valueLength: number;
}

export class StageMemory {
  readonly shared: SharedMemory;
  readonly kernel: Kernel;
  readonly scratch: Scratch;
  readonly texts: TextTable;
  readonly #region: Region;
  readonly #keys = new Map<string, number>();
  readonly #keyAt: number[] = [];
  readonly #keyLength: number[] = [];
  readonly #blocks: number[] = [];
  #heads = 0;
  #records = 0;
  #lengths = 0;
  #sealed = false;

  /** `texts`: of all stages of the worker. */
  constructor(shared: SharedMemory, kernel: Kernel, region: Region, scratch: Scratch, texts: TextTable) {
    this.shared = shared;
    this.kernel = kernel;
    this.scratch = scratch;
    this.#region = region;
    this.texts = texts;
  }

  /** The text of those UTF-8 bytes. */
  text(at: number, length: number): string {
    if (length > longestText) return this.shared.buffer.utf8Slice(at, at + length);
    return length === 0 ? '' : this.texts.text(this.texts.slot(at, length));
  }

  constant(bytes: Uint8Array): number {
    const at = this.#region.take(Math.max(1, bytes.length));
    this.shared.bytes.set(bytes, at);
    return at;
  }

  /** An attribute in the bytes that go into every message that gets it. */
  attribute(key: string, value: Value): AttributeConstant {
    const name = Buffer.from(key);
    const payload = valueBytes(value);
    const n = 2 + varintSize(name.length) + name.length + varintSize(payload.length) + payload.length;
    const field = new Uint8Array(varintSize(n) + n);
    let p = writeVarint(field, 0, n);
    field[p] = 0x0a;
    p = writeVarint(field, p + 1, name.length);
    field.set(name, p);
    field[p + name.length] = 0x12;
    const valueStart = writeVarint(field, p + name.length + 1, payload.length);
    field.set(payload, valueStart);
    const at = this.constant(field);
    return {
      key: this.intern(key),
      field: at,
      fieldLength: field.length,
      value: at + valueStart,
      valueLength: payload.length,
    };
  }

  intern(key: string): number {
    const known = this.#keys.get(key);
    if (known !== undefined) return known;
    if (this.#sealed) throw new Error('a key was interned after the stage was compiled');
    const bytes = Buffer.from(key);
    const id = this.#keyAt.length;
    this.#keyAt.push(this.constant(bytes));
    this.#keyLength.push(bytes.length);
    this.#keys.set(key, id);
    return id;
  }

  /** The id of a key that was interned, or -1. */
  keyId(key: string): number {
    return this.#keys.get(key) ?? -1;
  }
  keyPosition(id: number): number {
    return this.#keyAt[id];
  }
  keyLength(id: number): number {
    return this.#keyLength[id];
  }

  /** A view block whose attributes go to the entries at `entries`; its slots are made by `seal`. */
  block(entries: number, capacity: number): number {
    const at = this.#region.take(blockBytes);
    const word = at / 4;
    this.shared.words.fill(0, word, word + blockBytes / 4);
    this.shared.words[word + 4] = entries;
    this.shared.words[word + 5] = capacity;
    this.#blocks.push(at);
    return at;
  }

  /** After the last `intern`: writes the key table and gives each block its slots. */
  seal(): void {
    this.#sealed = true;
    const { words, ints, bytes } = this.shared;
    const count = this.#keyAt.length;
    this.#heads = this.#region.take(hashHeads * 4);
    this.#records = this.#region.take(Math.max(1, count) * keyBytes);
    this.#lengths = this.#region.take(256);
    ints.fill(-1, this.#heads / 4, this.#heads / 4 + hashHeads);
    bytes.fill(0, this.#lengths, this.#lengths + 256);
    for (let id = 0; id < count; id++) {
      const at = this.#keyAt[id];
      const n = this.#keyLength[id];
      // The empty key is legal and never looked up by hash: the kernel skips keys of length 0.
      const hash = n === 0 ? 0 : (n * 31 + bytes[at] * 7 + bytes[at + (n >> 1)] * 13 + bytes[at + n - 1] * 3) & 255;
      const record = (this.#records + id * keyBytes) / 4;
      ints[record] = ints[this.#heads / 4 + hash];
      words[record + 1] = n;
      words[record + 2] = at;
      ints[this.#heads / 4 + hash] = id;
      if (n > 0) bytes[this.#lengths + Math.min(n, 255)] = 1;
    }
    for (const block of this.#blocks) {
      words[block / 4 + 3] = this.#region.take(Math.max(1, count) * 4);
      words[block / 4 + 6] = count * 4;
    }
  }

  /** Makes this stage the one whose keys the kernel resolves. */
  activate(): void {
    this.kernel.setKeys(this.#heads, this.#records, this.#lengths);
  }
}
