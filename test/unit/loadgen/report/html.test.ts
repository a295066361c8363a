import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { renderHtml } from '../../../../loadgen/report/html.ts';
import { escapeText, markup, scriptJson } from '../../../../loadgen/report/markup.ts';
import type { LoadReport } from '../../../../loadgen/report/schema.ts';
import { failedReport, rampReport, reportWithoutSink, sampleReport } from './sample-report.ts';

const page = renderHtml(sampleReport());
/** What is read: no scripts, no styles, no tags. */
const textOf = (html: string): string =>
  html
    .replaceAll(/<(script|style)[^>]*>.*?<\/\1>/gs, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
const embedded = (html: string): LoadReport =>
  JSON.parse(/<script type="application\/json" id="report">(.*?)<\/script>/s.exec(html)?.[1] ?? '');

test('values in markup are escaped, lists joined, and nothing is nothing', () => {
  const name = '<b a="1">&\'';
  assert.equal(escapeText(name), '&lt;b a=&quot;1&quot;&gt;&amp;&#39;');
  assert.equal(
    markup`<p title="${name}">${[1, markup`<i>${'<'}</i>`, null]}</p>`.html,
    `<p title="${escapeText(name)}">1<i>&lt;</i></p>`,
  );
});

test('JSON in a script element reads back as it was, and cannot end the element', () => {
  const value = { text: '</script><!--\u2028\u2029', more: ['<script>'] };
  const { html } = scriptJson(value);
  assert.doesNotMatch(html, /[<\u2028\u2029]/);
  assert.deepEqual(JSON.parse(html), value);
});

test('the page holds the whole report', () => {
  for (const report of [sampleReport(), failedReport(), rampReport(), reportWithoutSink()]) {
    assert.deepEqual(embedded(renderHtml(report)), report);
  }
});

test('the page refers to nothing outside of itself', () => {
  const references = [...page.matchAll(/\s(?:src|href|action|poster|srcset)\s*=\s*"([^"]*)"/g)].map(([, to]) => to);
  assert.deepEqual(references, ['data:,']);
  assert.doesNotMatch(page, /@import|url\(/);
});

test('only the scripts and styles that stand in the page are allowed to act', () => {
  const policy =
    /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1].replaceAll('&#39;', "'") ?? '';
  const hashes = (element: string) =>
    [...page.matchAll(new RegExp(`<${element}>(.*?)</${element}>`, 'gs'))].map(
      ([, text]) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
    );
  assert.equal(hashes('script').length, 2);
  assert.equal(hashes('style').length, 3);
  assert.deepEqual(policy.split('; ').slice(0, 3), [
    "default-src 'none'",
    `script-src ${hashes('script').join(' ')}`,
    `style-src ${hashes('style').join(' ')}`,
  ]);
});

test('texts of a report never become markup, wherever they come from', () => {
  const evil = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>';
  const report = failedReport({
    profile: evil,
    endpoint: evil,
    command: ['spanload', evil],
    faults: [evil],
    machine: { cpu: evil, cores: 1, kernel: evil, node: evil },
    verdict: { ok: false, exitCode: 1, problems: [evil], remarks: [] },
    requests: { ...failedReport().requests, byStatus: { [evil]: 1 }, firstFailure: evil },
    examples: {
      ...failedReport().examples,
      altered: [{ traceId: '0'.repeat(32), spanId: '0'.repeat(16), what: evil }],
    },
    generator: { ...sampleReport().generator, bottleneck: true, why: evil },
    ramp: [
      {
        target: 1,
        achieved: 1,
        acknowledged: 1,
        refused: 0,
        lost: 0,
        drainMs: 210,
        ackP99Ms: 1,
        held: false,
        why: evil,
      },
    ],
  });
  const html = renderHtml(report);
  assert.doesNotMatch(html, /<img|<script>alert/);
  assert.deepEqual(embedded(html), report);
  // Each of them is shown, as text.
  assert.ok(html.split(escapeText(evil)).length > 12, 'not all of them are shown');
});

test('verdict, account, command and figures stand in the page as text', () => {
  const text = textOf(renderHtml(failedReport()));
  for (const said of [
    '✕ Failed 1,344 acknowledged spans were lost',
    '17 spans arrived altered, the first in attribute http.route',
    'Rejected the service said that it did not take them 37,224 5.6%',
    '✕ Lost were to arrive, and never did 1,344 0.22%',
    '✓ Unexpected arrived, and should have been dropped 0',
    '--expect &#39;pipelines/demo expect.yaml&#39;',
    'UNAVAILABLE 15,510',
    '14 UNAVAILABLE: no room for the request; try again in 1 s',
    'Slowest 842 ms 6.21 s 1.90 ms',
    'Service 4.70 µs 0.094 93.8 MiB peak',
    'AMD EPYC 7R13 Processor, 2 cores',
    'refuse=0.3,status=UNAVAILABLE,retry=1s,from=12s,to=18s',
  ]) {
    assert.ok(text.includes(said), said);
  }
});

test('the steps of a ramp stand in a table, and what was not held says why', () => {
  const text = textOf(renderHtml(rampReport()));
  assert.match(text, /The highest rate held was 600,000 spans\/s\./);
  assert.match(text, /800,000 ✕ not held 61,440 spans were refused 688,102 912 ms 0 61,440 4,000,000/);
});

test('without sink and service the page says what is missing instead of showing zeros', () => {
  const text = textOf(renderHtml(reportWithoutSink()));
  assert.match(text, /There was no sink \(--sink\): what arrived was not counted\./);
  assert.match(text, /With --pid, the CPU and memory of the service stand here too\./);
  assert.doesNotMatch(text, /Duplicated|Service CPU|CPU of the service/);
});

test('headings go down level by level, and every chart has a text alternative', () => {
  const levels = [...page.matchAll(/<h([1-6])/g)].map(([, level]) => Number(level));
  assert.equal(levels.filter((level) => level === 1).length, 1);
  for (const [i, level] of levels.slice(1).entries()) assert.ok(level <= levels[i] + 1, `h${levels[i]} then h${level}`);
  const plots = [
    ...page.matchAll(/<div class="plot" role="img" aria-labelledby="([^"]+)" aria-describedby="([^"]+)">/g),
  ];
  assert.equal(plots.length, 7);
  for (const [, name, description] of plots)
    assert.ok(page.includes(`id="${name}"`) && page.includes(`id="${description}"`));
  const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length, 'an id stands twice');
});

test('a long run has a table of at most 300 seconds, and says that it leaves some out', () => {
  const { series } = sampleReport();
  const long = Object.fromEntries(
    Object.entries(series).map(([key, values]) => [
      key,
      Array.from({ length: 1000 }, (_, i) => (key === 'second' ? i : (values?.[0] ?? null))),
    ]),
  );
  const html = renderHtml(sampleReport({ series: { ...series, ...long } }));
  const table = /<details class="seconds">(.*?)<\/details>/s.exec(html)?.[1] ?? '';
  assert.equal(table.split('<th scope="row">').length - 1, 250);
  assert.match(table, /One second of every 4; the JSON has them all/);
});
