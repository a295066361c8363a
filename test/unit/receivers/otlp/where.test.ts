// What the receiver tells of where to send to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { Intake } from '../../../../src/component/receiver.ts';
import { otlp } from '../../../../src/receivers/otlp/index.ts';
import { createTestMethod } from '../../../conformance/grpc/test-method.ts';
import { alwaysServing } from '../../component/always-serving.ts';
import { noExtensions } from '../../component/no-extensions.ts';
import { makeCertificate, makeFolder } from '../../transport/tls/certificates.ts';

test('the addresses that clients are told say https where TLS is on, and none is told for a unix socket', async (t) => {
  const folder = makeFolder(t);
  const { cert, key } = makeCertificate('127.0.0.1');
  const tls = { cert_file: folder.write('cert', cert), key_file: folder.write('key', key) };
  const { memory, reserve, reserveLater, abandon, rejected } = createTestMethod();
  const intake: Intake = {
    memory,
    largestBytes: 1 << 20,
    reserve,
    reserveLater,
    submit: () => assert.fail('nobody sends'),
    release: abandon,
    refuse: () => assert.fail('nobody sends'),
    rejected,
    over: () => intake,
  };
  const endpoint = '127.0.0.1:0';
  for (const [protocols, expected] of [
    [{ grpc: { endpoint } }, [/^send traces with OTEL_EXPORTER_OTLP_ENDPOINT=http:\/\/127\.0\.0\.1:\d+$/]],
    [{ grpc: { endpoint, tls } }, [/^send traces with OTEL_EXPORTER_OTLP_ENDPOINT=https:\/\/127\.0\.0\.1:\d+$/]],
    [
      { grpc: { endpoint }, http: { endpoint, tls } },
      [/ENDPOINT=http:\/\//, /^send traces over HTTP with OTEL_EXPORTER_OTLP_ENDPOINT=https:\/\/127\.0\.0\.1:\d+$/],
    ],
    [{ grpc: { endpoint: folder.path('socket'), transport: 'unix' } }, []],
  ] as const) {
    const said: string[] = [];
    const log = pino({}, { write: (line: string) => void said.push((JSON.parse(line) as { msg: string }).msg) });
    const config = otlp.config.parse({ protocols });
    const receiver = otlp.create(config, { id: 'otlp', intake, log, extensions: noExtensions, serving: alwaysServing });
    await receiver.start();
    await receiver.stop();
    assert.equal(said.length, expected.length, said.join('\n'));
    for (const [i, line] of said.entries()) assert.match(line, expected[i]);
  }
});
