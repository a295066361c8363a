import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildCorpus } from '../../../../loadgen/corpus/build.ts';
import type { Corpus, CorpusOptions } from '../../../../loadgen/corpus/corpus.ts';
import type { CorpusLimits } from '../../../../loadgen/corpus/plan.ts';
import { decodeBody, spansIn, toyPlace } from './expected.ts';
import { type ToySettings, toyOptions, toySources, toyTrace } from './toy-traces.ts';

const small: CorpusLimits = { enoughBytes: 1 << 30, enoughSpans: 700, fewestRequests: 3, mostBytes: 1 << 30 };

function corpusOf(settings: ToySettings, changes: Partial<CorpusOptions> = {}, limits = small): Corpus {
  return buildCorpus({ ...toyOptions, ...changes }, toySources(settings), limits);
}

/** `check` for each span with its shape's start and end, and the turn of its request. */
function eachSpan(
  corpus: Corpus,
  settings: ToySettings,
  check: (ordinal: number, shape: { startNs: number; endNs: number }, turn: number) => void,
): void {
  for (const [turn, { first }] of corpus.requests.entries()) {
    for (const [i, span] of spansIn(decodeBody(corpus, turn)).entries()) {
      const [, trace, place] = toyPlace(span);
      check(first + i, toyTrace(settings, trace).spans[place], turn);
    }
  }
}

test('a span starts as much before its request is due as its trace says, by the turns and the delay between', () => {
  const intervalNs = 2.5e6;
  // Spans end 1 ms after one another, and leave every 3 ms: three parts of a trace of seven.
  const settings: ToySettings = { export: { by: 'service', nextSpans: () => 20, flushNs: 3e6 } };
  const corpus = corpusOf(settings, { rate: { requestsPerSecond: 400 } });
  const leaves = Math.floor(1_006_000 / 3e6) * 3e6 + 3e6;
  const firstTurns = new Map<number, number>();
  eachSpan(corpus, settings, (ordinal, _, turn) => {
    const trace = corpus.traceOf[ordinal];
    if (corpus.requests[turn].delayNs === 0 && !firstTurns.has(trace)) firstTurns.set(trace, turn);
  });
  let acrossRequests = 0;
  let delayed = 0;
  eachSpan(corpus, settings, (ordinal, { startNs, endNs }, turn) => {
    const { delayNs } = corpus.requests[turn];
    const turns = turn - (firstTurns.get(corpus.traceOf[ordinal]) ?? Number.NaN);
    const offset = startNs - leaves - Math.round(turns * intervalNs) - delayNs;
    assert.equal(corpus.startOffsetNs[ordinal], offset);
    assert.ok(offset <= 0 && offset + endNs - startNs <= 0, 'a span ends before its request is due');
    assert.equal(delayNs, (Math.floor(endNs / 3e6) + 1) * 3e6 - leaves);
    if (turns > 0) acrossRequests++;
    if (delayNs > 0) delayed++;
  });
  assert.ok(acrossRequests > 100 && delayed > 100, `${acrossRequests} and ${delayed}`);
});

test('a rate in spans is one in requests of the mean size', () => {
  const settings: ToySettings = { export: { by: 'service', nextSpans: () => 20 } };
  const { spans, requests, startOffsetNs } = corpusOf(settings, { rate: { spansPerSecond: 10_000 } });
  const requestsPerSecond = (10_000 * requests.length) / spans;
  assert.deepEqual(startOffsetNs, corpusOf(settings, { rate: { requestsPerSecond } }).startOffsetNs);
  // Spans of a trace in requests one after another are one interval apart.
  assert.ok(Math.min(...startOffsetNs) < -1e9 / requestsPerSecond);
});

test('without a constant rate the turns between requests do not count', () => {
  const settings: ToySettings = { export: { nextSpans: () => 20 } };
  const corpus = corpusOf(settings, { rate: null });
  eachSpan(corpus, settings, (ordinal, { startNs }) => {
    // The root ends last: 7 ms after the trace began.
    assert.equal(corpus.startOffsetNs[ordinal], startNs - 7e6);
  });
});

test('a batch size of the options stands above that of the profile, and every size of its range occurs', () => {
  const settings: ToySettings = { export: { nextSpans: () => 1 } };
  const corpus = corpusOf(settings, { batchSize: [5, 9] });
  const sizes = corpus.requests.slice(0, -1).map(({ spans }) => spans);
  assert.deepEqual([...new Set(sizes)].sort(), [5, 6, 7, 8, 9]);
});

test('no body is larger than the bytes of the export as protobuf; JSON has the same requests', () => {
  const bytes = 2000;
  const settings: ToySettings = { rich: true, export: { bytes, nextSpans: () => 1000, flushNs: 2e6 } };
  const corpus = corpusOf(settings);
  let full = 0;
  for (const { start, end, spans } of corpus.requests) {
    assert.ok(end - start <= bytes || spans === 1);
    if (spans > 1 && end - start > bytes * 0.8) full++;
  }
  assert.ok(full > 20, `${full} of ${corpus.requests.length} requests are nearly full`);
  const rows = ({ requests }: Corpus) => requests.map(({ first, spans, delayNs }) => [first, spans, delayNs]);
  assert.deepEqual(rows(corpusOf(settings, { encoding: 'json' })), rows(corpus));
});

test('a corpus ends with enough spans or enough bytes, but has some requests first, unless they are huge', () => {
  const settings: ToySettings = { export: { nextSpans: () => 50 } };
  const limits: CorpusLimits = { enoughBytes: 1e9, enoughSpans: 700, fewestRequests: 3, mostBytes: 1e9 };
  const spansWith = (changes: Partial<CorpusLimits>): number => corpusOf(settings, {}, { ...limits, ...changes }).spans;
  assert.equal(spansWith({}), 700);
  // 19 requests of 50, and one that has begun.
  assert.ok(spansWith({ fewestRequests: 20 }) > 950 && spansWith({ fewestRequests: 20 }) < 950 + 8);
  const enough = corpusOf(settings, {}, { ...limits, enoughBytes: 40_000 });
  assert.ok(enough.spans < 700 && enough.bytes.length >= 40_000 && enough.bytes.length < 45_000);
  const huge = corpusOf(settings, {}, { ...limits, fewestRequests: 1000, mostBytes: 200_000 });
  assert.ok(huge.requests.length < 1000 && huge.bytes.length >= 200_000 && huge.bytes.length < 225_000);
});

test('several sources share the spans by their weights, and none of their requests', () => {
  const settings: readonly (ToySettings & { weight: number })[] = [
    { label: 'a', weight: 3, spans: 5, export: { nextSpans: () => 10 } },
    { label: 'b', weight: 1, spans: 9, export: { nextSpans: () => 30 } },
  ];
  const corpus = buildCorpus(toyOptions, toySources(...settings), { ...small, enoughSpans: 4000 });
  const spans = new Map([
    ['a', 0],
    ['b', 0],
  ]);
  for (const index of corpus.requests.keys()) {
    const labels = new Set(spansIn(decodeBody(corpus, index)).map((span) => toyPlace(span)[0]));
    assert.equal(labels.size, 1);
    for (const label of labels) spans.set(label, (spans.get(label) ?? 0) + corpus.requests[index].spans);
  }
  assert.ok(Math.abs((spans.get('a') ?? 0) / corpus.spans - 0.75) < 0.01);
});
