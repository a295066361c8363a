// OTLP/HTTP through the whole service: protobuf and JSON of the same spans, compressed, wrong, in pages, under a drain.
import assert from 'node:assert/strict';
import * as http from 'node:http';
import { type TestContext, test } from 'node:test';
import * as zlib from 'node:zlib';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { decodeRequest } from '../../src/wire/reference/codec.ts';
import { toJsonLine } from '../../src/wire/reference/json.ts';
import { createTally, type Tally } from './support/client.ts';
import { configOf, exportTo } from './support/config.ts';
import { type Service, startService } from './support/service.ts';
import { settle } from './support/settle.ts';
import { type Sink, startSink } from './support/sink.ts';
import { createSpanSource, type SpanRequest } from './support/spans.ts';

const protobuf = { 'content-type': 'application/x-protobuf' };
const json = { 'content-type': 'application/json' };

interface Setup {
  readonly sink: Sink;
  readonly service: Service;
  readonly tally: Tally;
  readonly url: string;
  post(request: SpanRequest, headers: Record<string, string>, body?: Buffer | string): Promise<Response>;
}

async function setUp(
  t: TestContext,
  own: object = {},
  parts: Partial<Parameters<typeof configOf>[0]> = {},
): Promise<Setup> {
  const sink = await startSink(t);
  const base = configOf({ exporters: { otlp: exportTo(sink) }, processors: { batch: { timeout: '5ms' } }, ...parts });
  const protocols = { grpc: { endpoint: '127.0.0.1:0' }, http: { endpoint: '127.0.0.1:0', ...own } };
  const service = await startService(t, { ...base, receivers: { otlp: { protocols } } });
  const { listening } = (await service.line(({ msg }) => msg === 'spanmill is ready')) as { listening?: string[] };
  const address = listening?.find((text) => text.startsWith('http '))?.slice('http '.length);
  assert.ok(address !== undefined, JSON.stringify(listening));
  const tally = createTally();
  const url = `http://${address}/v1/traces`;
  return {
    sink,
    service,
    tally,
    url,
    async post({ message, ids }, headers, body = message) {
      const bytes = typeof body === 'string' ? body : new Uint8Array(body);
      const response = await fetch(url, { method: 'POST', headers, body: bytes });
      for (const id of ids) (response.status === 200 ? tally.acknowledged : tally.refused).add(id);
      return response;
    },
  };
}

const source = createSpanSource();

test('protobuf and JSON, plain and compressed, give the same spans', async (t) => {
  const setup = await setUp(t);
  const requests = Array.from({ length: 8 }, () => source.request(10));
  const ways: readonly ((request: SpanRequest) => Promise<Response>)[] = [
    (request) => setup.post(request, protobuf),
    (request) => setup.post(request, json, toJsonLine(request.message)),
    (request) => setup.post(request, { ...protobuf, 'content-encoding': 'gzip' }, zlib.gzipSync(request.message)),
    (request) =>
      setup.post(request, { ...json, 'content-encoding': 'gzip' }, zlib.gzipSync(toJsonLine(request.message))),
    (request) =>
      setup.post(request, { ...json, 'content-encoding': 'zstd' }, zlib.zstdCompressSync(toJsonLine(request.message))),
    (request) => setup.post(request, { ...protobuf, 'content-encoding': 'deflate' }, zlib.deflateSync(request.message)),
    (request) => setup.post(request, json, JSON.stringify(JSON.parse(toJsonLine(request.message)), null, 2)),
    (request) => setup.post(request, json, JSON.stringify(reversed(JSON.parse(toJsonLine(request.message))))),
  ];
  for (const [i, way] of ways.entries()) {
    const response = await way(requests[i]);
    assert.equal(response.status, 200, await response.text());
  }
  await setup.sink.until(() => setup.sink.spans.size === 80);
  const spanOf = (message: Uint8Array) => decodeRequest(message).resourceSpans[0].scopeSpans[0].spans[0];
  const arrived = new Map(
    setup.sink.exports
      .flatMap(({ message }) => decodeRequest(message).resourceSpans)
      .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
      .map((span) => [Buffer.from(span.spanId).toString('hex'), span]),
  );
  for (const { message, ids } of requests) {
    // JSON always has a status.
    const status = { message: '', code: 0 };
    assert.deepEqual({ status, ...arrived.get(ids[0]) }, { status, ...spanOf(message) });
  }
  await settle(setup.service, setup);
});

