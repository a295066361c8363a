// A whole connection over a fake socket: what only its parts together can show. What a client sees is in
// test/conformance; here is what happens at the same instant, or in no client's sight.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { CallShared } from '../../../../src/transport/call-port.ts';
import { newServerCounters, type ServerLimits, serverLimits } from '../../../../src/transport/grpc-server.ts';
import { type ConnectionHost, ServerConnection } from '../../../../src/transport/http2/connection.ts';
import {
  errorCode,
  flag,
  frame,
  frameType,
  preface,
  rstStreamFrame,
  setting,
  settingsAck,
  settingsFrame,
  windowUpdateFrame,
} from '../../../../src/transport/http2/frames.ts';
import { encodeHeaders } from '../../../../src/transport/http2/hpack/encoder.ts';
import { RequestHeads } from '../../../../src/transport/http2/request-heads.ts';
import type { Http2Stream } from '../../../../src/transport/http2/stream.ts';
import { fakeMethod, message } from '../fake-calls.ts';
import { createFakeSocket } from './fake-socket.ts';

const path = '/a.B/C';
const requestBlock = (at: string): Buffer =>
  encodeHeaders([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', at],
    ['content-type', 'application/grpc'],
  ]);
const open = (id: number, flags = 0, at = path): Buffer =>
  frame(frameType.headers, flag.endHeaders | flags, id, requestBlock(at));
const data = (id: number, content: Buffer, flags: number = flag.endStream): Buffer =>
  frame(frameType.data, flags, id, content);
const call = (id: number, text = 'abc'): Buffer => Buffer.concat([open(id), data(id, message(text))]);
const ping = (ack = 0): Buffer => frame(frameType.ping, ack, 0, Buffer.alloc(8));

function create(t: TestContext, given: Partial<ServerLimits> = {}, settings: [number, number][] = []) {
  const time = { now: 1000 };
  t.mock.method(performance, 'now', () => time.now);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const fake = createFakeSocket();
  const method = fakeMethod();
  const limits = serverLimits(given);
  const counters = newServerCounters();
  const shared: CallShared<Http2Stream, ServerConnection> = {
    port: {
      admitted: ({ connection, stream }, announced) => connection.streams.admitted(stream, announced),
      pause: ({ connection, stream }) => connection.hold(stream),
      resume: ({ connection, stream }) => connection.goOn(stream),
      ok: ({ connection, stream }) => connection.streams.ok(stream),
      fail: ({ connection, stream }, status, httpStatus) => connection.streams.fail(stream, status, httpStatus),
      message: ({ connection, stream }, framed) => connection.streams.message(stream, framed),
      end: ({ connection, stream }, status) => connection.streams.end(stream, status),
      peer: ({ peer }) => peer,
      pausedMs: ({ connection, stream }, now) => connection.pausedMs(now) - stream.pausedBefore,
    },
    limits,
    counters,
    inflater: { inflate: () => assert.fail('nothing is compressed here') },
    auth: null,
    lookedForRoomAt: Number.NEGATIVE_INFINITY,
    live: () => [],
  };
  const heads = {
    routes: new Map([[path, method]]),
    includeMetadata: false,
    isGuarded: false,
    tableBytes: 4096,
    maxHeaderBytes: 16_384,
  };
  let closed = 0;
  const host: ConnectionHost = {
    shared,
    limits,
    counters,
    pings: { minTimeMs: 1000, permitWithoutStream: true },
    maxConnectionAgeMs: Number.POSITIVE_INFINITY,
    hello: settingsFrame([]),
    requestHeads: () => new RequestHeads(heads),
    closed: () => closed++,
  };
  const connection = new ServerConnection(fake.socket, 'client:1', host);
  const send = (...parts: Buffer[]): void => {
    const bytes = Buffer.concat(parts);
    connection.read(bytes, bytes.length);
  };
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  send(preface, settingsFrame(settings), settingsAck);
  let read = 0;
  return {
    time,
    fake,
    method,
    counters,
    connection,
    send,
    turn,
    closed: () => closed,
    /** Frames since the last call: type, stream, flags, payload in hex, where it is short. */
    async sent(): Promise<string[]> {
      await turn();
      const all = fake.written();
      const lines: string[] = [];
      while (read < all.length) {
        const length = all.readUIntBE(read, 3);
        const payload = all.toString('hex', read + 9, read + 9 + Math.min(length, 8));
        lines.push(`${all[read + 3]} ${all.readUInt32BE(read + 5)} ${payload}`);
        read += 9 + length;
      }
      return lines;
    },
  };
}

