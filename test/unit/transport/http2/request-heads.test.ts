import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConnectionError } from '../../../../src/transport/http2/connection-error.ts';
import { errorCode } from '../../../../src/transport/http2/frames.ts';
import type { HeaderBlock } from '../../../../src/transport/http2/header-blocks.ts';
import { type Opening, RequestHeads } from '../../../../src/transport/http2/request-heads.ts';
import { fieldValues, metadataOf } from '../../../../src/transport/request-head.ts';
import { fakeMethod } from '../fake-calls.ts';
import { indexed, kept, literal, tableSize } from './hpack-fields.ts';

const path = '/a.B/C';
const routes = new Map([[path, fakeMethod()]]);
const create = (includeMetadata = false): RequestHeads =>
  new RequestHeads({ routes, includeMetadata, isGuarded: false, tableBytes: 4096, maxHeaderBytes: 2000 });

function block(...parts: Uint8Array[]): HeaderBlock {
  const bytes = Buffer.concat([Buffer.of(0xee), ...parts, Buffer.of(0xee)]);
  return { stream: 1, endStream: false, dependsOnItself: false, bytes, start: 1, end: bytes.length - 1 };
}
/** :method POST and :scheme http of the static table. */
const begin = Buffer.concat([indexed(3), indexed(6)]);
const first = block(begin, kept(':path', path), kept('content-type', 'application/grpc'), kept('tenant', 'a'));
/** The same request, as a client encodes it when the table has the three. */
const again = block(begin, indexed(64), indexed(63), indexed(62));

const metadata = (opening: Opening): string | undefined =>
  opening.kind === 'request' ? opening.head.fields.find(({ name }) => name === 'tenant')?.value : opening.kind;

test('a block that was seen is recognised while the table is the same', () => {
  const heads = create();
  const one = heads.open(first);
  const two = heads.open(again);
  assert.equal(one.kind === 'request' && one.head.refusal, null);
  assert.deepEqual(two, one);
  assert.equal(heads.open(again), two, 'it was decoded again');
  assert.equal(heads.open(block(Buffer.from(again.bytes.subarray(1, -1)))), two, 'not by its bytes');
});

test('a block is not recognised when the table has changed between, because its indexes mean others', () => {
  const heads = create(true);
  heads.open(first);
  assert.equal(metadata(heads.open(again)), 'a');
  assert.equal(metadata(heads.open(again)), 'a');
  // The newest entry is another one from here on: 63 is the tenant, 64 the content type, 65 the path.
  const moved = heads.open(block(begin, indexed(64), indexed(63), literal('x', 'y'), kept('tenant', 'b')));
  assert.equal(moved.kind, 'request');
  const now = heads.open(block(begin, indexed(65), indexed(64), indexed(62)));
  assert.equal(metadata(now), 'b');
  const wrong = heads.open(again);
  assert.notEqual(metadata(wrong), 'a', 'the old meaning of the block');
});

test('an eviction and a new size of the table end what was known too', () => {
  for (const change of [tableSize(0), tableSize(100)]) {
    const heads = create(true);
    heads.open(first);
    heads.open(again);
    heads.open(block(change, begin, literal(':path', path)));
    assert.throws(
      () => heads.open(again),
      (error) => error instanceof ConnectionError && error.code === errorCode.compressionError,
    );
  }
  const emptied = create(true);
  emptied.open(first);
  emptied.open(again);
  emptied.open(block(tableSize(0), tableSize(4096), begin, literal(':path', path)));
  assert.throws(() => emptied.open(again), ConnectionError, 'the table was emptied, and is as large as before');
});

test('a block that changes the table is never recognised itself', () => {
  const heads = create(true);
  const adding = block(begin, literal(':path', path), kept('tenant', 'a'));
  heads.open(adding);
  heads.open(adding);
  // Had the second not been decoded, the table would have one entry.
  assert.equal(metadata(heads.open(block(begin, literal(':path', path), indexed(63)))), 'a');
});

test('what is malformed or too large is so each time', () => {
  const heads = create();
  for (let i = 0; i < 2; i++) {
    assert.equal(heads.open(block(indexed(3))).kind, 'malformed');
    assert.equal(heads.open(block(begin, literal(':path', 'x'.repeat(3000)))).kind, 'too_large');
  }
});

