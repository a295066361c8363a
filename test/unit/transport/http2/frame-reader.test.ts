import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConnectionError } from '../../../../src/transport/http2/connection-error.ts';
import { type FrameHandler, FrameReader } from '../../../../src/transport/http2/frame-reader.ts';
import { errorCode, flag, frame, frameType } from '../../../../src/transport/http2/frames.ts';

const maxFrame = 16_384;

/** Writes down what the reader says; the content of a DATA frame as one, in whatever pieces it comes. */
function recorder(takes: (available: number) => number = (available) => available) {
  const events: string[] = [];
  let content: Buffer[] | null = null;
  const handler = {
    isFull: false as boolean,
    frame(type: number, flags: number, stream: number, bytes: Buffer, start: number, end: number) {
      events.push(`frame ${type} ${flags} ${stream} ${bytes.toString('hex', start, end)}`);
    },
    dataBegins(stream: number, flags: number, length: number) {
      assert.equal(content, null, 'a DATA frame inside another');
      events.push(`data ${flags} ${stream} ${length}`);
      content = [];
    },
    data(bytes: Buffer, start: number, end: number) {
      assert.ok(content !== null, 'content outside of a DATA frame');
      assert.ok(end > start, 'content of no bytes');
      const taken = Math.min(end - start, takes(end - start));
      content.push(Buffer.from(bytes.subarray(start, start + taken)));
      return start + taken;
    },
    dataEnds() {
      assert.ok(content !== null, 'the end of no DATA frame');
      events.push(`content ${Buffer.concat(content).toString('hex')}`);
      content = null;
    },
  } satisfies FrameHandler;
  return { events, handler };
}

interface Sent {
  readonly bytes: Buffer;
  readonly said: readonly string[];
}

const streamIds = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const payloads = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 500, maxLength: 2000 }));

const otherFrame: fc.Arbitrary<Sent> = fc
  .record({ type: fc.integer({ min: 1, max: 255 }), flags: fc.nat(255), stream: streamIds, payload: payloads })
  .map(({ type, flags, stream, payload }) => ({
    bytes: frame(type, flags, stream, payload),
    said: [`frame ${type} ${flags} ${stream} ${Buffer.from(payload).toString('hex')}`],
  }));

const dataFrame: fc.Arbitrary<Sent> = fc
  .record({ flags: fc.nat(255), stream: streamIds, content: payloads, padding: fc.nat(255) })
  .map(({ flags, stream, content, padding }) => {
    const padded = (flags & flag.padded) !== 0;
    const payload = padded ? Buffer.concat([Buffer.of(padding), content, Buffer.alloc(padding)]) : content;
    return {
      bytes: frame(frameType.data, flags, stream, payload),
      said: [`data ${flags} ${stream} ${payload.length}`, `content ${Buffer.from(content).toString('hex')}`],
    };
  });

const conversation = fc.array(fc.oneof(otherFrame, dataFrame), { minLength: 1, maxLength: 12 });

test('however the bytes are split, the frames are the same', () => {
  const property = fc.property(conversation, fc.array(fc.nat(), { maxLength: 30 }), (frames, cuts) => {
    const bytes = Buffer.concat(frames.map((sent) => sent.bytes));
    const { events, handler } = recorder();
    const reader = new FrameReader(handler, maxFrame);
    const at = [0, ...cuts.map((cut) => cut % bytes.length).toSorted((a, b) => a - b), bytes.length];
    for (let i = 1; i < at.length; i++) {
      // A copy that is overwritten afterwards: nothing of the chunk may be kept.
      const chunk = Buffer.from(bytes.subarray(at[i - 1], at[i]));
      assert.equal(reader.push(chunk, 0, chunk.length), chunk.length);
      chunk.fill(0xff);
    }
    assert.deepEqual(
      events,
      frames.flatMap(({ said }) => said),
    );
    assert.equal(reader.isMidFrame, false);
  });
  fc.assert(property, { numRuns: 300 });
});

test('byte by byte too', () => {
  fc.assert(
    fc.property(conversation, (frames) => {
      const bytes = Buffer.concat(frames.map((sent) => sent.bytes));
      const { events, handler } = recorder();
      const reader = new FrameReader(handler, maxFrame);
      for (let i = 0; i < bytes.length; i++) reader.push(bytes, i, i + 1);
      assert.deepEqual(
        events,
        frames.flatMap(({ said }) => said),
      );
    }),
    { numRuns: 30 },
  );
});

test('where content is not taken the reader stops, and goes on there when the rest is pushed again', () => {
  const property = fc.property(
    conversation,
    fc.infiniteStream(fc.nat(300)),
    fc.integer({ min: 1, max: 5000 }),
    (frames, takes, chunkBytes) => {
      const bytes = Buffer.concat(frames.map((sent) => sent.bytes));
      const { events, handler } = recorder(() => takes.next().value ?? 0);
      const reader = new FrameReader(handler, maxFrame);
      let at = 0;
      for (let pushes = 0; at < bytes.length; pushes++) {
        assert.ok(pushes < 100_000, 'it gets no further');
        const end = Math.min(bytes.length, at + chunkBytes);
        const stopped = reader.push(bytes, at, end);
        assert.ok(stopped >= at && stopped <= end);
        at = stopped;
      }
      assert.deepEqual(
        events,
        frames.flatMap(({ said }) => said),
      );
    },
  );
  fc.assert(property, { numRuns: 200 });
});

