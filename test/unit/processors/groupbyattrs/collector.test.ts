// Groups as Collector 0.155 made them (record.ts), in its order.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { groupbyattrs } from '../../../../src/processors/groupbyattrs/index.ts';
import { stageOf } from '../attributes/run-chain.ts';
import { configs, requestFor, rowsOf } from './corpus.ts';

const recorded = JSON.parse(
  readFileSync(process.env.RECORDED ?? new URL('collector.json', import.meta.url), 'utf8'),
) as {
  readonly seed: number;
  readonly count: number;
  readonly results: readonly { readonly resources: number; readonly scopes: number; readonly sha256: string }[];
};
const request = requestFor(recorded.seed, recorded.count);

test('the recorded results belong to these configurations', () => {
  assert.equal(recorded.results.length, configs.length);
});

configs.forEach((config, i) => {
  test(`${JSON.stringify(config)}: groups as the Collector does`, () => {
    const { resourceSpans } = stageOf([groupbyattrs, config]).run(request);
    const rows = rowsOf({ resourceSpans });
    assert.deepEqual(
      {
        resources: resourceSpans.length,
        scopes: resourceSpans.flatMap(({ scopeSpans }) => scopeSpans).length,
        sha256: createHash('sha256').update(rows.join('\n\n')).digest('hex'),
      },
      recorded.results[i],
      rows.join('\n\n'),
    );
  });
});
