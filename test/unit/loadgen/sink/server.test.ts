import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { test } from 'node:test';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { Arrivals } from '../../../../loadgen/sink/arrivals.ts';
import { createFaults, parseFault } from '../../../../loadgen/sink/faults.ts';
import { createIntake } from '../../../../loadgen/sink/intake.ts';
import { type SinkServer, serveSink } from '../../../../loadgen/sink/server.ts';
import { SpanmillError } from '../../../../src/errors.ts';
import { retryDelayOf } from '../../../../src/transport/rpc-status.ts';
import { toJsonLine } from '../../../../src/wire/reference/json.ts';
import { checking, later, request } from './fixture.ts';
import { field, reencode } from './unusual-encoding.ts';

interface Serving {
  readonly sink: SinkServer;
  readonly arrivals: Arrivals;
}

async function serving(faults: readonly string[], body: (serving: Serving) => Promise<void>): Promise<void> {
  const { arrivals } = checking();
  const sink = await serveSink('127.0.0.1', 0, {
    arrivals,
    faults: createFaults(faults.map(parseFault), () => 0),
    nowNs: () => later,
  });
  try {
    await body({ sink, arrivals });
  } finally {
    sink.close();
  }
}

interface GrpcReply {
  readonly status: string;
  readonly message: string;
  readonly body: Buffer;
  readonly details: string;
}

const exportPath = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

/** null: the call ended without a status. */
async function call(port: number, message: Buffer, encoding = '', path = exportPath): Promise<GrpcReply | null> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on('error', () => session.destroy());
  try {
    const headers = encoding === '' ? {} : { 'grpc-encoding': encoding };
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    const prefix = Buffer.alloc(5);
    prefix[0] = encoding === '' || encoding === 'identity' ? 0 : 1;
    prefix.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([prefix, message]));
    const found: Record<string, unknown> = {};
    stream.on('response', (fields) => Object.assign(found, fields));
    stream.on('trailers', (fields) => Object.assign(found, fields));
    stream.on('error', () => stream.destroy());
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    await new Promise((resolve) => stream.on('close', resolve));
    if (found['grpc-status'] === undefined) return null;
    return {
      status: String(found['grpc-status']),
      message: String(found['grpc-message'] ?? ''),
      body: Buffer.concat(chunks).subarray(5),
      details: String(found['grpc-status-details-bin'] ?? ''),
    };
  } finally {
    session.destroy();
  }
}

const post = (port: number, body: Uint8Array | string, headers: Record<string, string> = {}, path = '/v1/traces') =>
  fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : new Uint8Array(body),
    headers: { 'content-type': 'application/x-protobuf', ...headers },
  });

const json = { 'content-type': 'application/json; charset=utf-8' };
const compressions: readonly (readonly [name: string, compress: (bytes: Buffer) => Buffer])[] = [
  ['gzip', (bytes) => gzipSync(bytes)],
  ['zstd', (bytes) => zstdCompressSync(bytes)],
  ['deflate', (bytes) => deflateSync(bytes)],
  ['identity', (bytes) => bytes],
];

test('one port takes gRPC, and HTTP in protobuf and JSON, in every compression', async () => {
  await serving([], async ({ sink, arrivals }) => {
    let k = 0;
    assert.deepEqual(await call(sink.port, request(k++)), {
      status: '0',
      message: '',
      body: Buffer.alloc(0),
      details: '',
    });
    const plain = await post(sink.port, request(k++));
    assert.deepEqual([plain.status, plain.headers.get('content-type')], [200, 'application/x-protobuf']);
    assert.equal((await plain.arrayBuffer()).byteLength, 0);
    const asJson = await post(sink.port, toJsonLine(request(k++)), json);
    assert.deepEqual([asJson.status, await asJson.text()], [200, '{}']);
    assert.equal(asJson.headers.get('content-type'), 'application/json');
    for (const [name, compress] of compressions) {
      assert.equal((await call(sink.port, compress(request(k++)), name))?.status, '0', name);
      assert.equal((await post(sink.port, compress(request(k++)), { 'content-encoding': name })).status, 200, name);
      const text = compress(Buffer.from(toJsonLine(request(k++))));
      assert.equal((await post(sink.port, text, { ...json, 'content-encoding': name })).status, 200, name);
    }
    assert.deepEqual(arrivals.counts(), { distinct: 6 * k, duplicated: 0, foreign: 0, malformed: 0, altered: 0 });
    assert.deepEqual(arrivals.oddities().altered, []);
    assert.equal(sink.counters().requests, k);
    assert.equal(sink.counters().answers.ok, k);
  });
});

