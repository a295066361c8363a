// Makes the spans of a corpus fresh: ids, times and fresh texts are written into its bytes, for one request in one round.
import type { StampableCorpus } from './build.ts';
import { createJsonStamper } from './stamp-json.ts';
import { createProtobufStamper } from './stamp-protobuf.ts';

export interface Stamper {
  /**
   * Writes what is fresh of all spans of the request at `index`, as round `round` has them. Its intended time is given as
   * the two halves of its nanoseconds since 1970, unsigned. Throws a RangeError when the run has no numbers left.
   */
  stampRequest(index: number, round: number, dueLow: number, dueHigh: number): void;
  /** Writes one span alone: what stampRequest writes when its span `ordinal` then starts at this time. */
  stampSpan(ordinal: number, round: number, startLow: number, startHigh: number): void;
}

export function createStamper(corpus: StampableCorpus): Stamper {
  return corpus.options.encoding === 'json' ? createJsonStamper(corpus) : createProtobufStamper(corpus);
}
