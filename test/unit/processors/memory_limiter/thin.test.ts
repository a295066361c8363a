// Thinning as it stands in a chain: against the probabilistic sampler at the same threshold, and in its own rules.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseThreshold, probabilityOf } from '../../../../src/component/sampling/threshold.ts';
import { parseTraceState } from '../../../../src/component/sampling/trace-state.ts';
import { memoryLimiter } from '../../../../src/processors/memory_limiter/index.ts';
import { probabilisticSampler } from '../../../../src/processors/probabilistic_sampler/index.ts';
import type { Span } from '../../../../src/wire/reference/messages.ts';
import { numberOf, requestOf, spanOf, spansOf, stageOf } from '../attributes/run-chain.ts';
import { spansFor } from '../probabilistic_sampler/inputs.ts';

const sampling = { check_interval: '1s', limit_mib: 10, overload: 'sample' };
const thinner = () => stageOf([memoryLimiter, sampling]);

const low = '000000000000000000'; // the bytes of a trace id before the random ones
const hexSpan = (number: number, random: string, fields: Partial<Span> = {}): Span =>
  spanOf(number, { traceId: Buffer.from(low + random, 'hex'), ...fields });
const states = (spans: readonly Span[]) => spans.map((span) => [numberOf(span), span.traceState] as const);

/** Of all kinds of tracestate and trace id, but none that is forced by an attribute, which thinning does not heed. */
const inputs = (seed: number, count: number): Span[] =>
  spansFor(seed, count).map((span) => ({
    ...span,
    attributes: span.attributes.filter(({ key }) => key !== 'sampling.priority'),
  }));

test('at each rate it gives what probabilistic_sampler gives in mode equalizing at that percentage', () => {
  const spans = inputs(11, 2000);
  const stage = thinner();
  for (let halvings = 1; halvings <= 6; halvings++) {
    const sampler = stageOf([
      probabilisticSampler,
      { mode: 'equalizing', fail_closed: false, sampling_percentage: 100 / 2 ** halvings },
    ]);
    stage.chain.halvings = halvings;
    const thinned = stage.run(requestOf(spans));
    const sampled = sampler.run(requestOf(spans));
    assert.ok(spansOf(thinned).length > 0 && spansOf(thinned).length < spans.length);
    assert.deepEqual(states(spansOf(thinned)), states(spansOf(sampled)));
  }
});

test('while nothing is to be thinned every span passes as it came', () => {
  const spans = inputs(3, 500);
  const stage = thinner();
  assert.deepEqual(states(spansOf(stage.run(requestOf(spans)))), states(spans));
  assert.deepEqual(stage.counts(), {});
});

test('what is kept at a rate is kept at each higher one', () => {
  const spans = inputs(5, 3000);
  const stage = thinner();
  let before = new Set(spans.map(numberOf));
  for (let halvings = 1; halvings <= 6; halvings++) {
    stage.chain.halvings = halvings;
    const kept = new Set(spansOf(stage.run(requestOf(spans))).map(numberOf));
    assert.ok(
      [...kept].every((number) => before.has(number)),
      `${halvings} halvings`,
    );
    assert.ok(kept.size < before.size);
    before = kept;
  }
});

test('the threshold is written exactly; a higher one that is there stays, and rv decides where there is one', () => {
  const stage = thinner();
  stage.chain.halvings = 2;
  const spans = [
    hexSpan(0, 'c0000000000000'),
    hexSpan(1, 'bfffffffffffff'),
    hexSpan(2, 'd0000000000000', { traceState: 'ot=th:8,vendor=1' }),
    hexSpan(3, 'f8000000000000', { traceState: 'ot=th:f8;k:v' }),
    hexSpan(4, '00000000000001', { traceState: 'ot=rv:c0000000000001' }),
    hexSpan(5, 'ffffffffffffff', { traceState: 'ot=rv:b0000000000001' }),
  ];
  assert.deepEqual(states(spansOf(stage.run(requestOf(spans)))), [
    [0, 'ot=th:c'],
    [2, 'ot=th:c,vendor=1'],
    [3, 'ot=th:f8;k:v'],
    [4, 'ot=rv:c0000000000001;th:c'],
  ]);
  assert.deepEqual(stage.counts(), { 'dropped overload': 2, 'metric true': 4, 'metric false': 2 });
});

test('what cannot be decided on is kept, and says that it stands for itself where that can be said', () => {
  const stage = thinner();
  stage.chain.halvings = 6;
  const spans = [
    spanOf(0, { traceId: new Uint8Array(16) }),
    hexSpan(1, '10000000000000', { traceState: 'ot=th:8' }),
    hexSpan(2, '10000000000000', { traceState: '=;' }),
  ];
  assert.deepEqual(states(spansOf(stage.run(requestOf(spans)))), [
    [0, 'ot=th:0'],
    [1, 'ot=th:0'],
    [2, '=;'],
  ]);
  assert.equal(stage.chain.takeWarnings()[0]?.count, 1);
});

test('an attribute that forces a span in or out of a sampler has no effect', () => {
  const stage = thinner();
  stage.chain.halvings = 1;
  const forced = (intValue: bigint) => [{ key: 'sampling.priority', value: { intValue }, keyStrindex: 0 }];
  const spans = [
    hexSpan(0, '10000000000000', { attributes: forced(1n) }),
    hexSpan(1, 'f0000000000000', { attributes: forced(0n) }),
  ];
  assert.deepEqual(states(spansOf(stage.run(requestOf(spans)))), [[1, 'ot=th:8']]);
});

test('the spans that stay stand for as many as came', () => {
  const stage = thinner();
  const random = (i: number): string => ((i * 0x9e3779b1) % 0x1_0000_0000).toString(16).padStart(8, '0');
  const spans = Array.from({ length: 8192 }, (_, i) => hexSpan(i, `${random(i + 1)}000001`));
  for (const halvings of [1, 3, 5]) {
    stage.chain.halvings = halvings;
    let stoodFor = 0;
    for (const { traceState } of spansOf(stage.run(requestOf(spans)))) {
      const threshold = parseThreshold(parseTraceState(traceState).th);
      assert.ok(threshold !== null);
      stoodFor += 1 / probabilityOf(threshold);
    }
    assert.ok(Math.abs(stoodFor / spans.length - 1) < 0.05, `${stoodFor} for ${spans.length}`);
  }
});
