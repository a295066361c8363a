// Server suite: clients of other languages, much of everything at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeRequest } from '../../../src/wire/reference/codec.ts';
import { selfSigned } from '../support/certificates.ts';
import { hasModule, peers, programOf } from '../support/peers.ts';
import { run } from '../support/programs.ts';
import { type Bench, type BenchOptions, type StartServer, startBench } from './server-bench.ts';
import { filler, noteMetadata } from './server-js-heavy.ts';

const large = 64 << 20;
const scriptPath = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Names of the spans of a request. */
export const namesOf = (message: Buffer): string[] =>
  (decodeRequest(message).resourceSpans ?? []).flatMap((resource) =>
    (resource.scopeSpans ?? []).flatMap((scope) => (scope.spans ?? []).map((span) => span.name ?? '')),
  );

/** … of all requests that were handled. */
export const spanNames = (bench: Bench): string[] => bench.method.handled.flatMap(({ message }) => namesOf(message));

interface PythonLoad {
  readonly metadata: readonly string[];
  readonly binary: string;
  readonly too_much: string;
  readonly after: string;
  readonly many: Readonly<Record<string, number>>;
  readonly gzip: Readonly<Record<string, number>>;
  readonly large: string;
  readonly large_gzip: string;
  readonly channels: Readonly<Record<string, number>>;
}

export function pythonTests(start: StartServer): void {
  test(`${peers.python.name}: metadata of every size, 64 MiB, 2,000 calls at once, ten channels`, async (t) => {
    const program = programOf(peers.python);
    if (program === null) return t.skip(peers.python.reason);
    const limits = { maxMessageBytes: large, maxHeaderBytes: 64 << 10, maxConcurrentStreams: 100 };
    const bench = await startBench(t, start, { includeMetadata: true, limits, memoryBytes: 3 * large });
    const fillers: string[] = [];
    const bytes: string[] = [];
    bench.method.answer = (message, call) => {
      const kind = String.fromCharCode(message[0]);
      if (kind === 'm') fillers.push(call.metadata('x-filler').join('|'));
      if (kind === 'b') bytes.push(call.metadata('x-bytes-bin').join('|'));
      return null;
    };
    const ran = await run(program, [scriptPath('python_load.py'), bench.address, String(large)]);
    assert.equal(ran.exitCode, 0, ran.stderr);
    const seen = JSON.parse(ran.stdout) as PythonLoad;
    const sizes = [0, 1, 100, 4000, 8000, 16_300, 16_384, 16_385, 33_000, 60_000];
    assert.deepEqual(
      seen.metadata,
      sizes.map(() => 'OK'),
    );
    assert.ok(sizes.every((size, i) => fillers[i] === filler(size)));
    const binary = Buffer.from(Array.from({ length: 10_000 }, (_, i) => (i * 31) % 256));
    assert.ok(seen.binary === 'OK' && Buffer.from(bytes[0], 'base64').equals(binary));
    assert.notEqual(seen.too_much, 'OK');
    assert.equal(seen.after, 'OK');
    assert.deepEqual([seen.many, seen.gzip, seen.channels], [{ OK: 2000 }, { OK: 200 }, { OK: 1000 }]);
    assert.deepEqual([seen.large, seen.large_gzip], ['OK', 'OK']);
    const messages = bench.method.handled.map(({ message }) => message);
    const largest = Buffer.alloc(large, 'x');
    assert.equal(messages.filter((message) => message.equals(largest)).length, 2);
    const short = new Set(messages.filter(({ length }) => length < 10).map(String));
    assert.ok(Array.from({ length: 2000 }, (_, i) => `n${i}`).every((name) => short.has(name)));
    const zipped = new Set(messages.filter((message) => message[0] === 0x7a).map(String));
    assert.ok(Array.from({ length: 200 }, (_, i) => `z${i}${'x'.repeat(100 * i)}`).every((text) => zipped.has(text)));
    // node:http2 ends a connection on which header blocks are longer than 64 KiB.
    assert.ok(bench.server.counters.connections <= 12);
  });

  for (const compression of ['none', 'gzip']) {
    test(`${peers.pythonSdk.name}: every span arrives, compression ${compression}`, async (t) => {
      const program = programOf(peers.pythonSdk);
      if (program === null || !hasModule(program, 'opentelemetry.exporter')) return t.skip(peers.pythonSdk.reason);
      const bench = await startBench(t, start, { includeMetadata: true });
      const tenants = noteMetadata(bench, 'x-tenant');
      const ran = await run(program, [scriptPath('python_sdk.py'), bench.address, '3000', compression]);
      assert.equal(ran.exitCode, 0, ran.stderr);
      const names = spanNames(bench);
      assert.deepEqual([names.length, new Set(names).size], [3000, 3000]);
      assert.ok(tenants.length >= 30 && tenants.every((tenant) => tenant === 'gold'));
      assert.equal(bench.server.counters.ok, bench.method.handled.length);
    });
  }
}

