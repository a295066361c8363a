// The server on HTTP/2 of our own, through the suite that every server has to pass.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { createHttp2GrpcServer } from '../../../src/transport/http2/grpc-server.ts';
import { expectGood, jsClient, startBench } from './server-bench.ts';
import { cancellable } from './server-js-heavy.ts';
import { serverSuite } from './server-suite.ts';

serverSuite('gRPC server on HTTP/2 of our own', createHttp2GrpcServer);

// nghttp2, under node:http2, ends a connection on which a thousand streams are reset.
test('all calls that a connection may have are given up at once, and it goes on', async (t) => {
  const streams = 4000;
  const bench = await startBench(t, createHttp2GrpcServer, { limits: { maxConcurrentStreams: streams } });
  const client = jsClient(t, bench);
  await expectGood(bench, client);
  bench.method.answer = () => 'later';
  const calls = cancellable(client.client, streams, 100);
  await bench.method.handledCount(1 + streams);
  for (const call of calls) call.cancel();
  assert.ok((await Promise.all(calls.map((call) => call.code))).every((code) => code === grpc.status.CANCELLED));
  bench.method.answer = () => null;
  await expectGood(bench, client);
  const { connections, cancelled } = bench.server.counters;
  assert.deepEqual([connections, cancelled], [1, streams]);
});
