// What one export carries: an item alone, or with `sending_queue.batch` as many as make a batch of the wanted size.
import type { DeliveryOptions } from '../component/types.ts';
import type { Metadata } from './batch.ts';
import type { Clock } from './clock.ts';
import type { DeliveryItem } from './item.ts';

export interface Shipment {
  readonly items: readonly DeliveryItem[];
  readonly metadata: Metadata;
}

export interface Shipments {
  /** Items that no shipment has taken. */
  readonly length: number;
  put(item: DeliveryItem): void;
  /** The next that is due; undefined: none is. */
  take(): Shipment | undefined;
  /** All are due from now on: a drain. */
  flush(): void;
  /** They wait for more again. */
  gather(): void;
}

type Batching = NonNullable<DeliveryOptions['queue']['batch']>;

/** `due`: called when one has become due by time. */
export function createShipments(batching: Batching | null, clock: Clock, due: () => void): Shipments {
  return batching === null ? new Singly() : new Batched(batching, clock, due);
}

class Singly implements Shipments {
  readonly #items = new Fifo<DeliveryItem>();
  get length(): number {
    return this.#items.length;
  }
  put(item: DeliveryItem): void {
    this.#items.put(item);
  }
  take(): Shipment | undefined {
    const item = this.#items.take();
    return item === undefined ? undefined : { items: [item], metadata: item.metadata };
  }
  flush(): void {}
  gather(): void {}
}

interface Partition {
  readonly metadata: Metadata;
  items: DeliveryItem[];
  size: number;
  /** Forgets the timer; null: none runs. */
  cancel: (() => void) | null;
}

class Batched implements Shipments {
  readonly #batching: Batching;
  readonly #clock: Clock;
  readonly #due: () => void;
  readonly #partitions = new Map<string, Partition>();
  readonly #ready = new Fifo<Shipment>();
  #length = 0;
  #flushing = false;

  constructor(batching: Batching, clock: Clock, due: () => void) {
    this.#batching = batching;
    this.#clock = clock;
    this.#due = due;
  }

  get length(): number {
    return this.#length;
  }

  put(item: DeliveryItem): void {
    this.#length++;
    const { minSize, maxSize, flushTimeoutMs } = this.#batching;
    const size = this.#sizeOf(item);
    const [full, before] = this.#partition(item);
    if (maxSize > 0 && before.size > 0 && before.size + size > maxSize) this.#end(full, before);
    const [key, partition] = this.#partition(item);
    partition.items.push(item);
    partition.size += size;
    if (partition.size >= minSize || this.#flushing) this.#end(key, partition);
    else {
      partition.cancel ??= this.#clock.after(flushTimeoutMs, () => {
        this.#end(key, partition);
        this.#due();
      });
    }
  }

  take(): Shipment | undefined {
    const shipment = this.#ready.take();
    this.#length -= shipment?.items.length ?? 0;
    return shipment;
  }

  flush(): void {
    this.#flushing = true;
    for (const [key, partition] of [...this.#partitions]) this.#end(key, partition);
  }

  gather(): void {
    this.#flushing = false;
  }

  #sizeOf(item: DeliveryItem): number {
    return this.#batching.sizer === 'bytes' ? item.bytes : item.spans;
  }

  /** Clients whose metadata differ in the keys of `partition` share no batch. */
  #partition(item: DeliveryItem): [string, Partition] {
    const entries = this.#batching.metadataKeys.map((key) => [key, item.metadata[key] ?? []] as const);
    const key = entries.length === 0 ? '' : JSON.stringify(entries);
    let partition = this.#partitions.get(key);
    if (partition === undefined) {
      partition = { metadata: Object.fromEntries(entries), items: [], size: 0, cancel: null };
      this.#partitions.set(key, partition);
    }
    return [key, partition];
  }

  /** What it holds is due. One without items is forgotten: there may be many combinations of metadata. */
  #end(key: string, partition: Partition): void {
    partition.cancel?.();
    partition.cancel = null;
    if (partition.items.length > 0) this.#ready.put({ items: partition.items, metadata: partition.metadata });
    partition.items = [];
    partition.size = 0;
    if (key !== '' && this.#partitions.get(key) === partition) this.#partitions.delete(key);
  }
}

/** First in, first out, without moving the rest at each take. */
class Fifo<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }
  put(value: T): void {
    this.#items.push(value);
  }
  take(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const value = this.#items[this.#head++];
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return value;
  }
}
