import assert from 'node:assert/strict';
import { test } from 'node:test';
import { percentileChart, timeCharts } from '../../../../loadgen/report/charts.ts';
import type { LoadReport } from '../../../../loadgen/report/schema.ts';
import { failedReport, reportWithoutSink, sampleReport } from './sample-report.ts';

const whole = sampleReport();
const labels = (report: LoadReport) =>
  Object.fromEntries(timeCharts(report).map(({ id, lines }) => [id, lines.map(({ label }) => label)]));

test('a percentile stands where the share of what is slower shrinks evenly: 90%, 99% and 99.9% one apart', () => {
  const ack: [number, number][] = [
    [0, 1],
    [50, 2],
    [90, 3],
    [99, 4],
    [99.9, 5],
    [100, 6],
  ];
  const chart = percentileChart(sampleReport({ percentileCurve: { ack, endToEnd: [] } }));
  assert.ok(chart !== null && whole.ackLatencyMs !== null);
  const marks = [0, Math.log10(2), 1, 2, 3, Math.log10(whole.ackLatencyMs.count)];
  assert.equal(chart.x.length, marks.length);
  for (const [i, mark] of marks.entries())
    assert.ok(Math.abs(chart.x[i] - mark) < 1e-9, `${chart.x[i]} is not ${mark}`);
  assert.deepEqual(
    chart.lines.map(({ values }) => values),
    [[1, 2, 3, 4, 5, 6]],
  );
});

test('the maximum of few values stands at the last percentile, not left of it', () => {
  const few = { ...sampleReport().lateness, count: 3 };
  const chart = percentileChart(
    sampleReport({
      ackLatencyMs: few,
      percentileCurve: {
        ack: [
          [99.9, 1],
          [100, 2],
        ],
        endToEnd: [],
      },
    }),
  );
  assert.equal(chart?.x.length, 1);
  assert.deepEqual(chart?.lines[0].values, [2]);
});

test('two curves share an axis and leave out where the other alone has points', () => {
  const chart = percentileChart(
    sampleReport({
      percentileCurve: {
        ack: [
          [50, 1],
          [90, 2],
        ],
        endToEnd: [[90, 20]],
      },
    }),
  );
  assert.deepEqual(
    chart?.lines.map(({ values }) => values),
    [
      [1, 2],
      [null, 20],
    ],
  );
});

test('latencies that lie far apart get a logarithmic axis, others do not', () => {
  assert.equal(percentileChart(whole)?.logarithmic, false);
  assert.equal(percentileChart(failedReport())?.logarithmic, true);
  const logarithmic = (report: LoadReport) => timeCharts(report).filter((chart) => chart.logarithmic);
  assert.deepEqual(logarithmic(whole), []);
  assert.deepEqual(
    logarithmic(failedReport()).map(({ id }) => id),
    ['latency'],
  );
});

test('every chart has as many values on each line as on its x axis, and says in words what it shows', () => {
  const charts = [percentileChart(whole), ...timeCharts(whole)];
  assert.equal(charts.length, 7);
  for (const chart of charts) {
    assert.ok(chart !== null);
    for (const { values, label } of chart.lines) assert.equal(values.length, chart.x.length, `${chart.id} ${label}`);
    assert.match(chart.description, /\d.*\.$/, chart.id);
  }
});

test('what was not measured is not drawn', () => {
  assert.deepEqual(labels(reportWithoutSink()), {
    rate: ['Sent', 'Acknowledged', 'Refused'],
    latency: ['Ack p50', 'Ack p99'],
    'in-flight': ['In flight'],
    lateness: ['Latest request'],
  });
  assert.deepEqual(labels(whole).rate, ['Sent', 'Acknowledged', 'Arrived', 'Refused']);
  assert.equal(percentileChart(sampleReport({ percentileCurve: { ack: [], endToEnd: [] } })), null);
  const none = Object.fromEntries(Object.keys(whole.series).map((key) => [key, []]));
  assert.deepEqual(timeCharts(sampleReport({ series: { ...whole.series, ...none } })), []);
});
