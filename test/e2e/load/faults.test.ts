// The faults of the sink, with the real service between: what the service has acknowledged it brings through all of them.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { assertClean, startService } from '../support/service.ts';
import { exportTimeoutMs, passThroughTo, patientMs } from './support/pipeline.ts';
import { assertWell, freePort, measured, shopFile, undisturbed } from './support/spanload.ts';

interface Setting {
  /** Spans a second. */
  readonly rate?: number;
  /** How long the service waits for an answer. */
  readonly timeoutMs?: number;
  /** How long the service tries again. */
  readonly giveUpAfter?: string;
}

async function withFaults(t: TestContext, faults: readonly string[], setting: Setting = {}) {
  const { rate = 240, timeoutMs, giveUpAfter } = setting;
  const sinkPort = await freePort();
  const service = await startService(t, passThroughTo(sinkPort, timeoutMs, giveUpAfter));
  const ends = ['--endpoint', service.address, '--sink', `127.0.0.1:${sinkPort}`];
  const load = ['--profile', shopFile, '--rate', String(rate), '--duration', '1s', '--wait', '1s', '--seed', '77'];
  const run = await measured(t, [...ends, ...load, ...faults.flatMap((fault) => ['--fault', fault])]);
  const end = await service.end();
  assertClean(end, service);
  const [account] = end.accounts;
  assert.equal(account.received, run.report.spans.acknowledged);
  const retries = service.lines.filter(({ msg }) => msg === 'export failed, will try again').length;
  return { run, report: run.report, account, retries };
}

describe('with the service between', { concurrency: 3 }, () => {
  /** `retries`: whether the service has to try again; `atLeastMs`: that the last span takes. */
  const kinds: readonly (Setting & {
    readonly fault: string;
    readonly retries: boolean;
    readonly duplicates?: boolean;
    readonly atLeastMs?: number;
  })[] = [
    { fault: 'delay=100ms', retries: false },
    // Taken, and answered when the service does not wait any more: it comes again.
    { fault: `delay=${exportTimeoutMs * 2}ms,share=0.2`, retries: true, duplicates: true },
    { fault: 'refuse=UNAVAILABLE,share=0.3', retries: true },
    { fault: 'refuse=RESOURCE_EXHAUSTED,retry=150ms,share=0.3', retries: true, atLeastMs: 150 },
    { fault: 'refuse=UNAVAILABLE,between=200ms..700ms', retries: true, atLeastMs: 200 },
    { fault: 'stall,share=0.15', retries: true, atLeastMs: exportTimeoutMs },
    { fault: 'reset,share=0.1', retries: true },
    // 15 requests of some 57 KB a second are more than is read; with little patience all would be sent again and again.
    { fault: 'slow=512KiB/s', retries: false, atLeastMs: 200, rate: 60, timeoutMs: 10_000 },
  ];
  for (const { fault, retries, duplicates = false, atLeastMs = 0, ...setting } of kinds) {
    test(`--fault ${fault} loses nothing`, async (t) => {
      const result = await withFaults(t, [fault], setting);
      assertWell(result.run);
      const { spans, endToEndLatencyMs, faults } = result.report;
      assert.deepEqual(faults, [fault]);
      assert.ok(spans.acknowledged >= 50);
      assert.equal(spans.arrived, spans.acknowledged);
      assert.equal(spans.lost, 0);
      assert.equal(spans.altered, 0);
      assert.equal(result.account.exported, spans.arrived);
      if (retries) assert.ok(result.retries > 0, 'the fault did not happen');
      if (duplicates) assert.ok((spans.duplicated ?? 0) > 0, 'nothing came twice');
      assert.ok((endToEndLatencyMs?.max ?? 0) >= atLeastMs, `${endToEndLatencyMs?.max} ms`);
    });
  }

  test('several faults at once lose nothing', async (t) => {
    const result = await withFaults(t, ['reset,share=0.05', 'refuse=UNAVAILABLE,share=0.2', 'delay=20ms,share=0.5']);
    assertWell(result.run);
    assert.ok(result.retries > 0);
    assert.equal(result.report.spans.arrived, result.report.spans.acknowledged);
  });

  const patient: Setting = { timeoutMs: patientMs };
  for (const fault of [
    'partial=2,share=0.5',
    'refuse=INVALID_ARGUMENT,between=200ms..700ms',
    'refuse=401,between=200ms..600ms',
  ]) {
    test(`what the sink refuses for good by ${fault} is not the loss of the service`, async (t) => {
      // A generator that was late proves nothing, and then that is what is said.
      const { run, report, account } = await undisturbed(
        () => withFaults(t, [fault], patient),
        (one) => !one.report.generator.bottleneck,
      );
      assert.ok(account.failed > 0, 'the fault did not happen');
      assert.equal(report.spans.arrived, report.spans.acknowledged - account.failed);
      assert.equal(report.spans.lost, 0);
      assert.equal(report.spans.rejectedBySink, account.failed);
      assert.deepEqual(report.examples.lost, []);
      assertWell({ report });
      assert.match(run.stdout, /^ {2}rejected by the sink +\d+ .* no loss of the service$/m);
      const said = report.generator.bottleneck
        ? /^Not proven: /
        : /the sink itself refused \d+ for good, as --fault asked/;
      assert.match(run.stdout.trimEnd().split('\n').at(-1) ?? '', said);
    });
  }

  // A service may answer a refusal by sending the batch again in parts, or with less in its spans.
  for (const fault of ['refuse=INVALID_ARGUMENT,share=0.3', 'refuse=RESOURCE_EXHAUSTED,share=0.3']) {
    test(`what comes in spite of ${fault} has come, and what does not is what the service had to give up`, async (t) => {
      const { report, account } = await withFaults(t, [fault], patient);
      assert.ok(report.spans.acknowledged >= 50);
      assert.equal(report.spans.arrived, report.spans.acknowledged - account.failed);
      assert.equal(report.spans.rejectedBySink, account.failed);
      assert.deepEqual([report.spans.lost, report.spans.duplicated], [0, 0]);
    });
  }

  test('what the service gives up although the sink would have it later is its loss', async (t) => {
    const { report, account } = await withFaults(t, ['refuse=UNAVAILABLE'], { giveUpAfter: '300ms' });
    assert.ok(account.failed > 0, 'nothing was given up');
    assert.equal(report.spans.lost, report.spans.acknowledged);
    assert.equal(report.spans.rejectedBySink, 0);
    assert.equal(report.verdict.exitCode, 1);
  });
});
