// Which traces a probabilistic_sampler in the chain keeps, exactly: what OpenTelemetry Collector 0.155 decides for the same
// settings. Written from its description, not from src/processors: it is what that is judged by.
import { highPart, lowPart, numberKey, randomHigh, randomLow, traceIdDomain } from '../corpus/identity.ts';
import { signOfPriority } from './sampling-priority.ts';
import { readOtMember } from './trace-state.ts';

export interface SamplingOptions {
  /** As configured: percent, 100 and above keep all. */
  readonly percentage: number;
  readonly mode: 'hash_seed' | 'proportional' | 'equalizing';
  readonly hashSeed: number;
  /** Hex digits of the threshold. */
  readonly precision: number;
}

/** What the decision on a span rests on besides its trace id; the same for all spans with the same trace state and priority. */
export type Decision =
  | { readonly kind: 'always' }
  | { readonly kind: 'never' }
  /** Kept when the last 56 bits of the trace id, in 24 and 32, are not below this. */
  | { readonly kind: 'threshold'; readonly high: number; readonly low: number }
  /** Kept when the hash's bucket is below this. */
  | { readonly kind: 'hash'; readonly seeded: number; readonly buckets: number };

/** An attribute `sampling.priority`, as far as samplers look at it. */
export type Priority = string | number | bigint | null;

const always: Decision = { kind: 'always' };
const never: Decision = { kind: 'never' };

/** Of two possible thresholds and randomness: 2^56. */
const whole = 1n << 56n;
const randomDigits = 14;
const hashBuckets = 0x4000;

/** `traceState`: of the span as it comes to the sampler. */
export function decisionFor(options: SamplingOptions, traceState: string, priority: Priority): Decision {
  const forced = forcedBy(priority);
  if (forced !== null) return forced;
  const percentage = Math.min(100, Math.fround(options.percentage));
  if (percentage === 0) return never;
  const member = readOtMember(traceState);
  // The sampler's own default, fail_closed: what it cannot understand it drops.
  if (member === null) return never;
  if (options.mode === 'hash_seed') {
    if (member.rv !== '' || member.th !== '') return never;
    const buckets = Math.trunc(Math.fround(percentage * Math.fround(hashBuckets / 100)));
    return buckets === 0 ? never : { kind: 'hash', seeded: seededHash(options.hashSeed), buckets };
  }
  const incoming = member.th === '' ? 0n : BigInt(`0x${member.th.padEnd(randomDigits, '0')}`);
  const outgoing = thresholdAfter(options, percentage / 100, incoming, member.th !== '');
  if (outgoing === null) return never;
  // A span whose randomness is below its own threshold should not be there, and is dropped as well.
  const threshold = outgoing > incoming ? outgoing : incoming;
  if (member.rv !== '') return BigInt(`0x${member.rv}`) >= threshold ? always : never;
  return { kind: 'threshold', high: Number(threshold >> 32n), low: Number(threshold & 0xffff_ffffn) };
}

/** 0 takes a span out, anything above keeps it, whatever the sampler would do. */
function forcedBy(priority: Priority): Decision | null {
  if (priority === null) return null;
  const sign = typeof priority === 'string' ? signOfPriority(priority) : Number(priority);
  if (sign === null) return null;
  if (sign === 0) return never;
  return sign > 0 ? always : null;
}

/** null: no probability so small has a threshold. */
function thresholdAfter(
  options: SamplingOptions,
  ratio: number,
  incoming: bigint,
  hasIncoming: boolean,
): bigint | null {
  const own = thresholdOf(Math.max(2 ** -56, ratio), options.precision);
  if (!hasIncoming) return own;
  if (options.mode === 'equalizing') return own !== null && own > incoming ? own : incoming;
  const probability = Number(whole - incoming) / 2 ** 56;
  return thresholdOf(probability * ratio, options.precision);
}

/** x = f * 2^e with f from 0.5 to below 1: gives e. x is above 0. */
function exponentOf(x: number): number {
  let exponent = 0;
  let rest = x;
  for (; rest < 0.5; rest *= 2) exponent--;
  for (; rest >= 1; rest /= 2) exponent++;
  return exponent;
}

/** The threshold of a probability, rounded half up to so many digits; leading f and 0 do not count among them. */
function thresholdOf(probability: number, precision: number): bigint | null {
  if (probability < 2 ** -56) return null;
  if (probability >= 1) return 0n;
  const leading = (p: number) => Math.trunc(-exponentOf(p) / 4);
  const digits = Math.min(randomDigits, precision + Math.max(leading(probability), leading(1 - probability)));
  const threshold = whole - BigInt(Math.round(probability * 2 ** 56));
  const cut = BigInt(4 * (randomDigits - digits));
  if (cut === 0n) return threshold;
  return ((threshold + (1n << (cut - 1n))) >> cut) << cut;
}

const fnvPrime = 0x01000193;

function hashByte(hash: number, byte: number): number {
  return Math.imul(hash ^ (byte & 255), fnvPrime);
}

/** FNV-1a, 32 bits, over the seed's bytes, the lowest first. */
function seededHash(seed: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let shift = 0; shift < 32; shift += 8) hash = hashByte(hash, seed >>> shift);
  return hash;
}

/** Goes on over four bytes, the highest first. */
function hashWord(hash: number, bits: number): number {
  return hashByte(hashByte(hashByte(hashByte(hash, bits >>> 24), bits >>> 16), bits >>> 8), bits);
}

/** Whether the trace of this number is kept. */
export function isKept(decision: Decision, run: number, seed: number, traceNumber: number): boolean {
  if (decision.kind === 'always' || decision.kind === 'never') return decision.kind === 'always';
  const lower = lowPart(traceNumber);
  const upper = highPart(traceNumber);
  const key = numberKey(seed, traceIdDomain, lower, upper);
  const high = randomHigh(key);
  const low = randomLow(key);
  if (decision.kind === 'threshold') {
    const ownHigh = high & 0xff_ffff;
    return ownHigh > decision.high || (ownHigh === decision.high && low >>> 0 >= decision.low);
  }
  let hash = hashWord(decision.seeded, (run << 16) | upper);
  hash = hashWord(hashWord(hashWord(hash, lower), high), low);
  return (hash & (hashBuckets - 1)) < decision.buckets;
}
