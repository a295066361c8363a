// Where a pipeline's batches go: to each of its exporters, independently. What an exporter's queue does not take waits
// here, in order; the bytes it holds keep the budget filled, and that is what in the end refuses new requests.
import type { GatheredBatch } from './batch.ts';
import type { ExporterAccount } from './ledger.ts';
import type { Delivery, DeliveryItem } from './queue.ts';

/** One exporter, shared by all pipelines that name it. */
export class Outlet {
  readonly delivery: Delivery;
  readonly #blocked: DeliveryItem[] = [];

  /** `connect` makes the delivery; it is given the callback for "there is space again". */
  constructor(connect: (onSpace: () => void) => Delivery) {
    this.delivery = connect(() => this.#resume());
  }

  send(batch: GatheredBatch, account: ExporterAccount): void {
    batch.hold();
    account.held += batch.spans;
    const item: DeliveryItem = {
      batch,
      settle({ exported, failed, reason }) {
        account.held -= batch.spans;
        account.exported += exported;
        if (failed > 0) account.fail(reason, failed);
        batch.release();
      },
    };
    if (this.#blocked.length > 0 || !this.delivery.offer(item)) this.#blocked.push(item);
  }

  #resume(): void {
    while (this.#blocked.length > 0 && this.delivery.offer(this.#blocked[0])) this.#blocked.shift();
  }

  /** Waits for everything; at the deadline the rest is failed. */
  async drain(deadlineMs: number): Promise<void> {
    const end = performance.now() + deadlineMs;
    do await this.delivery.drain(Math.max(0, end - performance.now()));
    while (this.#blocked.length > 0);
  }
}
