// The output side of a stage, on the I/O thread: has room for what its jobs write, and gathers that into batches, or holds it
// by trace.
import { type FlushCause, type Gatherer, type Metadata, PendingJob } from '../delivery/batch.ts';
import { Histogram } from '../lib/histogram.ts';
import { rewriteOutcome } from '../wire/rewriter.ts';
import { Slab } from '../workers/arena.ts';
import { type JobBlock, job, jobRequest, requestWord } from '../workers/layout.ts';
import { allocateOutput, heldSlabBytes, outputRoom, runsRoom } from './output-space.ts';
import { Partitions } from './partitions.ts';
import type { StagePlan } from './plan.ts';
import type { StageHost } from './stage-host.ts';
import type { StageRequest } from './stage-request.ts';
import { TraceStore } from './traces/trace-store.ts';
import { roomsOf } from './walks.ts';

/** Bounds of the Collector's histogram of batch sizes, in spans. */
export const batchSizeBounds: readonly number[] = [
  10, 25, 50, 75, 100, 250, 500, 750, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000, 20_000, 30_000,
  50_000, 100_000,
];
const emptyJob: readonly PendingJob[] = [];

export class StageOutput {
  /** null: it holds no traces. */
  readonly traces: TraceStore | null;
  /** Batches that left, for the metrics: how many spans each had, and what sent it on. */
  readonly batches = { sizes: new Histogram(batchSizeBounds), size: 0, timeout: 0 };
  readonly #plan: StagePlan;
  /** How many times the room of its output a job needs. */
  readonly #rooms: number;
  readonly #host: StageHost;
  readonly #partitions: Partitions;

