// Makes the long values of one span smaller until enough is saved, in this order:
//   1. A value that stands there a second time becomes a note of where the first stands.
//   2. Media (data URLs, base64, bytes) become a marker with type, size and hash; in JSON, too.
//   3. Of long lists of numbers (embeddings) the first few stay.
//   4. The longest texts are cut in their middle, down to one common length. JSON stays JSON.
import { createHash } from 'node:crypto';
import { anyValueField, statusField, wireType } from '../schema.ts';
import { levelFor } from './level.ts';
import type { LongValue } from './long-values.ts';
import { nameOf } from './marks.ts';
import { contentMarker, leastMediaBytes } from './media.ts';
import type { Edit } from './rewrite-span.ts';
import { cutText, looksLikeJson, stripMedia } from './text.ts';

/** Values that are not longer are never cut; what is cut keeps at least so many bytes, but for what a marker replaces. */
export const leastValueBytes = 128;

interface Shrunk {
  readonly value: LongValue;
  /** What takes its place; null: it is as it came. */
  bytes: Uint8Array | null;
  /** Of its content now. */
  size: number;
  /** It is a marker, or a part of a list: nothing to cut further. */
  isDone: boolean;
}

export class ShrinkingValues {
  readonly #message: Uint8Array;
  /** The longest first. */
  readonly #values: readonly Shrunk[];
  /** Bytes still to be saved. */
  #toSave: number;

  constructor(message: Uint8Array, values: readonly LongValue[], toSave: number) {
    this.#message = message;
    this.#values = values
      .map((value) => ({ value, bytes: null, size: value.end - value.start, isDone: false }))
      .sort((a, b) => b.size - a.size || a.value.start - b.value.start);
    this.#toSave = toSave;
  }

  run(): void {
    this.#repeats();
    this.#media();
    this.#numbers();
    this.#texts();
  }

  /** Of the attributes whose values were cut, the longest first; some more than once. */
  names(): string[] {
    return this.#values.flatMap(({ value, bytes }) => (bytes === null ? [] : [nameOf(this.#message, value.owner)]));
  }

  edits(): Edit[] {
    return this.#values.flatMap(({ value, bytes }) =>
      bytes === null ? [] : [{ start: value.fieldStart, end: value.end, tag: tagOf(value), bytes }],
    );
  }

  #content({ value, bytes }: Shrunk): Uint8Array {
    return bytes ?? this.#message.subarray(value.start, value.end);
  }

  #replace(shrunk: Shrunk, bytes: Uint8Array, isDone: boolean): void {
    this.#toSave -= shrunk.size - bytes.length;
    shrunk.bytes = bytes;
    shrunk.size = bytes.length;
    shrunk.isDone = isDone;
  }

  #repeats(): void {
    const first = new Map<string, Shrunk>();
    const { length } = this.#values;
    for (let i = 0; i < length && this.#toSave > 0; i++) {
      const shrunk = this.#values[i];
      if (shrunk.value.kind === 'numbers' || shrunk.size < leastMediaBytes) continue;
      // They stand in the order of their sizes: only neighbours can be the same.
      const isAlone = this.#values[i - 1]?.size !== shrunk.size && this.#values[i + 1]?.size !== shrunk.size;
      if (isAlone) continue;
      const hash = createHash('sha256').update(this.#content(shrunk)).digest('hex');
      const same = first.get(hash);
      if (same === undefined) first.set(hash, shrunk);
      else this.#replace(shrunk, this.#repeatMarker(shrunk, same), true);
    }
  }

  #repeatMarker(shrunk: Shrunk, same: Shrunk): Uint8Array {
    const where = nameOf(this.#message, same.value.owner);
    const marker = `[spanmill: the same ${shrunk.size} bytes as ${where}]`;
    return Buffer.from(looksLikeJson(this.#content(shrunk)) ? JSON.stringify(marker) : marker);
  }

  #media(): void {
    for (const shrunk of this.#values) {
      if (this.#toSave <= 0) return;
      if (shrunk.isDone || shrunk.size < leastMediaBytes) continue;
      const content = this.#content(shrunk);
      if (shrunk.value.kind === 'bytes') this.#replace(shrunk, contentMarker('bytes', content), true);
      if (shrunk.value.kind !== 'text') continue;
      const stripped = stripMedia(content);
      if (stripped !== null) this.#replace(shrunk, stripped, !looksLikeJson(content));
    }
  }

  #numbers(): void {
    for (const shrunk of this.#values) {
      if (this.#toSave <= 0) return;
      if (shrunk.value.kind === 'numbers') this.#replace(shrunk, new Uint8Array(0), true);
    }
  }

  #texts(): void {
    if (this.#toSave <= 0) return;
    const texts = this.#values.filter(
      ({ value, isDone, size }) => value.kind !== 'numbers' && !isDone && size > leastValueBytes,
    );
    const lengths = texts.map(({ size }) => size);
    // Where not even the lowest level is enough, attributes are left out afterwards.
    const level = levelFor(lengths, this.#toSave, leastValueBytes) ?? leastValueBytes;
    for (const shrunk of texts) {
      if (shrunk.size <= level) continue;
      const content = this.#content(shrunk);
      const isText = shrunk.value.kind === 'text';
      this.#replace(shrunk, isText ? cutText(content, level) : contentMarker('bytes', content), true);
    }
  }
}

/** What was bytes becomes text, too: a marker is to be read. */
const stringTag = (anyValueField.stringValue << 3) | wireType.bytes;
const statusMessageTag = (statusField.message << 3) | wireType.bytes;

function tagOf({ kind, owner }: LongValue): number {
  if (kind === 'numbers') return 0;
  return owner.prefix === 'status.' ? statusMessageTag : stringTag;
}
