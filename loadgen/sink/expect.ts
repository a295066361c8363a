// What the chain is meant to do, worked out for a corpus: which spans arrive, and what may differ in them.
import { valueBytes } from '../../src/wire/any-value.ts';
import type { StampableCorpus } from '../corpus/build.ts';
import type { CheckRules } from './check.ts';
import { type CorpusIndex, indexCorpus } from './corpus-index.ts';
import { compileDrops } from './drop-conditions.ts';
import type { ExpectConfig, KeyConfig } from './expect-schema.ts';
import { type AddedValue, compileKeyRules, type KeyRules } from './key-rules.ts';
import { lastField, readFields } from './message-reader.ts';
import { type Decision, decisionFor, isKept, type SamplingOptions } from './sampling.ts';
import { attributeOf } from './span-attributes.ts';

/** What becomes of a span. */
export const outcome = { arrives: 0, dropped: 1, sampledOut: 2 } as const;

export interface Expectation {
  readonly rules: CheckRules;
  /** By ordinal: 1 where a filter drops the span. */
  readonly dropped: Uint8Array;
  /** By ordinal, for the spans of this round: `outcome`. Valid until the next call. */
  outcomes(round: number): Uint8Array;
}

/** `corpus`: encoded as protobuf. Throws a FreshCondition where the decision of a filter depends on texts that are fresh. */
export function createExpectation(
  config: ExpectConfig,
  corpus: StampableCorpus,
  index: CorpusIndex = indexCorpus(corpus),
): Expectation {
  const dropped = findDropped(config, corpus, index);
  const rules: CheckRules = {
    attributes: keyRules(config.spans),
    events: keyRules(config.events),
    resources: keyRules(config.resources),
    scopes: keyRules(config.scopes),
    writesTraceState: config.sampling !== undefined,
  };
  if (config.sampling === undefined) return { rules, dropped, outcomes: () => dropped };
  const { percentage, mode, hash_seed: hashSeed, sampling_precision: precision } = config.sampling;
  const outcomes = createSampledOutcomes({ percentage, mode, hashSeed, precision }, corpus, dropped);
  return { rules, dropped, outcomes };
}

function keyRules({ removed, added, changed }: KeyConfig): KeyRules {
  const values = Object.entries(added).map(([key, value]): [string, AddedValue] => {
    if (typeof value === 'object') return [key, null];
    return [key, Buffer.from(valueBytes(value))];
  });
  return compileKeyRules({ removed, added: new Map(values), changed });
}

function findDropped(config: ExpectConfig, corpus: StampableCorpus, index: CorpusIndex): Uint8Array {
  const dropped = new Uint8Array(corpus.spans);
  if (config.dropped.length === 0) return dropped;
  const isDropped = compileDrops(config.dropped, corpus, index);
  for (let ordinal = 0; ordinal < corpus.spans; ordinal++) dropped[ordinal] = isDropped(ordinal) ? 1 : 0;
  return dropped;
}

/** The decisions that the sampler's settings give for the spans of the corpus, and which one is for which. */
function decisionsOf(options: SamplingOptions, corpus: StampableCorpus) {
  const decisions: Decision[] = [];
  const known = new Map<string, number>();
  const decisionOf = new Int32Array(corpus.spans);
  const { bytes, spanStart, spanEnd } = corpus;
  for (let ordinal = 0; ordinal < corpus.spans; ordinal++) {
    const fields = readFields(bytes, spanStart[ordinal], spanEnd[ordinal]);
    const state = lastField(fields, 3, 2);
    const text = state === null ? '' : bytes.toString('latin1', state.from, state.to);
    const value = attributeOf(bytes, fields, 'sampling.priority');
    const priority = value === undefined || typeof value === 'boolean' ? null : value;
    const key = `${typeof priority} ${priority} ${text}`;
    let at = known.get(key);
    if (at === undefined) {
      at = decisions.push(decisionFor(options, text, priority)) - 1;
      known.set(key, at);
    }
    decisionOf[ordinal] = at;
  }
  return { decisions, decisionOf };
}

function createSampledOutcomes(options: SamplingOptions, corpus: StampableCorpus, dropped: Uint8Array) {
  const { decisions, decisionOf } = decisionsOf(options, corpus);
  const { run, seed } = corpus.options;
  const result = new Uint8Array(corpus.spans);
  // By decision and trace; decisions other than the most frequent one are rare, and all are cheap.
  const kept = decisions.map(() => new Uint8Array(corpus.traces));
  return (round: number): Uint8Array => {
    const firstTrace = round * corpus.traces;
    for (const [i, decision] of decisions.entries()) {
      const ofTraces = kept[i];
      for (let trace = 0; trace < corpus.traces; trace++) {
        ofTraces[trace] = isKept(decision, run, seed, firstTrace + trace) ? 1 : 0;
      }
    }
    for (let ordinal = 0; ordinal < result.length; ordinal++) {
      const passes = kept[decisionOf[ordinal]][corpus.traceOf[ordinal]] === 1;
      // The filter comes first: what it drops is not the sampler's.
      result[ordinal] = dropped[ordinal] === 1 ? outcome.dropped : passes ? outcome.arrives : outcome.sampledOut;
    }
    return result;
  };
}
