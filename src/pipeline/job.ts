// What the I/O thread writes into a worker's job block.
import { type JobBlock, job, jobRequest, requestWord } from '../workers/layout.ts';

export interface Job {
  /** Index among all stages. */
  readonly stage: number;
  readonly requests: readonly { readonly at: number; readonly length: number }[];
  /** Where the output goes. */
  readonly outputAt: number;
  readonly outputEnd: number;
  /** Spans of the batch that the output goes on with. */
  readonly openSpans: number;
  /** 0: no limit. */
  readonly maxSpans: number;
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
  for (let i = 0; i < requests.length; i++) {
    const at = requestWord(block, i);
    words[at + jobRequest.at] = requests[i].at;
    words[at + jobRequest.length] = requests[i].length;
    words[at + jobRequest.normaliseTo] = what.normaliseTo(i);
    words[at + jobRequest.jsonRoom] = what.jsonRoom(i);
  }
}
