// Whether a span that arrived is the one that was sent. The sink has the corpus of the generator: it stamps the span's
// template with the number and the start time that arrived, and then nothing may differ but what the chain is meant to do.
//
// The start time itself is judged by the intended time that follows from it: within the run, not after the arrival, and the
// same for all spans of one request, as far as they arrive near each other. What cannot be seen: the spans of a request that
// are all shifted in time by as much, to a time within the run.
import type { Corpus } from '../corpus/corpus.ts';
import { createGroupCheck, type GroupCheck } from './check-groups.ts';
import { compareSpan, noSpanNotes, type SpanNotes, type SpanRules } from './compare-span.ts';
import type { CorpusIndex } from './corpus-index.ts';
import type { KeyRules } from './key-rules.ts';
import { readFields } from './message-reader.ts';
import { normaliseSpan } from './normalise-span.ts';
import { createRecipes, type Recipes } from './recipes.ts';
import { UnusualEncoding } from './same-value.ts';

/** Writes the span of an ordinal into the corpus, as it was in this round with this start time (Unix ns in two halves). */
export interface SpanStamper {
  stampSpan(ordinal: number, round: number, startLow: number, startHigh: number): void;
}

/** What the chain is meant to do; see expect.ts. */
export interface CheckRules extends SpanRules {
  readonly resources: KeyRules;
  readonly scopes: KeyRules;
}

/** A span as it arrived and who it says it is. One object, filled anew for each. */
export interface ArrivedSpan {
  bytes: Buffer;
  from: number;
  to: number;
  ordinal: number;
  round: number;
  startLow: number;
  startHigh: number;
  /** Nanoseconds since the run's origin: what follows from the start time, and the arrival. */
  intendedNs: number;
  nowNs: number;
}

export interface SpanCheck {
  readonly groups: GroupCheck;
  /** True: it is what was sent. False: `examine` tells whether it still is right. */
  passes(span: ArrivedSpan): boolean;
  /** What is wrong, as `attribute http.route: changed` or `end time`; '' when nothing is. */
  examine(span: ArrivedSpan): string;
  /** How many spans each way found right or wrong, the cheapest first. */
  ways(): { readonly whole: number; readonly recipe: number; readonly examined: number };
}

/** Processes that share a clock still read it at different times. */
const toleranceNs = 1_000_000;
/** Requests whose intended times are remembered; those of one number modulo this displace each other. */
const requestsRemembered = 1 << 14;

class Check implements SpanCheck {
  readonly groups: GroupCheck;
  readonly #corpus: Corpus;
  readonly #stamper: SpanStamper;
  readonly #rules: CheckRules;
  readonly #requestOf: Int32Array;
  readonly #recipes: Recipes;
  /** By request number modulo the size: the number, and the intended time of its spans. */
  readonly #requests = new Float64Array(requestsRemembered).fill(-1);
  readonly #intended = new Float64Array(requestsRemembered);
  /** Spans as sent pass only where the chain is to leave them alone. */
  readonly #asSent: boolean;
  #whole = 0;
  #recipe = 0;
  #examined = 0;

  constructor(corpus: Corpus, index: CorpusIndex, stamper: SpanStamper, rules: CheckRules) {
    this.#corpus = corpus;
    this.#stamper = stamper;
    this.#rules = rules;
    this.#requestOf = index.requestOf;
    this.#recipes = createRecipes(corpus);
    this.#asSent = rules.attributes.none && rules.events.none;
    this.groups = createGroupCheck(index, rules);
  }

  ways() {
    return { whole: this.#whole, recipe: this.#recipe, examined: this.#examined };
  }

  passes(span: ArrivedSpan): boolean {
    const { bytes, from, to, ordinal } = span;
    const { spanStart, spanEnd } = this.#corpus;
    this.#stamper.stampSpan(ordinal, span.round, span.startLow, span.startHigh);
    const start = spanStart[ordinal];
    const end = spanEnd[ordinal];
    if (this.#asSent && to - from === end - start && bytes.compare(this.#corpus.bytes, start, end, from, to) === 0) {
      this.#whole++;
    } else if (this.#recipes.matches(bytes, from, to, ordinal)) this.#recipe++;
    else return false;
    return this.#timeFits(span) && this.groups.check(ordinal) === '';
  }

  /** The intended time is possible, and that of the other spans of the request. */
  #timeFits(span: ArrivedSpan): boolean {
    if (!isWithinRun(span)) return false;
    const request = this.#requestNumber(span);
    const slot = request % requestsRemembered;
    if (this.#requests[slot] === request) return this.#intended[slot] === span.intendedNs;
    this.#requests[slot] = request;
    this.#intended[slot] = span.intendedNs;
    return true;
  }

  #requestNumber(span: ArrivedSpan): number {
    return span.round * this.#corpus.requests.length + this.#requestOf[span.ordinal];
  }

  /** Whether another span of the request contradicts this one's intended time. */
  #isContradicted(span: ArrivedSpan): boolean {
    const request = this.#requestNumber(span);
    const slot = request % requestsRemembered;
    return this.#requests[slot] === request && this.#intended[slot] !== span.intendedNs;
  }

  examine(span: ArrivedSpan): string {
    this.#examined++;
    this.#stamper.stampSpan(span.ordinal, span.round, span.startLow, span.startHigh);
    const recipes = this.#recipes;
    recipes.begin(span.bytes, span.from, span.to, span.ordinal);
    const found = this.#compare(span, recipes);
    if (found.what === '') recipes.keep();
    if (found.what === 'end time' && (this.#isContradicted(span) || !isWithinRun(span))) return 'start time';
    if (found.what !== '') return found.what;
    if (!this.#timeFits(span)) return 'start time';
    return this.groups.check(span.ordinal);
  }

  #compare(span: ArrivedSpan, notes: SpanNotes): { readonly what: string } {
    try {
      return this.#compareWith(span, span.bytes, span.from, span.to, notes);
    } catch (error) {
      if (!(error instanceof UnusualEncoding)) throw error;
      const normal = normaliseSpan(span.bytes.subarray(span.from, span.to));
      notes.equal();
      return this.#compareWith(span, normal, 0, normal.length, noSpanNotes);
    }
  }

  #compareWith(span: ArrivedSpan, bytes: Buffer, from: number, to: number, notes: SpanNotes) {
    const { bytes: sent, spanStart, spanEnd } = this.#corpus;
    return compareSpan(
      { bytes, fields: readFields(bytes, from, to) },
      { bytes: sent, fields: readFields(sent, spanStart[span.ordinal], spanEnd[span.ordinal]) },
      this.#rules,
      notes,
    );
  }
}

function isWithinRun({ intendedNs, nowNs }: ArrivedSpan): boolean {
  return intendedNs >= -toleranceNs && intendedNs <= nowNs + toleranceNs;
}

/** The corpus is written to with every span: it must be the sink's own. */
export function createSpanCheck(
  corpus: Corpus,
  index: CorpusIndex,
  stamper: SpanStamper,
  rules: CheckRules,
): SpanCheck {
  return new Check(corpus, index, stamper, rules);
}
