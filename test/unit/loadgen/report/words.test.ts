import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadReport } from '../../../../loadgen/report/schema.ts';
import {
  answerLines,
  arrivalLines,
  faultLines,
  serviceLines,
  targetText,
  timeText,
  verdictOf,
  waitText,
} from '../../../../loadgen/report/words.ts';
import { failedReport, rampReport, reportWithoutSink, sampleReport } from './sample-report.ts';

const whole = sampleReport();
const wrong = (spans: Partial<LoadReport['spans']>, problems = ['something']): LoadReport =>
  sampleReport({ verdict: { ok: false, exitCode: 1, problems, remarks: [] }, spans: { ...whole.spans, ...spans } });
const limited = { ...whole.generator, bottleneck: true, why: 'it kept 0.97 cores busy' };
const atLimit = { ok: false, exitCode: 3, problems: [], remarks: [] };

const verdicts: readonly (readonly [what: string, report: LoadReport, tone: string, headline: string])[] = [
  ['nothing is wrong', whole, 'good', 'Nothing that was acknowledged was lost'],
  ['there was no sink', reportWithoutSink(), 'unsure', 'Every span was acknowledged'],
  ['the run ended early', sampleReport({ outcome: 'interrupted' }), 'unsure', 'Nothing that was acknowledged was lost'],
  ['spans were lost, and more', failedReport(), 'bad', '1,344 acknowledged spans were lost'],
  ['one span was lost', wrong({ lost: 1 }), 'bad', '1 acknowledged span was lost'],
  ['spans were altered', wrong({ altered: 17 }), 'bad', '17 spans arrived altered'],
  ['dropped spans arrived', wrong({ unexpected: 3 }), 'bad', '3 spans arrived that should have been dropped'],
  ['nonsense arrived', wrong({ malformed: 1 }), 'bad', '1 request arrived that cannot be read'],
  ['spans of others arrived', wrong({ foreign: 2 }), 'bad', '2 spans arrived that nobody sent'],
  ['spans arrived twice', wrong({ duplicated: 2 }), 'bad', '2 spans arrived more than once'],
  [
    'repeats were to be expected',
    sampleReport({ spans: { ...whole.spans, duplicated: 2 } }),
    'good',
    'Nothing that was acknowledged was lost',
  ],
  ['nothing was acknowledged', wrong({ acknowledged: 0 }), 'bad', 'No span was acknowledged'],
  ['something else is wrong', wrong({}, ['the server is gone']), 'bad', 'the server is gone'],
  [
    'the generator was the limit',
    sampleReport({ verdict: atLimit, generator: limited }),
    'unsure',
    'The load generator was the limit, not the service',
  ],
  [
    'the generator was the limit, and spans were lost',
    { ...failedReport(), generator: limited },
    'bad',
    '1,344 acknowledged spans were lost',
  ],
  ['a rate was held', rampReport(), 'good', '600,000 spans/s held, and nothing acknowledged was lost'],
  [
    'no rate was held',
    rampReport({ rate: { ...rampReport().rate, held: null } }),
    'unsure',
    'No rate of the ramp was held',
  ],
];
for (const [what, report, tone, headline] of verdicts) {
  test(`the verdict says it when ${what}`, () => {
    const verdict = verdictOf(report);
    assert.deepEqual([verdict.tone, verdict.headline], [tone, headline]);
    assert.ok(!verdict.problems.includes(verdict.headline), 'the headline is said twice');
  });
}

test('why the generator was the limit stands among the problems', () => {
  const { problems } = verdictOf(sampleReport({ verdict: atLimit, generator: limited }));
  assert.deepEqual(problems, ['the generator was the bottleneck: it kept 0.97 cores busy']);
});

test('the fate of the spans is told in a sentence', () => {
  const all = { ...whole.spans, dropped: 0, sampledOut: 0, expected: 660_000, arrived: 660_000 };
  const told = (spans: LoadReport['spans']) => verdictOf(sampleReport({ spans })).summary;
  assert.equal(told(all), 'All 660,000 spans were acknowledged, and all of those arrived, unaltered.');
  assert.equal(told({ ...all, altered: 1 }), 'All 660,000 spans were acknowledged, and all of those arrived.');
  assert.equal(
    told({ ...all, acknowledged: 659_000, rejected: 999, failed: 1, expected: 659_000, arrived: 658_000, lost: 1000 }),
    '659,000 of 660,000 spans were acknowledged, 999 were refused and 1 got no clear answer, and 658,000 of those arrived.',
  );
  assert.match(verdictOf(whole).summary, /592,800 of them were meant to arrive, and all of those did\.$/);
  const rejected = { ...all, arrived: 659_990, rejectedBySink: 10 };
  assert.equal(
    told(rejected),
    'All 660,000 spans were acknowledged, and 659,990 of those arrived; the sink itself refused 10 for good, as --fault asked.',
  );
  const chained = { ...rejected, expected: 659_900, arrived: 659_890, dropped: 100 };
  assert.match(told(chained), /659,900 of them were meant to arrive, and 659,890 did; the sink itself refused 10 for/);
  assert.match(verdictOf(reportWithoutSink()).summary, /There was no sink: whether they arrived was not checked\.$/);
});

