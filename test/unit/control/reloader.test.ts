import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import type { ConfigReader, ReadResult } from '../../../src/config/read-config.ts';
import type { ResolvedConfig } from '../../../src/config/resolved.ts';
import { makeIssue, makeSource } from '../../../src/config/source.ts';
import { Reloader } from '../../../src/control/reloader.ts';
import { SpanmillError } from '../../../src/errors.ts';
import type { ReloadSummary } from '../../../src/pipeline/runtime.ts';

const none = { kept: [], changed: [], started: [], stopped: [] };
const summary: ReloadSummary = {
  outcome: 'applied',
  receivers: none,
  exporters: { ...none, changed: ['otlp'] },
  extensions: none,
  pipelines: none,
  needsRestart: [],
};
const config = {} as ResolvedConfig;
const good: ReadResult = { config, errors: [], warnings: [], notes: [] };
const issue = (severity: 'error' | 'warning') =>
  makeIssue(severity, { source: makeSource('a.yaml', 'x: 1\ny: 2\n'), offset: 8 }, 'CONFIG_VALUE', 'that is wrong');

interface Bench {
  readonly reloader: Reloader;
  readonly log: Record<string, unknown>[];
  readonly applied: ResolvedConfig[];
}

function bench(read: () => ReadResult, apply: () => Promise<ReloadSummary> = async () => summary): Bench {
  const log: Record<string, unknown>[] = [];
  const applied: ResolvedConfig[] = [];
  const reader: ConfigReader = { read, files: () => [] };
  const reloader = new Reloader({
    reader,
    log: pino({ base: {}, timestamp: false }, { write: (line: string) => void log.push(JSON.parse(line)) }),
    apply: (one) => {
      applied.push(one);
      return apply();
    },
  });
  return { reloader, log, applied };
}

test('what changed is one line of the log, and a successful one of the metrics', async () => {
  const { reloader, log, applied } = bench(() => good);
  const report = await reloader.request('SIGHUP');
  assert.deepEqual([report.outcome, report.summary, applied], ['applied', summary, [config]]);
  assert.equal(log.length, 1);
  assert.equal(log[0].msg, 'reloaded');
  assert.deepEqual(log[0].exporters, { ...none, changed: ['otlp'] });
  assert.deepEqual([log[0].cause, typeof log[0].durationMs], ['SIGHUP', 'number']);
  assert.deepEqual(reloader.stats.outcomes, { applied: 1, unchanged: 0, failed: 0 });
});

test('what is wrong is said as validate says it, and nothing is applied', async () => {
  const { reloader, log, applied } = bench(() => ({ ...good, config: null, errors: [issue('error')] }));
  const before = reloader.stats.lastSuccessAt;
  const report = await reloader.request('watch');
  assert.deepEqual([report.outcome, report.summary, applied], ['failed', null, []]);
  assert.deepEqual(log[0].problems, ['a.yaml:2:4 CONFIG_VALUE that is wrong']);
  assert.equal(log[0].level, 50);
  assert.match(String(log[0].msg), /^not reloaded, the service goes on as it was: 1 problem$/);
  assert.deepEqual(reloader.stats, {
    outcomes: { applied: 0, unchanged: 0, failed: 1 },
    lastSuccessful: false,
    lastSuccessAt: before,
  });
});

test('what cannot be applied is said with its code, and a reader that throws is no end', async () => {
  const refused = bench(
    () => good,
    () => Promise.reject(new SpanmillError('LISTEN', 'the address is taken')),
  );
  assert.equal((await refused.reloader.request('x')).error, 'LISTEN the address is taken');
  assert.match(String(refused.log[0].msg), /LISTEN the address is taken$/);
  const thrown = bench(() => {
    throw new TypeError('x is not y');
  });
  assert.equal((await thrown.reloader.request('x')).error, 'INTERNAL x is not y');
});

test('warnings and what needs a restart have lines of their own', async () => {
  const { reloader, log } = bench(
    () => ({ ...good, warnings: [issue('warning')] }),
    async () => ({ ...summary, needsRestart: ['service.workers: 1 to 2'] }),
  );
  await reloader.request('x');
  assert.deepEqual(
    log.map(({ msg }) => msg),
    ['a.yaml:2:4 CONFIG_VALUE warning: that is wrong', 'reloaded', 'these settings need a restart to change'],
  );
  assert.deepEqual(log[2].settings, ['service.workers: 1 to 2']);
});

test('one at a time: those who ask meanwhile share one more, which reads what is there then', async () => {
  let reads = 0;
  const gates: (() => void)[] = [];
  const { reloader } = bench(
    () => {
      reads++;
      return good;
    },
    () => new Promise((resolve) => gates.push(() => resolve(summary))),
  );
  const first = reloader.request('1');
  const [second, third] = [reloader.request('2'), reloader.request('3')];
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(reads, 1);
  gates[0]();
  await first;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(reads, 2);
  gates[1]();
  assert.equal(await second, await third);
  assert.equal(reads, 2);
  const fourth = reloader.request('4');
  await new Promise((resolve) => setImmediate(resolve));
  gates[2]();
  await fourth;
  assert.equal(reloader.stats.outcomes.applied, 3);
});

test('once it is closed nothing is applied any more', async () => {
  const { reloader, applied } = bench(() => good);
  reloader.close();
  const report = await reloader.request('late');
  assert.deepEqual([report.outcome, applied], ['failed', []]);
  assert.match(report.error, /stopping/);
});
