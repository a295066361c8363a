import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFrameReader, type FrameReader } from '../../../loadgen/h2/frame-reader.ts';
import { flag, frame, frameType, settingsFrame, windowUpdateFrame } from '../../../src/transport/http2/frames.ts';

/** Reads the chunks and gives what came, with the pieces of each DATA frame put together. */
function read(chunks: readonly Buffer[], maxFrameBytes = 16_384): string[] {
  const seen: string[] = [];
  let content = '';
  let flow = 0;
  const reader: FrameReader = createFrameReader(
    {
      frame: (type, flags, stream, bytes, start, end) => {
        seen.push(`${type} ${flags} ${stream} ${bytes.toString('hex', start, end)}`);
      },
      data: (stream, bytes, start, end, flowBytes, last) => {
        content += bytes.toString('latin1', start, end);
        flow += flowBytes;
        if (last) seen.push(`data ${stream} ${content} ${flow}`);
      },
    },
    maxFrameBytes,
  );
  for (const chunk of chunks) reader.push(chunk);
  return seen;
}

const padded = Buffer.concat([Buffer.from([3]), Buffer.from('inner'), Buffer.alloc(3)]);
const wire = Buffer.concat([
  settingsFrame([[4, 70_000]]),
  frame(frameType.data, 0, 1, Buffer.from('hello ')),
  frame(frameType.data, flag.endStream, 1, Buffer.from('world')),
  windowUpdateFrame(7, 1000),
  frame(frameType.data, flag.endStream | flag.padded, 3, padded),
  frame(frameType.data, flag.endStream, 5, Buffer.alloc(0)),
  frame(frameType.ping, 0, 0, Buffer.from('12345678')),
]);
const expected = [
  '4 0 0 000400011170',
  'data 1 hello world 11',
  '8 0 7 000003e8',
  'data 3 hello worldinner 20',
  'data 5 hello worldinner 20',
  '6 0 0 3132333435363738',
];

test('frames are the same however the connection cuts its bytes', () => {
  assert.deepEqual(read([wire]), expected);
  for (let cut = 1; cut < wire.length; cut++) {
    assert.deepEqual(read([wire.subarray(0, cut), wire.subarray(cut)]), expected, `cut at ${cut}`);
  }
  assert.deepEqual(read(Array.from(wire, (byte) => Buffer.from([byte]))), expected);
});

test('a frame above the limit and padding longer than its frame are errors', () => {
  assert.throws(() => read([frame(frameType.data, 0, 1, Buffer.alloc(101))], 100), RangeError);
  const lying = frame(frameType.data, flag.padded, 1, Buffer.from([9, 1, 1]));
  assert.throws(() => read([lying]), RangeError);
});
