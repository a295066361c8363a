import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { grpcCode } from '../../../../src/transport/grpc-status.ts';
import { ConnectionError } from '../../../../src/transport/http2/connection-error.ts';
import { errorCode, flag, frameType, readUint31 } from '../../../../src/transport/http2/frames.ts';
import { HpackDecoder } from '../../../../src/transport/http2/hpack/decoder.ts';
import { Outbox } from '../../../../src/transport/http2/outbox.ts';
import { ReplySender } from '../../../../src/transport/http2/reply-sender.ts';
import { Http2Stream } from '../../../../src/transport/http2/stream.ts';
import { createFakeSocket } from './fake-socket.ts';

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUIntBE(at, 3);
    const payload = bytes.subarray(at + 9, at + 9 + length);
    assert.equal(payload.length, length, 'a frame is cut off');
    frames.push({ type: bytes[at + 3], flags: bytes[at + 4], stream: readUint31(bytes, at + 5), payload });
    at += 9 + length;
  }
  return frames;
}

function create() {
  const socket = createFakeSocket();
  const outbox = new Outbox(socket.socket);
  const done: number[] = [];
  const sender = new ReplySender(outbox, (stream) => done.push(stream.id));
  const decoder = new HpackDecoder(4096, 1 << 20);
  let read = 0;
  return {
    sender,
    done,
    stream: (id: number, window = sender.initialWindow): Http2Stream => new Http2Stream(id, window, 65_535, -1, true),
    /** The frames since the last call. */
    frames(): Frame[] {
      outbox.flush();
      const all = socket.written();
      const frames = framesOf(all.subarray(read));
      read = all.length;
      return frames;
    },
    fields: (block: Buffer): string[] =>
      (decoder.decode(block, 0, block.length) ?? []).map(({ name, value }) => `${name}: ${value}`),
  };
}

const line = ({ type, flags, stream, payload }: Frame): string =>
  type === frameType.data ? `data ${stream} ${payload.length} ${flags}` : `${type} ${stream} ${flags}`;
const { headers, continuation } = frameType;
const { endHeaders, endStream } = flag;

const okHeaders = [':status: 200', 'content-type: application/grpc'];
const okTrailers = ['grpc-status: 0'];

test('OK is headers, an empty message and trailers, each on the stream', () => {
  const { sender, stream, frames, fields, done } = create();
  for (const id of [1, 0x7fff_ffff, 0x0102_0305]) {
    sender.ok(stream(id));
    const sent = frames();
    assert.deepEqual(sent.map(line), [
      `${headers} ${id} ${endHeaders}`,
      `data ${id} 5 0`,
      `${headers} ${id} ${endHeaders | endStream}`,
    ]);
    assert.deepEqual(fields(sent[0].payload), okHeaders);
    assert.deepEqual([...sent[1].payload], [0, 0, 0, 0, 0]);
    assert.deepEqual(fields(sent[2].payload), okTrailers);
    assert.equal(done.at(-1), id);
  }
});

test('an error is in the headers alone, with its message encoded and its details', () => {
  const { sender, stream, frames, fields, done } = create();
  sender.fail(stream(5), { code: 8, message: 'später\n', details: Buffer.from([1, 2, 3]) }, 200);
  const sent = frames();
  assert.deepEqual(sent.map(line), [`${headers} 5 ${endHeaders | endStream}`]);
  assert.deepEqual(fields(sent[0].payload), [
    ...okHeaders,
    'grpc-status: 8',
    'grpc-message: sp%C3%A4ter%0A',
    'grpc-status-details-bin: AQID',
  ]);
  assert.deepEqual(done, [5]);
  sender.fail(stream(7), { code: grpcCode.UNIMPLEMENTED, message: 'no' }, 200);
  assert.ok(fields(frames()[0].payload).includes('grpc-accept-encoding: identity,gzip,zstd'));
});

test('who does not speak gRPC gets its HTTP status and a word in plain text', () => {
  const { sender, stream, frames, fields, done } = create();
  sender.fail(stream(5), { code: 13, message: 'POST it' }, 405);
  const [head, body] = frames();
  assert.equal(line(head), `${headers} 5 ${endHeaders}`);
  assert.equal(line(body), `data 5 8 ${endStream}`);
  assert.deepEqual(fields(head.payload).slice(0, 2), [':status: 405', 'content-type: text/plain; charset=utf-8']);
  assert.equal(body.payload.toString(), 'POST it\n');
  assert.deepEqual(done, [5]);
});

