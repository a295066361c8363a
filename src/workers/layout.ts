// Where things lie in the shared memory of a lane: the kernel's rules, a context for each worker, then the arena of all
// slabs. A context holds what one worker needs besides slabs: its job block, tables, constants and scratch.
import { kernelEnd } from '../wire/kernel/kernel.ts';
import { entryBytes } from '../wire/stage-memory.ts';
import { textTableBytes } from '../wire/text-table.ts';

/** Most attributes of one span, event, link, resource or scope. */
export const attributeCapacity = 65_536;
/** Most requests in one job, and most segments in its output. */
export const jobRequests = 4096;
export const jobSegments = 131_072;
/** Most counters of all processors of a stage. */
export const jobCounters = 65_536;

/** Words of the job block before its tables. */
export const job = {
  stage: 0,
  requests: 1,
  outputAt: 2,
  outputEnd: 3,
  openSpans: 4,
  /** 0: no limit. */
  maxSpans: 5,
  /** How often the spans are to be halved; 0: all are kept. */
  halvings: 6,
  /** 1: its requests are one payload, which is worked on as one where that can be. */
  joined: 7,
  // written by the worker
  outputNow: 8,
  done: 9,
  segments: 10,
  openSpansNow: 11,
  // Both threads wait on these two (Atomics), and so nothing else of a job needs to be atomic.
  /** The number of the last job that was handed over; `leaveTurn`: the worker is to return to its pool. */
  turn: 12,
  /** The number of the last job that is done and has left no more to say than what stands here. */
  turnDone: 13,
  // Of a stage that holds its spans by trace: where the table of its runs begins, a multiple of 4, and how many rows it has. The
  // next output goes on behind it.
  runsAt: 14,
  runRows: 15,
} as const;
/** Turns are counted from 1 to `lastTurn`, and then from 1 again. */
export const leaveTurn = -1;
export const lastTurn = 0x7fff_ffff;
const headerWords = 16;

/** Words of a request in the job block. */
export const jobRequest = {
  at: 0,
  length: 1,
  /** Where the worker may put the normalised request; 0: nowhere, it says `unusual`. */
  normaliseTo: 2,
  /** Not 0: the request is OTLP JSON, and `normaliseTo` has so many bytes for its protobuf form. */
  jsonRoom: 3,
  /** Not 0: it is so many traces that were held, and `at` the newest run of the first. */
  traces: 4,
  // written by the worker
  outcome: 5,
  spansIn: 6,
  /** Where its output ends, which begins where that of the one before ends; and the spans in it. */
  outputEnd: 7,
  spansOut: 8,
} as const;
const requestWords = 9;

export interface JobBlock {
  readonly header: number;
  readonly requests: number;
  readonly segments: number;
  /** Position in bytes of the counters, float64 each. */
  readonly counters: number;
}

const jobWords = headerWords + jobRequests * requestWords + jobSegments * 2;
const jobBytes = jobWords * 4 + jobCounters * 8;

const tableBytes = attributeCapacity * entryBytes;
/** Twice what one configuration may need: while another takes its place both are there. */
const regionBytes = 8 << 20;

export interface WorkerContext {
  readonly job: JobBlock;
  readonly tables: { resource: number; scope: number; span: number; item: number; capacity: number };
  readonly region: { at: number; bytes: number };
  /** Of the table of texts. */
  readonly texts: number;
  readonly scratch: { at: number; bytes: number };
}

export interface Layout {
  readonly contexts: readonly WorkerContext[];
  readonly arena: { readonly at: number; readonly bytes: number };
  readonly totalBytes: number;
}

/** Word index of request `i` in a job block. */
export const requestWord = (block: JobBlock, i: number): number => block.requests + i * requestWords;

/** All positions, for so many workers, scratch bytes for each, and arena bytes. Pages that nothing touches cost nothing. */
export function layOut(workers: number, scratchBytes: number, arenaBytes: number): Layout {
  let at = align(kernelEnd);
  const take = (bytes: number): number => {
    const from = at;
    at = align(at + bytes);
    return from;
  };
  const contexts = Array.from({ length: workers }, (): WorkerContext => {
    const header = take(jobBytes) / 4;
    const requests = header + headerWords;
    const segments = requests + jobRequests * requestWords;
    const block = { header, requests, segments, counters: (segments + jobSegments * 2) * 4 };
    const tables = {
      resource: take(tableBytes),
      scope: take(tableBytes),
      span: take(tableBytes),
      item: take(tableBytes),
      capacity: attributeCapacity,
    };
    const region = { at: take(regionBytes), bytes: regionBytes };
    const texts = take(textTableBytes);
    return { job: block, tables, region, texts, scratch: { at: take(scratchBytes), bytes: scratchBytes } };
  });
  const arena = { at: take(arenaBytes), bytes: arenaBytes };
  return { contexts, arena, totalBytes: at };
}

function align(n: number): number {
  return Math.ceil(n / 4096) * 4096;
}
