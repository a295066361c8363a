// The rules of Go's net/http, and the ways through real proxies.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import * as net from 'node:net';
import { type TestContext, test } from 'node:test';
import { createHttpClient } from '../../../../src/transport/http-client/client.ts';
import type { ExchangeLimits } from '../../../../src/transport/http-client/exchange.ts';
import { type Environment, proxyFor } from '../../../../src/transport/http-client/proxy.ts';
import { parseHttpTarget } from '../../../../src/transport/http-client/target.ts';
import { startHttp, startRaw } from './servers.ts';

const never = new AbortController().signal;

function proxyOf(url: string, env: Environment, proxyUrl = ''): string | null {
  const target = parseHttpTarget(url);
  assert.ok(target);
  return proxyFor(target, proxyUrl, env);
}

test('the environment names a proxy for each scheme, in either case, upper case first', () => {
  const env = { HTTP_PROXY: 'http://one:1', http_proxy: 'http://two:2', https_proxy: 'three:3' };
  assert.equal(proxyOf('http://b', env), 'http://one:1/');
  assert.equal(proxyOf('https://b', env), 'http://three:3/');
  assert.equal(proxyOf('https://b', {}), null);
  assert.equal(proxyOf('https://b', { HTTPS_PROXY: '' }), null);
  assert.equal(proxyOf('unix:///run/x.sock', env), null);
});

test('loopback addresses are reached without the environment’s proxy, but with a configured one', () => {
  const env = { HTTP_PROXY: 'http://one:1' };
  for (const host of ['localhost:4318', '127.0.0.1:4318', '127.9.9.9', '[::1]:4318']) {
    assert.equal(proxyOf(`http://${host}`, env), null, host);
    assert.equal(proxyOf(`http://${host}`, { NO_PROXY: '*' }, 'http://two:2'), 'http://two:2/', host);
  }
});

test('NO_PROXY names domains, addresses and networks, with ports or without, as in Go', () => {
  const through = 'http://one:1/';
  for (const [noProxy, host, expected] of [
    ['*', 'b.example.com', null],
    ['example.com', 'example.com', null],
    ['example.com', 'b.example.com', null],
    ['example.com', 'notexample.com', through],
    ['.example.com', 'b.example.com', null],
    ['.example.com', 'example.com', through],
    ['*.example.com', 'b.example.com', null],
    ['*.example.com', 'example.com', through],
    ['other, Example.COM ,', 'example.com', null],
    ['example.com:80', 'example.com', null],
    ['example.com:81', 'example.com', through],
    ['10.1.2.3', '10.1.2.3', null],
    ['10.1.2.3:81', '10.1.2.3', through],
    ['10.1.0.0/16', '10.1.2.3', null],
    ['10.2.0.0/16', '10.1.2.3', through],
    ['10.0.0.0/99', '10.1.2.3', through],
    ['example.com/8', 'example.com', through],
    ['fd00::/8', '[fd00::1]', null],
    ['fd00:0::1', '[fd00::1]', null],
    ['[fd00::1]:80', '[fd00::1]', null],
    ['', 'example.com', through],
    [',,:80,', 'example.com', through],
  ] as const) {
    const env = { HTTP_PROXY: 'http://one:1', NO_PROXY: noProxy };
    assert.equal(proxyOf(`http://${host}`, env), expected, `${noProxy} ${host}`);
  }
});

test('a proxy of the environment that cannot be used is an error that does not show it', () => {
  for (const value of ['socks5://me:hidden@one:1', 'http://me:hid%zz@one', 'http://']) {
    assert.throws(
      () => proxyOf('https://b', { HTTPS_PROXY: value }),
      (error: Error) => {
        assert.match(error.message, /^HTTPS_PROXY in the environment is not http/);
        assert.doesNotMatch(error.message, /hid/);
        return true;
      },
    );
  }
});

interface Proxy {
  readonly url: string;
  /** Request lines and what they brought for the proxy. */
  readonly seen: { line: string; authorization: string | undefined }[];
}

