import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConnectionError } from '../../../../src/transport/http2/connection-error.ts';
import { errorCode, flag, frameType } from '../../../../src/transport/http2/frames.ts';
import { type HeaderBlock, HeaderBlocks } from '../../../../src/transport/http2/header-blocks.ts';

const maxBytes = 1000;
const create = (): HeaderBlocks => new HeaderBlocks(maxBytes);
const text = (block: HeaderBlock | null): string | undefined => block?.bytes.toString('latin1', block.start, block.end);

function headers(blocks: HeaderBlocks, flags: number, stream: number, payload: Uint8Array): HeaderBlock | null {
  // In the midst of a chunk, as it comes.
  const bytes = Buffer.concat([Buffer.alloc(7, 0xee), payload, Buffer.alloc(7, 0xee)]);
  return blocks.headers(flags, stream, bytes, 7, 7 + payload.length);
}

const refuses = (code: number, run: () => unknown): void =>
  assert.throws(run, (error) => error instanceof ConnectionError && error.code === code);

/** exclusive, dependency, weight */
const priority = (dependency: number): Buffer => Buffer.of(0x80, 0, 0, dependency, 15);

test('a block is what is left of HEADERS without padding and priority', () => {
  const content = Buffer.from('block');
  const padding = Buffer.alloc(3);
  const forms: [flags: number, payload: Buffer][] = [
    [0, content],
    [flag.padded, Buffer.concat([Buffer.of(3), content, padding])],
    [flag.padded, Buffer.concat([Buffer.of(0), content])],
    [flag.priority, Buffer.concat([priority(1), content])],
    [flag.padded | flag.priority, Buffer.concat([Buffer.of(3), priority(1), content, padding])],
  ];
  for (const [flags, payload] of forms) {
    const block = headers(create(), flags | flag.endHeaders, 5, payload);
    assert.equal(text(block), 'block');
    assert.equal(block?.stream, 5);
    assert.equal(block?.endStream, false);
    assert.equal(block?.dependsOnItself, false);
  }
});

test('an empty block is one', () => {
  assert.equal(text(headers(create(), flag.endHeaders, 1, Buffer.alloc(0))), '');
  assert.equal(text(headers(create(), flag.endHeaders | flag.padded, 1, Buffer.of(2, 0, 0))), '');
  assert.equal(text(headers(create(), flag.endHeaders | flag.priority, 1, priority(0))), '');
});

test('END_STREAM and the stream of HEADERS hold for the block, whatever CONTINUATION says', () => {
  const blocks = create();
  assert.equal(headers(blocks, flag.endStream, 7, Buffer.from('a')), null);
  const block = blocks.continuation(flag.endHeaders, Buffer.from('b'), 0, 1);
  assert.deepEqual([text(block), block?.stream, block?.endStream], ['ab', 7, true]);
  assert.equal(headers(blocks, flag.endHeaders, 9, Buffer.from('c'))?.endStream, false);
});

test('a stream that depends on itself is told of, and only that one', () => {
  const blocks = create();
  assert.equal(headers(blocks, flag.endHeaders | flag.priority, 5, priority(5))?.dependsOnItself, true);
  assert.equal(headers(blocks, flag.endHeaders, 7, Buffer.from('a'))?.dependsOnItself, false);
});

test('a block comes together from any number of pieces, none of which is kept as it came', () => {
  const property = fc.property(
    fc.array(fc.uint8Array({ maxLength: 30 }), { minLength: 1, maxLength: 20 }),
    fc.nat(20),
    (pieces, padding) => {
      const blocks = create();
      const last = pieces.length - 1;
      const first = Buffer.concat([Buffer.of(padding), pieces[0], Buffer.alloc(padding)]);
      let block = headers(blocks, flag.padded | (last === 0 ? flag.endHeaders : 0), 1, first);
      for (let i = 1; i <= last; i++) {
        assert.equal(block, null);
        assert.equal(blocks.isOpen, true);
        const chunk = Buffer.from(pieces[i]);
        block = blocks.continuation(i === last ? flag.endHeaders : 0, chunk, 0, chunk.length);
        if (i < last) chunk.fill(0);
      }
      assert.equal(text(block), Buffer.concat(pieces).toString('latin1'));
      assert.equal(blocks.isOpen, false);
    },
  );
  fc.assert(property, { numRuns: 200 });
});

