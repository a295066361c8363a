// TLS as components configure it, between this project's servers and clients: who trusts whom, versions and ciphers, and files
// that change while calls are under way.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, type TestContext, test } from 'node:test';
import * as nodeTls from 'node:tls';
import { pino } from 'pino';
import { Secret } from '../../../src/lib/secret.ts';
import type { GrpcReply } from '../../../src/transport/grpc-client.ts';
import { createGrpcJsClient } from '../../../src/transport/grpc-js/grpc-client.ts';
import { createHttp2GrpcServer } from '../../../src/transport/http2/grpc-server.ts';
import { createNodeGrpcClient } from '../../../src/transport/node/grpc-client.ts';
import { createNodeGrpcServer } from '../../../src/transport/node/grpc-server.ts';
import { createClientTls } from '../../../src/transport/tls/client-tls.ts';
import { createServerTls, type ServerTls } from '../../../src/transport/tls/server-tls.ts';
import type { ClientTlsSettings, ServerTlsSettings } from '../../../src/transport/tls/settings.ts';
import { type Certificate, makeAuthority, makeCertificate, makeFolder } from '../../unit/transport/tls/certificates.ts';
import { clientSettings, serverSettings } from '../../unit/transport/tls/settings.ts';
import { type CreateClient, clientFor } from './client-bench.ts';
import { type Bench, pattern, type StartServer, startBench } from './server-bench.ts';
import { exportPath } from './test-method.ts';

const log = pino({ level: 'silent' });
const pem = (text: string) => ({ text: new Secret(text) });
const identity = ({ cert, key }: Certificate) => ({ cert: pem(cert), key: pem(key) });

const authority = makeAuthority('ca.example');
const other = makeAuthority('other-ca.example');
const ofServer = makeCertificate('127.0.0.1', { by: authority });
const ofClient = makeCertificate('client.example', { by: authority });

const servers = [
  ['HTTP/2 of our own', createHttp2GrpcServer],
  ['node:http2', createNodeGrpcServer],
] as const;
const clients = [
  ['node:http2', createNodeGrpcClient],
  ['@grpc/grpc-js', createGrpcJsClient],
] as const;

function serverTls(change: Partial<ServerTlsSettings> = {}): ServerTls {
  return createServerTls(serverSettings({ ...identity(ofServer), ...change }), log);
}

/** A client of a configuration; the code of one call. */
async function call(
  t: TestContext,
  create: CreateClient,
  { port }: Bench,
  change: Partial<ClientTlsSettings> = {},
): Promise<GrpcReply> {
  const source = createClientTls(clientSettings({ ca: pem(authority.cert), ...change }), log);
  t.after(() => source.stop());
  const client = clientFor(t, create, port, { tls: await source.start() });
  const reply = await client.call(exportPath, [pattern(2000)], { timeoutMs: 10_000 });
  client.close();
  return reply;
}

for (const [serverName, start] of servers) {
  for (const [clientName, create] of clients) {
    describe(`a client on ${clientName} and a server on ${serverName}`, () => trust(start, create));
  }
  describe(`a server on ${serverName}`, () => {
    versions(start);
    reloads(start);
  });
}

function trust(start: StartServer, create: CreateClient): void {
  test('a server is trusted that an authority of the client signed, and no other', async (t) => {
    const bench = await startBench(t, start, { tls: serverTls() });
    assert.equal((await call(t, create, bench)).code, 0);
    assert.equal((await call(t, create, bench, { insecureSkipVerify: true, ca: null })).code, 0);
    assert.equal((await call(t, create, bench, { ca: pem(other.cert + authority.cert) })).code, 0);
    for (const change of [{ ca: pem(other.cert) }, { ca: null }, { serverName: 'elsewhere.example' }]) {
      const { code, message } = await call(t, create, bench, change);
      assert.equal(code, 14, message);
    }
    assert.equal(bench.method.handled.length, 3);
  });

  test('a certificate that has expired, or is not valid yet, is not taken', async (t) => {
    for (const days of [{ fromDays: -9, untilDays: -1 }, { fromDays: 1 }]) {
      const bad = makeCertificate('127.0.0.1', { by: authority, ...days });
      const bench = await startBench(t, start, { tls: serverTls(identity(bad)) });
      const { code, message } = await call(t, create, bench);
      assert.equal(code, 14);
      assert.match(message, /expired|not yet valid/);
    }
  });

  test('a server with client_ca_file takes clients with a certificate of that authority, and no others', async (t) => {
    const folder = makeFolder(t);
    const tls = serverTls({ clientCaFile: folder.write('clients.pem', authority.cert) });
    const bench = await startBench(t, start, { tls });
    assert.equal((await call(t, create, bench, identity(ofClient))).code, 0);
    const stranger = makeCertificate('client.example', { by: other });
    const expired = makeCertificate('client.example', { by: authority, fromDays: -9, untilDays: -1 });
    for (const change of [{}, identity(stranger), identity(expired), identity(makeCertificate('self.example'))]) {
      assert.equal((await call(t, create, bench, change)).code, 14);
    }
    assert.equal(bench.method.handled.length, 1);
    assert.equal(bench.method.refusals.length, 0, 'a connection that is refused makes no call');
  });
}

