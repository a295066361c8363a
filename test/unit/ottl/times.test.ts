import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkExpression } from '../../../src/ottl/check.ts';
import { compareValues } from '../../../src/ottl/compare.ts';
import { compileExpression } from '../../../src/ottl/compile.ts';
import type { Environment } from '../../../src/ottl/environment.ts';
import { OttlFault } from '../../../src/ottl/error.ts';
import { calculate } from '../../../src/ottl/math.ts';
import { showValue } from '../../../src/ottl/show.ts';
import { OttlDuration, OttlTime, type OttlValue } from '../../../src/ottl/values.ts';
import { call } from './call-function.ts';

const shown = (...args: readonly OttlValue[]) => {
  const time = call('Time', ...args);
  assert.ok(time instanceof OttlTime);
  return time.nanos;
};
const day = 86_400_000_000_000n;
const at = (iso: string) => BigInt(Date.parse(iso)) * 1_000_000n;

const read: readonly (readonly [readonly string[], string])[] = [
  [['2024-02-29 13:14:15', '%Y-%m-%d %H:%M:%S'], '2024-02-29T13:14:15Z'],
  [['2024-2-9   7:4:5', '%Y-%m-%d %H:%M:%S'], '2024-02-09T07:04:05Z'],
  [['10/Oct/2000:13:55:36 -0700', '%d/%b/%Y:%H:%M:%S %z'], '2000-10-10T20:55:36Z'],
  [['2024-01-02T03:04:05+01:00', '%FT%T%z'], '2024-01-02T02:04:05Z'],
  [['2024-01-02T03:04:05Z', '%FT%T%z'], '2024-01-02T03:04:05Z'],
  [['2024-01-02T03:04:05+01:00', '%FT%T%j'], '2024-01-02T02:04:05Z'],
  [['2024-01-02T03:04:05+010000', '%FT%T%w'], '2024-01-02T02:04:05Z'],
  [['2024-01-02T03:04:05.123Z', '%Y-%m-%dT%H:%M:%SZ'], '2024-01-02T03:04:05.123Z'],
  [['2024-01-02T03:04:05,123', '%Y-%m-%dT%H:%M:%S.%L'], '2024-01-02T03:04:05.123Z'],
  [['2024-01-02', '%Y-%m-%d', 'America/New_York'], '2024-01-02T05:00:00Z'],
  [['2024-07-02', '%Y-%m-%d', 'America/New_York'], '2024-07-02T04:00:00Z'],
  [['2024-10-27 12:00', '%F %R', 'Europe/Berlin'], '2024-10-27T11:00:00Z'],
  [['2024-01-02 03:04:05 EST', '%F %T %Z'], '2024-01-02T08:04:05Z'],
  [['2024-01-02 03:04:05 GMT+3', '%F %T %Z'], '2024-01-02T00:04:05Z'],
  [['Tue Jan 02 15:04:05 2024', '%c'], '2024-01-02T15:04:05Z'],
  [['12 AM 2024', '%I %p %Y'], '2024-01-01T00:00:00Z'],
  [['03:04:05 pm 2024', '%r %Y'], '2024-01-01T15:04:05Z'],
  [['69 68', '%y %M'], 'fails'],
  [['69', '%y'], '1969-01-01T00:00:00Z'],
  [['68', '%y'], '2068-01-01T00:00:00Z'],
  [['mercoledì 4 gennaio 2023', '%A %g %B %Y', '', 'it'], '2023-01-04T00:00:00Z'],
  [['4. März 2023', '%g. %B %Y', 'Europe/Berlin', 'de'], '2023-03-03T23:00:00Z'],
  [['', '%Y'], 'fails'],
  [['bad', '%Y'], 'fails'],
  [['2024', ''], 'fails'],
  [['2024', '2006'], 'fails'],
  [['2024', '%K'], 'fails'],
  [['2024', '%Y', 'Nowhere/Else'], 'fails'],
  [['2024', '%Y', '', 'no such'], 'fails'],
  [['2024 13', '%Y %m'], 'fails'],
  [['2024-02-30', '%F'], 'fails'],
  [['2024 x', '%Y'], 'fails'],
  [['24:00:00 2024', '%T %Y'], 'fails'],
  [['2024 XYZ', '%Y %Z'], 'fails'],
  [[`2024${' '.repeat(5_000_000)}x`, '%Y %m'], 'fails'],
];

describe('Time', () => {
  for (const [args, wanted] of read) {
    it(`reads ${args[0].slice(0, 40)} by ${args.slice(1).join(', ')}: ${wanted}`, () => {
      if (wanted === 'fails') assert.throws(() => shown(...args), OttlFault);
      else assert.equal(shown(...args), at(wanted));
    });
  }

  it('keeps nanoseconds', () => assert.equal(shown('2024.123456789', '%Y.%s') % 1_000_000_000n, 123456789n));

  it('gives a time of day the date of today', () => {
    const found = new Date(Number(shown('00:00:00', '%T') / 1_000_000n));
    assert.ok(Math.abs(Date.now() - found.getTime()) < 2 * 86_400_000);
  });
});

