// All clients over TLS. Certificates are made by openssl where the machine has it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { TlsOptions } from 'node:tls';
import type { ClientOptions } from '../../../../loadgen/client/client.ts';
import { notSent } from '../../../../loadgen/client/export-reply.ts';
import { createHttp2GrpcServer } from '../../../../src/transport/http2/grpc-server.ts';
import { startBench } from '../../../conformance/grpc/server-bench.ts';
import { selfSigned } from '../../../conformance/support/certificates.ts';
import { peers, programOf } from '../../../conformance/support/peers.ts';
import { serve } from '../http2-peer.ts';
import { clientFor, noTls, pattern, send } from './exports.ts';

const body = pattern(1_500_000);

/** A server over TLS: its port, and the bodies it has had. */
interface TlsPeer {
  readonly port: number;
  readonly bodies: () => Buffer[];
}

async function grpcPeer(t: TestContext, tls: TlsOptions): Promise<TlsPeer> {
  const bench = await startBench(t, createHttp2GrpcServer, { tls });
  return { port: bench.port, bodies: () => bench.method.handled.map(({ message }) => message) };
}

async function httpsPeer(t: TestContext, tls: TlsOptions): Promise<TlsPeer> {
  const bodies: Buffer[] = [];
  const server = createHttpsServer(tls, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks));
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as AddressInfo).port, bodies: () => bodies };
}

const clients = [
  ['native gRPC', 'native', 'grpc', grpcPeer],
  ['grpc-js', 'grpc-js', 'grpc', grpcPeer],
  ['HTTP', 'native', 'http/protobuf', httpsPeer],
] as const;

for (const [name, kind, protocol, start] of clients) {
  const endpointOf = (port: number): ClientOptions['endpoint'] => ({ host: '127.0.0.1', port, path: '', tls: true });

  test(`${name}: certificates are checked, names overridden, and checks switched off as configured`, async (t) => {
    const openssl = programOf(peers.openssl);
    if (openssl === null) return t.skip(peers.openssl.reason);
    const own = await selfSigned(t, openssl, 'traces.example');
    const other = await selfSigned(t, openssl, 'traces.example');
    const { port, bodies } = await start(t, { cert: own.cert, key: own.key });
    const sendWith = async (tls: Partial<ClientOptions['tls']>): Promise<string> => {
      const more = { protocol, endpoint: endpointOf(port), tls: { ...noTls, ...tls } };
      return (await send(await clientFor(t, kind, port, more), body)).status;
    };
    assert.equal(await sendWith({ ca: own.cert, serverName: 'traces.example' }), 'OK');
    assert.equal(await sendWith({ insecureSkipVerify: true }), 'OK');
    assert.deepEqual(bodies(), [body, body]);
    const where = new RegExp(`^127\\.0\\.0\\.1:${port}: [^\\n]*$`);
    for (const tls of [
      { ca: own.cert, serverName: 'elsewhere.example' },
      { ca: own.cert },
      { ca: other.cert, serverName: 'traces.example' },
      { serverName: 'traces.example' },
    ]) {
      await assert.rejects(sendWith(tls), { code: 'CONNECT', message: where });
    }
    assert.equal(bodies().length, 2);
  });

  test(`${name}: a server that asks for the client's certificate gets it`, async (t) => {
    const openssl = programOf(peers.openssl);
    if (openssl === null) return t.skip(peers.openssl.reason);
    const server = await selfSigned(t, openssl, '127.0.0.1');
    const own = await selfSigned(t, openssl, 'client.example');
    const asks = { cert: server.cert, key: server.key, ca: own.cert, requestCert: true, rejectUnauthorized: true };
    const { port } = await start(t, asks);
    const sendWith = async (tls: Partial<ClientOptions['tls']>): Promise<string> => {
      const more = { protocol, endpoint: endpointOf(port), tls: { ...noTls, ca: server.cert, ...tls } };
      return (await send(await clientFor(t, kind, port, more), body)).status;
    };
    assert.equal(await sendWith({ cert: own.cert, key: own.key }), 'OK');
    // TLS 1.3: the client is done before the server looks, so that it may come with the first request.
    const without = await sendWith({}).catch((error: { code: string }) => error.code);
    assert.ok(['CONNECT', 'TRANSPORT', notSent].includes(without), without);
  });

  test(`${name}: TLS to a server without it is told as that`, async (t) => {
    await using server = await serve({}, () => {});
    const connecting = clientFor(t, kind, server.port, { protocol, endpoint: endpointOf(server.port) });
    await assert.rejects(connecting, { code: 'CONNECT', message: /^127\.0\.0\.1:\d+: [^\n]+$/ });
  });
}

test('native gRPC: a TLS server without h2, and plain text to a TLS server, are told as that', async (t) => {
  const openssl = programOf(peers.openssl);
  if (openssl === null) return t.skip(peers.openssl.reason);
  const own = await selfSigned(t, openssl, '127.0.0.1');
  const { port } = await httpsPeer(t, { cert: own.cert, key: own.key });
  const tls = { ...noTls, ca: own.cert };
  const endpoint = { host: '127.0.0.1', port, path: '', tls: true };
  await assert.rejects(clientFor(t, 'native', port, { endpoint, tls }), { code: 'CONNECT', message: /TLS/ });
  const { port: secure } = await grpcPeer(t, { cert: own.cert, key: own.key });
  await assert.rejects(clientFor(t, 'native', secure), { code: 'CONNECT', message: /^127\.0\.0\.1:\d+: the server/ });
});