test('a connection that begins byte by byte is understood', async () => {
  await serving([], async ({ sink, arrivals }) => {
    const body = request(0);
    const head = `POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: ${body.length}\r\n\r\n`;
    const socket = connect({ port: sink.port, host: '127.0.0.1', noDelay: true });
    for (const byte of ['P', 'O', 'S']) await new Promise((resolve) => socket.write(byte, resolve));
    socket.write(Buffer.concat([Buffer.from(head.slice(3)), body]));
    const [reply] = (await once(socket, 'data')) as [Buffer];
    assert.match(reply.toString('latin1'), /^HTTP\/1\.1 200 /);
    socket.destroy();
    assert.equal(arrivals.counts().distinct, 6);
  });
});

test('connections are kept and used again', async () => {
  await serving([], async ({ sink, arrivals }) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<unknown>();
    for (let k = 0; k < 5; k++) {
      const sending = httpRequest({
        agent,
        port: sink.port,
        host: '127.0.0.1',
        path: '/v1/traces',
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf' },
      });
      sending.end(request(k));
      const [response] = await once(sending, 'response');
      sockets.add(response.socket);
      response.resume();
      await once(response, 'end');
    }
    agent.destroy();
    assert.equal(sockets.size, 1);
    assert.equal(arrivals.counts().distinct, 30);
  });
});

test('what is not a request for traces gets the answer of the OTLP specification', async () => {
  await serving([], async ({ sink, arrivals }) => {
    const statusOf = async (reply: Response | Promise<Response>) => (await reply).status;
    const bad = await post(sink.port, Buffer.from([0xff, 0xff]));
    assert.equal(bad.status, 400);
    assert.equal(Buffer.from(await bad.arrayBuffer())[1], 3, 'a google.rpc.Status with INVALID_ARGUMENT');
    const badJson = await post(sink.port, '{"resourceSpans": 1}', json);
    assert.equal(badJson.status, 400);
    const status = (await badJson.json()) as { code: number; message: string };
    assert.equal(status.code, 3);
    assert.match(status.message, /resourceSpans/);
    assert.equal(await statusOf(post(sink.port, Buffer.from('no gzip'), { 'content-encoding': 'gzip' })), 400);
    assert.equal(await statusOf(post(sink.port, request(0), {}, '/v1/logs')), 404);
    assert.equal(await statusOf(post(sink.port, request(0), { 'content-type': 'text/plain' })), 415);
    assert.equal(await statusOf(post(sink.port, request(0), { 'content-encoding': 'br' })), 415);
    const got = await fetch(`http://127.0.0.1:${sink.port}/v1/traces`);
    assert.deepEqual([got.status, got.headers.get('allow')], [405, 'POST']);
    assert.deepEqual(
      [
        (await call(sink.port, Buffer.from([0xff, 0xff])))?.status,
        (await call(sink.port, Buffer.from('no gzip'), 'gzip'))?.status,
        (await call(sink.port, request(0), 'snappy'))?.status,
        (await call(sink.port, request(0), '', '/other/Method'))?.status,
      ],
      ['3', '3', '12', '12'],
    );
    assert.deepEqual(arrivals.counts(), { distinct: 0, duplicated: 0, foreign: 0, malformed: 5, altered: 0 });
  });
});

/** The reference codec takes over where a part that may stand once stands twice; what it throws is no RangeError. */
const nested = (depth: number): Buffer => {
  let value: Buffer = field(1, 2, Buffer.from('x'));
  for (let i = 0; i < depth; i++) value = field(5, 2, field(1, 2, value));
  return field(9, 2, Buffer.concat([field(1, 2, Buffer.from('deep')), field(2, 2, value)]));
};
const unreadable: Readonly<Record<string, Buffer>> = {
  'a wire type that there is not': Buffer.from('4a020f00', 'hex'),
  'lists in lists without end': nested(2000),
};

for (const [name, part] of Object.entries(unreadable)) {
  test(`a span with ${name} is malformed, and the sink goes on`, async () => {
    await serving([], async ({ sink, arrivals }) => {
      const twice = [field(15, 2, Buffer.alloc(0)), field(15, 2, Buffer.alloc(0)), part];
      const fields = (parts: Buffer[], kind: string) => (kind === 'span' ? [...parts, ...twice] : parts);
      const bad = reencode(request(0), { fields }, 0);
      assert.equal((await call(sink.port, bad))?.status, '3');
      assert.equal((await post(sink.port, bad)).status, 400);
      assert.equal((await call(sink.port, request(1)))?.status, '0');
      assert.deepEqual(arrivals.counts(), { distinct: 6, duplicated: 0, foreign: 0, malformed: 2, altered: 0 });
    });
  });
}

