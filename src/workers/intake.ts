// A receiver's way into the first stages of its pipelines: one request, its bytes in one place, taken by each pipeline,
// answered when all have taken it.
import type { Intake, Place, RequestInfo, RequestOutcome } from '../component/receiver.ts';
import { clientAddressKey, credentialAttribute, grpcHeader, peerKey } from '../lib/client-keys.ts';
import type { Stage } from '../pipeline/stage.ts';
import type { Metadata, Refusal, StageRequest, TakenOutcome } from '../pipeline/stage-request.ts';
import type { InputShare, InputSpace } from './input-space.ts';
import { RefusalDelay } from './refusal-delay.ts';

/** Plain numbers for the metrics of a receiver, of what came over one transport. */
export interface TransportStats {
  /** `grpc` or `http`. */
  readonly transport: string;
  acceptedSpans: number;
  /** Of requests that a processor refused. */
  refusedSpans: number;
  acceptedRequests: number;
  /** reason -> requests that were turned away. */
  readonly refusedRequests: Map<string, number>;
  /** What overloaded clients are told. */
  readonly delay: RefusalDelay;
}

/** Of a receiver, by transport and together. */
export class ReceiverStats {
  readonly receiver: string;
  readonly #transports = new Map<string, TransportStats>();

  constructor(receiver: string) {
    this.receiver = receiver;
  }

  get transports(): Iterable<TransportStats> {
    return this.#transports.values();
  }

  of(transport: string): TransportStats {
    const known = this.#transports.get(transport);
    if (known !== undefined) return known;
    const stats = {
      transport,
      acceptedSpans: 0,
      refusedSpans: 0,
      acceptedRequests: 0,
      refusedRequests: new Map(),
      delay: new RefusalDelay(),
    };
    this.#transports.set(transport, stats);
    return stats;
  }

  get acceptedRequests(): number {
    let sum = 0;
    for (const { acceptedRequests } of this.#transports.values()) sum += acceptedRequests;
    return sum;
  }

  get refusedRequests(): ReadonlyMap<string, number> {
    const sum = new Map<string, number>();
    for (const { refusedRequests } of this.#transports.values()) {
      for (const [reason, requests] of refusedRequests) sum.set(reason, (sum.get(reason) ?? 0) + requests);
    }
    return sum;
  }
}

const noMetadata: Metadata = {};

class IntakeRequest<I extends RequestInfo> implements StageRequest {
  readonly at: number;
  readonly length: number;
  readonly isJson: boolean;
  readonly spans = 0;
  readonly metadata: Metadata;
  readonly metadataKey: string;
  readonly #place: Place;
  readonly #space: InputSpace;
  readonly #stats: TransportStats;
  readonly #info: I;
  readonly #done: (info: I, outcome: RequestOutcome) => void;
  /** Pipelines that still read its bytes … */
  #reading: number;
  /** … and those whose word is still out: both, or the second alone where the client waits until its spans are secured. */
  #unanswered: number;
  #worst: TakenOutcome = 'written';
  #message = '';
  #spans = 0;
  #warning = '';

  constructor(
    place: Place,
    metadata: Metadata,
    metadataKey: string,
    pipelines: number,
    space: InputSpace,
    stats: TransportStats,
    info: I,
    done: (info: I, outcome: RequestOutcome) => void,
  ) {
    this.at = place.offset;
    this.length = place.length;
    this.isJson = info.isJson === true;
    this.metadata = metadata;
    this.metadataKey = metadataKey;
    this.#place = place;
    this.#space = space;
    this.#stats = stats;
    this.#info = info;
    this.#done = done;
    this.#reading = pipelines;
    this.#unanswered = pipelines;
  }

