// Requests of every legal shape, from every client: their spans arrive as they were sent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { decodeRequest } from '../../src/wire/reference/codec.ts';
import { framed, rawCall } from '../conformance/grpc/server-bench.ts';
import { seededRandom } from '../wire/arbitraries.ts';
import { sdkFixtures } from '../wire/sdk-fixtures.ts';
import { unusual } from '../wire/unusual.ts';
import { connect, createClient, createTally } from './support/client.ts';
import { configOf, exportTo, memoryLimiter } from './support/config.ts';
import { runLoad } from './support/load.ts';
import { bytesField } from './support/protobuf.ts';
import { startService } from './support/service.ts';
import { settle } from './support/settle.ts';
import { startSink } from './support/sink.ts';
import { createSpanSource, idsOf, type SpanRequest } from './support/spans.ts';

const limitBytes = 4 << 20;

test('requests without spans are accepted and send nothing on', async (t) => {
  const sink = await startSink(t);
  const service = await startService(t, configOf({ processors: { batch: {} }, exporters: { otlp: exportTo(sink) } }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const empty = [
    Buffer.alloc(0),
    bytesField(1, ''), // a resource_spans without anything
    createSpanSource().request(0).message, // a scope without spans
    bytesField(1, bytesField(1, '')), // an empty resource
    bytesField(900, 'not a field of ours'),
  ];
  for (const message of empty) assert.equal((await client.send({ message, ids: [] })).code, 0);
  await settle(service, { sink, tally });
  assert.equal(sink.calls(), 0);
});

/** A request of one span whose message has exactly so many bytes. */
function requestOfBytes(bytes: number): SpanRequest {
  const source = createSpanSource();
  const around = source.request(1, { padding: bytes }).message.length - bytes;
  const request = source.request(1, { padding: bytes - around });
  assert.equal(request.message.length, bytes);
  return request;
}

test('requests larger than a slab pass up to the limit, and not beyond', async (t) => {
  const sink = await startSink(t);
  const service = await startService(t, configOf({ workers: 2, exporters: { otlp: exportTo(sink) } }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  const shapes: readonly (readonly [spans: number, padding: number])[] = [
    [1, 70_000],
    [3, 100_000],
    [1, 1_500_000],
    [4000, 900],
    [30, 120_000],
  ];
  const replies = await Promise.all(shapes.map(([spans, padding]) => client.send(source.request(spans, { padding }))));
  assert.deepEqual(
    replies.map(({ code }) => code),
    shapes.map(() => 0),
  );
  const exact = requestOfBytes(limitBytes);
  const beyond = requestOfBytes(limitBytes + 1);
  // Ids of their own, apart from the source's.
  const reply = await client.send({ message: beyond.message, ids: ['beyond'] });
  assert.equal(reply.code, 8);
  assert.match(reply.message, /4194305 vs\. 4194304/);
  await sink.until(() => sink.spans.size === tally.acknowledged.size);
  await settle(service, { sink, tally });
  for (const { message } of sink.exports) assert.ok(message.length < limitBytes * 2);

  const again = await startSink(t);
  const second = await startService(t, configOf({ exporters: { otlp: exportTo(again) } }));
  const secondTally = createTally();
  assert.equal((await createClient(t, second, secondTally).send(exact)).code, 0);
  await settle(second, { sink: again, tally: secondTally });
  assert.deepEqual(decodeRequest(again.exports[0].message), decodeRequest(exact.message));
});

test('with a small budget the largest request is bounded by it, told so for good, and what fits passes', async (t) => {
  const sink = await startSink(t);
  const config = configOf({
    grpc: { max_recv_msg_size_mib: 64 },
    processors: { memory_limiter: memoryLimiter(8), batch: { timeout: '5ms' } },
    exporters: { otlp: exportTo(sink) },
  });
  const service = await startService(t, config);
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  const refusal = await client.send(source.request(1, { padding: 7 << 20 }));
  assert.equal(refusal.code, 8);
  assert.equal(refusal.retryDelayMs, undefined, 'a client was told to send again what can never pass');
  const bound = Number(/vs\. (\d+)/.exec(refusal.message)?.[1]);
  assert.ok(bound > 2 << 20, `the bound is ${bound}`);
  for (let i = 0; i < 10; i++) {
    const reply = await client.send(source.request(1, { padding: bound - 1000 }));
    assert.equal(reply.code, 0, reply.message);
  }
  await settle(service, { sink, tally });
});

test('unusual encodings arrive as the requests that they mean', async (t) => {
  const sink = await startSink(t);
  const service = await startService(t, configOf({ exporters: { otlp: exportTo(sink) } }));
  const tally = createTally();
  const client = createClient(t, service, tally);
  const source = createSpanSource();
  const meant = new Map<string, Buffer>();
  const sends: Promise<{ code: number; message: string }>[] = [];
  for (let seed = 0; seed < 60; seed++) {
    const request = source.request(1 + (seed % 7), { attributes: { 'url.path': '/x', 'user.email': 'a@b' } });
    meant.set(request.ids[0], request.message);
    const message = Buffer.from(unusual(request.message, seededRandom(seed)));
    sends.push(client.send({ message, ids: request.ids }), client.send(source.request(3)));
  }
  for (const { code, message } of await Promise.all(sends)) assert.equal(code, 0, message);
  await settle(service, { sink, tally });
  const arrived = sink.exports.flatMap(({ message }) => decodeRequest(message).resourceSpans);
  for (const message of meant.values()) {
    const [expected] = decodeRequest(message).resourceSpans;
    const spanId = Buffer.from(expected.scopeSpans[0].spans[0].spanId).toString('hex');
    const found = arrived.filter(({ scopeSpans }) =>
      scopeSpans.some(({ spans }) => spans.some((span) => Buffer.from(span.spanId).toString('hex') === spanId)),
    );
    assert.deepEqual(found, [expected]);
  }
});

test('what the real SDK encoded arrives field by field, compressed or not', async (t) => {
  const sink = await startSink(t);
  const service = await startService(t, configOf({ exporters: { otlp: exportTo(sink) } }));
  const session = connect(t, service);
  const tally = createTally();
  for (const { protobuf } of sdkFixtures) {
    const message = Buffer.from(protobuf);
    for (const [encoding, body] of [
      ['identity', framed(message)],
      ['gzip', framed(zlib.gzipSync(message), 1)],
      ['zstd', framed(zlib.zstdCompressSync(message), 1)],
    ] as const) {
      const before = sink.exports.length;
      const reply = await rawCall(session, body, { 'grpc-encoding': encoding });
      assert.equal(reply.code, '0', reply.message);
      await sink.until(() => sink.exports.length === before + 1);
      assert.deepEqual(decodeRequest(sink.exports[before].message), decodeRequest(message));
    }
    for (const id of idsOf(message)) tally.acknowledged.add(id);
  }
  const end = await service.end();
  const spans = sdkFixtures.reduce((sum, { protobuf }) => sum + idsOf(protobuf).length, 0);
  assert.equal(end.code, 0);
  assert.equal(end.accounts[0].received, spans * 3);
  assert.equal(end.accounts[0].exported, spans * 3);
  assert.equal(end.accounts[0].remainder, 0);
});

test('40 clients at a time, with connections of their own, lose nothing', async (t) => {
  const sink = await startSink(t);
  const processors = { batch: { timeout: '20ms', send_batch_size: 2000 } };
  const service = await startService(t, configOf({ workers: 2, processors, exporters: { otlp: exportTo(sink) } }));
  const tally = createTally();
  const clients = Array.from({ length: 40 }, () => createClient(t, service, tally));
  let answers = 0;
  await runLoad({
    clients,
    source: createSpanSource(),
    inFlight: 4,
    spans: 9,
    goOn: ({ code }) => code === 0 && ++answers < 4000,
  });
  await settle(service, { sink, tally });
  assert.ok(tally.acknowledged.size >= 36_000 && tally.refused.size === 0);
});

test('the SDKs’ own exporters send through it, with and without gzip', async (t) => {
  const sink = await startSink(t);
  const processors = { batch: { timeout: '10ms' } };
  const service = await startService(
    t,
    configOf({ processors, exporters: { otlp: exportTo(sink, { compression: 'gzip' }) } }),
  );
  const tally = createTally();
  const programs = Array.from({ length: 6 }, (_, n) => {
    type Compression = NonNullable<NonNullable<ConstructorParameters<typeof OTLPTraceExporter>[0]>['compression']>;
    const compression = (n % 2 === 0 ? 'none' : 'gzip') as Compression;
    const exporter = new OTLPTraceExporter({ url: `http://${service.address}`, compression });
    const provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': `program-${n}` }),
      spanProcessors: [new BatchSpanProcessor(exporter, { maxExportBatchSize: 64, maxQueueSize: 1000 })],
    });
    return { provider, tracer: provider.getTracer('e2e') };
  });
  for (const { tracer } of programs) {
    for (let i = 0; i < 300; i++) {
      const span = tracer.startSpan(`work ${i}`, { attributes: { n: i, text: 'x'.repeat(i) } });
      tally.acknowledged.add(span.spanContext().spanId);
      span.end();
    }
  }
  await Promise.all(programs.map(({ provider }) => provider.forceFlush()));
  await Promise.all(programs.map(({ provider }) => provider.shutdown()));
  await settle(service, { sink, tally });
  const services = sink.exports.flatMap(({ message }) =>
    decodeRequest(message).resourceSpans.map(
      ({ resource }) => resource?.attributes.find(({ key }) => key === 'service.name')?.value,
    ),
  );
  assert.equal(new Set(services.map((value) => JSON.stringify(value))).size, 6);
});
