// Bad input on the running service, with good requests before, between and after, on the same and on other connections.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type * as http2 from 'node:http2';
import * as net from 'node:net';
import { type TestContext, test } from 'node:test';
import * as zlib from 'node:zlib';
import { framed, grpcHeaders, rawCall } from '../conformance/grpc/server-bench.ts';
import { mutate, seededRandom } from '../wire/arbitraries.ts';
import { type Client, connect, createClient, createTally, type Tally } from './support/client.ts';
import { configOf, exportTo } from './support/config.ts';
import { bytesField } from './support/protobuf.ts';
import { type Service, startService } from './support/service.ts';
import { settle } from './support/settle.ts';
import { type Sink, startSink } from './support/sink.ts';
import { createSpanSource, requestOf, type SpanSource } from './support/spans.ts';

interface Setup {
  readonly sink: Sink;
  readonly service: Service;
  readonly tally: Tally;
  readonly client: Client;
  readonly source: SpanSource;
  /** A connection that good and bad requests share. */
  readonly session: http2.ClientHttp2Session;
}

async function setUp(t: TestContext): Promise<Setup> {
  const sink = await startSink(t);
  const processors = {
    batch: { timeout: '5ms' },
    probabilistic_sampler: { sampling_percentage: 100 },
    attributes: { actions: [{ key: 'user.email', action: 'delete' }] },
  };
  const pipelines = {
    traces: { receivers: ['otlp'], processors: ['attributes', 'probabilistic_sampler', 'batch'], exporters: ['otlp'] },
  };
  const config = configOf({ workers: 2, processors, exporters: { otlp: exportTo(sink) }, pipelines });
  const service = await startService(t, config);
  const tally = createTally();
  const client = createClient(t, service, tally);
  return { sink, service, tally, client, source: createSpanSource(), session: connect(t, service) };
}

/** A good request on the bad one's connection. */
async function goodBeside({ session, source, tally }: Setup, spans = 3): Promise<void> {
  const { message, ids } = source.request(spans);
  const reply = await rawCall(session, framed(message));
  assert.equal(reply.code, '0', reply.message);
  for (const id of ids) tally.acknowledged.add(id);
}

async function good(setup: Setup): Promise<void> {
  const reply = await setup.client.send(setup.source.request(2));
  assert.equal(reply.code, 0, reply.message);
}

const invalidArgument = '3';
const resourceExhausted = '8';
const internal = '13';

/** Each is refused as malformed. */
function malformed(whole: Buffer): readonly (readonly [what: string, message: Buffer])[] {
  const nested = (depth: number): Buffer => {
    let value = bytesField(1, 'deep');
    for (let i = 0; i < depth; i++) value = bytesField(5, bytesField(1, value));
    return requestOf([bytesField(9, Buffer.concat([bytesField(1, 'key'), bytesField(2, value)]))], {});
  };
  /** resource_spans with a length of the test's own. */
  const lying = (length: readonly number[]): Buffer => Buffer.concat([Buffer.from([0x0a, ...length]), whole]);
  const inSpan = (bytes: readonly number[]): Buffer => requestOf([Buffer.from(bytes)], {});
  return [
    ['a length past the end', lying([0xff, 0xff, 0x01])],
    ['a length of 4 GiB', lying([0xff, 0xff, 0xff, 0xff, 0x0f])],
    ['a length of 2^53', lying([...Array.from({ length: 7 }, () => 0xff), 0x0f])],
    ['a length past the end inside of a span', inSpan([0x2a, 0x7f, 0x41])],
    ['a varint that never ends', Buffer.alloc(300, 0x80)],
    ['a value that never ends inside of a span', inSpan([0x30, ...Array.from({ length: 40 }, () => 0xff)])],
    ['a group', Buffer.from([0x0b, 0x0c])],
    ['a group inside of a span', inSpan([0x2b, 0x2c])],
    ['an end of a group that did not begin', inSpan([0x2c])],
    ['wire type 6', inSpan([0x2e, 0x01])],
    ['field number 0', inSpan([0x02, 0x01, 0x41])],
    ['an attribute nested 5,000 deep', nested(5000)],
    ['text instead of protobuf', Buffer.from('{"resourceSpans":[]}')],
    ['a fixed64 of which half is there', inSpan([0x39, 1, 2, 3, 4])],
  ];
}

