// Clients that people use, over OTLP/HTTP, against the real service: what they send arrives, and who has not the token does not
// get in. Programs that a machine lacks are in support/peers.ts.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as zlib from 'node:zlib';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { hasModule, peers, programOf } from '../support/peers.ts';
import { run, testFile } from '../support/programs.ts';
import { type Bench, securities, startBench } from './client-bench.ts';

const spans = 20;
const names = (count = spans): string[] => Array.from({ length: count }, (_, i) => `span ${i}`);

/** Sends `spans` spans named `span i` of the service `name`; whether it believes that all were taken. */
type Send = (t: TestContext, bench: Bench, name: string) => Promise<boolean>;

/** OTLP JSON as a person writes it. */
const handWritten = (service: string, count = spans): string =>
  JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
        scopeSpans: [
          {
            scope: { name: 'by hand' },
            spans: Array.from({ length: count }, (_, i) => ({
              traceId: '5b8efff798038103d269b633813fc60c',
              spanId: (i + 1).toString(16).padStart(16, '0'),
              name: `span ${i}`,
              kind: 2,
              startTimeUnixNano: '1544712660000000000',
              endTimeUnixNano: 1544712661000000000,
              attributes: [{ key: 'my.span.attr', value: { intValue: '9007199254740993' } }],
            })),
          },
        ],
      },
    ],
  });

function javascript(Exporter: typeof JsonExporter | typeof ProtobufExporter, compression: 'none' | 'gzip'): Send {
  return async (_t, bench, name) => {
    const memory = new InMemorySpanExporter();
    const provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': name }),
      spanProcessors: [new SimpleSpanProcessor(memory)],
    });
    const tracer = provider.getTracer('clients.test');
    for (const one of names()) tracer.startSpan(one).end();
    const exporter = new Exporter({
      url: bench.url,
      compression: compression as never,
      timeoutMillis: 20_000,
      headers: bench.token === '' ? {} : { authorization: `Bearer ${bench.token}` },
      ...(bench.ca === '' ? {} : { httpAgentOptions: { ca: bench.ca } }),
    });
    const result = await new Promise<{ code: number }>((resolve) =>
      exporter.export(memory.getFinishedSpans(), resolve),
    );
    await exporter.shutdown();
    return result.code === 0;
  };
}

function python(program: string, compression: 'none' | 'gzip'): Send {
  const script = fileURLToPath(new URL('python_http_sdk.py', import.meta.url));
  return async (_t, bench, name) => {
    const args = [script, bench.url, String(spans), compression, bench.caFile, bench.token, name];
    // requests, under the SDK, prefers a bundle that the environment names to the one that it is given.
    const { exitCode, stderr } = await run(program, args, { REQUESTS_CA_BUNDLE: '', CURL_CA_BUNDLE: '' });
    assert.ok(exitCode === 0 || exitCode === 1, stderr);
    return exitCode === 0;
  };
}

function curl(program: string, ...more: readonly string[]): Send {
  return async (t, bench, name) => {
    const file = await testFile(t, 'spans.json', handWritten(name));
    const status = await curlStatus(program, bench, [...more, '--data-binary', `@${file}`]);
    return status === 200;
  };
}

async function curlStatus(program: string, bench: Bench, more: readonly string[], url = bench.url): Promise<number> {
  const ca = bench.caFile === '' ? [] : ['--cacert', bench.caFile];
  const token = bench.token === '' ? [] : ['-H', `Authorization: Bearer ${bench.token}`];
  const type = more.some((arg) => arg.startsWith('Content-Type:')) ? [] : ['-H', 'Content-Type: application/json'];
  const args = ['-sS', '-o', '-', '-w', '\n%{http_code}', ...ca, ...token, ...type];
  const { exitCode, stdout, stderr } = await run(program, [...args, ...more, url]);
  assert.equal(exitCode, 0, stderr);
  return Number(stdout.slice(stdout.lastIndexOf('\n') + 1));
}

function telemetrygen(program: string): Send {
  return async (_t, bench, name) => {
    // Each trace is a parent and a child.
    const load = ['traces', '--otlp-http', '--traces', String(spans / 2), '--rate', '0', '--service', name];
    const way = bench.caFile === '' ? ['--otlp-insecure'] : ['--ca-cert', bench.caFile];
    const token = bench.token === '' ? [] : ['--otlp-header', `authorization="Bearer ${bench.token}"`];
    const { exitCode, stderr } = await run(program, [...load, ...way, ...token, '--otlp-endpoint', bench.address]);
    assert.equal(exitCode, 0, stderr);
    return !/failed|rror/.test(stderr);
  };
}

interface Client {
  readonly name: string;
  /** Null: the machine lacks it, for `reason`. */
  readonly send: Send | null;
  readonly reason: string;
  /** What its spans are called where it does not call them `span i`. */
  readonly expected?: readonly string[];
}

