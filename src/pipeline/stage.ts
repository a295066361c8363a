// A stage on the I/O thread: requests wait here for a worker, a job is made of as many as fit, and what the worker wrote
// is gathered. The same for the first stage of a pipeline, whose requests have clients, and for later ones, whose
// requests are the batches of the stage before.
import type { Logger } from 'pino';
import { type FlushCause, type GatheredBatch, type Gatherer, PendingJob } from '../delivery/batch.ts';
import type { PipelineAccount } from '../delivery/ledger.ts';
import { Histogram } from '../lib/histogram.ts';
import { type RateLimitedLog, rateLimited } from '../lib/rate-limit.ts';
import { protobufRoom } from '../wire/json/transcode.ts';
import type { SharedMemory } from '../wire/memory.ts';
import { rewriteOutcome } from '../wire/rewriter.ts';
import { Slab } from '../workers/arena.ts';
import { job, jobRequest, requestWord, type WorkerContext } from '../workers/layout.ts';
import type { WorkerPool } from '../workers/pool.ts';
import type { RunResult } from '../workers/protocol.ts';
import { pickRequests, writeJob } from './job.ts';
import {
  allocateOutput,
  allocateRange,
  heldSlabBytes,
  type OutputSpace,
  outputRoom,
  runsRoom,
} from './output-space.ts';
import { Partitions } from './partitions.ts';
import type { StagePlan } from './plan.ts';
import type { RequestLink, StageRequest, TakenOutcome } from './stage-request.ts';
import { TraceStore } from './traces/trace-store.ts';
import { Troubles } from './troubles.ts';
import { WaitingList } from './waiting-list.ts';
import { roomsOf } from './walks.ts';

export interface StageHost extends OutputSpace {
  readonly shared: SharedMemory;
  readonly pool: WorkerPool;
  readonly account: PipelineAccount;
  /** Numbers of the counters of what a gate sent elsewhere, and of what was for no pipeline at all. */
  readonly routed: { readonly elsewhere: readonly number[]; readonly nowhere: readonly number[] };
  /** Clients are answered when their spans are secured behind the last stage, not when they are gathered here. */
  readonly answersWhenSecured: boolean;
  /** What was made of a client's request goes on by itself, so that what becomes of it says nothing of other clients. */
  readonly keepsApart: boolean;
  /** An exporter of the pipeline has as much to do as the memory allows it: no requests are taken. */
  readonly holdsBack: boolean;
  /** How often the spans of a job that starts now are to be halved. */
  readonly halvings: number;
  readonly log: Logger;
  /** There is work, or space, or an idle worker: look again soon. */
  schedule(): void;
  emit(batch: GatheredBatch, cause: FlushCause): void;
  /** Takes over traces that the stage held, in the place of batches. */
  release(traces: StageRequest): void;
  /** Takes a copy of a request that killed its worker twice. */
  setAside(bytes: Buffer, component: string, spans: number, isJson: boolean): void;
}

/** Bounds of the Collector's histogram of batch sizes, in spans. */
export const batchSizeBounds: readonly number[] = [
  10, 25, 50, 75, 100, 250, 500, 750, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000, 20_000, 30_000,
  50_000, 100_000,
];
/** How long a request waits for space to write its output before its client is told to come again. */
const outputWaitMs = 250;

export class Stage {
  readonly plan: StagePlan;
  /** How many times the room of its output a job needs. */
  readonly #rooms: number;
  readonly #regroups: boolean;
  readonly #index: number;
  readonly #host: StageHost;
  readonly #counters: Float64Array;
  /** The first of its pipeline: what it takes is received, what it refuses is refused to a client. */
  readonly #entry: boolean;
  readonly #partitions: Partitions;
  readonly #troubles: Troubles;
  /** null: it holds no traces. */
  readonly traces: TraceStore | null;
  readonly #warnings: RateLimitedLog;
  readonly #waiting = new WaitingList();
  #waitingSpans = 0;
  /** Runs while there is no space for output; the requests that waited when it began are then turned away. */
  #blocked: NodeJS.Timeout | null = null;
  /** Jobs that workers run now. */
  #running = 0;
  /** Batches that left, for the metrics: how many spans each had, and what sent it on. */
  readonly batches = { sizes: new Histogram(batchSizeBounds), size: 0, timeout: 0 };