const rst = (id: number, code: number): string => `3 ${id} ${code.toString(16).padStart(8, '0')}`;
const goaway = (last: number, code: number): string =>
  `7 0 ${last.toString(16).padStart(8, '0')}${code.toString(16).padStart(8, '0')}`;

test('6.8: a GOAWAY for too many pings names the last stream that was taken: a client repeats all behind it', async (t) => {
  const { send, sent, method, counters } = create(t);
  send(call(1), call(3));
  assert.equal(method.handled.length, 2);
  await sent();
  send(ping(), ping(), ping(), ping());
  assert.ok((await sent()).includes(goaway(3, errorCode.enhanceYourCalm)));
  assert.equal(counters.keepaliveClosed, 1);
});

test('what comes in one chunk behind the end of a connection is not taken', async (t) => {
  const { send, method, counters } = create(t);
  send(call(1));
  send(ping(), ping(), ping(), ping(), call(3), call(5));
  assert.equal(method.handled.length, 1);
  assert.equal(counters.calls, 1);
  assert.equal(counters.callsNow, 0);
});

test('clients that give no window are swept away without a fault, however little they may still do wrong', async (t) => {
  const { time, send, sent, connection, method, counters } = create(t, { stallTimeoutMs: 1000 }, [
    [setting.initialWindowSize, 0],
  ]);
  const ids = Array.from({ length: 100 }, (_, i) => 2 * i + 1);
  for (const id of ids) send(call(id));
  for (const handled of method.handled) handled.call.answer(null);
  // The budget is spent to the last frame.
  time.now += 1000;
  for (let i = 0; i < 9_990; i++) send(windowUpdateFrame(0, 1));
  connection.sweep(time.now);
  assert.equal(connection.streams.open.size, 0);
  assert.equal((await sent()).filter((line) => line.startsWith('3 ')).length, ids.length);
  assert.equal(connection.ended, false, 'what we give up is no flood of the client');
  assert.equal(counters.callsNow, 0);
});

test('bytes that are held while a call waits are counted once, and given back', async (t) => {
  const { send, turn, method, counters, fake } = create(t);
  method.full = true;
  const bytes = call(1, 'x'.repeat(1000));
  send(bytes.subarray(0, 400));
  assert.equal(fake.isPaused, true);
  const held = counters.heldBytesNow;
  assert.ok(held > 0);
  send(bytes.subarray(400, 700));
  assert.equal(counters.heldBytesNow, held + 300);
  send(bytes.subarray(700));
  await method.decide(true);
  await turn();
  assert.equal(counters.heldBytesNow, 0);
  assert.equal(fake.isPaused, false);
  assert.deepEqual(
    method.handled.map(({ text }) => text),
    ['x'.repeat(1000)],
  );
});

test('a connection that is cut while a call waits gives back all that it held', async (t) => {
  const { send, method, counters, connection, closed } = create(t);
  method.full = true;
  send(call(1), call(3));
  assert.ok(counters.heldBytesNow > 0);
  connection.cut();
  await method.decide(true);
  assert.equal(method.outstanding(), 0);
  assert.equal(counters.heldBytesNow, 0);
  assert.equal(counters.callsNow, 0);
  assert.equal(closed(), 1);
});

test('a call that waits and is reset lets the connection read on', async (t) => {
  const { send, turn, method, fake } = create(t);
  method.full = true;
  // A message of no bytes waits, and leaves nothing of the chunk behind.
  send(open(1), data(1, message(''), 0), rstStreamFrame(1, errorCode.cancel));
  await turn();
  assert.equal(fake.isPaused, false);
});

