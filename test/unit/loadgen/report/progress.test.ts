import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { oneLine } from '../../../../loadgen/report/figures.ts';
import { createProgress, type ProgressFigures } from '../../../../loadgen/report/progress.ts';

const figures = (changes: Partial<ProgressFigures> = {}): ProgressFigures => ({
  phase: 'running',
  elapsedSeconds: 12.3,
  remainingSeconds: 17.7,
  spansPerSecond: 20_012,
  acknowledged: 240_112,
  refused: 0,
  late: 5120,
  arrived: 239_900,
  overdue: 0,
  inFlight: 12,
  lagMs: 0.31,
  ackP99Ms: 2.14,
  ...changes,
});

function outputOf(terminal: { isTTY?: boolean; columns?: number }) {
  const written: string[] = [];
  return { ...terminal, written, write: (text: string) => written.push(text) };
}

const plainColours = { NO_COLOR: '1' };
const whole =
  '12 s  20,012 spans/s  acknowledged 240,112  refused 0  arrived 239,900  ack p99 2.14 ms  in flight 12  lag 0.31 ms  18 s left';

test('on a terminal the line is written anew, and taken away at the end', () => {
  const output = outputOf({ isTTY: true, columns: 200 });
  const progress = createProgress(output, { environment: plainColours });
  progress.update(figures());
  progress.update(figures({ elapsedSeconds: 13, remainingSeconds: 17 }));
  progress.end();
  progress.end();
  progress.update(figures());
  const clear = '\r\x1b[K';
  assert.deepEqual(output.written, [
    clear + whole,
    clear + whole.replace('12 s', '13 s').replace('18 s', '17 s'),
    clear,
  ]);
});

test('the line never fills the columns: what matters least goes first, and no figure is cut in two', () => {
  const parts = new Set(whole.trim().split('  '));
  const seen = new Set<string>();
  for (let columns = 160; columns > 16; columns--) {
    const output = outputOf({ isTTY: true, columns });
    createProgress(output, { environment: {} }).update(figures());
    const line = stripVTControlCharacters(output.written[0]).replace('\r', '');
    assert.ok(line.length < columns, `${line.length} characters in ${columns} columns`);
    for (const part of line.trim().split('  ')) assert.ok(parts.has(part), part);
    seen.add(line.trim());
  }
  assert.deepEqual([...seen].slice(-2), ['12 s  20,012 spans/s', '20,012 spans/s']);
  assert.equal([...seen][0], whole.trim());
});

test('a terminal narrower than the rate gets what fits', () => {
  const output = outputOf({ isTTY: true, columns: 8 });
  createProgress(output, { environment: plainColours }).update(figures());
  assert.equal(output.written[0], '\r\x1b[K20,012 ');
});

test('a terminal that does not know its width gets no more than 79 characters', () => {
  const output = outputOf({ isTTY: true });
  createProgress(output, { environment: plainColours }).update(figures());
  assert.ok(output.written[0].length <= '\r\x1b[K'.length + 79);
});

for (const [what, isTTY, environment, coloured] of [
  ['a terminal has colours', true, {}, true],
  ['NO_COLOR takes them away', true, { NO_COLOR: '1' }, false],
  ['an empty NO_COLOR does not', true, { NO_COLOR: '' }, true],
  ['a dumb terminal has none', true, { TERM: 'dumb' }, false],
  ['a file has none', false, {}, false],
] as const) {
  test(`colours: ${what}`, () => {
    const output = outputOf({ isTTY, columns: 200 });
    createProgress(output, { environment }).update(figures({ refused: 3 }));
    assert.equal(output.written.join('').includes('\x1b[31mrefused 3'), coloured);
    if (!coloured) assert.ok(!output.written.join('').includes('\x1b[3'));
  });
}

test('elsewhere there is a plain line every few seconds, and one for every new phase', () => {
  const output = outputOf({});
  const progress = createProgress(output, { plainEverySeconds: 5 });
  for (const elapsedSeconds of [1, 2, 5.9, 6, 8]) progress.update(figures({ elapsedSeconds, phase: 'warm-up' }));
  progress.update(figures({ elapsedSeconds: 9 }));
  progress.update(figures({ elapsedSeconds: 10 }));
  progress.end();
  progress.update(figures({ elapsedSeconds: 90 }));
  const lines = output.written.map((text) => text.split('  ').slice(0, 2).join('  '));
  assert.deepEqual(lines, ['1 s  warm-up', '6 s  warm-up', '9 s  20,012 spans/s']);
  for (const text of output.written) assert.equal(text, `${oneLine(text.slice(0, -1))}\n`);
});

test('the line says that the end is sent, how much of it is left, and for how long', () => {
  const output = outputOf({});
  createProgress(output).update(figures({ phase: 'flushing', late: 81_340, remainingSeconds: 41 }));
  assert.match(
    output.written[0],
    /^12 s {2}flushing what ends late {2}81,340 spans left {2}20,012 spans\/s .* {2}41 s left\n$/,
  );
});

test('what is not known is left out', () => {
  const output = outputOf({});
  createProgress(output).update(figures({ arrived: null, ackP99Ms: null, remainingSeconds: null }));
  assert.equal(output.written[0], '12 s  20,012 spans/s  acknowledged 240,112  refused 0  in flight 12  lag 0.31 ms\n');
});

test('a note stands above the line, in one line whatever is in it', () => {
  const output = outputOf({ isTTY: true, columns: 200 });
  const progress = createProgress(output, { environment: plainColours });
  progress.note('before');
  progress.update(figures());
  progress.note('a fault\nbegins \x1b[2J');
  assert.deepEqual(output.written, ['before\n', `\r\x1b[K${whole}`, `\r\x1b[Ka fault begins  [2J\n${whole}`]);
});
