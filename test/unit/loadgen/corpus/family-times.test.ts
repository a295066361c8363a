// Spans of one trace lie in different requests, which are due at different times: in what is sent they still fit together.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { WeightedSource } from '../../../../loadgen/corpus/batching.ts';
import { buildCorpus, type StampableCorpus } from '../../../../loadgen/corpus/build.ts';
import type { CorpusOptions, CorpusRate } from '../../../../loadgen/corpus/corpus.ts';
import { type CorpusLimits, planCorpus } from '../../../../loadgen/corpus/plan.ts';
import { sourcesOf } from '../../../../loadgen/corpus/sources.ts';
import { createStamper } from '../../../../loadgen/corpus/stamp.ts';
import { readProfile } from '../../../../loadgen/profile/load.ts';
import type { Span } from '../../../../src/wire/reference/messages.ts';
import { decodeBody, spansIn, wordOf } from './expected.ts';
import { type ToySettings, toyOptions, toySources } from './toy-traces.ts';

const small: CorpusLimits = { enoughBytes: 1 << 30, enoughSpans: 4000, fewestRequests: 3, mostBytes: 1 << 30 };
const origin = 1_760_000_000_123_456_789n;
/** Intended times of requests, and what is between them, are rounded by themselves. */
const roundingNs = 2;

/** As the generator sends one round: each request at its turn and its delay. */
function sentSpans(corpus: StampableCorpus, rate: NonNullable<CorpusRate>): Map<number, Span> {
  const { requests, spans: spanCount } = corpus;
  const perSecond =
    'requestsPerSecond' in rate ? rate.requestsPerSecond : (rate.spansPerSecond * requests.length) / spanCount;
  const stamper = createStamper(corpus);
  const byOrdinal = new Map<number, Span>();
  for (const [turn, { first, delayNs }] of requests.entries()) {
    const due = origin + BigInt(Math.round((turn * 1e9) / perSecond)) + BigInt(delayNs);
    stamper.stampRequest(turn, 0, ...wordOf(due));
    for (const [i, span] of spansIn(decodeBody(corpus, turn)).entries()) {
      byOrdinal.set(first + i, span);
      assert.ok(span.endTimeUnixNano <= due, `turn ${turn}: a span ends after it was sent`);
    }
  }
  return byOrdinal;
}

/** Children lie to their parents as the trace was drawn: within them, but for those that nothing waits for. */
function checkFamilies(options: CorpusOptions, sources: () => readonly WeightedSource[], limits = small): void {
  assert.ok(options.rate);
  const corpus = buildCorpus(options, sources(), limits);
  const spans = sentSpans(corpus, options.rate);
  for (const { ordinal, shape, parent } of planCorpus(options, sources(), limits).spans) {
    const sent = spans.get(ordinal);
    const above = parent === null ? undefined : spans.get(parent.ordinal);
    if (sent === undefined || above === undefined || parent === null) continue;
    assert.ok(shape.startNs >= parent.shape.startNs);
    const atStart = Number(sent.startTimeUnixNano - above.startTimeUnixNano) - (shape.startNs - parent.shape.startNs);
    const atEnd = Number(sent.endTimeUnixNano - above.endTimeUnixNano) - (shape.endNs - parent.shape.endNs);
    const wrong = Math.max(Math.abs(atStart), Math.abs(atEnd));
    assert.ok(wrong <= roundingNs, `${sent.name} lies to ${above.name} as drawn, but for ${wrong} ns`);
  }
}

const rates = fc.oneof(
  fc.record({ requestsPerSecond: fc.double({ min: 1, max: 5000, noNaN: true }) }),
  fc.record({ spansPerSecond: fc.double({ min: 50, max: 1e6, noNaN: true }) }),
);

test('at any rate and however spans leave, children lie within their parents', () => {
  const settings = fc.record({
    seed: fc.nat({ max: 99 }),
    by: fc.constantFrom('service' as const, 'agent' as const),
    flushNs: fc.constantFrom(0, 2e6, 5e6, 1e9),
    size: fc.integer({ min: 1, max: 60 }),
    bytes: fc.constantFrom(900, 3 << 20),
  });
  fc.assert(
    fc.property(settings, rates, ({ seed, by, flushNs, size, bytes }, rate) => {
      const toy: ToySettings = { seed, export: { by, flushNs, bytes, nextSpans: () => size } };
      const limits = { ...small, enoughSpans: 500 };
      checkFamilies({ ...toyOptions, rate }, () => toySources(toy), limits);
    }),
    { numRuns: 60 },
  );
});

for (const name of ['collector', 'gateway', 'streaming', 'retrieval', 'prompt', 'mixed']) {
  test(`${name}: children lie within their parents, at low and high rates`, () => {
    const profile = readProfile(name);
    for (const rate of [{ requestsPerSecond: 50 }, { spansPerSecond: 20_000 }]) {
      const options: CorpusOptions = { ...toyOptions, profile, rate };
      checkFamilies(options, () => sourcesOf(options));
    }
  });
}
