// The client over TLS, directly and through a proxy's tunnel.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import * as https from 'node:https';
import * as net from 'node:net';
import { type TestContext, test } from 'node:test';
import { createSecureContext, createServer as createTlsServer, type SecureContext, type TLSSocket } from 'node:tls';
import { createHttpClient, type HttpClient } from '../../../../src/transport/http-client/client.ts';
import type { HttpReply } from '../../../../src/transport/http-client/exchange.ts';
import { parseHttpTarget } from '../../../../src/transport/http-client/target.ts';
import type { ClientTls } from '../../../../src/transport/tls/client-tls.ts';
import { selfSigned } from '../../../conformance/support/certificates.ts';
import { peers, programOf } from '../../../conformance/support/peers.ts';
import { type HttpServer, startHttp } from './servers.ts';

const never = new AbortController().signal;
const body = Buffer.alloc(300_000, 'x');

function clientFor(t: TestContext, url: string, tls: ClientTls, proxyUrl = ''): HttpClient {
  const target = parseHttpTarget(url);
  assert.ok(target);
  const client = createHttpClient(target, {
    tls,
    maxConnections: 0,
    maxIdleConnections: 100,
    idleTimeoutMs: 90_000,
    keepAlive: true,
    proxyUrl,
    env: {},
  });
  t.after(() => client.close());
  return client;
}
const post = (client: HttpClient): Promise<HttpReply> => client.post([body], { headers: {}, signal: never });
const shown = (reply: HttpReply): string =>
  reply.kind === 'answer' ? `${reply.status}` : `${reply.why}: ${reply.message}`;

async function startHttps(t: TestContext, options: https.ServerOptions): Promise<HttpServer> {
  const server = https.createServer(options);
  server.on('tlsClientError', () => undefined);
  const started = await startHttp(t, (response) => response.end('ok'), server as unknown as net.Server as never);
  return { ...started, url: `https://127.0.0.1:${started.port}`, connections: () => started.connections() };
}

test('certificates are checked, against the configured authority and name, unless switched off; connections are kept', async (t) => {
  const openssl = programOf(peers.openssl);
  if (openssl === null) return t.skip(peers.openssl.reason);
  const own = await selfSigned(t, openssl, '127.0.0.1');
  const named = await selfSigned(t, openssl, 'backend.example');
  const server = await startHttps(t, own);
  const trusting = clientFor(t, server.url, { ca: own.cert });
  assert.equal(shown(await post(trusting)), '200');
  assert.equal(shown(await post(trusting)), '200');
  assert.equal(server.connections(), 1);
  assert.match(
    shown(await post(clientFor(t, server.url, {}))),
    /^unavailable: the server's certificate is not accepted/,
  );
  assert.equal(shown(await post(clientFor(t, server.url, { insecureSkipVerify: true }))), '200');
  const other = await startHttps(t, named);
  const ca = named.cert;
  assert.match(shown(await post(clientFor(t, other.url, { ca }))), /^unavailable: .*ALTNAME_INVALID/);
  assert.equal(shown(await post(clientFor(t, other.url, { ca, serverNameOverride: 'backend.example' }))), '200');
});

test('a client certificate is shown, and another one on new connections once it has changed', async (t) => {
  const openssl = programOf(peers.openssl);
  if (openssl === null) return t.skip(peers.openssl.reason);
  const own = await selfSigned(t, openssl, '127.0.0.1');
  const [first, second] = [await selfSigned(t, openssl, 'first'), await selfSigned(t, openssl, 'second')];
  const subjects: string[] = [];
  const server = await startHttps(t, { ...own, ca: [first.cert, second.cert], requestCert: true });
  server.server.on('request', (request) => {
    subjects.push(String((request.socket as TLSSocket).getPeerCertificate().subject?.CN));
  });
  const contextOf = ({ cert, key }: { cert: string; key: string }): SecureContext =>
    createSecureContext({ ca: own.cert, cert, key });
  let context = contextOf(first);
  const client = clientFor(t, server.url, { context: () => context });
  assert.equal(shown(await post(client)), '200');
  assert.equal(shown(await post(client)), '200');
  context = contextOf(second);
  assert.equal(shown(await post(client)), '200');
  assert.deepEqual(subjects, ['first', 'first', 'second']);
  const bare = await startHttps(t, { ...own, ca: first.cert, requestCert: true, rejectUnauthorized: true });
  assert.match(shown(await post(clientFor(t, bare.url, { ca: own.cert }))), /^unavailable: /);
});

test('a server of HTTP/2 alone is told as such', async (t) => {
  const openssl = programOf(peers.openssl);
  if (openssl === null) return t.skip(peers.openssl.reason);
  const { cert, key } = await selfSigned(t, openssl, '127.0.0.1');
  const server = createTlsServer({ cert, key, ALPNProtocols: ['h2'] }, (socket) => socket.destroy());
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as net.AddressInfo;
  const reply = await post(clientFor(t, `https://127.0.0.1:${port}`, { insecureSkipVerify: true }));
  assert.match(shown(reply), /^unavailable: the server does not speak HTTP\/1\.1/);
});

test('through a proxy’s tunnel the certificate is the backend’s, and the tunnel is kept', async (t) => {
  const openssl = programOf(peers.openssl);
  if (openssl === null) return t.skip(peers.openssl.reason);
  const own = await selfSigned(t, openssl, 'backend.example');
  const backend = await startHttps(t, own);
  const tunnels: string[] = [];
  const sockets = new Set<net.Socket>();
  const proxy = createServer().on('connect', (request, socket: net.Socket) => {
    tunnels.push(`${request.url} ${request.headers['proxy-authorization']}`);
    const upstream = net.connect(backend.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    for (const one of [socket, upstream]) {
      sockets.add(one);
      one.on('error', () => undefined);
    }
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  const proxyUrl = `http://me:pw@127.0.0.1:${(proxy.address() as net.AddressInfo).port}`;
  const client = clientFor(t, 'https://backend.example:4318', { ca: own.cert }, proxyUrl);
  assert.equal(shown(await post(client)), '200');
  assert.equal(shown(await post(client)), '200');
  assert.deepEqual(tunnels, [`backend.example:4318 Basic ${Buffer.from('me:pw').toString('base64')}`]);
  assert.ok(backend.seen[1].body.equals(body));
  assert.equal(backend.seen[0].headers.host, 'backend.example:4318');
  const stranger = clientFor(t, 'https://elsewhere.example:4318', { ca: own.cert }, proxyUrl);
  assert.match(shown(await post(stranger)), /^unavailable: .*(ALTNAME|certificate)/);
});
