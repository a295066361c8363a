// TLS between this project's servers and clients. Certificates are made by openssl where the machine has it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { test } from 'node:test';
import * as nodeTls from 'node:tls';
import { createGrpcJsClient } from '../../../src/transport/grpc-js/grpc-client.ts';
import { createHttp2GrpcServer } from '../../../src/transport/http2/grpc-server.ts';
import { createNodeGrpcClient } from '../../../src/transport/node/grpc-client.ts';
import { createNodeGrpcServer } from '../../../src/transport/node/grpc-server.ts';
import { selfSigned } from '../support/certificates.ts';
import { peers, programOf } from '../support/peers.ts';
import { clientFor } from './client-bench.ts';
import { pattern, startBench } from './server-bench.ts';
import { exportPath } from './test-method.ts';

const clients = [
  ['node:http2', createNodeGrpcClient],
  ['@grpc/grpc-js', createGrpcJsClient],
] as const;

const servers = [
  ['a server on HTTP/2 of our own', createHttp2GrpcServer],
  ['a server on node:http2', createNodeGrpcServer],
] as const;
const pairs = servers.flatMap(([server, start]) =>
  clients.map(([client, create]) => [`${client} and ${server}`, create, start] as const),
);

for (const [name, create, start] of pairs) {
  test(`${name}: certificates are checked, names overridden, and checks switched off as configured`, async (t) => {
    const openssl = programOf(peers.openssl);
    if (openssl === null) return t.skip(peers.openssl.reason);
    const own = await selfSigned(t, openssl, 'traces.example');
    const other = await selfSigned(t, openssl, 'traces.example');
    const bench = await startBench(t, start, { tls: own });
    const codeWith = async (tls: object): Promise<number> => {
      const client = clientFor(t, create, bench.port, { tls });
      return (await client.call(exportPath, [pattern(1_500_000), pattern(1_500_000)], { timeoutMs: 10_000 })).code;
    };
    assert.equal(await codeWith({ ca: own.cert, serverNameOverride: 'traces.example' }), 0);
    assert.equal(await codeWith({ insecureSkipVerify: true }), 0);
    assert.equal(await codeWith({ insecureSkipVerify: true, minVersion: 'TLSv1.3' }), 0);
    assert.equal(await codeWith({ insecureSkipVerify: true, maxVersion: 'TLSv1.2' }), 0);
    assert.equal(await codeWith({ ca: own.cert, serverNameOverride: 'elsewhere.example' }), 14);
    assert.equal(await codeWith({ ca: other.cert, serverNameOverride: 'traces.example' }), 14);
    assert.equal(await codeWith({ serverNameOverride: 'traces.example' }), 14);
    assert.equal(bench.method.handled.length, 4);
    const newer = await startBench(t, start, { tls: { ...own, minVersion: 'TLSv1.3' } });
    const older = clientFor(t, create, newer.port, { tls: { insecureSkipVerify: true, maxVersion: 'TLSv1.2' } });
    assert.equal((await older.call(exportPath, [pattern(10)], { timeoutMs: 10_000 })).code, 14);
  });

  test(`${name}: a server that asks for the client's certificate gets it`, async (t) => {
    const openssl = programOf(peers.openssl);
    if (openssl === null) return t.skip(peers.openssl.reason);
    const server = await selfSigned(t, openssl, 'traces.example');
    const own = await selfSigned(t, openssl, 'client.example');
    const tls = { ...server, ca: own.cert, requestCert: true, rejectUnauthorized: true };
    const bench = await startBench(t, start, { tls });
    const trusted = { ca: server.cert, serverNameOverride: 'traces.example' };
    const call = async (more: object): Promise<number> => {
      const client = clientFor(t, create, bench.port, { tls: { ...trusted, ...more } });
      return (await client.call(exportPath, [pattern(99)], { timeoutMs: 10_000 })).code;
    };
    assert.equal(await call(own), 0);
    assert.equal(await call({}), 14);
  });
}

for (const [name, start] of servers) {
  test(`${name}: a TLS client that does not speak h2 is turned away, and others are served`, async (t) => {
    const openssl = programOf(peers.openssl);
    if (openssl === null) return t.skip(peers.openssl.reason);
    const own = await selfSigned(t, openssl, 'traces.example');
    const bench = await startBench(t, start, { tls: own });
    for (const ALPNProtocols of [['http/1.1'], []]) {
      await new Promise<void>((resolve) => {
        const socket = nodeTls.connect({
          port: bench.port,
          host: '127.0.0.1',
          rejectUnauthorized: false,
          ALPNProtocols,
        });
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
        socket.resume();
      });
    }
    const client = clientFor(t, createNodeGrpcClient, bench.port, { tls: { insecureSkipVerify: true } });
    assert.equal((await client.call(exportPath, [pattern(9)])).code, 0);
  });

  test(`${name}: without a handshake a TLS connection ends in time`, async (t) => {
    const openssl = programOf(peers.openssl);
    if (openssl === null) return t.skip(peers.openssl.reason);
    const own = await selfSigned(t, openssl, 'traces.example');
    const bench = await startBench(t, start, { tls: own, limits: { handshakeTimeoutMs: 100 } });
    const silent = net.connect(bench.port, '127.0.0.1');
    silent.on('error', () => undefined);
    silent.resume();
    await once(silent, 'close');
  });
}
