// The modes of the Collector's probabilistic_sampler.
import { consistentMode, type Mode } from '../../component/sampling/mode.ts';
import {
  type Bits56,
  minProbability,
  never,
  randomnessText,
  topRandomness,
} from '../../component/sampling/threshold.ts';
import type { Config } from './index.ts';

/** The mode of a configuration, or `never` where nothing at all is kept. */
interface Modes {
  readonly kind: 'hash' | 'consistent' | 'never';
  readonly mode: Mode;
}

export function modeOf(config: Config): Modes {
  const percent = Math.min(100, config.sampling_percentage);
  const consistent = config.mode === 'proportional' || config.mode === 'equalizing' ? config.mode : null;
  // As the Collector: 32-bit floats, rounded towards 0. Below 1/16384 nothing is kept.
  const buckets = Math.trunc(Math.fround(percent * Math.fround(hashBuckets / 100)));
  if (percent === 0 || (consistent === null && buckets === 0)) return { kind: 'never', mode: neverMode };
  if (consistent === null) return { kind: 'hash', mode: hashMode(seedState(config.hash_seed), buckets) };
  const ratio = Math.max(minProbability, percent / 100);
  return { kind: 'consistent', mode: consistentMode(consistent, ratio, config.sampling_precision) };
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
