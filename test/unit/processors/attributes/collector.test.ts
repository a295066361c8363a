// Results as Collector 0.155 gave them (record-attributes.ts), for every action, every type of value and every matcher.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { attributes } from '../../../../src/processors/attributes/index.ts';
import { type Differences, differences } from './differences.ts';
import { configs, headers, resource, spansFor } from './inputs.ts';
import { requestOf, stageOf } from './run-chain.ts';

const recorded = JSON.parse(readFileSync(new URL('collector.json', import.meta.url), 'utf8')) as {
  readonly seed: number;
  readonly count: number;
  readonly differences: readonly Differences[];
};
const request = requestOf(spansFor(recorded.seed, recorded.count), resource);

test('the recorded results belong to these configurations, and most change something', () => {
  assert.equal(recorded.differences.length, configs.length);
  const changing = recorded.differences.filter((spans) => spans.some((changes) => changes.length > 0));
  assert.ok(changing.length > configs.length * 0.8);
});

configs.forEach((config, i) => {
  test(`${JSON.stringify(config).slice(0, 150)}: the Collector's attributes`, () => {
    const stage = stageOf([attributes, withValues(config)]);
    stage.chain.metadata = Object.fromEntries(
      Object.entries(headers).map(([key, value]) => [key.toLowerCase(), [value]]),
    );
    assert.deepEqual(differences(request, stage.run(request)), recorded.differences[i]);
  });
});

/** JSON has one kind of number; the loader gives an integer as bigint where any value may stand. */
function withValues(config: unknown): unknown {
  if (typeof config === 'number' && Number.isInteger(config)) return BigInt(config);
  if (Array.isArray(config)) return config.map(withValues);
  if (typeof config !== 'object' || config === null) return config;
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, withValues(value)]));
}
