import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { createTrouble } from '../../../../src/extensions/file_storage/trouble.ts';
import type { Line } from './support.ts';

test('refusals are one line a minute, and their end is one with how many there were', () => {
  const lines: Line[] = [];
  let nowMs = 1000;
  const log = pino({}, { write: (text: string) => void lines.push(JSON.parse(text) as Line) });
  const trouble = createTrouble(log, '/a', () => nowMs);
  trouble.stored();
  assert.equal(lines.length, 0);
  for (let second = 0; second < 61; second++, nowMs += 1000) {
    for (let n = 0; n < 100; n++) trouble.refused(5, 'full');
    // At the bound now and then one fits.
    trouble.stored();
  }
  assert.deepEqual(
    lines.map(({ msg, why, omitted }) => [msg, why, omitted]),
    [
      ['spans cannot be stored, and are refused', 'full', undefined],
      ['spans cannot be stored, and are refused', 'full', 5999],
    ],
  );
  nowMs += 5000;
  trouble.stored();
  trouble.stored();
  assert.deepEqual(
    lines.slice(2).map((line) => [line.msg, line.refused_entries, line.refused_spans]),
    [['spans can be stored again', 6100, 30_500]],
  );
});
