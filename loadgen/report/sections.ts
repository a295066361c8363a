// The parts of the page that are text and tables.
import { bytes, count, figure, milliseconds, share, shellParts } from './figures.ts';
import { type Content, type Markup, markup } from './markup.ts';
import type { LoadReport, RampStep, ReportLatency } from './schema.ts';
import {
  type AccountLine,
  answerLines,
  arrivalLines,
  faultLines,
  serviceLines,
  targetText,
  timeText,
  toneName,
  verdictOf,
  waitText,
} from './words.ts';

/** A section with a heading; null when there is nothing in it. */
export const section = (id: string, title: string, content: Content): Markup => markup`
<section aria-labelledby="${id}-title" class="${id}">
<h2 id="${id}-title">${title}</h2>
${content}
</section>`;

const toneSign = { good: '✓', unsure: '!', bad: '✕' } as const;

export function verdictPart(report: LoadReport): Markup {
  const { tone, headline, summary, problems } = verdictOf(report);
  const lines = problems.map((problem) => markup`<li>${problem}</li>`);
  return markup`
<section class="verdict ${tone}" aria-labelledby="verdict-title">
<p class="badge"><span aria-hidden="true">${toneSign[tone]}</span> ${toneName[tone]}</p>
<h1 id="verdict-title">${headline}</h1>
<p class="summary">${summary}</p>
${lines.length > 0 ? markup`<ul class="problems">${lines}</ul>` : null}
</section>`;
}

interface Tile {
  readonly label: string;
  readonly value: string;
  readonly unit: string;
  readonly note: string;
}

function splitUnit(text: string): Pick<Tile, 'value' | 'unit'> {
  const [value, ...unit] = text.split(' ');
  return { value, unit: unit.join(' ') };
}

const tile = (label: string, text: string, note: string): Tile => ({ label, ...splitUnit(text), note });

function tilesOf(report: LoadReport): Tile[] {
  const { rate, ackLatencyMs, endToEndLatencyMs, service, spans } = report;
  const held = rate.held === null ? 'none' : `${count(rate.held)} spans/s`;
  const tiles = [
    report.ramp === null
      ? tile('Rate achieved', `${count(rate.achieved)} spans/s`, `asked for: ${targetText(report)}`)
      : tile('Highest rate held', held, `tried: ${targetText(report)}`),
  ];
  if (spans.lost !== null) {
    tiles.push(tile('Lost', count(spans.lost), `${share(spans.lost, spans.acknowledged)} of those acknowledged`));
  }
  if (ackLatencyMs !== null) {
    tiles.push(
      tile('Acknowledged in', milliseconds(ackLatencyMs.p99), `p99; half in ${milliseconds(ackLatencyMs.p50)}`),
    );
  }
  if (endToEndLatencyMs !== null) {
    const half = `p99; half in ${milliseconds(endToEndLatencyMs.p50)}`;
    tiles.push(tile('End to end in', milliseconds(endToEndLatencyMs.p99), half));
  }
  if (service !== null) {
    const perSpan = `${figure(service.cpuMicrosecondsPerSpan)} µs a span`;
    tiles.push(tile('Service CPU', `${figure(service.cores)} cores`, perSpan));
    tiles.push(tile('Service memory', bytes(service.peakRssBytes), 'peak RSS'));
  }
  return tiles;
}

export const tilesPart = (report: LoadReport): Markup => markup`
<dl class="tiles">${tilesOf(report).map(
  ({ label, value, unit, note }) => markup`
<div><dt>${label}</dt><dd><strong>${value}</strong> <span class="unit">${unit}</span><span class="note">${note}</span></dd></div>`,
)}
</dl>`;

/** Column headings above rows of cells; the first cell of a row names it. */
export const table = (
  caption: string,
  head: readonly string[],
  rows: readonly (readonly Content[])[],
): Markup => markup`
<div class="scroll"><table><caption>${caption}</caption>
<thead><tr>${head.map((text) => markup`<th scope="col">${text}</th>`)}</tr></thead>
<tbody>${rows.map(
  ([name, ...cells]) => markup`
<tr><th scope="row">${name}</th>${cells.map((cell) => markup`<td>${cell}</td>`)}</tr>`,
)}
</tbody></table></div>`;