test('a long header block goes on in CONTINUATION frames, with nothing between', () => {
  const { sender, stream, frames, fields } = create();
  const text = 'é'.repeat(9000);
  sender.fail(stream(5), { code: 3, message: text }, 200);
  const sent = frames();
  assert.ok(sent.length > 2);
  assert.equal(line(sent[0]), `${headers} 5 ${endStream}`);
  for (const middle of sent.slice(1, -1)) assert.equal(line(middle), `${continuation} 5 0`);
  assert.equal(line(sent[sent.length - 1]), `${continuation} 5 ${endHeaders}`);
  for (const { payload } of sent) assert.ok(payload.length > 0 && payload.length <= 16_384);
  const block = Buffer.concat(sent.map(({ payload }) => payload));
  assert.deepEqual(fields(block).slice(3), [`grpc-message: ${'%C3%A9'.repeat(9000)}`]);
});

test('a client that allows larger frames gets them', () => {
  const { sender, stream, frames } = create();
  sender.setMaxFrame(1 << 20);
  sender.fail(stream(5), { code: 3, message: '~'.repeat(60_000) }, 200);
  assert.deepEqual(frames().map(line), [`${headers} 5 ${endHeaders | endStream}`]);
});

test('6.9: a message waits for the window of its stream, and comes in the parts that fit', () => {
  const { sender, stream, frames, done } = create();
  const one = stream(1, 0);
  sender.ok(one);
  assert.deepEqual(frames().map(line), [`${headers} 1 ${endHeaders}`]);
  assert.equal(sender.extendStream(one, 2), true);
  assert.deepEqual(frames().map(line), ['data 1 2 0']);
  sender.extendStream(one, 2);
  assert.deepEqual(frames().map(line), ['data 1 2 0']);
  assert.deepEqual(done, []);
  sender.extendStream(one, 100);
  assert.deepEqual(frames().map(line), ['data 1 1 0', `${headers} 1 ${endHeaders | endStream}`]);
  assert.deepEqual(done, [1]);
});

test('6.9: the window of the connection is for all streams, which get it in their order', () => {
  const { sender, stream, frames, done } = create();
  // Of 65,535 bytes 5 are left.
  for (let i = 0; i < 13_106; i++) sender.ok(stream(1));
  frames();
  done.length = 0;
  for (const id of [3, 5, 7]) sender.ok(stream(id));
  assert.deepEqual(
    frames()
      .filter(({ type }) => type === frameType.data)
      .map(line),
    ['data 3 5 0'],
  );
  sender.extend(7);
  assert.deepEqual(frames().map(line), ['data 5 5 0', `${headers} 5 ${endHeaders | endStream}`, 'data 7 2 0']);
  sender.extend(3);
  assert.deepEqual(frames().map(line), ['data 7 3 0', `${headers} 7 ${endHeaders | endStream}`]);
  assert.deepEqual(done, [3, 5, 7]);
});

test('a stream without a window does not hold up those behind it', () => {
  const { sender, stream, frames, done } = create();
  sender.ok(stream(1, 0));
  const three = stream(3, 0);
  sender.ok(three);
  sender.extendStream(three, 5);
  assert.deepEqual(done, [3]);
  sender.ok(stream(5));
  assert.deepEqual(done, [3, 5]);
  assert.equal(frames().filter(({ stream: id, type }) => id === 1 && type === frameType.data).length, 0);
});

test('6.9.2: windows go below zero with SETTINGS, and must be brought back above it', () => {
  const { sender, stream, frames, done } = create();
  const one = stream(1, 3);
  sender.ok(one);
  assert.equal(one.sendWindow, 0);
  sender.setInitialWindow(0, [one]);
  sender.sendBlocked();
  assert.equal(one.sendWindow, -65_535);
  frames();
  sender.extendStream(one, 65_535);
  assert.deepEqual(frames(), []);
  sender.setInitialWindow(1, [one]);
  sender.sendBlocked();
  assert.deepEqual(frames().map(line), ['data 1 1 0']);
  sender.setInitialWindow(100, [one]);
  sender.sendBlocked();
  assert.deepEqual(done, [1]);
  assert.equal(stream(3).sendWindow, 100, 'new streams begin with it');
});

test('6.9.1: windows above 2^31-1 are errors: of the connection, or of the stream alone', () => {
  const overflow = (run: () => unknown): void =>
    assert.throws(run, (error) => error instanceof ConnectionError && error.code === errorCode.flowControlError);
  const { sender, stream } = create();
  sender.extend(0x7fff_ffff - 65_535);
  overflow(() => sender.extend(1));
  const one = stream(1, 65_535);
  assert.equal(sender.extendStream(one, 0x7fff_ffff - 65_535), true);
  overflow(() => sender.setInitialWindow(65_536, [one]));
  assert.equal(sender.extendStream(one, 1), false);
});