test('metadata is there only where it is asked for, and content-length and refusals for all', () => {
  const request = block(begin, literal(':path', '/other'), literal('tenant', 'a'), literal('content-length', '7'));
  for (const included of [false, true]) {
    const heads = create(included);
    for (let i = 0; i < 3; i++) {
      const opening = heads.open(request);
      assert.ok(opening.kind === 'request');
      assert.equal(opening.contentLength, 7);
      assert.equal(opening.head.refusal?.reason, 'content_type');
      assert.deepEqual(metadataOf(opening.head, 'tenant'), included ? ['a'] : []);
      assert.deepEqual(fieldValues(opening.head, 'tenant'), ['a'], 'for those who ask for what came over gRPC');
    }
  }
});

test('trailers build on the same table, and change it', () => {
  const heads = create(true);
  heads.open(first);
  heads.open(again);
  assert.equal(heads.trailers(block(kept('x-sum', '1'))), '');
  assert.equal(metadata(heads.open(block(begin, indexed(65), indexed(64), indexed(63)))), 'a');
  assert.notEqual(heads.trailers(block(indexed(3))), '');
  assert.notEqual(heads.trailers(block(literal('x', 'y'.repeat(3000)))), '');
  assert.throws(() => heads.trailers(block(indexed(99))), ConnectionError);
});

/** Requests as a client may encode them: each field indexed where the table should have it, kept, or written out. */
const blocks = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(again) },
    {
      weight: 4,
      arbitrary: fc
        .array(fc.integer({ min: 1, max: 70 }).map(indexed), { maxLength: 4 })
        .map((indexes) => block(begin, literal(':path', path), ...indexes)),
    },
    {
      weight: 2,
      arbitrary: fc
        .constantFrom('a', 'b', 'c')
        .map((value) => block(begin, literal(':path', path), kept('tenant', value))),
    },
    { weight: 1, arbitrary: fc.constantFrom(0, 60, 4096).map((bytes) => block(tableSize(bytes), begin, indexed(62))) },
  ),
  { minLength: 2, maxLength: 30 },
);

test('whatever was recognised, each block means what it means to one who decodes them all', () => {
  const property = fc.property(blocks, (list) => {
    const heads = create(true);
    const sent: HeaderBlock[] = [first];
    heads.open(first);
    for (const one of list) {
      // One that has recognised nothing: a new one that is given all blocks so far as trailers, which are always decoded.
      const slow = create(true);
      for (const before of sent) slow.trailers(before);
      let expected: Opening | number;
      try {
        expected = slow.open(one);
      } catch (error) {
        assert.ok(error instanceof ConnectionError);
        expected = error.code;
      }
      if (typeof expected === 'number') {
        assert.throws(() => heads.open(one), ConnectionError);
        return;
      }
      assert.deepEqual(heads.open(one), expected);
      sent.push(one);
    }
  });
  fc.assert(property, { numRuns: 150 });
});

test('a block that differs from a known one in one byte is decoded for itself', () => {
  const property = fc.property(fc.nat(again.end - again.start - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
    const heads = create(true);
    heads.open(first);
    heads.open(again);
    const known = heads.open(again);
    const mutated = block(again.bytes.subarray(again.start, again.end));
    mutated.bytes[mutated.start + at] ^= change;
    const slow = create(true);
    slow.open(first);
    const run = (one: RequestHeads): Opening | string => {
      try {
        return one.open(mutated);
      } catch (error) {
        return String(error);
      }
    };
    const opening = run(heads);
    assert.notEqual(opening, known);
    assert.deepEqual(opening, run(slow));
  });
  fc.assert(property, { numRuns: 300 });
});

test('with an authenticator a long block is kept of who was welcome, and of nobody else', () => {
  const heads = new RequestHeads({
    routes,
    includeMetadata: false,
    isGuarded: true,
    tableBytes: 4096,
    maxHeaderBytes: 9000,
  });
  heads.open(first);
  const long = block(begin, indexed(64), indexed(63), indexed(62), literal('authorization', 'x'.repeat(1500)));
  const stranger = heads.open(long);
  heads.judged(long, stranger);
  const friend = heads.open(long);
  assert.notEqual(friend, stranger, 'a block of a stranger was kept');
  assert.ok(friend.kind === 'request');
  assert.equal(friend.head.credentials.at(-1)?.value.length, 1500);
  friend.head.welcomedIn = 0;
  heads.judged(long, friend);
  assert.equal(heads.open(long), friend);
  const other = block(begin, indexed(64), indexed(63), indexed(62), literal('authorization', `${'x'.repeat(1499)}y`));
  assert.notEqual(heads.open(other), friend);
});