test('6.2: padding beyond what is left for the block is a PROTOCOL_ERROR, also where it reaches into the priority', () => {
  refuses(errorCode.protocolError, () => headers(create(), flag.padded | flag.endHeaders, 1, Buffer.of(1)));
  refuses(errorCode.protocolError, () => headers(create(), flag.padded | flag.endHeaders, 1, Buffer.of(4, 1, 2, 3)));
  const flags = flag.padded | flag.priority | flag.endHeaders;
  const payload = Buffer.concat([Buffer.of(5), priority(0), Buffer.from('abcd')]);
  refuses(errorCode.protocolError, () => headers(create(), flags, 1, payload));
});

test('4.2: HEADERS too short for what its flags promise are a FRAME_SIZE_ERROR', () => {
  refuses(errorCode.frameSizeError, () => headers(create(), flag.padded | flag.endHeaders, 1, Buffer.alloc(0)));
  refuses(errorCode.frameSizeError, () => headers(create(), flag.priority | flag.endHeaders, 1, Buffer.alloc(4)));
  const both = flag.padded | flag.priority | flag.endHeaders;
  refuses(errorCode.frameSizeError, () => headers(create(), both, 1, Buffer.alloc(5)));
});

test('6.10: nothing but its CONTINUATION may come between the frames of a block', () => {
  const blocks = create();
  blocks.check(frameType.headers, 1);
  headers(blocks, 0, 1, Buffer.from('a'));
  blocks.check(frameType.continuation, 1);
  for (let type = 0; type < 12; type++) {
    if (type !== frameType.continuation) refuses(errorCode.protocolError, () => blocks.check(type, 1));
  }
  refuses(errorCode.protocolError, () => blocks.check(frameType.continuation, 3));
  blocks.continuation(flag.endHeaders, Buffer.alloc(0), 0, 0);
  refuses(errorCode.protocolError, () => blocks.check(frameType.continuation, 1));
  blocks.check(frameType.ping, 0);
});

test('a block in pieces ends the connection when it exceeds its bound, and not a byte earlier', () => {
  const blocks = create();
  headers(blocks, 0, 1, Buffer.alloc(maxBytes - 10));
  const piece = Buffer.alloc(11);
  assert.equal(blocks.continuation(0, piece, 0, 10), null);
  refuses(errorCode.enhanceYourCalm, () => blocks.continuation(flag.endHeaders, piece, 0, 1));
  // The bound is that of one block, not of all.
  const again = create();
  for (let i = 0; i < 5; i++) {
    headers(again, 0, 1, Buffer.alloc(maxBytes - 10));
    assert.equal(again.continuation(flag.endHeaders, piece, 0, 10)?.end, maxBytes);
  }
});

test('frames of a block that bring no bytes take no memory', (t) => {
  const blocks = create();
  const from = t.mock.method(Buffer, 'from');
  const unsafe = t.mock.method(Buffer, 'allocUnsafe');
  const alloc = t.mock.method(Buffer, 'alloc');
  const piece = Buffer.of();
  headers(blocks, 0, 1, piece);
  const before = from.mock.callCount() + unsafe.mock.callCount() + alloc.mock.callCount();
  for (let i = 0; i < 100; i++) blocks.continuation(0, piece, 0, 0);
  const calls = from.mock.callCount() + unsafe.mock.callCount() + alloc.mock.callCount() - before;
  assert.equal(calls, 0);
});
