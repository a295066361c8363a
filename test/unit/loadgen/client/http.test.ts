import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib';
import type { ClientOptions } from '../../../../loadgen/client/client.ts';
import { notSent } from '../../../../loadgen/client/export-reply.ts';
import { retryInfoStatus } from '../../../../src/transport/rpc-status.ts';
import { clientFor, okReply, pattern, send } from './exports.ts';

type Handle = (body: Buffer, request: IncomingMessage, response: ServerResponse) => void;

async function listening(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** How many connections there were, and the port. */
async function httpServer(t: TestContext, handle: Handle): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handle(Buffer.concat(chunks), request, response));
  });
  server.on('connection', (socket: Socket) => sockets.push(socket));
  t.after(() => server.closeAllConnections());
  return { port: await listening(t, server), sockets };
}

const http = { protocol: 'http/protobuf' } as const;

test('bodies come whole, one after another on one connection, with the headers of the protocol', async (t) => {
  const seen: Buffer[] = [];
  const heads: IncomingMessage[] = [];
  let now = 0;
  const { port, sockets } = await httpServer(t, (body, request, response) => {
    assert.equal(++now, 1);
    seen.push(body);
    heads.push(request);
    setImmediate(() => {
      now--;
      response.end();
    });
  });
  const client = await clientFor(t, 'native', port, { ...http, headers: [['x-tenant', 'blue']] });
  const bodies = [10, 214_000, 0, 3_000_000, 5000].map((length, i) => pattern(length, i));
  const replies = bodies.map((body) => send(client, body));
  assert.equal(client.inFlight(), 5);
  for (const reply of await Promise.all(replies)) assert.deepEqual(reply, okReply);
  assert.deepEqual(seen, bodies);
  assert.deepEqual([client.inFlight(), client.usable(), sockets.length], [0, true, 1]);
  for (const { url, method, headers } of heads) {
    assert.deepEqual([method, url, headers.host], ['POST', '/v1/traces', `127.0.0.1:${port}`]);
    assert.equal(headers['content-type'], 'application/x-protobuf');
    assert.equal(headers['x-tenant'], 'blue');
    assert.equal(headers.connection, 'keep-alive');
  }
});

test('JSON, its path, and its partial success', async (t) => {
  const { port } = await httpServer(t, (body, { url, headers }, response) => {
    assert.equal(url, '/tenants/7/traces?x=1');
    assert.equal(headers['content-type'], 'application/json');
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ partialSuccess: { rejectedSpans: String(body.length), errorMessage: 'late' } }));
  });
  const endpoint = { host: '127.0.0.1', port, path: '/tenants/7/traces?x=1', tls: false };
  const client = await clientFor(t, 'native', port, { protocol: 'http/json', endpoint });
  const reply = await send(client, Buffer.from('{"resourceSpans":[]}'));
  assert.deepEqual(reply, { ...okReply, rejectedSpans: 20, message: 'late' });
});

for (const [compression, inflate] of [
  ['gzip', gunzipSync],
  ['zstd', zstdDecompressSync],
] as const) {
  test(`${compression}: bodies are compressed, and a compressed reply is read`, async (t) => {
    const seen: Buffer[] = [];
    const { port } = await httpServer(t, (body, { headers }, response) => {
      assert.equal(headers['content-encoding'], compression);
      seen.push(inflate(body));
      response.setHeader('content-encoding', 'gzip');
      response.end(gzipSync(Buffer.of(0x0a, 2, 0x08, 7)));
    });
    const client = await clientFor(t, 'native', port, { ...http, compression });
    const body = pattern(214_000);
    assert.deepEqual(await send(client, body), { ...okReply, rejectedSpans: 7 });
    assert.deepEqual(seen, [body]);
  });
}

test('errors are told with their status, message and retry delay, and the connection goes on', async (t) => {
  const inAnHour = new Date(Date.now() + 3_600_000).toUTCString();
  const status = Buffer.from(retryInfoStatus(8, 'too much', 1).details ?? []);
  const answers: ((response: ServerResponse) => void)[] = [
    (response) => response.writeHead(429, { 'retry-after': '7', 'content-type': 'application/x-protobuf' }).end(status),
    (response) => response.writeHead(503, { 'retry-after': inAnHour, 'content-type': 'text/html' }).end('<p>\n gone'),
    (response) => response.writeHead(400, { 'content-type': 'application/json' }).end('{"code":3,"message":"bad"}'),
    (response) => response.writeHead(404).end(),
    (response) => response.writeHead(200).end(),
  ];
  const { port, sockets } = await httpServer(t, (body, _, response) => answers[body[0]](response));
  const client = await clientFor(t, 'native', port, http);
  const replies = await Promise.all(answers.map((_, i) => send(client, Buffer.of(i))));
  assert.deepEqual(
    replies.map(({ status: name, message }) => [name, message]),
    [
      ['HTTP 429', 'too much'],
      ['HTTP 503', '<p> gone'],
      ['HTTP 400', 'bad'],
      ['HTTP 404', ''],
      ['OK', ''],
    ],
  );
  const [first, second, third] = replies.map(({ retryDelayMs }) => retryDelayMs);
  assert.equal(first, 7000);
  assert.ok(second !== null && second > 3_500_000 && second <= 3_600_000, `${second} ms`);
  assert.equal(third, null);
  assert.equal(sockets.length, 1);
});