test('past the bound for held bytes calls do not wait but are refused', async (t) => {
  const { send, sent, method, counters, fake } = create(t, { maxHeldBytes: 500, maxMessageBytes: 100_000 });
  method.full = true;
  send(call(1, 'x'.repeat(1000)));
  assert.ok((await sent()).some((line) => line.startsWith('1 1 ')));
  assert.equal(counters.refused.over_budget, 1);
  assert.equal(counters.heldBytesNow, 0);
  assert.equal(fake.isPaused, false);
});

test('a client that does not read is not read from, until it does', async (t) => {
  const { time, send, turn, fake, connection, counters } = create(t, { stallTimeoutMs: 1000 });
  fake.isSlow = true;
  const settings = Buffer.concat(Array.from({ length: 100 }, () => settingsFrame([])));
  for (let i = 0; i < 1000 && !fake.isPaused; i++) {
    time.now += 5000;
    send(settings);
  }
  assert.equal(fake.isPaused, true);
  connection.sweep(time.now + 999);
  assert.equal(connection.ended, false);
  fake.drain();
  assert.equal(fake.isPaused, false);
  await turn();
  connection.sweep(time.now + 5000);
  assert.equal(connection.ended, false);
  for (let i = 0; i < 1000 && !fake.isPaused; i++) {
    time.now += 5000;
    send(settings);
  }
  connection.sweep(time.now + 1000);
  assert.equal(connection.ended, true);
  assert.equal(counters.floods.unread, 1);
});

test('6.4: a stream that is idle is not reset', async (t) => {
  const { send, sent, connection } = create(t);
  // PRIORITY that depends on itself, on a stream that nobody opened.
  send(frame(frameType.priority, 0, 5, Buffer.of(0, 0, 0, 5, 15)));
  const lines = await sent();
  assert.ok(!lines.some((line) => line.startsWith('3 ')), lines.join());
  assert.ok(lines.includes(goaway(0, errorCode.protocolError)) && connection.ended);
});

test('a stream that was answered at its headers is not answered again at its end', async (t) => {
  const { send, sent } = create(t);
  const block = encodeHeaders([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/nobody'],
    ['content-type', 'application/grpc'],
    ['content-length', '5'],
  ]);
  await sent();
  send(frame(frameType.headers, flag.endHeaders | flag.endStream, 1, block));
  const lines = await sent();
  assert.equal(lines.length, 1);
  assert.ok(!lines.includes(rst(1, errorCode.protocolError)));
});

test('requests that nobody takes earn nothing: a flood of resets among them is ended', async (t) => {
  const { send, connection, counters } = create(t);
  for (let id = 1; id < 40_000 && !connection.ended; id += 4) {
    send(open(id, flag.endStream, '/nobody'), open(id + 2), rstStreamFrame(id + 2, errorCode.cancel));
  }
  assert.equal(connection.ended, true);
  assert.equal(counters.floods.reset, 1);
});

test('requests that are reset before their answer earn nothing either', async (t) => {
  const { send, connection, counters, method } = create(t);
  for (let id = 1; id < 40_000 && !connection.ended; id += 2) send(call(id), rstStreamFrame(id, errorCode.cancel));
  assert.equal(counters.floods.reset, 1);
  assert.ok(method.handled.length <= 1001, `${method.handled.length} requests`);
});

test('a client whose requests are answered may send its share of small frames around each', async (t) => {
  const { send, connection, method } = create(t);
  for (let id = 1; id < 20_000; id += 2) {
    send(call(id), windowUpdateFrame(0, 5), windowUpdateFrame(0, 5), ping(flag.ack));
    method.handled[method.handled.length - 1].call.answer(null);
  }
  assert.equal(connection.ended, false);
});

test('frames that are ignored cost something too: GOAWAY, and trailers of a stream that was refused', async (t) => {
  const flooded = create(t);
  for (let i = 0; i < 20_000; i++) flooded.send(frame(frameType.goaway, 0, 0, Buffer.alloc(8)));
  assert.equal(flooded.counters.floods.unknown, 1);
  t.mock.restoreAll();
  t.mock.timers.reset();
  const trailed = create(t);
  trailed.send(open(1, 0, '/nobody'));
  const trailers = frame(frameType.headers, flag.endHeaders | flag.endStream, 1, encodeHeaders([['x', 'y']]));
  for (let i = 0; i < 20_000; i++) trailed.send(trailers);
  assert.equal(trailed.counters.floods.late, 1);
});

