// The configurations in pipelines/: every one is valid as it stands, starts and ends, and those that are explained to
// users do what their comments say. Only addresses and files are replaced before one is started.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { decodeRequest } from '../../src/wire/reference/codec.ts';
import type { ExportTraceServiceRequest, Span } from '../../src/wire/reference/messages.ts';
import { createClient, createTally } from '../e2e/support/client.ts';
import { assertClean, startService } from '../e2e/support/service.ts';
import { type Sink, startSink } from '../e2e/support/sink.ts';
import { createSpanSource } from '../e2e/support/spans.ts';
import { pipelineFolder as folder, localised } from './pipeline-file.ts';

const root = join(import.meta.dirname, '../..');
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.yaml'))
  .sort();

function temporaryFolder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'spanmill-pipelines-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

for (const name of files) {
  test(`pipelines/${name} is valid, without a warning and without any variable set`, () => {
    const command = ['validate', '--config', join('pipelines', name)];
    const { status, stdout, stderr } = spawnSync(join(root, 'bin/spanmill'), command, { cwd: root, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    // Which ports of a container can be reached is said where it is started.
    if (name === 'container.yaml') assert.match(stderr, /^(\S+ CONFIG_EXPOSED warning: .*\n.*\n.*\n){2}$/);
    else assert.equal(stderr, '');
    assert.match(stdout, /^The configuration is valid\./);
  });

  test(`pipelines/${name} says in its first line what it is for`, () => {
    assert.match(readFileSync(join(folder, name), 'utf8'), /^# .{20}/);
  });

  test(`pipelines/${name} starts and ends`, async (t) => {
    const service = await startService(t, localised(name, temporaryFolder(t)));
    assertClean(await service.end(), service);
  });
}

const spansOf = (request: ExportTraceServiceRequest): Span[] =>
  request.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));

/** Trace ids that differ as random ones do, in the bytes that samplers look at too. */
function traceId(number: number): Buffer {
  const id = Buffer.alloc(16);
  for (let i = 0; i < 4; i++) id.writeUInt32BE(Math.imul(number * 4 + i + 1, 0x9e3779b1) >>> 0, i * 4);
  return id;
}

/** The request of a span source with another trace id for each span. */
function withTraceIds(message: Buffer, ids: readonly string[], first: number): Buffer {
  for (const [i, id] of ids.entries()) {
    const old = Buffer.concat([Buffer.from('e2e test'), Buffer.from(id, 'hex')]);
    const at = message.indexOf(old);
    assert.ok(at > 0);
    traceId(first + i).copy(message, at);
  }
  return message;
}

const received = (sink: Sink): Span[] => sink.exports.flatMap(({ message }) => spansOf(decodeRequest(message)));

test('pipelines/llm-gateway-basic.yaml drops health checks and addresses, and sends a quarter to both backends', async (t) => {
  const sinks = { 'otlp/tracing': await startSink(t), 'otlp/analytics': await startSink(t) };
  const config = localised('llm-gateway-basic.yaml', temporaryFolder(t), sinks);
  const service = await startService(t, config);
  const client = createClient(t, service, createTally());
  const source = createSpanSource();
  const chats = 4000;
  const checks = { '/healthz': 'url.path', '/readyz': 'url.path' };
  for (const [path, key] of Object.entries(checks)) {
    const { code } = await client.send(source.request(100, { attributes: { [key]: path } }));
    assert.equal(code, 0);
  }
  assert.equal((await client.send(source.request(100, { attributes: { 'http.target': '/healthz' } }))).code, 0);
  const attributes = { 'url.path': '/v1/chat', 'user.email': 'a@example.com', 'gen_ai.request.model': 'm' };
  for (let sent = 0; sent < chats; sent += 500) {
    const { message, ids } = source.request(500, { attributes });
    assert.equal((await client.send({ message: withTraceIds(message, ids, sent), ids })).code, 0);
  }
  const end = await service.end();
  assertClean(end, service);
  for (const account of end.accounts) {
    assert.equal(account.received, chats + 300);
    assert.equal(account.exported + account.dropped, chats + 300);
  }
  const [tracing, analytics] = Object.values(sinks).map(received);
  // 4,000 draws with a chance of a quarter: this far from 1,000 only once in millions of runs, and ids are fixed.
  assert.ok(Math.abs(tracing.length - chats / 4) < 140, `${tracing.length} of ${chats}`);
  assert.deepEqual(analytics.map(({ spanId }) => spanId).sort(), tracing.map(({ spanId }) => spanId).sort());
  for (const span of tracing) {
    assert.deepEqual(span.attributes.map(({ key }) => key).sort(), ['gen_ai.request.model', 'url.path']);
  }
});

test('pipelines/archive-and-sample.yaml writes every span to the file and a tenth to the backend', async (t) => {
  const sink = await startSink(t);
  const directory = temporaryFolder(t);
  const service = await startService(t, localised('archive-and-sample.yaml', directory, { otlp: sink }));
  const client = createClient(t, service, createTally());
  const { message, ids } = createSpanSource().request(2000);
  assert.equal((await client.send({ message: withTraceIds(message, ids, 0), ids })).code, 0);
  assertClean(await service.end(), service);
  const lines = readFileSync(join(directory, 'traces/spans.jsonl'), 'utf8').trim().split('\n');
  const archived = lines.map((line) => line.split('"spanId":').length - 1).reduce((sum, n) => sum + n, 0);
  assert.equal(archived, 2000);
  const sampled = received(sink).length;
  assert.ok(Math.abs(sampled - 200) < 70, `${sampled} of 2000`);
});