/** The version, cipher and curve that a client with these options and the server agree on; the error otherwise. */
async function handshake(bench: Bench, options: nodeTls.ConnectionOptions): Promise<string> {
  const socket = nodeTls.connect({
    port: bench.port,
    host: '127.0.0.1',
    ca: authority.cert,
    ALPNProtocols: ['h2'],
    ...options,
  });
  try {
    await once(socket, 'secureConnect');
    return `${socket.getProtocol()} ${socket.getCipher().standardName}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  } finally {
    socket.destroy();
  }
}

function versions(start: StartServer): void {
  test('versions and ciphers are those of the configuration', async (t) => {
    const newest = await startBench(t, start, { tls: serverTls({ minVersion: 'TLSv1.3' }) });
    assert.match(await handshake(newest, {}), /^TLSv1.3 /);
    assert.match(await handshake(newest, { maxVersion: 'TLSv1.2' }), /^ERR_SSL_/);
    const oldest = await startBench(t, start, { tls: serverTls({ maxVersion: 'TLSv1.2' }) });
    assert.match(await handshake(oldest, {}), /^TLSv1.2 /);
    assert.match(await handshake(oldest, { minVersion: 'TLSv1.3' }), /^ERR_SSL_/);
    // 1.1 needs its own permission of OpenSSL on the client's side.
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    assert.match(await handshake(oldest, old), /^ERR_SSL_/);
    const suite = 'ECDHE-ECDSA-AES256-GCM-SHA384';
    const narrow = await startBench(t, start, { tls: serverTls({ ciphers: `TLS_AES_128_GCM_SHA256:${suite}` }) });
    assert.equal(await handshake(narrow, {}), 'TLSv1.3 TLS_AES_128_GCM_SHA256');
    const with12 = { maxVersion: 'TLSv1.2' } as const;
    assert.equal(await handshake(narrow, with12), 'TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384');
    assert.match(await handshake(narrow, { ...with12, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }), /^ERR_SSL_/);
  });

  test('curves are those of the configuration', async (t) => {
    const bench = await startBench(t, start, { tls: serverTls({ curves: 'P-384' }) });
    assert.match(await handshake(bench, { ecdhCurve: 'P-384' }), /^TLSv1.3 /);
    assert.match(await handshake(bench, { ecdhCurve: 'X25519' }), /^ERR_SSL_/);
  });
}

function reloads(start: StartServer): void {
  test('a certificate is replaced while calls are under way: none fails, and new connections get the new one', async (t) => {
    const folder = makeFolder(t);
    const files = {
      cert: { file: folder.write('cert.pem', ofServer.cert) },
      key: { file: folder.write('key.pem', ofServer.key) },
    };
    const tls = serverTls({ ...files, reloadIntervalMs: 10 });
    const bench = await startBench(t, start, { tls });
    const changed = new Promise<void>((resolve) => tls.onChange(() => resolve()));
    const source = createClientTls(clientSettings({ ca: pem(authority.cert) }), log);
    const secure = await source.start();
    let goesOn = true;
    const codes = new Map<number, number>();
    const load = async (): Promise<void> => {
      while (goesOn) {
        // A connection for each few calls: some are made before the change, some behind it.
        const client = clientFor(t, createNodeGrpcClient, bench.port, { tls: secure });
        for (let i = 0; i < 5 && goesOn; i++) {
          const { code } = await client.call(exportPath, [pattern(3000)], { timeoutMs: 10_000 });
          codes.set(code, (codes.get(code) ?? 0) + 1);
        }
        client.close();
      }
    };
    const slots = [load(), load(), load(), load()];
    await bench.method.handledCount(50);
    const renewed = makeCertificate('127.0.0.1', { by: authority, untilDays: 90 });
    // First without its key: nothing must come of that.
    folder.write('cert.pem', renewed.cert);
    folder.write('key.pem', renewed.key);
    await changed;
    await bench.method.handledCount(bench.method.handled.length + 50);
    goesOn = false;
    await Promise.all(slots);
    assert.deepEqual([...codes.keys()], [0]);
    const shown = nodeTls.connect({ port: bench.port, host: '127.0.0.1', ca: authority.cert, ALPNProtocols: ['h2'] });
    await once(shown, 'secureConnect');
    const days = (Date.parse(shown.getPeerCertificate().valid_to) - Date.now()) / 86_400_000;
    shown.destroy();
    assert.ok(days > 80, `the new certificate is valid for ${days} days`);
    assert.deepEqual([tls.stats.reloads, tls.stats.failedReloads], [1, 0]);
    assert.ok(Number(tls.stats.certificateEndsAtMs) > Date.now() + 80 * 86_400_000);
  });

  test('a key that does not fit leaves the old certificate in use, and is counted', async (t) => {
    const folder = makeFolder(t);
    const files = {
      cert: { file: folder.write('cert.pem', ofServer.cert) },
      key: { file: folder.write('key.pem', ofServer.key) },
    };
    const tls = serverTls({ ...files, reloadIntervalMs: 10 });
    const bench = await startBench(t, start, { tls });
    folder.write('key.pem', ofClient.key);
    while (tls.stats.failedReloads === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal((await call(t, createNodeGrpcClient, bench)).code, 0);
    assert.equal(tls.stats.reloads, 0);
  });

  test('authorities of clients are replaced: whom they no longer name is refused, also with a session of before', async (t) => {
    const folder = makeFolder(t);
    const tls = serverTls({ clientCaFile: folder.write('clients.pem', authority.cert), reloadIntervalMs: 10 });
    const bench = await startBench(t, start, { tls });
    const own = { ca: authority.cert, cert: ofClient.cert, key: ofClient.key, host: '127.0.0.1', port: bench.port };
    const first = nodeTls.connect({ ...own, ALPNProtocols: ['h2'] });
    first.resume();
    const [session] = (await once(first, 'session')) as [Buffer];
    const again = nodeTls.connect({ ...own, ALPNProtocols: ['h2'], session });
    await once(again, 'data');
    assert.equal(again.isSessionReused(), true, 'the session is none that can be used again: this proves nothing');
    again.destroy();
    assert.equal((await call(t, createNodeGrpcClient, bench, identity(ofClient))).code, 0);
    const changed = new Promise<void>((resolve) => tls.onChange(() => resolve()));
    folder.write('clients.pem', other.cert);
    await changed;
    assert.equal((await call(t, createNodeGrpcClient, bench, identity(ofClient))).code, 14);
    const newcomer = makeCertificate('client.example', { by: other });
    assert.equal((await call(t, createNodeGrpcClient, bench, identity(newcomer))).code, 0);
    // With TLS 1.3 the client learns of its refusal after its handshake.
    const resumed = nodeTls.connect({ ...own, ALPNProtocols: ['h2'], session });
    resumed.resume();
    resumed.on('error', () => undefined);
    await once(resumed, 'close');
    assert.equal(resumed.bytesRead, 0, 'it got as far as HTTP/2');
    // What was connected before goes on.
    assert.equal(first.destroyed, false);
    first.destroy();
  });
}

for (const [clientName, create] of clients) {
  test(`a client on ${clientName}: its next connection has the certificate that replaced the old one`, async (t) => {
    const folder = makeFolder(t);
    const bench = await startBench(t, createHttp2GrpcServer, {
      tls: serverTls({ clientCaFile: folder.write('clients.pem', other.cert) }),
    });
    const files = {
      cert: { file: folder.write('cert.pem', ofClient.cert) },
      key: { file: folder.write('key.pem', ofClient.key) },
    };
    const settings = clientSettings({ ca: pem(authority.cert), ...files, reloadIntervalMs: 10 });
    const source = createClientTls(settings, log);
    t.after(() => source.stop());
    const client = clientFor(t, create, bench.port, { tls: await source.start() });
    const code = async (): Promise<number> => (await client.call(exportPath, [pattern(9)], { timeoutMs: 5000 })).code;
    assert.equal(await code(), 14);
    const renewed = makeCertificate('client.example', { by: other });
    folder.write('cert.pem', renewed.cert);
    folder.write('key.pem', renewed.key);
    while (source.stats.reloads === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    let last = await code();
    // It may still wait after the failures of before.
    for (let i = 0; i < 100 && last !== 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      last = await code();
    }
    assert.equal(last, 0);
  });
}
