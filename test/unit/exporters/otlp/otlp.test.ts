// The otlp exporter against a real @grpc/grpc-js server.
import assert from 'node:assert/strict';
import { constants, createServer, type ServerHttp2Stream } from 'node:http2';
import { test } from 'node:test';
import zlib from 'node:zlib';
import * as grpc from '@grpc/grpc-js';
import { pino } from 'pino';
import type { Batch, ExportResult } from '../../../../src/component/exporter.ts';
import type { Settlement } from '../../../../src/delivery/item.ts';
import { createDelivery } from '../../../../src/delivery/queue.ts';
import { otlp } from '../../../../src/exporters/otlp/index.ts';
import { retryInfoStatus } from '../../../../src/transport/rpc-status.ts';
import { encodeRequest } from '../../../../src/wire/reference/codec.ts';
import { readJson } from '../../../../src/wire/reference/json-reader.ts';
import { noExtensions } from '../../component/no-extensions.ts';
import { deliveryHost } from '../../delivery/delivery-host.ts';

type Call = grpc.ServerUnaryCall<Buffer, Buffer>;
/** How the server answers a call: a response message or an error. */
type Answer = (call: Call, n: number) => Buffer | Partial<grpc.StatusObject> | null;

interface Backend {
  readonly endpoint: string;
  readonly bodies: Buffer[];
  readonly calls: Call[];
  stop(): void;
}

const empty = Buffer.alloc(0);
const same = (bytes: Buffer): Buffer => bytes;

/** null as an answer: none is given. */
async function startBackend(answer: Answer, port = 0): Promise<Backend> {
  const server = new grpc.Server();
  const bodies: Buffer[] = [];
  const calls: Call[] = [];
  const service = {
    Export: {
      path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    },
  };
  server.addService(service, {
    Export: (call: Call, callback: grpc.sendUnaryData<Buffer>) => {
      bodies.push(call.request);
      calls.push(call);
      const result = answer(call, bodies.length - 1);
      if (Buffer.isBuffer(result)) callback(null, result);
      else if (result !== null) callback(result);
    },
  });
  const bound = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, at) =>
      error === null ? resolve(at) : reject(error),
    ),
  );
  return { endpoint: `127.0.0.1:${bound}`, bodies, calls, stop: () => server.forceShutdown() };
}

const request = Buffer.from(
  encodeRequest(readJson('{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"},{"name":"b"},{"name":"c"}]}]}]}')),
);
const batch: Batch = {
  spans: 3,
  bytes: request.length,
  segments: [request.subarray(0, 4), request.subarray(4)],
  metadata: {},
};
const never = new AbortController().signal;

interface Log {
  readonly lines: { msg: string; [field: string]: unknown }[];
  readonly log: pino.Logger;
}
function collecting(): Log {
  const lines: Log['lines'] = [];
  return { lines, log: pino({}, { write: (line) => void lines.push(JSON.parse(line)) }) };
}

function exporterFor(endpoint: string, change: object = {}, log = pino({ level: 'silent' })) {
  const config = otlp.config.parse({ endpoint, tls: { insecure: true }, ...change });
  assert.deepEqual(otlp.check?.(config), []);
  return {
    exporter: otlp.create(config, { id: 'otlp', log, extensions: noExtensions }),
    delivery: otlp.delivery(config),
  };
}

/** Result of one export to a backend that answers so. */
async function resultOf(answer: Answer, log?: pino.Logger): Promise<ExportResult> {
  const backend = await startBackend(answer);
  const { exporter } = exporterFor(backend.endpoint, {}, log);
  await exporter.start();
  try {
    return await exporter.export(batch, never);
  } finally {
    await exporter.stop();
    backend.stop();
  }
}