test('6.5.3: of a window that changes many times within one SETTINGS frame the last counts', async (t) => {
  const { send, sent, method, connection } = create(t);
  send(call(1));
  const entries = Array.from({ length: 1000 }, (_, i): [number, number] => [setting.initialWindowSize, i % 2]);
  const all = t.mock.method(connection.streams.open, 'all');
  send(settingsFrame([...entries, [setting.initialWindowSize, 3]]));
  assert.equal(all.mock.callCount(), 1, 'all streams were gone through for each');
  await sent();
  method.handled[0].call.answer(null);
  const lines = await sent();
  assert.deepEqual(
    lines.filter((line) => line.startsWith('0 ')),
    ['0 1 000000'],
  );
});

test('of one chunk no more is answered than a client that does not read may leave; the rest waits until it does', async (t) => {
  const { fake, send, counters } = create(t, { maxConcurrentStreams: 10_000 });
  fake.isSlow = true;
  // Each answer to a path that nobody has is longer than its request; the last frame is one that ends the connection.
  const requests = Array.from({ length: 3000 }, (_, i) => open(2 * i + 1, flag.endStream, '/nobody'));
  send(...requests, frame(frameType.pushPromise, 0, 1, Buffer.alloc(4)));
  assert.ok(fake.written().length <= (64 + 16 + 1) << 10, `${fake.written().length} bytes`);
  assert.ok(fake.isPaused);
  assert.equal(counters.connectionErrors, 0);
  let turns = 0;
  for (; !fake.isEnded; turns++) {
    assert.ok(turns < 100, 'the rest is never read');
    assert.ok(fake.socket.writableLength <= (64 + 16 + 1) << 10, `${fake.socket.writableLength} bytes are not read`);
    fake.drain();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(turns > 1);
  assert.equal(counters.connectionErrors, 1);
  assert.equal(counters.heldBytesNow, 0);
  // What still comes is taken in, so that the close is no reset.
  assert.equal(fake.isPaused, false);
});

test('a stream that we ended may be reset by its client at little cost', (t) => {
  const { send, counters } = create(t);
  // As grpc-go does when a call is refused before all of it was sent.
  for (let i = 0; i < 3000; i++) {
    const id = 2 * i + 1;
    send(open(id, 0, '/nobody'), rstStreamFrame(id, errorCode.noError));
  }
  assert.equal(counters.floods.late + counters.floods.reset, 0);
});

test('a header block that is never finished does not live longer for being continued', (t) => {
  const { send, connection, counters } = create(t, { stallTimeoutMs: 1000 });
  send(frame(frameType.headers, 0, 1, Buffer.of(0x83)));
  const began = connection.now;
  for (let at = 100; at < 1000; at += 100) {
    send(frame(frameType.continuation, 0, 1, Buffer.alloc(0)));
    connection.sweep(began + at);
  }
  assert.equal(counters.floods.stalled, 0);
  connection.sweep(began + 1000);
  assert.equal(counters.floods.stalled, 1);
});

test('a fault of our own ends the connection, and is not kept quiet', async (t) => {
  const { send, sent, method, connection } = create(t);
  method.reserve = () => {
    throw new TypeError('a bug');
  };
  assert.throws(() => send(call(1)), TypeError);
  assert.ok(connection.ended);
  assert.ok((await sent()).includes(goaway(1, errorCode.internalError)));
});

test('a connection that has closed is kept by no timer', (t) => {
  const { connection, fake, closed } = create(t);
  let isCut = false;
  connection.finish();
  assert.ok(fake.isEnded);
  // Its client closes in answer.
  fake.socket.emit('close');
  assert.equal(closed(), 1);
  fake.socket.destroy = () => {
    isCut = true;
    return fake.socket;
  };
  t.mock.timers.tick(3_600_000);
  assert.ok(!isCut, 'a timer of the end still held the connection');
});
