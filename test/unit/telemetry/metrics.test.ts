import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { pino } from 'pino';
import { batchSizeBounds } from '../../../src/pipeline/stage-output.ts';
import { createLedgerSource, type LedgerRow } from '../../../src/telemetry/ledger-source.ts';
import { createMetricsServer, type MetricsOptions, renderMetrics } from '../../../src/telemetry/metrics.ts';
import { createBatchSource, createReceiverSource } from '../../../src/telemetry/pipeline-source.ts';
import { createProcessSource } from '../../../src/telemetry/process-source.ts';
import type { MetricSource } from '../../../src/telemetry/source.ts';

const options: MetricsOptions = { host: '127.0.0.1', port: 0 };
const silent = pino({ level: 'silent' });
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

test('the numbers of receivers are shown by the names of a Collector', async () => {
  const source = createReceiverSource(() => [
    {
      receiver: 'otlp',
      transport: 'grpc',
      acceptedSpans: 14,
      refusedSpans: 2,
      failedSpans: 0,
      refusedRequests: new Map([['malformed', 5]]),
    },
  ]);
  const text = await renderMetrics([source]);
  assert.match(text, /^# TYPE otelcol_receiver_accepted_spans counter$/m);
  assert.deepEqual(lines(text), [
    'otelcol_receiver_accepted_spans{receiver="otlp",transport="grpc"} 14',
    'otelcol_receiver_failed_spans{receiver="otlp",transport="grpc"} 0',
    'otelcol_receiver_refused_spans{receiver="otlp",transport="grpc"} 2',
    'spanmill_receiver_refused_requests{receiver="otlp",transport="grpc",reason="malformed"} 5',
  ]);
});

test('a histogram shows cumulative buckets, sum and count', async () => {
  const counts = batchSizeBounds.map((bound): number => (bound === 50 ? 2 : bound === 10_000 ? 1 : 0)).concat(3);
  const source = createBatchSource(() => [
    {
      processor: 'batch',
      sendSize: { bounds: batchSizeBounds, counts, sum: 700_000 },
      sizeTriggers: 4,
      timeoutTriggers: 2,
      metadataCardinality: 1,
    },
  ]);
  const shown = lines(await renderMetrics([source]));
  const name = 'otelcol_processor_batch_batch_send_size';
  for (const line of [
    `${name}_bucket{processor="batch",le="25"} 0`,
    `${name}_bucket{processor="batch",le="50"} 2`,
    `${name}_bucket{processor="batch",le="10000"} 3`,
    `${name}_bucket{processor="batch",le="100000"} 3`,
    `${name}_bucket{processor="batch",le="+Inf"} 6`,
    `${name}_sum{processor="batch"} 700000`,
    `${name}_count{processor="batch"} 6`,
    'otelcol_processor_batch_batch_size_trigger_send{processor="batch"} 4',
    'otelcol_processor_batch_timeout_trigger_send{processor="batch"} 2',
    'otelcol_processor_batch_metadata_cardinality{processor="batch"} 1',
  ]) {
    assert.ok(shown.includes(line), line);
  }
});

test('the account shows every stage, and names with quotes do not break the text', async () => {
  const rows: LedgerRow[] = [
    { pipeline: 'traces', stage: 'received', component: '', reason: '', spans: 10 },
    { pipeline: 'traces', stage: 'dropped', component: 'filter', reason: 'say "no"\n', spans: 4 },
    { pipeline: 'traces', stage: 'held', component: '', reason: '', spans: 6 },
  ];
  const text = await renderMetrics([createLedgerSource(() => rows)]);
  assert.match(text, /^# TYPE spanmill_ledger_spans gauge$/m);
  assert.deepEqual(lines(text), [
    'spanmill_ledger_spans{pipeline="traces",stage="received",component="",reason=""} 10',
    'spanmill_ledger_spans{pipeline="traces",stage="dropped",component="filter",reason="say \\"no\\"\\n"} 4',
    'spanmill_ledger_spans{pipeline="traces",stage="held",component="",reason=""} 6',
  ]);
});

test('the process shows its time, memory and name', async () => {
  const source = createProcessSource({ 'service.name': 'spanmill', 'service.instance.id': null });
  const shown = lines(await renderMetrics([source]));
  assert.deepEqual(
    shown.map((line) => line.split(' ')[0]),
    [
      'otelcol_process_cpu_seconds',
      'otelcol_process_memory_rss',
      'otelcol_process_runtime_heap_alloc_bytes',
      'otelcol_process_uptime',
      'target_info{service_name="spanmill"}',
    ],
  );
  for (const line of shown) assert.ok(Number(line.split(' ').at(-1)) > 0, line);
});

test('names get suffixes for type and unit where that is asked for', async () => {
  const shown = lines(await renderMetrics([createProcessSource({})], { typeSuffix: true, unitSuffix: true }));
  assert.deepEqual(
    shown.map((line) => line.split(' ')[0]),
    [
      'otelcol_process_cpu_seconds_total',
      'otelcol_process_memory_rss_bytes',
      'otelcol_process_runtime_heap_alloc_bytes',
      'otelcol_process_uptime_seconds_total',
      'target_info',
    ],
  );
});

test('sources that show the same are added up', async () => {
  const source: MetricSource = {
    collect: () => [{ name: 'n', help: 'h', kind: 'counter', labels: { a: 'b' }, value: 2 }],
  };
  assert.deepEqual(lines(await renderMetrics([source, source])), ['n{a="b"} 4']);
});

test('each scrape shows the numbers of that moment; other paths and methods are turned away', async () => {
  let value = 1;
  const sources: MetricSource[] = [];
  const server = createMetricsServer(options, sources, silent);
  await server.start();
  sources.push({ collect: () => [{ name: 'n', help: 'h', kind: 'gauge', labels: {}, value }] });
  try {
    const url = server.address();
    assert.match(await (await fetch(url)).text(), /^n 1$/m);
    value = 2;
    const response = await fetch(`${url}?name=n`);
    assert.match(await response.text(), /^n 2$/m);
    assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal((await fetch(new URL('/', url))).status, 404);
    assert.equal((await fetch(url, { method: 'POST' })).status, 405);
  } finally {
    await server.stop();
  }
  await server.stop();
  await assert.rejects(fetch(server.address() || 'http://127.0.0.1:1/'));
});

test('a source that fails answers this scrape with 500 and leaves the service alone', async () => {
  const logged: string[] = [];
  const log = pino({}, { write: (line) => void logged.push(line) });
  const failing: MetricSource = {
    collect: () => {
      throw new Error('broken');
    },
  };
  const server = createMetricsServer(options, [failing], log);
  await server.start();
  try {
    assert.equal((await fetch(server.address())).status, 500);
    assert.equal((await fetch(server.address())).status, 500);
    assert.equal(logged.length, 2);
  } finally {
    await server.stop();
  }
});

test('an address that is taken is an error at the start that names it', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const bound = other.address();
  assert.ok(bound !== null && typeof bound === 'object');
  const server = createMetricsServer({ ...options, port: bound.port }, [], silent);
  try {
    await assert.rejects(server.start(), {
      code: 'LISTEN',
      message: new RegExp(`127\\.0\\.0\\.1:${bound.port}.*EADDRINUSE`),
    });
  } finally {
    await server.stop();
    other.close();
  }
});