/** Colour says nothing that the words and the sign do not. */
function accountRow({ kind, label, value, meaning }: AccountLine, total: number): Markup {
  const wrong = kind === 'fault' && value > 0;
  const sign = kind === 'fault' ? markup`<span class="sign" aria-hidden="true">${wrong ? '✕' : '✓'}</span> ` : null;
  const mark = wrong ? 'wrong' : kind === 'fault' ? 'fine' : kind;
  const part = total > 0 && kind !== 'total' && kind !== 'aside' ? share(value, total) : '';
  return markup`
<tr class="${mark}"><th scope="row">${sign}${label}<span class="note">${meaning}</span></th>
<td><strong>${count(value)}</strong><span class="note">${part}</span></td></tr>`;
}

function accountTable(caption: string, lines: readonly AccountLine[], total: number): Markup | null {
  if (lines.length === 0) return null;
  return markup`
<table class="account"><caption>${caption}</caption>
<thead class="unseen"><tr><th scope="col">What</th><th scope="col">Spans, and their share</th></tr></thead>
<tbody>${lines.map((line) => accountRow(line, total))}
</tbody></table>`;
}

const exampleTitle = { lost: 'Lost', duplicated: 'Duplicated', unexpected: 'Unexpected', altered: 'Altered' } as const;

function examplesPart({ examples }: LoadReport): Markup | null {
  const kinds = (['lost', 'altered', 'duplicated', 'unexpected'] as const).filter((kind) => examples[kind].length > 0);
  if (kinds.length === 0) return null;
  const rows = kinds.flatMap((kind) =>
    examples[kind].map((one): Content[] => [
      exampleTitle[kind],
      markup`<code>${one.traceId}</code>`,
      markup`<code>${one.spanId}</code>`,
      'what' in one && typeof one.what === 'string' ? one.what : '',
    ]),
  );
  return markup`<details class="examples"><summary>Examples to look for (${rows.length})</summary>
${table('Some of the spans concerned', ['What', 'Trace id', 'Span id', 'Difference'], rows)}</details>`;
}

export function accountPart(report: LoadReport): Markup {
  const { spans } = report;
  const arrivals = arrivalLines(report);
  return section('account', 'What became of every span', [
    markup`<div class="accounts">`,
    accountTable('Answers of the service', answerLines(report), spans.generated),
    arrivals.length > 0
      ? accountTable('Arrivals at the sink', arrivals, spans.acknowledged)
      : markup`<p class="quiet">There was no sink (--sink): what arrived was not counted.</p>`,
    accountTable('Damage', faultLines(report), 0),
    accountTable('As the service counts them', serviceLines(report), 0),
    markup`</div>`,
    examplesPart(report),
  ]);
}

const latencyRows = [
  ['Median', 'p50'],
  ['90%', 'p90'],
  ['95%', 'p95'],
  ['99%', 'p99'],
  ['99.9%', 'p999'],
  ['Slowest', 'max'],
] as const;

export function latencyTable({ ackLatencyMs, responseLatencyMs, endToEndLatencyMs, lateness }: LoadReport): Markup {
  const all: readonly (readonly [string, ReportLatency | null])[] = [
    ['Acknowledged', ackLatencyMs],
    ...(responseLatencyMs?.count === ackLatencyMs?.count ? [] : [['Answered or given up', responseLatencyMs] as const]),
    ['Arrived', endToEndLatencyMs],
    ['Sent late', lateness],
  ];
  const columns = all.flatMap(([title, latency]) => (latency === null ? [] : [{ title, latency }]));
  return table(
    'Within how long, from the time at which a request was due',
    ['Of them', ...columns.map(({ title }) => title)],
    [
      ...latencyRows.map(([name, key]) => [name, ...columns.map(({ latency }) => milliseconds(latency[key]))]),
      ['Counted', ...columns.map(({ latency }) => count(latency.count))],
    ],
  );
}

const held = (step: RampStep): Markup =>
  step.held
    ? markup`<span class="pill fine">✓ held</span>`
    : markup`<span class="pill wrong">✕ not held</span> <span class="why">${step.why}</span>`;

export function rampPart({ ramp, rate }: LoadReport): Markup | null {
  if (ramp === null) return null;
  const rows = ramp.map((step): Content[] => [
    count(step.target),
    held(step),
    count(step.achieved),
    step.ackP99Ms === null ? '–' : milliseconds(step.ackP99Ms),
    step.lost === null ? '–' : count(step.lost),
    count(step.refused),
    count(step.acknowledged),
  ]);
  const found = rate.held === null ? 'No rate was held.' : `The highest rate held was ${count(rate.held)} spans/s.`;
  return section('ramp', 'The ramp', [
    markup`<p>${found}</p>`,
    table(
      'Each step, in spans/s and spans',
      ['Target', 'Result', 'Achieved', 'Ack p99', 'Lost', 'Refused', 'Acknowledged'],
      rows,
    ),
  ]);
}

