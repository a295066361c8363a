// Holds the spans of a stage until their traces are due.
//
// What is held are the bytes that a worker wrote, where it wrote them: the job's output with the table of its runs
// (wire/run-table.ts) behind it. Nothing is copied and no span is looked at here: a run is found by its row, linked to the run of
// the same trace before it, and counted. When a trace is due its runs go on, as a list that the next stage's worker follows and
// writes as one request.
//
// Traces are due in the order in which they began, so that memory is freed in the order in which it was written: a slab goes
// back once every trace that began before its last row has been written by the next stage. It follows that spans never stay
// longer than the wait of the youngest trace beside them, and that freeing costs nothing for a span.
//
// Nothing is lost to a bound: with too many traces, or too little memory, the oldest go on before their time.
import type { Logger } from 'pino';
import type { HoldingOptions } from '../../component/processor.ts';
import { type RateLimitedLog, rateLimited } from '../../lib/rate-limit.ts';
import type { SharedMemory } from '../../wire/memory.ts';
import { heldRow, rowBytes, rowWords, runRow } from '../../wire/run-table.ts';
import type { Arena, Slab } from '../../workers/arena.ts';
import type { StageRequest } from '../stage-request.ts';
import { HeldTraces, headerBytes } from './held-traces.ts';
import { HoldingStats } from './holding-stats.ts';
import { isBefore, TraceTable } from './trace-table.ts';

export interface TraceStoreHost {
  readonly arena: Arena;
  readonly shared: SharedMemory;
  /** Bytes of the budget that are left to the stages behind. */
  readonly keepFree: number;
  /** The most that one request to the next stage may have. */
  readonly largestOutput: number;
  readonly log: Logger;
  /** To the next stage. */
  release(request: StageRequest): void;
}

/** Traces go on together in requests of about so many bytes. */
const requestBytes = 256 << 10;
/** Traces that became due within this time of one another go on together. */
const tickMs = 5;
/** Part of the budget that is kept free of what is held, for requests to come in. */
const inputsShare = 1 / 8;
/** One of so many traces goes where there are too many, so that they go together. */
const evictedPart = 256;
/** What is held goes early only where it is at least this part of all that fills the memory. */
const heldShare = 1 / 4;
/** While so many bytes are on their way out nothing more goes before its time. */
const leavingBytes = 4 << 20;

/** Entries before `end` that began behind those of the arrival before: they are due from `firstDueAt` to `dueAt`. */
interface Arrival {
  end: number;
  readonly firstDueAt: number;
  dueAt: number;
}
/** A request that the next stage has not taken. */
interface Leaving {
  /** The oldest of its entries. */
  readonly from: number;
  readonly bytes: number;
}

