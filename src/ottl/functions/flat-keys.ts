// The joined keys that flatten makes: a.b, list.0. The same few come with every span, so each is kept with its bytes, and found
// from the key above it without making its text again.
import type { CompileTarget } from '../environment.ts';

/** Bytes for the keys, and how many there may be: with more all are made anew. */
const keptBytes = 16_384;
const mostKeys = 2048;

export interface FlatKey {
  readonly text: string;
  /** Number of the interned key, or -1. */
  readonly id: number;
  /** Its UTF-8 in the shared memory; 0: there was no room. */
  readonly at: number;
  readonly length: number;
  /** Of the last item that has it, when it is flat. */
  item: number;
  /** Of the last item that came with it. */
  cameWith: number;
  readonly byName: Map<string, FlatKey>;
  readonly byIndex: FlatKey[];
}

export class FlatKeys {
  readonly #target: CompileTarget;
  readonly #start: number;
  readonly #known = new Map<string, FlatKey>();
  #used = 0;
  #item = 0;
  /** Where the span stood that was shown at the last item. */
  #span = 0;

  /** While the stage is compiled. */
  constructor(target: CompileTarget) {
    this.#target = target;
    this.#start = target.constant(new Uint8Array(keptBytes));
  }

  /** Another item is looked at. */
  begin(): void {
    this.#item++;
    const { start } = this.#target.span.message;
    // Rules of events come to their span again and again, whose attributes have keys that stand here until it is written.
    const isSameSpan = start === this.#span;
    this.#span = start;
    if (isSameSpan || this.#known.size < mostKeys) return;
    this.#known.clear();
    this.#used = 0;
  }

  /** The item has the key; false when it has it already. */
  take(key: FlatKey): boolean {
    if (key.item === this.#item) return false;
    key.item = this.#item;
    return true;
  }

  /** The item came with the key; false when it came with it twice. */
  isFirst(key: FlatKey): boolean {
    if (key.cameWith === this.#item) return false;
    key.cameWith = this.#item;
    return true;
  }

  of(text: string): FlatKey {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const made = this.#make(text);
    this.#known.set(text, made);
    return made;
  }

  member(of: FlatKey, name: string): FlatKey {
    const known = of.byName.get(name);
    if (known !== undefined) return known;
    const made = this.of(`${of.text}.${name}`);
    of.byName.set(name, made);
    return made;
  }

  item(of: FlatKey, index: number): FlatKey {
    const known = of.byIndex[index];
    if (known !== undefined) return known;
    const made = this.of(`${of.text}.${index}`);
    of.byIndex[index] = made;
    return made;
  }

  #make(text: string): FlatKey {
    const { stage } = this.#target.span.message;
    const length = Buffer.byteLength(text);
    const fits = this.#used + length <= keptBytes;
    const at = fits ? this.#start + this.#used : 0;
    if (fits) {
      this.#used += length;
      stage.shared.buffer.utf8Write(text, at, length);
    }
    const id = text === '' ? -1 : stage.keyId(text);
    return { text, id, at, length, item: 0, cameWith: 0, byName: new Map(), byIndex: [] };
  }
}
