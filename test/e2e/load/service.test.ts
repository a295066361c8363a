// spanload against the real service, with a chain that filters, changes and samples: the account balances span by span, agrees
// with what the service says of itself, and shows when the chain is not what was expected.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { assertClean, startService } from '../support/service.ts';
import { chainTo, expectationOf, type Sampling } from './support/pipeline.ts';
import { assertWell, freePort, measured, shopFile } from './support/spanload.ts';

/** `expected`: what spanload is told of the chain that samples so. */
async function throughChain(t: TestContext, sampling: Sampling, expected: object, load: readonly string[]) {
  const sinkPort = await freePort();
  const service = await startService(t, chainTo(sinkPort, sampling));
  const ends = ['--endpoint', service.address, '--sink', `127.0.0.1:${sinkPort}`, '--expect', 'expect.yaml'];
  const run = await measured(t, [...ends, ...load], { 'expect.yaml': JSON.stringify(expected) });
  const end = await service.end();
  assertClean(end, service);
  const [account, ...others] = end.accounts;
  assert.deepEqual(others, []);
  return { run, report: run.report, account };
}

const kept: Sampling = { percentage: 40, mode: 'hash_seed', hash_seed: 22 };

describe('against the service', { concurrency: 2 }, () => {
  const cases: readonly (readonly [profile: string, sampling: Sampling, rate: number])[] = [
    ['gateway', { percentage: 35, mode: 'hash_seed', hash_seed: 7 }, 3000],
    ['collector', { percentage: 12.5, mode: 'proportional' }, 8000],
    ['prompt', { percentage: 60, mode: 'equalizing' }, 250],
    ['mixed', { percentage: 25, mode: 'hash_seed' }, 3000],
  ];
  for (const [profile, sampling, rate] of cases) {
    test(`every span of ${profile} is accounted for, with ${sampling.mode}`, async (t) => {
      const load = ['--profile', profile, '--rate', String(rate), '--duration', '1500ms', '--seed', '11'];
      const { run, report, account } = await throughChain(t, sampling, expectationOf(sampling), load);
      assertWell(run);
      const { spans } = report;
      assert.ok(spans.acknowledged >= rate);
      assert.equal(spans.acknowledged, spans.generated);
      const { dropped, sampledOut, expected } = spans;
      assert.ok(dropped !== null && sampledOut !== null && expected !== null);
      assert.ok(dropped > 0 && sampledOut > 0 && expected > 0, JSON.stringify(spans));
      assert.equal(expected + dropped + sampledOut, spans.acknowledged);
      assert.equal(spans.arrived, expected);
      for (const none of ['lost', 'unexpected', 'altered', 'duplicated', 'foreign', 'malformed'] as const) {
        assert.equal(spans[none], 0, none);
      }
      // The service has counted the same.
      assert.equal(account.received, spans.acknowledged);
      assert.equal(account.dropped, dropped + sampledOut);
      assert.equal(account.exported, spans.arrived);
    });
  }
});

describe('an expectation that is not what the chain does', { concurrency: 2 }, () => {
  const right = expectationOf(kept);
  const load = ['--profile', shopFile, '--rate', '1200', '--duration', '500ms', '--seed', '5', '--wait', '300ms'];

  test('shows what is sampled beyond it as lost', async (t) => {
    const { report } = await throughChain(t, kept, { ...right, sampling: { ...kept, percentage: 70 } }, load);
    assert.ok((report.spans.lost ?? 0) > 50, JSON.stringify(report.spans));
    assert.equal(report.spans.unexpected, 0);
    assert.equal(report.spans.altered, 0);
    assert.deepEqual(report.verdict.problems, [`${report.spans.lost} acknowledged spans never arrived`]);
    assert.equal(report.verdict.exitCode, 1);
  });

  test('shows what is kept beyond it as unexpected', async (t) => {
    const { report } = await throughChain(t, kept, { ...right, sampling: { ...kept, percentage: 10 } }, load);
    assert.ok((report.spans.unexpected ?? 0) > 50, JSON.stringify(report.spans));
    assert.equal(report.examples.unexpected.length, report.spans.unexpected);
    assert.equal(report.spans.lost, 0);
    assert.equal(report.spans.altered, 0);
    assert.deepEqual(report.verdict.problems, [
      `${report.spans.unexpected} spans arrived that the pipeline was to drop`,
    ]);
  });

  test('shows filters that it does not know, and changes that it does not know', async (t) => {
    const [, , , , south] = right.dropped;
    const spans = {
      ...right.spans,
      removed: ['server.address', 'network.peer.*'],
      added: { 'deployment.environment': 'prod' },
    };
    const wrong = { dropped: [south, { name: 'stock' }], spans, sampling: kept };
    const { report, account } = await throughChain(t, kept, wrong, load);
    const { lost, unexpected, altered } = report.spans;
    // Every span that arrives has the wrong environment. Receipts are filtered, and were not to be; the queries of the stock the
    // other way round: those that the sampler keeps, of as many traces.
    assert.equal(altered, account.exported);
    assert.ok(lost !== null && lost > 20);
    assert.equal(unexpected, lost);
    const whats = new Map<string, number>();
    for (const { what } of report.examples.altered) whats.set(what, (whats.get(what) ?? 0) + 1);
    const value = 'attribute deployment.environment: not the value to be added';
    assert.deepEqual([...whats.keys()].sort(), [value]);
    assert.equal(report.verdict.problems.length, 3);
    assert.equal(report.verdict.exitCode, 1);
  });
});
