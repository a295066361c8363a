// Whether a span that arrived is the one that was sent. The sink has the corpus of the generator: it stamps the span's
// template with the number and the start time that arrived, and then nothing may differ but what the chain is meant to do.
//
// The start time itself is judged by the intended time that follows from it: within the run, not after the arrival, and the
// same for all spans of one request, as far as they arrive near each other (request-times.ts). What cannot be seen: the spans
// of a request that are all shifted in time by as much, to a time within the run.
import type { Corpus } from '../corpus/corpus.ts';
import { createGroupCheck, type GroupCheck } from './check-groups.ts';
import { compareSpan, noSpanNotes, type SpanNotes, type SpanRules } from './compare-span.ts';
import type { CorpusIndex } from './corpus-index.ts';
import type { KeyRules } from './key-rules.ts';
import { readFields } from './message-reader.ts';
import { normalise } from './normalise.ts';
import { createRecipes, type Recipes } from './recipes.ts';
import { createRequestTimes, type TimedSpan } from './request-times.ts';
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

export interface AlteredSpan {
  readonly number: number;
  /** `attribute http.route: changed`, `end time`, ... */
  readonly what: string;
}

/** How many of each kind of oddity are kept by name. */
export const mostListed = 1_000;

export interface SpanCheck {
  readonly groups: GroupCheck;
  /** True: it is what was sent. False: `examine` tells whether it still is right. */
  passes(span: ArrivedSpan): boolean;
  /** What is wrong, as `attribute http.route: changed` or `end time`; '' when nothing is. */
  examine(span: ArrivedSpan): string;
  /** Spans that turned out wrong when others of their request had come, though nothing was said when they came themselves. */
  readonly late: LateFindings;
  /** How many spans each way found right or wrong, the cheapest first. */
  ways(): { readonly whole: number; readonly recipe: number; readonly examined: number };
}

export interface LateFindings {
  count(): number;
  /** The first ones. */
  list(): readonly AlteredSpan[];
}

/** Processes that share a clock still read it at different times. */
const toleranceNs = 1_000_000;
const startTime = 'start time';

class Check implements SpanCheck {
  readonly groups: GroupCheck;
  readonly #corpus: Corpus;
  readonly #stamper: SpanStamper;
  readonly #rules: CheckRules;
  readonly #requestOf: Int32Array;
  readonly #recipes: Recipes;
  readonly #times = createRequestTimes(mostListed);
  readonly late: LateFindings = {
    count: () => this.#times.wrongCount(),
    list: () => this.#times.wrong().map((span) => ({ number: this.#numberOf(span), what: startTime })),
  };
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
    // The time last: it must be right in all else to say what the time of its request is.
    return this.groups.check(ordinal) === '' && this.#timeFits(span);
  }

  /** The intended time is possible, and no two other spans of the request contradict it. */
  #timeFits(span: ArrivedSpan): boolean {
    return (
      isWithinRun(span) && this.#times.judge(this.#requestNumber(span), span.ordinal, span.intendedNs) !== 'differs'
    );
  }

  #requestNumber(span: ArrivedSpan): number {
    return span.round * this.#corpus.requests.length + this.#requestOf[span.ordinal];
  }

  #numberOf({ request, ordinal }: TimedSpan): number {
    const { requests, spans } = this.#corpus;
    return Math.floor(request / requests.length) * spans + ordinal;
  }

  examine(span: ArrivedSpan): string {
    this.#examined++;
    this.#stamper.stampSpan(span.ordinal, span.round, span.startLow, span.startHigh);
    const recipes = this.#recipes;
    recipes.begin(span.bytes, span.from, span.to, span.ordinal);
    const found = this.#compare(span, recipes);
    if (found.what === '') recipes.keep();
    if (found.what === 'end time' && (this.#isContradicted(span) || !isWithinRun(span))) return startTime;
    if (found.what !== '') return found.what;
    const group = this.groups.check(span.ordinal);
    if (group !== '' && isWithinRun(span)) return group;
    return this.#timeFits(span) ? '' : startTime;
  }

  #isContradicted(span: ArrivedSpan): boolean {
    return this.#times.contradicts(this.#requestNumber(span), span.intendedNs);
  }

  #compare(span: ArrivedSpan, notes: SpanNotes): { readonly what: string } {
    try {
      return this.#compareWith(span, span.bytes, span.from, span.to, notes);
    } catch (error) {
      if (!(error instanceof UnusualEncoding)) throw error;
      const normal = normalise('span', span.bytes.subarray(span.from, span.to));
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
