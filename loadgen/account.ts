// The account of a run: every acknowledged span arrived or was to be dropped by the sampler.
import type { GeneratorCounters, SinkReport } from './messages.ts';

export interface Account {
  readonly acknowledged: number;
  /** Acknowledged, and to be dropped by the sampler. */
  readonly toDrop: number;
  /** Distinct spans that arrived, of those acknowledged. */
  readonly arrived: number;
  /** Distinct spans that arrived although their request was not acknowledged: allowed, the answer may have got lost. */
  readonly arrivedUnacknowledged: number;
  /** Acknowledged, not to be dropped, and never seen. */
  readonly lost: number;
  /** Arrived although the sampler was to drop them. */
  readonly extra: number;
  /** Arrivals beyond the first of the same span. */
  readonly duplicated: number;
  readonly foreign: number;
  readonly malformed: number;
  readonly altered: number;
}

/**
 * Balances what the generator was told against what the sink saw. Spans at the sampler's threshold (`unsure`) are neither
 * lost nor extra. With both at rest only: spans under way count as lost.
 */
export function settle(spans: GeneratorCounters['spans'], sink: SinkReport): Account {
  const arrived = sink.distinct - sink.inRanges;
  const missing = spans.acknowledged - spans.toDrop - arrived;
  return {
    acknowledged: spans.acknowledged,
    toDrop: spans.toDrop,
    arrived,
    arrivedUnacknowledged: sink.inRanges,
    lost: Math.max(0, missing - spans.unsure),
    extra: Math.max(0, -missing - spans.unsure),
    duplicated: sink.duplicated,
    foreign: sink.foreign,
    malformed: sink.malformed,
    altered: sink.altered,
  };
}

/**
 * What is wrong with an account, a line each; empty when it is right. A duplicate is wrong only where nothing was ever
 * sent again (`mayRepeat` false).
 */
export function complaints(account: Account, mayRepeat: boolean): string[] {
  const lines: string[] = [];
  const say = (count: number, what: string) => {
    if (count > 0) lines.push(`${count} ${what}`);
  };
  say(account.lost, 'acknowledged spans lost');
  say(account.extra, 'spans arrived that the sampler was to drop');
  if (!mayRepeat) say(account.duplicated, 'spans arrived more than once');
  say(account.foreign, 'spans arrived that nobody sent');
  say(account.malformed, 'messages arrived that are not protobuf');
  say(account.altered, 'messages arrived whose spans are not what the chain makes');
  if (account.acknowledged === 0) lines.push('no span was acknowledged');
  return lines;
}