/** Every object with its members the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, inner]) => [name, reversed(inner)]),
  );
}

test('what the SDK serializes for HTTP arrives, in both of its formats', async (t) => {
  const setup = await setUp(t);
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const tracer = provider.getTracer('e2e');
  for (const name of ['first', 'second']) tracer.startSpan(name, { attributes: { list: ['a', 'b'], n: 1.5 } }).end();
  const [first, second] = exporter.getFinishedSpans();
  for (const [span, serializer, headers] of [
    [first, ProtobufTraceSerializer, protobuf],
    [second, JsonTraceSerializer, json],
  ] as const) {
    const body = Buffer.from(serializer.serializeRequest([span]) ?? []);
    const ids = [span.spanContext().spanId];
    const response = await setup.post({ message: body, ids }, headers);
    assert.equal(response.status, 200);
    assert.deepEqual(serializer.deserializeResponse(new Uint8Array(await response.arrayBuffer())), {});
  }
  await settle(setup.service, setup);
});

test('two pipelines of one receiver each get the spans of a request in JSON', async (t) => {
  const other = await startSink(t);
  const sink = await startSink(t);
  const pipelines = {
    'traces/a': { receivers: ['otlp'], processors: ['batch'], exporters: ['otlp/a'] },
    'traces/b': { receivers: ['otlp'], exporters: ['otlp/b'] },
  };
  const exporters = { 'otlp/a': exportTo(sink), 'otlp/b': exportTo(other) };
  const setup = await setUp(t, {}, { exporters, pipelines, workers: 2 });
  const request = source.request(30);
  assert.equal((await setup.post(request, json, toJsonLine(request.message))).status, 200);
  await settle(setup.service, { sink, tally: setup.tally, pipeline: 'traces/a' });
  assert.deepEqual([...other.spans.keys()].sort(), [...request.ids].sort());
});

test('requests that are wrong are refused in their encoding, and good ones beside them pass', async (t) => {
  const setup = await setUp(t, { max_request_body_size: 100_000 });
  const good = source.request(3);
  const cases: readonly (readonly [
    status: number,
    headers: Record<string, string>,
    body: Buffer | string,
    said: RegExp,
  ])[] = [
    [400, protobuf, Buffer.from([0x0a, 0xff, 0x01]), /not a valid ExportTraceServiceRequest/],
    [400, json, '{"resourceSpans":[{"scopeSpans":{}}]}', /resourceSpans\[0\]\.scopeSpans: expected an array/],
    [400, json, '{"resourceSpans":', /expected an array, found the end of the body/],
    [400, json, '', /not JSON: the body is empty/],
    [400, { ...json, 'content-encoding': 'gzip' }, '{}', /failed to decompress/],
    [413, json, `{"a":"${'x'.repeat(100_000)}"}`, /larger than max \(100008 vs. 100000\)/],
    [415, { 'content-type': 'text/plain' }, 'x', /unsupported media type/],
  ];
  for (const [status, headers, body, said] of cases) {
    const [response, beside] = await Promise.all([
      setup.post({ message: Buffer.alloc(0), ids: [] }, headers, body),
      setup.post(source.request(2), protobuf),
    ]);
    assert.equal(response.status, status);
    assert.match(Buffer.from(await response.arrayBuffer()).toString(), said);
    assert.equal(beside.status, 200);
  }
  for (const path of ['/v1/metrics', '/v1/logs']) {
    const response = await fetch(setup.url.replace('/v1/traces', path), { method: 'POST', headers: json, body: '{}' });
    assert.equal(response.status, 404);
    assert.match(((await response.json()) as { message: string }).message, /spanmill takes traces only/);
  }
  assert.equal((await setup.post(good, json, toJsonLine(good.message))).status, 200);
  await settle(setup.service, setup);
});

test('headers of requests can be read by processors, and keep batches apart', async (t) => {
  const parts = { processors: { batch: { timeout: '5ms', metadata_keys: ['x-tenant'] } } };
  const setup = await setUp(t, { include_metadata: true }, parts);
  await Promise.all(
    ['a', 'b', 'a', 'b'].map((tenant) => setup.post(source.request(5), { ...protobuf, 'x-tenant': tenant })),
  );
  await setup.sink.until(() => setup.sink.spans.size === 20);
  assert.ok(setup.sink.exports.length >= 2);
  await settle(setup.service, setup);
});

test('a service that drains answers what it took, closes its connections, and loses nothing', async (t) => {
  const setup = await setUp(t);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
  t.after(() => agent.destroy());
  const post = (request: SpanRequest): Promise<boolean> =>
    new Promise((resolve) => {
      const sent = http.request(setup.url, { method: 'POST', agent, headers: json }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode === 200));
        response.on('error', () => resolve(false));
      });
      sent.on('error', () => resolve(false));
      sent.end(toJsonLine(request.message));
    });
  let draining = false;
  const clients = Array.from({ length: 32 }, async () => {
    while (!draining) {
      const request = source.request(5);
      const isTaken = await post(request);
      // Of a connection that ended nobody knows.
      for (const id of request.ids) (isTaken ? setup.tally.acknowledged : setup.tally.unknown).add(id);
      if (!isTaken) return;
    }
  });
  await setup.sink.until(() => setup.sink.spans.size > 2000);
  const end = setup.service.end();
  await setup.service.ended;
  draining = true;
  await Promise.all(clients);
  await end;
  assert.ok(setup.tally.acknowledged.size > 2000);
  await settle(setup.service, setup);
});

test('where the backend rejects some of the spans a client that waits is told so, in its own encoding, and as a success', async (t) => {
  const sink = await startSink(t);
  sink.answer = () => ({ kind: 'partial', rejected: 2, message: 'too old' });
  const exporters = { otlp: exportTo(sink, { sending_queue: { wait_for_result: true } }) };
  const setup = await setUp(t, {}, { exporters, processors: {} });
  const first = await setup.post(source.request(5), protobuf);
  assert.equal(first.status, 200);
  const bytes = new Uint8Array(await first.arrayBuffer());
  const { partialSuccess } = ProtobufTraceSerializer.deserializeResponse(bytes);
  assert.deepEqual(partialSuccess?.errorMessage, '2 of 5 spans failed: too old');
  assert.equal(Number(partialSuccess?.rejectedSpans ?? 0), 0);
  const request = source.request(3);
  const second = await setup.post(request, json, toJsonLine(request.message));
  assert.deepEqual(await second.json(), { partialSuccess: { errorMessage: '2 of 3 spans failed: too old' } });
  const [account] = (await setup.service.end()).accounts;
  assert.deepEqual([account.exported, account.failed, account.remainder], [4, 4, 0]);
});
