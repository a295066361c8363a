import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Batch, Exporter, ExportResult } from '../../../src/component/exporter.ts';
import { ExporterSwitch } from '../../../src/pipeline/exporter-switch.ts';

const batch: Batch = { spans: 1, bytes: 1, segments: [], metadata: {} };
const { signal } = new AbortController();

interface Fake {
  readonly exporter: Exporter;
  /** Ends the attempts that wait, in order. */
  readonly attempts: PromiseWithResolvers<ExportResult>[];
}

function fake(value = 0): Fake {
  const attempts: PromiseWithResolvers<ExportResult>[] = [];
  return {
    attempts,
    exporter: {
      start: async () => {},
      stop: async () => {},
      export() {
        const attempt = Promise.withResolvers<ExportResult>();
        attempts.push(attempt);
        return attempt.promise;
      },
      metricValues: () => [{ name: 'n', labels: {}, value }],
    },
  };
}

async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return done;
}

test('attempts that began with one exporter end with it, later ones go to the next', async () => {
  const [first, second] = [fake(), fake()];
  const both = new ExporterSwitch(first.exporter);
  const results = [both.export(batch, signal), both.export(batch, signal)];
  const ended = both.turnTo(second.exporter);
  assert.equal(both.current, second.exporter);
  results.push(both.export(batch, signal));
  assert.deepEqual([first.attempts.length, second.attempts.length], [2, 1]);
  first.attempts[0].resolve({ kind: 'accepted' });
  assert.ok(!(await isDone(ended)), 'an attempt is still under way');
  first.attempts[1].reject(new Error('a fault'));
  await assert.rejects(results[1], /a fault/);
  assert.ok(await isDone(ended));
  second.attempts[0].resolve({ kind: 'accepted' });
  assert.deepEqual(await results[2], { kind: 'accepted' });
});

test('an exporter without attempts has ended at once', async () => {
  const both = new ExporterSwitch(fake(1).exporter);
  assert.ok(await isDone(both.turnTo(fake(2).exporter)));
  assert.deepEqual([...both.metricValues()], [{ name: 'n', labels: {}, value: 2 }]);
});

test('it may turn again before the one before the last has ended', async () => {
  const fakes = [fake(), fake(), fake()];
  const all = new ExporterSwitch(fakes[0].exporter);
  const first = all.export(batch, signal);
  const firstEnded = all.turnTo(fakes[1].exporter);
  const second = all.export(batch, signal);
  const secondEnded = all.turnTo(fakes[2].exporter);
  fakes[1].attempts[0].resolve({ kind: 'accepted' });
  await second;
  assert.deepEqual([await isDone(secondEnded), await isDone(firstEnded)], [true, false]);
  fakes[0].attempts[0].resolve({ kind: 'accepted' });
  await first;
  assert.ok(await isDone(firstEnded));
});
