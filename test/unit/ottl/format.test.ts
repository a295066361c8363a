// The results are those of the Collector, where it has one.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OttlFault } from '../../../src/ottl/error.ts';
import { sprintf } from '../../../src/ottl/functions/format.ts';
import { OttlDuration, OttlId, OttlTime, type OttlValue } from '../../../src/ottl/values.ts';

const id = new OttlId('span id', Buffer.from('1112131415161718', 'hex'));
const time = new OttlTime(1760000000123456789n);
const rows: readonly (readonly [string, readonly OttlValue[], string])[] = [
  ['', [], ''],
  ['%s|%d|%5d|%-5d|%05d', ['x', 42n, 42n, 42n, 42n], 'x|42|   42|42   |00042'],
  ['%f|%.2f|%e|%g|%8.3f', [3.1449, 3.1449, 31415.9, 0.00001, 2.5], '3.144900|3.14|3.141590e+04|1e-05|   2.500'],
  [
    '%+d|% d|%#x|%#o|%#b|%+.3e|%08.3f|%+08d',
    [5n, 5n, 255n, 8n, 5n, 12345.678, -3.1449, 5n],
    '+5| 5|0xff|010|0b101|+1.235e+04|-003.145|+0000005',
  ],
  [
    '%x|%X|% x|%#x|%.3x|%# x',
    ['hello', 'hi', 'abc', 'abc', 'hello', 'abc'],
    '68656c6c6f|6869|61 62 63|0x616263|68656c|0x61 0x62 0x63',
  ],
  [
    '%d %x %t %q %c %U',
    [1.5, 1.5, 1n, 65n, 128512n, 128512n],
    "%!d(float64=1.5) 0x1.8p+00 %!t(int64=1) 'A' \u{1f600} U+1F600",
  ],
  ['%v %s %d %t', [null, null, null, null], '<nil> %!s(<nil>) %!d(<nil>) %!t(<nil>)'],
  ['%T %T %T %T %T', ['a', 1n, 1.5, true, null], 'string int64 float64 bool <nil>'],
  ['%*d|%-*d|%.*f', [5n, 42n, 5n, 42n, 2n, 3.1449], '   42|42   |3.14'],
  ['%!|%z|%', [1n], '%!!(int64=1)|%!z(MISSING)|%!(NOVERB)'],
  ['%[2]d %[1]d', [1n, 2n], '2 1'],
  ['%[3]d', [1n], '%!d(BADINDEX)'],
  ['%[x]d', [3n, 5n], '%!d(BADINDEX)'],
  ['%[1]*d|%[2]*[1]d', [3n, 5n], '  5|    3'],
  ['%.[2]*[1]f', [3.1449, 2n], '3.14'],
  ['%v %v', [[1n, 'a', null, 2.5], true], '[1 a <nil> 2.5] true'],
  ['%d %s %q %x', [[1n, 2n], ['a', 'b'], ['a'], ['a']], '[1 2] [a b] ["a"] [61]'],
  [
    '%5t|%-7t|%05s|%.2s|%5.1s|%.2q',
    [true, false, 'ab', '日本語', '日本語', '日本語'],
    ' true|false  |000ab|日本|    日|"日本"',
  ],
  ['%6.2f%%', [12.3456], ' 12.35%'],
  ['%+.2e|%+t|%#d|%5z', [64n, 1n, 1.5, 'a'], '%!e(int64=+64)|%!t(int64=+1)|%!d(float64=1.50000)|%!z(string=    a)'],
  ['%x %X %a', [3.5, 3.5, 1], '0x1.cp+01 0X1.CP+01 %!a(float64=1)'],
  ['%b %o %O', [-5n, -8n, 8n], '-101 -10 0o10'],
  ['%U %#U %08U', [8984n, 8984n, 8984n], "U+2318 U+2318 '⌘'   U+2318"],
  ['%v %+v %#v', ['a', 1n, 'b'], 'a 1 "b"'],
  ['%#v %#v', [[1n, 'a'], null], '[]interface {}{1, "a"} <nil>'],
  ['%d', [1n, 2n, 'x', null], '1%!(EXTRA int64=2, string=x, <nil>)'],
  ['%d %d', [1n], '1 %!d(MISSING)'],
  ['%010s|%-010d|%+q|% d', ['ab', 5n, 65n, -5n], "00000000ab|5         |'A'|-5"],
  ['%.3d|%8.3d|%08.3d|%.0d', [5n, 5n, 5n, 0n], '005|     005|     005|'],
  ['%#g %#.3g %g', [1, 1, 123456789], '1.00000 1.00 1.23456789e+08'],
  ['%.3g %.10g %.0f %.0e', [1234.5678, 0.1, 2.5, 25], '1.23e+03 0.1 2 2e+01'],
  ['%+f % f %+g', [1.5, 1.5, -0], '+1.500000  1.500000 -0'],
  ['%f|%5f|%-5f|%05f', [Number.NaN, Infinity, -Infinity, Infinity], 'NaN| +Inf|-Inf | +Inf'],
  ['%d %d', [9007199254740993n, -(2n ** 63n)], '9007199254740993 -9223372036854775808'],
  ['%c|%c|%q', [-1n, 1114112n, -5n], "\ufffd|\ufffd|'\ufffd'"],
  ['%-5c|%5q|%05d', [65n, 65n, -42n], "A    |  'A'|-0042"],
  ['%.*d|%*d', [-1n, 5n, 'x', 5n], '%!(BADPREC)5|%!(BADWIDTH)5'],
  ['%*d', [10000000n, 5n], '%!(BADWIDTH)5'],
  ['%99999999d', [5n], '%!(NOVERB)%!(EXTRA int64=5)'],
  ['%.-3d|%é', [5n, 5n], '%!-(int64=5)3d|%!é(int64=5)'],
  [
    '%s|%v|%d',
    [new OttlDuration(5400000000000n), new OttlDuration(1500000000n), new OttlDuration(2000000000n)],
    '1h30m0s|1.5s|2000000000',
  ],
  ['%s|%q', [time, time], '2025-10-09 08:53:20.123456789 +0000 UTC|"2025-10-09 08:53:20.123456789 +0000 UTC"'],
  ['%x|%v|%d', [id, id, id], '31313132313331343135313631373138|1112131415161718|[17 18 19 20 21 22 23 24]'],
  [
    '%v|%s',
    [
      new Map([
        ['b', 1n],
        ['a', 2n],
      ]),
      new Map(),
    ],
    'map[a:2 b:1]|map[]',
  ],
  [
    '%6d|%-6d|%06d',
    [
      [1n, 2n],
      [1n, 2n],
      [1n, 2n],
    ],
    '[     1      2]|[1      2     ]|[000001 000002]',
  ],
  ['%#q %#q', [65n, 'a\nb'], '\'A\' "a\\nb"'],
  ['%#e %#.0f', [1, 1], '1.000000e+00 1.'],
  ['%-08d|%+-8d|%#08x|%#8x|', [5n, 5n, 255n, 255n], '5       |+5      |0x000000ff|    0xff|'],
  ['%08q|%5v|%08v', ['ab', null, 1.5], '0000"ab"|<nil>|000001.5'],
];

describe('Format', () => {
  for (const [format, args, wanted] of rows) {
    it(`writes ${JSON.stringify(format)} as Go does`, () => assert.equal(sprintf(format, args), wanted));
  }

  it('writes a text of 5 MB', () => {
    const text = 'é'.repeat(2_500_000);
    assert.equal(sprintf('<%s>', [text]).length, text.length + 2);
  });

  it('refuses to grow beyond its limit by widths', () => {
    assert.throws(() => sprintf('%999999d'.repeat(100), new Array<bigint>(100).fill(1n)), OttlFault);
  });
});
