import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadReportSchema } from '../../../../loadgen/report/schema.ts';
import { renderLoadReport, renderLoadReportSchema } from '../../../../scripts/load-report-doc.ts';
import { failedReport, rampReport, reportWithoutSink, sampleReport } from './sample-report.ts';

const refusal = (report: unknown): string => {
  const result = loadReportSchema.safeParse(report);
  return result.success
    ? 'accepted'
    : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join();
};

test('reports of every kind are what the schema says, and stay so as JSON', () => {
  for (const report of [sampleReport(), failedReport(), rampReport(), reportWithoutSink()]) {
    assert.deepEqual(loadReportSchema.parse(JSON.parse(JSON.stringify(report))), report);
  }
});

for (const [what, change, said] of [
  ['a key that the format does not have', { more: 1 }, /Unrecognized key: "more"/],
  ['another version of the format', { version: 2 }, /version/],
  ['a span count that is no whole number', { requests: { ...sampleReport().requests, sent: 1.5 } }, /requests.sent/],
  [
    'a trace id that is none',
    { examples: { ...sampleReport().examples, lost: [{ traceId: 'x', spanId: '0'.repeat(16) }] } },
    /examples.lost.0.traceId/,
  ],
  ['series that are not equally long', { series: { ...sampleReport().series, refused: [0] } }, /not equally long/],
] as const) {
  test(`a report with ${what} is refused`, () => {
    assert.match(refusal({ ...sampleReport(), ...change }), said);
  });
}

test('a column of the series may be missing as a whole, but not be of another length', () => {
  const { series } = sampleReport();
  assert.equal(refusal({ ...sampleReport(), series: { ...series, arrived: null } }), 'accepted');
  assert.match(refusal({ ...sampleReport(), series: { ...series, arrived: [] } }), /not equally long/);
});

test('every field of the report is documented, with a type and a meaning', () => {
  const rows = renderLoadReport()
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  assert.ok(rows.length > 120, `only ${rows.length} fields`);
  for (const row of rows) assert.match(row, /^\| `[\w.[\]]+` \| .*\w.* \| .*\w.* \|$/);
  const names = rows.map((row) => row.split('`')[1]);
  assert.deepEqual(
    Object.keys(sampleReport()).filter((key) => !names.includes(key)),
    [],
  );
  for (const nested of ['rate.target.from', 'examples.altered[].what', 'ramp[].ackP99Ms', 'ackLatencyMs.p999']) {
    assert.ok(names.includes(nested), nested);
  }
});

test('the JSON Schema requires every field and allows no other', () => {
  const { required, properties, additionalProperties } = JSON.parse(renderLoadReportSchema());
  assert.deepEqual(required, Object.keys(properties));
  assert.deepEqual(Object.keys(properties), Object.keys(loadReportSchema.shape));
  assert.equal(additionalProperties, false);
});

test('docs/load-report.md and docs/load-report.schema.json are what the schema says', () => {
  const script = join(import.meta.dirname, '../../../../scripts/load-report-doc.ts');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});
