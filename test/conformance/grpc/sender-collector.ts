// A Collector that receives OTLP on a unix socket and sends it on to a server of the tests.
import assert from 'node:assert/strict';
import * as path from 'node:path';
import type { TestContext } from 'node:test';
import { encodeRequest } from '../../../src/wire/reference/codec.ts';
import { readJson } from '../../../src/wire/reference/json-reader.ts';
import { type Collector, startCollector } from '../support/collector-process.ts';
import { testFolder } from '../support/programs.ts';
import { type Bench, type JsClient, jsClient } from './server-bench.ts';

export interface CollectorOptions {
  /** Of the exporter: gzip, zstd, snappy or none. */
  readonly compression: string;
  readonly consumers?: number;
  /** Sends what it has as soon as it has so many spans. */
  readonly batchSize?: number;
}

export interface SendingCollector extends Collector {
  /** Its receiver, on which `sendSpans` puts spans. */
  readonly client: JsClient;
}

const configOf = (bench: Bench, socket: string, options: CollectorOptions): string => `
receivers:
  otlp:
    protocols:
      grpc:
        transport: unix
        endpoint: ${socket}
        max_recv_msg_size_mib: 64
processors:
  batch:
    timeout: 20ms
    send_batch_size: ${options.batchSize ?? 512}
    send_batch_max_size: ${options.batchSize ?? 512}
exporters:
  otlp:
    endpoint: ${bench.address}
    compression: ${options.compression}
    tls:
      insecure: true
    keepalive:
      time: 10s
      timeout: 5s
      permit_without_stream: true
    sending_queue:
      num_consumers: ${options.consumers ?? 10}
      queue_size: 100000
    retry_on_failure:
      initial_interval: 50ms
      max_interval: 200ms
    headers:
      x-tenant: gold
service:
  telemetry:
    metrics:
      level: none
  pipelines:
    traces:
      receivers: [otlp]
      processors: [batch]
      exporters: [otlp]
`;

/** Resolves when it listens. It has ended after the test. */
export async function startSender(
  t: TestContext,
  program: string,
  bench: Bench,
  options: CollectorOptions,
): Promise<SendingCollector> {
  const socket = path.join(await testFolder(t), 'in.sock');
  const collector = await startCollector(t, program, configOf(bench, socket, options));
  return { ...collector, client: jsClient(t, { ...bench, address: `unix:${socket}` }) };
}

/** Puts spans `span FROM` … `span TO - 1` on the Collector's receiver, `perRequest` in each request. */
export async function sendSpans(client: JsClient, from: number, to: number, perRequest: number): Promise<void> {
  const replies: Promise<{ code: number; message: string }>[] = [];
  for (let i = from; i < to; i += perRequest) {
    replies.push(client.call(requestOf(i, Math.min(to, i + perRequest))));
  }
  for (const reply of await Promise.all(replies)) assert.equal(reply.code, 0, reply.message);
}

function requestOf(from: number, to: number): Buffer {
  const value = { stringValue: 'what do you know of spans? '.repeat(10) };
  const spans = Array.from({ length: to - from }, (_, i) => ({
    traceId: '07'.repeat(16),
    spanId: (from + i + 1).toString(16).padStart(16, '0'),
    name: `span ${from + i}`,
    attributes: [{ key: 'gen_ai.prompt', value }],
  }));
  return Buffer.from(encodeRequest(readJson(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }))));
}
