// Which streams were closed lately, and by whom: RFC 9113 5.1 wants frames on closed streams told apart. Bounded: what lies
// further back is forgotten.

const rememberedOfClient = 128;
/**
 * Where all streams of a connection are refused at once (an overload), the DATA that were under way for each of them must
 * not be taken for a flood: at least the default of maxConcurrentStreams.
 */
const rememberedOfOurs = 1024;

export type Closing =
  /** Both sides had ended it, or the client reset it. */
  | 'by_client'
  /** We reset it: frames that the client sent before it knew are on their way, and are ignored. */
  | 'by_us'
  /** Never opened, or long ago. */
  | 'unknown';

/** It grows to its size with use: an idle connection has none. */
interface Ring {
  readonly ids: number[];
  next: number;
}

export class ClosedStreams {
  readonly #byClient: Ring = { ids: [], next: 0 };
  readonly #byUs: Ring = { ids: [], next: 0 };

  add(id: number, byUs: boolean): void {
    const ring = byUs ? this.#byUs : this.#byClient;
    ring.ids[ring.next] = id;
    ring.next = (ring.next + 1) % (byUs ? rememberedOfOurs : rememberedOfClient);
  }

  find(id: number): Closing {
    if (this.#byClient.ids.includes(id)) return 'by_client';
    return this.#byUs.ids.includes(id) ? 'by_us' : 'unknown';
  }
}