test('an error of the sink itself is told as an answer, and counted', () => {
  const { arrivals } = checking();
  const take = () => {
    throw new TypeError('a bug');
  };
  const broken: Arrivals = { ...arrivals, take, countMalformed: () => arrivals.countMalformed() };
  const intake = createIntake({ arrivals: broken, faults: createFaults([], () => 0), nowNs: () => later });
  const answer = intake.handle(request(0), '', 'grpc', intake.decide());
  assert.deepEqual(answer, { kind: 'malformed', message: 'a bug' });
  assert.equal(intake.counters().answers.malformed, 1);
  assert.equal(arrivals.counts().malformed, 1);
});

test('refused requests have not arrived, and are told when to come again', async () => {
  await serving(['refuse=RESOURCE_EXHAUSTED,retry=1500ms'], async ({ sink, arrivals }) => {
    const reply = await call(sink.port, request(0));
    assert.equal(reply?.status, '8');
    assert.equal(retryDelayOf(Buffer.from(reply?.details ?? '', 'base64')), 1500);
    const response = await post(sink.port, request(0));
    assert.deepEqual([response.status, response.headers.get('retry-after')], [429, '2']);
    assert.equal(arrivals.counts().distinct, 0);
    assert.equal(sink.counters().answers.refused, 2);
  });
});

test('the spans of a refusal for good are known, in every protocol, and may come again', async () => {
  await serving(['refuse=INVALID_ARGUMENT'], async ({ sink, arrivals }) => {
    assert.equal((await call(sink.port, request(0)))?.status, '3');
    assert.equal((await call(sink.port, gzipSync(request(1)), 'gzip'))?.status, '3');
    assert.equal((await post(sink.port, request(2))).status, 400);
    assert.equal((await post(sink.port, toJsonLine(request(3)), json)).status, 400);
    assert.deepEqual([arrivals.counts().distinct, arrivals.rejected.count()], [0, 24]);
    // What makes no sense is malformed, and is nobody's.
    assert.equal((await call(sink.port, Buffer.from([0xff, 0xff])))?.status, '3');
    assert.deepEqual([arrivals.counts().malformed, arrivals.rejected.count()], [1, 24]);
  });
});

test('the spans of a refusal after which clients try again are the clients’ to bring', async () => {
  for (const fault of ['refuse=UNAVAILABLE', 'refuse=RESOURCE_EXHAUSTED,retry=1s']) {
    await serving([fault], async ({ sink, arrivals }) => {
      assert.notEqual((await call(sink.port, request(0)))?.status, '0');
      assert.ok([429, 503].includes((await post(sink.port, request(1))).status));
      assert.deepEqual([arrivals.counts().distinct, arrivals.rejected.count()], [0, 0], fault);
    });
  }
  // Without a delay gRPC's clients give up, those of HTTP do not.
  await serving(['refuse=RESOURCE_EXHAUSTED'], async ({ sink, arrivals }) => {
    await call(sink.port, request(0));
    await post(sink.port, request(1));
    assert.equal(arrivals.rejected.count(), 6);
    assert.ok(arrivals.rejected.has(0) && !arrivals.rejected.has(6));
  });
});

test('partial success names how many spans were rejected: the last ones, which have not arrived', async () => {
  await serving(['partial=2'], async ({ sink, arrivals }) => {
    const reply = await call(sink.port, request(0));
    assert.equal(reply?.status, '0');
    // partial_success 1, its rejected_spans 1.
    assert.deepEqual([...(reply?.body.subarray(2, 4) ?? [])], [0x08, 2]);
    const response = await post(sink.port, toJsonLine(request(1)), json);
    const { partialSuccess } = (await response.json()) as { partialSuccess: { rejectedSpans: string } };
    assert.equal(partialSuccess.rejectedSpans, '2');
    const bytes = Buffer.from(await (await post(sink.port, request(2))).arrayBuffer());
    assert.deepEqual(bytes, reply?.body);
    assert.equal(arrivals.counts().distinct, 12);
    assert.ok(arrivals.bitmap.has(3) && !arrivals.bitmap.has(4) && !arrivals.bitmap.has(11));
  });
});

