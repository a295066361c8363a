import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import {
  bytes,
  count,
  counted,
  duration,
  figure,
  milliseconds,
  oneLine,
  share,
  shellParts,
} from '../../../../loadgen/report/figures.ts';

const tables: readonly (readonly [
  name: string,
  format: (value: number) => string,
  cases: Readonly<Record<string, number>>,
])[] = [
  ['counts', count, { '0': 0, '1,234,567': 1234567, '20,000': 19_999.6 }],
  [
    'figures',
    figure,
    { '0': 0, '0.004': 0.0041, '0.27': 0.273, '2.73': 2.73456, '27.3': 27.346, '273': 273.46, '2,735': 2734.6 },
  ],
  ['latencies', milliseconds, { '0.83 ms': 0.83, '842 ms': 842, '1.20 s': 1200, '1 min 5 s': 65_000 }],
  ['sizes', bytes, { '512 B': 512, '1.50 KiB': 1536, '93.8 MiB': 98_304_000, '2.00 GiB': 2 ** 31 }],
  ['times', duration, { '0.5 s': 0.5, '30 s': 30, '2 min': 120, '2 min 5 s': 125, '1 h 1 min': 3660 }],
];
for (const [name, format, cases] of tables) {
  test(`${name} are written for people`, () => {
    assert.deepEqual(Object.values(cases).map(format), Object.keys(cases));
  });
}

test('a share is never said to be nothing or all when it is not', () => {
  const shares = [
    [0, 10],
    [1, 1_000_000],
    [4, 1000],
    [333, 1000],
    [9_999, 10_000],
    [999_999, 1_000_000],
    [10, 10],
    [0, 0],
  ].map(([part, whole]) => share(part, whole));
  assert.deepEqual(shares, ['0%', 'under 0.01%', '0.40%', '33.3%', '99.99%', 'over 99.99%', '100%', '0%']);
});

test('one is not many', () => {
  assert.equal(counted(1, 'span'), '1 span');
  assert.equal(counted(1200, 'span'), '1,200 spans');
  assert.equal(counted(2, 'span was', 'spans were'), '2 spans were');
});

test('a shell reads the command line as the arguments that it was made from', () => {
  const words = ['a b', "it's", '$HOME', '`id`', '', '--headers', 'x-key=<"v">;&', 'one\ntwo', '*', '--rate=1'];
  const line = shellParts(['printf', '%s\\0', ...words]).join(' ');
  const { stdout } = spawnSync('sh', ['-c', line], { encoding: 'utf8' });
  assert.deepEqual(stdout.split('\0').slice(0, -1), words);
});

test('a flag and its value are one part of the command line, and flags without one stand alone', () => {
  assert.deepEqual(shellParts(['spanload', '--rate', '5', '--verbose', '--seed=4', 'more']), [
    'spanload',
    '--rate 5',
    '--verbose',
    '--seed=4',
    'more',
  ]);
});

test('text of others cannot command the terminal, nor begin a line', () => {
  assert.equal(oneLine('a\nb\x1b[31mc\r\u009bd'), 'a b [31mc d');
});
