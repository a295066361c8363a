// A receiver's way into the first stages of its pipelines: one request, its bytes in one place, taken by each pipeline,
// answered when all have taken it.
import type { Intake, Place, RequestInfo, RequestOutcome } from '../component/types.ts';
import type { Stage } from '../pipeline/stage.ts';
import type { Metadata, StageRequest, TakenOutcome } from '../pipeline/stage-request.ts';
import type { InputSpace } from './input-space.ts';

/** What an overloaded client is told to wait before it tries again. */
const retryDelayMs = 1000;

/** Plain numbers for the metrics of a receiver. */
export interface ReceiverStats {
  readonly receiver: string;
  acceptedSpans: number;
  /** Of requests that a processor refused. */
  refusedSpans: number;
  acceptedRequests: number;
  /** reason -> requests that were turned away. */
  readonly refusedRequests: Map<string, number>;
}

/** Metadata key that stands for the client's address rather than for a header. */
export const clientAddressKey = 'client.address';

const noMetadata: Metadata = {};

class IntakeRequest<I extends RequestInfo> implements StageRequest {
  readonly at: number;
  readonly length: number;
  readonly spans = 0;
  readonly metadata: Metadata;
  readonly metadataKey: string;
  readonly #place: Place;
  readonly #space: InputSpace;
  readonly #stats: ReceiverStats;
  readonly #info: I;
  readonly #done: (info: I, outcome: RequestOutcome) => void;
  #pending: number;
  #worst: TakenOutcome = 'written';
  #message = '';

  constructor(
    place: Place,
    metadata: Metadata,
    metadataKey: string,
    pipelines: number,
    space: InputSpace,
    stats: ReceiverStats,
    info: I,
    done: (info: I, outcome: RequestOutcome) => void,
  ) {
    this.at = place.offset;
    this.length = place.length;
    this.metadata = metadata;
    this.metadataKey = metadataKey;
    this.#place = place;
    this.#space = space;
    this.#stats = stats;
    this.#info = info;
    this.#done = done;
    this.#pending = pipelines;
  }

  taken(outcome: TakenOutcome, message: string, spans: number): void {
    if (outcome !== 'written' && this.#worst === 'written') {
      this.#worst = outcome;
      this.#message = message;
    }
    if (--this.#pending > 0) return;
    this.#space.release(this.#place);
    const stats = this.#stats;
    if (this.#worst === 'written') {
      stats.acceptedSpans += spans;
      stats.acceptedRequests++;
      this.#done(this.#info, accepted);
      return;
    }
    stats.refusedSpans += spans;
    count(stats.refusedRequests, this.#worst);
    if (this.#worst === 'overloaded') this.#done(this.#info, overloaded);
    else this.#done(this.#info, { kind: this.#worst === 'malformed' ? 'malformed' : 'failed', message: this.#message });
  }
}

const accepted: RequestOutcome = { kind: 'accepted' };
const overloaded: RequestOutcome = {
  kind: 'overloaded',
  message: 'spanmill holds as much as its memory budget allows; try again later',
  retryDelayMs,
};

function count(counts: Map<string, number>, reason: string): void {
  counts.set(reason, (counts.get(reason) ?? 0) + 1);
}

export function createIntake(
  memory: Buffer,
  space: InputSpace,
  stages: readonly Stage[],
  stats: ReceiverStats,
): Intake {
  const metadataKeys = [...new Set(stages.flatMap(({ plan }) => plan.metadataKeys))];
  return {
    memory,
    largestBytes: space.largest,
    reserve: (length, isWhole) => space.reserve(length, isWhole),
    reserveLater: (length, isWhole) => space.reserveLater(length, isWhole),
    release: (place) => space.release(place),
    submit(place, info, done) {
      space.finish(place);
      if (place.length === 0) {
        // No spans: accepted, and no pipeline is asked, as in the Collector.
        space.release(place);
        stats.acceptedRequests++;
        queueMicrotask(() => done(info, accepted));
        return;
      }
      let metadata = noMetadata;
      let key = '';
      if (metadataKeys.length > 0) {
        metadata = Object.fromEntries(metadataKeys.map((name) => [name, valuesOf(info, name)]));
        key = JSON.stringify(metadata);
      }
      const request = new IntakeRequest(place, metadata, key, stages.length, space, stats, info, done);
      for (const stage of stages) stage.enqueue(request);
    },
    refuse() {
      count(stats.refusedRequests, 'overloaded');
      return overloaded;
    },
    rejected: (reason) => count(stats.refusedRequests, reason),
  };
}

function valuesOf(info: RequestInfo, key: string): readonly string[] {
  if (key !== clientAddressKey) return info.metadata(key);
  const host = info.peer.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return host === '' ? [] : [host];
}