interface Generated {
  readonly title: string;
  /** 8 workers make so many traces of a parent and a child each. */
  readonly traces: number;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly options?: BenchOptions;
  /** The longest message has at least so many bytes. */
  readonly leastLongest?: number;
}

const generated: readonly Generated[] = [
  { title: 'eight workers, 48,000 spans in batches of 512', traces: 3000, args: ['--batch-size', '512'] },
  {
    title: 'eight workers with gzip',
    traces: 500,
    args: ['--batch-size', '200'],
    environment: { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' },
  },
  { title: 'a span in each request', traces: 250, args: ['--batch=false'] },
  {
    title: 'messages of 48 MiB',
    traces: 6,
    args: ['--batch-size', '96', '--size', '1', '--timeout', '30s'],
    options: { limits: { maxMessageBytes: large }, memoryBytes: 4 * large },
    leastLongest: 40 << 20,
  },
  {
    title: 'messages of 48 MiB with gzip',
    traces: 6,
    args: ['--batch-size', '96', '--size', '1', '--timeout', '30s'],
    environment: { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' },
    options: { limits: { maxMessageBytes: large }, memoryBytes: 4 * large },
    leastLongest: 40 << 20,
  },
];

const workers = 8;
/** Its SDK drops spans that do not fit the queue. */
const patient = { OTEL_BSP_MAX_QUEUE_SIZE: '100000' };

export function goTests(start: StartServer): void {
  for (const { title, traces, args, environment, options, leastLongest = 1 } of generated) {
    test(`${peers.go.name}: ${title}`, async (t) => {
      const program = programOf(peers.go);
      if (program === null) return t.skip(peers.go.reason);
      const bench = await startBench(t, start, options);
      const where = ['--otlp-insecure', '--otlp-endpoint', bench.address];
      const what = ['--workers', String(workers), '--traces', String(traces), '--rate', '0'];
      const ran = await run(program, ['traces', ...where, ...what, ...args], { ...patient, ...environment });
      assert.equal(ran.exitCode, 0, ran.stderr);
      const longest = Math.max(...bench.method.handled.map(({ message }) => message.length));
      assert.ok(longest >= leastLongest, `the longest message has ${longest} bytes`);
      assert.equal(spanNames(bench).length, 2 * workers * traces);
      const { ok, calls } = bench.server.counters;
      assert.equal(ok, calls);
    });
  }

  test(`${peers.go.name}: over TLS with ALPN, with metadata`, async (t) => {
    const [program, openssl] = [programOf(peers.go), programOf(peers.openssl)];
    if (program === null) return t.skip(peers.go.reason);
    if (openssl === null) return t.skip(peers.openssl.reason);
    const { cert, key, certFile } = await selfSigned(t, openssl, '127.0.0.1');
    const bench = await startBench(t, start, { includeMetadata: true, tls: { cert, key } });
    const tenants = noteMetadata(bench, 'x-tenant');
    const where = ['--otlp-endpoint', bench.address, '--ca-cert', certFile, '--otlp-header', 'x-tenant="gold"'];
    const what = ['--workers', String(workers), '--traces', '300', '--rate', '0'];
    const ran = await run(program, ['traces', ...where, ...what], patient);
    assert.equal(ran.exitCode, 0, ran.stderr);
    assert.equal(spanNames(bench).length, 2 * workers * 300);
    assert.ok(tenants.length > 0 && tenants.every((tenant) => tenant === 'gold'));
  });
}
