import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildCorpus, type StampableCorpus } from '../../../../loadgen/corpus/build.ts';
import type { CorpusOptions } from '../../../../loadgen/corpus/corpus.ts';
import { numberAt, numberRange, runAt } from '../../../../loadgen/corpus/identity.ts';
import type { CorpusLimits } from '../../../../loadgen/corpus/plan.ts';
import { createStamper } from '../../../../loadgen/corpus/stamp.ts';
import { nanosecondsOf, secondsOf } from '../../../../loadgen/corpus/time.ts';
import type { Span } from '../../../../src/wire/reference/messages.ts';
import { decodeBody, spansIn, textOf, wordOf } from './expected.ts';
import { type ToySettings, toyOptions, toySources } from './toy-traces.ts';

const small: CorpusLimits = { enoughBytes: 1 << 30, enoughSpans: 300, fewestRequests: 3, mostBytes: 1 << 30 };
const settings: ToySettings = { rich: true, export: { nextSpans: () => 40 } };
const due = 1_760_000_000_999_999_999n;
const encodings = ['protobuf', 'json'] as const;

const corpusOf = (changes: Partial<CorpusOptions> = {}, toy = settings): StampableCorpus =>
  buildCorpus({ ...toyOptions, ...changes }, toySources(toy), small);

/** All spans of a round, each request due at `due`. */
function stampedSpans(corpus: StampableCorpus, round: number, dueOf = (_index: number) => due): Span[] {
  const stamper = createStamper(corpus);
  return corpus.requests.flatMap((_, index) => {
    stamper.stampRequest(index, round, ...wordOf(dueOf(index)));
    return spansIn(decodeBody(corpus, index));
  });
}

for (const encoding of encodings) {
  test(`${encoding}: stampSpan writes what stampRequest writes, for every span, and nothing else`, () => {
    const whole = corpusOf({ encoding, rate: { requestsPerSecond: 810_372.77 } });
    const single = corpusOf({ encoding, rate: { requestsPerSecond: 810_372.77 } });
    const [stampWhole, stampSingle] = [createStamper(whole), createStamper(single)];
    // Carries and borrows in both halves, and at the seconds of JSON.
    const times = [due, (401n << 32n) | 5n, (401n << 32n) | 0xffff_fff0n, 1_760_000_000_000_000_000n];
    for (const [round, time] of [...times, due].entries()) {
      for (const [index, request] of whole.requests.entries()) {
        stampWhole.stampRequest(index, round * 1e6, ...wordOf(time));
        for (let ordinal = request.first; ordinal < request.first + request.spans; ordinal++) {
          const start = time + BigInt(whole.startOffsetNs[ordinal]);
          stampSingle.stampSpan(ordinal, round * 1e6, ...wordOf(start));
        }
      }
      assert.ok(whole.bytes.equals(single.bytes), `round ${round}`);
    }
    const before = Buffer.from(single.bytes);
    stampSingle.stampSpan(17, 3, ...wordOf(due));
    assert.ok(!before.equals(single.bytes));
    before.copy(single.bytes, single.spanStart[17], single.spanStart[17], single.spanEnd[17]);
    assert.ok(before.equals(single.bytes), 'bytes beside the span were written');
  });

  test(`${encoding}: ids and fresh texts never repeat over rounds; those of a trace are shared by its spans`, () => {
    const corpus = corpusOf({ encoding });
    const spanIds = new Set<string>();
    const requestTexts = new Set<string>();
    const sessionOfTrace = new Map<string, string>();
    const rounds = [0, 1, 2, 70_000_000];
    for (const round of rounds) {
      for (const span of stampedSpans(corpus, round)) {
        spanIds.add(Buffer.from(span.spanId).toString('hex'));
        requestTexts.add(textOf(span, 'request'));
        const traceId = Buffer.from(span.traceId).toString('hex');
        const session = textOf(span, 'session');
        assert.equal(sessionOfTrace.get(traceId) ?? session, session);
        sessionOfTrace.set(traceId, session);
      }
    }
    assert.equal(spanIds.size, rounds.length * corpus.spans);
    assert.equal(requestTexts.size, rounds.length * corpus.spans);
    assert.equal(sessionOfTrace.size, rounds.length * corpus.traces);
    assert.equal(new Set(sessionOfTrace.values()).size, sessionOfTrace.size);
  });

  test(`${encoding}: every parent is a span of the same trace and round, also in another request`, () => {
    const corpus = corpusOf({ encoding }, { ...settings, export: { by: 'service', nextSpans: () => 9 } });
    const spans = stampedSpans(corpus, 3);
    const requestOf = (ordinal: number): number => corpus.requests.findLastIndex(({ first }) => first <= ordinal);
    let elsewhere = 0;
    for (const [ordinal, span] of spans.entries()) {
      assert.equal(runAt(span.spanId, 0), toyOptions.run);
      assert.equal(numberAt(span.spanId, 0), 3 * corpus.spans + ordinal);
      assert.equal(numberAt(span.traceId, 0), 3 * corpus.traces + corpus.traceOf[ordinal]);
      const parent = corpus.parentOf[ordinal];
      if (parent < 0) {
        assert.equal(span.parentSpanId.length, 0);
        continue;
      }
      assert.deepEqual(span.parentSpanId, spans[parent].spanId);
      assert.deepEqual(span.traceId, spans[parent].traceId);
      if (requestOf(parent) !== requestOf(ordinal)) elsewhere++;
    }
    assert.ok(elsewhere > 50, `only ${elsewhere} parents are in another request`);
  });

  test(`${encoding}: a span lasts as long and starts as its offset says, wherever the halves carry`, () => {
    const corpus = corpusOf({ encoding }, { ...settings, stepNs: 1_700_000_001 });
    const longest = 1_700_000_001n * 7n;
    for (const time of [longest, (1n << 32n) + longest, (409n << 32n) - 1n, 1n << 60n, 4_294_967_296_000_000_000n]) {
      const spans = stampedSpans(corpus, 0, () => time);
      for (const [ordinal, span] of spans.entries()) {
        assert.equal(span.startTimeUnixNano, time + BigInt(corpus.startOffsetNs[ordinal]));
        const place = Number(textOf(span, 'id').split('/')[2]);
        assert.equal(span.endTimeUnixNano - span.startTimeUnixNano, BigInt((7 - place) * 1_700_000_001));
      }
    }
  });

  test(`${encoding}: a round whose numbers do not fit 48 bits is refused`, () => {
    const corpus = corpusOf({ encoding });
    const stamper = createStamper(corpus);
    const last = Math.floor(numberRange / corpus.spans) - 1;
    stamper.stampRequest(0, last, ...wordOf(due));
    assert.equal(numberAt(spansIn(decodeBody(corpus, 0))[0].spanId, 0), last * corpus.spans);
    assert.throws(() => stamper.stampRequest(0, last + 1, ...wordOf(due)), RangeError);
    assert.throws(() => stamper.stampSpan(0, last + 1, ...wordOf(due)), RangeError);
  });
}

test('seconds and nanoseconds of a time in halves are exact', () => {
  const times = [0n, 1n, 999_999_999n, 1_000_000_000n, (1n << 64n) - 1n, due, 0xffff_ffffn, 1n << 32n];
  let step = 1n;
  while (times.length < 5000) {
    step = (step * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) & 0xffff_ffff_ffff_ffffn;
    times.push(step);
  }
  for (const time of times) {
    const [low, high] = wordOf(time);
    assert.equal(BigInt(secondsOf(low, high)), time / 1_000_000_000n);
    assert.equal(BigInt(nanosecondsOf(low, high)), time % 1_000_000_000n);
  }
});
