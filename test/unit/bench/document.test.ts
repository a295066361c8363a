import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { documentText, type Findings } from '../../../bench/document.ts';
import { parseOptions } from '../../../bench/options.ts';
import { sampleReport } from '../loadgen/report/sample-report.ts';
import { measurement } from './measurements.ts';

const findings = (found: Partial<Findings>): Findings => ({
  machine: sampleReport().machine,
  versions: [{ subject: 'spanmill', version: 'spanmill 0.1.0' }],
  measurements: [],
  idle: [],
  date: new Date('2026-03-14T09:26:53Z'),
  ...found,
});

function textOf(found: Partial<Findings>, ...args: string[]): string {
  const options = parseOptions(['--peer', 'PEER', ...args]);
  assert.ok(options !== null);
  return documentText(findings(found), options, args.length === 0);
}

const titles = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('## '));

describe('docs/benchmarks.md', () => {
  it('has a section for each group that was measured, in their order, and no other', () => {
    const measurements = ['plain', 'durable', 'overload', 'http-512', '512'].map((label) =>
      measurement(label, 'spanmill'),
    );
    assert.deepEqual(titles(textOf({ measurements })), [
      '## CPU a span, by the size of requests',
      '## OTLP/HTTP',
      '## Twice what it holds',
      '## What delivery costs',
    ]);
    assert.deepEqual(titles(textOf({})), []);
  });

  it('says how to measure it again', () => {
    assert.match(textOf({}), /^npm run bench -- --peer PATH_OF_A_COLLECTOR --runs 3$/m);
    const part = textOf({}, '--only', 'durable', '--runs', '2', '--document', 'x.md');
    assert.match(part, /^npm run bench -- --peer PATH_OF_A_COLLECTOR --runs 2 --only plain,durable$/m);
  });

  it('has the ratios below a table where there is a peer', () => {
    const measurements = [measurement('http-512', 'spanmill'), measurement('http-512', 'Collector')];
    assert.match(textOf({ measurements }), /times better/);
    assert.doesNotMatch(textOf({ measurements: measurements.slice(0, 1) }), /times better/);
  });

  it('has the median of what an idle connection costs', () => {
    const idle = [1024, 3072, 2048].map((bytes) => ({ subject: 'spanmill', connections: 5000, bytes }));
    assert.match(textOf({ idle }), /^\| spanmill +\| 2\.00 \(1\.00 to 3\.00\) +\|$/m);
  });

  it('ends with what is to be known of single runs, each line once', () => {
    const problem = { ok: false, exitCode: 1, problems: ['3 acknowledged spans never arrived'], remarks: [] };
    const measurements = [0, 1].map((round) => measurement('json-512', 'spanmill', { round }, { verdict: problem }));
    const [, notes] = textOf({ measurements }).split('## To be known of single runs\n');
    assert.equal(notes, '- json-512, spanmill: 3 acknowledged spans never arrived\n');
  });
});
