// What a stage has gathered and not passed on, apart for each combination of client metadata that `batch` keeps apart, and in
// each for every worker.
import { type FlushCause, Gatherer, type GathererHost, type Metadata } from '../delivery/batch.ts';

export interface Partition {
  readonly metadata: Metadata;
  /** By worker. */
  readonly gatherers: (Gatherer | undefined)[];
}

export class Partitions {
  readonly #host: GathererHost;
  readonly #partitions = new Map<string, Partition>();
  #isHurried = false;

  constructor(host: GathererHost) {
    this.#host = host;
  }

  get size(): number {
    return this.#partitions.size;
  }

  get spans(): number {
    let spans = 0;
    for (const gatherer of this.gatherers()) spans += gatherer.spans;
    return spans;
  }

  /** Null: one more combination than may be. */
  of(client: Metadata): Partition | null {
    const keys = this.#host.batching?.metadataKeys ?? [];
    const key = keys.length === 0 ? '' : JSON.stringify(keys.map((name) => client[name] ?? []));
    const known = this.#partitions.get(key);
    if (known !== undefined) return known;
    const limit = this.#host.batching?.metadataCardinalityLimit ?? 0;
    if (key !== '' && limit > 0 && this.#partitions.size >= limit) return null;
    const metadata = Object.fromEntries(keys.map((name) => [name, client[name] ?? []]));
    const made: Partition = { metadata, gatherers: [] };
    this.#partitions.set(key, made);
    return made;
  }

  gatherer(partition: Partition, worker: number): Gatherer {
    const known = partition.gatherers[worker];
    if (known !== undefined) return known;
    const made = new Gatherer(this.#host, partition.metadata);
    made.isHurried = this.#isHurried;
    partition.gatherers[worker] = made;
    return made;
  }

  flush(cause: FlushCause): void {
    for (const gatherer of this.gatherers()) gatherer.flush(cause);
  }

  /** Nothing waits for more any longer. */
  hurry(): void {
    this.#isHurried = true;
    for (const gatherer of this.gatherers()) gatherer.isHurried = true;
    this.flush('drain');
  }

  *gatherers(): Iterable<Gatherer> {
    for (const { gatherers } of this.#partitions.values()) {
      for (const gatherer of gatherers) if (gatherer !== undefined) yield gatherer;
    }
  }
}
