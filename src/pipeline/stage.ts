// A stage on the I/O thread: requests wait here for a worker, a job is made of as many as fit, and what became of each is read
// from what the worker left; where its output goes is stage-output.ts. The same for the first stage of a pipeline, whose requests
// have clients, and for later ones, whose requests are the batches of the stage before.
import type { Gatherer } from '../delivery/batch.ts';
import { type RateLimitedLog, rateLimited } from '../lib/rate-limit.ts';
import { protobufRoom } from '../wire/json/transcode.ts';
import { rewriteOutcome } from '../wire/rewriter.ts';
import type { Slab } from '../workers/arena.ts';
import { job, jobRequest, requestWord } from '../workers/layout.ts';
import type { RunResult } from '../workers/protocol.ts';
import { pickRequests, writeJob } from './job.ts';
import { allocateRange, outputRoom } from './output-space.ts';
import type { StagePlan } from './plan.ts';
import type { StageHost } from './stage-host.ts';
import { StageOutput } from './stage-output.ts';
import type { RequestLink, StageRequest, TakenOutcome } from './stage-request.ts';
import { Troubles } from './troubles.ts';
import { WaitingList } from './waiting-list.ts';

/** How long a request waits for space to write its output before its client is told to come again. */
const outputWaitMs = 250;

export class Stage {
  readonly plan: StagePlan;
  readonly output: StageOutput;
  readonly #regroups: boolean;
  readonly #index: number;
  readonly #host: StageHost;
  readonly #counters: Float64Array;
  /** The first of its pipeline: what it takes is received, what it refuses is refused to a client. */
  readonly #entry: boolean;
  readonly #troubles: Troubles;
  readonly #warnings: RateLimitedLog;
  readonly #waiting = new WaitingList();
  #waitingSpans = 0;
  /** Runs while there is no space for output; the requests that waited when it began are then turned away. */
  #blocked: NodeJS.Timeout | null = null;
  /** Jobs that workers run now. */
  #running = 0;

  constructor(plan: StagePlan, index: number, entry: boolean, counters: Float64Array, host: StageHost) {
    this.plan = plan;
    this.output = new StageOutput(plan, host);
    this.#regroups = plan.walks.some(({ regroups }) => regroups === true);
    this.#index = index;
    this.#entry = entry;
    this.#counters = counters;
    this.#host = host;
    this.#troubles = new Troubles(host.arena);
    this.#warnings = rateLimited(host.log, { initial: 1, thereafter: 0 });
  }

  /** Requests of several links share no job. */
  get countsNowhere(): boolean {
    return this.#host.routed.nowhere.length > 0;
  }
  get idle(): boolean {
    return this.#running === 0 && this.#waiting.length === 0;
  }

  /** Spans of earlier stages' batches that are waiting or in a job. */
  get waitingSpans(): number {
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
    const gatherer = this.output.gatherer(first.metadata, worker);
    if (gatherer === null || !this.#prepare(requests, gatherer)) {
      this.#host.pool.giveBack(worker);
      if (gatherer !== null) this.#block();
      else this.#turnAway(first, 'too many combinations of client metadata for batch (metadata_cardinality_limit)');
      return gatherer === null;
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

  /** Sees to it that there is room for all that the job may write; false: not now, or never, and the request is turned away. */
  #prepare(requests: StageRequest[], gatherer: Gatherer): boolean {
    if (!this.#prepareJson(requests)) return false;
    const room = this.output.makeRoom(requests, this.#troubles.get(requests[0])?.room ?? 0, gatherer);
    if (room === 'never') {
      this.#turnAway(requests[0], 'what the processors make of this request exceeds the memory budget');
      this.#host.schedule();
    }
    return room === 'made';
  }

  /** The first of those that wait can never run. */
  #turnAway(first: StageRequest, message: string): void {
    this.#waiting.advance(1);
    this.#finish(first, 'failed', message, 0);
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
    const taken = this.output.answersLater ? 'pending' : 'written';
    const pending = this.output.take(block, gatherer, openSpans, requests.slice(0, done));
    const again: StageRequest[] = [];
    const apart: StageRequest[] = [];
    for (let i = 0; i < done; i++) {
      const at = requestWord(block, i);
      const spans = words[at + jobRequest.spansIn];
      switch (words[at + jobRequest.outcome]) {
        case rewriteOutcome.written:
          this.#finish(requests[i], taken, '', spans);
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