  constructor(plan: StagePlan, index: number, entry: boolean, counters: Float64Array, host: StageHost) {
    this.plan = plan;
    this.#rooms = roomsOf(plan.walks);
    this.#regroups = plan.walks.some(({ regroups }) => regroups === true);
    this.#index = index;
    this.#entry = entry;
    this.#counters = counters;
    this.#host = host;
    this.#troubles = new Troubles(host.arena);
    this.traces = plan.holding === null ? null : new TraceStore(plan.holding, host);
    this.#warnings = rateLimited(host.log, { initial: 1, thereafter: 0 });
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

  /** Requests of several links share no job. */
  get countsNowhere(): boolean {
    return this.#host.routed.nowhere.length > 0;
  }
  get partitions(): number {
    return this.#partitions.size;
  }
  get idle(): boolean {
    return this.#running === 0 && this.#waiting.length === 0;
  }

  /** Spans that it has gathered, or holds, and not passed on. */
  gatheredSpans(): number {
    return this.#partitions.spans + (this.traces?.spans ?? 0);
  }

  /** Spans of earlier stages' batches that are waiting or in a job. */
  waitingSpans(): number {
    return this.#waitingSpans;
  }

  enqueue(request: StageRequest): void {
    this.#waitingSpans += request.spans;
    this.#waiting.push(request);
    this.#host.schedule();
  }

  get hasWork(): boolean {
    return this.#waiting.length > 0;
  }

  /** Sends on all that is gathered; of traces that it holds, where only memory is short, the oldest. */
  flush(cause: FlushCause = 'drain'): void {
    this.#partitions.flush(cause);
    if (cause === 'size') this.traces?.ease();
    else this.traces?.flush();
  }

  /** From now on what a job gives is sent on at once: a drain has begun. No client waits for traces that are held. */
  hurry(): void {
    this.#partitions.hurry();
  }

  /** Starts one job on an idle worker; false when nothing can run now (no work, no worker, no space for output). */
  startJob(): boolean {
    if (!this.hasWork) return false;
    if (this.#entry && this.#host.holdsBack) {
      this.#block();
      return false;
    }
    const worker = this.#host.pool.take();
    if (worker < 0) return false;
    const requests = pickRequests(this.#waiting, this.#troubles, this.#host.largestOutput, this.#regroups);
    const first = requests[0];
    const partition = this.#partitions.of(first.metadata);
    if (partition === null) {
      this.#host.pool.giveBack(worker);
      this.#waiting.advance(1);
      this.#finish(
        first,
        'failed',
        'too many combinations of client metadata for batch (metadata_cardinality_limit)',
        0,
      );
      return true;
    }
    const gatherer = this.#partitions.gatherer(partition, worker);
    if (!this.#prepareJson(requests) || !this.#prepareOutput(requests, gatherer)) {
      this.#host.pool.giveBack(worker);
      this.#block();
      return false;
    }
    this.#unblock();
    gatherer.busy = true;
    // Without batching each job's output goes on by itself.
    if (this.plan.batching === null) gatherer.metadata = first.metadata;
    this.#waiting.advance(requests.length);
    const openSpans = gatherer.spans;
    const { range } = gatherer.slab as Slab;
    writeJob(this.#host.shared.words, this.#host.pool.context(worker).job, {
      stage: this.#index,
      requests,
      outputAt: gatherer.at,
      outputEnd: range.at + range.bytes,
      openSpans,
      maxSpans: this.plan.batching?.maxSpans ?? this.plan.maxSpans,
      halvings: this.#host.halvings,
      isJoined: this.#regroups && first.payload !== undefined && requests.length > 1,
      normaliseTo: (i) => this.#troubles.get(requests[i])?.normaliseTo?.at ?? 0,
      jsonRoom: (i) => (requests[i].isJson === true ? (this.#troubles.get(requests[i])?.normaliseTo?.bytes ?? 0) : 0),
    });
    this.#running++;
    const metadata = this.plan.metadataKeys.length === 0 ? null : first.metadata;
    this.#host.pool.run(worker, metadata).then(
      (result) => this.#finished(worker, requests, gatherer, openSpans, result),
      (error: unknown) => this.#died(requests, gatherer, error),
    );
    return true;
  }

  /** Sees to it that the gatherer's slab has room for what the requests may give. False: no space now. */
  #prepareOutput(requests: readonly StageRequest[], gatherer: Gatherer): boolean {
    const { arena } = this.#host;
    let bytes = 0;
    for (const request of requests) bytes += request.length;
    const trouble = this.#troubles.get(requests[0]);
    let room = Math.max(outputRoom(bytes, requests.length), trouble?.room ?? 0);
    if (this.traces !== null) room = Math.max(room, Math.min(room + runsRoom(bytes), this.#host.largestOutput));
    const { slab } = gatherer;
    if (slab !== null && slab.range.at + slab.range.bytes - gatherer.at >= room * this.#rooms) return true;
    if (room > this.#host.largestOutput && requests.length === 1) return this.#tooLarge(requests[0]);
    const slabBytes = this.traces === null ? undefined : heldSlabBytes(arena.budgetBytes, this.#host.pool.size);
    const range = allocateOutput(this.#host, room * this.#rooms, slabBytes);
    if (range === null) return false;
    gatherer.closeSlab((old, end) => arena.shrink(old.range, end - old.range.at));
    gatherer.slab = new Slab(arena, range);
    gatherer.at = range.at;
    return true;
  }

  /**
   * Gives each request that is JSON a range for its protobuf form, as late as this, since it is held besides the request itself.
   * Leaves out those for which there is no space now; false when nothing is left.
   */
  #prepareJson(requests: StageRequest[]): boolean {
    for (let i = 0; i < requests.length; i++) {
      const request = requests[i];
      if (request.isJson !== true || this.#troubles.get(request)?.normaliseTo) continue;
      const range = allocateRange(this.#host, protobufRoom(request.length));
      if (range === null) requests.length = i;
      else this.#troubles.begin(request).normaliseTo = range;
    }
    return requests.length > 0;
  }

  /** It is empty: gives back what it has of the budget. */
  close(): void {
    this.traces?.close();
  }

  /** Gives back the rest of the slabs that no job writes to. */
  reclaim(): void {
    const { arena } = this.#host;
    for (const gatherer of this.#partitions.gatherers()) {
      if (!gatherer.busy) gatherer.closeSlab((old, end) => arena.shrink(old.range, end - old.range.at));
    }
  }

  #block(): void {
    if (!this.#entry || this.#blocked !== null || !this.hasWork) return;
    const waiting = this.#waiting.length;
    this.#blocked = setTimeout(() => {
      this.#blocked = null;
      const waited = this.#waiting.first(waiting);
      this.#waiting.advance(waited.length);
      for (const request of waited) if (request.link === undefined) this.#finish(request, 'overloaded', '', 0);
      const staying = waited.filter(({ link }) => link !== undefined);
      if (staying.length > 0) this.#waiting.putBack(staying);
      this.#host.schedule();
    }, outputWaitMs);
  }

  #unblock(): void {
    if (this.#blocked === null) return;
    clearTimeout(this.#blocked);
    this.#blocked = null;
  }

  #tooLarge(request: StageRequest): boolean {
    this.#waiting.advance(1);
    this.#finish(request, 'failed', 'what the processors make of this request exceeds the memory budget', 0);
    this.#host.schedule();
    return false;
  }

  #finished(
    worker: number,
    requests: readonly StageRequest[],
    gatherer: Gatherer,
    openSpans: number,
    result: RunResult,
  ): void {
    this.#running--;
    gatherer.busy = false;
    const { shared, pool } = this.#host;
    const { words } = shared;
    const block = pool.context(worker).job;
    const done = words[block.header + job.done];
    this.#addCounters(block.counters);
    this.#countRouted(block.counters, requests[0].link);
    const isSecuredLater = this.#host.answersWhenSecured && this.traces === null;
    const pending: PendingJob[] = [];
    if (isSecuredLater && this.#isApart(words[block.header + job.segments])) {
      this.#gatherApart(block, gatherer, requests.slice(0, done), pending);
    } else {
      if (isSecuredLater) pending.push(this.#pendingJob(words, block, requests.slice(0, done)));
      this.#gather(block, gatherer, openSpans, pending[0] ?? null);
    }
    const again: StageRequest[] = [];
    const apart: StageRequest[] = [];
    for (let i = 0; i < done; i++) {
      const at = requestWord(block, i);
      const spans = words[at + jobRequest.spansIn];
      switch (words[at + jobRequest.outcome]) {
        case rewriteOutcome.written:
          this.#finish(requests[i], isSecuredLater ? 'pending' : 'written', '', spans);
          break;
        case rewriteOutcome.unusual:
          again.push(requests[i]);
          break;
        case rewriteOutcome.failed:
          if (this.#takeApart(requests[i], apart)) break;
          this.#finish(requests[i], 'failed', messageOf(result, i), spans);
          break;
        default:
          this.#finish(requests[i], 'malformed', messageOf(result, i), 0);
      }
    }
    if (done < requests.length) this.#wantMore(requests, done);
    if (apart.length > 0) this.#requeue(apart);
    if (again.length > 0) this.#requeue(again.filter((request) => this.#wantsNormalised(request)));
    if (result !== null) this.#warn(result);
    for (const one of pending) one.written();
    gatherer.settle();
    this.#host.schedule();
  }

  #addCounters(at: number): void {
    const values = this.#counters;
    const from = new Float64Array(this.#host.shared.memory.buffer, at, values.length);
    for (let i = 0; i < values.length; i++) values[i] += from[i];
  }

  /** The gates of connectors: what they sent elsewhere this pipeline has not received. `link`: of all requests of the job. */
  #countRouted(at: number, link: RequestLink | undefined): void {
    const { account, routed, shared } = this.#host;
    if (routed.elsewhere.length === 0) return;
    const counts = new Float64Array(shared.memory.buffer, at, this.#counters.length);
    const nowhere = routed.nowhere.reduce((sum, counter) => sum + counts[counter], 0);
    account.received -= routed.elsewhere.reduce((sum, counter) => sum + counts[counter], nowhere);
    if (nowhere > 0) link?.lost(nowhere);
  }

  /** Of the requests that were written. */
  #pendingJob(words: Uint32Array, block: WorkerContext['job'], requests: readonly StageRequest[]): PendingJob {
    const written = requests.filter(
      (_, i) => words[requestWord(block, i) + jobRequest.outcome] === rewriteOutcome.written,
    );
    return new PendingJob((refusal) => {
      for (const request of written) request.secured(refusal);
    });
  }

  #gather(block: WorkerContext['job'], gatherer: Gatherer, openSpans: number, pending: PendingJob | null): void {
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

  #isApart(segments: number): boolean {
    return this.plan.batching === null && segments === 0 && this.#host.keepsApart;
  }

  /** Each request makes a batch of its own. */
  #gatherApart(
    block: WorkerContext['job'],
    gatherer: Gatherer,
    requests: readonly StageRequest[],
    pending: PendingJob[],
  ): void {
    const { words } = this.#host.shared;
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
  }

  /** From `done` on nothing was done for want of room; alone with the whole slab, the request needs a larger one. */
  #wantMore(requests: readonly StageRequest[], done: number): void {
    if (done === 0) {
      const [request] = requests;
      const trouble = this.#troubles.begin(request);
      trouble.room = Math.max(trouble.room, outputRoom(request.length, 1)) * 2;
    }
    this.#requeue(requests.slice(done));
  }

  /** Gives the request a range for its canonical form; false when there is none, and it is finished. */
  #wantsNormalised(request: StageRequest): boolean {
    const trouble = this.#troubles.begin(request);
    // The canonical form of JSON stands behind its protobuf form, for which the range that it had was just large enough.
    const bytes = request.isJson === true ? 2 * (trouble.normaliseTo?.bytes ?? 0) : request.length;
    if (trouble.normaliseTo !== null) this.#host.arena.free(trouble.normaliseTo);
    trouble.normaliseTo = this.#host.arena.allocate(bytes);
    if (trouble.normaliseTo !== null) return true;
    this.#finish(request, this.#entry ? 'overloaded' : 'failed', 'no memory to normalise it', 0);
    return false;
  }

  /** Of traces that failed together each is tried alone: only the one whose fault it was is lost. False: it is one. */
  #takeApart(request: StageRequest, into: StageRequest[]): boolean {
    if (request.apart === undefined || request.traces === 1) return false;
    this.#troubles.end(request);
    into.push(...request.apart());
    return true;
  }