async function lossOf(t: TestContext, port: number, more: Partial<ClientOptions> = {}) {
  const lost = Promise.withResolvers<string>();
  const client = await clientFor(t, 'native', port, { ...http, ...more, onUnusable: lost.resolve });
  return { client, lost: lost.promise };
}

test('a request has its whole time from when it is begun, however long it waited for those before it', async (t) => {
  const { port } = await httpServer(t, (_body, _request, response) => setTimeout(() => response.end(), 200));
  const client = await clientFor(t, 'native', port, { ...http, timeoutMs: 500 });
  assert.equal(client.capacity(), 1);
  const replies = await Promise.all([1, 2, 3, 4].map(() => send(client, pattern(10))));
  assert.deepEqual(replies, [okReply, okReply, okReply, okReply]);
});

test('a request whose time passes is DEADLINE_EXCEEDED; what waits behind it was never sent', async (t) => {
  let requests = 0;
  const { port } = await httpServer(t, (_body, _request, response) => {
    if (requests++ === 0) response.end();
  });
  const { client, lost } = await lossOf(t, port, { timeoutMs: 300 });
  const replies = await Promise.all([send(client, pattern(10)), send(client, pattern(10)), send(client, pattern(10))]);
  assert.deepEqual(
    replies.map(({ status }) => status),
    ['OK', 'DEADLINE_EXCEEDED', notSent],
  );
  assert.match(await lost, /300 ms/);
  assert.equal(requests, 2);
  assert.equal((await send(client, pattern(10))).status, notSent);
});

test('a server that ends the connection with its reply, or while it is idle, is told of', async (t) => {
  const closing = await httpServer(t, (_body, _request, response) => response.setHeader('connection', 'close').end());
  const last = await lossOf(t, closing.port);
  const replies = await Promise.all([send(last.client, pattern(10)), send(last.client, pattern(10))]);
  assert.deepEqual(
    replies.map(({ status }) => status),
    ['OK', notSent],
  );
  assert.match(await last.lost, /ended the connection with its reply/);

  const idle = await httpServer(t, (_body, _request, response) => response.end());
  const later = await lossOf(t, idle.port);
  assert.deepEqual(await send(later.client, pattern(10)), okReply);
  idle.sockets[0].end();
  assert.match(await later.lost, /closed the connection/);
  assert.equal(later.client.usable(), false);
});

test('a connection that breaks under way is TRANSPORT, once, and a reply in parts that breaks too', async (t) => {
  const cut = await httpServer(t, (_body, _request, response) => response.socket?.destroy());
  const first = await lossOf(t, cut.port);
  const replies = await Promise.all([send(first.client, pattern(10)), send(first.client, pattern(10))]);
  assert.deepEqual(
    replies.map(({ status }) => status),
    ['TRANSPORT', notSent],
  );
  await first.lost;
  const half = await httpServer(t, (_body, _request, response) => {
    response.setHeader('content-length', '10');
    response.write('12345', () => response.socket?.destroy());
  });
  const second = await lossOf(t, half.port);
  assert.equal((await send(second.client, pattern(10))).status, 'TRANSPORT');
});

test('a client that is closed fails what is under way and tells nobody else', async (t) => {
  const { port } = await httpServer(t, () => {});
  const onUnusable = (): void => assert.fail('its owner knows');
  const client = await clientFor(t, 'native', port, { ...http, onUnusable });
  const replies = [send(client, pattern(10)), send(client, pattern(10))];
  client.close();
  client.close();
  for (const { ok } of await Promise.all(replies)) assert.equal(ok, false);
  assert.equal(client.inFlight(), 0);
});

test('a server that does not speak HTTP/1.1 is told of with the first request', async (t) => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => socket.end(Buffer.from('000006040000000000', 'hex')));
  });
  const { client, lost } = await lossOf(t, await listening(t, server));
  const { status, message } = await send(client, pattern(10));
  assert.equal(status, 'TRANSPORT');
  assert.match(message, /does not speak HTTP\/1\.1/);
  await lost;
});

test('nothing listens there', async (t) => {
  const server = createTcpServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const message = new RegExp(`^127\\.0\\.0\\.1:${port}: nothing listens there`);
  await assert.rejects(clientFor(t, 'native', port, http), { code: 'CONNECT', message });
});
