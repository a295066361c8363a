// RFC 7541 2.3.2 and section 4: the fields that the peer had us remember, the newest first, bounded in bytes.
import type { HeaderField } from './static-table.ts';

/** "The size of an entry is the sum of its name's length in octets, its value's length in octets, and 32" (4.1). */
const entryOverheadBytes = 32;

export const fieldBytes = (name: string, value: string): number => name.length + value.length + entryOverheadBytes;

const fewestSlots = 16;
const unused: HeaderField = { name: '', value: '' };

export class DynamicTable {
  /** Changes with every insertion, eviction and change of the maximum. */
  version = 0;
  /** How many fields there are. */
  count = 0;
  /** The sum of their sizes. */
  usedBytes = 0;
  #maxBytes: number;
  /** A ring whose length is a power of two; the newest field stands at #newest, older ones before it. */
  #ring: HeaderField[] = new Array<HeaderField>(fewestSlots).fill(unused);
  #newest = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The field that is the `age`th newest, from 0; `age` must be below `count`. */
  at(age: number): HeaderField {
    return this.#ring[(this.#newest - age) & (this.#ring.length - 1)];
  }

  /** 4.4: evicts until the new field fits. One that is larger than the table empties it, "and is not an error". */
  insert(field: HeaderField): void {
    const bytes = fieldBytes(field.name, field.value);
    this.#evictTo(this.#maxBytes - bytes);
    if (bytes > this.#maxBytes) return;
    if (this.count === this.#ring.length) this.#grow();
    this.#newest = (this.#newest + 1) & (this.#ring.length - 1);
    this.#ring[this.#newest] = field;
    this.count++;
    this.usedBytes += bytes;
    this.version++;
  }

  /** What inserting a field larger than the table does. */
  clear(): void {
    this.#evictTo(0);
  }

  /** 4.3: a smaller maximum evicts what no longer fits. */
  resize(maxBytes: number): void {
    if (maxBytes === this.#maxBytes) return;
    this.#maxBytes = maxBytes;
    this.version++;
    this.#evictTo(maxBytes);
  }

  /** All fields, the newest first, as index 62 onwards names them. */
  entries(): HeaderField[] {
    return Array.from({ length: this.count }, (_, age) => this.at(age));
  }

  #evictTo(bytes: number): void {
    while (this.count > 0 && this.usedBytes > bytes) {
      const slot = (this.#newest - this.count + 1) & (this.#ring.length - 1);
      const oldest = this.#ring[slot];
      this.#ring[slot] = unused;
      this.usedBytes -= fieldBytes(oldest.name, oldest.value);
      this.count--;
      this.version++;
    }
  }

  #grow(): void {
    const grown = new Array<HeaderField>(this.#ring.length * 2).fill(unused);
    for (let age = 0; age < this.count; age++) grown[this.count - 1 - age] = this.at(age);
    this.#newest = this.count - 1;
    this.#ring = grown;
  }
}
