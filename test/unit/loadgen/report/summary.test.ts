import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { painter } from '../../../../loadgen/report/colours.ts';
import { renderSummary } from '../../../../loadgen/report/summary.ts';
import { failedReport, rampReport, reportWithoutSink, sampleReport } from './sample-report.ts';

const linesOf = (text: string): string[] => text.split('\n');

test('the verdict is the last line, and the problems stand above it, a line each', () => {
  const lines = linesOf(renderSummary(failedReport()));
  assert.deepEqual(lines.slice(-4), [
    '- 17 spans arrived altered, the first in attribute http.route',
    '- 512 spans arrived more than once',
    'Failed: 1,344 acknowledged spans were lost',
    '',
  ]);
  assert.equal(linesOf(renderSummary(sampleReport())).at(-2), 'Passed: Nothing that was acknowledged was lost');
});

test('the account is a table whose figures end in the same column', () => {
  const lines = linesOf(renderSummary(failedReport()));
  const from = lines.indexOf('Spans') + 1;
  const account = lines.slice(from, lines.indexOf('', from));
  assert.deepEqual(
    account.map((line) =>
      line
        .trim()
        .split(/\s{2,}/)
        .slice(0, 2),
    ),
    [
      ['generated', '660,000'],
      ['acknowledged', '622,680'],
      ['rejected', '37,224'],
      ['failed', '96'],
      ['filtered out', '26,688'],
      ['sampled out', '40,512'],
      ['arrived', '554,136'],
      ['lost', '1,344'],
      ['not acknowledged', '40'],
      ['altered', '17'],
      ['duplicated', '512'],
      ['unexpected', '0'],
      ['foreign', '0'],
      ['malformed', '0'],
    ],
  );
  const ends = account.map((line) => /^.*?[a-z]\s+[\d,]+/.exec(line)?.[0].length);
  assert.equal(new Set(ends).size, 1, account.join('\n'));
});

test('latencies, requests, cost and the steps of a ramp are in it', () => {
  const text = renderSummary(failedReport());
  assert.match(text, /^ {2}acknowledged after +0\.90 ms +1\.08 ms +1\.14 ms +1\.25 ms +431 ms +842 ms$/m);
  assert.match(text, /^ {2}arrived after +4\.60 ms .* 6\.21 s$/m);
  assert.match(text, /^ {2}UNAVAILABLE +15,510 +5\.6%$/m);
  assert.match(text, /^ {2}service +4\.70 µs a span +0\.094 cores +93\.8 MiB at most$/m);
  assert.match(renderSummary(rampReport()), /^ {2}800,000 +688,102 +912 ms +not held: 61,440 spans were refused$/m);
});

test('without a sink it says that arrivals were not counted, and has no line for them', () => {
  const text = renderSummary(reportWithoutSink());
  assert.match(text, /without --sink, what arrived was not counted/);
  assert.doesNotMatch(text, /lost|duplicated|arrived after|service +\d/);
});

test('colours change nothing but colours, and mark what is wrong', () => {
  const painted = renderSummary(failedReport(), painter(true, {}));
  assert.equal(stripVTControlCharacters(painted), renderSummary(failedReport()));
  const isMarked = (label: string) => painted.includes(`\x1b[31m\x1b[1m  ${label} `);
  assert.deepEqual(['lost', 'altered', 'duplicated', 'arrived', 'foreign'].map(isMarked), [
    true,
    true,
    true,
    false,
    false,
  ]);
});

test('a message of the server cannot command the terminal', () => {
  const requests = { ...failedReport().requests, firstFailure: 'no\x1b]0;title\x07\nFailed: not' };
  assert.match(renderSummary(failedReport({ requests })), /^ {2}first failure: no \]0;title Failed: not$/m);
});
