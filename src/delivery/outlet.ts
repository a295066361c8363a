// One exporter as the pipelines see it: its queue, what waits in front of it, and with `storage` what is kept on disk. What
// the queue does not take waits here, in order; the bytes it holds keep the budget filled, and that is what in the end
// refuses new requests.
import type { StoredEntry, StoredQueue } from '../component/capabilities.ts';
import type { DeliveryOptions } from '../component/exporter.ts';
import type { GatheredBatch, Metadata } from './batch.ts';
import { Fifo } from './fifo.ts';
import type { DeliveryItem, Settlement } from './item.ts';
import type { ExporterAccount } from './ledger.ts';
import type { Delivery } from './queue.ts';

export interface OutletOptions {
  /** Makes the delivery; it is given the callback for "there is space again". */
  connect(onSpace: () => void): Delivery;
  readonly queue: Pick<DeliveryOptions['queue'], 'blockOnOverflow' | 'waitForResult' | 'consumers'>;
  /** Opens the stored queue, at the start; null: the queue is in memory. */
  readonly openStorage: (() => Promise<StoredQueue>) | null;
  /** Milliseconds that never go backwards. */
  readonly now: () => number;
}

/** What an entry is stored with. */
interface Tag {
  readonly pipeline: string;
  readonly metadata: Metadata;
  /** Where the metadata have no room in a tag: so many bytes of JSON in front of the request are they. */
  readonly metadataBytes?: number;
}

/** An entry as it was stored: a request behind `before` other bytes. */
interface Stored {
  readonly entry: StoredEntry;
  readonly metadata: Metadata;
  readonly before: number;
}

/** What a storage takes, see StoredEntry. */
const mostTagBytes = 1024;
/** A backend that took nothing for so long, though there was something to take, is stuck. */
const stuckAfterMs = 5000;
/** Of stored batches, so many for each consumer stay in memory too: what is exported at once is not read back. */
const residentForEach = 2;
/** And not more than that before them. */
const mostResidentBytes = 4 << 20;

const nobody = (): void => {};

export class Outlet {
  readonly delivery: Delivery;
  readonly #options: OutletOptions;
  readonly #blocked = new Fifo<DeliveryItem>();
  #storage: StoredQueue | null = null;
  #removed: StoredEntry[] = [];
  /** Bytes of the shared memory that wait for this exporter. */
  #heldBytes = 0;
  #resident = 0;
  #residentBytes = 0;
  #heldSince = Number.POSITIVE_INFINITY;
  #relieved = new Set<() => void>();
  #expected = 0;
  readonly #whenNoneExpected: (() => void)[] = [];