test('a DATA frame is passed on in the pieces in which it comes', () => {
  const { handler } = recorder();
  const pieces: [Buffer, number, number][] = [];
  const reader = new FrameReader(
    {
      ...handler,
      data(bytes, start, end) {
        pieces.push([bytes, start, end]);
        return handler.data(bytes, start, end);
      },
    },
    maxFrame,
  );
  const bytes = frame(frameType.data, 0, 1, Buffer.alloc(100));
  const first = bytes.subarray(0, 49);
  const second = bytes.subarray(49);
  reader.push(first, 0, first.length);
  reader.push(second, 0, second.length);
  assert.deepEqual(
    pieces.map(([, start, end]) => [start, end]),
    [
      [9, 49],
      [0, 60],
    ],
  );
  assert.ok(pieces[0][0] === first && pieces[1][0] === second, 'a piece was copied');
});

test('an empty DATA frame begins and ends, padded by nothing or not', () => {
  const { events, handler } = recorder();
  const reader = new FrameReader(handler, maxFrame);
  const bytes = Buffer.concat([
    frame(frameType.data, flag.endStream, 3, Buffer.alloc(0)),
    frame(frameType.data, flag.padded, 3, Buffer.of(0)),
    frame(frameType.data, flag.padded, 3, Buffer.of(2, 0, 0)),
  ]);
  assert.equal(reader.push(bytes, 0, bytes.length), bytes.length);
  assert.deepEqual(events, ['data 1 3 0', 'content ', 'data 8 3 1', 'content ', 'data 8 3 3', 'content ']);
});

function refuses(bytes: Buffer, code: number): void {
  // Whole, and byte by byte: the error must not depend on how it comes.
  for (const step of [bytes.length, 1]) {
    const reader = new FrameReader(recorder().handler, maxFrame);
    assert.throws(
      () => {
        for (let at = 0; at < bytes.length; at += step) reader.push(bytes, at, at + step);
      },
      (error) => error instanceof ConnectionError && error.code === code,
    );
  }
}

test('6.1: padding as long as the payload, or longer, is a PROTOCOL_ERROR', () => {
  refuses(frame(frameType.data, flag.padded, 1, Buffer.alloc(0)), errorCode.protocolError);
  refuses(frame(frameType.data, flag.padded, 1, Buffer.of(1)), errorCode.protocolError);
  refuses(frame(frameType.data, flag.padded, 1, Buffer.of(4, 0, 0, 0)), errorCode.protocolError);
  refuses(frame(frameType.data, flag.padded, 1, Buffer.of(255, 0, 0, 0)), errorCode.protocolError);
});

test('4.2: a frame larger than what was announced is a FRAME_SIZE_ERROR, as soon as its length is known', () => {
  for (const type of [frameType.data, frameType.headers, frameType.ping, 0xfa]) {
    refuses(frame(type, 0, 1, Buffer.alloc(maxFrame + 1)).subarray(0, 9), errorCode.frameSizeError);
    const { handler, events } = recorder();
    const whole = frame(type, 0, 1, Buffer.alloc(maxFrame));
    new FrameReader(handler, maxFrame).push(whole, 0, whole.length);
    assert.ok(events.length > 0);
  }
});

test('4.1: the reserved bit of a stream identifier is ignored', () => {
  const { events, handler } = recorder();
  const bytes = frame(frameType.ping, 0, 0, Buffer.alloc(0));
  bytes[5] |= 0x80;
  new FrameReader(handler, maxFrame).push(bytes, 0, bytes.length);
  assert.deepEqual(events, ['frame 6 0 0 ']);
});

test('a long frame that comes slowly gets memory as it comes, not all at its first byte', (t) => {
  const bytes = frame(frameType.headers, 0, 1, Buffer.alloc(maxFrame));
  const { handler } = recorder();
  const reader = new FrameReader(handler, maxFrame);
  const allocated: number[] = [];
  const original = Buffer.allocUnsafe;
  t.mock.method(Buffer, 'allocUnsafe', (size: number) => {
    allocated.push(size);
    return original(size);
  });
  reader.push(bytes, 0, 10);
  assert.equal(reader.isMidFrame, true);
  assert.ok(Math.max(...allocated) <= 512, `${allocated}`);
  reader.push(bytes, 10, 9 + 600);
  assert.ok(Math.max(...allocated) <= 1024, `${allocated}`);
  reader.push(bytes, 9 + 600, bytes.length);
  assert.equal(Math.max(...allocated), maxFrame);
});

test('a frame is unfinished from its first byte to its last, but DATA is not', () => {
  const { handler } = recorder();
  const reader = new FrameReader(handler, maxFrame);
  const ping = frame(frameType.ping, 0, 0, Buffer.alloc(8));
  assert.equal(reader.isMidFrame, false);
  for (let i = 0; i < ping.length - 1; i++) {
    reader.push(ping, i, i + 1);
    assert.equal(reader.isMidFrame, true);
  }
  reader.push(ping, ping.length - 1, ping.length);
  assert.equal(reader.isMidFrame, false);
  const data = frame(frameType.data, 0, 1, Buffer.alloc(8));
  reader.push(data, 0, 12);
  assert.equal(reader.isMidFrame, false);
});

test('a handler that is full gets no further frame, and all of them later', () => {
  const { events, handler } = recorder();
  const reader = new FrameReader(handler, maxFrame);
  const ping = frame(frameType.ping, 0, 0, Buffer.alloc(8));
  const bytes = Buffer.concat([ping, ping, ping]);
  assert.equal(reader.push(bytes, 0, ping.length), ping.length);
  handler.isFull = true;
  assert.equal(reader.push(bytes, ping.length, bytes.length), ping.length);
  assert.equal(events.length, 1);
  handler.isFull = false;
  assert.equal(reader.push(bytes, ping.length, bytes.length), bytes.length);
  assert.equal(events.length, 3);
});
