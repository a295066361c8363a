// The report as one page that needs nothing else: no network, no other file.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Chart, percentileChart, timeCharts } from './charts.ts';
import { asMarkup, type Content, type Markup, markup, scriptJson } from './markup.ts';
import type { LoadReport } from './schema.ts';
import { secondsTable } from './seconds.ts';
import {
  accountPart,
  commandPart,
  costPart,
  headPart,
  latencyTable,
  rampPart,
  requestsPart,
  section,
  settingsPart,
  tilesPart,
  verdictPart,
} from './sections.ts';
import { verdictOf } from './words.ts';

interface PageFiles {
  readonly styles: readonly string[];
  readonly scripts: readonly string[];
}

let files: PageFiles | null = null;

/** Read once, and only where a page is asked for. */
function pageFiles(): PageFiles {
  if (files !== null) return files;
  const uplot = fileURLToPath(new URL('.', import.meta.resolve('uplot/package.json')));
  const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8');
  const page = join(import.meta.dirname, 'page');
  // Its licence goes where its code goes.
  const library = `/*\n${read(uplot, 'LICENSE')}*/\n${read(uplot, 'dist/uPlot.iife.min.js')}`;
  files = {
    styles: [read(uplot, 'dist/uPlot.min.css'), read(page, 'style.css'), read(page, 'parts.css')],
    scripts: [library, read(page, 'page.js')],
  };
  return files;
}

/** As a Content-Security-Policy names an inline script or style. */
const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Nothing is loaded, and nothing runs but what stands in these files, whatever else gets into the page. */
const policy = ({ styles, scripts }: PageFiles): string =>
  [
    "default-src 'none'",
    `script-src ${scripts.map(hash).join(' ')}`,
    `style-src ${styles.map(hash).join(' ')}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');

const figureOf = ({ id, title, description }: Chart): Markup => markup`
<figure class="chart" data-chart="${id}">
<figcaption><h3 id="chart-${id}">${title}</h3><p id="chart-${id}-text">${description}</p></figcaption>
<div class="plot" role="img" aria-labelledby="chart-${id}" aria-describedby="chart-${id}-text"></div>
</figure>`;

function latencyPart(report: LoadReport, chart: Chart | null): Markup {
  return section('latency', 'Latency', [
    markup`<div class="beside">${chart === null ? null : figureOf(chart)}<div>${latencyTable(report)}</div></div>`,
  ]);
}

function timePart(report: LoadReport, charts: readonly Chart[]): Markup | null {
  if (charts.length === 0) return null;
  return section('time', 'Second by second', [
    markup`<p class="quiet">Drag over a chart to look closer at a time in all of them; double-click to go back.${
      report.series.second[0] < 0 ? ' Shaded: the warm-up.' : null
    }</p>`,
    markup`<div class="charts">${charts.map(figureOf)}</div>`,
    secondsTable(report),
  ]);
}

function body(report: LoadReport, percentiles: Chart | null, times: readonly Chart[]): Content {
  return [
    headPart(report),
    markup`<main>`,
    verdictPart(report),
    tilesPart(report),
    accountPart(report),
    commandPart(report),
    rampPart(report),
    latencyPart(report, percentiles),
    timePart(report, times),
    markup`<div class="pair">`,
    requestsPart(report),
    costPart(report),
    markup`</div>`,
    settingsPart(report),
    markup`</main>`,
    markup`<footer><button type="button" id="download">Download the report as JSON</button></footer>`,
  ];
}

/** The whole page as HTML: everything in it inlined, every text of the report escaped. */
export function renderHtml(report: LoadReport): string {
  const inlined = pageFiles();
  const percentiles = percentileChart(report);
  const times = timeCharts(report);
  const charts = percentiles === null ? times : [percentiles, ...times];
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(inlined)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${verdictOf(report).headline} – spanload ${report.profile}</title>
<link rel="icon" href="data:,">
${inlined.styles.map((style) => asMarkup(`<style>${style}</style>`))}
</head>
<body>
${body(report, percentiles, times)}
<script type="application/json" id="report">${scriptJson(report)}</script>
<script type="application/json" id="charts">${scriptJson(charts)}</script>
${inlined.scripts.map((script) => asMarkup(`<script>${script}</script>`))}
</body>
</html>
`.html;
}
