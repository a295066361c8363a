// What a job is made of, and what the I/O thread writes of it into a worker's job block.
import { type JobBlock, job, jobRequest, jobRequests, requestWord } from '../workers/layout.ts';
import { outputRoom } from './output-space.ts';
import type { StageRequest } from './stage-request.ts';
import type { Troubles } from './troubles.ts';
import type { WaitingList } from './waiting-list.ts';

/** A job takes at most so many bytes of requests (one request may be larger). */
const jobBytes = 2 << 20;

/**
 * The requests of the next job, which go on waiting: in order, of one client metadata; some run alone. `largestOutput`: as in
 * OutputSpace. `regroups`: the stage has more to put together where it has all of a payload, and nothing else, in one job.
 */
export function pickRequests(
  waiting: WaitingList,
  troubles: Troubles,
  largestOutput: number,
  regroups: boolean,
): StageRequest[] {
  const first = waiting.at(0);
  const picked = [first];
  if (troubles.runsAlone(first)) return picked;
  let bytes = first.length;
  for (let i = 1; i < waiting.length && picked.length < jobRequests; i++) {
    const next = waiting.at(i);
    bytes += next.length;
    const isWhole = regroups && first.payload !== undefined;
    if (isWhole ? next.payload !== first.payload : bytes > jobBytes) break;
    if (next.metadataKey !== first.metadataKey) break;
    // With a very small budget a whole job's output would not fit where one request's does.
    if (outputRoom(bytes, picked.length + 1) > largestOutput) break;
    if (troubles.runsAlone(next)) break;
    picked.push(next);
  }
  return picked;
}

export interface Job {
  /** Index among all stages. */
  readonly stage: number;
  readonly requests: readonly { readonly at: number; readonly length: number; readonly traces?: number }[];
  /** Where the output goes. */
  readonly outputAt: number;
  readonly outputEnd: number;
  /** Spans of the batch that the output goes on with. */
  readonly openSpans: number;
  /** 0: no limit. */
  readonly maxSpans: number;
  /** How often the spans are to be halved. */
  readonly halvings: number;
  /** The requests are one payload. */
  readonly isJoined: boolean;
  /** Where a request may be put in canonical form; 0: nowhere. */
  normaliseTo(request: number): number;
  /** Bytes there for the protobuf form of a request that is JSON; 0: it is protobuf. */
  jsonRoom(request: number): number;
}

export function writeJob(words: Uint32Array, block: JobBlock, what: Job): void {
  const { header } = block;
  const { requests } = what;
  words[header + job.stage] = what.stage;
  words[header + job.requests] = requests.length;
  words[header + job.outputAt] = what.outputAt;
  words[header + job.outputEnd] = what.outputEnd;
  words[header + job.openSpans] = what.openSpans;
  words[header + job.maxSpans] = what.maxSpans;
  words[header + job.halvings] = what.halvings;
  words[header + job.joined] = what.isJoined ? 1 : 0;
  for (let i = 0; i < requests.length; i++) {
    const at = requestWord(block, i);
    words[at + jobRequest.at] = requests[i].at;
    words[at + jobRequest.length] = requests[i].length;
    words[at + jobRequest.normaliseTo] = what.normaliseTo(i);
    words[at + jobRequest.jsonRoom] = what.jsonRoom(i);
    words[at + jobRequest.traces] = requests[i].traces ?? 0;
  }
}
