// Base64 and character sets; what they give was compared with a Collector.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OttlValue } from '../../../src/ottl/values.ts';
import { call, faultOf } from './call-function.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

describe('Base64Encode, Base64Decode and Decode', () => {
  const table: readonly (readonly [name: string, args: readonly OttlValue[], expected: string])[] = [
    ['Base64Encode', ['hi?>\u00e9~'], 'aGk/PsOpfg=='],
    ['Base64Encode', ['hi?>\u00e9~', 'base64-url'], 'aGk_PsOpfg=='],
    ['Base64Encode', ['hi?>\u00e9~', 'base64-raw'], 'aGk/PsOpfg'],
    ['Base64Encode', ['hi?>\u00e9~', 'base64-raw-url'], 'aGk_PsOpfg'],
    ['Base64Encode', [''], ''],
    ['Base64Decode', ['aGk='], 'hi'],
    ['Base64Decode', ['aG\nk='], 'hi'],
    ['Base64Decode', ['aGl='], 'hi'],
    ['Base64Decode', [''], ''],
    ['Decode', [' aGk=\n', 'base64'], 'hi'],
    ['Decode', ['aGk', 'base64-raw'], 'hi'],
    ['Decode', ['a_-k', 'base64-url'], 'k\ufffd\ufffd'],
    ['Decode', ['_w==', 'base64-url'], '\ufffd'],
    ['Decode', [hex('93fa967b'), 'Shift_JIS'], '\u65e5\u672c'],
    ['Decode', [hex('6162ff63'), 'utf-8'], 'ab\ufffdc'],
    ['Decode', [hex('6162ff63'), 'UTF8'], 'ab\ufffdc'],
    ['Decode', [hex('6162ff63'), 'us-ascii'], 'ab\ufffdc'],
    ['Decode', [hex('6162ff63'), ''], 'ab\ufffdc'],
    ['Decode', [hex('6162ff80'), 'ISO-8859-1'], 'ab\u00ff\u0080'],
    ['Decode', [hex('6162ff80'), 'windows-1252'], 'ab\u00ff\u20ac'],
    ['Decode', [hex('00ff10'), 'utf-16'], '\uff00\ufffd'],
    ['Decode', [hex('00ff10'), 'utf-16be'], '\u00ff\ufffd'],
    ['Decode', [hex('93fa967b'), 'gbk'], '\u64d4\u676e'],
    ['Decode', [hex('93fa967b'), 'gb18030'], '\u64d4\u676e'],
    ['Decode', [hex('93fa967b'), 'koi8-r'], '\u2320\u0417\u221a{'],
    ['Decode', [hex('93fa967b'), 'macintosh'], '\u00ec\u02d9\u00f1{'],
    ['Decode', ['\u00e9', 'iso-8859-1'], '\u00c3\u00a9'],
    ['Decode', ['', 'utf-8'], ''],
    ['Decode', [hex('efbbbf61'), 'utf-8'], '\ufeffa'],
  ];
  for (const [i, [name, args, expected]] of table.entries()) {
    it(`${name} gives ${JSON.stringify(expected)} (${i})`, () => assert.equal(call(name, ...args), expected));
  }

  const faults: readonly (readonly [name: string, args: readonly OttlValue[], message: RegExp])[] = [
    ['Base64Encode', ['hi', 'foo'], /^a variant is one of/],
    ['Base64Encode', [hex('00')], /^expected a string, got bytes$/],
    ['Base64Decode', ['aGk'], /^the text is not base64/],
    ['Base64Decode', ['a_-k'], /^the text is not base64/],
    ['Base64Decode', ['===='], /^the text is not base64/],
    ['Base64Decode', [null], /^expected a string, got nil$/],
    ['Decode', ['aGk=', 'base64-raw'], /^the text is not base64/],
    ['Decode', ['aGkxa', 'base64-raw'], /^the text is not base64/],
    ['Decode', ['a_-k', 'base64'], /^the text is not base64/],
    ['Decode', ['x', 'foo'], /^no such encoding/],
    ['Decode', [5n, 'utf-8'], /^expected a string or bytes, got an int$/],
    ['Decode', [null, 'base64'], /^expected a string or bytes, got nil$/],
  ];
  for (const [i, [name, args, message]] of faults.entries()) {
    it(`${name} fails with ${message} (${i})`, () => assert.match(faultOf(name, ...args), message));
  }

  it('work on 5 MB in a few seconds', () => {
    const start = performance.now();
    const text = call('Base64Encode', 'x'.repeat(5_000_000));
    assert.equal((call('Base64Decode', text) as string).length, 5_000_000);
    for (const part of [' ', '=', '\n', 'A=']) faultOf('Decode', part.repeat(2_500_000), 'base64');
    assert.ok(performance.now() - start < 20_000);
  });
});