  #requeue(requests: readonly StageRequest[]): void {
    this.#waiting.putBack(requests);
    this.#host.schedule();
  }

  /** The worker died: each request runs again alone, and one that was in two such jobs is set aside. */
  #died(requests: readonly StageRequest[], gatherer: Gatherer, error: unknown): void {
    this.#running--;
    gatherer.busy = false;
    const { log, pool, shared } = this.#host;
    if (pool.stopped) {
      for (const request of requests)
        this.#finish(request, this.#entry ? 'overloaded' : 'failed', 'the service stopped', 0);
      return;
    }
    log.error({ requests: requests.length, error: String(error) }, 'a worker died; its requests run again');
    // What it half wrote lies behind the gatherer's position and is overwritten: nothing of it was gathered.
    const again: StageRequest[] = [];
    for (const request of requests) {
      const trouble = this.#troubles.begin(request);
      trouble.deaths++;
      if (trouble.deaths < 2 || requests.length > 1) {
        again.push(request);
        continue;
      }
      const apart: StageRequest[] = [];
      if (this.#takeApart(request, apart)) {
        for (const one of apart) this.#troubles.begin(one).deaths = 1;
        again.push(...apart);
        continue;
      }
      const bytes = request.copy?.() ?? Buffer.from(shared.buffer.subarray(request.at, request.at + request.length));
      this.#host.setAside(bytes, this.#names(), request.spans, request.isJson === true);
      this.#finish(request, 'killed', 'this request made a worker fail twice and was set aside', 0);
    }
    this.#requeue(again);
  }

  #names(): string {
    const ids = this.plan.walks.flatMap(({ steps }) => steps.map(({ id }) => id));
    return [...new Set(ids)].join(',');
  }

  #finish(request: StageRequest, outcome: TakenOutcome, message: string, spans: number): void {
    this.#troubles.end(request);
    const { account } = this.#host;
    this.#waitingSpans -= request.spans;
    const isWritten = outcome === 'written' || outcome === 'pending';
    if (!this.#entry) {
      if (!isWritten) {
        account.failInside(outcome, request.spans);
        this.#host.log.error({ processors: this.#names(), spans: request.spans, error: message }, 'spans were lost');
      }
    } else if (isWritten) account.received += spans;
    // What another pipeline sent and cannot be taken stays its own.
    else if (outcome !== 'overloaded' && request.link === undefined) account.reject(outcome, spans);
    request.taken(outcome, message, spans);
  }

  #warn(result: NonNullable<RunResult>): void {
    for (const { message, ...fields } of result.warnings) {
      this.#warnings.warn(`${fields.component} ${fields.code}`, fields, message);
    }
  }
}

function messageOf(result: RunResult, request: number): string {
  return result?.messages.find(([index]) => index === request)?.[1] ?? '';
}