for (const compression of ['none', 'gzip'] as const) {
  test(`a batch arrives whole with compression ${compression}, and is accepted`, async () => {
    const backend = await startBackend(() => empty);
    const { exporter } = exporterFor(backend.endpoint, {
      compression,
      headers: { 'X-Api-Key': 'secret' },
      user_agent: 'mill/1',
      timeout: '30s',
    });
    await exporter.start();
    try {
      assert.deepEqual(await exporter.export(batch, never), { kind: 'accepted' });
      assert.deepEqual(await exporter.export({ ...batch, segments: [request] }, never), { kind: 'accepted' });
      assert.deepEqual(backend.bodies, [request, request]);
      const { metadata } = backend.calls[0];
      assert.deepEqual(metadata.get('x-api-key'), ['secret']);
      assert.deepEqual(metadata.get('user-agent'), ['mill/1']);
      const deadline = backend.calls[0].getDeadline();
      assert.ok(deadline instanceof Date || Number.isFinite(deadline), 'the peer is told the timeout');
    } finally {
      await exporter.stop();
      backend.stop();
    }
  });
}

test('http:// before the endpoint does not switch TLS off: `insecure` does, as in the Collector', async () => {
  const backend = await startBackend(() => empty);
  const results: string[] = [];
  for (const insecure of [false, true]) {
    const { exporter } = exporterFor(`http://${backend.endpoint}`, { tls: { insecure } });
    await exporter.start();
    results.push((await exporter.export(batch, never)).kind);
    await exporter.stop();
  }
  backend.stop();
  assert.deepEqual(results, ['retry', 'accepted']);
  assert.equal(backend.bodies.length, 1);
});

