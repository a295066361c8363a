// Traces that end long after the load: what is left of them is sent then, and whoever looks on is told so.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertWell, freePort, reportFile, startSpanload } from './support/spanload.ts';

/** Of the seven spans of a trace one ends at once, the others a minute later. */
const slowTraces = JSON.stringify({
  description: 'one quick span and six slow ones',
  export: { by: 'service', spans: 4, flush: '1s' },
  resources: { shop: { attributes: { 'service.name': 'shop' }, scope: { name: 'shop' } } },
  traces: [{ root: 'visit' }],
  spans: {
    visit: {
      resource: 'shop',
      duration: '1ms',
      // As many bytes as a corpus needs in few traces.
      attributes: { page: 'a page that somebody looks at '.repeat(1800) },
      children: [{ span: 'look' }, { span: 'wait', count: 5, run: 'parallel' }],
    },
    look: { resource: 'shop', duration: '1ms' },
    wait: { resource: 'shop', duration: '60s' },
  },
});
const profile = ['--profile', './slow.yaml', '--report', reportFile, '--seed', '3'];
const files = { './slow.yaml': slowTraces };

async function intoSink(): Promise<readonly string[]> {
  const port = await freePort();
  return ['--endpoint', `127.0.0.1:${port}`, '--sink', `127.0.0.1:${port}`];
}

describe('what ends late', { concurrency: 2 }, () => {
  test('is sent when the load has ended; the progress line says so, and the account names it', async (t) => {
    const load = ['--rate', '600', '--duration', '500ms'];
    const running = startSpanload(t, [...profile, ...load, ...(await intoSink())], files);
    await running.line(/flushing what ends late {2}[\d,]+ spans left {2}.* left$/);
    const { report, stdout } = await running.ended;
    assert.ok(report !== null);
    assertWell({ report });
    const { spans, backlog } = report;
    assert.ok(backlog.flushedSpans > spans.generated / 2, JSON.stringify(backlog));
    assert.equal(backlog.notFlushedSpans, 0);
    assert.deepEqual([spans.acknowledged, spans.arrived], [spans.generated, spans.generated]);
    const [, after] = / generated +[\d,]+ +spans in requests that were sent, ([\d,]+) of them after/.exec(stdout) ?? [];
    assert.equal(Number(after?.replaceAll(',', '')), backlog.flushedSpans);
    // Rates are of the measured time.
    assert.ok(report.durationSeconds < 2 && report.rate.achieved < 1200, `${report.rate.achieved} spans/s`);
  });

  test('is given up soon after Ctrl-C, and the report says why', async (t) => {
    const load = ['--rate', '100', '--duration', '1s'];
    const running = startSpanload(t, [...profile, ...load, ...(await intoSink())], files);
    await running.line(/flushing what ends late/);
    running.signal('SIGINT');
    await running.line(/^interrupted: .* Ctrl-C once more ends it at once, without a report$/);
    const { report, stdout } = await running.ended;
    assert.ok(report !== null);
    assertWell({ report });
    const { spans, backlog, outcome, verdict } = report;
    assert.equal(outcome, 'interrupted');
    assert.ok(backlog.flushedSpans > 0 && backlog.notFlushedSpans > 0, JSON.stringify(backlog));
    assert.equal(spans.generated, spans.acknowledged + spans.failed);
    assert.equal(spans.lost, 0);
    const remark = 'spans of traces that had not ended yet were not sent any more: the run was interrupted';
    assert.ok(verdict.remarks.includes(`${backlog.notFlushedSpans.toLocaleString('en-US')} ${remark}`));
    assert.ok(stdout.includes(remark));
  });
});