  constructor(plan: StagePlan, host: StageHost) {
    this.#plan = plan;
    this.#rooms = roomsOf(plan.walks);
    this.#host = host;
    this.traces = plan.holding === null ? null : new TraceStore(plan.holding, host);
    this.#partitions = new Partitions({
      memory: host.shared.buffer,
      batching: plan.batching,
      emit: (batch, cause) => {
        this.batches.sizes.add(batch.spans);
        if (cause === 'size') this.batches.size++;
        else if (cause === 'timeout') this.batches.timeout++;
        host.emit(batch, cause);
      },
    });
  }

  /** Spans that are gathered, or held, and not passed on. */
  get spans(): number {
    return this.#partitions.spans + (this.traces?.spans ?? 0);
  }
  get partitions(): number {
    return this.#partitions.size;
  }

  /** Where a job of the worker writes to; null: too many combinations of client metadata. */
  gatherer(metadata: Metadata, worker: number): Gatherer | null {
    const partition = this.#partitions.of(metadata);
    return partition === null ? null : this.#partitions.gatherer(partition, worker);
  }

  /**
   * Sees to it that the gatherer's slab has room for what the requests may give, of which so much at least. `none`: there is no
   * space now; `never`: the one request needs more than there can be.
   */
  makeRoom(requests: readonly StageRequest[], atLeast: number, gatherer: Gatherer): 'made' | 'none' | 'never' {
    const { arena, largestOutput, pool } = this.#host;
    let bytes = 0;
    for (const request of requests) bytes += request.length;
    let room = Math.max(outputRoom(bytes, requests.length), atLeast);
    if (this.traces !== null) room = Math.max(room, Math.min(room + runsRoom(bytes), largestOutput));
    const { slab } = gatherer;
    if (slab !== null && slab.range.at + slab.range.bytes - gatherer.at >= room * this.#rooms) return 'made';
    if (room > largestOutput && requests.length === 1) return 'never';
    const slabBytes = this.traces === null ? undefined : heldSlabBytes(arena.budgetBytes, pool.size);
    const range = allocateOutput(this.#host, room * this.#rooms, slabBytes);
    if (range === null) return 'none';
    this.#closeSlab(gatherer);
    gatherer.slab = new Slab(arena, range);
    gatherer.at = range.at;
    return 'made';
  }

  /**
   * Takes over what a job wrote for `requests`, behind `openSpans`. Gives what their clients wait for, where they are answered
   * when their spans are secured: to be told once the requests were taken that the job has written all.
   */
  take(
    block: JobBlock,
    gatherer: Gatherer,
    openSpans: number,
    requests: readonly StageRequest[],
  ): readonly PendingJob[] {
    if (!this.answersLater) {
      this.#gather(block, gatherer, openSpans, null);
      return emptyJob;
    }
    if (this.#isApart(block)) return this.#gatherApart(block, gatherer, requests);
    const pending = this.#pendingJob(block, requests);
    this.#gather(block, gatherer, openSpans, pending);
    return [pending];
  }

  /** Clients are not answered yet when their requests are written. */
  get answersLater(): boolean {
    return this.#host.answersWhenSecured && this.traces === null;
  }

  /** Of the requests that were written. */
  #pendingJob(block: JobBlock, requests: readonly StageRequest[]): PendingJob {
    const { words } = this.#host.shared;
    const written = requests.filter(
      (_, i) => words[requestWord(block, i) + jobRequest.outcome] === rewriteOutcome.written,
    );
    return new PendingJob((refusal) => {
      for (const request of written) request.secured(refusal);
    });
  }

  #gather(block: JobBlock, gatherer: Gatherer, openSpans: number, pending: PendingJob | null): void {
    const { words } = this.#host.shared;
    const slab = gatherer.slab as Slab;
    const end = words[block.header + job.outputNow];
    if (this.traces !== null) {
      gatherer.at = end;
      this.traces.hold(slab, words[block.header + job.runsAt], words[block.header + job.runRows]);
      return;
    }
    let spansBefore = openSpans;
    for (let i = 0; i < words[block.header + job.segments]; i++) {
      const segmentEnd = words[block.segments + i * 2];
      gatherer.append(slab, gatherer.at, segmentEnd, words[block.segments + i * 2 + 1] - spansBefore, pending);
      gatherer.at = segmentEnd;
      gatherer.flush('size');
      spansBefore = 0;
    }
    gatherer.append(slab, gatherer.at, end, words[block.header + job.openSpansNow] - spansBefore, pending);
    gatherer.at = end;
  }

  #isApart(block: JobBlock): boolean {
    const segments = this.#host.shared.words[block.header + job.segments];
    return this.#plan.batching === null && segments === 0 && this.#host.keepsApart;
  }

  /** Each request makes a batch of its own. */
  #gatherApart(block: JobBlock, gatherer: Gatherer, requests: readonly StageRequest[]): readonly PendingJob[] {
    const { words } = this.#host.shared;
    const pending: PendingJob[] = [];
    const slab = gatherer.slab as Slab;
    for (const [i, request] of requests.entries()) {
      const at = requestWord(block, i);
      if (words[at + jobRequest.outcome] !== rewriteOutcome.written) continue;
      const own = new PendingJob((refusal) => request.secured(refusal));
      pending.push(own);
      gatherer.append(slab, gatherer.at, words[at + jobRequest.outputEnd], words[at + jobRequest.spansOut], own);
      gatherer.at = words[at + jobRequest.outputEnd];
      gatherer.flush('size');
    }
    return pending;
  }

  /** Sends on all that is gathered; of traces that are held, where only memory is short, the oldest. */
  flush(cause: FlushCause): void {
    this.#partitions.flush(cause);
    if (cause === 'size') this.traces?.ease();
    else this.traces?.flush();
  }

  /** From now on what a job gives is sent on at once: a drain has begun. No client waits for traces that are held. */
  hurry(): void {
    this.#partitions.hurry();
  }

  /** Gives back the rest of the slabs that no job writes to. */
  reclaim(): void {
    for (const gatherer of this.#partitions.gatherers()) if (!gatherer.busy) this.#closeSlab(gatherer);
  }

  /** It is empty: gives back what it has of the budget. */
  close(): void {
    this.reclaim();
    this.traces?.close();
  }

  #closeSlab(gatherer: Gatherer): void {
    const { arena } = this.#host;
    gatherer.closeSlab((old, end) => arena.shrink(old.range, end - old.range.at));
  }
}