test('the lines of the account add up to their totals', () => {
  for (const report of [whole, failedReport()]) {
    for (const [total, ...parts] of [answerLines(report), arrivalLines(report)]) {
      const sum = parts.filter(({ kind }) => kind !== 'aside').reduce((all, { value }) => all + value, 0);
      assert.equal(total.kind, 'total');
      assert.equal(sum, total.value, total.label);
    }
  }
});

test('without a sink there is nothing to say of arrivals', () => {
  assert.deepEqual([...arrivalLines(reportWithoutSink()), ...faultLines(reportWithoutSink())], []);
});

test('repeats are a fault only where the verdict says so', () => {
  const kindOf = (report: LoadReport) => faultLines(report).find(({ label }) => label === 'Duplicated')?.kind;
  assert.equal(kindOf(failedReport()), 'fault');
  assert.equal(kindOf(sampleReport({ spans: { ...whole.spans, duplicated: 9 } })), 'info');
});

test('target and time are said in words', () => {
  const target = (value: LoadReport['rate']['target']) =>
    targetText(sampleReport({ rate: { ...whole.rate, target: value } }));
  assert.deepEqual(
    [target(20_000), target('max'), target({ from: 1000, to: 5000 })],
    ['20,000 spans/s', 'as fast as it was answered', '1,000 to 5,000 spans/s'],
  );
  assert.equal(timeText(whole), '30 s after 3 s of warm-up');
  assert.equal(
    timeText(sampleReport({ warmupSeconds: 0, durationSeconds: 4.2, outcome: 'interrupted' })),
    '4.2 s, ended early',
  );
});

test('what makes figures say less than they seem to stands in the headline, and is no success', () => {
  const remarks = ['the rate was not met: 2,542 of 20,000 spans/s were acknowledged', '12 spans were refused'];
  const report = sampleReport({ verdict: { ok: true, exitCode: 0, problems: [], remarks } });
  const { tone, headline, problems } = verdictOf(report);
  assert.equal(tone, 'unsure');
  assert.equal(headline, `Nothing that was acknowledged was lost, but ${remarks[0]}`);
  assert.deepEqual(problems, [remarks[1]]);
});

test('without a sink the counters of the service can confirm what was acknowledged', () => {
  const report = { ...reportWithoutSink() };
  const { acknowledged } = report.spans;
  const serviceAccount = { accepted: acknowledged, refused: 0, sent: acknowledged, failed: 0 };
  assert.equal(verdictOf(report).tone, 'unsure');
  assert.equal(verdictOf({ ...report, serviceAccount }).tone, 'good');
  assert.match(verdictOf({ ...report, serviceAccount }).headline, /the service says that it sent them all$/);
  assert.equal(verdictOf({ ...report, serviceAccount: { ...serviceAccount, sent: acknowledged - 1 } }).tone, 'unsure');
});

test('what the sink itself rejected has a line of its own, where there is any', () => {
  const labels = (rejectedBySink: number) =>
    arrivalLines(sampleReport({ spans: { ...whole.spans, rejectedBySink } })).map(({ label }) => label);
  assert.ok(!labels(0).includes('Rejected by the sink'));
  assert.ok(labels(10).includes('Rejected by the sink'));
});

test('what the sink refused for good is no fault, and the headline says it', () => {
  const report = sampleReport({
    spans: { ...whole.spans, arrived: (whole.spans.arrived ?? 0) - 10, rejectedBySink: 10 },
    serviceAccount: { accepted: 660_000, refused: 0, sent: 659_990, failed: 10 },
  });
  const { tone, headline } = verdictOf(report);
  assert.deepEqual(
    [tone, headline],
    ['good', 'Nothing that was acknowledged was lost; the sink itself refused 10 for good, as --fault asked'],
  );
  const givenUp = (failed: number) =>
    serviceLines({ ...report, serviceAccount: { accepted: 1, refused: 0, sent: 1, failed } }).at(-1)?.kind;
  assert.deepEqual([givenUp(10), givenUp(11)], ['info', 'fault']);
});

test('of what was generated, those that were sent after the end are named', () => {
  const meaning = (flushedSpans: number) =>
    answerLines({ ...whole, backlog: { ...whole.backlog, flushedSpans } })[0].meaning;
  assert.equal(meaning(0), 'spans in requests that were sent');
  assert.equal(meaning(1234), 'spans in requests that were sent, 1,234 of them after the load had ended');
});

test('a wait for a processor is said where it is worth a word', () => {
  const said = (cpuWaitShare: number | null) => waitText({ cpuWaitShare });
  assert.deepEqual([null, 0, 0.009].map(said), ['', '', '']);
  assert.equal(said(0.123), 'waited for a processor 12.3% of the time');
});
