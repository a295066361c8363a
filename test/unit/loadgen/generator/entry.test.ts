// The generator as a process of its own, against a server in this one.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Protocol } from '../../../../loadgen/client/client.ts';
import { unixOffset } from '../../../../loadgen/clock.ts';
import type { GeneratorTick } from '../../../../loadgen/generator/messages.ts';
import { serveUnary } from '../../../../loadgen/h2/server.ts';
import { readProfile } from '../../../../loadgen/profile/load.ts';
import { type Generator, openGenerator } from '../../../../loadgen/rig.ts';
import { noTls } from '../client/exports.ts';

async function generatorFor(t: TestContext, port: number, protocol: Protocol, profile: string): Promise<Generator> {
  const generator = await openGenerator({
    corpus: {
      profile: readProfile(profile),
      seed: 3,
      run: 77,
      batchSize: null,
      timeScale: 1,
      rate: { requestsPerSecond: 200 },
      encoding: 'protobuf',
      wholeDoubles: 'double',
    },
    encoder: 'corpus',
    client: 'native',
    target: {
      endpoint: { host: '127.0.0.1', port, path: '', tls: false },
      protocol,
      compression: 'none',
      headers: [],
      tls: noTls,
      timeoutMs: 0,
    },
    connections: 2,
    maxInFlight: 1000,
    clockOffset: String(unixOffset()),
  });
  t.after(() => generator.end());
  return generator;
}

async function tickUntil(generator: Generator, done: (tick: GeneratorTick) => boolean): Promise<GeneratorTick> {
  for (;;) {
    const tick = await generator.tick();
    if (done(tick)) return tick;
  }
}

test('what is late is flushed after the stop, until all that was begun is acknowledged', async (t) => {
  const server = await serveUnary('127.0.0.1', 0, () => ({ kind: 'ok' }));
  t.after(() => server.close());
  const generator = await generatorFor(t, server.port, 'grpc', 'streaming');
  const before = Date.now();
  await generator.start({ kind: 'open', unit: 'requests', perSecond: 200 });
  const tick = await tickUntil(generator, ({ requests }) => requests.acknowledged >= 20);
  assert.ok(tick.atMs >= before - 1 && tick.atMs <= Date.now() + 1, `${tick.atMs} ms`);
  const stopped = await generator.stop(10_000);
  assert.deepEqual([stopped.requests.inFlight, stopped.flushed], [0, { requests: 0, spans: 0 }]);
  assert.ok(stopped.unsure.length > 0);
  const flushed = await generator.flush(10_000);
  assert.ok(flushed.flushed.requests > 0);
  assert.deepEqual([flushed.notFlushed, flushed.unsure], [{ requests: 0, spans: 0 }, []]);
  assert.equal(flushed.spans.acknowledged, flushed.end);
  assert.equal(flushed.response.count, stopped.response.count);
});

test('over HTTP a server that never answers has one request a connection, and can be abandoned', async (t) => {
  let requests = 0;
  const server = createServer(() => requests++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const generator = await generatorFor(t, port, 'http/protobuf', 'streaming');
  await generator.start({ kind: 'open', unit: 'requests', perSecond: 200 });
  const tick = await tickUntil(generator, (now) => now.requests.overdue >= 5);
  assert.deepEqual([tick.requests.inFlight, tick.requests.sent], [2, 2]);
  const stopped = generator.stop(600_000);
  await generator.abandon();
  const report = await stopped;
  assert.deepEqual([report.requests.byStatus, report.disconnected], [{ TRANSPORT: 2 }, null]);
  assert.ok(report.requests.unsent >= 5);
  assert.ok(report.requests.unsentSpans >= report.requests.unsent);
  assert.equal(report.response.count, 2 + report.requests.unsent);
  assert.equal(requests, 2);
});
