// The health of a runtime that really runs: what its parts count reaches the judge.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as after } from 'node:timers/promises';
import type { HealthReport } from '../../../src/component/health.ts';
import { createSpanSource } from '../../e2e/support/spans.ts';
import { misbehaving, misbehaviourKey } from './misbehaving.ts';
import { startRuntime } from './runtime-bench.ts';

const source = createSpanSource();

/** Looks at the health now and then, until it fits. */
async function until(health: () => HealthReport, fits: (report: HealthReport) => boolean): Promise<HealthReport> {
  const end = performance.now() + 20_000;
  for (;;) {
    const report = health();
    if (fits(report)) return report;
    assert.ok(performance.now() < end, JSON.stringify(report));
    await after(10);
  }
}

test('a worker that dies makes the pipelines degraded; the service stays ready and alive', async (t) => {
  const bench = await startRuntime(t, { steps: [{ definition: misbehaving }], workers: 2 });
  const { runtime } = bench;
  assert.deepEqual([runtime.health().ready, runtime.health().state], [true, 'ok']);
  await bench.send(source.request(1, { attributes: { [misbehaviourKey]: 'exit' } }).message);
  // It ran twice, and was looked at once a second meanwhile.
  const twice = /^(once|2 times) in 10s a worker died \(2 in all\)$/;
  const report = await until(runtime.health, ({ pipelines }) => twice.test(pipelines[0].reasons[0]?.message ?? ''));
  assert.deepEqual([report.ready, report.live, report.state], [true, true, 'degraded']);
  const [{ cause, component }] = report.pipelines[0].reasons;
  assert.deepEqual([cause, component], ['worker_deaths', 'workers']);
  await bench.settle();
});

test('a drain that is announced makes the service not ready, and takes requests until it begins', async (t) => {
  const bench = await startRuntime(t, { steps: [{ definition: misbehaving }] });
  const { runtime } = bench;
  assert.equal(runtime.announceDrain(), 0, 'nobody asked for a delay');
  assert.deepEqual(
    [runtime.state(), runtime.health().ready, runtime.health().service],
    ['draining', false, 'draining'],
  );
  assert.equal(runtime.announceDrain(), 0);
  assert.equal((await bench.send(source.request(3).message)).kind, 'accepted');
  const { exported } = await bench.settle();
  assert.equal(exported, 3);
  assert.deepEqual([runtime.state(), runtime.health().ready, runtime.health().live], ['stopped', false, true]);
  assert.equal(runtime.announceDrain(), 0);
});
