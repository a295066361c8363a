// A corpus as the generator has it, and a second one with bytes of its own, as the sink has it.
import { buildCorpus, type StampableCorpus } from '../../../../loadgen/corpus/build.ts';
import { createStamper } from '../../../../loadgen/corpus/stamp.ts';
import { type Arrivals, createArrivals } from '../../../../loadgen/sink/arrivals.ts';
import { type CheckRules, createSpanCheck, type SpanCheck } from '../../../../loadgen/sink/check.ts';
import { type CorpusIndex, indexCorpus } from '../../../../loadgen/sink/corpus-index.ts';
import { noKeyRules } from '../../../../loadgen/sink/key-rules.ts';
import { toyOptions, toySources } from '../corpus/toy-traces.ts';

export const origin = 1_700_000_000_000_000_000n;
const millisecond = 1_000_000n;

const requestsKept = 1000;

/** The first requests of a corpus alone: quick to walk, and a round is short. Some parents are in none of them. */
function firstRequests(corpus: StampableCorpus): StampableCorpus {
  const requests = corpus.requests.slice(0, requestsKept);
  const last = requests[requestsKept - 1];
  return { ...corpus, requests, spans: last.first + last.spans, bytes: corpus.bytes.subarray(0, last.end) };
}

const built = firstRequests(
  buildCorpus({ ...toyOptions, batchSize: [6, 6] }, toySources({ rich: true }, { label: 'second' })),
);

export function copyOf(corpus: StampableCorpus): StampableCorpus {
  return { ...corpus, bytes: Buffer.from(corpus.bytes) };
}

export const sent = built;
const stamper = createStamper(sent);

/** The body of request `k` of the run, whose intended time is `k` ms after the origin unless told otherwise. */
export function request(k: number, dueNs = origin + BigInt(k) * millisecond): Buffer {
  const index = k % sent.requests.length;
  const round = Math.floor(k / sent.requests.length);
  stamper.stampRequest(index, round, Number(dueNs & 0xffff_ffffn), Number(dueNs >> 32n));
  const { start, end } = sent.requests[index];
  return Buffer.from(sent.bytes.subarray(start, end));
}

/** Number of the first span of request `k`. */
export function firstOf(k: number): number {
  const index = k % sent.requests.length;
  return Math.floor(k / sent.requests.length) * sent.spans + sent.requests[index].first;
}

/** Nanoseconds since the origin by which every request of these tests has been sent. */
export const later = 3600e9;

export const noRules: CheckRules = {
  attributes: noKeyRules,
  events: noKeyRules,
  resources: noKeyRules,
  scopes: noKeyRules,
  writesTraceState: false,
};

const own = copyOf(built);
export const ownStamper = createStamper(own);
export const index: CorpusIndex = indexCorpus(own);
export const ownCorpus: StampableCorpus = own;

export interface Checked {
  readonly arrivals: Arrivals;
  readonly check: SpanCheck;
}

export function checking(rules: CheckRules = noRules): Checked {
  const check = createSpanCheck(own, index, ownStamper, rules);
  return {
    check,
    arrivals: createArrivals({
      corpus: own,
      originNs: origin,
      mostSpans: 2 ** 48,
      check,
      checkShare: 1,
      random: () => 0,
    }),
  };
}

export function counting(mostSpans = 2 ** 48): Arrivals {
  return createArrivals({ corpus: own, originNs: origin, mostSpans, check: null, checkShare: 1, random: () => 0 });
}