export class TraceStore {
  readonly stats: HoldingStats;
  /** Held and not released. */
  spans = 0;
  readonly #options: HoldingOptions;
  readonly #host: TraceStoreHost;
  readonly #log: RateLimitedLog;
  readonly #table: TraceTable;
  /** Those that hold runs, each with the number of the youngest entry that may have one in it. */
  readonly #slabs = new Map<Slab, number>();
  #arrivals: Arrival[] = [];
  readonly #leaving = new Set<Leaving>();
  #leavingBytes = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: HoldingOptions & { readonly id: string }, host: TraceStoreHost) {
    this.#options = options;
    this.#host = host;
    this.#log = rateLimited(host.log, { initial: 1, thereafter: 0 });
    this.#table = new TraceTable(host.arena, host.shared.words);
    this.stats = new HoldingStats(options);
  }

  get traces(): number {
    return this.#table.size;
  }
  /** Requests that the next stage has not taken. */
  get requests(): number {
    return this.#leaving.size;
  }

  /** Takes what a job wrote into the slab: the table has `rows` rows, from `tableAt` on. */
  hold(slab: Slab, tableAt: number, rows: number): void {
    if (rows === 0) return;
    const began = performance.now();
    const youngest = this.#table.end;
    if (!this.#slabs.has(slab)) slab.hold();
    // Nothing in it may go while its rows are linked: entries may be released meanwhile.
    this.#slabs.set(slab, (youngest + rows) >>> 0);
    const { words } = this.#host.shared;
    for (let row = 0; row < rows; row++) {
      const at = tableAt / 4 + row * rowWords;
      if (words[at + runRow.spans] === 0) continue;
      words[at + runRow.holder] = tableAt + words[at + runRow.holder] * rowBytes;
      this.#holdRun(tableAt + row * rowBytes, tableAt);
    }
    this.#slabs.set(slab, (this.#table.end - 1) >>> 0);
    if (this.#table.end !== youngest) this.#arrived(began);
    this.stats.received.add(performance.now() - began);
    this.#arm();
    this.#easeEarly();
  }

  #holdRun(position: number, tableAt: number): void {
    const table = this.#table;
    const { words } = this.#host.shared;
    const at = position / 4;
    const spans = words[at + runRow.spans];
    let number = table.find(words, at);
    let newest = number < 0 ? 0 : table.newest(number);
    let bytes = words[at + runRow.length] + this.#headerBytes(at, newest, tableAt);
    if (number >= 0 && table.bytes(number) + bytes > this.#host.largestOutput) {
      this.#releaseOne(number);
      number = -1;
    }
    if (number < 0) {
      number = this.#begin(at);
      newest = 0;
      bytes = words[at + runRow.length] + this.#headerBytes(at, 0, tableAt);
    }
    words[at + heldRow.before] = newest;
    words[at + heldRow.nextTrace] = 0;
    table.append(number, position, spans, bytes);
    this.spans += spans;
  }

  /** What the run's holder takes of a request; nothing where the run before it has the same one. Only rows of one job share one. */
  #headerBytes(at: number, newest: number, tableAt: number): number {
    const { words } = this.#host.shared;
    const holder = words[at + runRow.holder];
    return newest >= tableAt && words[newest / 4 + runRow.holder] === holder ? 0 : headerBytes(words, holder);
  }

  #begin(at: number): number {
    const { keepFree, shared } = this.#host;
    const table = this.#table;
    const { maxTraces } = this.#options;
    if (table.size >= maxTraces) this.#evict(Math.ceil(maxTraces / evictedPart), 'num_traces');
    for (;;) {
      const number = table.begin(shared.words, at, keepFree);
      if (number >= 0) return number;
      // A full ring has an oldest entry, so that this ends.
      this.#evict(Math.max(1, Math.ceil(table.size / evictedPart)), 'memory');
    }
  }

  #arrived(now: number): void {
    const dueAt = now + this.#options.waitMs;
    const last = this.#arrivals.at(-1);
    if (last !== undefined && dueAt - last.firstDueAt < tickMs) {
      last.end = this.#table.end;
      last.dueAt = dueAt;
    } else this.#arrivals.push({ end: this.#table.end, firstDueAt: dueAt, dueAt });
  }

  #arm(): void {
    const [next] = this.#arrivals;
    if (this.#timer !== null || next === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#releaseDue();
        this.#arm();
      },
      Math.max(1, next.dueAt - performance.now()),
    );
  }

  #releaseDue(): void {
    const now = performance.now();
    const later = this.#arrivals.findIndex(({ dueAt }) => dueAt > now);
    const count = later < 0 ? this.#arrivals.length : later;
    if (count === 0) return;
    const [{ end }] = this.#arrivals.splice(0, count).slice(-1);
    this.#releaseTo(end);
    this.#table.shrink();
    this.stats.expired.add(performance.now() - now);
  }

  /** Releases all entries before `end` that are there. Returns how many traces. */
  #releaseTo(end: number): number {
    const table = this.#table;
    const before = this.stats.traces;
    let list = new TraceList(table.first);
    while (isBefore(table.first, end)) {
      const number = table.first;
      if (table.newest(number) !== 0) {
        if (list.traces > 0 && list.bytes + table.bytes(number) > requestBytes) {
          this.#send(list);
          list = new TraceList(number);
        }
        this.#addTo(list, number);
      }
      table.advance();
    }
    this.#send(list);
    return this.stats.traces - before;
  }

  /** A trace that is as large as a request may be. */
  #releaseOne(number: number): void {
    const list = new TraceList(number);
    this.#addTo(list, number);
    this.#send(list);
    this.stats.early++;
  }

  #addTo(list: TraceList, number: number): void {
    const table = this.#table;
    const newest = table.newest(number);
    if (list.newest !== 0) this.#host.shared.words[list.newest / 4 + heldRow.nextTrace] = newest;
    else list.first = newest;
    list.newest = newest;
    list.traces++;
    list.spans += table.spans(number);
    list.bytes += table.bytes(number);
    table.remove(number);
  }

  #send({ from, first, traces, spans, bytes }: TraceList): void {
    if (traces === 0) return;
    const leaving: Leaving = { from, bytes };
    const since = performance.now();
    this.#leaving.add(leaving);
    this.#leavingBytes += bytes;
    this.spans -= spans;
    this.stats.traces += traces;
    this.stats.spans += spans;
    const taken = (): void => {
      this.stats.released.add(performance.now() - since);
      this.#taken(leaving);
    };
    this.#host.release(new HeldTraces(this.#host.shared, { first, traces, spans, bytes }, taken));
  }

  /** Frees the slabs of which nothing is held, or still to be read, any more. */
  #taken(leaving: Leaving): void {
    this.#leaving.delete(leaving);
    this.#leavingBytes -= leaving.bytes;
    let oldest = this.#table.first;
    for (const { from } of this.#leaving) if (isBefore(from, oldest)) oldest = from;
    for (const [slab, youngest] of this.#slabs) {
      if (!isBefore(youngest, oldest)) continue;
      this.#slabs.delete(slab);
      slab.release();
    }
  }

  // --- bounds ---------------------------------------------------------------------------------------------------------

  /** Memory is short: the traces that keep the oldest slab go before their time, unless enough is on its way out. */
  ease(): void {
    const { arena } = this.#host;
    if (this.#leavingBytes >= Math.min(leavingBytes, arena.budgetBytes / 16)) return;
    const { first } = this.#table;
    let oldest = -1;
    let held = 0;
    for (const [{ range }, youngest] of this.#slabs) {
      held += range.bytes;
      if (isBefore(youngest, first)) continue;
      if (oldest < 0 || isBefore(youngest, oldest)) oldest = youngest;
    }
    // Where others fill the memory (a backend that takes nothing) what goes early would only fill it further on.
    if (oldest < 0 || held < arena.used * heldShare) return;
    this.#early(this.#releaseTo((oldest + 1) >>> 0), 'memory');
  }

  /** Before requests have to wait. */
  #easeEarly(): void {
    const { arena, keepFree } = this.#host;
    if (arena.used + keepFree + arena.budgetBytes * inputsShare > arena.budgetBytes) this.ease();
  }

  #evict(traces: number, why: 'num_traces' | 'memory'): void {
    const table = this.#table;
    let end = table.first;
    for (let found = 0; found < traces && end !== table.end; end = (end + 1) >>> 0) {
      if (table.newest(end) !== 0) found++;
    }
    this.#early(this.#releaseTo(end), why);
  }

  #early(traces: number, why: 'num_traces' | 'memory'): void {
    if (traces === 0) return;
    this.stats.early += traces;
    this.stats.evicted += traces;
    const what =
      why === 'memory' ? 'the memory is full' : `there are more than num_traces (${this.#options.maxTraces})`;
    this.#log.warn(why, { traces }, `traces go on before their wait is over: ${what}`);
  }

  /** Releases all that is held. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#arrivals = [];
    this.stats.early += this.#releaseTo(this.#table.end);
    this.#table.shrink();
  }

  /** Nothing is held. */
  close(): void {
    this.#table.close();
  }
}

/** Traces that go on together. */
class TraceList {
  readonly from: number;
  /** Positions of the newest runs of the first and of the last. */
  first = 0;
  newest = 0;
  traces = 0;
  spans = 0;
  bytes = 0;

  constructor(from: number) {
    this.from = from;
  }
}