function clients(): Client[] {
  const pythonSdk = programOf(peers.pythonSdk);
  const pythonProgram =
    pythonSdk !== null && hasModule(pythonSdk, 'opentelemetry.exporter.otlp.proto.http') ? pythonSdk : null;
  const go = programOf(peers.go);
  const curlProgram = programOf(peers.curl);
  const table: Client[] = [];
  for (const compression of ['none', 'gzip'] as const) {
    const js = { reason: '' };
    table.push(
      {
        ...js,
        name: `SDK for JavaScript, protobuf, ${compression}`,
        send: javascript(ProtobufExporter, compression),
      },
      { ...js, name: `SDK for JavaScript, JSON, ${compression}`, send: javascript(JsonExporter, compression) },
      {
        name: `SDK for Python, protobuf, ${compression}`,
        send: pythonProgram === null ? null : python(pythonProgram, compression),
        reason: peers.pythonSdk.reason,
      },
    );
  }
  const half = spans / 2;
  table.push({
    name: 'SDK for Go through telemetrygen, protobuf',
    send: go === null ? null : telemetrygen(go),
    reason: peers.go.reason,
    expected: [...new Array(half).fill('lets-go'), ...new Array(half).fill('okey-dokey-0')] as string[],
  });
  const ways = [
    ['JSON by hand', []],
    ['JSON in chunks', ['-H', 'Transfer-Encoding: chunked']],
    ['JSON over HTTP/1.0', ['--http1.0']],
    ['JSON after 100 Continue', ['-H', 'Expect: 100-continue']],
  ] as const;
  for (const [name, args] of ways) {
    const send = curlProgram === null ? null : curl(curlProgram, ...args);
    table.push({ name: `curl, ${name}`, send, reason: peers.curl.reason });
  }
  return table;
}

for (const security of securities) {
  test(`clients over OTLP/HTTP, ${security}: all spans arrive, once`, async (t) => {
    const bench = await startBench(t, security);
    for (const { name, send, reason, expected = names() } of clients()) {
      await t.test(name, { skip: send === null ? reason : false }, async (one) => {
        assert.ok(send !== null);
        assert.equal(await send(one, bench, name), true);
        await bench.arrived(name, expected.length);
        assert.deepEqual(bench.names(name).sort(), [...expected].sort());
      });
    }
    const { accounts, code } = await bench.service.end();
    assert.equal(code, 0);
    assert.equal(accounts[0].received, accounts[0].exported);
    assert.equal(accounts[0].remainder, 0);
    assert.ok(!bench.service.log().includes('let-me-in'), 'the log shows the token');
  });
}

test('clients over OTLP/HTTP without the right token hear so, and nothing of theirs arrives', async (t) => {
  const bench = await startBench(t, 'TLS and a token');
  const stranger = { ...bench, token: 'let-me-in-8' };
  // telemetrygen ends well whatever becomes of its spans.
  for (const { name, send, reason } of clients().filter((client) => !client.name.includes('telemetrygen'))) {
    await t.test(name, { skip: send === null ? reason : false }, async (one) => {
      assert.ok(send !== null);
      assert.equal(await send(one, stranger, name), false);
    });
  }
  const { accounts } = await bench.service.end();
  assert.equal(bench.sink.spans.size, 0);
  assert.equal(accounts[0].received, 0);
});

const curlProgram = programOf(peers.curl);
test('curl is told what is wrong', { skip: curlProgram === null ? peers.curl.reason : false }, async (t) => {
  assert.ok(curlProgram !== null);
  const bench = await startBench(t, 'plain');
  const status = (more: readonly string[], url?: string) => curlStatus(curlProgram, bench, more, url);
  assert.equal(await status(['-d', '{"resourceSpans": 7}']), 400);
  assert.equal(await status(['-d', '{"resourceSpans": [']), 400);
  assert.equal(await status(['-H', 'Content-Type: text/plain', '-d', 'hello']), 415);
  assert.equal(await status(['-X', 'GET']), 405);
  assert.equal(await status(['-d', '{}'], bench.url.replace('/v1/traces', '/v1/nothing')), 404);
  assert.equal(await status(['-d', '{}']), 200);
  const zipped = await testFile(t, 'spans.json.gz', zlib.gzipSync(handWritten('zipped')));
  assert.equal(await status(['-H', 'Content-Encoding: gzip', '--data-binary', `@${zipped}`]), 200);
  assert.equal(await status(['-H', 'Content-Encoding: br', '-d', '{}']), 400);
  await bench.arrived('zipped', spans);
  // Above 1 MiB curl waits for 100 Continue by itself.
  const large = await testFile(t, 'large.json', handWritten('large', 10_000));
  assert.equal(await status(['--data-binary', `@${large}`]), 200);
  await bench.arrived('large', 10_000);
});
