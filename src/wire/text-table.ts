// Texts of the shared memory that were decoded, by their bytes. Telemetry brings the same few texts again and again: keys, routes,
// models. One that was seen before costs a hash and a comparison, and what rules find out about a text can be kept beside it.
import type { Kernel } from './kernel/kernel.ts';
import type { TextBuffer } from './memory.ts';

/** Sets by a hash of the text, each with room for two, so that two that meet there do not push each other out. */
const sets = 512;
const ways = 2;
/** Longer texts are not kept. */
export const longestText = 64;
export const textTableBytes = sets * ways * longestText;

export class TextTable {
  readonly #kernel: Kernel;
  readonly #bytes: Uint8Array;
  readonly #buffer: TextBuffer;
  readonly #at: number;
  /** Length of the text in the slot; 0: none. */
  readonly #lengths = new Uint8Array(sets * ways);
  readonly #texts: string[] = new Array(sets * ways).fill('');
  readonly #numbers = new Float64Array(sets * ways);
  /** Of each set, the way that was asked for last: the other one goes. */
  readonly #recent = new Uint8Array(sets);
  #next = 1;

  /** `at`: where it has `textTableBytes` of its own. */
  constructor(shared: { readonly bytes: Uint8Array; readonly buffer: TextBuffer }, kernel: Kernel, at: number) {
    this.#kernel = kernel;
    this.#bytes = shared.bytes;
    this.#buffer = shared.buffer;
    this.#at = at;
  }

  /** The slot of a text of 1 to `longestText` bytes, until the next call. */
  slot(at: number, length: number): number {
    const bytes = this.#bytes;
    const mixed =
      length * 31 +
      bytes[at] * 7 +
      bytes[at + (length >> 1)] * 13 +
      bytes[at + (length >> 2)] * 5 +
      bytes[at + length - 1] * 3;
    const set = mixed & (sets - 1);
    const first = set * ways;
    const lengths = this.#lengths;
    const kernel = this.#kernel;
    if (lengths[first] === length && kernel.equal(this.#at + first * longestText, at, length) !== 0) {
      this.#recent[set] = 0;
      return first;
    }
    const second = first + 1;
    if (lengths[second] === length && kernel.equal(this.#at + second * longestText, at, length) !== 0) {
      this.#recent[set] = 1;
      return second;
    }
    const way = 1 - this.#recent[set];
    const slot = first + way;
    this.#recent[set] = way;
    lengths[slot] = length;
    kernel.copy(this.#at + slot * longestText, at, length);
    this.#texts[slot] = this.#buffer.utf8Slice(at, at + length);
    this.#numbers[slot] = this.#next++;
    return slot;
  }

  text(slot: number): string {
    return this.#texts[slot];
  }
  /** Another one for each text that ever came into the slot: what was found out about the text holds as long as it is the same. */
  number(slot: number): number {
    return this.#numbers[slot];
  }
}

/** What a function of texts gave, for those that the table has: they are neither decoded nor looked at again. */
export class TextAnswers<T> {
  readonly #table: TextTable;
  readonly #buffer: TextBuffer;
  readonly #of: (text: string) => T;
  readonly #answers: T[] = [];
  readonly #numbers = new Float64Array(sets * ways);

  /** `of` must always give the same for the same text. */
  constructor(
    stage: { readonly texts: TextTable; readonly shared: { readonly buffer: TextBuffer } },
    of: (text: string) => T,
  ) {
    this.#table = stage.texts;
    this.#buffer = stage.shared.buffer;
    this.#of = of;
  }

  /** For the text of these UTF-8 bytes. */
  at(at: number, length: number): T {
    if (length === 0 || length > longestText) return this.#of(this.#buffer.utf8Slice(at, at + length));
    const table = this.#table;
    const slot = table.slot(at, length);
    const number = table.number(slot);
    if (this.#numbers[slot] === number) return this.#answers[slot];
    const answer = this.#of(table.text(slot));
    this.#answers[slot] = answer;
    this.#numbers[slot] = number;
    return answer;
  }
}
