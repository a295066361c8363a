// What a mode is: where the randomness of a span comes from and which threshold applies. Pure, but for reading a trace id
// in place; the sampler does the rest in the same way for all modes.
import type { Config } from './index.ts';
import {
  type Bits56,
  minProbability,
  never,
  notBelow,
  probabilityOf,
  randomnessText,
  thresholdOf,
  topRandomness,
} from './threshold.ts';
import type { TraceState } from './trace-state.ts';

/** Label `policy` of the metric: what the decision went by. */
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

interface Finding {
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

/** The mode of a configuration, or `never` where nothing at all is kept. */
interface Modes {
  readonly kind: 'hash' | 'consistent' | 'never';
  readonly mode: Mode;
}

export function modeOf(config: Config): Modes {
  const percent = Math.min(100, config.sampling_percentage);
  const consistent = config.mode === 'proportional' || config.mode === 'equalizing';
  // As the Collector: 32-bit floats, rounded towards 0. Below 1/16384 nothing is kept.
  const buckets = Math.trunc(Math.fround(percent * Math.fround(hashBuckets / 100)));
  if (percent === 0 || (!consistent && buckets === 0)) return { kind: 'never', mode: neverMode };
  if (!consistent) return { kind: 'hash', mode: hashMode(seedState(config.hash_seed), buckets) };
  const ratio = Math.max(minProbability, percent / 100);
  return { kind: 'consistent', mode: consistentMode(config, ratio) };
}

// --- never -----------------------------------------------------------------------------------------------------------

const neverMode: Mode = {
  policies: ['sampling_priority'],
  // Only a priority can keep a span. As in the Collector it then writes even over a tracestate that it could not read.
  find: (state) => ({
    policy: 'sampling_priority',
    randomness: topRandomness,
    problem: state.malformed ? 'malformed_tracestate' : null,
    writes: true,
    rv: state.rv,
    th: state.th,
  }),
  threshold: () => never,
};

// --- hash_seed -------------------------------------------------------------------------------------------------------

const hashBuckets = 0x4000;
const fnvPrime = 0x01000193;
const fnvOffset = 0x811c9dc5;

/** FNV-1a over the seed's four bytes, little-endian. */
export function seedState(seed: number): number {
  let hash = fnvOffset | 0;
  for (let shift = 0; shift < 32; shift += 8) hash = Math.imul(hash ^ ((seed >>> shift) & 255), fnvPrime);
  return hash;
}
/** Goes on over the 16 bytes of a trace id. */
export function hashTraceId(seeded: number, bytes: Uint8Array, at: number): number {
  let hash = seeded;
  for (let i = at; i < at + 16; i++) hash = Math.imul(hash ^ bytes[i], fnvPrime);
  return hash;
}
/**
 * The 28 high and low bits of the randomness that stands for a hash: 14 bits of inverted bucket, which decide, then 28
 * that mix the hash's other bits, then the bucket.
 */
export const hashHigh = (hash: number): number => ((0x3fff - (hash & 0x3fff)) << 14) | (mixed(hash) >>> 14);
export const hashLow = (hash: number): number => ((mixed(hash) & 0x3fff) << 14) | (hash & 0x3fff);
const mixed = (hash: number): number => (hash >>> 18) ^ ((hash >>> 18) << 10);

function hashMode(seeded: number, buckets: number): Mode {
  const threshold: Bits56 = { high: (hashBuckets - buckets) * hashBuckets, low: 0 };
  return {
    policies: ['trace_id_hash', 'missing_randomness', 'sampling_priority'],
    find(state, bytes, traceId) {
      let randomness = topRandomness;
      if (traceId > 0) {
        const hash = hashTraceId(seeded, bytes, traceId);
        randomness = { high: hashHigh(hash), low: hashLow(hash) };
      }
      const policy = traceId > 0 ? 'trace_id_hash' : 'missing_randomness';
      const found = { policy, randomness, th: '' } as const;
      // A span with sampling information of its own is not for this mode, and its tracestate is left alone.
      if (state.malformed) return { ...found, problem: 'malformed_tracestate', writes: false, rv: '' };
      if (state.rv !== '') return { ...found, problem: 'randomness_in_use', writes: false, rv: '' };
      if (state.th !== '') return { ...found, problem: 'threshold_in_use', writes: false, rv: '' };
      const problem = traceId > 0 ? null : 'missing_randomness';
      return { ...found, problem, writes: true, rv: randomnessText(randomness) };
    },
    threshold: () => threshold,
  };
}

// --- proportional, equalizing ----------------------------------------------------------------------------------------

/** W3C trace context level 2: the last seven bytes of a trace id are random. As two halves, big-endian. */
export const traceIdHigh = (bytes: Uint8Array, at: number): number =>
  (bytes[at + 9] << 20) | (bytes[at + 10] << 12) | (bytes[at + 11] << 4) | (bytes[at + 12] >> 4);
export const traceIdLow = (bytes: Uint8Array, at: number): number =>
  ((bytes[at + 12] & 15) << 24) | (bytes[at + 13] << 16) | (bytes[at + 14] << 8) | bytes[at + 15];

function consistentMode(config: Config, ratio: number): Mode {
  const precision = config.sampling_precision;
  const own = thresholdOf(ratio, precision) ?? never;
  return {
    policies: ['trace_id_w3c', 'sampling_randomness', 'missing_randomness', 'sampling_priority'],
    find: findConsistent,
    threshold(state) {
      if (state.th === '') return own;
      if (config.mode === 'equalizing') return notBelow(own, state.threshold) ? own : state.threshold;
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
