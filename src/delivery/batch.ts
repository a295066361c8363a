// Gathers what the workers wrote into batches. A gatherer belongs to one stage, one combination of client metadata and
// one worker, so that only one job at a time appends to its slab.
import type { Batch } from '../component/exporter.ts';
import type { BatchingOptions } from '../component/processor.ts';
import type { Slab } from '../workers/arena.ts';

interface Piece {
  readonly slab: Slab;
  readonly at: number;
  length: number;
  spans: number;
}

export type Metadata = Readonly<Record<string, readonly string[]>>;

/** Why spans that were gathered are not all secured after all; the client is told. */
export interface Refusal {
  /** `retry`: the client may come again with them; `never`: it need not; `partial`: some are secured, and it must not. */
  readonly kind: 'retry' | 'never' | 'partial';
  readonly message: string;
}
/** Who waits for spans to be secured: held as safely as the exporters promise. */
export type Secured = (refusal: Refusal | null) => void;

/** Pieces that stand one behind the other become one up to this size. */
const joinedBytes = 256 << 10;

/** A batch on its way to one or more exporters, or into the next stage; its bytes live until all have let go. */
export class GatheredBatch implements Batch {
  spans = 0;
  bytes = 0;
  readonly metadata: Metadata;
  readonly #memory: Buffer;
  readonly #pieces: Piece[] = [];
  #segments: Buffer[] | null = null;
  #holders = 1;
  #waiting: Secured[] = [];

  constructor(memory: Buffer, metadata: Metadata) {
    this.#memory = memory;
    this.metadata = metadata;
  }

  add(slab: Slab, at: number, length: number, spans: number): void {
    this.spans += spans;
    this.bytes += length;
    if (length === 0) return;
    const last = this.#pieces.at(-1);
    const joins = last !== undefined && last.slab === slab && last.at + last.length === at;
    // A piece is a request of a stage behind this one: what goes wrong there goes wrong for all of it.
    if (joins && last.length + length <= joinedBytes) {
      last.length += length;
      last.spans += spans;
    } else {
      slab.hold();
      this.#pieces.push({ slab, at, length, spans });
    }
  }

  get segments(): readonly Buffer[] {
    this.#segments ??= this.#pieces.map(({ at, length }) => this.#memory.subarray(at, at + length));
    return this.#segments;
  }
  get pieces(): readonly { readonly at: number; readonly length: number; readonly spans: number }[] {
    return this.#pieces;
  }

  /** `secured` will be called once the batch is. Only once for the same function in a row. */
  whenSecured(secured: Secured): boolean {
    if (this.#waiting.at(-1) === secured) return false;
    this.#waiting.push(secured);
    return true;
  }
  /** To be called once, by who has the batch last. */
  secure(refusal: Refusal | null): void {
    for (const secured of this.#waiting.splice(0)) secured(refusal);
  }

  hold(): void {
    this.#holders++;
  }
  release(): void {
    if (--this.#holders > 0) return;
    this.#segments = null;
    for (const piece of this.#pieces) piece.slab.release();
    this.#pieces.length = 0;
  }
}

/** The requests of one job, whose clients are answered when every batch that has spans of the job is secured. */
export class PendingJob {
  readonly #done: Secured;
  readonly #secured: Secured;
  /** One for the job itself, which may still write. */
  #pending = 1;
  #refusal: Refusal | null = null;

  /** `done` is called once. */
  constructor(done: Secured) {
    this.#done = done;
    this.#secured = (refusal) => this.#settle(refusal);
  }

  waitFor(batch: GatheredBatch): void {
    if (batch.whenSecured(this.#secured)) this.#pending++;
  }
  /** The job has written all. */
  written(): void {
    this.#settle(null);
  }

  #settle(refusal: Refusal | null): void {
    this.#refusal = worse(this.#refusal, refusal);
    if (--this.#pending === 0) this.#done(this.#refusal);
  }
}

const severity: Readonly<Record<Refusal['kind'], number>> = { partial: 1, retry: 2, never: 3 };

/** What a client is told of two refusals. */
export function worse(one: Refusal | null, other: Refusal | null): Refusal | null {
  if (one === null || other === null) return one ?? other;
  return severity[other.kind] > severity[one.kind] ? other : one;
}

export type FlushCause = 'size' | 'timeout' | 'drain';

export interface GathererHost {
  readonly memory: Buffer;
  readonly batching: BatchingOptions | null;
  /** Takes over the batch. */
  emit(batch: GatheredBatch, cause: FlushCause): void;
}

export class Gatherer {
  /** Where the next job of its worker goes on writing; null: in a new slab. */
  slab: Slab | null = null;
  at = 0;
  /** A job writes into the slab now. */
  busy = false;
  /** Nothing waits for more: what a job gave goes on at once. */
  isHurried = false;
  /** Of the clients of the next batch. */
  metadata: Metadata;
  readonly #host: GathererHost;
  #batch: GatheredBatch | null = null;
  #timer: NodeJS.Timeout | null = null;
  #sentAt = 0;

  constructor(host: GathererHost, metadata: Metadata) {
    this.#host = host;
    this.metadata = metadata;
  }

  get spans(): number {
    return this.#batch?.spans ?? 0;
  }

  /** Takes `spans` spans that stand at at … end of the slab. `pending`: of the job that wrote them, where its clients wait. */
  append(slab: Slab, at: number, end: number, spans: number, pending: PendingJob | null): void {
    if (spans === 0) return;
    this.#batch ??= new GatheredBatch(this.#host.memory, this.metadata);
    this.#batch.add(slab, at, end - at, spans);
    pending?.waitFor(this.#batch);
  }

  /** After a job: sends what is due. */
  settle(): void {
    const { batching } = this.#host;
    if (this.#batch === null) return;
    if (batching === null || this.#batch.spans >= batching.minSpans || batching.timeoutMs === 0) this.flush('size');
    else if (this.isHurried) this.flush('drain');
    else this.#timer ??= setTimeout(() => this.flush('timeout'), this.#untilTick(batching.timeoutMs));
  }

  /**
   * The timeout ticks from the last batch on whether or not there are spans, as the Collector's does: a span waits half of
   * it on average, and never longer.
   */
  #untilTick(timeoutMs: number): number {
    return timeoutMs - ((performance.now() - this.#sentAt) % timeoutMs);
  }

  flush(cause: FlushCause): void {
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
    const batch = this.#batch;
    if (batch === null) return;
    this.#batch = null;
    this.#sentAt = performance.now();
    this.#host.emit(batch, cause);
  }

  /** Ends the slab that was written to; the rest of it is free again. */
  closeSlab(shrink: (slab: Slab, end: number) => void): void {
    if (this.slab === null) return;
    shrink(this.slab, this.at);
    this.slab.release();
    this.slab = null;
  }
}
