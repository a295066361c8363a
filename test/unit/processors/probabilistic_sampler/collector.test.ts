// Decisions and tracestates as Collector 0.155 gave them (record.ts), for every mode.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { probabilisticSampler } from '../../../../src/processors/probabilistic_sampler/index.ts';
import { numberOf, requestOf, spansOf, stageOf } from '../attributes/run-chain.ts';
import { configs, spansFor } from './inputs.ts';

const recorded = JSON.parse(
  readFileSync(process.env.RECORDED ?? new URL('collector.json', import.meta.url), 'utf8'),
) as {
  readonly seed: number;
  readonly count: number;
  readonly traceStates: readonly (readonly (string | null)[])[];
};
const spans = spansFor(recorded.seed, recorded.count);

test('the recorded results belong to these configurations', () => {
  assert.equal(recorded.traceStates.length, configs.length);
});

configs.forEach((config, i) => {
  test(`${JSON.stringify(config)}: keeps the Collector's spans and writes its tracestates`, () => {
    const output = spansOf(stageOf([probabilisticSampler, config]).run(requestOf(spans)));
    const kept = new Map(output.map((span) => [numberOf(span), span.traceState]));
    for (const [n, span] of spans.entries()) {
      const shown = `${Buffer.from(span.traceId).toString('hex')} "${span.traceState}" ${String(Object.values(span.attributes[0]?.value ?? {}))}`;
      assert.equal(kept.get(n) ?? null, recorded.traceStates[i][n], shown);
    }
  });
});
