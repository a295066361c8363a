import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { groups } from '../../../bench/cases.ts';
import { number, progressLine, ratios, residentAt, resultTable, spread, spreadText } from '../../../bench/report.ts';
import { sampleReport } from '../loadgen/report/sample-report.ts';
import { cellsOf, measurement } from './measurements.ts';

/** What a column of a table says, by label and subject. */
function column(table: string, title: string): Record<string, string> {
  const [head, ...rows] = cellsOf(table);
  const at = head.indexOf(title);
  assert.ok(at > 0, `no column ${title} in ${head.join(', ')}`);
  return Object.fromEntries(rows.map((row) => [`${row[0]} ${row[1]}`, row[at]]));
}

describe('the spread of several runs', () => {
  it('has the middle value, or what lies between the two in the middle', () => {
    assert.deepEqual(spread([3, 1, 2]), { min: 1, median: 2, max: 3 });
    assert.deepEqual(spread([4, 1, 2, 3]), { min: 1, median: 2.5, max: 4 });
  });

  it('is shown with three digits, thousands with commas, and without a range for a single run', () => {
    assert.deepEqual([0.747, 12.34, 123.4, 1234567, -0.256].map(number), ['0.75', '12.3', '123', '1,234,567', '-0.26']);
    assert.equal(spreadText([0.75]), '0.75');
    assert.equal(spreadText([0.75, 0.7, 0.8]), '0.75 (0.70 to 0.80)');
  });
});

describe('what something costs beside the plain case', () => {
  it('is the difference to the plain case of the same subject in the same round', () => {
    const table = resultTable(
      [
        measurement('plain', 'spanmill', { round: 0, cpu: 0.7 }),
        measurement('plain', 'Collector', { round: 0, cpu: 5 }),
        measurement('export-gzip', 'spanmill', { round: 0, cpu: 1.6 }),
        measurement('export-gzip', 'Collector', { round: 0, cpu: 7 }),
        measurement('plain', 'spanmill', { round: 1, cpu: 0.9 }),
        measurement('plain', 'Collector', { round: 1, cpu: 6 }),
        measurement('export-gzip', 'spanmill', { round: 1, cpu: 2 }),
        measurement('export-gzip', 'Collector', { round: 1, cpu: 7.5 }),
      ],
      'delivery',
    );
    assert.deepEqual(column(table, 'added us/span'), {
      'plain spanmill': '',
      'plain Collector': '',
      'export-gzip spanmill': '1.00 (0.90 to 1.10)',
      'export-gzip Collector': '1.75 (1.50 to 2.00)',
    });
  });

  it('may be less than nothing', () => {
    const all = [measurement('plain', 'spanmill', { cpu: 0.75 }), measurement('durable', 'spanmill', { cpu: 0.5 })];
    assert.equal(column(resultTable(all, 'delivery'), 'added us/span')['durable spanmill'], '-0.25');
  });

  it('is not known where the plain case of that round is missing', () => {
    const all = [
      measurement('plain', 'spanmill', { round: 0, cpu: 0.7 }),
      measurement('durable', 'spanmill', { round: 1, cpu: 1.5 }),
    ];
    assert.equal(column(resultTable(all, 'delivery'), 'added us/span')['durable spanmill'], '');
  });
});