test('each malformed message is refused alone, its neighbours on the same connection pass', async (t) => {
  const setup = await setUp(t);
  const { message } = setup.source.request(20);
  for (const [what, bytes] of malformed(message)) {
    const between = [goodBeside(setup), good(setup)];
    const reply = await rawCall(setup.session, framed(bytes));
    assert.equal(reply.code, invalidArgument, `${what}: ${reply.message}`);
    assert.notEqual(reply.message, '', what);
    await Promise.all([...between, goodBeside(setup, 100)]);
  }
  assert.ok(!setup.session.destroyed);
  await settle(setup.service, setup);
});

test('malformed and good requests that share a job are told apart', async (t) => {
  const setup = await setUp(t);
  const bad = malformed(setup.source.request(5).message);
  const calls: Promise<unknown>[] = [];
  for (let round = 0; round < 12; round++) {
    for (const [what, bytes] of bad) {
      calls.push(rawCall(setup.session, framed(bytes)).then(({ code }) => assert.equal(code, invalidArgument, what)));
      calls.push(goodBeside(setup));
    }
  }
  await Promise.all(calls);
  await settle(setup.service, setup);
});

test('a message cut at any byte is refused, or is a shorter message', async (t) => {
  const setup = await setUp(t);
  const { message, ids } = setup.source.request(1);
  const calls: Promise<unknown>[] = [];
  for (let length = 1; length < message.length; length++) {
    calls.push(
      rawCall(setup.session, framed(message.subarray(0, length))).then(({ code }) =>
        assert.equal(code, invalidArgument, `cut after ${length} of ${message.length} bytes`),
      ),
    );
    if (length % 10 === 0) calls.push(goodBeside(setup));
  }
  await Promise.all(calls);
  assert.equal((await setup.client.send({ message, ids })).code, 0);
  await settle(setup.service, setup);
});

test('mutated messages end in a listed status, and the account balances', async (t) => {
  const setup = await setUp(t);
  const { session, service } = setup;
  const random = seededRandom(20_251_122);
  const codes = new Map<string, number>();
  const calls: Promise<unknown>[] = [];
  for (let i = 0; i < 1500; i++) {
    const { message } = setup.source.request(1 + (i % 4), { attributes: { 'user.email': 'a@b' } });
    const body = framed(Buffer.from(mutate(message, random)));
    calls.push(rawCall(session, body).then(({ code = 'none' }) => codes.set(code, (codes.get(code) ?? 0) + 1)));
    if (i % 100 === 0) await Promise.all(calls.splice(0));
  }
  await Promise.all(calls);
  assert.deepEqual([...codes.keys()].sort(), ['0', invalidArgument]);
  await good(setup);
  const end = await service.end();
  assert.equal(end.code, 0, service.log());
  assert.deepEqual([end.accounts[0].remainder, end.accounts[0].held, end.accounts[0].failed], [0, 0, 0]);
});

