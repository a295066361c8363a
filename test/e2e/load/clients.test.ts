// Every client with every protocol and compression that it has: what it sends is what was asked for, and arrives unaltered.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { selfSigned } from '../../conformance/support/certificates.ts';
import { peers, programOf } from '../../conformance/support/peers.ts';
import { ok, type Received, startGrpcServer, startHttpServer } from './support/otlp-server.ts';
import { startRelay } from './support/relay.ts';
import { shopSpansOfRequest } from './support/shop.ts';
import { assertWell, freePort, measured, shopFile } from './support/spanload.ts';

const protocols = ['grpc', 'http/protobuf', 'http/json'] as const;
const compressions = ['none', 'gzip', 'zstd'] as const;
const all = protocols.flatMap((protocol) => compressions.map((compression) => [protocol, compression] as const));
const cases = [
  ...all.map((one) => ['native', ...one] as const),
  // Its requests are sent as those of the native client: each protocol and each compression once.
  ['sdk', 'grpc', 'none'] as const,
  ['sdk', 'http/protobuf', 'gzip'] as const,
  ['sdk', 'http/json', 'zstd'] as const,
  ['grpc-js', 'grpc', 'none'] as const,
  ['grpc-js', 'grpc', 'gzip'] as const,
];
const magic = { none: null, gzip: Buffer.of(0x1f, 0x8b, 0x08), zstd: Buffer.of(0x28, 0xb5, 0x2f, 0xfd) };
const begin = { grpc: 'PRI * HTTP/2.0', 'http/protobuf': 'POST /v1/traces', 'http/json': 'POST /v1/traces' };
const load = ['--profile', shopFile, '--rate', '200', '--duration', '300ms', '--connections', '2'];

describe('into the sink', { concurrency: 3 }, () => {
  for (const [client, protocol, compression] of cases) {
    test(`${client}, ${protocol}, ${compression}: nothing is lost or altered`, async (t) => {
      const sinkPort = await freePort();
      const relay = await startRelay(t, sinkPort);
      const kind = ['--client', client, '--protocol', protocol, '--compression', compression];
      const ends = ['--endpoint', `127.0.0.1:${relay.port}`, '--sink', `127.0.0.1:${sinkPort}`];
      const run = await measured(t, [...load, ...kind, ...ends]);
      assertWell(run);
      const { report } = run;
      assert.deepEqual([report.client, report.protocol, report.compression], [client, protocol, compression]);
      const { spans, requests } = report;
      assert.ok(spans.generated >= 20);
      assert.equal(spans.arrived, spans.generated);
      assert.equal(spans.altered, 0, JSON.stringify(report.examples.altered.slice(0, 3)));
      assert.deepEqual(requests.byStatus, { OK: requests.sent });
      const bytes = relay.bytes();
      assert.equal(relay.connections(), 2);
      assert.ok(bytes.toString('latin1', 0, 20).startsWith(begin[protocol]));
      assert.equal(bytes.includes('"resourceSpans"'), protocol === 'http/json' && compression === 'none');
      for (const one of ['gzip', 'zstd'] as const) assert.equal(bytes.includes(magic[one]), one === compression, one);
      // The long text of the shop repeats itself.
      if (compression === 'none') assert.ok(bytes.length > requests.bytes);
      else assert.ok(bytes.length < requests.bytes / 5, `${bytes.length} of ${requests.bytes} bytes`);
    });
  }
});

const senders = [
  ['native gRPC', ['--client', 'native'], startGrpcServer],
  ['grpc-js', ['--client', 'grpc-js'], startGrpcServer],
  ['HTTP', ['--protocol', 'http/protobuf'], startHttpServer],
] as const;

describe('into a server', { concurrency: 3 }, () => {
  for (const [name, args, start] of senders) {
    test(`${name} sends over TLS, and the headers that it is told`, async (t) => {
      const openssl = programOf(peers.openssl);
      if (openssl === null) return t.skip(peers.openssl.reason);
      const certificate = await selfSigned(t, openssl, '127.0.0.1');
      const received: Received['headers'][] = [];
      const take = ({ headers }: Received) => {
        received.push(headers);
        return ok;
      };
      const { port } = await start(t, take, certificate);
      const tls = ['--endpoint', `https://127.0.0.1:${port}`, '--ca', certificate.certFile];
      const headers = ['--header', 'authorization=Bearer a=b,c', '--headers', 'x-tenant=t 1,x-token=secret'];
      const { report } = await measured(t, [...load, ...args, ...tls, ...headers]);
      assertWell({ report });
      assert.equal(received.length, report.requests.sent);
      assert.equal(report.spans.acknowledged, received.length * shopSpansOfRequest);
      for (const { authorization, 'x-tenant': tenant, 'x-token': token } of received) {
        assert.deepEqual([authorization, tenant, token], ['Bearer a=b,c', 't 1', 'secret']);
      }
      assert.equal(report.endpoint, `https://127.0.0.1:${port}`);
      assert.ok(!JSON.stringify(report).includes('secret') && !JSON.stringify(report).includes('Bearer'));
    });
  }

  test('HTTP goes to the path of the endpoint', async (t) => {
    const paths = new Set<unknown>();
    const { port } = await startHttpServer(t, ({ headers }) => {
      paths.add(headers[':path']);
      return ok;
    });
    const endpoint = `http://127.0.0.1:${port}/otlp/v1/traces`;
    const { report } = await measured(t, [...load, '--protocol', 'http/json', '--endpoint', endpoint]);
    assertWell({ report });
    assert.deepEqual([...paths], ['/otlp/v1/traces']);
  });
});