  constructor(options: OutletOptions) {
    this.#options = options;
    this.delivery = options.connect(() => this.#resume());
  }

  get stores(): boolean {
    return this.#options.openStorage !== null;
  }
  get waitForResult(): DeliveryOptions['queue']['waitForResult'] {
    return this.#options.queue.waitForResult;
  }
  get blockOnOverflow(): boolean {
    return this.#options.queue.blockOnOverflow;
  }
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Opens the storage and goes on with what an earlier process left. `accountOf`: of a pipeline, by its id. */
  async start(accountOf: (pipeline: string) => ExporterAccount): Promise<void> {
    const { openStorage } = this.#options;
    if (openStorage === null || this.#storage !== null) return;
    this.#storage = await openStorage();
    for (const entry of this.#storage.recovered) {
      const { pipeline, metadata: inTag, metadataBytes: before = 0 } = JSON.parse(entry.tag) as Tag;
      const metadata = before === 0 ? inTag : await this.#metadataOf(entry, before);
      const account = accountOf(pipeline);
      account.recovered += entry.spans;
      account.held += entry.spans;
      this.#offer(this.#storedItem({ entry, metadata, before }, null, account));
    }
  }

  get isEmpty(): boolean {
    return this.#expected === 0 && this.#heldBytes === 0 && this.delivery.stats.queueSize === 0;
  }

  /** The batch is to wait until its stored queue has room: `whenLess` tells. */
  holdsBack(batch: GatheredBatch): boolean {
    if (!this.stores || !this.blockOnOverflow) return false;
    return this.#blocked.length > 0 || !this.delivery.hasRoomFor(batch);
  }

  /** Sends on what its queue gathers; from then on nothing waits for more, until `gather`. */
  flush(): void {
    this.delivery.flush();
  }
  gather(): void {
    this.delivery.gather();
  }

  /** A batch is on its way to it, which a drain is to wait for; `expected` follows. */
  expect(): void {
    this.#expected++;
  }
  expected(): void {
    if (--this.#expected === 0) for (const resolve of this.#whenNoneExpected.splice(0)) resolve();
  }

  /** Whether the backend takes nothing, though there is something. */
  get isStuck(): boolean {
    return this.stuckInMs < 0;
  }
  /** When it will be stuck, if it takes nothing until then; below 0: it is. */
  get stuckInMs(): number {
    if (this.#heldBytes === 0) return Number.POSITIVE_INFINITY;
    const since = Math.max(this.#heldSince, this.delivery.stats.lastSuccessAt);
    return since + stuckAfterMs - this.#options.now();
  }
  /** Calls once, at the end of the turn in which it next holds less, or has room again. The same callback only once. */
  whenLess(callback: () => void): void {
    this.#relieved.add(callback);
  }

  /** In memory. `settled` is told how it ended. */
  send(batch: GatheredBatch, account: ExporterAccount, settled: (settlement: Settlement) => void = nobody): void {
    batch.hold();
    this.#offer(this.#item(batch, account, settled));
  }

  /**
   * Makes it outlive the process; then `sendStored` or `forget` must follow. null: the queue is full. Rejects with a
   * SpanmillError STORAGE when it cannot be stored.
   */
  async store(batch: GatheredBatch, pipeline: string): Promise<StoredEntry | null> {
    if (this.#storage === null) throw new Error('an outlet without storage was asked to store');
    // Nothing overtakes what waits for space.
    if (this.#blocked.length > 0 || !this.delivery.claim(batch)) return null;
    try {
      const { tag, before } = labelOf(pipeline, batch.metadata);
      return await this.#storage.append([...before, ...batch.segments], batch.spans, tag);
    } catch (error) {
      this.delivery.unclaim(batch);
      throw error;
    }
  }

  sendStored(entry: StoredEntry, batch: GatheredBatch, account: ExporterAccount): void {
    account.held += entry.spans;
    // What cannot be exported soon needs no memory.
    const stays =
      this.#resident < this.#options.queue.consumers * residentForEach && this.#residentBytes < mostResidentBytes;
    if (stays) batch.hold();
    const stored: Stored = { entry, metadata: batch.metadata, before: entry.bytes - batch.bytes };
    this.delivery.put(this.#storedItem(stored, stays ? batch : null, account));
  }

  forget(entry: StoredEntry, batch: GatheredBatch): void {
    this.delivery.unclaim(batch);
    this.#remove(entry);
  }

  #item(batch: GatheredBatch, account: ExporterAccount, settled: (settlement: Settlement) => void): DeliveryItem {
    account.held += batch.spans;
    this.#hold(batch.bytes);
    return {
      spans: batch.spans,
      bytes: batch.bytes,
      metadata: batch.metadata,
      stored: false,
      open: () => batch.segments,
      settle: (settlement) => {
        settle(account, batch.spans, settlement);
        this.#letGo(batch.bytes);
        batch.release();
        settled(settlement);
      },
    };
  }

  #storedItem(
    { entry, metadata, before }: Stored,
    batch: GatheredBatch | null,
    account: ExporterAccount,
  ): DeliveryItem {
    if (batch !== null) {
      this.#resident++;
      this.#residentBytes += entry.bytes;
    }
    return {
      spans: entry.spans,
      bytes: entry.bytes - before,
      metadata,
      stored: true,
      open: () => batch?.segments ?? this.#read(entry, before),
      settle: (settlement) => {
        if (!settlement.kept) {
          settle(account, entry.spans, settlement);
          this.#remove(entry);
        }
        if (batch !== null) {
          this.#resident--;
          this.#residentBytes -= entry.bytes;
          batch.release();
        }
      },
    };
  }

  async #read(entry: StoredEntry, before: number): Promise<readonly Buffer[]> {
    if (this.#storage === null) throw new Error('the storage is closed');
    return [(await this.#storage.read(entry)).subarray(before)];
  }

  /** None of an entry that cannot be read: it cannot be exported either, which is said then. */
  async #metadataOf(entry: StoredEntry, bytes: number): Promise<Metadata> {
    try {
      const value = await this.#storage?.read(entry);
      return JSON.parse(value?.toString('utf8', 0, bytes) ?? '') as Metadata;
    } catch {
      return {};
    }
  }

  /** Those of one turn of the event loop together. */
  #remove(entry: StoredEntry): void {
    this.#removed.push(entry);
    if (this.#removed.length > 1) return;
    queueMicrotask(() => {
      const entries = this.#removed;
      this.#removed = [];
      // What cannot be removed is exported again by the next process; the storage has logged it.
      this.#storage?.remove(entries).catch(nobody);
    });
  }

  #offer(item: DeliveryItem): void {
    if (this.#blocked.length > 0 || !this.delivery.offer(item)) this.#blocked.put(item);
  }

  #hold(bytes: number): void {
    if (this.#heldBytes === 0) this.#heldSince = this.#options.now();
    this.#heldBytes += bytes;
  }
  #letGo(bytes: number): void {
    this.#heldBytes -= bytes;
    this.#relieve();
  }

  #relieve(): void {
    if (this.#relieved.size === 0) return;
    const callbacks = this.#relieved;
    this.#relieved = new Set();
    for (const callback of callbacks) queueMicrotask(callback);
  }

  #resume(): void {
    for (let next = this.#blocked.first; next !== undefined; next = this.#blocked.first) {
      if (!this.delivery.offer(next)) return;
      this.#blocked.drop();
    }
    this.#relieve();
  }

  /** The storage is given back, for another to open. Everything is settled. */
  async close(): Promise<void> {
    const storage = this.#storage;
    this.#storage = null;
    await storage?.close();
  }

  /** Waits for everything; at the deadline the rest is failed, or kept where it is stored. */
  async drain(deadlineMs: number): Promise<void> {
    const end = this.#options.now() + deadlineMs;
    // Bounded by the storage's own end: what it cannot store it refuses.
    if (this.#expected > 0) await new Promise<void>((resolve) => this.#whenNoneExpected.push(resolve));
    do await this.delivery.drain(Math.max(0, end - this.#options.now()));
    while (this.#blocked.length > 0);
  }
}

function settle(account: ExporterAccount, spans: number, { exported, failures, kept }: Settlement): void {
  if (kept) return;
  account.held -= spans;
  account.exported += exported;
  for (const failure of failures) account.fail(failure.reason, failure.spans);
}

/** `before`: what is to stand in front of the request. */
function labelOf(pipeline: string, metadata: Metadata): { readonly tag: string; readonly before: readonly Buffer[] } {
  const tag = JSON.stringify({ pipeline, metadata } satisfies Tag);
  if (Buffer.byteLength(tag) <= mostTagBytes) return { tag, before: [] };
  const before = Buffer.from(JSON.stringify(metadata));
  const short: Tag = { pipeline, metadata: {}, metadataBytes: before.length };
  return { tag: JSON.stringify(short), before: [before] };
}
