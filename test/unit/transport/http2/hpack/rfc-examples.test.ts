// The examples of RFC 7541 appendix C: bytes, the fields they stand for, and the dynamic table after each block.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HpackDecoder } from '../../../../../src/transport/http2/hpack/decoder.ts';
import { readInteger, writeInteger } from '../../../../../src/transport/http2/hpack/integer.ts';

interface Example {
  readonly hex: string;
  /** A field a line, `name: value`. */
  readonly fields: readonly string[];
  /** The dynamic table after the block, the newest first. */
  readonly table: readonly string[];
}

const listBytes = 16_384;
const line = ({ name, value }: { name: string; value: string }) => `${name}: ${value}`;

function check(tableBytes: number, examples: readonly Example[]): void {
  const decoder = new HpackDecoder(tableBytes, listBytes);
  for (const { hex, fields, table } of examples) {
    // Not at the start of its buffer, so that positions are held apart from offsets.
    const bytes = Buffer.concat([Buffer.alloc(7), Buffer.from(hex.replaceAll(' ', ''), 'hex'), Buffer.alloc(5)]);
    assert.deepEqual(decoder.decode(bytes, 7, bytes.length - 5)?.map(line), fields, hex);
    assert.deepEqual(decoder.entries().map(line), table, hex);
  }
}

test('C.1: integers with a prefix of 5 and of 8 bits are read and written', () => {
  for (const [value, prefixBits, hex] of [
    [10, 5, '0a'],
    [1337, 5, '1f9a0a'],
    [42, 8, '2a'],
  ] as const) {
    const bytes = Buffer.from(hex, 'hex');
    assert.equal(readInteger({ bytes, at: 1, end: bytes.length }, bytes[0], prefixBits), value);
    const written = Buffer.alloc(8);
    assert.equal(written.toString('hex', 0, writeInteger(written, 0, 0, prefixBits, value)), hex);
  }
});

test('C.2: each representation of a field on its own', () => {
  const custom = 'custom-key: custom-header';
  check(4096, [
    { hex: '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', fields: [custom], table: [custom] },
  ]);
  check(4096, [{ hex: '040c 2f73 616d 706c 652f 7061 7468', fields: [':path: /sample/path'], table: [] }]);
  check(4096, [{ hex: '1008 7061 7373 776f 7264 0673 6563 7265 74', fields: ['password: secret'], table: [] }]);
  check(4096, [{ hex: '82', fields: [':method: GET'], table: [] }]);
});

const authority = ':authority: www.example.com';
const noCache = 'cache-control: no-cache';
const customValue = 'custom-key: custom-value';
const requests = [
  { fields: [':method: GET', ':scheme: http', ':path: /', authority], table: [authority] },
  { fields: [':method: GET', ':scheme: http', ':path: /', authority, noCache], table: [noCache, authority] },
  {
    fields: [':method: GET', ':scheme: https', ':path: /index.html', authority, customValue],
    table: [customValue, noCache, authority],
  },
];

const withHex = (hexes: readonly string[], examples: readonly Omit<Example, 'hex'>[]): Example[] =>
  examples.map((example, i) => ({ ...example, hex: hexes[i] }));

test('C.3: three requests on a connection, without the Huffman code', () => {
  const hexes = [
    '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
    '8286 84be 5808 6e6f 2d63 6163 6865',
    '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
  ];
  check(4096, withHex(hexes, requests));
});

test('C.4: the same requests with the Huffman code', () => {
  const hexes = [
    '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
    '8286 84be 5886 a8eb 1064 9cbf',
    '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
  ];
  check(4096, withHex(hexes, requests));
});

const isPrivate = 'cache-control: private';
const date21 = 'date: Mon, 21 Oct 2013 20:13:21 GMT';
const date22 = 'date: Mon, 21 Oct 2013 20:13:22 GMT';
const location = 'location: https://www.example.com';
const gzip = 'content-encoding: gzip';
const cookie = 'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
const responses = [
  {
    fields: [':status: 302', isPrivate, date21, location],
    table: [location, date21, isPrivate, ':status: 302'],
  },
  {
    fields: [':status: 307', isPrivate, date21, location],
    table: [':status: 307', location, date21, isPrivate],
  },
  {
    fields: [':status: 200', isPrivate, date22, location, gzip, cookie],
    table: [cookie, gzip, date22],
  },
];

test('C.5: three responses that evict from a table of 256 bytes, without the Huffman code', () => {
  const hexes = [
    '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
    '4803 3330 37c1 c0bf',
    '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31',
  ];
  check(256, withHex(hexes, responses));
});

test('C.6: the same responses with the Huffman code', () => {
  const hexes = [
    '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
    '4883 640e ffc1 c0bf',
    '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
  ];
  check(256, withHex(hexes, responses));
  // C.6.1 once more by a decoder without a table, as the load generator has: its literals are then plain ones.
  check(0, [{ hex: hexes[0], fields: responses[0].fields, table: [] }]);
});