test('the peer is told the compression: gzip unless the configuration says otherwise', async () => {
  const encodings: unknown[] = [];
  const server = createServer();
  server.on('stream', (stream, headers) => {
    encodings.push(headers['grpc-encoding']);
    stream.resume();
    stream.respond({ 'content-type': 'application/grpc', 'grpc-status': '0' }, { endStream: true });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  assert.ok(bound !== null && typeof bound === 'object');
  for (const change of [
    {},
    { compression: 'gzip' },
    { compression: 'zstd' },
    { compression: 'none' },
    { compression: '' },
  ]) {
    const { exporter } = exporterFor(`127.0.0.1:${bound.port}`, change);
    await exporter.start();
    await exporter.export(batch, never);
    await exporter.stop();
  }
  server.close();
  assert.deepEqual(encodings, ['gzip', 'gzip', 'zstd', undefined, undefined]);
});

test('an answer that is compressed as the request was, as grpc-go does it, is understood', async () => {
  const plain = partialSuccess([1], 'too old');
  const server = createServer();
  server.on('stream', (stream, headers) => {
    const encoding = String(headers['grpc-encoding']);
    const body = encoding === 'zstd' ? zlib.zstdCompressSync(plain) : zlib.gzipSync(plain);
    const prefix = Buffer.from([1, 0, 0, 0, body.length]);
    stream.resume();
    stream.respond({ 'content-type': 'application/grpc', 'grpc-encoding': encoding }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.concat([prefix, body]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  assert.ok(bound !== null && typeof bound === 'object');
  for (const compression of ['gzip', 'zstd']) {
    const { exporter } = exporterFor(`127.0.0.1:${bound.port}`, { compression });
    await exporter.start();
    const result = await exporter.export(batch, never);
    await exporter.stop();
    assert.deepEqual(result, { kind: 'partial', rejectedSpans: 1, message: 'too old' });
  }
  server.close();
});

// OTLP specification, "Failures" of OTLP/gRPC.
const codes: readonly (readonly [name: keyof typeof grpc.status, kind: ExportResult['kind'], more?: object])[] = [
  ['CANCELLED', 'retry', { afterMs: 0 }],
  ['UNKNOWN', 'refused'],
  ['INVALID_ARGUMENT', 'invalid'],
  ['DEADLINE_EXCEEDED', 'retry', { afterMs: 0 }],
  ['NOT_FOUND', 'refused'],
  ['ALREADY_EXISTS', 'refused'],
  ['PERMISSION_DENIED', 'refused'],
  ['RESOURCE_EXHAUSTED', 'too_large', { limitBytes: 0 }],
  ['FAILED_PRECONDITION', 'refused'],
  ['ABORTED', 'retry', { afterMs: 0 }],
  ['OUT_OF_RANGE', 'retry', { afterMs: 0 }],
  ['UNIMPLEMENTED', 'refused'],
  ['INTERNAL', 'refused'],
  ['UNAVAILABLE', 'retry', { afterMs: 0 }],
  ['DATA_LOSS', 'retry', { afterMs: 0 }],
  ['UNAUTHENTICATED', 'refused'],
];
test('every status code is retryable, divisible or permanent: as OTLP says, and where half of it may pass', async () => {
  const backend = await startBackend((_, n) => ({ code: grpc.status[codes[n][0]], details: 'because' }));
  const { exporter } = exporterFor(backend.endpoint);
  await exporter.start();
  try {
    for (const [name, kind, more] of codes) {
      const expected = { kind, reason: name.toLowerCase(), message: `${name}: because`, ...more };
      assert.deepEqual(await exporter.export(batch, never), expected);
    }
  } finally {
    await exporter.stop();
    backend.stop();
  }
});

function withRetryInfo(code: number, delayMs: number): Partial<grpc.StatusObject> {
  const metadata = new grpc.Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from(retryInfoStatus(code, 'busy', delayMs).details ?? []));
  return { code, details: 'busy', metadata };
}

test('RetryInfo makes RESOURCE_EXHAUSTED retryable and its delay is kept', async () => {
  assert.deepEqual(await resultOf(() => withRetryInfo(grpc.status.RESOURCE_EXHAUSTED, 2500)), {
    kind: 'retry',
    reason: 'resource_exhausted',
    message: 'RESOURCE_EXHAUSTED: busy',
    afterMs: 2500,
  });
});

test('RetryInfo gives other retryable codes a delay, and permanent ones no second chance', async () => {
  const unavailable = await resultOf(() => withRetryInfo(grpc.status.UNAVAILABLE, 700));
  assert.equal(unavailable.kind === 'retry' && unavailable.afterMs, 700);
  assert.equal((await resultOf(() => withRetryInfo(grpc.status.PERMISSION_DENIED, 700))).kind, 'refused');
});

test('a peer that says what it takes at most is believed, unless that is more than was sent', async () => {
  for (const [details, limitBytes] of [
    ['grpc: received message larger than max (30 vs. 12)', 12],
    ['grpc: received message larger than max (5000000 vs. 4194304)', 0],
    ['quota of the tenant', 0],
  ] as const) {
    const result = await resultOf(() => ({ code: grpc.status.RESOURCE_EXHAUSTED, details }));
    assert.deepEqual(
      [result.kind, result.kind === 'too_large' && result.limitBytes],
      ['too_large', limitBytes],
      details,
    );
  }
});

/** Result of one export to a server that answers each call's stream as told. */
async function resultOfStream(answer: (stream: ServerHttp2Stream) => void): Promise<ExportResult> {
  const server = createServer();
  server.on('session', (session) => session.on('error', () => undefined));
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    answer(stream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  assert.ok(bound !== null && typeof bound === 'object');
  const { exporter } = exporterFor(`127.0.0.1:${bound.port}`);
  await exporter.start();
  try {
    return await exporter.export(batch, never);
  } finally {
    await exporter.stop();
    server.close();
  }
}

test('an answer whose trailers never came is tried again, whatever ended the stream', async () => {
  for (const rstCode of [
    constants.NGHTTP2_NO_ERROR,
    constants.NGHTTP2_INTERNAL_ERROR,
    constants.NGHTTP2_ENHANCE_YOUR_CALM,
  ]) {
    const result = await resultOfStream((stream) => {
      stream.respond({ 'content-type': 'application/grpc' });
      stream.close(rstCode);
    });
    assert.equal(result.kind, 'retry', JSON.stringify(result));
  }
  const bare = await resultOfStream((stream) => stream.close(constants.NGHTTP2_PROTOCOL_ERROR));
  assert.equal(bare.kind, 'retry', JSON.stringify(bare));
});

test('the answer of a proxy is understood: 413 may be divided, 503 tried again, 403 is final', async () => {
  for (const [status, kind] of [
    [413, 'too_large'],
    [503, 'retry'],
    [403, 'refused'],
  ] as const) {
    const result = await resultOfStream((stream) => {
      stream.respond({ ':status': status, 'content-type': 'text/html' });
      stream.end('<html></html>');
    });
    assert.equal(result.kind, kind, JSON.stringify(result));
    assert.match('message' in result ? result.message : '', new RegExp(`HTTP status ${status}`));
  }
});

/** ExportTraceServiceResponse with partial_success { 1 rejected_spans, 2 error_message }. */
function partialSuccess(rejected: number[], message: string): Buffer {
  const inner = [...(rejected.length > 0 ? [0x08, ...rejected] : []), 0x12, message.length, ...Buffer.from(message)];
  return Buffer.from([0x0a, inner.length, ...inner]);
}

test('partial success says how many spans were rejected', async () => {
  assert.deepEqual(await resultOf(() => partialSuccess([2], 'too old')), {
    kind: 'partial',
    rejectedSpans: 2,
    message: 'too old',
  });
});

test('partial success without rejected spans is a warning in the log', async () => {
  const { log, lines } = collecting();
  assert.deepEqual(await resultOf(() => partialSuccess([], 'deprecated'), log), { kind: 'accepted' });
  assert.equal(lines.length, 1);
  assert.equal(lines[0].peer, 'deprecated');
  const negative = [...Array(9).fill(0xff), 0x01];
  assert.deepEqual(await resultOf(() => partialSuccess(negative, 'odd'), log), { kind: 'accepted' });
});

test('OK with an answer that cannot be read counts as accepted, and is said', async () => {
  const { log, lines } = collecting();
  assert.deepEqual(await resultOf(() => Buffer.from([0x0a, 0x7f, 0x08]), log), { kind: 'accepted' });
  assert.match(String(lines[0].peer), /cannot be read/);
});

test('a connection that cannot be had is retryable', async () => {
  const backend = await startBackend(() => empty);
  backend.stop();
  const { exporter } = exporterFor(backend.endpoint);
  await exporter.start();
  const result = await exporter.export(batch, never);
  assert.equal(result.kind === 'retry' && result.reason, 'unavailable');
  await exporter.stop();
});

test('a connection lost after sending is retryable', async () => {
  const backend = await startBackend(() => {
    setImmediate(() => backend.stop());
    return null;
  });
  const { exporter } = exporterFor(backend.endpoint);
  await exporter.start();
  const result = await exporter.export(batch, never);
  assert.equal(result.kind, 'retry');
  await exporter.stop();
});

for (const reason of ['timeout', 'shutdown']) {
  test(`an attempt ended by its signal is retryable with the reason ${reason}`, async () => {
    const controller = new AbortController();
    const backend = await startBackend(() => {
      controller.abort(reason);
      return null;
    });
    const { exporter } = exporterFor(backend.endpoint);
    await exporter.start();
    const result = await exporter.export(batch, controller.signal);
    assert.equal(result.kind === 'retry' && result.reason, reason);
    await exporter.stop();
    backend.stop();
  });
}

test('before start and after stop nothing is sent and nothing is lost', async () => {
  const { exporter } = exporterFor('127.0.0.1:1');
  assert.equal((await exporter.export(batch, never)).kind, 'retry');
  await exporter.stop();
  await exporter.start();
  await exporter.stop();
  await exporter.stop();
  assert.equal((await exporter.export(batch, never)).kind, 'retry');
});

test('delivery and exporter together: retried until a partial success, every span accounted for', async () => {
  const backend = await startBackend((_, n) =>
    n === 0 ? { code: grpc.status.UNAVAILABLE } : n === 1 ? withRetryInfo(8, 20) : partialSuccess([1], 'no'),
  );
  const { exporter, delivery: options } = exporterFor(backend.endpoint, {
    retry_on_failure: { initial_interval: '10ms', max_interval: '20ms' },
  });
  await exporter.start();
  const delivery = createDelivery('otlp', exporter, options, deliveryHost());
  const { exported, failures } = await new Promise<Settlement>((settle) =>
    delivery.offer({ ...batch, stored: false, open: () => batch.segments, settle }),
  );
  assert.deepEqual([exported, failures], [2, [{ reason: 'partial_rejected', spans: 1 }]]);
  assert.deepEqual(backend.bodies, [request, request, request]);
  assert.equal(delivery.stats.retries, 2);
  await delivery.drain(1000);
  await exporter.stop();
  backend.stop();
});
