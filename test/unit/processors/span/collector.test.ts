// Results as Collector 0.155 gave them (record-span.ts): names from attributes, attributes from names, the status, selection.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { span } from '../../../../src/processors/span/index.ts';
import { resource } from '../attributes/inputs.ts';
import { requestOf, stageOf } from '../attributes/run-chain.ts';
import { type Changes, changes } from './changes.ts';
import { configs, spansFor } from './inputs.ts';

const recorded = JSON.parse(readFileSync(new URL('collector.json', import.meta.url), 'utf8')) as {
  readonly seed: number;
  readonly count: number;
  readonly changes: readonly Changes[];
};
const request = requestOf(spansFor(recorded.seed, recorded.count), resource);

test('the recorded results belong to these configurations, and most change something', () => {
  assert.equal(recorded.changes.length, configs.length);
  const changing = recorded.changes.filter((spans) => spans.some((one) => Object.keys(one).length > 0));
  assert.ok(changing.length > configs.length * 0.8);
});

configs.forEach((config, i) => {
  test(`${JSON.stringify(config).slice(0, 150)}: the Collector's spans`, () => {
    assert.deepEqual(changes(request, stageOf([span, config]).run(request)), recorded.changes[i]);
  });
});
