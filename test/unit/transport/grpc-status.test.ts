import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  codeOfHttpStatus,
  decodeGrpcMessage,
  encodeGrpcMessage,
  grpcCodeName,
} from '../../../src/transport/grpc-status.ts';
import { retryDelayOf, retryInfoStatus } from '../../../src/transport/rpc-status.ts';

test('grpc-message keeps printable ASCII and percent-encodes the rest', () => {
  const cases: [string, string][] = [
    ['', ''],
    ['plain text, "quoted" ~', 'plain text, "quoted" ~'],
    ['100 %', '100 %25'],
    ['a\nb\tc', 'a%0Ab%09c'],
    ['é', '%C3%A9'],
    ['😀', '%F0%9F%98%80'],
    ['\u007f', '%7F'],
  ];
  for (const [plain, encoded] of cases) {
    assert.equal(encodeGrpcMessage(plain), encoded);
    assert.equal(decodeGrpcMessage(encoded), plain);
  }
});

test('any text survives grpc-message, and the encoded form is printable ASCII', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const encoded = encodeGrpcMessage(text);
      assert.match(encoded, /^[ -~]*$/);
      assert.equal(decodeGrpcMessage(encoded), text);
    }),
  );
});

test('a grpc-message that is wrongly encoded is kept as far as it goes', () => {
  assert.equal(decodeGrpcMessage('50% off'), '50% off');
  assert.equal(decodeGrpcMessage('%'), '%');
  assert.equal(decodeGrpcMessage('%4'), '%4');
  assert.equal(decodeGrpcMessage('%zz%41'), '%zzA');
});

test('codes have names, unknown ones their number', () => {
  assert.equal(grpcCodeName(8), 'RESOURCE_EXHAUSTED');
  assert.equal(grpcCodeName(77), '77');
});

test('HTTP statuses map as http-grpc-status-mapping.md says', () => {
  const table: [number, number][] = [
    [400, 13],
    [401, 16],
    [403, 7],
    [404, 12],
    [429, 14],
    [502, 14],
    [503, 14],
    [504, 14],
    [200, 2],
    [500, 2],
    [418, 2],
  ];
  for (const [httpStatus, code] of table) assert.equal(codeOfHttpStatus(httpStatus), code);
});

test('a status with RetryInfo is encoded as protoc encodes it', () => {
  // google.rpc.Status{8, "full", [Any{RetryInfo{Duration{2 s, 750,000,000 ns}}}]}
  const url = Buffer.from('type.googleapis.com/google.rpc.RetryInfo').toString('hex');
  const duration = '08021080afd0e502';
  const retryInfo = `0a08${duration}`;
  const any = `0a28${url}120a${retryInfo}`;
  const expected = `0808120466756c6c1a36${any}`;
  const { code, message, details } = retryInfoStatus(8, 'full', 2750);
  assert.deepEqual([code, message], [8, 'full']);
  assert.equal(Buffer.from(details ?? []).toString('hex'), expected);
});

test('every delay that is written is read back, rounded up to milliseconds', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e10, noNaN: true }), fc.string(), (delayMs, message) => {
      const { details } = retryInfoStatus(14, message, delayMs);
      assert.equal(retryDelayOf(details ?? new Uint8Array()), Math.ceil(delayMs));
    }),
  );
});

test('details without RetryInfo, with other details first, or of random bytes never throw', () => {
  const { details = new Uint8Array() } = retryInfoStatus(8, 'x', 1500);
  const other = Buffer.from('1a090a0774797065756e6b', 'hex');
  assert.equal(retryDelayOf(new Uint8Array()), undefined);
  assert.equal(retryDelayOf(other), undefined);
  assert.equal(retryDelayOf(Buffer.concat([other, details])), 1500);
  for (let length = 0; length < details.length; length++) {
    const delay = retryDelayOf(details.subarray(0, length));
    assert.ok(delay === undefined || delay === 1500);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const delay = retryDelayOf(bytes);
      assert.ok(delay === undefined || Number.isFinite(delay));
    }),
  );
});

test('a negative delay counts as none', () => {
  // Duration{seconds: -1}: a varint of ten bytes
  const retryInfo = Buffer.from('0a0b08ffffffffffffffffff01', 'hex');
  const url = Buffer.from('type.googleapis.com/google.rpc.RetryInfo');
  const any = Buffer.concat([Buffer.of(0x0a, url.length), url, Buffer.of(0x12, retryInfo.length), retryInfo]);
  assert.equal(retryDelayOf(Buffer.concat([Buffer.of(0x1a, any.length), any])), undefined);
});