export function requestsPart({ requests, rate, backlog }: LoadReport): Markup {
  const statuses = Object.entries(requests.byStatus).sort(([, a], [, b]) => b - a);
  return section('requests', 'Requests', [
    table(
      'Requests by answer',
      ['Answer', 'Requests', 'Share'],
      statuses.map(([status, number]) => [status, count(number), share(number, requests.sent)]),
    ),
    markup`<p class="quiet">${count(requests.sent)} requests were sent, ${bytes(requests.bytes)} in all, ${figure(rate.requestsPerSecond)} a second while it was measured; at most ${count(backlog.maxInFlight)} were without an answer at one time.${
      backlog.unsent > 0 ? ` ${count(backlog.unsent)} fell due and could not be sent.` : ''
    }</p>`,
    requests.firstFailure === null
      ? null
      : markup`<p class="failure">First failure: <q>${requests.firstFailure}</q></p>`,
  ]);
}

export function costPart({ generator, sink, service, machine }: LoadReport): Markup {
  const limit = (of: NonNullable<LoadReport['sink']>): Content => {
    if (of.bottleneck)
      return markup`<span class="pill wrong">✕ was the limit</span> <span class="why">${of.why}</span>`;
    const wait = waitText(of);
    return wait === '' ? 'not the limit' : `not the limit; ${wait}`;
  };
  const rows: Content[][] = [];
  if (service !== null) {
    const memory = `${bytes(service.peakRssBytes)} peak, ${bytes(service.rssBytes)} at the end`;
    rows.push(['Service', `${figure(service.cpuMicrosecondsPerSpan)} µs`, figure(service.cores), memory]);
  }
  rows.push(['Generator', `${figure(generator.cpuMicrosecondsPerSpan)} µs`, figure(generator.cores), limit(generator)]);
  if (sink !== null) {
    rows.push(['Sink', `${figure(sink.cpuMicrosecondsPerSpan)} µs`, figure(sink.cores), limit(sink)]);
  }
  return section('cost', 'What it cost', [
    table(`On ${machine.cores} processors`, ['', 'CPU a span', 'Cores busy', ''], rows),
    markup`<p class="quiet">${
      service === null
        ? 'With --pid, the CPU and memory of the service stand here too.'
        : `In proportion, 100,000 spans/s like these would keep ${figure(service.cpuMicrosecondsPerSpan / 10)} processors busy with the service.`
    }</p>`,
  ]);
}

export function settingsPart(report: LoadReport): Markup {
  const { machine, faults } = report;
  const rows: [string, Content][] = [
    ['Profile', report.profile],
    ['Rate', targetText(report)],
    ['Time', timeText(report)],
    ['Started', `${report.startedAt.slice(0, 19).replace('T', ' ')} UTC`],
    ['Endpoint', report.endpoint],
    ['Protocol', `${report.protocol}, compression ${report.compression}`],
    [
      'Client',
      `${report.client}, ${count(report.connections)} ${report.connections === 1 ? 'connection' : 'connections'}`,
    ],
    ['Faults', faults.length === 0 ? 'none' : faults.map((fault) => markup`<code class="line">${fault}</code>`)],
    ['Seed, run', `${report.seed}, ${report.run}`],
    ['Machine', `${machine.cpu}, ${machine.cores} cores`],
    ['System', `kernel ${machine.kernel}, Node ${machine.node}, spanload ${report.spanload}`],
  ];
  return section('settings', 'Machine and settings', [
    markup`<dl class="settings">${rows.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`,
  ]);
}

export const commandPart = (report: LoadReport): Markup =>
  section('command', 'The exact command', [
    markup`<div class="command-line"><pre id="command-text" tabindex="0"><code>${shellParts(report.command).map((part, i) => markup`${i === 0 ? '' : ' '}<span class="argument">${part}</span>`)}</code></pre>
<button type="button" id="copy">Copy</button></div><p class="unseen" role="status" id="copied"></p>`,
  ]);

export const headPart = (report: LoadReport): Markup => markup`
<header><p class="product">spanload</p><p class="run">${report.profile} · ${report.protocol} · ${timeText(report)} · <time datetime="${report.startedAt}">${report.startedAt
  .slice(0, 16)
  .replace('T', ' ')} UTC</time></p></header>`;