describe('FormatTime', () => {
  const time = new OttlTime(1760000000123456789n);
  const rows: readonly (readonly [string, string])[] = [
    ['%Y|%y|%m|%q|%b|%h|%B|%d|%e|%g|%a|%A', '2025|25|10|10|Oct|Oct|October|09| 9|9|Thu|Thursday'],
    ['%H|%I|%l|%p|%P|%M|%S|.%L|.%f|.%s', '08|08|8|AM|am|53|20|.123|.123456|.123456789'],
    ['%z|%Z|%i|%j|%k|%w|%D|%F', 'Z|UTC|+00|+00:00|+00:00:00|+000000|10/09/2025|2025-10-09'],
    ['%T|%r|%R|%n|%t|%%|%c', '08:53:20|08:53:20 am|08:53|\n|\t|%|Thu Oct 09 08:53:20 2025'],
    ['Jan Mon PM MST Month', 'Oct Thu AM UTC Month'],
    ['%S,%L', '20,123'],
  ];
  for (const [format, wanted] of rows) {
    it(`writes ${JSON.stringify(format)}`, () => assert.equal(call('FormatTime', time, format), wanted));
  }

  it('leaves out zeros behind a point', () => {
    assert.equal(call('FormatTime', new OttlTime(120_000_000n), '%S.%L'), '00.12');
    assert.equal(call('FormatTime', new OttlTime(0n), '%S.%L'), '00');
  });

  it('writes times before the epoch and far ahead', () => {
    assert.equal(call('FormatTime', new OttlTime(-1n), '%F %T.%s'), '1969-12-31 23:59:59.999999999');
    assert.match(call('FormatTime', new OttlTime(2n ** 63n * 1_000_000_000n), '%Y') as string, /^\d+$/);
  });
});

describe('the zone of a time', () => {
  const berlin = call('Time', '2024-07-01 23:30:00', '%F %T', 'Europe/Berlin');
  const hour = new OttlDuration(3_600_000_000_000n);

  it('is kept by what computes with the time', () => {
    const shown = (value: OttlValue) => call('FormatTime', value, '%F %T %Z');
    assert.equal(shown(berlin), '2024-07-01 23:30:00 CEST');
    assert.equal(shown(calculate(berlin, '+', hour)), '2024-07-02 00:30:00 CEST');
    assert.equal(shown(calculate(hour, '+', berlin)), '2024-07-02 00:30:00 CEST');
    assert.equal(shown(calculate(berlin, '-', new OttlDuration(200n * day))), '2023-12-14 22:30:00 CET');
    assert.equal(shown(call('TruncateTime', berlin, hour)), '2024-07-01 23:00:00 CEST');
  });

  it('is the one in which its parts are', () => {
    const parts = ['Day', 'Hour', 'Weekday', 'Minute'].map((name) => call(name, berlin));
    assert.deepEqual(parts, [1n, 23n, 1n, 30n]);
  });

  it('does not make two times differ', () => {
    const same = call('Time', '2024-07-01 21:30:00', '%F %T');
    assert.equal(compareValues(berlin, same, '=='), true);
    assert.equal(compareValues(berlin, same, '<'), false);
    assert.deepEqual(calculate(berlin, '-', same), new OttlDuration(0n));
  });

  it('is shown in text of every kind', () => {
    assert.equal(call('String', berlin), '"2024-07-01T23:30:00+02:00"');
    assert.equal(call('Format', '%v', [berlin]), '2024-07-01 23:30:00 +0200 CEST');
    assert.equal(showValue(berlin), '2024-07-01T23:30:00+02:00');
  });

  it('has a name and an offset at all times', () => {
    assert.ok(berlin instanceof OttlTime);
    for (const nanos of [2n ** 63n * 1_000_000_000n, -(2n ** 63n) * 1_000_000_000n, 0n, -1n]) {
      assert.match(
        call('FormatTime', new OttlTime(nanos, berlin.zone), '%Z %k') as string,
        /^[A-Z]+ \+\d\d:\d\d:\d\d$/,
      );
    }
  });

  it('has the name that the time zone database has, or a number', () => {
    const names = [
      'Asia/Shanghai',
      'Asia/Dubai',
      'Asia/Kolkata',
      'America/Sao_Paulo',
      'Europe/Moscow',
      'Asia/Kathmandu',
    ];
    const found = names.map((name) => call('FormatTime', call('Time', '2024-07-01', '%F', name), '%Z'));
    assert.deepEqual(found, ['CST', '+04', 'IST', '-03', 'MSK', '+0545']);
  });
});

describe('a time without a year that stands in the text', () => {
  const today = Date.UTC(2024, 4, 5, 12);

  it('is of the day on which the rule runs, not of that on which it was loaded', ({ mock }) => {
    mock.timers.enable({ apis: ['Date'], now: today });
    const get = expression('UnixSeconds(Time("10:00:00", "%T"))');
    assert.equal(get(), BigInt(Date.UTC(2024, 4, 5, 10) / 1000));
    mock.timers.setTime(today + 86_400_000);
    assert.equal(get(), BigInt(Date.UTC(2024, 4, 6, 10) / 1000));
  });

  it('is of the year in which the rule runs', ({ mock }) => {
    mock.timers.enable({ apis: ['Date'], now: today });
    const get = expression('Year(Time("01 Mar", "%d %b"))');
    assert.equal(get(), 2024n);
    mock.timers.setTime(Date.UTC(2025, 4, 5));
    assert.equal(get(), 2025n);
  });

  it('with a year is read once', () => {
    const get = expression('Time("2024-07-01", "%F", "Europe/Berlin")');
    assert.equal(get(), get());
  });
});

function expression(text: string): () => OttlValue {
  return compileExpression(checkExpression(text, 'span'), undefined as unknown as Environment);
}