describe('twice the sustainable rate', () => {
  const rss = sampleReport().series.serviceRssBytes ?? [];
  const mebi = (bytes: number | null | undefined) => number((bytes ?? 0) / 1024 / 1024);

  it('shows what was carried as a part of what was held, and memory at 10 s and at the end', () => {
    const table = resultTable(
      [
        measurement('sustainable', 'spanmill', { achieved: 100_000, held: 100_000 }),
        measurement('overload', 'spanmill', { achieved: 95_000 }),
      ],
      'overload',
    );
    assert.equal(column(table, 'of what was held')['overload spanmill'], '0.95');
    assert.equal(column(table, 'of what was held')['sustainable spanmill'], '');
    // Three seconds of warm-up come first in the sample; an interval has the memory that was there when it ended.
    assert.equal(column(table, 'RSS at 10 s MiB')['overload spanmill'], mebi(rss[12]));
    assert.equal(column(table, 'RSS at the end MiB')['overload spanmill'], mebi(rss[32]));
    assert.notEqual(rss[12], rss[32]);
  });

  it('has no memory at 10 s where it did not last so long, or nobody looked', () => {
    const { series } = sampleReport();
    assert.equal(residentAt({ series }, 31), null);
    assert.equal(residentAt({ series: { ...series, serviceRssBytes: null } }, 10), null);
  });

  it('counts what was refused and what got no answer, and has no memory of a ramp', () => {
    const { spans, series } = sampleReport();
    const step = { achieved: 1, acknowledged: 1, refused: 0, lost: 0, drainMs: 0, ackP99Ms: 1, held: true, why: '' };
    const changes = { spans: { ...spans, rejected: 3, failed: 4 }, series, ramp: [{ target: 1, ...step }] };
    const table = resultTable([measurement('sustainable', 'spanmill', { held: 1 }, changes)], 'overload');
    assert.equal(column(table, 'refused')['sustainable spanmill'], '7.00');
    assert.equal(column(table, 'RSS at 10 s MiB')['sustainable spanmill'], '');
  });

  it('leaves the line of a subject empty that held no rate', () => {
    const all = [
      measurement('sustainable', 'spanmill', { held: 1000 }),
      measurement('sustainable', 'Collector'),
      measurement('overload', 'spanmill'),
    ];
    const line = cellsOf(resultTable(all, 'overload')).find((row) => row[0] === 'overload' && row[1] === 'Collector');
    assert.deepEqual(new Set(line?.slice(2)), new Set(['']));
    assert.deepEqual(
      ratios(all, 'overload').filter(({ label }) => label === 'overload'),
      [],
    );
  });
});

describe('how many times better', () => {
  it('compares the rounds one by one, less CPU and more spans being better', () => {
    const all = [
      measurement('512', 'spanmill', { round: 0, cpu: 1, peakMiB: 100 }),
      measurement('512', 'Collector', { round: 0, cpu: 5, peakMiB: 50 }),
      measurement('512', 'spanmill', { round: 1, cpu: 2, peakMiB: 100 }),
      measurement('512', 'Collector', { round: 1, cpu: 12, peakMiB: 80 }),
    ];
    assert.deepEqual(ratios(all, 'sizes'), [
      { label: '512', figure: 'CPU us/span', ratio: { min: 5, median: 5.5, max: 6 } },
      { label: '512', figure: 'RSS peak MiB', ratio: { min: 0.5, median: 0.65, max: 0.8 } },
    ]);
    const held = [
      measurement('gateway-held', 'spanmill', { held: 300 }),
      measurement('gateway-held', 'Collector', { held: 100 }),
    ];
    assert.deepEqual(ratios(held, 'held')[0]?.ratio, { min: 3, median: 3, max: 3 });
  });

  it('leaves out a round that only one of them has', () => {
    const all = [
      measurement('overload', 'spanmill', { round: 0, peakMiB: 100 }),
      measurement('overload', 'spanmill', { round: 1, peakMiB: 100 }),
      measurement('overload', 'Collector', { round: 1, peakMiB: 300 }),
    ];
    assert.deepEqual(ratios(all, 'overload'), [
      { label: 'overload', figure: 'RSS peak MiB', ratio: { min: 3, median: 3, max: 3 } },
    ]);
  });

  it('says nothing without a peer', () => {
    assert.deepEqual(ratios([measurement('512', 'spanmill')], 'sizes'), []);
  });
});

it('every group of loads has a table', () => {
  for (const group of groups) {
    if (group !== 'idle') assert.ok(cellsOf(resultTable([], group))[0].length > 3, group);
  }
});

it('the line of a run says what was lost and refused', () => {
  const { spans, requests } = sampleReport();
  const one = measurement(
    'http-512',
    'spanmill',
    { cpu: 0.8, achieved: 500_000, peakMiB: 200 },
    { spans: { ...spans, lost: 7 }, requests: { ...requests, byStatus: { OK: 3, 'HTTP 503': 2 } } },
  );
  assert.match(progressLine(one), /^http-512, spanmill: 0\.80 us\/span, 500,000 spans\/s, peak 200 MiB;/);
  assert.match(progressLine(one), /, lost 7, 2 x HTTP 503$/);
});
