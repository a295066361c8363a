// One exporter as the pipelines see it: its queue, what waits in front of it, and with `storage` what is kept on disk. What
// the queue does not take waits here, in order; the bytes it holds keep the budget filled, and that is what in the end
// refuses new requests.
import type { StoredEntry, StoredQueue } from '../component/capabilities.ts';
import type { DeliveryOptions } from '../component/types.ts';
import type { GatheredBatch, Metadata } from './batch.ts';
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
}

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
  readonly #blocked: DeliveryItem[] = [];
  #storage: StoredQueue | null = null;
  #removed: StoredEntry[] = [];
  /** Bytes of the shared memory that wait for this exporter. */
  #heldBytes = 0;
  #resident = 0;
  #residentBytes = 0;
  #heldSince = Number.POSITIVE_INFINITY;
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
      const { pipeline, metadata } = JSON.parse(entry.tag) as Tag;
      const account = accountOf(pipeline);
      account.recovered += entry.spans;
      account.held += entry.spans;
      this.#offer(this.#storedItem(entry, null, metadata, account));
    }
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
    if (this.#heldBytes === 0) return false;
    const since = Math.max(this.#heldSince, this.delivery.stats.lastSuccessAt);
    return this.#options.now() - since > stuckAfterMs;
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
      const tag: Tag = { pipeline, metadata: batch.metadata };
      return await this.#storage.append(batch.segments, batch.spans, JSON.stringify(tag));
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
    this.delivery.put(this.#storedItem(entry, stays ? batch : null, batch.metadata, account));
  }

  forget(entry: StoredEntry): void {
    this.delivery.unclaim(entry);
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
    entry: StoredEntry,
    batch: GatheredBatch | null,
    metadata: Metadata,
    account: ExporterAccount,
  ): DeliveryItem {
    if (batch !== null) {
      this.#resident++;
      this.#residentBytes += entry.bytes;
    }
    return {
      spans: entry.spans,
      bytes: entry.bytes,
      metadata,
      stored: true,
      open: () => batch?.segments ?? this.#read(entry),
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

  async #read(entry: StoredEntry): Promise<readonly Buffer[]> {
    if (this.#storage === null) throw new Error('the storage is closed');
    return [await this.#storage.read(entry)];
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
    if (this.#blocked.length > 0 || !this.delivery.offer(item)) this.#blocked.push(item);
  }

  #hold(bytes: number): void {
    if (this.#heldBytes === 0) this.#heldSince = this.#options.now();
    this.#heldBytes += bytes;
  }
  #letGo(bytes: number): void {
    this.#heldBytes -= bytes;
  }

  #resume(): void {
    while (this.#blocked.length > 0 && this.delivery.offer(this.#blocked[0])) this.#blocked.shift();
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
