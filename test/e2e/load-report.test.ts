// The page of spanload's report in a real browser, opened from a file as its readers do.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { shellParts } from '../../loadgen/report/figures.ts';
import { renderHtml } from '../../loadgen/report/html.ts';
import type { LoadReport } from '../../loadgen/report/schema.ts';
import { failedReport, reportWithoutSink, sampleReport } from '../unit/loadgen/report/sample-report.ts';
import { type Browser, findBrowser, launchBrowser, noBrowser, type Page } from './support/browser.ts';

const program = findBrowser();
/** The limit is for pages that never become what a test waits for. */
const options = { skip: program === null ? noBrowser : false, timeout: 60_000 };
const folder = mkdtempSync(join(tmpdir(), 'spanmill-report-'));
let browser: Browser | null = null;

before(async () => {
  if (program !== null) browser = await launchBrowser(program);
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface View {
  readonly width: number;
  readonly scheme: 'light' | 'dark';
}

/** The page, loaded and with all its charts drawn. */
async function show(report: LoadReport, { width, scheme }: View = { width: 1400, scheme: 'light' }): Promise<Page> {
  assert.ok(browser !== null);
  const file = join(folder, `${readdirSync(folder).length}.html`);
  writeFileSync(file, renderHtml(report));
  const page = await browser.open();
  await page.send('Emulation.setDeviceMetricsOverride', {
    width,
    height: 900,
    deviceScaleFactor: 1,
    mobile: width < 500,
  });
  await page.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
  const url = pathToFileURL(file).href;
  await page.send('Page.navigate', { url });
  await page.event('Page.loadEventFired');
  await page.evaluate(`new Promise((resolve) => {
    const look = () => document.querySelector('figure.chart:not([data-drawn])') ? requestAnimationFrame(look) : resolve();
    look();
  })`);
  return page;
}

/** What a page that is well has none of: errors, warnings, and requests but that for itself. */
function complaints({ events }: Page): string[] {
  return events.flatMap(({ method, params }) => {
    if (method === 'Network.requestWillBeSent') {
      const { url } = params.request as { readonly url: string };
      return /^(file:.*\.html|data:,)$/.test(url) ? [] : [`requested ${url}`];
    }
    return ['Runtime.exceptionThrown', 'Runtime.consoleAPICalled', 'Log.entryAdded'].includes(method)
      ? [`${method} ${JSON.stringify(params)}`]
      : [];
  });
}

/** For each chart: how many pixels have exactly the colour of each of its lines. Faint lines are paler. */
const pixels = `(() => {
  const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
  return JSON.parse(document.getElementById('charts').textContent).map(({ id, lines }) => {
    const canvas = document.querySelector('[data-chart="' + id + '"] canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const counts = new Map();
    for (let i = 0; i < data.length; i += 4) {
      const colour = '#' + [0, 1, 2].map((part) => data[i + part].toString(16).padStart(2, '0')).join('');
      if (data[i + 3] === 255) counts.set(colour, (counts.get(colour) ?? 0) + 1);
    }
    const solid = lines.filter(({ style }) => style !== 'faint');
    return { chart: id, lines: solid.map(({ label, colour }) => [label, counts.get(variable(colour)) ?? 0]) };
  });
})()`;

interface Pixels {
  readonly chart: string;
  readonly lines: readonly (readonly [label: string, pixels: number])[];
}

const allCharts = ['percentiles', 'rate', 'latency', 'in-flight', 'lateness', 'cores', 'memory'];

/** Of what is read most, against what is behind it: the least contrast, by the formula of WCAG 2. */
const leastContrast = `(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = numbers(colour).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    const colour = getComputedStyle(element).backgroundColor;
    return numbers(colour)[3] === 0 ? ground(element.parentElement) : colour;
  };
  const texts = document.querySelectorAll('h1, h2, h3, p, dt, dd, .note, th, td, strong, caption, summary, button, code, .u-series th');
  return Math.min(...[...texts].map((element) => {
    const [low, high] = [getComputedStyle(element).color, ground(element)].map(luminance).sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }));
})()`;

for (const view of [
  { width: 1400, scheme: 'light' },
  { width: 1400, scheme: 'dark' },
  { width: 390, scheme: 'light' },
  { width: 390, scheme: 'dark' },
] as const) {
  test(`at ${view.width} pixels, ${view.scheme}, charts are drawn, texts fit and can be read`, options, async () => {
    const page = await show(failedReport(), view);
    const drawn = (await page.evaluate(pixels)) as readonly Pixels[];
    assert.deepEqual(
      drawn.map(({ chart }) => chart),
      allCharts,
    );
    for (const { chart, lines } of drawn) {
      assert.ok(lines.length > 0);
      for (const [label, found] of lines) assert.ok(found > 15, `${chart}: ${found} pixels of the line ${label}`);
    }
    assert.equal(
      await page.evaluate('document.documentElement.scrollWidth <= innerWidth'),
      true,
      'it scrolls sideways',
    );
    const contrast = Number(await page.evaluate(leastContrast));
    assert.ok(contrast >= 4.5, `the least contrast is ${contrast}`);
    const dark = await page.evaluate(
      "getComputedStyle(document.documentElement).backgroundColor === 'rgb(15, 19, 24)'",
    );
    assert.equal(dark, view.scheme === 'dark');
    assert.deepEqual(complaints(page), []);
  });
}

test('verdict, account and command are there to be read', options, async () => {
  const report = failedReport();
  const page = await show(report);
  const text = String(await page.evaluate('document.body.innerText')).replaceAll(/\s+/g, ' ');
  for (const said of [
    'Failed 1,344 acknowledged spans were lost',
    '512 spans arrived more than once',
    'Generated spans in requests that were sent 660,000',
    'Arrived each counted once 554,136',
    '✕ Altered changed where the chain should not 17',
    shellParts(report.command).join(' '),
    '99% 1.25 ms 6.41 ms 0.91 ms',
  ]) {
    assert.ok(text.includes(said), `${said} is not in: ${text}`);
  }
  assert.equal(await page.evaluate('document.title'), '1,344 acknowledged spans were lost – spanload gateway');
});

test('charts of what was not measured are not there, and the page is well without them', options, async () => {
  const page = await show(reportWithoutSink());
  const drawn = (await page.evaluate(pixels)) as readonly Pixels[];
  assert.deepEqual(
    drawn.map(({ chart }) => chart),
    allCharts.slice(0, 5),
  );
  assert.deepEqual(complaints(page), []);
});

test('a report full of markup is shown as text, and none of it runs', options, async () => {
  const evil = '<img src=x onerror="window.hit=1"></script><script>window.hit=2</script>';
  const page = await show(sampleReport({ profile: evil, command: ['spanload', evil], faults: [evil] }));
  assert.equal(await page.evaluate('window.hit === undefined && document.images.length === 0'), true);
  assert.ok(String(await page.evaluate('document.querySelector(".settings").innerText')).includes(evil));
  assert.deepEqual(complaints(page), []);
});

test('should markup ever get into the page, its policy keeps it from acting', options, async () => {
  const page = await show(sampleReport());
  await page.evaluate(`document.body.insertAdjacentHTML('beforeend',
    '<img src="http://127.0.0.1:9/x" onerror="window.hit=1"><iframe srcdoc="<script>parent.hit=1</script>"></iframe>')`);
  await page.event('Log.entryAdded', ({ entry }) => /Content Security Policy/.test((entry as { text: string }).text));
  assert.equal(await page.evaluate('window.hit === undefined'), true);
});

test('the command is copied as the reader sees it', options, async () => {
  const report = sampleReport();
  const page = await show(report);
  const copied = await page.evaluate(`new Promise((resolve) => {
    Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => resolve(text) } });
    document.getElementById('copy').click();
  })`);
  assert.equal(copied, shellParts(report.command).join(' '));
  assert.equal(await page.evaluate('document.getElementById("copied").textContent'), 'Copied');
});

test('where the clipboard is closed to the page, the command is selected instead', options, async () => {
  const report = sampleReport();
  const page = await show(report);
  const selected = await page.evaluate(`new Promise((resolve) => {
    Object.defineProperty(navigator, 'clipboard', { value: { writeText: async () => { throw new Error('closed'); } } });
    document.addEventListener('selectionchange', () => resolve(getSelection().toString()), { once: true });
    document.getElementById('copy').click();
  })`);
  assert.equal(String(selected).replaceAll(/\s+/g, ' '), shellParts(report.command).join(' '));
});

test('the report that the page hands out is the report', options, async () => {
  const report = failedReport();
  const page = await show(report);
  const downloads = mkdtempSync(join(folder, 'downloads-'));
  await page.send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath: downloads, eventsEnabled: true });
  await page.evaluate('document.getElementById("download").click()');
  await page.event('Browser.downloadProgress', ({ state }) => state === 'completed');
  assert.deepEqual(readdirSync(downloads), ['spanload-report.json']);
  assert.deepEqual(JSON.parse(readFileSync(join(downloads, 'spanload-report.json'), 'utf8')), report);
  assert.deepEqual(
    complaints(page).filter((complaint) => !complaint.startsWith('requested blob:')),
    [],
  );
});

test('pointing at a chart says the figures there, in all charts of the same time', options, async () => {
  const report = sampleReport();
  const page = await show(report);
  const place = (await page.evaluate(`(() => {
    const over = document.querySelector('[data-chart="rate"] .u-over');
    over.scrollIntoView({ block: 'center' });
    const { left, top, width, height } = over.getBoundingClientRect();
    return { x: left + width / 2, y: top + height / 2 };
  })()`)) as { readonly x: number; readonly y: number };
  await page.send('Input.dispatchMouseEvent', { type: 'mouseMoved', ...place });
  await page.evaluate(`new Promise((resolve) => {
    const look = () => document.querySelectorAll('[data-chart] .uplot.pointed').length >= 6 ? resolve() : requestAnimationFrame(look);
    look();
  })`);
  const legend = String(await page.evaluate(`document.querySelector('[data-chart="memory"] .u-legend').innerText`));
  assert.match(legend.replaceAll(/\s+/g, ' '), /RSS ?[\d.]+ MiB/);
  const middle = report.series.second[Math.floor(report.series.second.length / 2)];
  assert.match(legend, new RegExp(`second\\s*${middle} s`));
});