test('what is wrong around the message is refused alone', async (t) => {
  const setup = await setUp(t);
  const { message } = setup.source.request(50);
  const bomb = zlib.gzipSync(Buffer.alloc(200 << 20));
  const cases: readonly (readonly [what: string, body: Buffer, headers: http2.OutgoingHttpHeaders, code: string])[] = [
    ['a frame longer than its body', framed(message, 0, message.length + 1), {}, internal],
    ['a frame shorter than its body', framed(message, 0, message.length - 1), {}, internal],
    ['an unknown encoding', framed(message, 1), { 'grpc-encoding': 'br' }, '12'],
    ['gzip that is none', framed(message, 1), { 'grpc-encoding': 'gzip' }, internal],
    ['gzip that is cut', framed(zlib.gzipSync(message).subarray(0, -9), 1), { 'grpc-encoding': 'gzip' }, internal],
    ['a gzip bomb', framed(bomb, 1), { 'grpc-encoding': 'gzip' }, resourceExhausted],
    [
      'gzip of what is malformed',
      framed(zlib.gzipSync(Buffer.alloc(99, 0x80)), 1),
      { 'grpc-encoding': 'gzip' },
      invalidArgument,
    ],
    [
      'an unknown method',
      framed(message),
      { ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Import' },
      '12',
    ],
    ['metrics', framed(message), { ':path': '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export' }, '12'],
    ['no message at all', Buffer.alloc(0), {}, internal],
  ];
  for (const [what, body, headers, code] of cases) {
    const between = [goodBeside(setup), good(setup)];
    const reply = await rawCall(setup.session, body, headers);
    assert.equal(reply.code, code, `${what}: ${reply.message}`);
    await Promise.all([...between, goodBeside(setup)]);
  }
  assert.ok(!setup.session.destroyed);
  // By grpc-js, which reads the answer that comes before its body is sent.
  const { code } = await setup.client.send({ message: Buffer.alloc(70_000_000), ids: ['70 MB'] });
  assert.equal(String(code), resourceExhausted);
  await Promise.all([goodBeside(setup), good(setup)]);
  assert.ok(setup.service.residentBytes() < 300e6, `${setup.service.residentBytes()} bytes resident`);
  await settle(setup.service, setup);
});

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

test('other protocols and random bytes on the port harm nobody', async (t) => {
  const setup = await setUp(t);
  const random = seededRandom(7);
  const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
  const openings: readonly (readonly [what: string, bytes: Buffer])[] = [
    ['HTTP/1.1', Buffer.from('POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}')],
    ['HTTP/1.1 with upgrade', Buffer.from('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n')],
    ['TLS', Buffer.from('16030100c8010000c40303', 'hex')],
    ['random bytes', noise(3000)],
    ['half a preface', Buffer.from(preface.slice(0, 10))],
    ['random frames', Buffer.concat([Buffer.from(preface), noise(3000)])],
    ['nothing', Buffer.alloc(0)],
  ];
  for (const [, bytes] of openings) {
    await goodBeside(setup);
    const ends = Array.from({ length: 5 }, () => sendRaw(setup.service, bytes));
    await Promise.all([good(setup), goodBeside(setup)]);
    await Promise.all(ends);
    await good(setup);
  }
  assert.ok(!setup.session.destroyed);
  await settle(setup.service, setup);
});

test('clients that disappear halfway take nobody with them and leave nothing held', async (t) => {
  const setup = await setUp(t);
  const { message } = setup.source.request(3000, { padding: 1000 });
  for (const sent of [3, 100, 70_000, 1_000_000]) {
    for (let i = 0; i < 4; i++) {
      const session = connect(t, setup.service);
      const stream = session.request(grpcHeaders);
      stream.on('error', () => undefined);
      stream.resume();
      await new Promise((resolve) => stream.write(framed(message).subarray(0, sent), resolve));
      await new Promise((resolve) => session.ping(resolve));
      if (i % 2 === 0) session.socket.resetAndDestroy();
      else session.destroy();
      await once(session, 'close');
      await Promise.all([good(setup), goodBeside(setup)]);
    }
  }
  // All of the input budget can be had again: what the lost ones had reserved came back.
  const { client, source } = setup;
  const large = Array.from({ length: 12 }, () => client.send(source.request(3000, { padding: 1000 })));
  for (const { code, message: text } of await Promise.all(large)) assert.equal(code, 0, text);
  await settle(setup.service, setup);
});

/** Sends bytes, half closes, and resolves when the connection has ended in any way. */
function sendRaw(service: Service, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(service.port, '127.0.0.1', () => socket.end(bytes));
    socket.on('error', () => undefined);
    socket.resume();
    socket.on('close', () => resolve());
  });
}
