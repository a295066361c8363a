// TLS between this project's server and both of its clients. Certificates are made by openssl where the machine has it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { type TestContext, test } from 'node:test';
import * as nodeTls from 'node:tls';
import { createGrpcJsClient } from '../../../src/transport/grpc-js/grpc-client.ts';
import { createNodeGrpcClient } from '../../../src/transport/node/grpc-client.ts';
import { createNodeGrpcServer } from '../../../src/transport/node/grpc-server.ts';
import { clientFor } from './client-bench.ts';
import { peers, programOf } from './peers.ts';
import { pattern, startBench } from './server-bench.ts';
import { exportPath } from './test-method.ts';

interface Certificate {
  readonly cert: string;
  readonly key: string;
}

async function selfSigned(t: TestContext, openssl: string, name: string): Promise<Certificate> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'spanmill-tls-'));
  t.after(() => rm(folder, { recursive: true }));
  const [cert, key] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
  const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  execFileSync(openssl, [...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
}

const clients = [
  ['node:http2', createNodeGrpcClient],
  ['@grpc/grpc-js', createGrpcJsClient],
] as const;

for (const [name, create] of clients) {
  test(`${name}: certificates are checked, names overridden, and checks switched off as configured`, async (t) => {
    const openssl = programOf(peers.openssl);
    if (openssl === null) return t.skip(peers.openssl.reason);
    const own = await selfSigned(t, openssl, 'traces.example');
    const other = await selfSigned(t, openssl, 'traces.example');
    const bench = await startBench(t, createNodeGrpcServer, { tls: own });
    const codeWith = async (tls: object): Promise<number> => {
      const client = clientFor(t, create, bench.port, { tls });
      return (await client.call(exportPath, [pattern(70_000)], { timeoutMs: 10_000 })).code;
    };
    assert.equal(await codeWith({ ca: own.cert, serverNameOverride: 'traces.example' }), 0);
    assert.equal(await codeWith({ insecureSkipVerify: true }), 0);
    assert.equal(await codeWith({ insecureSkipVerify: true, minVersion: 'TLSv1.3' }), 0);
    assert.equal(await codeWith({ insecureSkipVerify: true, maxVersion: 'TLSv1.2' }), 0);
    assert.equal(await codeWith({ ca: own.cert, serverNameOverride: 'elsewhere.example' }), 14);
    assert.equal(await codeWith({ ca: other.cert, serverNameOverride: 'traces.example' }), 14);
    assert.equal(await codeWith({ serverNameOverride: 'traces.example' }), 14);
    assert.equal(bench.method.handled.length, 4);
    const newer = await startBench(t, createNodeGrpcServer, { tls: { ...own, minVersion: 'TLSv1.3' } });
    const older = clientFor(t, create, newer.port, { tls: { insecureSkipVerify: true, maxVersion: 'TLSv1.2' } });
    assert.equal((await older.call(exportPath, [pattern(10)], { timeoutMs: 10_000 })).code, 14);
  });

  test(`${name}: a server that asks for the client's certificate gets it`, async (t) => {
    const openssl = programOf(peers.openssl);
    if (openssl === null) return t.skip(peers.openssl.reason);
    const server = await selfSigned(t, openssl, 'traces.example');
    const own = await selfSigned(t, openssl, 'client.example');
    const tls = { ...server, ca: own.cert, requestCert: true, rejectUnauthorized: true };
    const bench = await startBench(t, createNodeGrpcServer, { tls });
    const trusted = { ca: server.cert, serverNameOverride: 'traces.example' };
    const call = async (more: object): Promise<number> => {
      const client = clientFor(t, create, bench.port, { tls: { ...trusted, ...more } });
      return (await client.call(exportPath, [pattern(99)], { timeoutMs: 10_000 })).code;
    };
    assert.equal(await call(own), 0);
    assert.equal(await call({}), 14);
  });
}

test('a TLS client that does not speak h2 is turned away, and others are served', async (t) => {
  const openssl = programOf(peers.openssl);
  if (openssl === null) return t.skip(peers.openssl.reason);
  const own = await selfSigned(t, openssl, 'traces.example');
  const bench = await startBench(t, createNodeGrpcServer, { tls: own });
  for (const ALPNProtocols of [['http/1.1'], []]) {
    await new Promise<void>((resolve) => {
      const socket = nodeTls.connect({ port: bench.port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
      socket.resume();
    });
  }
  const client = clientFor(t, createNodeGrpcClient, bench.port, { tls: { insecureSkipVerify: true } });
  assert.equal((await client.call(exportPath, [pattern(9)])).code, 0);
});