  taken(outcome: TakenOutcome, message: string, spans: number): void {
    this.#spans = Math.max(this.#spans, spans);
    if (--this.#reading === 0) this.#space.release(this.#place);
    if (outcome !== 'pending') this.#note(outcome, message);
  }

  secured(refusal: Refusal | null): void {
    if (refusal?.kind === 'partial') this.#warning = refusal.message;
    if (refusal === null || refusal.kind === 'partial') this.#note('written', '');
    else this.#note(refusal.kind === 'retry' ? 'overloaded' : 'failed', refusal.message);
  }

  #note(outcome: TakenOutcome, message: string): void {
    if (outcome !== 'written' && this.#worst === 'written') {
      this.#worst = outcome;
      this.#message = message;
    }
    if (--this.#unanswered > 0) return;
    const stats = this.#stats;
    if (this.#worst === 'written') {
      stats.acceptedSpans += this.#spans;
      stats.acceptedRequests++;
      stats.delay.accepted();
      this.#done(this.#info, this.#warning === '' ? accepted : { ...accepted, warning: this.#warning });
      return;
    }
    stats.refusedSpans += this.#spans;
    count(stats.refusedRequests, this.#worst);
    this.#done(this.#info, outcomeOf(this.#worst, this.#message, stats.delay));
  }
}

function outcomeOf(worst: TakenOutcome, message: string, delay: RefusalDelay): RequestOutcome {
  if (worst === 'overloaded') return overloaded(delay, message);
  return { kind: worst === 'malformed' ? 'malformed' : 'failed', message };
}

const accepted = { kind: 'accepted' } as const;
const noSpace = 'spanmill holds as much as its memory budget allows; try again later';
const overloaded = (delay: RefusalDelay, message: string): RequestOutcome => ({
  kind: 'overloaded',
  message: message === '' ? noSpace : message,
  retryDelayMs: delay.refused(),
});

function count(counts: Map<string, number>, reason: string): void {
  counts.set(reason, (counts.get(reason) ?? 0) + 1);
}

/** Where the requests of a receiver go. Changes between two requests, when another configuration takes the place of this one. */
export class IntakeEntries {
  #stages: readonly Stage[] = [];
  #metadataKeys: readonly string[] = [];

  /** The first stages of the pipelines that name the receiver. */
  get stages(): readonly Stage[] {
    return this.#stages;
  }
  set stages(stages: readonly Stage[]) {
    this.#stages = stages;
    this.#metadataKeys = [...new Set(stages.flatMap(({ plan }) => plan.metadataKeys))];
  }
  /** Those that any of them reads. */
  get metadataKeys(): readonly string[] {
    return this.#metadataKeys;
  }
}

/** `transport`: under which it counts; '' where nobody asks. */
export function createIntake(
  memory: Buffer,
  space: InputSpace,
  share: InputShare,
  entries: IntakeEntries,
  receiver: ReceiverStats,
  transport = '',
): Intake {
  let known = transport === '' ? null : receiver.of(transport);
  /** Without a transport only for who does use it, so that no metric shows one that does not exist. */
  const stats = (): TransportStats => {
    known ??= receiver.of(transport);
    return known;
  };
  return {
    memory,
    get largestBytes() {
      return space.largest;
    },
    reserve: (length, isWhole) => space.reserve(share, length, isWhole),
    reserveLater: (length, isWhole) => space.reserveLater(share, length, isWhole),
    release: (place) => space.release(place),
    submit(place, info, done) {
      space.finish(place);
      if (place.length === 0 && info.isJson !== true) {
        // No spans: accepted, and no pipeline is asked, as in the Collector.
        space.release(place);
        stats().acceptedRequests++;
        queueMicrotask(() => done(info, accepted));
        return;
      }
      const { stages, metadataKeys } = entries;
      let metadata = noMetadata;
      let key = '';
      if (metadataKeys.length > 0) {
        metadata = Object.fromEntries(metadataKeys.map((name) => [name, valuesOf(info, name, transport)]));
        key = JSON.stringify(metadata);
      }
      const request = new IntakeRequest(place, metadata, key, stages.length, space, stats(), info, done);
      for (const stage of stages) stage.enqueue(request);
    },
    refuse() {
      count(stats().refusedRequests, 'overloaded');
      return overloaded(stats().delay, '');
    },
    rejected: (reason) => count(stats().refusedRequests, reason),
    over: (name) => createIntake(memory, space, share, entries, receiver, name),
  };
}

function valuesOf(info: RequestInfo, key: string, transport: string): readonly string[] {
  const attribute = credentialAttribute(key);
  if (attribute !== null) return info.credential?.(attribute) ?? [];
  const header = grpcHeader(key);
  if (header !== null) return transport === 'grpc' ? (info.grpcMetadata?.(header) ?? info.metadata(header)) : [];
  if (key !== clientAddressKey && key !== peerKey) return info.metadata(key);
  const address = key === peerKey && transport === 'grpc' ? info.peer : hostOf(info.peer);
  return address === '' ? [] : [address];
}

function hostOf(peer: string): string {
  return peer.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}
