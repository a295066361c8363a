// What one export carries: an item alone, or with `sending_queue.batch` as many as make a batch of the wanted size.
import type { DeliveryOptions } from '../component/exporter.ts';
import type { Metadata } from './batch.ts';
import type { Clock } from './clock.ts';
import { Fifo } from './fifo.ts';
import type { DeliveryItem } from './item.ts';

export interface Shipment {
  readonly items: readonly DeliveryItem[];
  readonly metadata: Metadata;
  /** Bytes of those that are stored, which may have to be read. */
  readonly storedBytes: number;
}

export interface Shipments {
  /** Items that no shipment has taken. */
  readonly length: number;
  put(item: DeliveryItem): void;
  /** The next that is due; undefined: none is, or it has more than so many stored bytes. Default: however many it has. */
  take(mostStoredBytes?: number): Shipment | undefined;
  /** All are due from now on: a drain. */
  flush(): void;
  /** They wait for more again. */
  gather(): void;
}

type Batching = NonNullable<DeliveryOptions['queue']['batch']>;

/** A batch that is sized in spans goes out when it would have more: no backend takes it whole, and what is stored is read whole. */
const mostBatchBytes = 64 << 20;

/** `due`: called when one has become due by time. */
export function createShipments(batching: Batching | null, clock: Clock, due: () => void): Shipments {
  return batching === null ? new Singly() : new Batched(batching, clock, due);
}

const storedBytesOf = ({ stored, bytes }: DeliveryItem): number => (stored ? bytes : 0);

class Singly implements Shipments {
  readonly #items = new Fifo<DeliveryItem>();
  get length(): number {
    return this.#items.length;
  }
  put(item: DeliveryItem): void {
    this.#items.put(item);
  }
  take(mostStoredBytes = Number.POSITIVE_INFINITY): Shipment | undefined {
    const item = this.#items.first;
    if (item === undefined || storedBytesOf(item) > mostStoredBytes) return undefined;
    this.#items.drop();
    return { items: [item], metadata: item.metadata, storedBytes: storedBytesOf(item) };
  }
  flush(): void {}
  gather(): void {}
}

interface Partition {
  readonly metadata: Metadata;
  items: DeliveryItem[];
  /** In the unit of the batch. */
  size: number;
  bytes: number;
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
    const isFull =
      (maxSize > 0 && before.size + size > maxSize) ||
      (this.#batching.sizer === 'items' && before.bytes + item.bytes > mostBatchBytes);
    if (isFull && before.items.length > 0) this.#end(full, before);
    const [key, partition] = this.#partition(item);
    partition.items.push(item);
    partition.size += size;
    partition.bytes += item.bytes;
    if (partition.size >= minSize || this.#flushing) this.#end(key, partition);
    else {
      partition.cancel ??= this.#clock.after(flushTimeoutMs, () => {
        this.#end(key, partition);
        this.#due();
      });
    }
  }

  take(mostStoredBytes = Number.POSITIVE_INFINITY): Shipment | undefined {
    const shipment = this.#ready.first;
    if (shipment === undefined || shipment.storedBytes > mostStoredBytes) return undefined;
    this.#ready.drop();
    this.#length -= shipment.items.length;
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
      partition = { metadata: Object.fromEntries(entries), items: [], size: 0, bytes: 0, cancel: null };
      this.#partitions.set(key, partition);
    }
    return [key, partition];
  }

  /** What it holds is due. One without items is forgotten: there may be many combinations of metadata. */
  #end(key: string, partition: Partition): void {
    partition.cancel?.();
    partition.cancel = null;
    const { items, metadata } = partition;
    const storedBytes = items.reduce((sum, item) => sum + storedBytesOf(item), 0);
    if (items.length > 0) this.#ready.put({ items, metadata, storedBytes });
    partition.items = [];
    partition.size = 0;
    partition.bytes = 0;
    if (key !== '' && this.#partitions.get(key) === partition) this.#partitions.delete(key);
  }
}