test('reset cuts the connection, and nothing has arrived', async () => {
  await serving(['reset'], async ({ sink, arrivals }) => {
    assert.equal(await call(sink.port, request(0)), null);
    await assert.rejects(post(sink.port, request(0)), TypeError);
    assert.equal(sink.counters().answers.reset, 2);
    assert.equal(arrivals.counts().distinct, 0);
  });
});

test('a stalled request is never answered, and one after it is', async () => {
  const { arrivals } = checking();
  let drawn = 0;
  const sink = await serveSink('127.0.0.1', 0, {
    arrivals,
    // The first two requests.
    faults: createFaults([parseFault('stall,share=0.5')], () => (drawn++ < 2 ? 0 : 0.9)),
    nowNs: () => later,
  });
  const outcomeOf = (reply: Promise<unknown>): Promise<unknown> => reply.catch(() => null);
  const silent = [outcomeOf(call(sink.port, request(0))), outcomeOf(post(sink.port, request(1)))];
  try {
    while (sink.counters().requests < 2) await new Promise(setImmediate);
    assert.equal((await call(sink.port, request(2)))?.status, '0');
    assert.equal((await post(sink.port, request(3))).status, 200);
    assert.equal(sink.counters().answers.silent, 2);
  } finally {
    sink.close();
  }
  assert.deepEqual(await Promise.all(silent), [null, null]);
  assert.equal(arrivals.counts().distinct, 12);
});

test('delayed answers come later, though the spans have arrived', async () => {
  await serving(['delay=150ms'], async ({ sink, arrivals }) => {
    const started = performance.now();
    const replies = [call(sink.port, request(0)), post(sink.port, request(1))];
    while (arrivals.counts().distinct < 12) await new Promise(setImmediate);
    assert.ok(performance.now() - started < 140, 'taken at once');
    await Promise.all(replies);
    assert.ok(performance.now() - started >= 149);
  });
});

test('slow reading holds up what is sent on the same connection', async () => {
  const body = request(0);
  const speed = Math.ceil(body.length * 10);
  await serving([`slow=${speed}B/s`], async ({ sink, arrivals }) => {
    const session = connectHttp2(`http://127.0.0.1:${sink.port}`);
    const started = performance.now();
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(body.length, 1);
    // The first is answered at once; each rest after one lasts a tenth of a second.
    for (let i = 0; i < 4; i++) {
      const stream = session.request({ ':method': 'POST', ':path': exportPath, 'content-type': 'application/grpc' });
      stream.end(Buffer.concat([prefix, body]));
      stream.resume();
      await once(stream, 'close');
    }
    session.destroy();
    assert.ok(performance.now() - started >= 290, 'gRPC');
    const before = performance.now();
    assert.equal((await post(sink.port, body)).status, 200);
    assert.ok(performance.now() - before >= 95, 'HTTP');
    assert.equal(arrivals.counts().distinct, 6);
    assert.equal(arrivals.counts().duplicated, 24);
  });
});

test('a large request that came in many pieces is taken whole by both protocols', async () => {
  await serving([], async ({ sink, arrivals }) => {
    const large = Buffer.concat(Array.from({ length: 300 }, (_, k) => request(k)));
    assert.ok(large.length > 1 << 20);
    assert.equal((await call(sink.port, large))?.status, '0');
    assert.equal((await post(sink.port, large)).status, 200);
    assert.deepEqual(arrivals.counts(), { distinct: 1800, duplicated: 1800, foreign: 0, malformed: 0, altered: 0 });
  });
});

test('a client that goes in the middle of a request leaves nothing behind', async () => {
  await serving([], async ({ sink, arrivals }) => {
    for (const start of ['P', 'PRI * HTTP/2.0\r\n', 'POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n']) {
      const socket = connect(sink.port, '127.0.0.1');
      await once(socket, 'connect');
      await new Promise((resolve) => socket.write(start, resolve));
      socket.resetAndDestroy();
      await once(socket, 'close');
    }
    assert.equal((await call(sink.port, request(0)))?.status, '0');
    assert.deepEqual(arrivals.counts(), { distinct: 6, duplicated: 0, foreign: 0, malformed: 0, altered: 0 });
  });
});

test('a port that is taken is said in one line', async () => {
  await serving([], async ({ sink, arrivals }) => {
    const again = serveSink('127.0.0.1', sink.port, { arrivals, faults: createFaults([], () => 0), nowNs: () => 0 });
    await assert.rejects(again, (error) => {
      assert.ok(error instanceof SpanmillError && error.code === 'LISTEN');
      assert.match(error.message, new RegExp(`^cannot listen on 127\\.0\\.0\\.1:${sink.port}: .*EADDRINUSE`));
      return true;
    });
  });
});
