// The account of a run: what the generator was told against what the sink saw, span by span.
//
//   acknowledged = expected + dropped + sampledOut
//   expected     = arrived + lost + rejectedBySink
//   all spans that the sink saw, each once = arrived + arrivedUnacknowledged + unexpected (+ foreign, beyond `generated`)
import type { Corpus } from '../corpus/corpus.ts';
import { spanIdHex, traceIdHex } from '../corpus/identity.ts';
import type { UnsureRange } from '../generator/messages.ts';
import type { ArrivalCounts, Oddities } from './arrivals.ts';
import { type AlteredSpan, mostListed } from './check.ts';
import { type Expectation, outcome } from './expect.ts';
import type { Account, SpanName } from './messages.ts';
import { pageNumbers, type SpanBitmap } from './span-bitmap.ts';

export interface SettleInput {
  readonly corpus: Corpus;
  /** Numbers 0 to below this were sent. */
  readonly generated: number;
  /** Those that were not all acknowledged, in any order; no two have a number in common. */
  readonly unsure: readonly UnsureRange[];
  readonly expectation: Expectation;
  readonly bitmap: SpanBitmap;
  /** Spans that the sink itself refused for good at some time; those that arrived all the same count as arrived. */
  readonly rejected: SpanBitmap;
  readonly counts: ArrivalCounts;
  readonly oddities: Oddities;
}

/** The number is what the rest of the run calls it by. */
export interface NamedSpan extends SpanName {
  readonly number: number;
}

export interface Settled {
  readonly account: Account;
  /** The first ones of each kind. */
  readonly examples: {
    readonly lost: readonly NamedSpan[];
    readonly unexpected: readonly NamedSpan[];
    readonly duplicated: readonly NamedSpan[];
    readonly altered: readonly (NamedSpan & Pick<AlteredSpan, 'what'>)[];
    /** Span ids. */
    readonly foreign: readonly string[];
  };
}

interface Tally {
  acknowledged: number;
  dropped: number;
  sampledOut: number;
  arrived: number;
  arrivedUnacknowledged: number;
  lost: number;
  rejectedBySink: number;
  unexpected: number;
  readonly lostNumbers: number[];
  readonly unexpectedNumbers: number[];
}

/** Of one stretch of numbers. */
interface Stretch {
  dropped: number;
  sampledOut: number;
  arrived: number;
  missing: number;
  rejectedBySink: number;
  /** The first of the missing. */
  readonly missingNumbers: number[];
}

class Settlement {
  readonly tally: Tally = {
    acknowledged: 0,
    dropped: 0,
    sampledOut: 0,
    arrived: 0,
    arrivedUnacknowledged: 0,
    lost: 0,
    rejectedBySink: 0,
    unexpected: 0,
    lostNumbers: [],
    unexpectedNumbers: [],
  };
  readonly #input: SettleInput;
  #round = -1;
  #outcomes: Uint8Array = new Uint8Array(0);

  constructor(input: SettleInput) {
    this.#input = input;
  }

  /** Numbers from `first` to below `end`, all acknowledged. */
  acknowledged(first: number, end: number): void {
    const stretch = this.#walk(first, end);
    const { tally } = this;
    tally.acknowledged += end - first;
    tally.dropped += stretch.dropped;
    tally.sampledOut += stretch.sampledOut;
    tally.arrived += stretch.arrived;
    tally.rejectedBySink += stretch.rejectedBySink;
    this.#lose(stretch, stretch.missing);
  }

  unacknowledged(first: number, end: number): void {
    this.tally.arrivedUnacknowledged += this.#walk(first, end).arrived;
  }

  /**
   * Of these, `rejected` were not taken, and nobody said which: first of all those that the sink never saw, then those that it
   * rejected, then those that were to be dropped, then those that arrived all the same.
   */
  partly(first: number, end: number, rejected: number): void {
    const { tally } = this;
    const stretch = this.#walk(first, end);
    let rest = Math.min(rejected, end - first);
    tally.acknowledged += end - first - rest;
    const without = (count: number): number => {
      const taken = Math.min(rest, count);
      rest -= taken;
      return count - taken;
    };
    const lost = without(stretch.missing);
    tally.rejectedBySink += without(stretch.rejectedBySink);
    tally.dropped += without(stretch.dropped);
    tally.sampledOut += without(stretch.sampledOut);
    const arrived = without(stretch.arrived);
    tally.arrived += arrived;
    tally.arrivedUnacknowledged += stretch.arrived - arrived;
    this.#lose(stretch, lost);
  }

