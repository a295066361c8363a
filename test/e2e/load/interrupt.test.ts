// Ctrl-C in the middle of a run: a complete report of what there was. A second one: the end.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type Answer, type OtlpServer, ok, startGrpcServer } from './support/otlp-server.ts';
import {
  assertWell,
  freePort,
  type Run,
  type Running,
  reportFile,
  shopFile,
  startSpanload,
} from './support/spanload.ts';

const minutes = ['--profile', shopFile, '--rate', '200', '--duration', '3m', '--report', reportFile];
/** Far less than any of these runs was to last. */
const soonMs = 15_000;

async function intoItsSink(t: TestContext, more: readonly string[] = []): Promise<Running> {
  const port = await freePort();
  return startSpanload(t, [...minutes, '--endpoint', `127.0.0.1:${port}`, '--sink', `127.0.0.1:${port}`, ...more]);
}

/** The report of a run that ended early and in which all that was sent arrived. */
function assertComplete(run: Run): void {
  const { report } = run;
  assert.ok(report !== null, `no report: ${run.stderr}`);
  assertWell({ report });
  assert.equal(run.code, report.verdict.exitCode);
  assert.equal(report.outcome, 'interrupted');
  const { spans, requests } = report;
  assert.ok(spans.generated > 0);
  assert.equal(spans.generated, spans.acknowledged);
  assert.equal(spans.arrived, spans.acknowledged);
  assert.deepEqual(requests.byStatus, { OK: requests.sent });
  assert.match(run.stdout, /ended early/);
  assert.ok(run.elapsedMs < soonMs, `it took ${run.elapsedMs} ms`);
}

describe('a run that is interrupted', { concurrency: 3 }, () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`by ${signal} accounts for all that was sent until then`, async (t) => {
      const running = await intoItsSink(t);
      await running.line(/spans\/s/);
      running.signal(signal);
      const run = await running.ended;
      assertComplete(run);
      assert.ok(run.report !== null && run.report.durationSeconds >= 0.5 && run.report.durationSeconds < 15);
    });
  }

  test('while it warms up accounts for what was sent to warm up', async (t) => {
    const running = await intoItsSink(t, ['--warmup', '2m']);
    await running.line(/warm-up .*spans\/s/);
    running.signal('SIGINT');
    const { report, stdout, elapsedMs } = await running.ended;
    assert.ok(report !== null);
    assert.equal(report.outcome, 'interrupted');
    assert.equal(report.spans.lost, 0);
    assert.equal(report.spans.arrived, report.spans.acknowledged);
    assert.ok(report.spans.acknowledged > 0);
    assert.match(stdout, /ended early/);
    assert.ok(elapsedMs < soonMs);
  });

  test('while it climbs a ramp has the steps that it had made', async (t) => {
    const running = await intoItsSink(t, ['--rate', '100..100000', '--duration', '400ms']);
    await running.line(/spans\/s/);
    running.signal('SIGINT');
    const run = await running.ended;
    assertComplete(run);
    const steps = run.report?.ramp ?? [];
    assert.ok(steps.length >= 1, JSON.stringify(steps));
  });

  test('before anything was sent ends with a report that says so', async (t) => {
    let running: Running | null = null;
    const server: OtlpServer = await startGrpcServer(t, () => ok);
    server.onConnection(() => running?.signal('SIGINT'));
    running = startSpanload(t, [...minutes, '--endpoint', `127.0.0.1:${server.port}`]);
    const { report, code, stderr, elapsedMs } = await running.ended;
    assert.ok(report !== null, stderr);
    assert.equal(report.outcome, 'interrupted');
    assert.equal(code, report.verdict.exitCode);
    assert.ok(report.spans.generated < 40);
    assert.ok(elapsedMs < soonMs);
  });

  test('twice ends at once, whatever the server has not answered', async (t) => {
    const answer: Answer = { kind: 'none' };
    const server = await startGrpcServer(t, () => answer);
    const running = startSpanload(t, [...minutes, '--timeout', '5m', '--endpoint', `127.0.0.1:${server.port}`]);
    await running.line(/spans\/s/);
    running.signal('SIGINT');
    await running.line(/waiting/);
    const began = performance.now();
    running.signal('SIGINT');
    const { signal, code, report } = await running.ended;
    assert.ok(signal === 'SIGINT' || code === 130, `${signal} ${code}`);
    assert.equal(report, null);
    assert.ok(performance.now() - began < 3000);
  });

  test('by a kill that it cannot hear takes its processes with it', async (t) => {
    const running = await intoItsSink(t);
    await running.line(/spans\/s/);
    running.signal('SIGKILL');
    const { signal } = await running.ended;
    assert.equal(signal, 'SIGKILL');
  });
});
