// What a sampler goes by: where the randomness of a span comes from and which threshold applies. Pure, but for reading a
// trace id in place; the rest is the same for all modes. Here: the ways of counting, and the mode of OpenTelemetry's
// consistent probability sampling; a sampler may have others of its own.
import type { CounterId } from '../step.ts';
import { type Bits56, never, notBelow, probabilityOf, thresholdOf, topRandomness } from './threshold.ts';
import type { TraceState } from './trace-state.ts';

/** What the decision went by. */
export type PolicyName =
  | 'trace_id_hash'
  | 'trace_id_w3c'
  | 'sampling_randomness'
  | 'missing_randomness'
  | 'sampling_priority';

/** Why a span could not be decided on; label `reason` of the ledger when that dropped it. */
export const problems = [
  'malformed_tracestate',
  'missing_randomness',
  'randomness_in_use',
  'threshold_in_use',
  'inconsistent_threshold',
] as const;
export type Problem = (typeof problems)[number];

export interface Finding {
  readonly policy: PolicyName;
  readonly randomness: Bits56;
  readonly problem: Problem | null;
  /** The tracestate may be written; false leaves it as it came. */
  readonly writes: boolean;
  /** What goes into the tracestate as `rv`, and the incoming `th` that still counts ('': none). */
  readonly rv: string;
  readonly th: string;
}

export interface Mode {
  readonly policies: readonly PolicyName[];
  /** `traceId`: the position of 16 bytes that are not all zero, or 0. */
  find(state: TraceState, bytes: Uint8Array, traceId: number): Finding;
  threshold(state: TraceState): Bits56;
}

export interface Counters {
  /** Spans by what decided, for the policies that the mode has. */
  readonly kept: Readonly<Record<PolicyName, CounterId>>;
  readonly left: Readonly<Record<PolicyName, CounterId>>;
  readonly dropped: Readonly<Record<Problem | 'not_sampled' | 'sampling_priority', CounterId>>;
}

/** W3C trace context level 2: the last seven bytes of a trace id are random. As two halves, big-endian. */
export const traceIdHigh = (bytes: Uint8Array, at: number): number =>
  (bytes[at + 9] << 20) | (bytes[at + 10] << 12) | (bytes[at + 11] << 4) | (bytes[at + 12] >> 4);
export const traceIdLow = (bytes: Uint8Array, at: number): number =>
  ((bytes[at + 12] & 15) << 24) | (bytes[at + 13] << 16) | (bytes[at + 14] << 8) | bytes[at + 15];

/**
 * `proportional` keeps this part of what arrives; `equalizing` keeps less only of what has not been sampled as much before.
 * `precision`: significant hex digits of the threshold.
 */
export function consistentMode(kind: 'proportional' | 'equalizing', ratio: number, precision: number): Mode {
  const own = thresholdOf(ratio, precision) ?? never;
  return {
    policies: ['trace_id_w3c', 'sampling_randomness', 'missing_randomness', 'sampling_priority'],
    find: findConsistent,
    threshold(state) {
      if (state.th === '') return own;
      if (kind === 'equalizing') return notBelow(own, state.threshold) ? own : state.threshold;
      // A share too small to be written down is none.
      return thresholdOf(probabilityOf(state.threshold) * ratio, precision) ?? never;
    },
  };
}

function findConsistent(state: TraceState, bytes: Uint8Array, traceId: number): Finding {
  const nothing = { policy: 'missing_randomness', randomness: topRandomness, rv: state.rv, th: state.th } as const;
  if (state.malformed) return { ...nothing, problem: 'malformed_tracestate', writes: false };
  let { policy, randomness }: Pick<Finding, 'policy' | 'randomness'> = nothing;
  if (state.rv !== '') {
    policy = 'sampling_randomness';
    randomness = state.randomness;
  } else if (traceId > 0) {
    policy = 'trace_id_w3c';
    randomness = { high: traceIdHigh(bytes, traceId), low: traceIdLow(bytes, traceId) };
  } else return { ...nothing, problem: 'missing_randomness', writes: true };
  // A threshold above the randomness is a lie: the span should not be here.
  const lie = state.th !== '' && !notBelow(randomness, state.threshold);
  const problem = lie ? 'inconsistent_threshold' : null;
  return { policy, randomness, problem, writes: true, rv: state.rv, th: lie ? '' : state.th };
}
