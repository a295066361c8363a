// The gRPC client behind an HTTP proxy that the environment names, as grpc-go goes through it.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import { type TestContext, test } from 'node:test';
import type * as tls from 'node:tls';
import type { GrpcClientOptions, GrpcReply } from '../../../../src/transport/grpc-client.ts';
import { createNodeGrpcClient } from '../../../../src/transport/node/grpc-client.ts';
import { makeCertificate } from '../tls/certificates.ts';

async function listening(t: TestContext, server: net.Server): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as net.AddressInfo).port;
}

/** A backend that takes every call. */
function startBackend(t: TestContext, secure: tls.TlsOptions | null): Promise<number> {
  const server = secure === null ? http2.createServer() : http2.createSecureServer(secure);
  server.on('stream', (stream: http2.ServerHttp2Stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.resume().end(Buffer.alloc(5));
  });
  return listening(t, server);
}

interface Proxy {
  readonly port: number;
  /** Target and credentials of each CONNECT. */
  readonly asked: string[];
}

/** Everything is at `backend`; 0: it says no. */
async function startProxy(t: TestContext, backend: number, speaksFirst = false): Promise<Proxy> {
  const asked: string[] = [];
  const proxy = createServer();
  proxy.on('connect', (request, socket) => {
    asked.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
    socket.on('error', () => undefined);
    if (backend === 0) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const head = Buffer.from('HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n');
    const through = net.connect(backend, '127.0.0.1');
    const relay = (first: Buffer): void => {
      socket.write(Buffer.concat([head, first]));
      socket.pipe(through).pipe(socket);
    };
    // What the target says first comes in one piece with the proxy's answer.
    if (speaksFirst) through.once('data', relay);
    else relay(Buffer.alloc(0));
    through.on('error', () => socket.destroy());
  });
  return { port: await listening(t, proxy), asked };
}

async function call(t: TestContext, options: GrpcClientOptions): Promise<GrpcReply> {
  const client = createNodeGrpcClient(options);
  t.after(() => client.close());
  return await client.call('/a/b', [Buffer.from('x')], { timeoutMs: 10_000 });
}

test('a target behind the proxy of the environment is reached by a tunnel, in plain text and over TLS', async (t) => {
  const own = makeCertificate('backend.test');
  const plain = await startProxy(t, await startBackend(t, null), true);
  const secure = await startProxy(t, await startBackend(t, own));
  const first = await call(t, {
    endpoint: 'backend.test:4317',
    env: { HTTPS_PROXY: `http://ann:p%40ss@127.0.0.1:${plain.port}` },
  });
  assert.equal(first.code, 0, first.message);
  assert.deepEqual(plain.asked, [`backend.test:4317 Basic ${Buffer.from('ann:p@ss').toString('base64')}`]);
  const endpoint = 'https://backend.test:443';
  const second = await call(t, {
    endpoint,
    tls: { ca: own.cert },
    env: { https_proxy: `127.0.0.1:${secure.port}` },
  });
  assert.equal(second.code, 0, second.message);
  assert.deepEqual(secure.asked, ['backend.test:443']);
});

test('whom NO_PROXY names, and this machine, is reached without it', async (t) => {
  const backend = await startBackend(t, null);
  const env = { HTTPS_PROXY: 'http://127.0.0.1:1', NO_PROXY: '' };
  assert.equal((await call(t, { endpoint: `127.0.0.1:${backend}`, env })).code, 0);
  assert.equal((await call(t, { endpoint: `localhost:${backend}`, env: { ...env, NO_PROXY: 'localhost' } })).code, 0);
});

test('what the proxy refuses is UNAVAILABLE and says what it said, without its password', async (t) => {
  const proxy = await startProxy(t, 0);
  const env = { HTTPS_PROXY: `http://ann:hidden@127.0.0.1:${proxy.port}` };
  const { code, message } = await call(t, { endpoint: 'backend.test:4317', env });
  assert.equal(code, 14);
  assert.match(
    message,
    /the proxy 127\.0\.0\.1:\d+: it answered CONNECT backend\.test:4317 with 407 Proxy Authentication Required/,
  );
  assert.doesNotMatch(message, /hidden|ann/);
});

test('a proxy that is away, silent, talks without end or closes is UNAVAILABLE, in time', async (t) => {
  const silent = await listening(t, net.createServer());
  const endless = await listening(
    t,
    net.createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write('x'.repeat(40_000));
    }),
  );
  const closing = await listening(
    t,
    net.createServer((socket) => socket.on('error', () => undefined).end()),
  );
  for (const [port, said] of [
    [1, /ECONNREFUSED/],
    [silent, /within 200 ms/],
    [endless, /Parse Error/],
    [closing, /socket hang up/],
  ] as const) {
    const env = { HTTPS_PROXY: `http://127.0.0.1:${port}` };
    const { code, message } = await call(t, { endpoint: 'backend.test:4317', env, connectTimeoutMs: 200 });
    assert.equal(code, 14, message);
    assert.match(message, said);
  }
});

test('a client that is closed while the proxy is asked leaves nothing open', async (t) => {
  const gone = Promise.withResolvers<void>();
  const port = await listening(
    t,
    net.createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.resume();
        client.close();
      });
      socket.on('close', () => gone.resolve());
    }),
  );
  const client = createNodeGrpcClient({
    endpoint: 'backend.test:4317',
    env: { HTTPS_PROXY: `http://127.0.0.1:${port}` },
  });
  assert.equal((await client.call('/a/b', [Buffer.from('x')])).code, 1);
  await gone.promise;
});
