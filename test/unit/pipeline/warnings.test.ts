import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { pino } from 'pino';
import { type ChainWarning, WarningList, WarningLog } from '../../../src/pipeline/warnings.ts';

const sample = (n: number) => () => ({ n });

test('a worker gathers one warning for each thing of a component, with the first item of some seconds', () => {
  const list = new WarningList();
  assert.deepEqual(list.take(), []);
  list.add('a', 'x', 'first', sample(1));
  list.add('a', 'x', 'second', sample(2));
  list.add('b', 'x', 'of another');
  assert.deepEqual(list.take(), [
    { component: 'a', code: 'x', message: 'first', count: 2, sample: { n: 1 } },
    { component: 'b', code: 'x', message: 'of another', count: 1 },
  ]);
  assert.deepEqual(list.take(), []);
  let asked = 0;
  list.add('a', 'x', 'third', () => ({ asked: ++asked }));
  assert.deepEqual(list.take(), [{ component: 'a', code: 'x', message: 'third', count: 1 }]);
  assert.equal(asked, 0, 'a sample is recent');
});

test('the log has a line at once, and one each ten seconds for all that comes in between', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const lines: Record<string, unknown>[] = [];
  const sink = { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) };
  const log = new WarningLog(pino({ base: null, timestamp: false }, sink));
  const warn = (code: string, count: number, fields: Partial<ChainWarning> = {}): void =>
    log.add({ component: 'c', code, message: `message of ${code}`, count, ...fields });
  const said = () => lines.splice(0).map(({ code, count, sample }) => [code, count, sample]);

  warn('x', 3, { sample: { n: 1 } });
  warn('y', 1);
  assert.deepEqual(said(), [
    ['x', 3, { n: 1 }],
    ['y', 1, undefined],
  ]);
  warn('x', 2, { sample: { n: 2 } });
  warn('x', 5);
  assert.deepEqual(said(), []);
  mock.timers.tick(10_000);
  assert.deepEqual(said(), [['x', 7, { n: 2 }]]);
  mock.timers.tick(10_000);
  warn('x', 1);
  warn('x', 4);
  assert.deepEqual(said(), [['x', 1, undefined]]);
  log.close();
  assert.deepEqual(said(), [['x', 4, undefined]], 'what was left at the end');
  mock.timers.tick(60_000);
  assert.deepEqual(said(), []);
  mock.timers.reset();
});