test('4.3.1: after a new table size the next header block, and no other, begins with an update to none', () => {
  const { sender, stream, frames, fields } = create();
  sender.updateTable();
  sender.updateTable();
  sender.ok(stream(1));
  sender.ok(stream(3));
  const blocks = frames().filter(({ type }) => type === headers);
  assert.deepEqual(
    blocks.map(({ payload }) => payload[0] === 0x20),
    [true, false, false, false],
  );
  assert.deepEqual(
    blocks.map(({ payload }) => fields(payload)),
    [okHeaders, okTrailers, okHeaders, okTrailers],
  );
  sender.updateTable();
  sender.fail(stream(5), { code: 3, message: 'no' }, 200);
  const [failed] = frames();
  assert.equal(failed.payload[0], 0x20);
  assert.deepEqual(fields(failed.payload).slice(0, 2), okHeaders);
});

test('a stream that is gone is sent nothing more', () => {
  const { sender, stream, frames, done } = create();
  const one = stream(1, 0);
  sender.ok(one);
  frames();
  sender.forget(one);
  sender.extend(100);
  sender.setInitialWindow(70_000, []);
  sender.sendBlocked();
  assert.deepEqual(frames(), []);
  assert.deepEqual(done, []);
});

test('of streams that wait for a window the oldest is told, once it has waited long enough', (t: TestContext) => {
  const time = { now: 1000 };
  t.mock.method(performance, 'now', () => time.now);
  const { sender, stream } = create();
  const one = stream(1, 0);
  const two = stream(3, 0);
  sender.ok(one);
  time.now += 50;
  sender.ok(two);
  assert.equal(sender.waitingFor(100, 1099), null);
  assert.equal(sender.waitingFor(100, 1100), one);
  sender.extendStream(one, 5);
  assert.equal(sender.waitingFor(100, 1149), null);
  assert.equal(sender.waitingFor(100, 1150), two);
});

const framed = (text: string): Buffer => Buffer.concat([Buffer.of(0, 0, 0, 0, text.length), Buffer.from(text)]);

test('a response of messages is headers, a DATA frame for each, and trailers when it is ended', () => {
  const { sender, stream, frames, fields, done } = create();
  const one = stream(1);
  sender.message(one, framed('a'));
  sender.message(one, framed('bc'));
  const begun = frames();
  assert.deepEqual(begun.map(line), [`${headers} 1 ${endHeaders}`, 'data 1 6 0', 'data 1 7 0']);
  assert.deepEqual(fields(begun[0].payload), okHeaders);
  assert.deepEqual(begun[2].payload, framed('bc'));
  assert.deepEqual(done, []);
  sender.end(one, null);
  const ended = frames();
  assert.deepEqual(ended.map(line), [`${headers} 1 ${endHeaders | endStream}`]);
  assert.deepEqual(fields(ended[0].payload), okTrailers);
  assert.deepEqual(done, [1]);
  const three = stream(3);
  sender.message(three, framed('a'));
  sender.end(three, { code: 14, message: 'shutting down' });
  assert.deepEqual(fields(frames()[2].payload), ['grpc-status: 14', 'grpc-message: shutting down']);
});

test('messages that find no window wait in order, and the end behind them', () => {
  const { sender, stream, frames, done } = create();
  const one = stream(1, 8);
  for (const text of ['a', 'b', 'c']) sender.message(one, framed(text));
  assert.deepEqual(frames().map(line), [`${headers} 1 ${endHeaders}`, 'data 1 6 0', 'data 1 2 0']);
  sender.end(one, null);
  assert.deepEqual(frames(), []);
  sender.extendStream(one, 5);
  assert.deepEqual(frames().map(line), ['data 1 5 0']);
  assert.deepEqual(done, []);
  sender.extendStream(one, 100);
  const rest = frames();
  assert.deepEqual(rest.map(line), ['data 1 5 0', `${headers} 1 ${endHeaders | endStream}`]);
  assert.deepEqual(done, [1]);
  const two = stream(3, 0);
  sender.message(two, framed('a'));
  sender.extendStream(two, 6);
  frames();
  assert.deepEqual(done, [1], 'a response that goes on was taken for whole');
  sender.message(two, framed('b'));
  sender.forget(two);
  sender.extend(100);
  assert.deepEqual(frames(), [], 'a stream that is gone was sent something');
});
