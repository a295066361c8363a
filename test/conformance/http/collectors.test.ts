// A Collector in front of the service and one behind it, over OTLP/HTTP in both encodings, with TLS and a token.
import assert from 'node:assert/strict';
import * as path from 'node:path';
import { test } from 'node:test';
import { decodeRequest, encodeRequest } from '../../../src/wire/reference/codec.ts';
import { readJson } from '../../../src/wire/reference/json-reader.ts';
import type { ExportTraceServiceRequest, Span } from '../../../src/wire/reference/messages.ts';
import { freePort } from '../../e2e/load/support/spanload.ts';
import { createClient, createTally } from '../../e2e/support/client.ts';
import { configOf } from '../../e2e/support/config.ts';
import { startService } from '../../e2e/support/service.ts';
import { startSink } from '../../e2e/support/sink.ts';
import { idsOf } from '../../e2e/support/spans.ts';
import { jsClient } from '../grpc/server-bench.ts';
import { startCollector } from '../support/collector-process.ts';
import { peers, programOf } from '../support/peers.ts';
import { testFolder } from '../support/programs.ts';
import { startBench } from './client-bench.ts';

const program = programOf(peers.collector);
const skip = program === null ? peers.collector.reason : false;

/** Every kind of value, both ends of int64, links, events, a trace state, what is not ASCII. */
const everything = JSON.stringify({
  resourceSpans: [
    {
      resource: {
        attributes: [{ key: 'service.name', value: { stringValue: 'naïve 😀' } }],
        droppedAttributesCount: 3,
      },
      scopeSpans: [
        {
          scope: { name: 'lib', version: '1.2', attributes: [{ key: 'b', value: { boolValue: true } }] },
          spans: [
            {
              traceId: '5b8efff798038103d269b633813fc60c',
              spanId: 'eee19b7ec3c1b174',
              parentSpanId: 'eee19b7ec3c1b173',
              traceState: 'ot=th:8,vendor=x',
              flags: 257,
              name: 'everything',
              kind: 3,
              startTimeUnixNano: '1544712660300000001',
              endTimeUnixNano: '1544712660600000002',
              attributes: [
                { key: 'least', value: { intValue: '-9223372036854775808' } },
                { key: 'most', value: { intValue: '9223372036854775807' } },
                { key: 'double', value: { doubleValue: 0.1 } },
                { key: 'bytes', value: { bytesValue: 'AAH/' } },
                { key: 'empty', value: { stringValue: '' } },
                { key: 'list', value: { arrayValue: { values: [{ intValue: '1' }, { stringValue: 'two' }] } } },
                { key: 'map', value: { kvlistValue: { values: [{ key: 'k', value: { boolValue: false } }] } } },
              ],
              events: [
                { timeUnixNano: '1544712660400000000', name: 'event', attributes: [], droppedAttributesCount: 1 },
              ],
              links: [{ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceState: 'a=b' }],
              status: { code: 2, message: 'sorry' },
            },
          ],
          schemaUrl: 'https://opentelemetry.io/schemas/1.30.0',
        },
      ],
    },
  ],
});
const message = Buffer.from(encodeRequest(readJson(everything)));

const spansOf = ({ resourceSpans }: ExportTraceServiceRequest): Span[] =>
  resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));

/** `exporter`: of otlp_http, without what all have in common. */
const collectorConfig = (receiver: string, exporter: string): string => `
receivers:
  otlp:
    protocols:
${receiver}
exporters:
${exporter}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [otlp], exporters: [otlp_http]}}
`;

for (const encoding of ['proto', 'json']) {
  for (const [compression, security] of [
    ['gzip', 'plain'],
    ['zstd', 'TLS'],
    ['none', 'TLS and a token'],
  ] as const) {
    const name = `a Collector in front, ${encoding}, ${compression}, ${security}: what it sends arrives as it was`;
    test(name, { skip }, async (t) => {
      assert.ok(program !== null);
      const bench = await startBench(t, security);
      const socket = path.join(await testFolder(t), 'in.sock');
      const base = bench.url.replace('/v1/traces', '');
      const headers = bench.token === '' ? '' : `\n    headers: {authorization: "Bearer ${bench.token}"}`;
      const tls = bench.caFile === '' ? '' : `\n    tls: {ca_file: ${bench.caFile}}`;
      const exporter = `  otlp_http:\n    endpoint: ${base}\n    encoding: ${encoding}\n    compression: ${compression}`;
      const collector = await startCollector(
        t,
        program,
        collectorConfig(`      grpc: {transport: unix, endpoint: ${socket}}`, `${exporter}${tls}${headers}`),
      );
      const client = jsClient(t, { address: `unix:${socket}` });
      const reply = await client.call(message);
      assert.equal(reply.code, 0, reply.message);
      await bench.arrived('naïve 😀', 1);
      assert.deepEqual(spansOf(decodeRequest(bench.sink.exports[0].message)), spansOf(decodeRequest(message)));
      client.client.close();
      await collector.stop();
      const { accounts } = await bench.service.end();
      assert.equal(accounts[0].received, 1);
      assert.equal(accounts[0].exported, 1);
    });
  }

  test(`a Collector behind, ${encoding}: what the service sends arrives as it was`, { skip }, async (t) => {
    assert.ok(program !== null);
    const sink = await startSink(t);
    const port = await freePort();
    const behind = `
receivers:
  otlp: {protocols: {http: {endpoint: "127.0.0.1:${port}"}}}
exporters:
  otlp: {endpoint: "127.0.0.1:${sink.port}", compression: none, tls: {insecure: true}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}
`;
    const collector = await startCollector(t, program, behind);
    const exporters = { otlp_http: { endpoint: `http://127.0.0.1:${port}`, encoding } };
    const service = await startService(t, configOf({ exporters }));
    const client = createClient(t, service, createTally());
    const reply = await client.send({ message, ids: idsOf(message) });
    assert.equal(reply.code, 0, reply.message);
    await sink.until(() => sink.spans.size === 1);
    assert.deepEqual(spansOf(decodeRequest(sink.exports[0].message)), spansOf(decodeRequest(message)));
    const { accounts } = await service.end();
    assert.equal(accounts[0].exported, 1);
    await collector.stop();
  });
}
