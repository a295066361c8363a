// What was not tried before the time to shut down was over: it stays where it is stored, is set aside, or is lost.
import type { RateLimitedLog } from '../lib/rate-limit.ts';
import { type DeliveryItem, exportedWhole, type Settlement } from './item.ts';
import type { Part } from './shipper.ts';

export interface LeftoversHost {
  readonly log: RateLimitedLog;
  /** Keeps spans; resolves with false when it cannot. null: nobody does. */
  readonly setAside: ((part: Part, reason: string, message: string) => Promise<boolean>) | null;
  /** Called for each item, never from within `add`. It may add others. */
  settle(item: DeliveryItem, settlement: Settlement): void;
  /** All that was added is settled. */
  settled(): void;
}

const reason = 'shutdown';
const message = 'not tried before the time to shut down was over';
/** Hundreds of batches become a few requests: there is little time to write them. */
const mostTogetherBytes = 64 << 20;

export class Leftovers {
  readonly #host: LeftoversHost;
  #items: DeliveryItem[] = [];
  #isAtWork = false;

  constructor(host: LeftoversHost) {
    this.#host = host;
  }

  add(...items: DeliveryItem[]): void {
    this.#items.push(...items);
    if (this.#isAtWork) return;
    this.#isAtWork = true;
    queueMicrotask(() => void this.#settleAll());
  }

  async #settleAll(): Promise<void> {
    while (this.#items.length > 0) {
      const items = this.#together();
      // What is settled at once keeps no drain waiting.
      if (items[0].stored || this.#host.setAside === null) this.#settle(items, false);
      else this.#settle(items, await this.#setAside(items, this.#host.setAside));
    }
    this.#isAtWork = false;
    this.#host.settled();
  }

  /** The first ones, of clients with the same metadata. */
  #together(): readonly DeliveryItem[] {
    const [first] = this.#items;
    const key = JSON.stringify(first.metadata);
    let bytes = 0;
    let count = 0;
    for (const item of this.#items) {
      bytes += item.bytes;
      const fits = count === 0 || (bytes <= mostTogetherBytes && item.stored === first.stored);
      if (!fits || JSON.stringify(item.metadata) !== key) break;
      count++;
    }
    return this.#items.splice(0, count);
  }

  async #setAside(items: readonly DeliveryItem[], keep: NonNullable<LeftoversHost['setAside']>): Promise<boolean> {
    const opened = await Promise.all(items.map((item) => item.open()));
    return keep({ segments: opened.flat(), ...sizeOf(items) }, reason, message);
  }

  #settle(items: readonly DeliveryItem[], isKept: boolean): void {
    const { log, settle } = this.#host;
    const { spans } = sizeOf(items);
    if (!items[0].stored) {
      const text = isKept ? 'export failed, spans are set aside' : 'export failed, spans are lost';
      log.error(`failed ${reason}`, { reason, error: message, spans }, text);
    }
    for (const item of items) {
      const failures = [{ reason, spans: item.spans }];
      settle(item, { ...exportedWhole(0), ...(item.stored ? { kept: true } : { failures, message, retryable: true }) });
    }
  }
}

function sizeOf(items: readonly DeliveryItem[]): { readonly spans: number; readonly bytes: number } {
  let spans = 0;
  let bytes = 0;
  for (const item of items) {
    spans += item.spans;
    bytes += item.bytes;
  }
  return { spans, bytes };
}
