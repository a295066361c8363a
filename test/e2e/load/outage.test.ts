// Half of all exports are refused, and in the middle of it the backend is gone: all that was acknowledged arrives, nothing twice.
// SPANMILL_OUTAGE=whole is the figure of docs/reliability.md: 300,000 spans and 5 seconds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configOf, exportTo, memoryLimiter } from '../support/config.ts';
import { startFront } from '../support/front.ts';
import { assertClean, startService } from '../support/service.ts';
import { patientMs } from './support/pipeline.ts';
import { complaints, freePort, reportFile, startSpanload } from './support/spanload.ts';

const whole = process.env.SPANMILL_OUTAGE === 'whole';
const { rate, seconds, goneMs } = whole
  ? { rate: 20_000, seconds: 15, goneMs: 5000 }
  : { rate: 10_000, seconds: 3, goneMs: 1000 };

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('half of all exports refused and the backend gone for a while: all arrives, and none twice', async (t) => {
  const sinkPort = await freePort();
  const front = await startFront(t, sinkPort);
  const service = await startService(
    t,
    configOf({
      grpc: { max_recv_msg_size_mib: 16 },
      processors: { memory_limiter: memoryLimiter(256), batch: { timeout: '100ms', send_batch_size: 1000 } },
      exporters: { otlp: exportTo(front, { timeout: `${patientMs}ms` }) },
    }),
  );
  const running = startSpanload(t, [
    ...['--endpoint', service.address, '--sink', `127.0.0.1:${sinkPort}`, '--profile', 'collector', '--seed', '5'],
    ...['--rate', String(rate), '--duration', `${seconds}s`, '--wait', '10s', '--connections', '4'],
    ...['--fault', 'refuse=UNAVAILABLE,share=0.5', '--quiet', '--report', reportFile],
  ]);
  // It goes once it has refused: the sink is there, and spans are under way.
  await service.line(({ error = '' }) => String(error).includes('fault'));
  await front.goAway();
  await service.line(({ error = '' }) => String(error).includes('ECONNREFUSED'));
  await after(goneMs);
  await front.comeBack();
  const { report } = await running.ended;
  assert.ok(report !== null);
  const end = await service.end();
  assertClean(end, service);
  const [{ received, exported, failed }] = end.accounts;
  const { acknowledged, arrived, lost, duplicated, altered } = report.spans;
  t.diagnostic(`${acknowledged} acknowledged, ${arrived} arrived, ${duplicated} twice, ${lost} lost`);
  assert.ok(acknowledged >= rate * seconds * 0.95, complaints(report));
  assert.deepEqual(
    { arrived, lost, duplicated, altered },
    { arrived: acknowledged, lost: 0, duplicated: 0, altered: 0 },
  );
  assert.deepEqual([received, exported, failed], [acknowledged, acknowledged, 0]);
  assert.deepEqual(report.verdict.problems, [], complaints(report));
});