/** Forwards plain requests, and tunnels to wherever CONNECT says. */
async function startProxy(t: TestContext, refuse = false): Promise<Proxy> {
  const seen: Proxy['seen'] = [];
  const server = createServer();
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.on('request', (request, response) => {
    const { method = '', url = '', headers } = request;
    seen.push({ line: `${method} ${url}`, authorization: headers['proxy-authorization'] });
    request.resume();
    request.on('end', () => response.end());
  });
  server.on('connect', (request, socket: net.Socket) => {
    seen.push({ line: `CONNECT ${request.url}`, authorization: request.headers['proxy-authorization'] });
    if (refuse) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const port = Number((request.url ?? '').split(':')[1]);
    const upstream = net.connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    sockets.add(upstream);
    upstream.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `127.0.0.1:${(server.address() as net.AddressInfo).port}`, seen };
}

function clientFor(t: TestContext, url: string, proxyUrl: string, limits: Partial<ExchangeLimits> = {}) {
  const target = parseHttpTarget(url);
  assert.ok(target);
  const client = createHttpClient(target, {
    tls: { insecureSkipVerify: true },
    maxConnections: 0,
    maxIdleConnections: 100,
    idleTimeoutMs: 0,
    keepAlive: true,
    proxyUrl,
    env: {},
    limits,
  });
  t.after(() => client.close());
  return client;
}

test('a plain request goes to the proxy with the whole URL, and with the proxy’s credentials', async (t) => {
  const proxy = await startProxy(t);
  const client = clientFor(t, 'http://backend.invalid:4318/v1/traces', `http://me:p%40ss@${proxy.url}`);
  const reply = await client.post([Buffer.from('x')], { headers: {}, signal: never });
  assert.equal(reply.kind === 'answer' && reply.status, 200);
  const authorization = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
  assert.deepEqual(proxy.seen, [{ line: 'POST http://backend.invalid:4318/v1/traces', authorization }]);
});

test('a proxy that refuses a tunnel is an error without its credentials', async (t) => {
  const proxy = await startProxy(t, true);
  const client = clientFor(t, 'https://backend.invalid:4318/v1/traces', `http://me:hidden@${proxy.url}`);
  const reply = await client.post([Buffer.from('x')], { headers: {}, signal: never });
  assert.equal(reply.kind === 'failed' && reply.why, 'unavailable');
  assert.match(reply.kind === 'failed' ? reply.message : '', /407 Proxy Authentication Required/);
  assert.doesNotMatch(JSON.stringify(reply), /hidden/);
  assert.equal(proxy.seen[0].line, 'CONNECT backend.invalid:4318');
});

test('a proxy that makes no tunnel is given up, and its connection closed', async (t) => {
  const closed = Promise.withResolvers<void>();
  const silent = await startRaw(t, (socket) => socket.resume().on('close', () => closed.resolve()));
  const proxyUrl = `http://127.0.0.1:${silent.port}`;
  const client = clientFor(t, 'https://backend.invalid:4318/v1/traces', proxyUrl, { connectTimeoutMs: 50 });
  const reply = await client.post([Buffer.from('x')], { headers: {}, signal: never });
  assert.equal(reply.kind === 'failed' && reply.why, 'unavailable');
  assert.match(reply.kind === 'failed' ? reply.message : '', /tunnel timed out after 50ms/);
  await closed.promise;
});

test('a proxy that answers slowly is not taken for one that makes no tunnel', async (t) => {
  const backend = await startRaw(t, (socket) =>
    socket.once('data', () => setTimeout(() => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'), 150)),
  );
  const client = clientFor(t, 'http://backend.invalid', `http://127.0.0.1:${backend.port}`, { connectTimeoutMs: 50 });
  const reply = await client.post([Buffer.from('x')], { headers: {}, signal: never });
  assert.equal(reply.kind === 'answer' && reply.status, 200);
});

test('a proxy that is not there is an error that may pass', async (t) => {
  const server = await startHttp(t, (response) => response.end());
  const client = clientFor(t, server.url, 'http://127.0.0.1:1');
  const reply = await client.post([Buffer.from('x')], { headers: {}, signal: never });
  assert.equal(reply.kind === 'failed' && reply.why, 'unavailable');
  assert.equal(server.seen.length, 0, 'it went around the proxy');
});