  #lose(stretch: Stretch, lost: number): void {
    const { tally } = this;
    tally.lost += lost;
    const room = Math.min(lost, mostListed - tally.lostNumbers.length);
    for (let i = 0; i < room; i++) tally.lostNumbers.push(stretch.missingNumbers[i]);
  }

  #walk(first: number, end: number): Stretch {
    const stretch: Stretch = {
      dropped: 0,
      sampledOut: 0,
      arrived: 0,
      missing: 0,
      rejectedBySink: 0,
      missingNumbers: [],
    };
    const { spans } = this.#input.corpus;
    // In pieces that lie in one round and in one page of the bitmap.
    for (let at = first; at < end; ) {
      const round = Math.floor(at / spans);
      const page = Math.floor(at / pageNumbers);
      const until = Math.min(end, (round + 1) * spans, (page + 1) * pageNumbers);
      if (round !== this.#round) {
        this.#outcomes = this.#input.expectation.outcomes(round);
        this.#round = round;
      }
      this.#walkPiece(at, until, at - round * spans, this.#input.bitmap.page(page), stretch);
      at = until;
    }
    return stretch;
  }

  #walkPiece(first: number, end: number, ordinal: number, page: Uint8Array | undefined, stretch: Stretch): void {
    const outcomes = this.#outcomes;
    const firstBit = first & (pageNumbers - 1);
    const count = end - first;
    let arrived = 0;
    for (let i = 0; i < count; i++) {
      const bit = firstBit + i;
      const has = page !== undefined && (page[bit >> 3] & (1 << (bit & 7))) !== 0;
      const becomes = outcomes[ordinal + i];
      if (becomes === outcome.arrives) {
        if (has) arrived++;
        else if (this.#input.rejected.has(first + i)) stretch.rejectedBySink++;
        else {
          stretch.missing++;
          if (stretch.missingNumbers.length < mostListed) stretch.missingNumbers.push(first + i);
        }
        continue;
      }
      if (becomes === outcome.dropped) stretch.dropped++;
      else stretch.sampledOut++;
      if (has) this.#unexpected(first + i);
    }
    stretch.arrived += arrived;
  }

  #unexpected(number: number): void {
    this.tally.unexpected++;
    if (this.tally.unexpectedNumbers.length < mostListed) this.tally.unexpectedNumbers.push(number);
  }
}

/** Reads what the sink has; both sides should be at rest, for what is still under way counts as lost. */
export function settle(input: SettleInput): Settled {
  const { generated, counts, oddities, corpus } = input;
  const settlement = new Settlement(input);
  let at = 0;
  for (const [first, count, rejected] of input.unsure.toSorted(([a], [b]) => a - b)) {
    if (first < at || first + count > generated) {
      throw new RangeError(`spans ${first} to ${first + count} were told twice, or never sent`);
    }
    settlement.acknowledged(at, first);
    at = first + count;
    if (rejected < 0) settlement.unacknowledged(first, at);
    else settlement.partly(first, at, rejected);
  }
  settlement.acknowledged(at, generated);
  const { lostNumbers, unexpectedNumbers, ...tally } = settlement.tally;
  const neverSent = counts.distinct - tally.arrived - tally.arrivedUnacknowledged - tally.unexpected;
  // An id that was changed into one that was never sent is foreign, and its span is lost.
  const altered = oddities.altered.filter(({ number }) => number < generated);
  const name = (number: number) => nameSpan(corpus, number);
  return {
    account: {
      ...tally,
      expected: tally.arrived + tally.lost + tally.rejectedBySink,
      duplicated: counts.duplicated,
      foreign: counts.foreign + neverSent,
      malformed: counts.malformed,
      altered: counts.altered - (oddities.altered.length - altered.length),
    },
    examples: {
      lost: lostNumbers.map(name),
      unexpected: unexpectedNumbers.map(name),
      duplicated: oddities.duplicated.map(name),
      altered: altered.map(({ number, what }) => ({ ...name(number), what })),
      foreign: oddities.foreign,
    },
  };
}

function nameSpan(corpus: Corpus, number: number): NamedSpan {
  const { run, seed } = corpus.options;
  const round = Math.floor(number / corpus.spans);
  const trace = round * corpus.traces + corpus.traceOf[number - round * corpus.spans];
  return { number, traceId: traceIdHex(run, seed, trace), spanId: spanIdHex(run, number) };
}
